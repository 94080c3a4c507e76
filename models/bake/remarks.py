"""What is said of a photo that can be used and yet will not look its best, in plain words.

Each sentence begins as `client/page/texts/remarks.js` knows it, which says it in other languages.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.bake import framing, occlusion
from visavis.models.bake import landmarks as lm

Rgb = npt.NDArray[np.uint8]

GOOD_FACE: Final = 200  # px; below this the avatar is visibly soft
BLURRED: Final = 12.0  # variance of the Laplacian of a face of 192 px; sharp ones are above 60
MAX_TURN: Final = 35.0  # degrees to a side,
SIDEWAYS: Final = 30.0  # degrees from which a mouth is not asked for
MAX_NOD: Final = 25.0  # and up or down
MAX_TILT: Final = 30.0  # degrees that a head may lean to a side before it is worth a word
TIGHT: Final = 0.06  # of the frame that may lie outside the photo
# Luma that a twentieth of the face exceeds: shine, the whites of eyes. Told by that and not by the
# cheeks, dark skin in good light (117) is no dark photo; at a third of their light, five portraits
# had 35 to 57.
DARK: Final = 62.0
WHITE: Final = 250  # of every channel, from which on nothing is seen
BURNT: Final = 0.08  # share of the face that may be so: highlights of a shiny one are 0.01


def of(photo: Rgb, face: lm.Face, how: str = "auto") -> tuple[str, ...]:
    """The photo as it came, with its one face."""
    return (*_of_pose(photo, face, how), *_of_light(photo, face))


def _of_pose(photo: Rgb, face: lm.Face, how: str) -> list[str]:
    out = []
    yaw, pitch = framing.turn(face)
    if abs(yaw) > MAX_TURN or abs(pitch) > MAX_NOD:
        out.append("The face is turned away: a photo from the front will look more natural.")
    if abs(framing.tilt(face)) > MAX_TILT:
        out.append("The head is tilted: a photo with the head upright will look more natural.")
    left, top, side = framing.window(photo, face, how)
    over = max(-left, -top, left + side - photo.shape[1], top + side - photo.shape[0])
    if over > TIGHT * side:
        out.append("The photo is cut close to the face: one with the shoulders will look better.")
    height = framing.face_height(face)
    if height < GOOD_FACE:
        out.append(f"The face is only {height:.0f} px high: the picture will look soft.")
    if occlusion.eyes_shut(photo, face):
        out.append("The eyes are closed: with open eyes in the photo the avatar can look at you.")
    elif not occlusion.glare(photo, face) and occlusion.eye_hidden(photo, face):
        out.append("An eye is hidden: use a photo in which nothing covers the eyes.")
    return out


def _of_light(photo: Rgb, face: lm.Face) -> list[str]:
    out = []
    dark = _brightest(photo, face) < DARK
    if dark:
        out.append("The face is very dark: a brighter photo will look better.")
    if _burnt(photo, face) > BURNT:
        out.append("Part of the face is overexposed: a photo in softer light will look better.")
    if _sharpness(photo, face) < BLURRED:
        out.append("The face is out of focus: a sharper photo will look better.")
    # Blur and darkness hide the line between the lips as well, and little is seen of it sideways.
    elif not dark and abs(framing.turn(face)[0]) < SIDEWAYS and occlusion.mouth_hidden(photo, face):
        out.append("The mouth is hidden: use a photo in which nothing covers it.")
    if occlusion.glare(photo, face):
        out.append("Glare hides an eye: a photo without reflections on glasses will look better.")
    return out


def _crop(photo: Rgb, face: lm.Face) -> Rgb:
    """The box around the landmarks, as far as it lies in the photo."""
    low = np.maximum(face.points[:, :2].min(0), 0).astype(int)
    high = face.points[:, :2].max(0).astype(int)
    return photo[low[1] : high[1], low[0] : high[0]]


def _brightest(photo: Rgb, face: lm.Face) -> float:
    """Luma that a twentieth of the face exceeds."""
    mask = np.zeros(photo.shape[:2], np.uint8)
    outline = np.round(face.points[list(lm.OVAL), :2]).astype(np.int32)
    cv2.fillPoly(mask, [outline], 1)
    inside = _crop(np.asarray(mask), face) > 0
    grey = cv2.cvtColor(np.ascontiguousarray(_crop(photo, face)), cv2.COLOR_RGB2GRAY)
    return float(np.percentile(grey[inside], 95)) if inside.any() else 0.0


def _burnt(photo: Rgb, face: lm.Face) -> float:
    """Share of the face in which light has left no colour and no shape."""
    crop = _crop(photo, face)
    return float((crop.min(-1) >= WHITE).mean()) if crop.size else 0.0


def _sharpness(photo: Rgb, face: lm.Face) -> float:
    crop = _crop(photo, face)
    scale = 192 / max(crop.shape[0], 1)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=how)
    return float(cv2.Laplacian(small, cv2.CV_32F).var())
