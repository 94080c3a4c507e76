"""What hair lies on: the skin of a head without its ears, and the ears as two ellipsoids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from models.tools.persona.head import Floats
from models.tools.persona.mesh import Surface
from models.tools.persona.skin import Landmarks, rise

from .strands import unit

THIN: Final = 6  # every sixth vertex is a millimetre from the next: enough for hair
# Where a strand goes next: at (k, 3), normal (k, 3), height (k,), share of its way -> (k, 3)
Steer: TypeAlias = Callable[[Floats, Floats, Floats, float], Floats]


class Body:
    """Heights over the skin of points in dm, and strands that keep off it."""

    def __init__(self, skin: Surface, marks: Landmarks, ears: Floats, cloth: float) -> None:
        kept = np.nonzero((ears < 0.3) & (skin.points[:, 2] > marks.chin[2] - 2.0))[0][::THIN]
        self._points, self._normals = skin.points[kept], skin.normals[kept]
        self._tree = cKDTree(self._points)
        self.eye = (marks.eyes["l"][0] + marks.eyes["r"][0]) / 2
        self.face = float(self.eye[2] - marks.chin[2])
        self._cloth = cloth
        left = skin.points[(ears > 0.5) & (skin.points[:, 0] > 0)]
        self._ear = (left.max(0) + left.min(0)) / 2
        self._ear_half = (left.max(0) - left.min(0)) / 2 * (1.05, 0.95, 1.0)

    @property
    def ear(self) -> Floats:
        """The middle of the left ear (3,)."""
        return np.asarray(self._ear)

    def near(self, at: Floats) -> tuple[Floats, Floats]:
        """Height (k,) over the skin, and its normal (k, 3), of points (k, 3)."""
        _, index = self._tree.query(at, eps=0.2, workers=-1)
        normal = self._normals[index]
        height = ((at - self._points[index]) * normal).sum(1)
        below = rise(self.eye[2] - at[:, 2], 1.05 * self.face, 1.3 * self.face)
        return height - self._cloth * below, normal

    def clear(self, at: Floats, gap: Floats, over_ears: bool) -> Floats:
        """Points (k, 3) at least `gap` (k,) over the skin, outside the ears if hair covers them."""
        height, normal = self.near(at)
        out = at + normal * np.maximum(gap - height, 0)[:, None]
        if over_ears:
            side = np.sign(out[:, :1])
            local = (out * np.concatenate([side, np.ones((len(out), 2))], 1)) - self._ear
            reach = np.linalg.norm(local / self._ear_half, axis=1)
            lack = np.clip(1.0 - reach, 0, 1) * self._ear_half[0]
            out[:, 0] += side[:, 0] * lack
        return np.asarray(out)

    def cleared(self, paths: Floats, gap: Floats, over_ears: bool = False) -> Floats:
        """Paths (k, steps, 3) that keep `gap` (steps,) off the skin; the roots stay."""
        flat = paths[:, 1:].reshape(-1, 3)
        out = self.clear(flat, np.tile(gap[1:], len(paths)), over_ears)
        return np.concatenate([paths[:, :1], out.reshape(len(paths), -1, 3)], 1)

    def walk(
        self,
        roots: Floats,
        first: Floats,
        steer: Steer,
        length: Floats,
        steps: int,
        stiff: float = 0.6,
        over_ears: bool = False,
    ) -> Floats:
        """Strands (k, steps, 3) that start in a direction (k, 3) and go where `steer` says.

        stiff: how much of its direction a strand keeps from step to step, for 30 steps.
        """
        keep = stiff ** (30 / steps)
        at, along = roots.copy(), unit(first)
        path = [at]
        pace = (length / (steps - 1))[:, None]
        for step in range(1, steps):
            height, normal = self.near(at)
            aim = unit(steer(at, normal, height, step / (steps - 1)))
            along = unit(keep * along + (1 - keep) * aim)
            moved = self.clear(at + along * pace, np.full(len(at), 0.003), over_ears)
            along, at = unit(moved - at), moved
            path.append(at)
        return np.stack(path, 1)
