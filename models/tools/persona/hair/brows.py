"""Brows: fine hairs that turn from upright at the nose to sideways, dense in their middle."""

from __future__ import annotations

import numpy as np

from models.tools.persona.head import Floats
from models.tools.persona.mesh import Surface, scatter
from models.tools.persona.skin import Landmarks, rise

from .strands import Rng, Strands, across, unit
from .style import HairStyle

STEPS = 8
UNIT = 0.14  # dm: the eyeball's radius, in which the curve below is drawn
FIRST, SPAN = -1.42, 3.38  # from the nose's end to the tail, outwards of the pupil


def _curve(x: Floats, style: HairStyle) -> tuple[Floats, Floats]:
    """Height of the brow's middle and its half thickness, in units, at x outwards."""
    t = np.clip((x - FIRST) / SPAN, 0, 1)  # 0 at the nose, 1 at the tail
    arch = 0.98 + 0.36 * np.sin(t * 2.35) - 0.75 * np.clip(t - 0.66, 0, 1)
    half = 0.30 * (1 - 0.80 * np.clip(t - 0.25, 0, 1) ** 1.2) * (0.85 + 0.15 * rise(t, 0, 0.15))
    return arch + style.brow_height + style.brow_tilt * (t - 0.4), half * style.brow_width


def _place(points: Floats, marks: Landmarks, style: HairStyle) -> tuple[Floats, Floats]:
    """Where points (n, 3) lie in their brow: along it (0 nose, 1 tail), across it (1 upper rim)."""
    (ex, _, ez), _ = marks.eyes["l"]
    x = (np.abs(points[:, 0]) - ex) / UNIT
    middle, half = _curve(x, style)
    height = ((points[:, 2] - ez) / UNIT - middle) / np.maximum(half, 1e-3)
    return (x - FIRST) / SPAN, height


def zone(points: Floats, marks: Landmarks, style: HairStyle) -> Floats:
    """Density (n,) in [0, 1]: no edge is hard, the nose's end and the upper rim the softest."""
    t, height = _place(points, marks, style)
    core = np.exp(-0.5 * (np.abs(height + 0.12) / np.where(height > 0, 0.72, 0.58)) ** 2.0)
    ends = rise(t, -0.08, 0.34) * rise(1.06 - t, 0, 0.30)
    front = points[:, 1] < marks.eyes["l"][0][1] + 0.30
    return np.asarray(core * ends * front * (np.abs(height) < 2.2) * (0.75 + 0.25 * (t < 0.75)))


def grow_brows(skin: Surface, marks: Landmarks, style: HairStyle, rng: Rng) -> Strands:
    """Upright near the nose, then outwards; lower hairs turn up, upper ones down to meet them."""
    roots, normal = scatter(skin, zone(skin.points, marks, style), 2 * style.brow_hairs, rng)
    t, height = _place(roots, marks, style)
    t, upper = np.clip(t, 0, 1), np.clip(height, -1.3, 1.3)
    lean = np.interp(t, [0, 0.10, 0.30, 0.6, 1], [1.45, 1.05, 0.55, 0.16, -0.30])
    lean = lean - 0.30 * upper * np.clip(t * 3, 0.1, 1)
    lean = lean + rng.normal(0, 0.16, len(roots)) + 0.25 * rng.normal(0, 1, len(roots)) ** 3 * 0.2
    bend = np.interp(t, [0, 0.2, 0.6, 1], [0.35, 0.55, 0.35, 0.2]) * rng.uniform(0.4, 1.5, len(t))
    length = UNIT * np.interp(t, [0, 0.25, 0.7, 1], [0.46, 0.66, 0.60, 0.40])
    length = length * rng.uniform(0.5, 1.1, len(t)) * (1 - 0.25 * np.abs(upper) / 1.3)
    side = np.where(roots[:, 0] >= 0, 1.0, -1.0)
    path, at = [roots], roots
    for step in range(1, STEPS):
        share = step / (STEPS - 1)
        angle = lean - bend * share
        heading = np.stack([side * np.cos(angle), 0.15 * np.ones(len(t)), np.sin(angle)], 1)
        lift = normal * (0.55 - 0.75 * share)
        at = at + unit(unit(across(heading, normal)) + lift) * (length / (STEPS - 1))[:, None]
        path.append(at)
    thin = 0.00050 * rng.uniform(0.5, 1.2, len(t)) * (0.65 + 0.35 * rise(t, 0.02, 0.3))
    return Strands(np.stack(path, 1), thin)
