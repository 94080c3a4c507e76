"""Strands as arrays: what they are, how they bend, wave and stray."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

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


def shortened(paths: Floats, share: Floats, steps: int) -> Floats:
    """The first `share` (k,) of each path, as `steps` points."""
    at = np.linspace(0, 1, steps)[None] * (share * (paths.shape[1] - 1))[:, None]
    low = np.minimum(at.astype(int), paths.shape[1] - 2)
    t = (at - low)[..., None]
    row = np.arange(len(paths))[:, None]
    return np.asarray(paths[row, low] * (1 - t) + paths[row, low + 1] * t)


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
