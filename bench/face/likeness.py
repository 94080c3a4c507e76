"""How like the person: against path-traced truth (SSIM, PSNR, edges) and by face recognition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from bench.face.truth import Pair, calm
from visavis.engines.base import Draw
from visavis.models import recognition
from visavis.models.bake import landmarks as lm
from visavis.models.quality.subject import as_rgb

Floats = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

LIPS: Final = lm.LIP_UPPER_INNER + lm.LIP_LOWER_INNER[1:-1]
LIDS: Final = (
    lm.LID_UPPER_RIGHT + lm.LID_LOWER_RIGHT[1:-1] + lm.LID_UPPER_LEFT + lm.LID_LOWER_LEFT[1:-1]
)
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # Wang et al. 2004


@dataclass(frozen=True, slots=True)
class Compared:
    """One pair: both pictures, and what they differ by. lips, lids: mean px between edges; calm:
    whether the head is turned no further than in speech."""

    truth: Rgb
    warp: Rgb
    region: Mask
    ssim: float
    psnr: float
    lips: float
    lids: float
    calm: bool


def ssim_map(a: Floats, b: Floats) -> Floats:
    """(h, w) structural similarity, Gaussian window of 1.5 px (Wang et al. 2004)."""

    def mean(x: Floats) -> Floats:
        return np.asarray(cv2.GaussianBlur(x, (11, 11), 1.5), np.float32)

    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    top = (2 * ma * mb + C1) * (2 * cov + C2)
    return np.asarray(top / ((ma * ma + mb * mb + C1) * (va + vb + C2)), np.float32)


def grey(picture: Rgb) -> Floats:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)


def landmarks(picture: Rgb) -> lm.Face | None:
    """Of the one face in a picture, None when there is none."""
    found = lm.detect(picture)
    return lm.find_landmarks(picture, found[0]) if found else None


def _oval(face: lm.Face, shape: tuple[int, ...]) -> Mask:
    """The face up to its outline, and 2 % of its height beyond."""
    mask = np.zeros(shape[:2], np.uint8)
    outline = np.round(face.points[list(lm.OVAL), :2]).astype(np.int32)
    cv2.fillPoly(mask, [outline], 1)
    reach = 2 * round(0.02 * float(np.ptp(outline[:, 1]))) + 1
    return cv2.dilate(mask, np.ones((reach, reach), np.uint8)) > 0


def compare(pair: Pair, draw: Draw) -> Compared | None:
    """The warp beside the truth in the same state; None where the truth shows no face."""
    return _compared(pair, as_rgb(draw(pair.state)))


def _compared(pair: Pair, own: Rgb) -> Compared | None:
    face = landmarks(pair.picture)
    if face is None:
        return None
    region = _oval(face, own.shape) & pair.seen
    error = (own.astype(np.float64) - pair.picture)[region]
    # Both are looked at in the same place: at two places the model reads lips of one and the same
    # picture up to 1.7 px apart.
    points = [lm.follow(p, face.points).points for p in (pair.picture, own)]
    lips, lids = (
        float(np.linalg.norm((points[0] - points[1])[list(ids), :2], axis=1).mean())
        for ids in (LIPS, LIDS)
    )
    return Compared(
        pair.picture,
        own,
        region,
        float(ssim_map(grey(pair.picture), grey(own))[region].mean()),
        float(10 * np.log10(255**2 / max((error**2).mean(), 1e-9))),
        lips,
        lids,
        calm(pair.state),
    )


def ceiling(neutral: Pair, again: Pair) -> dict[str, float]:
    """How alike two renders of one state are: more, no warp of the one can be to the other."""
    row = _compared(neutral, again.picture)
    return {"ssim": round(row.ssim, 4), "psnr_db": round(row.psnr, 2)} if row else {}


def summary(rows: Sequence[Compared], neutral: Compared) -> dict[str, Any]:
    """Mean, median and worst of each figure, and of the same the neutral pair."""

    def spread(name: str, worst: float) -> dict[str, float]:
        values = np.array([getattr(row, name) for row in rows])
        quiet = [getattr(row, name) for row in rows if row.calm]
        return {
            "mean": round(float(values.mean()), 4),
            "median": round(float(np.median(values)), 4),
            "worst_tenth": round(float(np.percentile(values, worst)), 4),
            "neutral": round(float(getattr(neutral, name)), 4),
            "turned_as_in_speech": round(float(np.mean(quiet)), 4) if quiet else float("nan"),
        }

    return {
        "pairs": len(rows),
        "turned_as_in_speech": sum(row.calm for row in rows),
        "ssim": spread("ssim", 10),
        "psnr_db": spread("psnr", 10),
        "lip_edges_px": spread("lips", 90),
        "lid_edges_px": spread("lids", 90),
    }


def identity(found: Sequence[Pair], rows: Sequence[Compared], photo: Rgb) -> dict[str, float]:
    """The least cosine to the photo, of the truth and of the warp, over the same states."""
    whole = np.asarray(cv2.resize(photo, found[0].picture.shape[1::-1]), np.uint8)
    person = Recogniser(whole)
    true = [person.cosine(np.where(p.seen[..., None], p.picture, whole)) for p in found]
    return {
        "truth_worst": round(min(true), 4),
        "warp_worst": round(min(person.cosine(row.warp) for row in rows), 4),
    }


class Recogniser:
    """SFace: how far a frame shows the person of a photo, as a cosine."""

    def __init__(self, photo: Rgb) -> None:
        self._network = recognition.locate()
        self._photo = self._embedded(photo)

    def _embedded(self, picture: Rgb) -> npt.NDArray[np.float32]:
        found = recognition.of_picture(picture, self._network)
        return np.zeros(recognition.SIZE, np.float32) if found is None else found

    def cosine(self, picture: Rgb) -> float:
        """In [-1, 1]; the same person is usually above 0.36, no face is 0."""
        return float(self._embedded(picture) @ self._photo)
