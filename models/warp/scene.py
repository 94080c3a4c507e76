"""An avatar prepared for one picture size: textures packed, grids scaled. Shared by sessions.

Knows the kernels' conventions; draws nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models import arkit
from visavis.models.avatar.file import Avatar
from visavis.models.avatar.rig import Body, Grid, Patch, Sprite
from visavis.models.warp import kernel_patch, lids, matting
from visavis.models.warp.plates import drawn_before, scaled, yuv

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int32]

TILE: Final = 16  # texels
# Lips that part leave the dark line between them behind: in widths of the gap, and px at most
SEAM: Final = (0.3, 2.4)
CHEEKS: Final = 0.9  # interocular distances from a face's middle
FADE: Final = 8.0  # px of the frame over which a patch fades into the base
# H.264's half-sample filter: sharp, and exact where it need not interpolate
HALF_SAMPLE: Final = np.array([1 / 32, -5 / 32, 20 / 32, 20 / 32, -5 / 32, 1 / 32], np.float32)

DIRECT: Final = (0.7, 1.3)  # photo px a texel between which the photo itself is the texture
ANTI_ALIAS: Final = np.array([0.11, 0.78, 0.11], np.float32)  # every second texel is seen


SIDES: Final = {"eye_right": "Right", "eye_left": "Left"}


@dataclass(frozen=True, slots=True)
class Net:
    """A grid in px of the picture; see kernel.forward and kernel.invert."""

    rest: Floats
    share: Floats
    fields: Floats
    rows: Ints
    box: Floats


@dataclass(frozen=True, slots=True)
class Lid:
    """How an upper lid looks as it closes; see kernel_patch.draw_lashes.

    open, bare, smooth: a window of the texture as in the photo, without lashes, and without the
    lid's fold too; origin: its position.
    """

    open: Words
    bare: Words
    smooth: Words
    origin: Floats
    lashes: Bytes
    edge: Floats
    fall: Floats
    tall: float
    colour: Floats


@dataclass(frozen=True, slots=True)
class Gap:
    """A patch in px of the picture; see kernel_patch.draw_patch."""

    sheets: Net  # the upper sheet's rows, then the lower one's
    edges: Bytes
    corner: Floats
    margin: float
    atlas: Words
    back: Floats
    shade: Floats
    rim: Floats
    hooded: bool  # rounded lips keep light out of it
    side: str  # of an eye, Left or Right; "" of the mouth
    shaded: bool  # see rig.Patch
    lid: Lid | None  # of an eye large enough


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is drawn from."""

    width: int
    height: int
    texture: Words
    origin: Floats
    seen: Ints
    clear: Ints
    plate: Bytes
    base: Net
    relief: Floats  # see rig.Light
    light: Floats
    gaps: tuple[Gap, ...]
    sprites: Net  # two rows of two nodes each, in the order of the gaps and their atlases
    sizes: Floats  # (sprites, 2): texels across and down
    body: Body
    cheeks: tuple[int, int]  # columns of the base beyond which a face turns out of sight
    masked: bool = False  # whether patches end where the person does, see kernel_patch.Sheets
    matted: bool = False  # whether its pictures are double; then the plate is, too


@dataclass(frozen=True, slots=True)
class _Fit:
    """How the square frame fills the picture: position * scale + offset."""

    scale: float
    offset: Floats

    def point(self, x: float, y: float) -> Floats:
        return np.array([x, y], np.float32) * self.scale + self.offset

    def net(self, grid: Grid) -> Net:
        rest = grid.rest * self.scale
        rest[..., :2] += self.offset
        fields = np.ascontiguousarray(grid.shifts * self.scale, np.float32)
        left, top = self.point(*grid.corner)
        box = np.array([left, top, grid.pitch * self.scale], np.float32)
        return Net(rest.astype(np.float32), grid.share, fields, moving_rows(fields), box)


def moving_rows(fields: Floats) -> Ints:
    """(K, 2): first and one past the last row in which a field is not zero."""
    active = np.abs(fields).max(axis=(2, 3)) > 1e-3
    first = active.argmax(1)
    last = active.shape[1] - active[:, ::-1].argmax(1)
    last = np.where(active.any(1), last, first)
    return np.stack([first, last], 1).astype(np.int32)


