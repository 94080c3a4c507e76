"""Where a face is in a photo: detector, 468 landmarks, irises, matte.

The models come from MediaPipe (Apache-2.0); models/data/README.md gives their conventions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]  # (height, width, 3)

DATA: Final = Path(__file__).parents[1] / "data"
POINTS: Final = 468
MIN_SCORE: Final = 0.5  # MediaPipe's own threshold of the detector
MIN_PRESENCE: Final = 0.5
GUIDE_SIDE: Final = 576  # px at which the matte is fitted to the picture
SURER: Final = 0.05  # of a score, see quarter_turns
SURE_WINDOWS: Final = ((1.0, 0.0), (0.85, 0.0), (1.2, 0.0), (1.0, 0.15), (1.0, -0.15))
SAME_FACE: Final = 0.3  # boxes that overlap more (intersection over union) are one face

# Landmark indices (MediaPipe face mesh). "Right" and "left" are the subject's own.
LIP_UPPER_INNER: Final = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LIP_LOWER_INNER: Final = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
LIP_UPPER_OUTER: Final = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
LIP_LOWER_OUTER: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
LID_UPPER_RIGHT: Final = (33, 246, 161, 160, 159, 158, 157, 173, 133)
LID_LOWER_RIGHT: Final = (33, 7, 163, 144, 145, 153, 154, 155, 133)
LID_UPPER_LEFT: Final = (362, 398, 384, 385, 386, 387, 388, 466, 263)
LID_LOWER_LEFT: Final = (362, 382, 381, 380, 374, 373, 390, 249, 263)
MOUTH_CORNERS: Final = (61, 291)  # the subject's right, then left
LIP_PAIRS: Final = ((13, 14), (82, 87), (312, 317))  # on the upper lip's inner edge, on the lower's
BROW_RIGHT: Final = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
BROW_LEFT: Final = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
OVAL: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
CHEEKS: Final = (50, 280, 205, 425)
FOREHEAD: Final = 10
BRIDGE: Final = 168  # of the nose, between the eyes
CHIN: Final = 152
EYE_RIGHT: Final = (33, 133)  # outer corner, inner corner
EYE_LEFT: Final = (263, 362)


@dataclass(frozen=True, slots=True)
class Detection:
    """One face: score in [0, 1], box centre and size, and its two eyes, in picture px."""

    score: float
    centre: Floats  # (2,)
    size: Floats  # (2,)
    eyes: Floats  # (2, 2): the subject's right, then left

    def overlap(self, other: Detection) -> float:
        """Intersection over union of the two boxes."""
        low = np.maximum(self.centre - self.size / 2, other.centre - other.size / 2)
        high = np.minimum(self.centre + self.size / 2, other.centre + other.size / 2)
        common = float(np.prod(np.maximum(high - low, 0)))
        return common / float(np.prod(self.size) + np.prod(other.size) - common)


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye in picture px: iris centre (2,) and radius, and its lid margins.

    upper, lower (9, 2): from the picture's left to its right, both corners included.
    """

    centre: Floats
    radius: float
    upper: Floats
    lower: Floats


@dataclass(frozen=True, slots=True)
class Face:
    """points: (468, 3) float32 in picture px, z nearer is smaller; presence in [0, 1]."""

    points: Floats
    presence: float
    eye_right: Eye
    eye_left: Eye


@cache
def _session(name: str) -> Any:  # onnxruntime has no types
    # It starts a thread as it is imported: a process that shuts itself in must be alone until then.
    import onnxruntime as ort  # type: ignore[import-untyped]

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    path = str(DATA / f"{name}.onnx")
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _run(name: str, image: Rgb, low: float = 0.0) -> dict[str, Floats]:
    """Pixels as numbers from `low` to 1 -> the outputs by name."""
    session = _session(name)
    scaled = (image.astype(np.float32) * ((1 - low) / 255) + low).astype(np.float32)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"image": scaled[None]}), strict=True))


@cache
def _anchors() -> Floats:
    """Centres of the detector's 896 anchors in px of its input."""
    rows = []
    for cells, each in ((16, 2), (8, 6)):
        y, x = np.mgrid[0:cells, 0:cells]
        centre = (np.stack([x, y], -1).reshape(-1, 2) + 0.5) / cells * 128
        rows.append(np.repeat(centre, each, axis=0))
    return np.concatenate(rows).astype(np.float32)


