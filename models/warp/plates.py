"""What lies behind a person in each picture, prepared for one picture size."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.avatar.file import Avatar
from visavis.models.errors import AvatarError, PortraitError
from visavis.models.pictures import double, opening

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

BLURRED: Final = 0.035  # of the picture's longer side, the blur's standard deviation


def drawn_before(avatar: Avatar, scale: float, origin: Floats, size: tuple[int, int]) -> Bytes:
    """The plate of pictures of `size` px, across and down: I420, or double where there is a matte.

    scale: px of the picture a px of the frame; origin (2,): where the photo's first texel lies in
    the picture. Raises AvatarError for a background that cannot be read.
    """
    width, height = size
    backdrop = avatar.backdrop
    if backdrop.kind == "nothing":
        return double.empty(width, height)
    if backdrop.kind == "colour":
        return i420(np.full((height, width, 3), backdrop.colour, np.uint8))
    if backdrop.kind == "picture":
        assert backdrop.picture is not None
        return i420(_covering(opened(backdrop.picture), width, height))
    photo = scaled(avatar.plate, avatar, scale)
    if backdrop.kind == "blur":
        photo = np.asarray(cv2.GaussianBlur(photo, (0, 0), BLURRED * max(size)), np.uint8)
    x, y = (int(v) for v in np.round(-origin))
    return i420(np.ascontiguousarray(photo[y : y + height, x : x + width]))


def yuv(rgb: Bytes) -> Bytes:
    """BT.601 limited range, (h, w, 3)."""
    m = np.array(
        [[0.257, 0.504, 0.098], [-0.148, -0.291, 0.439], [0.439, -0.368, -0.071]], np.float32
    )
    flat = rgb.astype(np.float32) @ m.T + np.array([16, 128, 128], np.float32)
    return np.clip(np.round(flat), 0, 255).astype(np.uint8)


def i420(rgb: Bytes) -> Bytes:
    """(H, W, 3) -> (H * 3 // 2, W)."""
    height, width = rgb.shape[:2]
    colours = yuv(rgb)
    small = cv2.resize(colours[..., 1:], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    planes = [colours[..., 0].reshape(-1), small[..., 0].reshape(-1), small[..., 1].reshape(-1)]
    return np.asarray(np.concatenate(planes).reshape(height * 3 // 2, width), np.uint8)


def scaled(image: Bytes, avatar: Avatar, scale: float) -> Bytes:
    side = round((avatar.side + 2 * avatar.margin) * scale)
    if side == image.shape[0]:
        return image
    how = cv2.INTER_AREA if side < image.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (side, side), interpolation=how), np.uint8)


def opened(path: Path) -> Bytes:
    """A picture file as (h, w, 3) RGB. Raises AvatarError("background-unreadable")."""
    try:
        with path.open("rb") as file:
            data = file.read(opening.PHOTO.size + 1)
        return np.asarray(opening.upright(data).convert("RGB"), np.uint8)
    except OSError as error:
        why = error.strerror or "unknown reason"
    except PortraitError as error:
        why = error.message
    raise AvatarError("background-unreadable", f"The background {path.name} cannot be used: {why}")


def _covering(picture: Bytes, width: int, height: int) -> Bytes:
    """Scaled to cover width x height px, as much cut off on one side as on the other."""
    tall, wide = picture.shape[:2]
    part = min(wide / width, tall / height)
    left, top = (wide - width * part) / 2, (tall - height * part) / 2
    cut = picture[round(top) : round(top + height * part), round(left) : round(left + width * part)]
    how = cv2.INTER_AREA if part > 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(cut, (width, height), interpolation=how), np.uint8)
