"""THEval's measures of a talking face that need nothing but landmarks and sound.

After Quignon et al., "THEval: evaluation framework for talking head video generation" (CVPR 2026,
arXiv 2511.04520) and the definitions in its public repository; the code is our own. Points are
(frames, 468, 2 or 3) of MediaPipe's face mesh in any px; all lengths become those of a picture of
SIDE px in which the outer eye corners are EYES of its width apart, as in the measured data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.models.bake import landmarks as lm

Doubles = npt.NDArray[np.float64]
Points = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]

SIDE: Final = 256
EYES: Final = 0.33
HEAD_SIDE: Final = 512  # px of the pictures in which the head's way is measured

LIPS: Final = sorted(
    {*lm.LIP_UPPER_INNER, *lm.LIP_LOWER_INNER, *lm.LIP_UPPER_OUTER, *lm.LIP_LOWER_OUTER}
)
# (brow, all points around the eye) of the subject's right and left
SIDES: Final = tuple(
    (list(brow), sorted({*upper, *lower}))
    for brow, upper, lower in (
        (lm.BROW_RIGHT, lm.LID_UPPER_RIGHT, lm.LID_LOWER_RIGHT),
        (lm.BROW_LEFT, lm.LID_UPPER_LEFT, lm.LID_LOWER_LEFT),
    )
)
GAP_UPPER: Final = [191, 80, 81, 82, 13, 312, 311, 310]  # inner lips, as THEval pairs them
GAP_LOWER: Final = [95, 88, 178, 87, 14, 317, 402, 318]
CORNERS: Final = (33, 263)  # outer eye corners
# Points that a jaw, lips and brows leave alone, by which the head's turn is told
RIGID: Final = [33, 263, 133, 362, 168, 6, 197, 10, 151, 9, 127, 356, 234, 454, 93, 323, 54, 284]

SILENCE: Final = 0.3  # s, the shortest silence that counts
WINDOW: Final = 0.05  # s over which loudness is taken
TALKING: Final = 0.1  # of all frames at least, or there is no lip sync to measure

# Means over the real videos of the published test set (examples/gt_metrics.csv there).
TRUTH: Final = {
    "lip_dynamics": 1.716603,
    "head_dynamics": 18.46757,
    "brow_dynamics": 0.006777,
    "silent_lips": 0.0263,
    "lip_sync": 0.2528,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One clip: points (frames, 468, 3) at `fps`, sound (samples,) in [-1, 1] at `rate`, and in
    which frames somebody speaks (frames,)."""

    points: Points
    fps: float
    sound: Doubles
    rate: int
    speech: Flags


def score(ours: float, truth: float) -> float:
    """THEval's equation 12: 1 at the truth, less by the share by which it is missed either way."""
    return 1.0 - abs(ours - truth) / truth


def measured(clip: Seen) -> dict[str, float]:
    """Every measure of TRUTH by name; NaN where the clip has not what it takes."""
    return {
        "lip_dynamics": lip_dynamics(clip.points),
        "head_dynamics": head_dynamics(clip.points),
        "brow_dynamics": brow_dynamics(clip.points),
        "silent_lips": silent_lips(clip.points, clip.speech, clip.fps),
        "lip_sync": lip_sync(clip),
    }


def _scale(points: Points, side: int = SIDE) -> float:
    """px of the measured picture for one px of these points."""
    apart = np.linalg.norm(points[:, CORNERS[1], :2] - points[:, CORNERS[0], :2], axis=1)
    return float(side * EYES / np.median(apart))


def lip_dynamics(points: Points) -> float:
    """px: the distances between all pairs of 40 lip points, their deviation over time, the mean."""
    lips = np.asarray(points[:, LIPS, :2], np.float64) * _scale(points)
    a, b = np.triu_indices(len(LIPS), 1)
    return float(np.linalg.norm(lips[:, a] - lips[:, b], axis=2).std(0).mean())


def brow_heights(points: Points) -> Doubles:
    """(frames, 2): from the middle of the eye to that of the brow, over the eyes' distance."""
    flat = np.asarray(points[..., :2], np.float64)
    brows = np.stack([flat[:, brow].mean(1) for brow, _ in SIDES], 1)
    eyes = np.stack([flat[:, eye].mean(1) for _, eye in SIDES], 1)
    unit = np.linalg.norm(eyes[:, 1] - eyes[:, 0], axis=1, keepdims=True)
    return np.asarray(np.linalg.norm(brows - eyes, axis=2) / unit)


