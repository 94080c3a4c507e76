"""Face state to picture on one CPU core: the layered warp of an avatar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from visavis.engines.base import I420, EngineError, FaceState, Portrayal, Puppet
from visavis.engines.render import posing
from visavis.models.avatar.file import Avatar
from visavis.models.warp import instant, kernel, kernel_patch, scene

Floats = npt.NDArray[np.float32]


class WarpGenerator:
    """engines.base.Generator on the CPU: a puppet is a scene, a picture one thread's work."""

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
        return [draw(_scene(one.puppet), one.state) for one in portrayals]

    def close(self) -> None:
        """Nothing to do."""


def _scene(puppet: Puppet) -> scene.Scene:
    if not isinstance(puppet, scene.Scene):
        message = "the puppet was prepared by another generator"
        raise EngineError(message)
    return puppet


def draw(prepared: scene.Scene, state: FaceState) -> I420:
    """A new (height * 3 // 2, width) uint8 picture. Raises EngineError."""
    posing.check(state)
    amount, motion = posing.controls(state), posing.view(prepared.body, state.pose)
    picture = prepared.plate.copy()
    planes = _planes(picture, prepared.width, prepared.height)
    turn = instant.turn(prepared.light, motion)
    _draw_base(prepared, amount, motion, turn, planes)
    places = _places(prepared, amount, motion)
    first = 0
    for gap in prepared.gaps:
        last = first + len(gap.atlas)
        _draw_gap(prepared, gap, amount, motion, turn, places[first:last], planes)
        first = last
    return picture


def _draw_base(
    prepared: scene.Scene, amount: Floats, motion: Floats, turn: Floats, planes: kernel.Picture
) -> None:
    seen = positions(prepared, amount, motion)
    rows, columns = (-(-n // instant.BASE_STEP) + 1 for n in (prepared.height, prepared.width))
    flow = np.empty((rows, columns, 2), np.float32)
    kernel.invert(seen, prepared.base.box, instant.BASE_STEP, 0, 0, flow)
    kernel.draw_base(
        flow,
        _gain(prepared, flow, turn),
        instant.BASE_STEP,
        kernel.Texture(prepared.texture, prepared.origin),
        kernel.Tiles(prepared.seen, prepared.clear),
        planes,
    )


def _gain(prepared: scene.Scene, flow: Floats, turn: Floats) -> Floats:
    out = np.empty(flow.shape[:2], np.float32)
    kernel.light(flow, prepared.relief, prepared.base.share, prepared.base.box, turn, out)
    return out


def _places(prepared: scene.Scene, amount: Floats, motion: Floats) -> Floats:
    """(n, 2, 3): picture px -> texels of every sprite."""
    out = np.empty((len(prepared.sizes), 2, 3), np.float32)
    kernel.place(_forward(prepared.sprites, amount, motion), prepared.sizes, out)
    return out


def _draw_gap(
    prepared: scene.Scene, gap: scene.Gap, amount: Floats, motion: Floats, turn: Floats,
    places: Floats, planes: kernel.Picture,
) -> None:  # fmt: skip
    seen = _forward(gap.sheets, amount, motion)
    box = _box(prepared, seen)
    if box is None:
        return
    x0, y0, columns, rows = box
    flows = np.empty((2, rows, columns, 2), np.float32)
    half = len(seen) // 2
    kernel.invert(seen[:half], gap.sheets.box, instant.PATCH_STEP, x0, y0, flows[0])
    kernel.invert(seen[half:], gap.sheets.box, instant.PATCH_STEP, x0, y0, flows[1])
    closed = instant.closed(gap, amount)
    texture, origin = prepared.texture, prepared.origin
    if gap.lid and closed > 0:
        texture, origin = _bare(gap.lid, closed), gap.lid.origin
    gains = np.stack([_gain(prepared, flow, turn) for flow in flows])
    seen_at = kernel_patch.Seen(flows, gains, instant.PATCH_STEP, x0, y0)
    kernel_patch.draw_patch(
        seen_at,
        kernel.Texture(texture, origin),
        kernel_patch.Sheets(gap.edges, gap.corner, gap.margin),
        kernel_patch.Inside(gap.atlas, places, gap.back, instant.shade(gap, amount)),
        planes,
    )
    if gap.lid and closed > 0:
        now = instant.lashes(closed)
        kernel_patch.draw_lashes(seen_at, _lashes(gap.lid), now, planes)


def _box(prepared: scene.Scene, seen: Floats) -> tuple[int, int, int, int] | None:
    """Left, top (even) and node counts of the picture's part that a patch may touch."""
    flat = seen.reshape(-1, 2)
    low = np.maximum(np.floor(flat.min(0) / 2) * 2, 0)
    high = np.minimum(flat.max(0), (prepared.width - 1, prepared.height - 1))
    if (high <= low).any():
        return None
    count = np.ceil((high - low) / instant.PATCH_STEP).astype(int) + 1
    return int(low[0]), int(low[1]), int(count[0]), int(count[1])


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


def _planes(picture: I420, width: int, height: int) -> kernel.Picture:
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
