"""From bytes to a framed portrait: decoding, checks, crop, matte, background plate.

Raises PortraitError for every photo that cannot be used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from visavis.models.bake import framing, glasses, remarks
from visavis.models.bake import landmarks as lm
from visavis.models.errors import PortraitError
from visavis.models.pictures import opening

Floats = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]

MAX_BYTES: Final = opening.PHOTO.size
MIN_SIDE: Final = 96  # px of the photo's shorter side
MIN_FACE: Final = 64  # px from forehead to chin
CUT_OFF: Final = 0.03  # face heights that a landmark may lie outside the photo
FILL_SIDE: Final = 192  # px at which the background is continued behind the person
# Sureness of a person's face. Of 13 portraits, their copies at a fifth of the light, as statues and
# with an eye covered, the least had 0.999999; with a mask over the mouth 0.992. Of 174 pictures of
# animals 15 showed something that a face's landmarks lay on: an ape had 0.9998, all others less
# than 0.996.
SURE: Final = 0.9975
FACE_LIKE: Final = 0.65  # of the detector's score: leaves and noise have less, animals 0.5 to 0.86
MOST_FACES: Final = 12  # looked at in one photo
BYSTANDER: Final = 0.35  # a second face smaller than this share of the first is background

SIDE: Final = 512  # px of the frame
MARGIN: Final = 32  # px of photo kept beyond the frame, for when the head turns
MAX_DENSITY: Final = 2.0


@dataclass(frozen=True, slots=True)
class Framed:
    """A portrait in its frame; positions in px of the frame.

    photo (n, n, 3), matte (n, n) in [0, 1], plate (n, n, 3): n = (SIDE + 2 * MARGIN) * density;
    face: z smaller is nearer; glasses: see glasses.rims.
    """

    photo: Rgb
    matte: Floats
    plate: Rgb
    face: lm.Face
    density: float
    warnings: tuple[str, ...]
    glasses: tuple[Floats, ...] = ()

    def small(self) -> Rgb:
        """The photo at one px per px of the frame."""
        side = SIDE + 2 * MARGIN
        same = self.photo.shape[0] == side
        how = cv2.INTER_NEAREST if same else cv2.INTER_AREA
        return np.asarray(cv2.resize(self.photo, (side, side), interpolation=how), np.uint8)


def decode(data: bytes) -> Rgb:
    """A picture file -> upright RGB. Raises PortraitError."""
    picture = opening.upright(data, colours=True)
    if min(picture.size) < MIN_SIDE:
        width, height = picture.size
        message = f"The picture has only {width} x {height} px: use one of at least 400 x 400 px."
        raise PortraitError("image-too-small", message)
    return np.asarray(_on_grey(picture), np.uint8)


def _on_grey(picture: Image.Image) -> Image.Image:
    """To RGB; transparent parts become a plain studio grey."""
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture, np.float32)
        low, high = float(values.min()), float(values.max())
        grey = (values - low) * (255 / max(high - low, 1e-6))
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if "A" in picture.getbands() or "transparency" in picture.info:
        over = picture.convert("RGBA")
        under = Image.new("RGBA", over.size, (118, 122, 128, 255))
        return Image.alpha_composite(under, over).convert("RGB")
    return picture.convert("RGB")


def find_face(photo: Rgb) -> lm.Face:
    """The one face in a photo, in px of the photo."""
    found = lm.detect(photo)
    persons = _persons(photo, found)
    if not persons and all(each.score < FACE_LIKE for each in found):
        message = "No face was found: use a photo of one face, seen from the front and well lit."
        raise PortraitError("no-face", message)
    if not persons or lm.sureness(photo, persons[0].points) < SURE:
        message = (
            "This does not look like a person's face, or too much of it is hidden: use a photo of "
            "a person, seen from the front. An animal cannot speak here."
        )
        raise PortraitError("no-person", message)
    face = persons[0]
    tall = framing.face_height(face)
    count = sum(framing.face_height(each) > BYSTANDER * tall for each in persons)
    if count > 1:
        message = f"{count} faces were found: crop the photo to the one that is to speak."
        raise PortraitError("several-faces", message)
    if tall < MIN_FACE:
        message = (
            f"The face is only {tall:.0f} px high: use a photo in which it has at least "
            f"{remarks.GOOD_FACE} px."
        )
        raise PortraitError("face-too-small", message)
    return face


def _persons(photo: Rgb, found: list[lm.Detection]) -> list[lm.Face]:
    """The largest first; what the detector takes for a face and the landmarks do not is none."""
    out: list[lm.Face] = []
    for each in sorted(found, key=lambda f: -float(f.size.max()))[:MOST_FACES]:
        face = lm.find_landmarks(photo, each)
        if face.presence >= lm.MIN_PRESENCE and not any(_same(face, other) for other in out):
            out.append(face)
    return sorted(out, key=lambda face: -framing.face_height(face))


def _same(face: lm.Face, other: lm.Face) -> bool:
    """Whether both are one face, found twice."""
    apart = np.linalg.norm(face.points[4, :2] - other.points[4, :2])
    return bool(apart < 0.3 * framing.face_height(other))


def _check_whole(photo: Rgb, face: lm.Face) -> None:
    """A face that reaches out of the picture cannot be moved."""
    height, width = photo.shape[:2]
    slack = CUT_OFF * framing.face_height(face)
    low, high = face.points[:, :2].min(0), face.points[:, :2].max(0)
    if low.min() < -slack or high[0] > width + slack or high[1] > height + slack:
        message = "Part of the face lies outside the picture: use a photo of the whole head."
        raise PortraitError("face-cut-off", message)


def _matte(photo: Rgb, wide: Rgb, window: tuple[float, float, float]) -> Floats:
    """The person in `wide` (n, n, 3), the window of the photo.

    A border that repeats beyond the photo would mislead the model: it is left out and its alpha
    repeated like its colour.
    """
    left, top, side = window
    size = wide.shape[0]
    height, width = photo.shape[:2]
    scale = size / side
    x0, x1 = (int(np.clip(v * scale, 0, size)) for v in (-left, width - left))
    y0, y1 = (int(np.clip(v * scale, 0, size)) for v in (-top, height - top))
    alpha = lm.matte(np.ascontiguousarray(wide[y0:y1, x0:x1]))
    whole = np.pad(alpha, ((y0, size - y1), (x0, size - x1)), "edge")
    return np.asarray(np.clip((whole - 0.06) / 0.88, 0, 1), np.float32)


def _by_colour(photo: Rgb, matte: Floats) -> Floats:
    """Sharpen the matte where person and background differ in colour near its edge.

    The model's edge is soft by several px and takes strips of background along with hair. In a
    band around it alpha is the place of the colour on the line from the surely background to the
    surely person colour nearby.
    """
    unit = max(round(photo.shape[0] / 192), 1)
    kernel = np.ones((2 * unit + 1, 2 * unit + 1), np.uint8)
    inside, outside = (matte > 0.95).astype(np.uint8), (matte < 0.02).astype(np.uint8)
    person, sure = _nearby(photo, cv2.erode(inside, kernel, iterations=2), 4.0 * unit)
    behind, certain = _nearby(photo, cv2.erode(outside, kernel, iterations=2), 4.0 * unit)
    line = person - behind
    length = (line**2).sum(-1)
    place = ((photo - behind) * line).sum(-1) / np.maximum(length, 1.0)
    trust = length / (length + 45.0**2) * np.minimum(sure, certain)
    band = 1 - np.maximum(cv2.erode(inside, kernel), cv2.erode(outside, kernel))
    amount = cv2.GaussianBlur(band.astype(np.float32), (0, 0), 1.0 * unit) * trust
    sharp = np.clip((place - 0.12) / 0.76, 0, 1)
    return np.asarray(np.clip(matte + (sharp - matte) * amount, 0, 1), np.float32)


def _of_face(matte: Floats, face: lm.Face, density: float) -> Floats:
    """Without what the model took for a person but is not joined to this face."""
    _, labels = cv2.connectedComponents((matte > 0.3).astype(np.uint8))
    nose = np.round((face.points[4, :2] + MARGIN) * density).astype(int)
    x, y = np.clip(nose, 0, matte.shape[0] - 1)
    own = (labels == labels[y, x]).astype(np.uint8)
    reach = 2 * round(8 * density) + 1
    return matte * cv2.dilate(own, np.ones((reach, reach), np.uint8)).astype(np.float32)


def _nearby(photo: Rgb, where: npt.ArrayLike, sigma: float) -> tuple[Floats, Floats]:
    """Mean colour of the px in `where` around each px, and in [0, 1] whether there are any."""
    weight = np.asarray(where, np.float32)
    total = cv2.GaussianBlur(photo.astype(np.float32) * weight[..., None], (0, 0), sigma)
    count = cv2.GaussianBlur(weight, (0, 0), sigma)
    mean = total / np.maximum(count, 1e-5)[..., None]
    return np.asarray(mean, np.float32), np.asarray(np.clip(count * 20, 0, 1), np.float32)


def _plate(photo: Rgb, matte: Floats) -> Rgb:
    """The background without the person: filled inwards at a small size, then blurred there."""
    side = photo.shape[0]
    few = (FILL_SIDE, FILL_SIDE)
    small = cv2.resize(photo, few, interpolation=cv2.INTER_AREA)
    person = cv2.resize(matte, few, interpolation=cv2.INTER_AREA) > 0.10
    hole = cv2.dilate(person.astype(np.uint8), np.ones((3, 3), np.uint8))
    if hole.all():
        hole[0, :] = 0
    filled = cv2.inpaint(small, hole * 255, 3, cv2.INPAINT_TELEA)
    soft = cv2.GaussianBlur(filled, (0, 0), 5)
    deep = np.asarray(cv2.erode(hole, np.ones((7, 7), np.uint8)), np.float32)
    inner = cv2.GaussianBlur(deep, (0, 0), 3)[..., None]
    filled = (filled + (soft.astype(np.float32) - filled) * inner).astype(np.uint8)
    large = cv2.resize(filled, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    # Well away from the person the background is the photo itself, unchanged; close to it, loose
    # hair that the matte does not know would stay behind as a ghost.
    reach = 2 * round(side / 144) + 1
    near = cv2.dilate((matte > 0.06).astype(np.uint8), np.ones((reach, reach), np.uint8))
    soft_near = cv2.GaussianBlur(near.astype(np.float32), (0, 0), side / 288)[..., None]
    away = np.clip(soft_near * 1.6, 0, 1)
    return np.asarray(np.clip(photo + (large - photo) * away + 0.5, 0, 255), np.uint8)


def _own_colour(photo: Rgb, matte: Floats, plate: Rgb) -> Rgb:
    """The person's colour where the photo mixes it with the background: C = a F + (1 - a) B.

    Where almost nothing of the person is left, its colour is continued from inside.
    """
    alpha = matte[..., None]
    mixed = photo.astype(np.float32)
    pure = (mixed - (1 - alpha) * plate) / np.maximum(alpha, 0.25)
    pure = np.clip(pure, 0, 255)
    weight = (matte > 0.6).astype(np.float32)
    near = cv2.GaussianBlur(mixed * weight[..., None], (0, 0), 4)
    near = near / np.maximum(cv2.GaussianBlur(weight, (0, 0), 4), 1e-6)[..., None]
    sure = np.clip((alpha - 0.15) / 0.35, 0, 1)
    reach = cv2.dilate(weight.astype(np.uint8), np.ones((25, 25), np.uint8))[..., None]
    out = near * (1 - sure) + pure * sure
    return np.where(reach > 0, out, mixed).astype(np.uint8)


def frame(data: bytes, how: str = "auto") -> Framed:
    """Photo file -> framed portrait; how: of framing.FRAMINGS. Raises PortraitError."""
    photo = decode(data)
    photo = np.ascontiguousarray(np.rot90(photo, lm.quarter_turns(photo)))
    face = find_face(photo)
    _check_whole(photo, face)
    words = remarks.of(photo, face, how)
    level = framing.levelled(photo, face)
    photo, face = level.photo, level.face
    left, top, side = framing.window(photo, face, how, level.known)
    density = float(np.clip(side / SIDE, 1, MAX_DENSITY))
    border = MARGIN * side / SIDE
    size = round((SIDE + 2 * MARGIN) * density)
    window = (left - border, top - border, side + 2 * border)
    wide = framing.cut(photo, *window, size)
    matte = _by_colour(wide, _matte(photo, wide, window))
    scale = SIDE / side
    shift = (np.array([0.5 - left, 0.5 - top]) * scale) - 0.5
    again = framing.moved(face, np.eye(2) * scale, shift)
    matte = _of_face(matte, again, size / (SIDE + 2 * MARGIN))
    plate = _plate(wide, matte)
    own = _own_colour(wide, matte, plate)
    made = Framed(own, matte, plate, again, size / (SIDE + 2 * MARGIN), words)
    return replace(made, glasses=glasses.rims(made.small(), MARGIN, again))


def read(path: Path) -> bytes:
    """A photo file's content; refuses a huge one before reading it. Raises PortraitError."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise opening.too_large(f"the file has {size / 1e6:.0f} MB; the limit is 20 MB")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)  # a device has no size, and no end
    except OSError as error:
        message = f"{path.name} cannot be read: {error.strerror or 'unknown reason'}."
        raise PortraitError("image-unreadable", message) from error
