"""What lies over a face in a photo: a hand, a mask or a microphone at the mouth, glare on glasses.

The landmark model guesses what it cannot see, so the picture itself is asked. Mends nothing.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.bake import landmarks as lm
from visavis.models.bake import rims

Floats = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]

LEAST: Final = 120.0  # px from forehead to chin; in a smaller face a beard hides the line as well
HEIGHT: Final = 300.0  # px from forehead to chin at which lips are looked at
# How much darker (L of Lab, 0..255) the line between the lips is than the brighter part of either
# lip: 13 to 69 in eleven portraits (photo, painting, cartoon, renders, a thick beard, grey copies),
# 0 to 12 for nine in ten masks, hands and microphones drawn over them. Lips whose line is faint are
# redder than the skin, by 12 and 3 of Lab's a; in a grey picture they are not. What covers is not.
LINE: Final = 11.0
FAINT_LINE: Final = 20.0
REDDER: Final = 1.5
GREY: Final = 6.0  # chroma of the skin below which a picture has no colours
BARE: Final = (6, 118, 347)  # landmarks on skin that a mask leaves free: nose, below the eyes

EYE_HEIGHT: Final = 256.0  # px from forehead to chin at which eyes are looked at
# Luma that an iris's rim stands out by, see rims.fitted: 33 to 75 in twelve frontal portraits (9 to
# 44 at a third of their light), 12 to 40 in the far eye of three turned by 35 degrees; under a
# hand, hair, a patch or a bandage laid over one eye -75 to 15, a quarter of the other's at most;
# behind dark glasses -2 to 4 in both.
RIM: Final = 16.0
LESS: Final = 0.25  # of the other eye's
NEITHER: Final = 5.0  # of the better eye
SHUT: Final = 0.21  # openness of an eye that is closed, as in a wink: it is not hidden

GLARING: Final = 225  # in every channel
GLARE: Final = 0.3  # of the iris; a highlight on an open eye covers less than 0.15
_HIGH: Final = 1.3  # irises' radii above and below an eye's middle where it is looked for


def mouth_hidden(photo: Rgb, face: lm.Face) -> bool:
    """Whether no line between lips is seen where the mouth must be. Not told of small faces."""
    if _height(face) < LEAST:
        return False
    lab, points = _close_up(photo, face)
    line, red = _lips(lab, points)
    pale = red < (REDDER if _coloured(lab, points) else -REDDER)
    return line < LINE or (line < FAINT_LINE and pale)


def _height(face: lm.Face) -> float:
    return float(np.linalg.norm(face.points[lm.FOREHEAD, :2] - face.points[lm.CHIN, :2]))


def _coloured(lab: Floats, points: Floats) -> bool:
    x, y = np.clip(np.round(points[list(BARE)]), 0, HEIGHT - 1).astype(int).T
    return float(np.hypot(*(np.median(lab[y, x], axis=0)[1:] - 128))) > GREY


def _close_up(photo: Rgb, face: lm.Face) -> tuple[Floats, Floats]:
    """The lower face in Lab, softened by a px, and the landmarks in it: (h, w, 3), (468, 2)."""
    flat = face.points[:, :2]
    scale = HEIGHT / _height(face)
    size = (int(HEIGHT), int(HEIGHT))
    middle = (flat[lm.LIP_UPPER_INNER[5]] + flat[lm.LIP_LOWER_INNER[5]]) / 2
    shift = HEIGHT / 2 - scale * middle
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
    source = photo if scale > 0.7 else cv2.GaussianBlur(photo, (0, 0), 0.4 / scale)
    crop = cv2.warpAffine(source, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(lab, (0, 0), 1.0)), (flat * scale + shift).astype(np.float32)


def _lips(lab: Floats, points: Floats) -> tuple[float, float]:
    """How much darker the line between the lips is, and how much redder they are than the skin.

    Averaged along the mouth: a true line runs along it, folds and fingers do not.
    """
    rows = (lm.LIP_UPPER_OUTER, lm.LIP_UPPER_INNER, lm.LIP_LOWER_INNER, lm.LIP_LOWER_OUTER)
    top, upper, lower, bottom = (points[list(row)[2:-2]] for row in rows)
    lip_up, lip_down = _profile(lab, top, upper), _profile(lab, lower, bottom)
    tall, deep = top - upper, bottom - lower
    middle = _profile(lab, upper + 0.35 * tall, lower + 0.35 * deep)
    above = _profile(lab, top + 0.9 * tall, top + 0.3 * tall)
    below = _profile(lab, bottom + 0.3 * deep, bottom + 0.9 * deep)
    # Not the mean: a moustache may hang over most of the upper lip.
    bright = min(np.percentile(lip[:, 0], 80) for lip in (lip_up, lip_down))
    line = bright - middle[:, 0].min()
    lips = (lip_up[3:12, 1].mean() + lip_down[3:12, 1].mean()) / 2
    skin = (above[:, 1].mean() + below[:, 1].mean()) / 2
    return float(line), float(lips - skin)


def _profile(lab: Floats, start: Floats, end: Floats) -> Floats:
    """(15, 3): colours from one row of points (n, 2) to another, the mean of all columns."""
    share = np.linspace(0, 1, 15, dtype=np.float32)[:, None, None]
    at = (start + (end - start) * share).astype(np.float32)
    seen = cv2.remap(lab, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen.mean(1), np.float32)


def eye_hidden(photo: Rgb, face: lm.Face) -> bool:
    """Whether no iris is seen in an eye that is not shut: hair, a hand, a patch, dark glasses."""
    return bool(hidden(photo, face))


def hidden(photo: Rgb, face: lm.Face) -> tuple[str, ...]:
    """Right, Left: the eyes of which that is so."""
    eyes = {"Right": face.eye_right, "Left": face.eye_left}
    seen = {side: _rim(photo, face, e) for side, e in eyes.items() if openness(e) >= SHUT}
    best = max(seen.values(), default=0.0)
    if best < NEITHER:
        return tuple(seen)
    return tuple(side for side, rim in seen.items() if rim < RIM and rim < LESS * best)


def eyes_shut(photo: Rgb, face: lm.Face) -> bool:
    """Whether both are: by their lids, or one by its lids and the other for want of an iris."""
    eyes = (face.eye_right, face.eye_left)
    open_eyes = [eye for eye in eyes if openness(eye) >= SHUT]
    return len(open_eyes) < 2 and all(_rim(photo, face, eye) < RIM for eye in open_eyes)


def openness(eye: lm.Eye) -> float:
    """Height of the lids' opening over its width: 0.26 to 0.4 when open, under 0.2 when closed."""
    across = eye.upper[-1] - eye.upper[0]
    width = float(np.linalg.norm(across))
    down = np.array([-across[1], across[0]]) / max(width, 1e-6)
    return float(((eye.lower - eye.upper) @ down).max()) / max(width, 1e-6)


