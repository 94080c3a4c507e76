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

from visavis.models.bake import glasses, occlusion
from visavis.models.bake import landmarks as lm
from visavis.models.errors import PortraitError
from visavis.models.pictures import opening

Floats = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]

MAX_BYTES: Final = opening.PHOTO.size
MIN_SIDE: Final = 96  # px of the photo's shorter side
MIN_FACE: Final = 64  # px from forehead to chin
GOOD_FACE: Final = 200  # px; below this the avatar is visibly soft
BLURRED: Final = 12.0  # variance of the Laplacian of a face of 192 px; sharp ones are above 60
MAX_TURN: Final = 25.0  # degrees
MAX_TILT: Final = 30.0  # degrees that a head may lean to a side before it is worth a word
CUT_OFF: Final = 0.03  # face heights that a landmark may lie outside the photo
TIGHT: Final = 0.06  # of the frame that may lie outside the photo
CLOSED_EYES: Final = 0.21  # openness
DARK: Final = 40.0  # luma of the cheeks
WHITE: Final = 250  # of every channel, from which on nothing is seen
BURNT: Final = 0.08  # share of the face that may be so: highlights of a shiny one are 0.01
FILL_SIDE: Final = 192  # px at which the background is continued behind the person
BYSTANDER: Final = 0.35  # a second face smaller than this share of the first is background

SIDE: Final = 512  # px of the frame
MARGIN: Final = 32  # px of photo kept beyond the frame, for when the head turns
FRAMING: Final = 2.3  # frame side in face heights: head and shoulders
CHIN_AT: Final = 0.70  # of the frame's height
TIGHTEST: Final = 1.5  # face heights; a close-up is padded to this
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
    if not found:
        message = "No face was found: use a photo of one face, seen from the front and well lit."
        raise PortraitError("no-face", message)
    largest = max(found, key=lambda f: float(f.size.max()))
    count = sum(f.size.max() > BYSTANDER * largest.size.max() for f in found)
    if count > 1:
        message = f"{count} faces were found: crop the photo to the one that is to speak."
        raise PortraitError("several-faces", message)
    face = lm.find_landmarks(photo, largest)
    if face.presence < lm.MIN_PRESENCE:
        message = "The face is covered or turned away: use a photo seen from the front."
        raise PortraitError("no-face", message)
    if face_height(face) < MIN_FACE:
        message = (
            f"The face is only {face_height(face):.0f} px high: use a photo in which it has at "
            f"least {GOOD_FACE} px."
        )
        raise PortraitError("face-too-small", message)
    return face


def _check_whole(photo: Rgb, face: lm.Face) -> None:
    """A face that reaches out of the picture cannot be moved."""
    height, width = photo.shape[:2]
    slack = CUT_OFF * face_height(face)
    low, high = face.points[:, :2].min(0), face.points[:, :2].max(0)
    if low.min() < -slack or high[0] > width + slack or high[1] > height + slack:
        message = "Part of the face lies outside the picture: use a photo of the whole head."
        raise PortraitError("face-cut-off", message)


def face_height(face: lm.Face) -> float:
    """px from forehead to chin."""
    return float(np.linalg.norm(face.points[lm.FOREHEAD, :2] - face.points[lm.CHIN, :2]))


def turn(face: lm.Face) -> tuple[float, float]:
    """Yaw and pitch of the face in degrees, roughly, from the landmarks' own depth.

    Signs as in engines.base.FaceState: to the picture's right and up are positive.
    """
    across = face.points[263] - face.points[33]
    down = face.points[lm.CHIN] - face.points[lm.FOREHEAD]
    yaw = np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1])))
    pitch = np.degrees(np.arctan2(down[2], np.hypot(down[0], down[1])))
    # Against rendered heads of known turn: yaw comes out at 0.7 of it, a level face at +6 of pitch.
    return float(yaw) * 1.4, 6.0 - float(pitch)


def tilt(face: lm.Face) -> float:
    """Degrees that the line through the eyes is off level; positive: the picture's right is low."""
    across = face.points[263, :2] - face.points[33, :2]
    return float(np.degrees(np.arctan2(across[1], across[0])))


def _warnings(photo: Rgb, face: lm.Face) -> tuple[str, ...]:
    return (*_of_pose(photo, face), *_of_light(photo, face))


def _of_pose(photo: Rgb, face: lm.Face) -> list[str]:
    out = []
    yaw, pitch = turn(face)
    if max(abs(yaw), abs(pitch)) > MAX_TURN:
        out.append("The face is turned away: a photo from the front will look more natural.")
    if abs(tilt(face)) > MAX_TILT:
        out.append("The head is tilted: a photo with the head upright will look more natural.")
    left, top, side = _frame(photo, face)
    over = max(-left, -top, left + side - photo.shape[1], top + side - photo.shape[0])
    if over > TIGHT * side:
        out.append("The photo is cut close to the face: one with the shoulders will look better.")
    height = face_height(face)
    if height < GOOD_FACE:
        out.append(f"The face is only {height:.0f} px high: the picture will look soft.")
    if max(_openness(face.eye_right), _openness(face.eye_left)) < CLOSED_EYES:
        out.append("The eyes are closed: with open eyes in the photo the avatar can look at you.")
    return out


