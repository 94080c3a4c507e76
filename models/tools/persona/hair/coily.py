"""Tightly coiled hair: a close crop, a short afro, and a puff into which it is drawn up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.tools.persona.head import Floats
from models.tools.persona.mesh import Surface, scatter
from models.tools.persona.skin import rise

from .body import Body
from .drawn import gathered
from .filling import baby_hair
from .strands import Rng, Strands, unit, wander
from .style import HairStyle

PER_TURN: Final = 8  # points of one turn of a coil


@dataclass(frozen=True, slots=True)
class Coil:
    """radius and pitch of a coil, dm; together: strands of one coil; loose: how far these part."""

    radius: float = 0.016
    pitch: float = 0.030
    together: int = 4
    loose: float = 0.0045


def grow_crop(
    body: Body, skin: Surface, weight: Floats, rim: Floats, style: HairStyle, rng: Rng
) -> Mapping[str, Strands]:
    """A close crop that fades at temples and nape."""
    whole = style.length or 0.075
    count = style.strands // Coil().together
    roots, normal = scatter(skin, weight, count, rng)
    z = roots[:, 2] - body.eye[2]
    length = whole * (0.35 + 0.65 * rise(z, -0.05, 0.65)) * rng.uniform(0.75, 1.15, count)
    return {
        "hair": _coils(
            roots, normal, length, Coil(radius=0.010, pitch=0.019, loose=0.003), rng, sag=0.05
        ),
        "baby": baby_hair(body, skin, rim, np.array([0.3, 0.3, 0.5]), style, rng, 1500, 0.05),
    }


def grow_afro(
    body: Body, skin: Surface, weight: Floats, rim: Floats, style: HairStyle, rng: Rng
) -> Mapping[str, Strands]:
    """A short round afro."""
    whole = style.length or 0.38
    count = style.strands // Coil().together
    roots, normal = scatter(skin, weight, count, rng)
    z, back = roots[:, 2] - body.eye[2], roots[:, 1] - body.eye[1]
    length = whole * (0.35 + 0.65 * rise(z, -0.3, 0.75)) * (0.6 + 0.4 * rise(back, 0.0, 0.5))
    length = length * rng.uniform(0.86, 1.04, count)
    out = unit(normal + np.array([0, 0, 0.25]))
    return {
        "hair": _coils(roots, out, length, Coil(), rng, sag=0.10),
        "baby": baby_hair(body, skin, rim, np.array([0.3, 0.3, 0.5]), style, rng, 1500, 0.07),
    }


def grow_puff(
    body: Body, skin: Surface, weight: Floats, rim: Floats, style: HairStyle, rng: Rng
) -> Mapping[str, Strands]:
    """Drawn up from all sides to the crown, where it stands as a round puff."""
    whole = style.length or 0.42
    knot = body.eye + np.array([0.0, 0.80, 1.16])
    slick = gathered(body, skin, weight, style, knot, rng, kink=0.006)
    count = style.strands // (2 * Coil().together)
    way = unit(rng.normal(0, 1, (count, 3)) + np.array([0, -0.15, 0.75]))
    roots = knot + 0.16 * way * rng.uniform(0.3, 1.0, (count, 1)) * [1.2, 1.2, 0.7]
    length = whole * rng.uniform(0.7, 1.05, count)
    return {
        "hair": slick,
        "puff": _coils(roots, way, length, Coil(), rng, sag=0.12),
        "baby": baby_hair(body, skin, rim, np.array([0.5, 0.5, 0.4]), style, rng, 2200, 0.08),
    }


def _coils(
    roots: Floats, heading: Floats, length: Floats, coil: Coil, rng: Rng, sag: float
) -> Strands:
    """Helices (k * together, steps, 3) along bent axes; those of one coil keep together."""
    count = len(roots)
    steps = max(10, int(PER_TURN * float(np.median(length)) / coil.pitch))
    t = np.linspace(0, 1, steps)[None, :, None]
    bent = unit(heading + rng.normal(0, 0.25, heading.shape))
    axis = roots[:, None] + bent[:, None] * length[:, None, None] * t
    axis = axis + wander(count, steps, 0.5, rng) * (0.22 * length)[:, None, None]
    axis[..., 2] -= sag * length[:, None] * t[..., 0] ** 2
    u = unit(np.cross(bent, rng.normal(0, 1, bent.shape)))
    v = np.cross(bent, u)
    own = np.repeat(np.arange(count), coil.together)
    total = len(own)
    wide = coil.radius * rng.uniform(0.65, 1.3, count)[own] * rng.uniform(0.85, 1.15, total)
    phase = rng.uniform(0, 6.28, count)[own] + rng.normal(0, 0.35, total)
    turns = (length / coil.pitch)[own] * rng.uniform(0.85, 1.15, count)[own]
    angle = 2 * np.pi * turns[:, None] * t[0, :, 0][None] + phase[:, None]
    open_ = wide[:, None] * np.clip(t[0, :, 0] / 0.15, 0, 1)[None]
    ring = u[own][:, None] * np.cos(angle)[..., None] + v[own][:, None] * np.sin(angle)[..., None]
    apart = rng.normal(0, coil.loose, (total, 1, 3)) * (0.4 + t)
    paths = axis[own] + ring * open_[..., None] + apart
    return Strands(paths, 0.00070 * rng.uniform(0.7, 1.15, total))