def brow_dynamics(points: Points) -> float:
    """Mean change of a brow's height from frame to frame."""
    return float(np.abs(np.diff(brow_heights(points), axis=0)).mean())


def gaps(points: Points) -> Doubles:
    """(frames,): opening of the lips, mean of eight pairs, over the outer eye corners' distance."""
    apart = np.linalg.norm(points[:, CORNERS[1], :2] - points[:, CORNERS[0], :2], axis=1)
    between = np.abs(points[:, GAP_UPPER, 1] - points[:, GAP_LOWER, 1]).mean(1)
    return np.asarray(between / apart, np.float64)


def silences(speech: Flags, fps: float) -> Flags:
    """(frames,): those of stretches without speech that last SILENCE and longer."""
    edges = np.flatnonzero(np.diff(np.r_[True, speech, True].astype(np.int8)))
    kept = np.zeros(len(speech), bool)
    for start, end in edges.reshape(-1, 2):
        if end - start >= SILENCE * fps:
            kept[start:end] = True
    return kept


def silent_lips(points: Points, speech: Flags, fps: float) -> float:
    """How far lips are from their mean opening in silence, the median; NaN without silence."""
    quiet = gaps(points)[silences(speech, fps)]
    return float(np.median(np.abs(quiet - quiet.mean()))) if len(quiet) > 1 else float("nan")


def lip_sync(clip: Seen) -> float:
    """Mean difference of opening and loudness in speech, each over its range there."""
    if clip.speech.mean() < TALKING or clip.speech.sum() < 2:
        return float("nan")
    opening = openings(clip.points)[clip.speech]
    loud = loudness(clip.sound, clip.rate, np.arange(len(clip.points)) / clip.fps)[clip.speech]
    return float(np.abs(_ranged(opening) - _ranged(loud)).mean())


def openings(points: Points) -> Doubles:
    """(frames,): between the mean heights of the lips, over the distance of the eyes' middles."""
    flat = np.asarray(points, np.float64)
    right, left = (flat[:, list(eye), 0].mean(1) for eye in (lm.EYE_RIGHT, lm.EYE_LEFT))
    between = np.abs(flat[:, GAP_UPPER, 1].mean(1) - flat[:, GAP_LOWER, 1].mean(1))
    return np.asarray(between / np.abs(left - right))


def loudness(sound: Doubles, rate: int, times: Doubles) -> Doubles:
    """(times,): root mean square of WINDOW around each multiple of it, between them in a line."""
    size = int(rate * WINDOW)
    padded = np.pad(sound, size // 2)
    blocks = padded[: len(padded) // size * size].reshape(-1, size)
    rms = np.sqrt(np.square(blocks).mean(1))
    return np.asarray(np.interp(times, np.arange(len(rms)) * size / rate, rms))


def _ranged(values: Doubles) -> Doubles:
    low, high = values.min(), values.max()
    return np.asarray((values - low) / (high - low + 1e-8))


def turns(points: Points) -> Doubles:
    """(frames, 3) degrees of yaw, pitch and roll against the middle frame, by the mesh's depth.

    THEval asks a network (FaceXFormer), which is not to be had here: Kabsch's rotation instead.
    """
    shape = np.asarray(points[:, RIGID, :3], np.float64)
    shape -= shape.mean(1, keepdims=True)
    reference = shape[len(shape) // 2]
    found = []
    for one in shape:
        u, _, v = np.linalg.svd(reference.T @ one)
        sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(v.T @ u.T))])
        m = v.T @ sign @ u.T
        yaw = np.arctan2(-m[2, 0], np.hypot(m[2, 1], m[2, 2]))
        found.append((yaw, np.arctan2(m[2, 1], m[2, 2]), np.arctan2(m[1, 0], m[0, 0])))
    return np.degrees(np.array(found))


def head_dynamics(points: Points) -> float:
    """THEval's mixture: deviation of the angles times variance of their steps, plus the variance
    of the middle of the face's box in px of HEAD_SIDE; the root of that sum."""
    angles = turns(points)
    flat = np.asarray(points[..., :2], np.float64) * _scale(points, HEAD_SIDE)
    middle = (flat.min(1) + flat.max(1)) / 2
    turned = angles.std(0).mean() * np.diff(angles, axis=0).var(0).mean()
    return float(np.sqrt(turned + middle.var(0).mean()))