def _of_light(photo: Rgb, face: lm.Face) -> list[str]:
    out = []
    if _cheeks(photo, face) < DARK:
        out.append("The face is very dark: a brighter photo will look better.")
    if _burnt(photo, face) > BURNT:
        out.append("Part of the face is overexposed: a photo in softer light will look better.")
    if _sharpness(photo, face) < BLURRED:
        out.append("The face is out of focus: a sharper photo will look better.")
    elif occlusion.mouth_hidden(photo, face):  # a blur hides the line between the lips as well
        out.append("The mouth is hidden: use a photo in which nothing covers it.")
    if occlusion.glare(photo, face):
        out.append("Glare hides an eye: a photo without reflections on glasses will look better.")
    return out


def _openness(eye: lm.Eye) -> float:
    """Height of the lids' opening over its width: 0.26 to 0.4 when open, under 0.2 when closed."""
    across = eye.upper[-1] - eye.upper[0]
    width = float(np.linalg.norm(across))
    down = np.array([-across[1], across[0]]) / max(width, 1e-6)
    return float(((eye.lower - eye.upper) @ down).max()) / max(width, 1e-6)


def _cheeks(photo: Rgb, face: lm.Face) -> float:
    """Median luma of four places on the cheeks."""
    x, y = np.round(face.points[list(lm.CHEEKS), :2]).astype(int).T
    x, y = np.clip(x, 0, photo.shape[1] - 1), np.clip(y, 0, photo.shape[0] - 1)
    return float(np.median(photo[y, x] @ np.array([0.299, 0.587, 0.114])))


def _burnt(photo: Rgb, face: lm.Face) -> float:
    """Share of the face in which light has left no colour and no shape."""
    low = np.maximum(face.points[:, :2].min(0), 0).astype(int)
    high = face.points[:, :2].max(0).astype(int)
    crop = photo[low[1] : high[1], low[0] : high[0]]
    return float((crop.min(-1) >= WHITE).mean()) if crop.size else 0.0


def _sharpness(photo: Rgb, face: lm.Face) -> float:
    low = np.maximum(face.points[:, :2].min(0), 0).astype(int)
    high = face.points[:, :2].max(0).astype(int)
    crop = photo[low[1] : high[1], low[0] : high[0]]
    scale = 192 / max(crop.shape[0], 1)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    return float(
        cv2.Laplacian(
            cv2.resize(grey, None, fx=scale, fy=scale, interpolation=how), cv2.CV_32F
        ).var()
    )


def _frame(photo: Rgb, face: lm.Face) -> tuple[float, float, float]:
    """Left, top and side of the frame in px of the photo; inside it where it can be."""
    height, width = photo.shape[:2]
    tall = face_height(face)
    # A level frame around a tilted head: measure along the picture's own axes.
    chin = float(face.points[:, 1].max())
    centre = float((face.points[234, 0] + face.points[454, 0]) / 2)
    side = max(min(FRAMING * tall, width, height), TIGHTEST * tall)
    left = centre - side / 2
    top = chin - CHIN_AT * side
    if side <= width:
        left = float(np.clip(left, 0, width - side))
    if side <= height:
        top = float(np.clip(top, 0, height - side))
    return left, top, side


def _cut(photo: Rgb, left: float, top: float, side: float, size: int) -> Rgb:
    """A square of the photo as size x size px; beyond the photo its border is repeated."""
    scale = side / size
    matrix = np.array([[scale, 0, left + scale / 2 - 0.5], [0, scale, top + scale / 2 - 0.5]])
    source = (
        photo if scale <= 1 else cv2.GaussianBlur(photo, (0, 0), 0.5 * np.sqrt(scale**2 - 1) + 1e-3)
    )
    how = (cv2.INTER_CUBIC if scale <= 1 else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    out = cv2.warpAffine(source, matrix, (size, size), flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.uint8)


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


def _placed(face: lm.Face, left: float, top: float, scale: float) -> lm.Face:
    """Landmarks of the photo in px of the frame."""
    offset = np.array([left, top], np.float32)

    def at(flat: Floats) -> Floats:
        return ((flat - offset + 0.5) * scale - 0.5).astype(np.float32)

    points = np.hstack([at(face.points[:, :2]), face.points[:, 2:] * scale]).astype(np.float32)
    right, left_eye = (
        lm.Eye(at(e.centre), e.radius * scale, at(e.upper), at(e.lower))
        for e in (face.eye_right, face.eye_left)
    )
    return lm.Face(points, face.presence, right, left_eye)


def frame(data: bytes) -> Framed:
    """Photo file -> framed portrait. Raises PortraitError."""
    photo = decode(data)
    photo = np.ascontiguousarray(np.rot90(photo, lm.quarter_turns(photo)))
    face = find_face(photo)
    _check_whole(photo, face)
    left, top, side = _frame(photo, face)
    density = float(np.clip(side / SIDE, 1, MAX_DENSITY))
    border = MARGIN * side / SIDE
    size = round((SIDE + 2 * MARGIN) * density)
    window = (left - border, top - border, side + 2 * border)
    wide = _cut(photo, *window, size)
    matte = _by_colour(wide, _matte(photo, wide, window))
    again = _placed(face, left, top, SIDE / side)
    matte = _of_face(matte, again, size / (SIDE + 2 * MARGIN))
    plate = _plate(wide, matte)
    own = _own_colour(wide, matte, plate)
    made = Framed(own, matte, plate, again, size / (SIDE + 2 * MARGIN), _warnings(photo, face))
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
