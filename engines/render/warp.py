"""Face state to picture on one CPU core: the layered warp of an avatar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.base import I420, Before, EngineError, FaceState, Portrayal, Puppet
from visavis.engines.render import posing
from visavis.models.avatar.file import Avatar
from visavis.models.pictures import double
from visavis.models.warp import instant, kernel, kernel_patch, scene
from visavis.models.warp.kernel_matte import draw_matte

Floats = npt.NDArray[np.float32]

LOOSE: Final = 0.22  # of a mouth's patch, from its rim on, over which it joins a picture that stays


class WarpGenerator:
    """engines.base.Generator on the CPU: a puppet is a scene, a picture one thread's work."""

    patches: Final = True

    def __init__(self, width: int, height: int) -> None:
        if width % 2 or height % 2 or width < 64 or height < 64:
            message = f"picture size {width} x {height}: both must be even and at least 64"
            raise EngineError(message)
        self.width = width
        self.height = height
        self.batch = 1

    def prepare(self, avatar: Avatar) -> Puppet:
        """Pack textures and scale grids: some tenths of a second."""
        return Puppet(scene.build(avatar, self.width, self.height))

    def release(self, puppet: Puppet) -> None:
        """Nothing to do: a scene is memory that goes with its last user."""

    def draw(self, portrayals: Sequence[Portrayal], deadline: float) -> list[I420]:
        """One after the other, as quickly as it goes."""
        return [_drawn(one) for one in portrayals]

    def close(self) -> None:
        """Nothing to do."""


def _drawn(one: Portrayal) -> I420:
    prepared = _scene(one.puppet)
    return draw(prepared, one.state) if one.over is None else speak(prepared, one.state, one.over)


def _scene(puppet: Puppet) -> scene.Scene:
    if not isinstance(puppet, scene.Scene):
        message = "the puppet was prepared by another generator"
        raise EngineError(message)
    return puppet


def draw(prepared: scene.Scene, state: FaceState) -> I420:
    """A new (height * 3 // 2, width) uint8 picture, or a double one. Raises EngineError."""
    posing.check(state)
    amount, motion = posing.controls(state), _motion(prepared, state)
    picture = prepared.plate.copy()
    planes = planes_of(prepared, picture)
    turn = instant.turn(prepared.light, motion)
    flow = _draw_base(prepared, amount, motion, turn, planes)
    if prepared.matted:
        draw_matte(
            flow,
            instant.BASE_STEP,
            kernel.Texture(prepared.texture, prepared.origin),
            kernel.Tiles(prepared.seen, prepared.clear),
            double.matte(picture, prepared.height),
        )
    places = _places(prepared, amount, motion)
    first = 0
    for gap in prepared.gaps:
        last = first + len(gap.atlas)
        seen = _forward(gap.sheets, amount, motion)
        draw_gap(prepared, gap, amount, seen, turn, places[first:last], planes)
        first = last
    return picture


def _motion(prepared: scene.Scene, state: FaceState) -> Floats:
    return posing.view(prepared.body, state.pose, state.torso)


def speak(prepared: scene.Scene, state: FaceState, before: Before) -> I420:
    """A copy of the picture before, with the mouth as it is in `state`. Raises EngineError.

    The head stays where it was, and the skin of the patch moves less the nearer it is to its rim,
    so that there is no seam: there both pictures are the same.
    """
    posing.check(state)
    posing.check(before.state)
    picture = before.image.copy()
    if picture.shape != prepared.plate.shape:
        message = f"the picture before has the shape {picture.shape}"
        raise EngineError(message)
    amount, motion = posing.controls(state), _motion(prepared, before.state)
    held = posing.controls(before.state)
    planes = planes_of(prepared, picture)
    turn = instant.turn(prepared.light, motion)
    places = _places(prepared, amount, motion)
    first = 0
    for gap in prepared.gaps:
        last = first + len(gap.atlas)
        if not gap.side:
            still = _forward(gap.sheets, held, motion)
            rows, columns = gap.sheets.share.shape
            seen = still + looseness(rows // 2, columns) * (
                _forward(gap.sheets, amount, motion) - still
            )
            draw_gap(prepared, gap, amount, seen, turn, places[first:last], planes)
        first = last
    return picture


@lru_cache(maxsize=8)
def looseness(rows: int, columns: int) -> Floats:
    """(2 * rows, columns, 1): how far nodes of two sheets move by themselves, 0 at their rims."""
    down, across = (np.linspace(0, 1, n, dtype=np.float32) for n in (rows, columns))
    rim = np.minimum.outer(np.minimum(down, 1 - down), np.minimum(across, 1 - across))
    share = np.clip(rim / LOOSE, 0, 1)
    smooth = share * share * (3 - 2 * share)
    return np.asarray(np.concatenate([smooth, smooth])[..., None], np.float32)