def _detect_once(image: Rgb, offset: tuple[int, int]) -> list[Detection]:
    height, width = image.shape[:2]
    side = max(height, width)
    square = np.zeros((side, side, 3), np.uint8)
    square[:height, :width] = image
    small = cv2.resize(square, (128, 128), interpolation=cv2.INTER_AREA)
    out = _run("face_detector", np.asarray(small, np.uint8), -1.0)
    logits = np.clip(out["logits"].reshape(-1).astype(np.float64), -100, 100)
    scores = 1 / (1 + np.exp(-logits))
    rows = out["boxes"].reshape(-1, 16)
    found = []
    for i in np.flatnonzero(scores >= MIN_SCORE):
        scale = side / 128
        points = (rows[i].reshape(8, 2) + _anchors()[i]) * scale + offset
        size = rows[i, 2:4] * scale
        found.append(Detection(float(scores[i]), points[0], size, points[2:4]))
    return found


def _tiles(height: int, width: int, parts: int) -> list[tuple[int, int, int]]:
    """Overlapping squares (x, y, side) that cover the picture, `parts` along its shorter side."""
    side = min(height, width) // parts
    step = max(side // 2, 1)
    xs = [*range(0, width - side, step), width - side]
    ys = [*range(0, height - side, step), height - side]
    return [(x, y, side) for y in ys for x in xs]


def _distinct(found: list[Detection]) -> list[Detection]:
    kept: list[Detection] = []
    for face in sorted(found, key=lambda f: -f.score):
        if all(face.overlap(other) < SAME_FACE for other in kept):
            kept.append(face)
    return kept


def detect(image: Rgb) -> list[Detection]:
    """All faces, the surest first. Looks closer, in tiles, when the whole shows none.

    The detector sees 128 x 128 px and misses a face under about a tenth of the picture.
    """
    found = _detect_once(image, (0, 0))
    for parts in (1, 2, 4):
        if found or min(image.shape[:2]) < 96 * parts:
            break
        for x, y, side in _tiles(image.shape[0], image.shape[1], parts):
            found += _detect_once(image[y : y + side, x : x + side], (x, y))
    return _distinct(found)


def quarter_turns(image: Rgb) -> int:
    """How often np.rot90 has to turn a photo so that its face is upright; 0 when in doubt.

    The detector is surest of upright faces: by 0.07 to 0.15 over lying ones, more over those
    upside down, on the portraits tried.
    """
    small = cv2.resize(image, None, fx=0.5, fy=0.5) if max(image.shape) > 2000 else image
    scores = []
    for turns in range(4):
        found = _detect_once(np.ascontiguousarray(np.rot90(small, turns)), (0, 0))
        scores.append(max((face.score for face in found), default=0.0))
    best = int(np.argmax(scores))
    return best if scores[best] > scores[0] + SURER else 0


def _region(image: Rgb, centre: Floats, side: float, angle: float, size: int) -> tuple[Rgb, Floats]:
    """A turned square as size x size px, and the (2, 3) map from its px to the picture's."""
    scale = side / size
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    linear = turn * scale
    back = np.hstack([linear, (centre - linear @ [size / 2, size / 2])[:, None]])
    back = back.astype(np.float32)
    # Shrinking with plain linear sampling aliases, and the landmarks then jitter: blur before.
    source = image if scale <= 1.5 else cv2.GaussianBlur(image, (0, 0), scale / 3)
    crop = cv2.warpAffine(source, back, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(crop, np.uint8), back


def _to_picture(points: Floats, back: Floats) -> Floats:
    scale = float(np.linalg.norm(back[:, 0]))
    flat = points[:, :2] @ back[:, :2].T + back[:, 2]
    return np.hstack([flat, points[:, 2:] * scale]).astype(np.float32)


def _angle(vector: Floats) -> float:
    return float(np.arctan2(vector[1], vector[0]))


def _landmarks_once(image: Rgb, centre: Floats, side: float, angle: float) -> tuple[Floats, float]:
    crop, back = _region(image, centre, side, angle, 192)
    out = _run("face_landmarks", crop)
    presence = 1 / (1 + np.exp(-float(out["presence"].reshape(-1)[0])))
    return _to_picture(out["points"].reshape(-1, 3), back), float(presence)


def _refined(
    image: Rgb, points: Floats, wider: float = 1.0, turned: float = 0.0
) -> tuple[Floats, float]:
    """Landmarks once more, in a region taken from landmarks."""
    angle = _angle(points[263, :2] - points[33, :2]) + turned
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    level = points[:, :2] @ turn.T
    low, high = level.min(0), level.max(0)
    centre = np.asarray(((low + high) / 2) @ turn, np.float32)
    return _landmarks_once(image, centre, float((high - low).max()) * 1.5 * wider, angle)


def _eye(image: Rgb, outer: Floats, inner: Floats, mirrored: bool) -> Eye:
    centre = np.asarray((outer + inner) / 2, np.float32)
    span = float(np.linalg.norm(outer - inner))
    line = outer - inner if mirrored else inner - outer
    crop, back = _region(image, centre, span * 2.3, _angle(line), 64)
    picture = np.ascontiguousarray(crop[:, ::-1]) if mirrored else crop
    out = _run("iris", picture)
    points = np.concatenate([out["iris"].reshape(5, 3), out["contour"].reshape(71, 3)[:16]])
    if mirrored:
        points[:, 0] = 64 - points[:, 0]
    flat = _to_picture(points, back)[:, :2]
    lower, upper = flat[5:14], np.concatenate([flat[5:6], flat[14:21], flat[13:14]])
    if mirrored:
        lower, upper = lower[::-1], upper[::-1]
    radius = float(np.linalg.norm(flat[1:5] - flat[0], axis=1).mean())
    return Eye(flat[0], radius, upper, lower)


def find_landmarks(image: Rgb, face: Detection, passes: int = 3) -> Face:
    """The face's landmarks and eyes; each pass looks again where the last one found it."""
    angle = _angle(face.eyes[1] - face.eyes[0])
    side = float(face.size.max()) * 1.5
    points, presence = _landmarks_once(image, face.centre, side, angle)
    for _ in range(passes - 1):
        points, presence = _refined(image, points)
    return Face(points, presence, *_eyes(image, points))


def _eyes(image: Rgb, points: Floats) -> tuple[Eye, Eye]:
    right, left = points[list(EYE_RIGHT), :2], points[list(EYE_LEFT), :2]
    return _eye(image, right[0], right[1], False), _eye(image, left[0], left[1], True)


def follow(image: Rgb, before: Floats, wider: float = 1.0, turned: float = 0.0) -> Face:
    """Landmarks in a picture like the one in which `before` (468, 3) was found.

    wider, turned: of the window that the model sees, against the usual one, and radians. Its answer
    varies by a percent with them: who measures means over several.
    """
    points, presence = _refined(image, before, wider, turned)
    return Face(points, presence, *_eyes(image, points))


def tracked(image: Rgb, before: Floats) -> tuple[Floats, float]:
    """As `follow`, without the eyes: points (468, 3) and presence, in half the time."""
    return _refined(image, before)


def views(image: Rgb, before: Floats, windows: Sequence[tuple[float, float]]) -> list[Face]:
    """As `follow`, through each window (wider, turned) at the face that was found at first."""
    points = follow(image, before).points
    return [follow(image, points, *window) for window in windows]


def sureness(image: Rgb, points: Floats) -> float:
    """Presence of a human face in [0, 1], through several windows at its landmarks: the median.

    Through one, an ape's or a calf's face may pass for one; through others it does not.
    """
    return float(np.median([_refined(image, points, *window)[1] for window in SURE_WINDOWS]))


def matte(image: Rgb) -> Floats:
    """(height, width) in [0, 1], 1 is person; edges follow the picture's own (guided filter)."""
    small = cv2.resize(image, (256, 256), interpolation=cv2.INTER_AREA)
    raw = _run("matte", np.asarray(small, np.uint8))["alpha"].reshape(256, 256)
    return _guided(image, raw)


def _guided(image: Rgb, alpha: Floats) -> Floats:
    """Move alpha's edges onto the picture's: He & Sun, Fast Guided Filter (2015), colour guide.

    alpha = slope . colour + offset in each window; both are found at a small size.
    """
    height, width = image.shape[:2]
    small = min(1.0, GUIDE_SIDE / max(height, width))
    size = (max(round(width * small), 8), max(round(height * small), 8))
    guide = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32) / 255
    rough = np.clip(cv2.resize(alpha, size, interpolation=cv2.INTER_CUBIC), 0, 1)
    slope, offset = (
        cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)
        for plane in _windows(
            np.asarray(guide, np.float32), np.asarray(rough, np.float32), max(2, size[0] // 100)
        )
    )
    refined = (slope * (image.astype(np.float32) / 255)).sum(-1) + offset
    return np.asarray(np.clip(refined, 0, 1), np.float32)


def _windows(guide: Floats, alpha: Floats, radius: int) -> tuple[Floats, Floats]:
    """(h, w, 3) slope and (h, w) offset, averaged over the windows that a px lies in."""
    box = (2 * radius + 1, 2 * radius + 1)
    mean, mean_alpha = cv2.blur(guide, box), cv2.blur(alpha, box)
    cross = cv2.blur(guide * alpha[..., None], box) - mean * mean_alpha[..., None]
    outer = cv2.blur((guide[..., :, None] * guide[..., None, :]).reshape(*alpha.shape, 9), box)
    variance = outer.reshape(*alpha.shape, 3, 3) - mean[..., :, None] * mean[..., None, :]
    variance = variance + np.eye(3, dtype=np.float32) * 1e-4
    slope = np.linalg.solve(variance, cross[..., None])[..., 0].astype(np.float32)
    offset = mean_alpha - (slope * mean).sum(-1)
    return np.asarray(cv2.blur(slope, box)), np.asarray(cv2.blur(offset, box))
