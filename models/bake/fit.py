"""The 3D head laid over a photo's landmarks: pose, identity, expression, then an exact warp.

Everything leaves in px of the frame, y down, z towards the viewer. Draws nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.models import arkit
from visavis.models.bake import landmarks as lm
from visavis.models.bake.head import Head

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

ROUNDS: Final = 8
# Of squared coefficients (1 is one standard deviation) against squared interocular distances. A
# tenth of them let a portrait drift to modes of 4.7 and an open jaw, its scale 21 % too small;
# at these, the scale of rendered people comes out within 2 to 6 %, and their error is a third.
IDENTITY_WEIGHT: Final = 0.2
EXPRESSION_WEIGHT: Final = 0.6
DEPTH_TRUST: Final = 0.3  # the landmark model's depth is a guess; its x and y are measured
# Degrees by which the landmark model's depth leans the chin back: four rendered people who look
# straight ahead were fitted as looking down by 2.5 on average.
DEPTH_TILT: Final = 2.5
RESIDUAL_REACH: Final = (0.7, 0.25)  # interocular distances over which a residual acts
# What a portrait's own face may show; the rest of the 52 would only fit noise.
POSED: Final = (
    "jawOpen", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthPucker", "mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft",
    "mouthLowerDownRight", "mouthStretchLeft", "mouthStretchRight", "browInnerUp",
    "browDownLeft", "browDownRight", "browOuterUpLeft", "browOuterUpRight", "eyeBlinkLeft",
    "eyeBlinkRight", "eyeWideLeft", "eyeWideRight", "cheekPuff",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FittedHead:
    """vertices (n, 3), units (52, n, 3): shift at coefficient 1; both float32 px of the frame.

    rotation (3, 3): from the head's own axes (x right, y down, z to the viewer) to the frame's;
    scale: px per decimetre; expression (52,): what the photo's face shows.
    """

    vertices: Floats
    units: Floats
    rotation: Floats
    scale: float
    expression: Floats
    error: float  # interocular distances, mean over the landmarks before the exact warp


def _similarity(
    source: Doubles, target: Doubles, weight: Doubles
) -> tuple[float, Doubles, Doubles]:
    """Umeyama (1991): scale, rotation and shift that lay source (n, 3) over target (n, 3)."""
    w = weight / weight.sum()
    ms, mt = w @ source, w @ target
    a, b = source - ms, target - mt
    u, s, vt = np.linalg.svd((b * w[:, None]).T @ a)
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ flip @ vt
    scale = float(np.trace(np.diag(s) @ flip) / (w @ (a**2).sum(1)))
    return scale, rotation, mt - scale * rotation @ ms


def _at_landmarks(head: Head, field: Doubles) -> Doubles:
    """(..., n, 3) per vertex -> (..., 468, 3) at the landmarks."""
    corners = head.faces[head.landmark_faces]
    weights = head.landmark_weights
    return np.asarray(np.einsum("lc,...lcd->...ld", weights, field[..., corners, :]))


def _downward(field: Doubles) -> Doubles:
    """The head's y up to the frame's y down."""
    return np.asarray(field * np.array([1.0, -1.0, 1.0]))


def _solve(modes: Doubles, gap: Doubles, weight: Doubles, ridge: Doubles, limit: int) -> Doubles:
    """Ridge least squares; coefficients from `limit` on are expressions and stay in [0, 1]."""
    a = (modes * weight[..., None]).reshape(-1, modes.shape[-1])
    b = (gap * weight).reshape(-1)
    normal, right = a.T @ a + np.diag(ridge), a.T @ b
    x: Doubles = np.linalg.solve(normal, right).astype(np.float64)
    for _ in range(60):  # projected Gauss-Seidel would do; the problem is small
        x = x - (normal @ x - right) / np.trace(normal) * 4
        x[limit:] = np.clip(x[limit:], 0, 1)
    return x


def _residual(at: Doubles, gap: Doubles, where: Doubles, reach: float) -> Doubles:
    """Smooth field through `gap` (l, 2) at `at` (l, 2), evaluated at `where` (m, 2).

    Gaussian bumps with ridge: goes to zero away from the landmarks, unlike a thin plate.
    """

    def bumps(points: Doubles) -> Doubles:
        squared = ((points[:, None] - at[None]) ** 2).sum(-1)
        return np.asarray(np.exp(-squared / (2 * reach**2)))

    system = bumps(at) + 0.05 * np.eye(len(at))
    return np.asarray(bumps(where) @ np.linalg.solve(system, gap))


def fit(head: Head, face: lm.Face) -> FittedHead:
    """Lay `head` over the landmarks of `face` (px of the frame)."""
    target = face.points.astype(np.float64) * [1, 1, -1]
    target[:, 2] += np.tan(np.radians(DEPTH_TILT)) * (target[:, 1] - target[:, 1].mean())
    iod = float(np.linalg.norm(face.eye_left.centre - face.eye_right.centre))
    posed = [arkit.INDEX[name] for name in POSED]
    modes_all = np.concatenate([head.identity, head.units[posed]]).astype(np.float64)
    modes_all = _downward(modes_all)
    neutral = _downward(head.vertices.astype(np.float64))
    base, modes = _at_landmarks(head, neutral), _at_landmarks(head, modes_all)
    count = len(head.identity)
    x = np.zeros(len(modes))
    ridge = np.r_[np.full(count, IDENTITY_WEIGHT), np.full(len(posed), EXPRESSION_WEIGHT)]
    trust = np.ones((lm.POINTS, 3)) / iod
    trust[:, 2] *= DEPTH_TRUST
    for _ in range(ROUNDS):
        shape = base + np.tensordot(x, modes, 1)
        scale, rotation, shift = _similarity(shape, target, np.ones(lm.POINTS))
        turned = modes @ rotation.T * scale
        gap = target - (base @ rotation.T * scale + shift)
        x = _solve(np.moveaxis(turned, 0, -1), gap, trust, ridge, count)
    shape = neutral + np.tensordot(x, modes_all, 1)
    vertices = shape @ rotation.T * scale + shift
    error = _warp_onto(vertices, _at_landmarks(head, vertices), target, iod)
    units = _downward(head.units.astype(np.float64)) @ rotation.T * scale
    expression = np.zeros(arkit.COUNT, np.float32)
    expression[posed] = x[count:]
    return FittedHead(
        vertices.astype(np.float32),
        units.astype(np.float32),
        rotation.astype(np.float32),
        scale,
        expression,
        error,
    )


def _warp_onto(vertices: Doubles, seen: Doubles, target: Doubles, iod: float) -> float:
    """Shift vertices (in place) so that the landmarks `seen` come to lie on `target`."""
    gap = target[:, :2] - seen[:, :2]
    error = float(np.linalg.norm(gap, axis=1).mean()) / iod
    at = seen[:, :2].copy()
    for reach in RESIDUAL_REACH:
        here = at[:, :2]
        vertices[:, :2] += _residual(here, gap, vertices[:, :2], reach * iod)
        moved = here + _residual(here, gap, here, reach * iod)
        gap = target[:, :2] - moved
        at = moved
    return error
