"""An avatar made of a clip, prepared for one picture size: its portrait's rig over each picture.

Only the mouth is drawn as a patch: eyes, head and body are the person's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models import arkit
from visavis.models.avatar.clip import Clip
from visavis.models.avatar.file import Avatar
from visavis.models.avatar.rig import CONTROLS, nodes
from visavis.models.errors import AvatarError
from visavis.models.warp import bearing, scene
from visavis.models.warp.kernel import Texture, Tiles
from visavis.models.warp.kernel_clip import Layer, Lie
from visavis.models.warp.reel import Reel
from visavis.models.warp.scene import Bytes, Floats, Gap, Net, Scene

STEP: Final = 8  # px between the nodes at which the base is inverted
HELD: Final = 0.002  # share in what units do from which on a node counts
AROUND: Final = 8  # px around what they reach that are drawn, too
PITCH: Final = 3.0  # px of a frame of 512 between the nodes of a patch
# What the clip's own eyes, chest and hair do is not done once more.
OWN: Final = (
    *(arkit.INDEX[name] for name in arkit.NAMES if name.startswith("eye")),
    *range(arkit.COUNT, len(CONTROLS)),
)


@dataclass(frozen=True, slots=True)
class Mouth:
    """gap: as on the portrait; nodes: across and down of the patch on a picture, pitch px apart;
    middle (3,): its middle on the portrait."""

    gap: Gap
    layer: Layer
    nodes: tuple[int, int]
    pitch: int
    middle: Floats

    def laid(self, edges: Bytes, left: int, top: int) -> Gap:
        """The gap with edges as they lie in one picture, their first px at left, top."""
        corner = np.array([left, top], np.float32)
        box = np.array([left, top, self.pitch], np.float32)
        return replace(
            self.gap, edges=edges, corner=corner, sheets=replace(self.gap.sheets, box=box)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Moving:
    """scene: of the portrait, without texture and eyes. cameras (n, 2, 4), bends (n, h, w, 2), net
    (3,): of the clip, in px of the picture. window (4,): left, top, right and bottom of what units
    reach, px, even; cut: side of the clip's pictures in px of this one, and
    left and top of it there.
    """

    scene: Scene
    clip: Clip
    reel: Reel
    cameras: Floats
    bends: Floats
    net: Floats
    base: Layer
    mouth: Mouth
    sprites: Layer
    sizes: Floats
    window: npt.NDArray[np.int64]
    tiles: Tiles
    cut: tuple[int, int, int]

    @property
    def width(self) -> int:
        return self.scene.width

    @property
    def height(self) -> int:
        return self.scene.height

    def textured(self, texture: Texture) -> Scene:
        """What patches are drawn from, with another texture than the portrait's."""
        return replace(self.scene, texture=texture.words, origin=texture.origin)

    def lie(self, number: int) -> Lie:
        """How the portrait lies in picture `number`."""
        return Lie(self.cameras[number], self.bends[number], self.net)

    def amounts(self, amounts: Floats, meant: Floats) -> Floats:
        """What is left of posing.controls for this rig, what bearing.amounts made of what is meant
        of a pose and a look, and 1 for how the lips are at rest."""
        own = np.concatenate([amounts, meant, np.ones(1, np.float32)]).astype(np.float32)
        own[list(OWN)] = 0
        return own

    def framed(self, number: int) -> Bytes:
        """(height * 3 // 2, width) I420, new: the clip's picture `number`."""
        image, side = self.reel.picture(number), self.clip.side
        size, left, top = self.cut
        if (size, left, top, self.width, self.height) == (side, 0, 0, side, side):
            return image.copy()
        out = np.empty((self.height * 3 // 2, self.width), np.uint8)
        flat = out.reshape(-1)
        at = 0
        for plane, part in zip(_planes(image, side), (1, 2, 2), strict=True):
            w, h = self.width // part, self.height // part
            how = cv2.INTER_AREA if size < side else cv2.INTER_CUBIC
            whole = (
                plane
                if size == side
                else cv2.resize(plane, (size // part, size // part), interpolation=how)
            )
            x, y = left // part, top // part
            flat[at : at + w * h].reshape(h, w)[:] = whole[y : y + h, x : x + w]
            at += w * h
        return out

    def window_of(self, lie: Lie) -> tuple[int, int, int]:
        """Left, top and pitch of the mouth's nodes in a picture; even."""
        x, y = lie.camera[:, :3] @ self.mouth.middle + lie.camera[:, 3]
        columns, rows = self.mouth.nodes
        pitch = self.mouth.pitch
        left, top = x - (columns - 1) * pitch / 2, y - (rows - 1) * pitch / 2
        return 2 * round(float(left) / 2), 2 * round(float(top) / 2), pitch


def _planes(image: Bytes, side: int) -> list[Bytes]:
    flat, half = image.reshape(-1), side // 2
    luma, quarter = side * side, half * half
    return [
        flat[:luma].reshape(side, side),
        flat[luma : luma + quarter].reshape(half, half),
        flat[luma + quarter :].reshape(half, half),
    ]


def build(avatar: Avatar, width: int, height: int) -> Moving:
    """Prepare `avatar`, which has a clip, for pictures of width x height px. Raises AvatarError."""
    clip = avatar.clip
    assert clip is not None
    whole = scene.build(avatar, width, height)
    k = max(width, height) / avatar.side
    size = 2 * round(avatar.side * k / 2)
    left, top = (2 * round(float(v) / 2) for v in ((size - width) * 0.5, (size - height) * 0.25))
    offset = whole.base.box[:2] - k * np.array(avatar.base.corner, np.float32)
    cameras, bends = _scaled(clip, k, offset, size / avatar.side, (left, top))
    net = np.array([*(np.array(clip.corner) * k + offset), clip.pitch * k], np.float32)
    meant = bearing.fields(avatar, whole)
    base = _base(whole.base, whole.body.camera, clip.hold, meant)
    gap = next(g for g in whole.gaps if not g.side)
    first = sum(len(g.atlas) for g in whole.gaps[: whole.gaps.index(gap)])
    count = len(gap.atlas)
    window = _window(base, cameras, (width, height))
    opaque = np.full((2 * height, 2 * width), 255, np.uint8)
    empty = np.zeros((4, 4), np.uint32)
    plain = replace(whole, texture=empty, gaps=(gap,), plate=whole.plate[:1])
    return Moving(
        scene=plain,
        clip=clip,
        reel=Reel(clip),
        cameras=cameras,
        bends=bends,
        net=net,
        base=base,
        mouth=_mouth(gap, whole, clip.hold, meant, k),
        sprites=_sprites(whole, first, count, meant),
        sizes=whole.sizes[first : first + count],
        window=window,
        tiles=Tiles(*scene.tiles(opaque)),
        cut=(size, left, top),
    )


def _scaled(
    clip: Clip, k: float, offset: Floats, per: float, cut: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Cameras and bends from px of the frame to px of the picture.

    k, offset: of the portrait's rig; per: px of the clip's picture there a px of the frame; cut.
    """
    turns = clip.cameras[..., :3] * (per / k)
    moved = clip.cameras[..., 3] - clip.cameras[..., :2] @ (offset / k)
    shifts = per * (moved + 0.5) - 0.5 - np.array(cut, np.float32)
    cameras = np.concatenate([turns, shifts[..., None]], -1)
    return np.ascontiguousarray(cameras, np.float32), np.ascontiguousarray(clip.bends * per)


def _flat(net: Net, camera: Floats, even: bool) -> Floats:
    """(h, w, 3): where nodes are seen from the front, and their depth; even: as in the grid."""
    depth = net.rest[..., 2:]
    flat = camera[:2] + (net.rest[..., :2] - camera[:2]) * _nearer(net, camera)
    if even:
        flat = nodes((float(net.box[0]), float(net.box[1])), float(net.box[2]), net.share.shape)
    return np.ascontiguousarray(np.concatenate([flat, depth], -1), np.float32)


def _nearer(net: Net, camera: Floats) -> Floats:
    return np.asarray(camera[2] / (camera[2] - net.rest[..., 2:]), np.float32)


def _layer(flat: Floats, box: Floats, units: Floats, meant: Floats, rest: Floats | None) -> Layer:
    """A layer whose fields are those of units, of what is meant, and `rest`, which is always."""
    last = np.zeros_like(flat) if rest is None else rest
    whole = np.concatenate([units, meant, last[None]])
    fields = np.ascontiguousarray(whole, np.float32)
    return Layer(np.ascontiguousarray(flat), fields, scene.moving_rows(fields), box)


def _base(net: Net, camera: Floats, hold: Floats, meant: Floats) -> Layer:
    """Without the rows and columns that take no part in anything."""
    taking = (hold > HELD) | (np.abs(meant).max(axis=(0, 3)) > HELD)
    rows, columns = (np.flatnonzero(taking.any(axis)) for axis in (1, 0))
    r = slice(max(int(rows[0]) - 2, 0), int(rows[-1]) + 3)
    c = slice(max(int(columns[0]) - 2, 0), int(columns[-1]) + 3)
    units = (net.fields * (_nearer(net, camera) * hold[..., None]))[:, r, c]
    box = net.box + np.array([c.start, r.start, 0], np.float32) * net.box[2]
    flat = _flat(net, camera, even=True)[r, c]
    return _layer(flat, box.astype(np.float32), units, meant[:, r, c], None)


def _sprites(whole: Scene, first: int, count: int, meant: Floats) -> Layer:
    """Two rows of nodes a sprite."""
    net, camera = whole.sprites, whole.body.camera
    part = slice(2 * first, 2 * (first + count))
    flat = _flat(net, camera, even=False)[part]
    units = (net.fields * _nearer(net, camera))[:, part]
    own = bearing.read(meant, whole.base.box, flat[..., :2])
    return _layer(flat, net.box, units, own, None)


def _mouth(gap: Gap, whole: Scene, hold: Floats, meant: Floats, k: float) -> Mouth:
    net, camera = gap.sheets, whole.body.camera
    half, columns = net.share.shape[0] // 2, net.share.shape[1]
    even = nodes((float(net.box[0]), float(net.box[1])), float(net.box[2]), (half, columns))
    flat = np.concatenate([np.concatenate([even, even]), net.rest[..., 2:]], -1)
    apart = _flat(net, camera, even=False) - flat
    own = bearing.read(hold[None], whole.base.box, flat[..., :2])[0]
    units = net.fields * _nearer(net, camera) * own[..., None]
    layer = _layer(
        flat.astype(np.float32), net.box, units,
        bearing.read(meant, whole.base.box, flat[..., :2]), apart,
    )  # fmt: skip
    depth = net.rest[..., 2:]
    pitch = max(2, round(PITCH * k))
    wide, tall = (columns - 1) * net.box[2], (half - 1) * net.box[2]
    middle = np.array(
        [net.box[0] + wide / 2, net.box[1] + tall / 2, float(np.median(depth))], np.float32
    )
    return Mouth(gap, layer, (int(wide / pitch) + 1, int(tall / pitch) + 1), pitch, middle)


def _window(base: Layer, cameras: Floats, size: tuple[int, int]) -> npt.NDArray[np.int64]:
    """What anything reaches in any picture of the clip: left, top, right, bottom."""
    at = base.flat.reshape(-1, 3)
    seen = np.einsum("ncf,mf->nmc", cameras[..., :3], at) + cameras[:, None, :, 3]
    low = np.clip(seen.min((0, 1)) - AROUND, 0, size)
    high = np.clip(seen.max((0, 1)) + AROUND, 0, size)
    left, top = (2 * int(v // 2) for v in low)
    right, bottom = (2 * int(np.ceil(v / 2)) for v in high)
    if right - left < 32 or bottom - top < 32:
        raise AvatarError("avatar-invalid", "The face lies outside the clip's pictures.")
    return np.array([left, top, min(right, size[0]), min(bottom, size[1])])