def _fit(avatar: Avatar, width: int, height: int) -> _Fit:
    """Cover the picture; of what does not fit, more is cut below than above."""
    scale = max(width, height) / avatar.side
    spare = np.array([width, height], np.float32) - avatar.side * scale
    offset = spare * np.array([0.5, 0.25], np.float32) + 0.5 * scale - 0.5
    return _Fit(scale, offset.astype(np.float32))


def _pack(rgb: Bytes, alpha: Bytes) -> Words:
    """(h, w) uint32: Y | U << 8 | A << 16 | V << 24."""
    return _words(yuv(rgb), alpha)


def _words(yuv: Bytes, alpha: Bytes) -> Words:
    y, u, v = np.moveaxis(yuv.astype(np.uint32), -1, 0)
    return np.ascontiguousarray(y | u << 8 | alpha.astype(np.uint32) << 16 | v << 24)


def _doubled(image: Bytes) -> Bytes:
    """Twice the samples: the even ones as they were, half-sample filtered ones between."""
    height, width = image.shape[:2]
    out = np.empty((2 * height, 2 * width, *image.shape[2:]), np.uint8)
    across = _between(image, HALF_SAMPLE[None], (2, 0))
    out[::2, ::2] = image
    out[::2, 1::2] = across
    out[1::2, ::2] = _between(image, HALF_SAMPLE[:, None], (0, 2))
    out[1::2, 1::2] = _between(across, HALF_SAMPLE[:, None], (0, 2))
    return out


def _fine(image: Bytes, avatar: Avatar, scale: float) -> Bytes:
    """The photo at two texels a px of the picture, even texels at the px themselves.

    From a photo with that much detail it is read directly: a moving face then stays as sharp as a
    resting one. Otherwise it is interpolated.
    """
    step = avatar.density / (2 * scale)  # photo px a texel
    if not DIRECT[0] <= step <= DIRECT[1]:
        return _doubled(scaled(image, avatar, scale))
    side = 2 * round((avatar.side + 2 * avatar.margin) * scale)
    first = avatar.density / scale * 0.5 - 0.5
    matrix = np.array([[step, 0, first], [0, step, first]], np.float32)
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    fine = cv2.warpAffine(image, matrix, (side, side), flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.sepFilter2D(fine, -1, ANTI_ALIAS, ANTI_ALIAS), np.uint8)


def _between(image: Bytes, weights: Floats, anchor: tuple[int, int]) -> Bytes:
    """The samples half way to the next px along the axis of `weights`."""
    repeat = cv2.BORDER_REPLICATE
    return np.asarray(cv2.filter2D(image, -1, weights, anchor=anchor, borderType=repeat), np.uint8)


def _running(tiles: npt.NDArray[np.bool_]) -> Ints:
    out = np.zeros((tiles.shape[0] + 1, tiles.shape[1] + 1), np.int32)
    out[1:, 1:] = tiles.cumsum(0).cumsum(1)
    return out


