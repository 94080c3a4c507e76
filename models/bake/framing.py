"""How much of a photo a portrait shows, and that its head stands upright in it.

Positions are px of the photo, x right, y down. Nothing is refused here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.bake import landmarks as lm

Floats = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]

LEVEL: Final = 5.0  # degrees that a head may lean to a side and be left so: people do
ROOM: Final = 2.6  # face heights around the face that a photo is turned with: more than any frame
BEYOND: Final = 0.12  # face heights over which what lies beyond a turned photo is blurred
SMALLER: Final = (0.93, 0.86)  # of a frame, to have less that is made up in it; less would cut hair
FEW: Final = 0.004  # of a frame that may be made up before that
TIGHTEST: Final = 1.5  # face heights; a close-up is padded to this


@dataclass(frozen=True, slots=True)
class Framing:
    """side: of the frame in face heights (forehead to chin); chin: at which share of its height."""

    side: float
    chin: float


@dataclass(frozen=True, slots=True)
class Levelled:
    """A photo with its face upright; known (h, w): 255 where it is the photo, 0 where it is made
    up, None: nowhere."""

    photo: Rgb
    face: lm.Face
    known: Rgb | None


# Where the photo holds less than is asked for, the frame takes what there is.
FRAMINGS: Final = {
    "auto": Framing(2.3, 0.70),
    "head": Framing(1.9, 0.80),
    "bust": Framing(2.3, 0.70),
    "wide": Framing(3.2, 0.56),
}


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
    # Against rendered heads of known turn: 15, -15 and three of 35 degrees came out as 16, -18 and
    # 34 to 36; a level face at +6 of pitch.
    return float(yaw), 6.0 - float(pitch)


def tilt(face: lm.Face) -> float:
    """Degrees that the line through the eyes is off level; positive: the picture's right is low."""
    across = face.points[263, :2] - face.points[33, :2]
    return float(np.degrees(np.arctan2(across[1], across[0])))


def window(
    photo: Rgb, face: lm.Face, how: str = "auto", known: Rgb | None = None
) -> tuple[float, float, float]:
    """Left, top and side of the frame; inside the photo where it can be.

    how: of FRAMINGS. known: see Levelled; as little else as can be is shown.
    """
    tall, wanted = face_height(face), FRAMINGS[how]
    for share in (1.0, *SMALLER):
        out = _window(photo, face, max(share * wanted.side, TIGHTEST) * tall, wanted.chin)
        if known is None or _unknown(known, *out) < FEW:
            break
    return out


def _unknown(known: Rgb, left: float, top: float, side: float) -> float:
    """Share of a window of which nothing is known."""
    x, y, end_x, end_y = (max(round(v), 0) for v in (left, top, left + side, top + side))
    seen = known[y:end_y, x:end_x]
    return float((seen < 128).mean()) if seen.size else 0.0


def _window(photo: Rgb, face: lm.Face, wanted: float, chin_at: float) -> tuple[float, float, float]:
    height, width = photo.shape[:2]
    # A level frame around a tilted head: measure along the picture's own axes.
    chin = float(face.points[:, 1].max())
    centre = float((face.points[234, 0] + face.points[454, 0]) / 2)
    side = max(min(wanted, width, height), TIGHTEST * face_height(face))
    left = centre - side / 2
    top = chin - chin_at * side
    if side <= width:
        left = float(np.clip(left, 0, width - side))
    if side <= height:
        top = float(np.clip(top, 0, height - side))
    return left, top, side


def levelled(photo: Rgb, face: lm.Face) -> Levelled:
    """The photo around the face, turned so that its eyes are level; as it is where they almost are.

    The fit, the frame and the head's movements take up and down for the picture's. What would lie
    beyond the photo is its border, repeated and blurred.
    """
    angle = tilt(face)
    if abs(angle) <= LEVEL:
        return Levelled(photo, face, None)
    centre = face.points[:, :2].mean(0)
    tall = face_height(face)
    reach = ROOM * tall
    # Where the photo ends short of that on all sides, no more of it is made up than a corner.
    height, width = photo.shape[:2]
    left, top = (min(reach, float(centre[k])) for k in (0, 1))
    right, bottom = min(reach, width - float(centre[0])), min(reach, height - float(centre[1]))
    matrix = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), angle, 1.0)
    matrix[:, 2] += np.array([left, top]) - centre
    size = (round(left + right), round(top + bottom))
    turned = cv2.warpAffine(
        photo, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    whole = np.full((height, width), 255, np.uint8)
    known = np.asarray(cv2.warpAffine(whole, matrix, size), np.uint8)
    made = _blurred_beyond(np.asarray(turned, np.uint8), known, tall)
    return Levelled(made, moved(face, matrix[:, :2], matrix[:, 2]), known)


def _blurred_beyond(picture: Rgb, known: Rgb, tall: float) -> Rgb:
    """Where nothing is `known` (h, w), 255 where it is, the repeated border without its streaks."""
    if known.min() == 255:
        return picture
    small = min(1.0, 64 / tall)  # a blur this wide needs no more px
    soft = cv2.resize(picture, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(soft, (0, 0), BEYOND * tall * small)
    soft = cv2.resize(soft, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    far = cv2.GaussianBlur(255 - known, (0, 0), 0.3 * BEYOND * tall)
    share = np.clip(far.astype(np.float32) / 128 - 1, 0, 1)[..., None]
    return np.asarray(picture + (soft - picture.astype(np.float32)) * share, np.uint8)


def moved(face: lm.Face, linear: npt.ArrayLike, shift: npt.ArrayLike) -> lm.Face:
    """Landmarks in another picture: `linear` (2, 2) turns and scales, `shift` (2,) follows."""
    matrix, to = np.asarray(linear, np.float32), np.asarray(shift, np.float32)
    scale = float(np.sqrt(abs(np.linalg.det(matrix))))

    def at(flat: Floats) -> Floats:
        return np.asarray(flat @ matrix.T + to, np.float32)

    points = np.hstack([at(face.points[:, :2]), face.points[:, 2:] * scale]).astype(np.float32)
    right, left = (
        lm.Eye(at(eye.centre), eye.radius * scale, at(eye.upper), at(eye.lower))
        for eye in (face.eye_right, face.eye_left)
    )
    return lm.Face(points, face.presence, right, left)


def cut(photo: Rgb, left: float, top: float, side: float, size: int) -> Rgb:
    """A square of the photo as size x size px; beyond it its border, repeated and blurred."""
    scale = side / size
    matrix = np.array([[scale, 0, left + scale / 2 - 0.5], [0, scale, top + scale / 2 - 0.5]])
    source = (
        photo if scale <= 1 else cv2.GaussianBlur(photo, (0, 0), 0.5 * np.sqrt(scale**2 - 1) + 1e-3)
    )
    how = (cv2.INTER_CUBIC if scale <= 1 else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    out = cv2.warpAffine(source, matrix, (size, size), flags=how, borderMode=cv2.BORDER_REPLICATE)
    whole = np.full(photo.shape[:2], 255, np.uint8)
    known = cv2.warpAffine(
        whole, matrix, (size, size), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    )
    tall = size / FRAMINGS["auto"].side
    return _blurred_beyond(np.asarray(out, np.uint8), np.asarray(known, np.uint8), tall)
