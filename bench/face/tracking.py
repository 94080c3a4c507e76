"""Does a face do what it is told: landmarks on rendered frames against commands.

Lengths are in inter-ocular distances, angles in degrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.engines.base import Draw, FaceState
from visavis.models import arkit
from visavis.models.bake import landmarks as lm
from visavis.models.bake.head import load_head
from visavis.models.quality import subject as quality_subject
from visavis.models.quality.subject import as_rgb

Doubles = npt.NDArray[np.float64]
Rgb = npt.NDArray[np.uint8]

STEPS: Final = 21
# Windows through which the landmark model looks at a mouth: how much wider than usual, radians
VIEWS: Final = [
    (wider, turn) for wider in (0.88, 0.94, 1.0, 1.06, 1.12) for turn in (-0.06, 0, 0.06)
]
LIDS: Final = {  # upper and lower landmark of three pairs, the subject's right and left eye
    "right": ((159, 145), (158, 153), (160, 144)),
    "left": ((386, 374), (385, 380), (387, 373)),
}
EYEBALL: Final = 0.19  # radius of an eyeball in inter-ocular distances: 12 mm of 63 mm
WINDOW: Final = 11  # px around a point that are followed from picture to picture
FINER: Final = 2  # pictures are enlarged by this for that


@dataclass(frozen=True, slots=True)
class Seen:
    """What landmarks say of one frame. gap: between the lips; width: of the mouth; lids: opening
    by the mesh, iris_lids: by the iris model; gaze: iris from the middle of the eye, x and y."""

    gap: float
    width: float
    lids: float
    iris_lids: float
    gaze: tuple[float, float]
    points: npt.NDArray[np.float32]


def command(
    pose: Sequence[float] = (), gaze: Sequence[float] = (0, 0), **amounts: float
) -> FaceState:
    """A state; an amount named without its side is of both."""
    face, whole = quality_subject.face(**amounts), quality_subject.pose(*pose)
    return FaceState(face, whole, np.array(gaze, np.float32))


def measured(face: lm.Face) -> Seen:
    """Lengths of a face of landmarks."""
    p = face.points[:, :2]
    eyes = face.eye_left.centre - face.eye_right.centre
    across = eyes / np.linalg.norm(eyes)
    down = np.array([-across[1], across[0]])
    unit = float(np.linalg.norm(p[263] + p[362] - p[33] - p[133]) / 2)
    right, left = lm.MOUTH_CORNERS
    gap = np.mean([(p[b] - p[a]) @ down for a, b in lm.LIP_PAIRS]) / unit
    width = float(np.linalg.norm(p[left] - p[right])) / unit
    lids = np.mean([(p[b] - p[a]) @ down for row in LIDS.values() for a, b in row]) / unit
    seen, looks = [], []
    for eye, corners in ((face.eye_right, (33, 133)), (face.eye_left, (263, 362))):
        seen.append(((eye.lower - eye.upper) @ down)[3:6].mean() / unit)
        middle = (p[corners[0]] + p[corners[1]]) / 2
        looks.append(((eye.centre - middle) @ across / unit, (eye.centre - middle) @ -down / unit))
    gaze = np.mean(looks, axis=0)
    return Seen(
        float(gap),
        width,
        float(lids),
        float(np.mean(seen)),
        (float(gaze[0]), float(gaze[1])),
        face.points,
    )


class Probe:
    """Renders states and measures them, each time starting from the neutral face's landmarks."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        still = as_rgb(draw(FaceState()))
        found = lm.detect(still)
        if not found:
            message = "no face is found in the neutral picture"
            raise ValueError(message)
        self.still = still
        self.rest = lm.find_landmarks(still, found[0])

    def see(self, state: FaceState) -> Seen:
        """One frame; looked at twice, since a jaw that drops moves the region that is looked at."""
        return self.look(as_rgb(self.draw(state)), self.rest.points)

    def look(self, picture: Rgb, before: npt.NDArray[np.float32]) -> Seen:
        """A frame like the one in which the landmarks `before` (468, 3) were found."""
        return measured(lm.follow(picture, lm.follow(picture, before).points))

    def mouth(self, state: FaceState) -> tuple[float, float]:
        """Gap between the lips and width of the mouth, the means of what is read through all VIEWS.

        Through one window they jump by 0.01 from picture to picture, in path-traced ones as well,
        which is as much as a face's mouth is stretched in a quarter of its way.
        """
        picture = as_rgb(self.draw(state))
        seen = [measured(view) for view in lm.views(picture, self.rest.points, VIEWS)]
        return float(np.mean([s.gap for s in seen])), float(np.mean([s.width for s in seen]))

    def follow(self, at: Doubles, states: Sequence[FaceState]) -> Doubles:
        """(states, n, 2) px: where the picture's own detail at `at` (n, 2) of the neutral face goes
        as it passes through the states, by optical flow. No model of a face has a say in it."""
        return followed(at, [self.still, *(as_rgb(self.draw(s)) for s in states)])