def tiles(alpha: Bytes) -> tuple[Ints, Ints]:
    """Running sums of tiles that are not all transparent, and not all opaque."""
    rows, columns = (-(-n // TILE) for n in alpha.shape)
    padded = np.pad(
        alpha, ((0, rows * TILE - alpha.shape[0]), (0, columns * TILE - alpha.shape[1])), "edge"
    )
    blocks = padded.reshape(rows, TILE, columns, TILE)
    return _running(blocks.max(axis=(1, 3)) > 0), _running(blocks.min(axis=(1, 3)) < 255)


def _stacked(nets: list[Net]) -> Net:
    """Nets of the same width as one, for one call of the kernel."""
    fields = np.concatenate([n.fields for n in nets], 1)
    return Net(
        np.concatenate([n.rest for n in nets]),
        np.concatenate([n.share for n in nets]),
        fields,
        moving_rows(fields),
        nets[0].box,
    )


def _atlas(sprites: tuple[Sprite, ...]) -> Words:
    """(n, h, w): sprites, each in a transparent rim of one texel."""
    height = max(s.picture.shape[0] for s in sprites) + 2
    width = max(s.picture.shape[1] for s in sprites) + 2
    atlas = np.zeros((len(sprites), height, width), np.uint32)
    for plane, sprite in zip(atlas, sprites, strict=True):
        h, w = sprite.picture.shape[:2]
        plane[1 : h + 1, 1 : w + 1] = _pack(sprite.picture[..., :3], sprite.picture[..., 3])
    _bleed(atlas, sprites)
    return atlas


def _bleed(atlas: Words, sprites: tuple[Sprite, ...]) -> None:
    """Give the transparent rim its neighbour's colour, or edges would be drawn dark."""
    for plane, sprite in zip(atlas, sprites, strict=True):
        h, w = sprite.picture.shape[:2]
        inner = plane[1 : h + 1, 1 : w + 1]
        colour = np.pad(inner & np.uint32(0xFF00FFFF), 1, "edge")
        rim = np.ones_like(colour, bool)
        rim[1:-1, 1:-1] = False
        plane[: h + 2, : w + 2][rim] = colour[rim]


def _gap(name: str, patch: Patch, fit: _Fit, texture: Words, origin: Floats) -> Gap:
    up, up_reach, low, low_reach = patch.shade
    share, most = SEAM if name == "mouth" else (0.0, 0.0)
    reach = 1 / (up_reach * fit.scale), 1 / (low_reach * fit.scale)
    shade = [up, reach[0], low, reach[1], share, most * fit.scale]
    edges = patch.edges
    if fit.scale != 1:
        edges = _scaled_edges(edges, fit.scale)
    return Gap(
        sheets=_stacked([fit.net(patch.upper), fit.net(patch.lower)]),
        edges=edges,
        corner=fit.point(*patch.upper.corner),
        margin=FADE * fit.scale,
        atlas=_atlas(patch.sprites),
        back=yuv(np.array([patch.back], np.uint8))[0].astype(np.float32),
        shade=np.array(shade, np.float32),
        rim=np.array(
            [*yuv(np.array([patch.rim[:3]], np.uint8))[0], patch.rim[3] * fit.scale], np.float32
        ),
        hooded=name == "mouth",
        side=SIDES.get(name, ""),
        shaded=patch.shaded,
        lid=_lid(SIDES[name], patch, edges, fit, texture, origin) if name in SIDES else None,
    )


def _lid(
    side: str, patch: Patch, edges: Bytes, fit: _Fit, texture: Words, origin: Floats
) -> Lid | None:
    """None where the patch has no edge of an upper lid."""
    unit, zero = kernel_patch.EDGE_UNIT, kernel_patch.EDGE_ZERO
    rim = lids.edge((edges[0].astype(np.float32) - zero) / unit)
    if rim is None:
        return None
    corner = fit.point(*patch.upper.corner)
    left, top = (max(int(v), 0) for v in np.floor((corner - origin) * lids.TEXELS))
    h, w = (lids.TEXELS * n for n in edges.shape[1:])
    words = np.ascontiguousarray(texture[top : top + h, left : left + w])
    here = origin + np.array([left, top], np.float32) / lids.TEXELS
    picture = np.stack([words & 255, words >> 8 & 255, words >> 24], -1).astype(np.float32)
    start = np.asarray(here - corner, np.float32)
    inner = -1 if side == "Left" else 1
    look = lids.shut(picture, start, rim, _travel(patch, side, start, words.shape, fit), inner)
    alpha = np.asarray(words >> 16, np.uint8)
    bare, smooth = (
        _words(np.asarray(np.clip(np.round(colours), 0, 255), np.uint8), alpha)
        for colours in (look.bare, look.smooth)
    )
    return Lid(
        words,
        bare,
        smooth,
        here.astype(np.float32),
        look.lashes,
        np.array([*(rim.left + corner), *rim.across, rim.width, rim.first], np.float32),
        rim.fall,
        float(lids.LONG[1] * rim.width),
        look.colour,
    )


def _travel(patch: Patch, side: str, start: Floats, shape: tuple[int, ...], fit: _Fit) -> Floats:
    """(h, w) in [0, 1] at texels from `start` (px from the patch's corner) on: how much they go
    along with the lid."""
    travel = np.abs(patch.upper.shifts[arkit.INDEX[f"eyeBlink{side}"], ..., 1])
    rows, columns = np.mgrid[: shape[0], : shape[1]] / lids.TEXELS
    pitch = patch.upper.pitch * fit.scale
    x = np.asarray((columns + start[0]) / pitch, np.float32)
    y = np.asarray((rows + start[1]) / pitch, np.float32)
    own = cv2.remap(travel, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.clip(2 * own / max(float(travel.max()), 1e-3), 0, 1), np.float32)


def _scaled_edges(edges: Bytes, scale: float) -> Bytes:
    """The same distances in px of the picture, sample (0, 0) still at the corner."""
    h, w = (int(np.floor((n - 1) * scale)) + 1 for n in edges.shape[1:])
    matrix = np.array([[1 / scale, 0, 0], [0, 1 / scale, 0]], np.float32)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    planes = []
    for plane in edges:
        signed = (plane.astype(np.float32) - 128) * scale
        planes.append(cv2.warpAffine(signed, matrix, (w, h), flags=how, borderMode=1))
    return np.clip(np.round(np.stack(planes) + 128), 0, 255).astype(np.uint8)


def _scaled_body(body: Body, fit: _Fit) -> Body:
    def moved(point: Floats) -> Floats:
        out = point * fit.scale
        out[:2] += fit.offset
        return out.astype(np.float32)

    camera = np.array(
        [*fit.point(body.camera[0], body.camera[1]), body.camera[2] * fit.scale], np.float32
    )
    return Body(
        moved(body.head_pivot),
        moved(body.body_pivot),
        camera,
        body.interocular * fit.scale,
        body.follow,
    )


def _cheeks(base: Net, gaps: tuple[Gap, ...], interocular: float) -> tuple[int, int]:
    """Columns of `base` to the left and right of a face's middle, which eyes and mouth tell."""
    middles = [gap.corner[0] + gap.edges.shape[2] / 2 for gap in gaps]
    middle = float(np.mean(middles)) if middles else float(base.rest[..., 0].mean())
    most = base.share.shape[1] - 1
    left, right = (
        int(
            np.clip(
                round((middle + way * CHEEKS * interocular - base.box[0]) / base.box[2]), 0, most
            )
        )
        for way in (-1, 1)
    )
    return left, right


def build(avatar: Avatar, width: int, height: int) -> Scene:
    """Prepare `avatar` for pictures of width x height px, both even."""
    fit = _fit(avatar, width, height)
    alpha = _fine(_opacity(avatar), avatar, fit.scale)
    seen, clear = tiles(alpha)
    sprites = [sprite for patch in avatar.patches.values() for sprite in patch.sprites]
    texture = _pack(_fine(avatar.photo, avatar, fit.scale), alpha)
    origin = fit.point(-avatar.margin, -avatar.margin) - (0.5 * fit.scale - 0.5)
    gaps = tuple(_gap(name, patch, fit, texture, origin) for name, patch in avatar.patches.items())
    base, body = fit.net(avatar.base), _scaled_body(avatar.body, fit)
    return Scene(
        width=width,
        height=height,
        texture=texture,
        origin=origin,
        seen=seen,
        clear=clear,
        plate=drawn_before(avatar, fit.scale, origin, (width, height)),
        base=base,
        relief=avatar.light.relief,
        light=avatar.light.direction,
        gaps=gaps,
        sprites=_stacked([fit.net(s.grid) for s in sprites]),
        sizes=np.array([s.picture.shape[1::-1] for s in sprites], np.float32),
        body=body,
        cheeks=_cheeks(base, gaps, body.interocular),
        masked=not avatar.backdrop.is_own or matting.overhung(avatar),
        matted=avatar.backdrop.kind == "nothing",
    )


def _opacity(avatar: Avatar) -> Bytes:
    """(n, n): the avatar's matte, as its backdrop needs it."""
    if avatar.backdrop.is_own:
        return avatar.matte
    return matting.firm(avatar.photo, avatar.matte, avatar.plate, avatar.density)
