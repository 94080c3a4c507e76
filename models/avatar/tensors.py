"""Layers of an avatar as named arrays and back: compact, and checked on the way in.

Shifts are stored in 1/64 px as differences along the row, which deflate well; pictures as WebP.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from visavis.models.avatar import clip
from visavis.models.avatar.rig import (
    CONTROLS,
    HAIR,
    Body,
    Bytes,
    Floats,
    Grid,
    Light,
    Patch,
    Sprite,
    nodes,
)
from visavis.models.errors import AvatarError, PortraitError
from visavis.models.pictures import opening

if TYPE_CHECKING:
    from visavis.models.avatar.file import Avatar

Arrays = clip.Arrays

SHIFT_STEPS: Final = 64  # a px
PHOTO_QUALITY: Final = 95  # WebP; keeps 97 % and more of the variance of the Laplacian
MAX_NODES: Final = 160  # of a grid, each way
MAX_SPRITE: Final = 640  # texels, each way
MAX_SPRITES: Final = 6
MAX_PATCHES: Final = 8
MAX_MOVE: Final = 500.0  # px
SIDES: Final = (256, 1024)  # px of a frame
MARGINS: Final = (1, 128)
MAX_SIDE: Final = 2560  # px of a stored picture
_STORED: Final = opening.Limits(8 * 1024 * 1024, MAX_SIDE**2, MAX_SIDE)


def _invalid(what: str) -> AvatarError:
    return AvatarError("avatar-invalid", f"The avatar's layers are not valid: {what}.")


def _webp(image: Bytes, **options: Any) -> Bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "WEBP", **options)
    return np.frombuffer(file.getvalue(), np.uint8)


def preview(picture: Bytes, side: int) -> bytes:
    """A small WebP file of a square picture."""
    small = Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
    return _webp(np.asarray(small), quality=85).tobytes()


# --- out ---------------------------------------------------------------------------------------


def pack(avatar: Avatar) -> tuple[Arrays, dict[str, Any]]:
    """All arrays by name, and the small numbers for the manifest."""
    arrays: Arrays = {
        "photo": _webp(avatar.photo, quality=PHOTO_QUALITY, method=4),
        "matte": _webp(np.repeat(avatar.matte[..., None], 3, -1), lossless=True, method=4),
        "plate": _webp(avatar.plate, quality=85, method=4),
        "relief": avatar.light.relief.astype(np.float16),
    }
    layout: dict[str, Any] = {
        "side": avatar.side,
        "margin": avatar.margin,
        "base": _pack_grid(avatar.base, "base", arrays),
        "patches": {k: _pack_patch(p, k, arrays) for k, p in avatar.patches.items()},
        "light": avatar.light.direction.tolist(),
        "body": _pack_body(avatar.body),
    }
    if avatar.clip is not None:
        layout["clip"] = clip.pack(avatar.clip, arrays)
    return arrays, layout


def _pack_body(body: Body) -> dict[str, Any]:
    return {
        "head_pivot": body.head_pivot.tolist(),
        "body_pivot": body.body_pivot.tolist(),
        "camera": body.camera.tolist(),
        "interocular": body.interocular,
        "follow": body.follow.tolist(),
    }


def _pack_grid(grid: Grid, name: str, arrays: Arrays) -> dict[str, Any]:
    rest = grid.rest.copy()
    rest[..., :2] -= _places(grid.corner, grid.pitch, grid.share.shape)
    arrays[f"{name}/rest"] = rest.astype(np.float32)
    arrays[f"{name}/share"] = grid.share.astype(np.float16)
    steps = np.round(grid.shifts * SHIFT_STEPS)
    arrays[f"{name}/shifts"] = np.diff(steps, axis=2, prepend=0).astype(np.int16)
    return {"corner": list(grid.corner), "pitch": grid.pitch}


def _places(corner: tuple[float, float], pitch: float, shape: tuple[int, ...]) -> Floats:
    return nodes(corner, pitch, (shape[0], shape[1]))


def _pack_patch(patch: Patch, name: str, arrays: Arrays) -> dict[str, Any]:
    arrays[f"{name}/edges"] = patch.edges
    sprites = []
    for k, sprite in enumerate(patch.sprites):
        arrays[f"{name}/{k}/picture"] = sprite.picture
        sprites.append(_pack_grid(sprite.grid, f"{name}/{k}", arrays))
    return {
        "upper": _pack_grid(patch.upper, f"{name}/upper", arrays),
        "lower": _pack_grid(patch.lower, f"{name}/lower", arrays),
        "sprites": sprites,
        "back": list(patch.back),
        "shade": list(patch.shade),
        "rim": list(patch.rim),
        "shaded": patch.shaded,
    }


# --- in ----------------------------------------------------------------------------------------


def unpack(arrays: Arrays, layout: Any, stream: bytes = b"") -> dict[str, Any]:
    """The parts of an Avatar by field name. Raises AvatarError("avatar-invalid").

    stream: of its clip; empty: it has none.
    """
    side, margin = _whole(layout, "side", *SIDES), _whole(layout, "margin", *MARGINS)
    photo, matte, plate = (
        _image(arrays, n, side + 2 * margin) for n in ("photo", "matte", "plate")
    )
    if not photo.shape == plate.shape == matte.shape:
        raise _invalid("photo, matte and plate differ in size")
    base = _grid(arrays, "base", _part(layout, "base"))
    wanted = _part(layout, "patches")
    if len(wanted) > MAX_PATCHES:
        raise _invalid("too many patches")
    return {
        "side": side,
        "margin": margin,
        "photo": photo,
        "matte": matte[..., 0].copy(),
        "plate": plate,
        "base": base,
        "patches": {str(k): _patch(arrays, str(k), entry) for k, entry in wanted.items()},
        "light": _light(arrays, layout, base),
        "body": _body(_part(layout, "body")),
        "clip": _clip(arrays, layout, stream, base) if stream else None,
    }


def _clip(arrays: Arrays, layout: Any, stream: bytes, base: Grid) -> clip.Clip:
    entry = _part(layout, "clip")
    side = _whole(entry, "side", *clip.SIDES)
    left, top = _numbers(entry, "corner", 2, -4096, 4096)
    pitch = _number(entry, "pitch", 1, 1024)
    try:
        made = clip.unpack(arrays, stream, side, (left, top, pitch))
    except ValueError as error:
        raise _invalid(f"its clip: {error}") from error
    if made.hold.shape != base.share.shape or side % 2:
        raise _invalid("its clip has the wrong shape")
    return made


def _light(arrays: Arrays, layout: Any, base: Grid) -> Light:
    relief = _array(arrays, "relief", np.float16, (*base.share.shape, 3), MAX_NODES)
    if not np.isfinite(relief).all() or np.abs(relief).max() > 1:
        raise _invalid("relief is out of range")
    direction = np.array(_numbers(layout, "light", 3, -1000, 1000), np.float32)
    return Light(direction, np.ascontiguousarray(relief, np.float32))


def _whole(source: Any, key: str, low: int, high: int) -> int:
    value = _number(source, key, low, high)
    if value != round(value):
        raise _invalid(f"{key} is not a whole number")
    return round(value)


def _part(source: Any, key: str) -> dict[str, Any]:
    value = source.get(key) if isinstance(source, dict) else None
    if not isinstance(value, dict):
        raise _invalid(f"{key} is missing")
    return value


def _is_number(value: Any, low: float, high: float) -> bool:
    """Compared, not converted: no float holds a whole number of 4,000 digits."""
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _number(source: Any, key: str, low: float, high: float) -> float:
    value = source.get(key) if isinstance(source, dict) else None
    if not _is_number(value, low, high):
        raise _invalid(f"{key} is not a number from {low:g} to {high:g}")
    return float(value)  # type: ignore[arg-type]


def _numbers(source: Any, key: str, count: int, low: float, high: float) -> list[float]:
    values = source.get(key) if isinstance(source, dict) else None
    if not isinstance(values, list) or len(values) != count:
        raise _invalid(f"{key} is not a list of {count} numbers")
    if not all(_is_number(v, low, high) for v in values):
        raise _invalid(f"{key} is out of range")
    return [float(v) for v in values]


def _array(
    arrays: Arrays, name: str, kind: type[np.generic], shape: tuple[int | None, ...], most: int
) -> npt.NDArray[Any]:
    """One array of a known type; None stands for any size from 2 to `most`."""
    array = arrays.get(name)
    if array is None or array.dtype != kind or array.ndim != len(shape):
        raise _invalid(f"{name} is missing or of the wrong type")
    for have, want in zip(array.shape, shape, strict=True):
        if (want is None and not 2 <= have <= most) or (want is not None and have != want):
            raise _invalid(f"{name} has the wrong shape")
    return array


def _image(arrays: Arrays, name: str, side: int) -> Bytes:
    data = _array(arrays, name, np.uint8, (None,), _STORED.size)
    try:
        image = opening.upright(data.tobytes(), _STORED)
    except PortraitError as error:
        raise _invalid(f"{name} is not a picture of a bearable size") from error
    width, height = image.size
    if width != height or width < side:
        raise _invalid(f"{name} has {width} x {height} px")
    return np.array(image.convert("RGB"), np.uint8)


def _grid(arrays: Arrays, name: str, entry: dict[str, Any]) -> Grid:
    corner = _numbers(entry, "corner", 2, -4096, 4096)
    pitch = _number(entry, "pitch", 0.25, 1024)
    share = _array(arrays, f"{name}/share", np.float16, (None, None), MAX_NODES)
    height, width = share.shape
    rest = _array(arrays, f"{name}/rest", np.float32, (height, width, 3), MAX_NODES).copy()
    steps = _shifts(arrays, f"{name}/shifts", (height, width, 3))
    shifts = steps.astype(np.float32).cumsum(2) * np.float32(1 / SHIFT_STEPS)
    finite = np.isfinite(rest).all() and np.isfinite(share).all()
    if not finite or np.abs(rest).max() > 8192 or np.abs(shifts).max() > MAX_MOVE:
        raise _invalid(f"{name} holds positions that are out of range")
    if share.min() < 0 or share.max() > 1:
        raise _invalid(f"{name}/share is out of range")
    rest[..., :2] += _places((corner[0], corner[1]), pitch, (height, width))
    whole = np.ascontiguousarray(share, np.float32)
    return Grid((corner[0], corner[1]), pitch, rest, whole, np.ascontiguousarray(shifts))


def _shifts(arrays: Arrays, name: str, shape: tuple[int, int, int]) -> npt.NDArray[Any]:
    """(len(CONTROLS), h, w, 3) int16; hair stands still in files that know nothing of it."""
    steps = _array(arrays, name, np.int16, (None, *shape), MAX_NODES)
    missing = len(CONTROLS) - len(steps)
    if missing not in (0, len(CONTROLS) - HAIR):
        raise _invalid(f"{name} has the wrong shape")
    return np.concatenate([steps, np.zeros((missing, *shape), np.int16)]) if missing else steps


def _patch(arrays: Arrays, name: str, entry: Any) -> Patch:
    edges = _array(arrays, f"{name}/edges", np.uint8, (2, None, None), 1024)
    upper = _grid(arrays, f"{name}/upper", _part(entry, "upper"))
    lower = _grid(arrays, f"{name}/lower", _part(entry, "lower"))
    if upper.corner != lower.corner or upper.share.shape != lower.share.shape:
        raise _invalid(f"{name}: the two sheets differ")
    listed = entry.get("sprites")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_SPRITES:
        raise _invalid(f"{name}: sprites are missing or too many")
    sprites = tuple(_sprite(arrays, f"{name}/{k}", item) for k, item in enumerate(listed))
    red, green, blue = (round(v) for v in _numbers(entry, "back", 3, 0, 255))
    lost, reach, low_lost, low_reach = _numbers(entry, "shade", 4, 0, 200)
    if max(lost, low_lost) > 1 or min(reach, low_reach) < 0.1:
        raise _invalid(f"{name}: shade is out of range")
    shade = (lost, reach, low_lost, low_reach)
    shaded = entry.get("shaded", True)
    if not isinstance(shaded, bool):
        raise _invalid(f"{name}: shaded is neither true nor false")
    back = (red, green, blue)
    return Patch(upper, lower, edges.copy(), sprites, back, shade, _rim(entry), shaded)


def _rim(entry: dict[str, Any]) -> tuple[int, int, int, float]:
    """None in files of before there were any."""
    if "rim" not in entry:
        return (0, 0, 0, 0.0)
    red, green, blue, wide = _numbers(entry, "rim", 4, 0, 255)
    return round(red), round(green), round(blue), wide


def _sprite(arrays: Arrays, name: str, entry: Any) -> Sprite:
    picture = _array(arrays, f"{name}/picture", np.uint8, (None, None, 4), MAX_SPRITE)
    if not isinstance(entry, dict):
        raise _invalid(f"{name} is missing")
    grid = _grid(arrays, name, entry)
    if grid.share.shape != (2, 2):
        raise _invalid(f"{name} has the wrong shape")
    return Sprite(picture.copy(), grid)


def _body(entry: dict[str, Any]) -> Body:
    def vector(key: str, count: int, low: float, high: float) -> Floats:
        return np.array(_numbers(entry, key, count, low, high), np.float32)

    camera = vector("camera", 3, -4096, 100_000)
    if camera[2] < 500:
        raise _invalid("the camera is too near")
    return Body(
        vector("head_pivot", 3, -8192, 8192),
        vector("body_pivot", 3, -8192, 8192),
        camera,
        _number(entry, "interocular", 4, 1024),
        vector("follow", 4, -1, 1),
    )
