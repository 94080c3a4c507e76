"""Strands as arrays: what they are, and how many follow few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from models.tools.persona.head import Floats

Flags: TypeAlias = npt.NDArray[np.bool_]
Rng: TypeAlias = np.random.Generator


@dataclass(frozen=True, slots=True)
class Strands:
    """Curves (k, steps, 3) in dm and the radius (k,) at their roots; they taper to the tip."""

    paths: Floats
    radius: Floats


def unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-12))


def across(vectors: Floats, normals: Floats) -> Floats:
    """The part of vectors (..., 3) that lies along a surface with these normals."""
    return np.asarray(vectors - normals * (vectors * normals).sum(-1, keepdims=True))


def bezier(points: list[Floats], steps: int) -> Floats:
    """Catmull-Rom paths (k, steps, 3) through control points, each (k, 3)."""
    control = np.stack([2 * points[0] - points[1], *points, 2 * points[-1] - points[-2]], 1)
    spans = len(points) - 1
    at = np.linspace(0, spans - 1e-6, steps)
    i, t = at.astype(int), (at % 1)[None, :, None]
    a, b, c, d = (control[:, i + k] for k in range(4))
    cubic = (3 * b - a - 3 * c + d) * t**3
    return np.asarray(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + cubic))


def shortened(paths: Floats, share: Floats, steps: int) -> Floats:
    """The first `share` (k,) of each path, as `steps` points."""
    at = np.linspace(0, 1, steps)[None] * (share * (paths.shape[1] - 1))[:, None]
    low = np.minimum(at.astype(int), paths.shape[1] - 2)
    t = (at - low)[..., None]
    row = np.arange(len(paths))[:, None]
    return np.asarray(paths[row, low] * (1 - t) + paths[row, low + 1] * t)


def even(paths: Floats, steps: int) -> Floats:
    """Paths with `steps` points at equal distances along each."""
    ends = np.linalg.norm(np.diff(paths, axis=1), axis=2).cumsum(1)
    along = np.concatenate([np.zeros((len(paths), 1)), ends], 1)
    want = np.linspace(0, 1, steps)
    out = np.empty((len(paths), steps, 3))
    for k, (s, path) in enumerate(zip(along, paths, strict=True)):
        for axis in range(3):
            out[k, :, axis] = np.interp(want * s[-1], s, path[:, axis])
    return out


def follow(guides: Floats, roots: Floats, spread: Floats, rng: Rng) -> Floats:
    """Children (k, steps, 3): each has the shape of its three nearest guides, and nears the first.

    `spread` (steps,) is how much of the root's offset from that guide is left along the strand.
    """
    distance, near = cKDTree(guides[:, 0]).query(roots, k=3)
    weight = 1.0 / (distance + 1e-3) ** 2
    weight = weight / weight.sum(1, keepdims=True)
    shape = guides - guides[:, :1]
    own = roots[:, None] + np.einsum("kg,kgsj->ksj", weight, shape[near])
    strength = rng.uniform(0.55, 1.0, (len(roots), 1, 1))
    pull = (1 - spread)[None, :, None] * strength
    return np.asarray(own + (guides[near[:, 0]] - own) * pull)


def wander(count: int, steps: int, bends: float, rng: Rng) -> Floats:
    """Smooth random offsets (count, steps, 3) of about 1 at the tip, none at the root."""
    t = np.linspace(0, 1, steps)[None, :, None]
    out = np.zeros((count, steps, 3))
    for octave in (0.5, 1.0, 2.0):
        phase = rng.uniform(0, 2 * np.pi, (count, 1, 3))
        rate = octave * bends * rng.uniform(0.7, 1.3, (count, 1, 1))
        out += rng.normal(0, 1, (count, 1, 3)) * (np.sin(rate * 6.28 * t + phase) - np.sin(phase))
    return out * np.sqrt(t) / 1.7


def frames(paths: Floats, outward: Floats) -> tuple[Floats, Floats]:
    """Two unit vectors (k, steps, 3) across each strand: along the head, and off it."""
    along = unit(np.gradient(paths, axis=1))
    off = unit(across(np.broadcast_to(outward, paths.shape), along))
    return np.cross(along, off), off


def waved(paths: Floats, off: Floats, size: Floats, count: Floats, phase: Floats) -> Floats:
    """Strands with waves (k, steps) high, `count` (k,) of them, from a phase (k,).

    A wave of hair is a helix, a little flattened by the head.
    """
    side, out = frames(paths, off)
    turn = 2 * np.pi * count[:, None] * np.linspace(0, 1, paths.shape[1])[None] + phase[:, None]
    swing = side * np.sin(turn)[..., None] + 0.85 * out * np.cos(turn)[..., None]
    return np.asarray(paths + swing * size[..., None])
