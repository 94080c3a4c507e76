"""Face state to picture on one CPU core: the layered warp of an avatar."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.base import I420, Before, EngineError, FaceState, Portrayal, Puppet
from visavis.models import arkit
from visavis.models.avatar.file import Avatar
from visavis.models.avatar.rig import BREATH, CONTROLS, GAZE_SPAN, Body
from visavis.models.warp import kernel, kernel_patch, scene

Floats = npt.NDArray[np.float32]

BASE_STEP: Final = 8  # px between the nodes at which the base is inverted
PATCH_STEP: Final = 4
CROWDED: Final = 0.1  # of its width that what has turned out of sight keeps at least
MAX_LOOK: Final = 1.3  # of GAZE_SPAN
LID_HOOD: Final = 0.85  # share of the light that a closing lid and its lashes keep off an eyeball
BARE: Final = 0.4  # of a closed lid, from which on its lashes are drawn by themselves
LOOK_SHUTS: Final = 0.5  # of a blink that a look down is, see models/eyes.TRAVEL
LASHES_OPEN: Final = 50.0  # degrees that lashes point up when the eye is open, and shut
LASHES_SHUT: Final = -35.0
LINE: Final = 0.7  # opacity of the line where two lids meet
LOOSE: Final = 0.22  # of a mouth's patch, from its rim on, over which it joins a picture that stays
LIP_HOOD: Final = 0.65  # share of the light in the mouth that rounded lips keep out


def _index(name: str) -> int:
    return arkit.INDEX[name]


def controls(state: FaceState) -> Floats:
    """(len(CONTROLS),): coefficients with gaze joined in, lids that cannot over-close, breath."""
    amount = np.zeros(len(CONTROLS), np.float32)
    amount[: arkit.COUNT] = np.clip(state.coefficients, 0, 1)
    amount[BREATH] = np.clip(state.breath, 0, 1)
    for side, outward in (("Left", 1.0), ("Right", -1.0)):
        _look(amount, state.gaze, side, outward)
        _limit_lid(amount, side)
    _limit_mouth(amount)
    return amount


def _look(amount: Floats, gaze: Floats, side: str, outward: float) -> None:
    """Gaze and the four eyeLook coefficients of one eye as one look, each way at most once."""
    for plus, minus, angle in (
        (f"eyeLookOut{side}", f"eyeLookIn{side}", outward * float(gaze[0])),
        (f"eyeLookUp{side}", f"eyeLookDown{side}", float(gaze[1])),
    ):
        a, b = _index(plus), _index(minus)
        look = float(np.clip(amount[a] - amount[b] + angle / GAZE_SPAN, -MAX_LOOK, MAX_LOOK))
        amount[a], amount[b] = max(look, 0), max(-look, 0)


def _limit_lid(amount: Floats, side: str) -> None:
    """A closed lid is closed: what else moves it fades as it closes."""
    left = 1 - float(amount[_index(f"eyeBlink{side}")])
    for name in (f"eyeSquint{side}", f"eyeWide{side}"):
        amount[_index(name)] *= left


def _limit_mouth(amount: Floats) -> None:
    """Lips cannot be closed further than the jaw has opened them."""
    jaw, close = _index("jawOpen"), _index("mouthClose")
    amount[close] = min(amount[close], amount[jaw])


def _rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """Degrees as in FaceState; x right, y down, z to the viewer."""
    y, p, r = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    nod = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(tilt @ turn @ nod, np.float32)


def _about(rotation: Floats, pivot: Floats, shift: Floats) -> Floats:
    """(3, 4): turn about a pivot, then shift."""
    return np.hstack([rotation, (pivot - rotation @ pivot + shift)[:, None]]).astype(np.float32)


def view(body: Body, pose: Floats) -> Floats:
    """(3, 3, 4): motion of the head, of the body, and the camera, for kernel.forward."""
    yaw, pitch, roll, x, y, z = (float(v) for v in pose)
    shift = np.array([x, -y, z], np.float32) * body.interocular
    f = body.follow
    own = _rotation(yaw * f[0], pitch * f[1], roll * f[2])
    camera = np.zeros((3, 4), np.float32)
    camera[0, :3] = body.camera
    head = _about(_rotation(yaw, pitch, roll), body.head_pivot, shift)
    return np.stack([head, _about(own, body.body_pivot, shift * f[3]), camera])


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
    """A new (height * 3 // 2, width) uint8 picture. Raises EngineError."""
    _check(state)
    amount, motion = controls(state), view(prepared.body, state.pose)
    picture = prepared.plate.copy()
    planes = _planes(picture, prepared.width, prepared.height)
    turn = _turn(prepared, motion)
    _draw_base(prepared, amount, motion, turn, planes)
    places = _places(prepared, amount, motion)
    first = 0
    for gap in prepared.gaps:
        last = first + len(gap.atlas)
        seen = _forward(gap.sheets, amount, motion)
        _draw_gap(prepared, gap, amount, seen, turn, places[first:last], planes)
        first = last
    return picture


def speak(prepared: scene.Scene, state: FaceState, before: Before) -> I420:
    """A copy of the picture before, with the mouth as it is in `state`. Raises EngineError.

    The head stays where it was, and the skin of the patch moves less the nearer it is to its rim,
    so that there is no seam: there both pictures are the same.
    """
    _check(state)
    _check(before.state)
    picture = before.image.copy()
    if picture.shape != (prepared.height * 3 // 2, prepared.width):
        message = f"the picture before has the shape {picture.shape}"
        raise EngineError(message)
    amount, motion = controls(state), view(prepared.body, before.state.pose)
    held = controls(before.state)
    planes = _planes(picture, prepared.width, prepared.height)
    turn = _turn(prepared, motion)
    places = _places(prepared, amount, motion)
    first = 0
    for gap in prepared.gaps:
        last = first + len(gap.atlas)
        if not gap.side:
            still = _forward(gap.sheets, held, motion)
            rows, columns = gap.sheets.share.shape
            seen = still + _looseness(rows // 2, columns) * (
                _forward(gap.sheets, amount, motion) - still
            )
            _draw_gap(prepared, gap, amount, seen, turn, places[first:last], planes)
        first = last
    return picture


@lru_cache(maxsize=8)
def _looseness(rows: int, columns: int) -> Floats:
    """(2 * rows, columns, 1): how far nodes of two sheets move by themselves, 0 at their rims."""
    down, across = (np.linspace(0, 1, n, dtype=np.float32) for n in (rows, columns))
    rim = np.minimum.outer(np.minimum(down, 1 - down), np.minimum(across, 1 - across))
    share = np.clip(rim / LOOSE, 0, 1)
    smooth = share * share * (3 - 2 * share)
    return np.asarray(np.concatenate([smooth, smooth])[..., None], np.float32)


def _turn(prepared: scene.Scene, motion: Floats) -> Floats:
    """(3,): how the light has turned, as the head sees it."""
    turn: Floats = (motion[0, :, :3].T - np.eye(3, dtype=np.float32)) @ prepared.light
    return turn


def _draw_base(
    prepared: scene.Scene, amount: Floats, motion: Floats, turn: Floats, planes: kernel.Picture
) -> None:
    seen = positions(prepared, amount, motion)
    rows, columns = (-(-n // BASE_STEP) + 1 for n in (prepared.height, prepared.width))
    flow = np.empty((rows, columns, 2), np.float32)
    kernel.invert(seen, prepared.base.box, BASE_STEP, 0, 0, flow)
    kernel.draw_base(
        flow,
        _gain(prepared, flow, turn),
        BASE_STEP,
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
    prepared: scene.Scene, gap: scene.Gap, amount: Floats, seen: Floats, turn: Floats,
    places: Floats, planes: kernel.Picture,
) -> None:  # fmt: skip
    """seen: where the nodes of its sheets are, from `_forward`."""
    box = _box(prepared, seen)
    if box is None:
        return
    x0, y0, columns, rows = box
    flows = np.empty((2, rows, columns, 2), np.float32)
    half = len(seen) // 2
    kernel.invert(seen[:half], gap.sheets.box, PATCH_STEP, x0, y0, flows[0])
    kernel.invert(seen[half:], gap.sheets.box, PATCH_STEP, x0, y0, flows[1])
    closed = _closed(gap, amount)
    texture, origin = prepared.texture, prepared.origin
    if gap.lid and closed > 0:
        texture, origin = _bare(gap.lid, closed), gap.lid.origin
    gains = np.stack([_gain(prepared, flow, turn) for flow in flows])
    seen_at = kernel_patch.Seen(flows, gains, PATCH_STEP, x0, y0)
    kernel_patch.draw_patch(
        seen_at,
        kernel.Texture(texture, origin),
        kernel_patch.Sheets(gap.edges, gap.corner, gap.margin),
        kernel_patch.Inside(gap.atlas, places, gap.back, _shade(gap, amount)),
        planes,
    )
    if gap.lid and closed > 0:
        now = (_height(closed), min(closed / BARE, 1), LINE * closed**2)
        kernel_patch.draw_lashes(seen_at, _lashes(gap.lid), np.array(now, np.float32), planes)


def _box(prepared: scene.Scene, seen: Floats) -> tuple[int, int, int, int] | None:
    """Left, top (even) and node counts of the picture's part that a patch may touch."""
    flat = seen.reshape(-1, 2)
    low = np.maximum(np.floor(flat.min(0) / 2) * 2, 0)
    high = np.minimum(flat.max(0), (prepared.width - 1, prepared.height - 1))
    if (high <= low).any():
        return None
    count = np.ceil((high - low) / PATCH_STEP).astype(int) + 1
    return int(low[0]), int(low[1]), int(count[0]), int(count[1])


def _shade(gap: scene.Gap, amount: Floats) -> Floats:
    """What keeps light out of a gap now; see kernel_patch.draw_patch."""
    if gap.hooded:
        return gap.shade + np.array([LIP_HOOD * _rounding(amount), 0, 0, 0, 0, 0], np.float32)
    if not gap.side:
        return gap.shade
    # The photo's own eyeball lies in the shadow of its open lids already.
    shut = amount[_index(f"eyeBlink{gap.side}")]
    shade = gap.shade * np.array([shut, 1, shut, 1, 1, 1], np.float32)
    return shade + np.array([LID_HOOD * shut, 0, 0, 0, 0, 0], np.float32)


def _lashes(lid: scene.Lid) -> kernel_patch.Lashes:
    tall = np.float32(lid.tall)
    return kernel_patch.Lashes(lid.lashes, lid.origin, lid.edge, lid.fall, tall, lid.colour)


def _closed(gap: scene.Gap, amount: Floats) -> float:
    """How far an upper lid is down, in [0, 1]."""
    if not gap.side:
        return 0.0
    blink, down = (amount[_index(f"{unit}{gap.side}")] for unit in ("eyeBlink", "eyeLookDown"))
    return min(float(blink + LOOK_SHUTS * down), 1.0)


def _bare(lid: scene.Lid, closed: float) -> npt.NDArray[np.uint32]:
    """The texture around an eye with the lashes of its upper lid gone, and its fold going."""
    out = np.empty_like(lid.open)
    kernel_patch.blend(lid.open, lid.bare, int(256 * min(closed / BARE, 1)), out)
    kernel_patch.blend(out, lid.smooth, int(256 * closed), out)
    return out


def _height(closed: float) -> float:
    """How high lashes stand over the lid's edge, of their height in the photo."""
    angle = LASHES_OPEN + (LASHES_SHUT - LASHES_OPEN) * closed
    return float(np.sin(np.radians(angle)) / np.sin(np.radians(LASHES_OPEN)))


def _rounding(amount: Floats) -> float:
    """How far the lips are rounded and pushed out, in [0, 1]."""
    return float(max(amount[_index("mouthPucker")], amount[_index("mouthFunnel")]))


def _check(state: FaceState) -> None:
    """Raises EngineError for what cannot be drawn."""
    shapes = (state.coefficients.shape, state.pose.shape, state.gaze.shape)
    if shapes != ((arkit.COUNT,), (6,), (2,)):
        message = f"face state has the shapes {shapes}"
        raise EngineError(message)
    values = (state.coefficients, state.pose, state.gaze, state.breath)
    if not all(np.isfinite(v).all() for v in values):
        message = "face state holds a number that is not finite"
        raise EngineError(message)


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
    kernel.unfold(seen, *prepared.cheeks, np.float32(CROWDED * net.box[2]))
    return seen
