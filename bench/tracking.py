"""Does a face do what it is told: landmarks on rendered frames against commands.

Lengths are in inter-ocular distances, angles in degrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.engines.base import I420, FaceState
from visavis.engines.render_warp import WarpRenderer
from visavis.models import arkit
from visavis.models import landmarks as lm
from visavis.models.head import load_head

Doubles = npt.NDArray[np.float64]
Rgb = npt.NDArray[np.uint8]

STEPS: Final = 21
LIDS: Final = {  # upper and lower landmark of three pairs, the subject's right and left eye
    "right": ((159, 145), (158, 153), (160, 144)),
    "left": ((386, 374), (385, 380), (387, 373)),
}
LIPS: Final = ((13, 14), (82, 87), (312, 317))
CORNERS: Final = (61, 291)
EYEBALL: Final = 0.19  # radius of an eyeball in inter-ocular distances: 12 mm of 63 mm


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


def rgb(picture: I420) -> Rgb:
    """(h * 3 // 2, w) I420 -> (h, w, 3)."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_YUV2RGB_I420), np.uint8)


def command(
    pose: Sequence[float] = (), gaze: Sequence[float] = (0, 0), **amounts: float
) -> FaceState:
    """A state; an amount named without its side is of both."""
    face = np.zeros(arkit.COUNT, np.float32)
    for name, value in amounts.items():
        sides = ("",) if name in arkit.INDEX else ("Left", "Right")
        for side in sides:
            face[arkit.INDEX[name + side]] = value
    whole = np.zeros(6, np.float32)
    whole[: len(pose)] = pose
    return FaceState(face, whole, np.array(gaze, np.float32))


def measured(face: lm.Face) -> Seen:
    """Lengths of a face of landmarks."""
    p = face.points[:, :2]
    eyes = face.eye_left.centre - face.eye_right.centre
    across = eyes / np.linalg.norm(eyes)
    down = np.array([-across[1], across[0]])
    unit = float(np.linalg.norm(p[263] + p[362] - p[33] - p[133]) / 2)
    gap = np.mean([(p[b] - p[a]) @ down for a, b in LIPS]) / unit
    width = float(np.linalg.norm(p[CORNERS[1]] - p[CORNERS[0]])) / unit
    lids = np.mean([(p[b] - p[a]) @ down for row in LIDS.values() for a, b in row]) / unit
    seen, looks = [], []
    for eye, corners in ((face.eye_right, (33, 133)), (face.eye_left, (263, 362))):
        seen.append(((eye.lower - eye.upper) @ down)[3:6].mean() / unit)
        middle = (p[corners[0]] + p[corners[1]]) / 2
        looks.append(((eye.centre - middle) @ across / unit, (eye.centre - middle) @ -down / unit))
    gaze = np.mean(looks, axis=0)
    return Seen(
        float(gap), width, float(lids), float(np.mean(seen)), (float(gaze[0]), float(gaze[1])),
        face.points,
    )  # fmt: skip


class Probe:
    """Renders states and measures them, each time starting from the neutral face's landmarks."""

    def __init__(self, renderer: WarpRenderer) -> None:
        self.renderer = renderer
        still = rgb(renderer.render(FaceState()))
        found = lm.detect(still)
        if not found:
            message = "no face is found in the neutral picture"
            raise ValueError(message)
        self.rest = lm.find_landmarks(still, found[0])

    def see(self, state: FaceState) -> Seen:
        """One frame; looked at twice, since a jaw that drops moves the region that is looked at."""
        return self.look(rgb(self.renderer.render(state)), self.rest.points)

    def look(self, picture: Rgb, before: npt.NDArray[np.float32]) -> Seen:
        """A frame like the one in which the landmarks `before` (468, 3) were found."""
        return measured(lm.follow(picture, lm.follow(picture, before).points))


def correlation(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Pearson's, 0 where one of them does not move."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if x.std() < 1e-9 or y.std() < 1e-9:
        return 0.0
    return round(float(np.corrcoef(x, y)[0, 1]), 4)


def obedience(probe: Probe) -> dict[str, Any]:
    """Sweeps of single commands."""
    ramp = np.linspace(0, 1, STEPS)
    gaps = [probe.see(command(jawOpen=v)).gap for v in ramp]
    out: dict[str, Any] = {"jaw_open": correlation(ramp, gaps)}
    out["mouth_width"] = {
        unit: round(
            sign * correlation(ramp, [probe.see(command(**{unit: v})).width for v in ramp]), 4
        )
        for unit, sign in (("mouthSmile", 1), ("mouthStretch", 1), ("mouthPucker", -1))
    }
    out["blink"] = blink(probe, ramp)
    out["gaze"] = gaze(probe)
    return out


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
    """Correlation and gain (1: the iris goes as far as an eyeball of usual size says)."""
    out = {}
    for axis, name, most in ((0, "across", 24.0), (1, "up", 14.0)):
        angles = np.linspace(-most, most, STEPS)
        looks = [
            probe.see(command(gaze=(a, 0) if axis == 0 else (0, a))).gaze[axis] for a in angles
        ]
        out[f"{name}_correlation"] = correlation(angles, looks)
        expected = EYEBALL * np.sin(np.radians(angles))
        out[f"{name}_gain"] = round(float(np.polyfit(expected, looks, 1)[0]), 3)
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
    gap = np.mean([shape[:, a, 1] - shape[:, b, 1] for a, b in LIPS], axis=0)
    width = np.linalg.norm(shape[:, CORNERS[1]] - shape[:, CORNERS[0]], axis=1)
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
