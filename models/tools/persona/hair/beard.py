"""Beards, from stubble to a full one, and the fuzz that light from behind shows on a cheek."""

from __future__ import annotations

import numpy as np

from models.tools.persona.head import Floats
from models.tools.persona.mesh import Surface, sampled, scatter
from models.tools.persona.skin import Landmarks, blob, rise

from .strands import Rng, Strands, across, unit, wander
from .style import HairStyle

STEPS = 7


def zone(points: Floats, marks: Landmarks, edge: float) -> Floats:
    """Where a beard grows (n,), 0 to 1: sideburns, cheeks up to a line that `edge` lifts (0.5 as
    most), moustache, the tuft under the lip, chin, jaw, and a little of the neck."""
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    mouth, half = marks.mouth, marks.mouth_half
    back = np.clip((y - mouth[1] - 0.20) / 1.0, 0, 1.2)
    line = mouth[2] - 0.04 + 0.2 * (edge - 0.5) + 0.80 * back**1.25
    cheek = rise(line - z, -0.06, 0.17) * rise(x, half * 0.8, half * 1.5)
    chin = rise(mouth[2] - 0.12 - 0.03 * (x / half) ** 2 - z, 0, 0.16)
    tuft = rise(mouth[2] - 0.06 - z, 0, 0.05) * rise(0.22 - x, 0, 0.18) * 0.75
    # A moustache is a roof: highest beside the philtrum, falling to the mouth's corners.
    out = np.clip(x / half, 0, 1.6)
    nose = marks.nose[2] - 0.10
    roof = nose + (mouth[2] + 0.03 - nose) * np.clip((out - 0.22) / 1.22, 0, 1.3) ** 1.4
    lip = rise(z, mouth[2] - 0.04, mouth[2] + 0.07) * rise(roof - z, -0.03, 0.09)
    lip *= rise(half * 1.45 - x, 0, 0.16) * rise(y, marks.nose[1] + 0.06, marks.nose[1] + 0.10)
    lip *= 0.68 + 0.32 * rise(out, 0.02, 0.28)
    # It goes down around the corners into the beard.
    link = rise(x, half * 0.72, half * 1.06) * rise(half * 1.75 - x, 0, 0.22)
    link *= rise(mouth[2] + 0.09 - z, -0.02, 0.10)
    front = rise(marks.eyes["l"][0][1] + 1.0 - y, 0, 0.15)
    low = marks.chin[2] - 0.16 + 0.32 * back
    neck = rise(z, low - 0.12, low + 0.16)
    grown = np.maximum.reduce([cheek, chin, tuft, lip * (y < mouth[1] + 0.5), link])
    return np.asarray(grown * neck * front)


def density(zone: Floats, skin: Surface, marks: Landmarks, rng: Rng) -> Floats:
    """How dense (n,) a beard grows: less under the mouth's corners, in soft patches, no edge."""
    points = skin.points
    turn = rng.uniform(0, 6, 4)
    patch = np.sin(points[:, 0] * 9 + turn[0]) * np.sin(points[:, 2] * 11 + turn[1])
    patch += np.sin(points[:, 0] * 23 + turn[2]) * np.sin(points[:, 2] * 19 + turn[3])
    corner = np.array([0.75 * marks.mouth_half, marks.mouth[1], marks.mouth[2] - 0.16])
    thin = 1 - 0.45 * blob(points, corner, 0.05, 0.06, 0.2)
    # A moustache is seen from the front and its hairs lie flat: as dense, it would look thin.
    over = rise(points[:, 2], marks.mouth[2] - 0.02, marks.mouth[2] + 0.08)
    over = over * rise(1.3 * marks.mouth_half - np.abs(points[:, 0]), 0, 0.1)
    return np.asarray(
        np.clip(zone, 0, 1) ** (1.4 - 0.6 * over) * thin * (1 + 0.16 * patch) * (1 + 0.9 * over)
    )


def flow(roots: Floats, marks: Landmarks) -> Floats:
    """Which way (k, 3) a beard grows: down the cheek, forward along the jaw, aside over a lip."""
    x, y, z = roots.T
    lip = rise(z, marks.mouth[2] - 0.02, marks.mouth[2] + 0.06) * (np.abs(x) < marks.mouth_half)
    back = rise(y - marks.mouth[1], 0.35, 0.9)
    under = rise(marks.chin[2] + 0.12 - z, 0, 0.15)
    aside = np.sign(x) * (0.95 * lip * rise(np.abs(x), 0.0, 0.1) - 0.18 * (1 - lip))
    return unit(np.stack([aside, 0.15 - 0.35 * back - 0.5 * under, -1.0 + 0.55 * under], 1))


def grow_beard(
    skin: Surface, marks: Landmarks, style: HairStyle, zone: Floats, rng: Rng
) -> Strands:
    """A beard as dense as the zone (n,) in [0, 1] says, shorter where it thins out."""
    weight = density(zone, skin, marks, rng)
    roots, normal = scatter(skin, weight, style.beard_hairs, rng)
    count = len(roots)
    inside = sampled(zone, skin, roots)
    length = style.beard_length * rng.uniform(0.45, 1.15, count) * (0.4 + 0.6 * inside)
    lip = roots[:, 2] > marks.mouth[2]
    length = np.where(lip, np.minimum(length, 0.048), length)
    heading = flow(roots, marks) + rng.normal(0, 0.22, (count, 3))
    paths = _laid(roots, normal, heading, length, 0.75 - 0.2 * lip)
    paths += wander(count, STEPS, 0.5, rng) * (0.07 * length)[:, None, None]
    return Strands(paths, 0.00085 * rng.uniform(0.6, 1.1, count))


def grow_fuzz(skin: Surface, marks: Landmarks, style: HairStyle, bare: Floats, rng: Rng) -> Strands:
    """Peach fuzz where `bare` (n,) is 1, on cheeks, jaw, lip and brow: seen at the rim alone."""
    at = skin.points
    eye, radius = marks.eyes["l"]
    near = np.minimum.reduce([np.linalg.norm(at - c, axis=1) for c, _ in marks.eyes.values()])
    front = rise(eye[1] + 1.1 - at[:, 1], 0, 0.3) * rise(
        at[:, 2], marks.chin[2] - 0.5, marks.chin[2]
    )
    away = 1 - 0.85 * np.clip(-skin.normals[:, 1], 0, 1) ** 2  # seen against the light, at the rim
    weight = bare * front * away * rise(near, 1.5 * radius, 2.2 * radius)
    roots, normal = scatter(skin, weight, style.fuzz, rng)
    count = len(roots)
    heading = flow(roots, marks) + rng.normal(0, 0.3, (count, 3))
    length = rng.uniform(0.012, 0.034, count)
    paths = _laid(roots, normal, heading, length, np.full(count, 0.8))
    return Strands(paths, 0.00016 * rng.uniform(0.7, 1.2, count))


def _laid(roots: Floats, normal: Floats, heading: Floats, length: Floats, steep: Floats) -> Floats:
    """Strands (k, STEPS, 3) that leave the skin steeply and bend over along a heading."""
    along = unit(across(heading, normal))
    path, at = [roots], roots
    for step in range(1, STEPS):
        share = step / (STEPS - 1)
        lift = normal * (1.4 * steep * (1 - 0.8 * share))[:, None]
        at = at + unit(along + lift) * (length / (STEPS - 1))[:, None]
        path.append(at)
    return np.stack(path, 1)
