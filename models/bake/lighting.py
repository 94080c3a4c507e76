"""How a portrait is lit, read off its skin: what turns in the light can then change with it."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from visavis.models.avatar.rig import Bytes, Floats, Light
from visavis.models.bake import contour, layers
from visavis.models.bake import landmarks as lm
from visavis.models.bake.photo import MARGIN, Framed

SPAN: Final = 219.0 / 255.0
RIDGE: Final = 0.02  # of the samples: a flat light is the likelier one
OUTSIDE: Final = 0.5  # of the effect on hair and ears, whose surface is only guessed


def normals(depth: Floats, pitch: float) -> Floats:
    """(h, w) depth in px at nodes `pitch` px apart -> (h, w, 3) unit normals."""
    smooth = layers.soften(depth[..., None], 1.5)[..., 0]
    down, across = np.gradient(smooth, pitch)
    out = np.stack([-across, -down, np.ones_like(smooth)], -1)
    return np.asarray(out / np.linalg.norm(out, axis=-1, keepdims=True), np.float32)


def _luma(photo: Bytes, at: Floats) -> Floats:
    grey = cv2.GaussianBlur(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 4)
    place = (at + MARGIN).astype(np.float32)
    mapped = cv2.remap(grey, place[..., 0], place[..., 1], cv2.INTER_LINEAR)
    return np.asarray(mapped * SPAN, np.float32)


def estimate(framed: Framed, at: Floats, depth: Floats, pitch: float) -> Light:
    """Fit luma = a + direction . normal over the face's skin. at (h, w, 2), depth (h, w): nodes."""
    normal = normals(depth, pitch)
    points = framed.face.points
    oval = contour.signed_distance(at, np.ascontiguousarray(points[list(lm.OVAL), :2]))
    skin = oval < -4
    luma, n = _luma(framed.small(), at), normal[skin]
    middle = np.abs(luma[skin] - np.median(luma[skin])) < 60  # not brows, eyes, nostrils
    a = np.concatenate([np.ones((len(n), 1), np.float32), n], 1)[middle]
    normal_matrix = a.T @ a + np.diag([0, 1, 1, 1]) * RIDGE * len(a)
    level, *direction = np.linalg.solve(normal_matrix, a.T @ luma[skin][middle])
    light = np.array(direction, np.float32)
    expected = np.maximum(level + normal @ light, 0.35 * float(np.median(luma[skin])))
    edge = 1 - np.clip((oval + 4) / 24, 0, 1) * (1 - OUTSIDE)
    relief = normal / expected[..., None] * edge[..., None]
    return Light(light, relief.astype(np.float32))
