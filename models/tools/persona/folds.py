"""Relief of a persona's skin: lip creases, wrinkles, and the unevenness that no face lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from .head import Floats
from .mesh import Surface
from .skin import Landmarks, SkinStyle, blob, noise, rise

UNEVEN = ((0.16, 0.0042), (0.07, 0.0020), (0.03, 0.0007))  # size and height of lumps, dm


def _groove(points: Floats, path: Sequence[Sequence[float]] | Floats, width: float) -> Floats:
    """A soft groove (n,) in [0, 1] along a polyline (k, 2) in x, z, on both sides.

    Shallow at its ends and uneven on its way: drawn with a ruler it looks carved.
    """
    line = np.asarray(path, float)
    at = np.stack([np.abs(points[:, 0]), points[:, 2]], 1)
    lengths = np.linalg.norm(np.diff(line, axis=0), axis=1)
    best, way, done = np.full(len(at), 9.0), np.zeros(len(at)), 0.0
    for (a, b), length in zip(pairwise(line), lengths, strict=True):
        t = np.clip(((at - a) @ (b - a)) / (length**2), 0, 1)
        distance = np.linalg.norm(at - a - t[:, None] * (b - a), axis=1)
        closer = distance < best
        best[closer], way[closer] = distance[closer], done + t[closer] * length
        done += length
    ends = np.sin(np.pi * np.clip(way / done, 0.02, 0.98)) ** 0.7
    # Skin piles up beside a fold: a groove alone reads as a scratch.
    profile = np.exp(-0.5 * (best / width) ** 2) - 0.35 * np.exp(-0.5 * (best / (2.4 * width)) ** 2)
    return np.asarray(profile * ends)


def relief(
    skin: Surface, marks: Landmarks, mask: Mapping[str, Floats], style: SkinStyle, seed: int
) -> Floats:
    """Height (n,) in decimetres to add along the normals."""
    points = skin.points
    warp = np.stack([noise(points, 0.09, seed + 20 + k) for k in range(3)], 1)
    bent = points + 0.016 * warp
    uneven = sum(h * noise(points, size, seed + k) for k, (size, h) in enumerate(UNEVEN))
    soft = 1 - np.clip(mask["lips"] + mask["ears"], 0, 1)
    height = (0.42 + 0.2 * style.wrinkles) * style.uneven * uneven * soft
    height -= (0.35 + 0.65 * noise(points, 0.05, seed + 9) ** 2) * fine_lines(bent, marks, style)
    height -= 0.014 * style.lid_fold * lid_fold(points, marks)
    if style.wrinkles:
        height -= style.wrinkles * wrinkles(bent, marks) * (1 + 0.5 * warp[:, 0])
    height += lip_creases(points, marks, mask["lips"], seed)
    front = (points[:, 1] < marks.eyes["l"][0][1] + 0.9) & (mask["inside-mouth"] < 0.02)
    return np.asarray(height * front)


def lip_creases(points: Floats, marks: Landmarks, lips: Floats, seed: int) -> Floats:
    """Upright creases that fan out, each of its own depth."""
    fan = points[:, 0] * (1 + 0.6 * np.abs(points[:, 2] - marks.mouth[2]) / marks.mouth_half)
    along = np.stack([fan, 0 * fan, 0.12 * points[:, 2]], 1)
    crease = np.abs(noise(along, 0.017, seed + 5)) + 0.5 * np.abs(noise(along, 0.008, seed + 6))
    return np.asarray(0.0011 * (crease - 0.4) * lips)


def lid_fold(points: Floats, marks: Landmarks) -> Floats:
    """Where (n,) an upper lid folds when it is open, in [-0.35, 1]: a bow over the pupil that
    runs out beyond the outer corner."""
    (ex, _, ez), radius = marks.eyes["l"]
    out = np.linspace(-1.05, 1.35, 15)
    bow = 0.76 - 0.38 * np.clip(-out, 0, 2) ** 1.6 - 0.34 * np.clip(out, 0, 2) ** 1.7
    path = np.stack([ex + radius * out, ez + radius * bow], 1)
    front = points[:, 1] < marks.eyes["l"][0][1] + 0.1
    return np.asarray(_groove(points, path, 0.011) * front)


def fine_lines(points: Floats, marks: Landmarks, style: SkinStyle) -> Floats:
    """Depth (n,) in decimetres of what every grown face has: under the eyes, at mouth and neck."""
    (ex, _, ez), _ = marks.eyes["l"]
    depth = np.zeros(len(points))
    t = np.linspace(-1, 1, 9)
    for k in range(3):
        under = np.stack([ex + t * 0.15 - 0.01 * k, ez - 0.105 - 0.028 * k - 0.02 * (1 - t**2)], 1)
        depth += 0.0022 * _groove(points, under, 0.006)
    for k in range(3):
        turn = np.radians(22 - 20 * k)
        start = np.array([ex + 0.20, ez + 0.02 - 0.035 * k])
        crow = start + np.linspace(0, 0.10, 5)[:, None] * [np.cos(turn), np.sin(turn)]
        depth += 0.0020 * _groove(points, crow, 0.006)
    wing = np.array([0.18, marks.nose[2] + 0.0])
    corner = np.array([marks.mouth_half + 0.09, marks.mouth[2] + 0.03])
    u = np.linspace(0, 1, 9)
    fold = wing + u[:, None] * (corner - wing) + np.outer(np.sin(u * np.pi), [0.035, 0.025])
    depth += 0.0055 * _groove(points, fold, 0.020)
    for k in range(2):
        ring = np.stack([np.linspace(0, 0.45, 9), marks.chin[2] - 0.34 - 0.21 * k + 0 * u], 1)
        depth += 0.004 * _groove(points, ring, 0.016)
    return depth * (0.5 + style.lines)


def wrinkles(points: Floats, marks: Landmarks) -> Floats:
    """Depth (n,) in decimetres of the folds of a face that has laughed and frowned."""
    (ex, _, ez), radius = marks.eyes["l"]
    depth = np.zeros(len(points))
    for k, (half, up) in enumerate(((0.42, 0.44), (0.36, 0.53), (0.30, 0.63), (0.20, 0.71))):
        xs = np.linspace(-0.05, half, 11)
        wave = 0.012 * np.sin(xs * 11 + k * 2.1) - 0.10 * (xs / 0.6) ** 2
        depth += (0.006 - 0.001 * k) * _groove(points, np.stack([xs, ez + up + wave], 1), 0.010)
    for k in range(5):
        start = np.array([ex + radius * (1.45 + 0.05 * (k % 2)), ez + 0.06 - 0.045 * k])
        turn = np.radians(32 - 21 * k)
        path = start + np.linspace(0, 0.13 + 0.04 * (k % 3), 5)[:, None] * [
            np.cos(turn),
            np.sin(turn),
        ]
        depth += 0.0045 * _groove(points, path, 0.008)
    t = np.linspace(-1, 0.9, 9)
    for k in range(2):
        bag = np.stack([ex + t * 0.17, ez - 0.165 - 0.05 * k - 0.035 * (1 - t**2)], 1)
        depth += (0.006 - 0.002 * k) * _groove(points, bag, 0.012)
    u = np.linspace(0, 1, 9)
    wing = np.array([0.18, marks.nose[2] + 0.02])
    corner = np.array([marks.mouth_half + 0.10, marks.mouth[2] - 0.02])
    fold = wing + u[:, None] * (corner - wing) + np.outer(np.sin(u * np.pi), [0.05, 0.03])
    depth += 0.008 * _groove(points, fold, 0.027)
    droop = corner + np.array([[-0.035, -0.03], [0.0, -0.14], [-0.01, -0.24]])
    depth += 0.004 * _groove(points, droop, 0.020)
    frown = np.array([[0.042, ez + 0.17], [0.050, ez + 0.24], [0.046, ez + 0.31]])
    depth += 0.0045 * _groove(points, frown, 0.010)
    lip = blob(points, np.array([0.0, marks.mouth[1], marks.mouth[2] + 0.13]), 0.2, 0.06)
    upright = np.abs(np.sin(points[:, 0] * 42)) ** 6 * rise(lip, 0.2, 0.8)
    return np.asarray(depth + 0.0012 * upright)