def _rim(photo: Rgb, face: lm.Face, eye: lm.Eye) -> float:
    """How far the best circle that can be laid over this eye stands out, in luma."""
    scale = EYE_HEIGHT / _height(face)
    reach = 3.0 * max(eye.radius, 1.0)
    shift = reach * scale - scale * eye.centre
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
    side = max(round(2 * reach * scale), 8)
    source = photo if scale > 0.7 else cv2.GaussianBlur(photo, (0, 0), 0.4 / scale)
    crop = cv2.warpAffine(source, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
    grey = cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (0, 0), 0.6)
    at = lm.Eye(
        *(np.asarray(eye.centre * scale + shift, np.float32), eye.radius * scale),
        *(np.asarray(edge * scale + shift, np.float32) for edge in (eye.upper, eye.lower)),
    )
    scores, _ = rims.fitted(grey.astype(np.float32), 0.0, at, at.radius)
    return float(scores.max())


def glare(photo: Rgb, face: lm.Face) -> bool:
    """Whether something as bright as a lamp lies over an iris, as reflections on glasses do."""
    if any(_glaring(photo, eye) > GLARE for eye in (face.eye_right, face.eye_left)):
        return True
    # An iris that is covered may be looked for in a wrong place; in a photo that is too bright
    # both eyes are white, but so is skin.
    reach = max(face.eye_right.radius, face.eye_left.radius, 1.0)
    corners = (face.points[[*pair], :2] for pair in (lm.EYE_RIGHT, lm.EYE_LEFT))
    little, much = sorted(_white(photo, pair, reach) for pair in corners)
    if much < 2 * GLARE:
        return False
    return little < GLARE or (little > 2 * GLARE and _brightest_skin(photo, face) < GLARING)


def _brightest_skin(photo: Rgb, face: lm.Face) -> float:
    """The lowest channel of nose or cheeks, where it is highest."""
    half = max(int(face.eye_right.radius) // 2, 1)
    places = np.round(face.points[list(BARE), :2]).astype(int).tolist()
    squares = (
        photo[max(y - half, 0) : y + half + 1, max(x - half, 0) : x + half + 1] for x, y in places
    )
    return max((float(np.median(each.min(-1))) for each in squares if each.size), default=255.0)


def _white(photo: Rgb, corners: Floats, reach: float) -> float:
    """What is almost white between an eye's corners, beside an iris of radius `reach`, px."""
    centre, half = corners.mean(0), max(float(np.ptp(corners[:, 0])) / 2, 1.0)
    left, top = np.maximum(np.floor(centre - half), 0).astype(int)
    right, bottom = np.ceil(centre + half).astype(int) + 1
    crop = photo[top:bottom, left:right].min(-1)
    y, x = np.mgrid[top : top + crop.shape[0], left : left + crop.shape[1]]
    eye = ((x - centre[0]) / half) ** 2 + ((y - centre[1]) / (_HIGH * reach)) ** 2 < 1
    return float((crop[eye] > GLARING).sum() / (np.pi * reach**2))


def _glaring(photo: Rgb, eye: lm.Eye) -> float:
    """Share of the iris that is almost white."""
    reach = max(eye.radius, 1.0)
    left, top = np.maximum(np.floor(eye.centre - reach), 0).astype(int)
    right, bottom = np.ceil(eye.centre + reach).astype(int) + 1
    crop = photo[top:bottom, left:right].min(-1)
    y, x = np.mgrid[top : top + crop.shape[0], left : left + crop.shape[1]]
    iris = (x - eye.centre[0]) ** 2 + (y - eye.centre[1]) ** 2 < reach**2
    return float((crop[iris] > GLARING).mean()) if iris.any() else 0.0