def _draw_base(
    prepared: scene.Scene, amount: Floats, motion: Floats, turn: Floats, planes: kernel.Picture
) -> Floats:
    """What of the base is seen at each node of the picture."""
    net, left_right = prepared.base, prepared.cheeks
    flow: Floats = kernel.open_base(
        kernel.Net(net.rest, net.fields, net.rows, net.share),
        _body(prepared, turn),
        (*left_right, np.float32(instant.CROWDED * net.box[2])),
        amount,
        motion,
        instant.BASE_STEP,
        kernel.Texture(prepared.texture, prepared.origin),
        kernel.Tiles(prepared.seen, prepared.clear),
        planes,
    )
    return flow


def _body(prepared: scene.Scene, turn: Floats) -> kernel.Body:
    return kernel.Body(prepared.relief, prepared.base.share, prepared.base.box, turn)


def _places(prepared: scene.Scene, amount: Floats, motion: Floats) -> Floats:
    """(n, 2, 3): picture px -> texels of every sprite."""
    out = np.empty((len(prepared.sizes), 2, 3), np.float32)
    kernel.place(_forward(prepared.sprites, amount, motion), prepared.sizes, out)
    return out


def draw_gap(
    prepared: scene.Scene, gap: scene.Gap, amount: Floats, seen: Floats, turn: Floats,
    places: Floats, planes: kernel.Picture,
) -> None:  # fmt: skip
    """seen: where the nodes of its sheets are, from `_forward`."""
    box = _box(prepared, seen)
    if box is None:
        return
    closed = instant.closed(gap, amount)
    texture, origin = prepared.texture, prepared.origin
    if gap.lid and closed > 0:
        texture, origin = _bare(gap.lid, closed), gap.lid.origin
    seen_at = kernel_patch.open_patch(
        seen,
        gap.sheets.box,
        (*box, instant.PATCH_STEP),
        _body(prepared, turn),
        kernel.Texture(texture, origin),
        kernel_patch.Sheets(gap.edges, gap.corner, gap.margin, prepared.masked or None),
        kernel_patch.Inside(gap.atlas, places, gap.back, instant.shade(gap, amount), gap.rim),
        planes,
    )
    if gap.lid and closed > 0:
        now = instant.lashes(closed)
        kernel_patch.draw_lashes(kernel_patch.Seen(*seen_at), _lashes(gap.lid), now, planes)


def _box(prepared: scene.Scene, seen: Floats) -> tuple[int, int, int, int] | None:
    """Left, top (even) and node counts of the picture's part that a patch may touch."""
    left, top, right, bottom = kernel.span(seen)  # numpy's min and max of an axis take 0.1 ms
    x0, y0 = max(2 * math.floor(left / 2), 0), max(2 * math.floor(top / 2), 0)
    x1, y1 = min(right, prepared.width - 1), min(bottom, prepared.height - 1)
    if x1 <= x0 or y1 <= y0:
        return None
    columns, rows = (math.ceil(side / instant.PATCH_STEP) + 1 for side in (x1 - x0, y1 - y0))
    return x0, y0, columns, rows


def _lashes(lid: scene.Lid) -> kernel_patch.Lashes:
    tall = np.float32(lid.tall)
    return kernel_patch.Lashes(lid.lashes, lid.origin, lid.edge, lid.fall, tall, lid.colour)


def _bare(lid: scene.Lid, closed: float) -> npt.NDArray[np.uint32]:
    """The texture around an eye with the lashes of its upper lid gone, and its fold going."""
    out = np.empty_like(lid.open)
    bare, smooth = instant.skin(closed)
    kernel_patch.blend(lid.open, lid.bare, bare, out)
    kernel_patch.blend(out, lid.smooth, smooth, out)
    return out


def planes_of(prepared: scene.Scene, picture: I420) -> kernel.Picture:
    width, height = prepared.width, prepared.height
    if prepared.matted:
        return kernel.Picture(*double.planes(picture, height))
    flat = picture.reshape(-1)
    luma, quarter = width * height, width * height // 4
    half = (height // 2, width // 2)
    return kernel.Picture(
        flat[:luma].reshape(height, width),
        flat[luma : luma + quarter].reshape(half),
        flat[luma + quarter :].reshape(half),
    )


def _forward(net: scene.Net, amount: Floats, motion: Floats) -> Floats:
    seen = np.empty((*net.share.shape, 2), np.float32)
    kernel.forward(net.rest, net.fields, net.rows, amount, net.share, motion, seen)
    return seen


def positions(prepared: scene.Scene, amount: Floats, motion: Floats) -> Floats:
    """(h, w, 2): where the nodes of the base are drawn, px of the picture."""
    net = prepared.base
    seen = _forward(net, amount, motion)
    kernel.unfold(seen, *prepared.cheeks, np.float32(instant.CROWDED * net.box[2]))
    return seen
