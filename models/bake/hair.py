"""Hair that hangs loose beside a face, as far as its colours tell, and how it swings."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.avatar.rig import HAIR, Floats
from visavis.models.bake import contour
from visavis.models.bake import landmarks as lm
from visavis.models.bake.photo import MARGIN, Framed

Mask = npt.NDArray[np.bool_]

# Of a face's height from forehead to chin:
CROWN: Final = (0.06, 0.30)  # above the forehead, where hair is if anywhere
ASIDE: Final = 0.30  # to both sides of its middle
FROM: Final = 0.45  # down the face, from where on hair can swing,
FULL: Final = 1.05  # and where it swings most
RESTS: Final = (1.25, 2.0)  # where it begins to rest on the chest, and does
REACH: Final = 0.85  # from the middle of a face, within which it hangs
BESIDE: Final = 0.10  # from the outline of the face, over which its movement begins
LEAST: Final = 0.025  # square heights of it that are worth while
# Colours, in Lab of 8 bits:
BRIGHTER: Final = 0.75  # of a difference in brightness that counts,
DARKER: Final = 0.35  # and where it is darker: ends hang in the shade
LIKE: Final = 22.0  # from the crown's colours that is still hair
APART: Final = 9.0  # between hair and skin, less and nothing can be told
SAME: Final = 4  # kinds of hair in a crown: strands in the light and in the shade
SWING: Final = 0.085  # interocular distances that its ends swing at most


def swing(values: Floats, at: Floats, framed: Framed, interocular: float) -> None:
    """Write how loose hair swings to the right into the channels `values` (h, w, CHANNELS) of
    positions `at` (h, w, 2), in place."""
    face = framed.face
    loose = _loose(framed)
    if loose is None:
        return
    soft = cv2.GaussianBlur(loose.astype(np.float32), (0, 0), 0.05 * _height(face))
    x, y = (np.ascontiguousarray(at[..., k] + MARGIN, np.float32) for k in (0, 1))
    share = cv2.remap(soft, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    outline = contour.signed_distance(at, np.ascontiguousarray(face.points[list(lm.OVAL), :2]))
    free = contour.eased(outline / (BESIDE * _height(face)))
    below, _ = _place(at, face)
    hangs = contour.eased((below - FROM) / (FULL - FROM))
    hangs = hangs * (1 - 0.6 * contour.eased((below - RESTS[0]) / (RESTS[1] - RESTS[0])))
    values[..., 3 * HAIR] = SWING * interocular * hangs * free * share


def _height(face: lm.Face) -> float:
    return float(np.linalg.norm(face.points[lm.CHIN, :2] - face.points[lm.FOREHEAD, :2]))


def _place(at: Floats, face: lm.Face) -> tuple[Floats, Floats]:
    """In heights of the face: how far below its forehead, and to the right of its middle."""
    chin, brow = face.points[lm.CHIN, :2], face.points[lm.FOREHEAD, :2]
    tall = _height(face)
    down = (chin - brow) / tall
    away = at - brow
    below, beside = away @ down, away @ np.array([down[1], -down[0]], np.float32)
    return np.asarray(below / tall, np.float32), np.asarray(beside / tall, np.float32)


def _loose(framed: Framed) -> Mask | None:
    """(n, n), px of the small photo that are loose hair; None where there is none."""
    picture = cv2.GaussianBlur(framed.small(), (0, 0), 1.5)
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32)
    side = len(lab)
    matte = cv2.resize(framed.matte.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[:side, :side].astype(np.float32) - MARGIN
    at = np.stack([x, y], -1)
    below, beside = _place(at, framed.face)
    oval = np.round(framed.face.points[list(lm.OVAL), :2] + MARGIN).astype(np.int32)
    outside = cv2.fillPoly(np.ones((side, side), np.uint8), [oval], 0) > 0
    person = matte > 0.6
    crown = person & outside & (below < -CROWN[0] / 2) & (below > -CROWN[1])
    crown &= np.abs(beside) < ASIDE
    skin = ~outside & (below > 0.45) & (below < 0.8) & (np.abs(beside) < 0.35)
    if crown.sum() < 0.01 * _height(framed.face) ** 2 or not skin.any():
        return None
    like, unlike = _apart(lab, crown), _apart(lab, skin)
    if float(np.median(unlike[crown])) < APART:
        return None
    hair = person & outside & (like < LIKE) & (like < 0.8 * unlike) & (np.abs(beside) < REACH)
    loose = _hanging(hair | (crown & (like < LIKE)), below)
    enough = LEAST * _height(framed.face) ** 2
    return loose if loose[below > FROM].sum() > enough and _long(loose, below) else None


def _apart(lab: Floats, sample: Mask) -> Floats:
    """(n, n): how far each px is from the nearest of the colours that a sample has."""
    colours = lab[sample]
    rng = np.random.default_rng(0)
    few = colours[rng.choice(len(colours), min(len(colours), 2000), replace=False)]
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 12, 1.0)
    # By brightness to begin with, so that it always ends the same way.
    kinds = min(SAME, len(few))
    first = (few[:, 0].argsort().argsort() * kinds // len(few)).astype(np.int32)[:, None]
    _, _, centres = cv2.kmeans(few, kinds, first, stop, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    each = []
    for centre in centres:
        away = lab - centre
        away[..., 0] *= np.where(away[..., 0] > 0, BRIGHTER, DARKER)
        each.append(np.linalg.norm(away, axis=-1))
    return np.asarray(np.min(each, axis=0), np.float32)


def _hanging(hair: Mask, below: Floats) -> Mask:
    """What of it hangs down from above, strand by strand, each third row a px wider at most."""
    closed = cv2.morphologyEx(hair.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    closed = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    out = closed.astype(bool)
    for row in range(1, len(out)):
        over = out[row - 1]
        near = over | np.roll(over, 1) | np.roll(over, -1) if row % 3 == 0 else over
        out[row] &= near | (below[row] < FROM)
    return out


def _long(loose: Mask, below: Floats) -> bool:
    """Whether it hangs down to the chin on either side."""
    return bool(loose[(below > 0.95) & (below < 1.05)].any())
