"""Cloth wound around a head: a wrap of crossing bands."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from .cloth import Cloth, cloth_material
from .head import Floats, Head, HeadState
from .tailoring import place

ROUND: Final = 180  # points along a winding
ACROSS: Final = 44  # points across it


def _pleats(run: Floats, across: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Heights (n, m) of wandering pleats, about [0, 1], over run in turns and across in [0, 1]."""
    total = np.zeros((len(run), len(across)))
    for k in range(count):
        wander = sum(
            rng.normal(0, 0.35 / (m * count)) * np.sin(2 * np.pi * m * run + rng.uniform(0, 6.3))
            for m in (1, 2, 3, 5)
        )
        at = (k + 0.5 + rng.uniform(-0.25, 0.25)) / count + np.asarray(wander)
        away = (across[None] - at[:, None] + 0.5) % 1.0 - 0.5
        width = rng.uniform(0.28, 0.5) / count
        steep = np.where(away > 0, 0.7, 1.3)  # a pleat leans over to one side
        strength = 0.65 + 0.35 * np.sin(2 * np.pi * run * rng.integers(1, 4) + rng.uniform(0, 6.3))
        total = np.maximum(total, strength[:, None] * np.exp(-((away / (width * steep)) ** 2)))
    return total


class Skull:
    """Distance of the head's skin from its middle in every direction, ears left out."""

    def __init__(self, head: Head) -> None:
        body = head.rest[head.base.indices("body")]
        eyes = head.eye_level
        self.middle = np.array([0.0, eyes[1] + 0.92, eyes[2] + 0.30])
        offset = body - self.middle
        near = (offset[:, 2] > -0.95) & (np.abs(offset).max(1) < 1.6)
        ears = (offset[:, 2] < 0.1) & (np.abs(offset[:, 0]) > 0.72) & (offset[:, 1] > -0.5)
        offset = offset[near & ~ears]
        self._radius = np.linalg.norm(offset, axis=1)
        self._tree = cKDTree(offset / self._radius[:, None])

    def radius(self, ways: Floats) -> Floats:
        """Distances (n,) in dm along unit vectors (n, 3)."""
        distance, near = self._tree.query(ways, k=8)
        weight = np.exp(-((distance / 0.12) ** 2)) + 1e-6
        return np.asarray((self._radius[near] * weight).sum(1) / weight.sum(1))


def _ways(turn: Floats, lift: Floats) -> Floats:
    """Unit vectors (n, m, 3) for turns around the head (n,) and heights (n, m), radians."""
    c = np.cos(lift)
    side, ahead = np.sin(turn)[:, None] * c, -np.cos(turn)[:, None] * c
    return np.stack([side, ahead, np.sin(lift)], 2)


def headwrap(head: Head, state: HeadState, cloth: Cloth, rng: np.random.Generator) -> None:
    """Bands that cross over the brow, a crown under them and a coil on top."""
    made = cloth_material("headwrap", cloth, strip=True)
    skull = Skull(head)
    run = np.linspace(0, 1, ROUND, endpoint=False)
    turn, across = 2 * np.pi * (run - 0.5), np.linspace(0, 1, ACROSS)

    def wear(grid: Floats, closed: bool) -> None:
        flat = head.turned(grid.reshape(-1, 3), 1.0, state)
        place("headwrap", flat.reshape(grid.shape), made, 0.012, closed, sewn=False)

    def laid(lift: Floats, gap: Floats) -> Floats:
        ways = _ways(turn, lift)
        radius = skull.radius(ways.reshape(-1, 3)).reshape(lift.shape)
        return np.asarray(skull.middle + ways * (radius + gap)[:, :, None])

    # Rise of the band's middle over the lowest one's, sideways tilt, breadth: degrees; layer.
    bands = ((0, 7, 24), (6, -9, 26), (16, 11, 25), (26, -12, 26), (38, 12, 26), (50, -10, 26))
    for layer, (rise, tilt, breadth) in enumerate(bands):
        flat = 1 - rise / 75  # higher windings lie more level
        middle = -2 + rise + (25 * flat) * np.cos(turn) + tilt * np.sin(turn)
        lift = np.radians(middle[:, None] + breadth * (across[None] - 0.5))
        edge = np.sqrt(np.clip(1 - (2 * across - 1) ** 2, 0, 1))
        body = 0.012 + 0.024 * layer + 0.09 * edge[None]
        wear(laid(lift, body + 0.055 * _pleats(run, across, 4, rng) * edge[None]), closed=True)
    lift = np.radians(np.linspace(30, 90, ACROSS))[None] + 0 * turn[:, None]
    wear(laid(lift, 0.11 + 0.05 * _pleats(run, across, 9, rng).T[:, :1].T), closed=True)
    crown = float(skull.radius(np.array([[0.0, 0.0, 1.0]]))[0])
    top = skull.middle + np.array([0.12, -0.02, crown + 0.10])
    lift = np.radians(np.linspace(-70, 90, ACROSS))[None] + 0 * turn[:, None]
    coil = 0.5 + 0.5 * np.cos(5.5 * lift + turn[:, None])  # one cloth wound upwards
    size = (0.34 + 0.07 * coil**0.6 + 0.015 * _pleats(run, across, 6, rng))[:, :, None]
    wear(top + _ways(turn, lift) * size * [1.25, 1.1, 0.72], closed=True)