def followed(at: Doubles, pictures: Sequence[Rgb]) -> Doubles:
    """(pictures - 1, n, 2): points of the first picture in the others (Lucas & Kanade 1981)."""
    side = FINER * WINDOW | 1
    greys = [
        cv2.resize(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), None, fx=FINER, fy=FINER) for p in pictures
    ]
    seen = [((at + 0.5) * FINER - 0.5).astype(np.float32)[:, None]]
    for before, after in pairwise(greys):
        moved, _, _ = cv2.calcOpticalFlowPyrLK(
            before, after, seen[-1], None, winSize=(side, side), maxLevel=2
        )
        seen.append(moved)
    return np.asarray((np.array(seen[1:], np.float64)[:, :, 0] + 0.5) / FINER - 0.5)


def correlation(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Pearson's, 0 where one of them does not move."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if x.std() < 1e-9 or y.std() < 1e-9:
        return 0.0
    return round(float(np.corrcoef(x, y)[0, 1]), 4)


def obedience(probe: Probe) -> dict[str, Any]:
    """Sweeps of single commands."""
    ramp = np.linspace(0, 1, STEPS)
    jaws = [command(jawOpen=v) for v in ramp]
    out: dict[str, Any] = {
        "jaw_open": correlation(ramp, [probe.mouth(s)[0] for s in jaws]),
        "jaw_open_one_window": correlation(ramp, [probe.see(s).gap for s in jaws]),
    }
    out["mouth_width"], out["mouth_width_one_window"], out["mouth_width_tracked"] = {}, {}, {}
    for unit, sign in (("mouthSmile", 1), ("mouthStretch", 1), ("mouthPucker", -1)):
        states = [command(**{unit: v}) for v in ramp]
        read = [probe.see(s).width for s in states]
        out["mouth_width_one_window"][unit] = round(sign * correlation(ramp, read), 4)
        mean = [probe.mouth(s)[1] for s in states[::2]]
        out["mouth_width"][unit] = round(sign * correlation(ramp[::2], mean), 4)
        out["mouth_width_tracked"][unit] = round(sign * correlation(ramp, widths(probe, states)), 4)
    out["blink"] = blink(probe, ramp)
    out["gaze"] = gaze(probe)
    return out


def widths(probe: Probe, states: Sequence[FaceState]) -> Doubles:
    """(states,) px between the mouth's corners as optical flow follows them.

    The face mesh expects usual mouths: of bruno path-traced with mouthStretch from 0 to 1 it reads
    0.897, 0.886, 0.891, 0.872, 0.896 where the corners are drawn apart by a fifth.
    """
    corners = probe.rest.points[list(lm.MOUTH_CORNERS), :2].astype(np.float64)
    return np.asarray(np.linalg.norm(np.diff(probe.follow(corners, states), axis=1)[:, 0], axis=1))


def blink(probe: Probe, ramp: Doubles) -> dict[str, float]:
    """How much of the opening is left, by the mesh's lids and by the iris model's.

    Both see an opening where there is none: of path-traced closed eyes of mira the mesh says 0.43
    and the iris model 0.17. What is truly left to see is measured by faults.eyes_left_open.
    """
    seen = [probe.see(command(eyeBlink=v)) for v in ramp]
    mesh, iris = ([getattr(s, name) for s in seen] for name in ("lids", "iris_lids"))
    return {
        "left_open": round(max(mesh[-1], 0) / mesh[0], 4),
        "left_open_iris_model": round(max(iris[-1], 0) / iris[0], 4),
        "correlation": correlation(1 - ramp, mesh),
    }


def gaze(probe: Probe) -> dict[str, float]:
    """Correlation and gain (1: the iris goes as far as an eyeball of usual size says).

    By the iris model, and with optical flow of the irises. The model looks for an iris midway
    between the lids: of mira path-traced looking up by 9.8 and down by 11.4 degrees it reads 0.1
    and 0.2 of the way.
    """
    eyes = (probe.rest.eye_right, probe.rest.eye_left)
    unit = float(np.linalg.norm(eyes[1].centre - eyes[0].centre))
    irises = np.array([eye.centre for eye in eyes], np.float64)
    out = {}
    for axis, name, most in ((0, "across", 24.0), (1, "up", 14.0)):
        angles = np.linspace(0, most, STEPS // 2 + 1)
        expected = np.sin(np.radians(angles)) * EYEBALL
        looks, flows = [], []
        for way in (-1, 1):
            states = [command(gaze=(way * a, 0) if axis == 0 else (0, way * a)) for a in angles]
            looks.append([probe.see(s).gaze[axis] for s in states])
            flow = probe.follow(irises, states).mean(1)[:, axis] / unit
            flows.append((flow - flow[0]) * (1 if axis == 0 else -1))
        both = np.concatenate([-expected[:0:-1], expected])
        for how, read in (("", looks), ("_tracked", flows)):
            seen = np.concatenate([read[0][:0:-1], read[1]])
            out[f"{name}{how}_correlation"] = correlation(both, seen)
            out[f"{name}{how}_gain"] = round(float(np.polyfit(both, seen, 1)[0]), 3)
    return out


def told(states: Sequence[FaceState]) -> tuple[Doubles, Doubles]:
    """Lip gap and mouth width that the free head itself takes in each state, pose aside.

    The head's geometry, not the renderer's: what the coefficients mean.
    """
    head = load_head()
    corners, weights = head.faces[head.landmark_faces], head.landmark_weights
    rest = np.einsum("lc,lcd->ld", weights, head.vertices[corners])
    units = np.einsum("lc,klcd->kld", weights, head.units[:, corners])
    amount = np.array([_limited(s) for s in states])
    shape = rest + np.tensordot(amount, units, 1)
    right, left = lm.MOUTH_CORNERS
    gap = np.mean([shape[:, a, 1] - shape[:, b, 1] for a, b in lm.LIP_PAIRS], axis=0)
    width = np.linalg.norm(shape[:, left] - shape[:, right], axis=1)
    return np.asarray(gap), np.asarray(width)


def _limited(state: FaceState) -> Doubles:
    """As renderers do: lips close no further than the jaw opens."""
    amount = np.clip(state.coefficients.astype(np.float64), 0, 1)
    jaw, close = arkit.INDEX["jawOpen"], arkit.INDEX["mouthClose"]
    amount[close] = min(amount[close], amount[jaw])
    return amount


def speech(states: Sequence[FaceState], seen: Sequence[Seen]) -> dict[str, float]:
    """The same over frames of a spoken minute."""
    gap, width = told(states)
    jaw = [float(s.coefficients[arkit.INDEX["jawOpen"]]) for s in states]
    lids = [float(s.coefficients[arkit.INDEX["eyeBlinkLeft"]]) for s in states]
    return {
        "jaw_open": correlation(jaw, [s.gap for s in seen]),
        "lip_gap": correlation(gap, [s.gap for s in seen]),
        "mouth_width": correlation(width, [s.width for s in seen]),
        "blink": correlation(np.negative(lids), [s.lids for s in seen]),
    }
