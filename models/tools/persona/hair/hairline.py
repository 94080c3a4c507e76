"""Where hair grows on a scalp, and the fine short hairs at its edge."""

from __future__ import annotations

import numpy as np

from models.tools.persona.head import Floats
from models.tools.persona.mesh import Surface
from models.tools.persona.skin import Landmarks, rise

from .strands import across, scattered
from .style import HairStyle


def inside(skin: Surface, marks: Landmarks, style: HairStyle) -> Floats:
    """How far (n,) points lie behind the hairline along the skin, dm; negative is bare."""
    here = _above(skin.points, marks, style)
    step = 0.01
    slope = [_above(skin.points + step * axis, marks, style) - here for axis in np.eye(3)]
    along = across(np.stack(slope, 1) / step, skin.normals)
    return np.asarray(here / np.maximum(np.linalg.norm(along, axis=1), 0.6))


def _above(points: Floats, marks: Landmarks, style: HairStyle) -> Floats:
    """Height (n,) of points over the hairline, dm."""
    (_, ey, ez), _ = marks.eyes["l"]
    face = ez - marks.chin[2]
    x, back = np.abs(points[:, 0]), points[:, 1] - ey
    line = style.forehead * face + 0.02 * np.exp(-0.5 * ((x - 0.16) / 0.09) ** 2)
    # Straight over the forehead, then round: the squarer the deeper its corners recede.
    square = np.clip(style.temple / 0.08, 0, 1)
    line = line - 0.08 * (1 - 0.7 * square) * np.clip(x / 0.40, 0, 1) ** 2
    line = line + (style.temple - 0.02) * np.exp(-0.5 * ((x - 0.48) / 0.13) ** 2)
    line = line - (0.25 + style.forehead * face) * rise(back, 0.30, 0.66)
    line = line - 0.35 * rise(back, 0.62, 0.80) - 0.45 * rise(back, 1.0, 1.5)
    # Hairlines are not drawn with a compass: two sides differ, and each wavers.
    own = points[:, 0]
    # Hair combed apart opens a wedge: the hairline comes down to meet it.
    line = line - 0.055 * np.exp(-(((own - style.parting) / 0.17) ** 2))
    wave = 0.012 * np.sin(own * 23 + 1.3) + 0.010 * np.sin(own * 41 + 0.4 + 9 * points[:, 1])
    wave = wave + 0.012 * np.sin(points[:, 2] * 29 + own * 13)
    wave = wave + 0.006 * np.sin(own * 97 + 2.0 * np.sin(own * 61)) * np.sin(own * 150 + 0.7)
    return np.asarray(points[:, 2] - ez - line - wave)


def scalp(skin: Surface, marks: Landmarks, style: HairStyle) -> Floats:
    """Density (n,) in [0, 1] of scalp hair, thin at the hairline."""
    points = skin.points
    (_, ey, ez), _ = marks.eyes["l"]
    x, back = np.abs(points[:, 0]), points[:, 1] - ey
    temple = rise(x, 0.42, 0.60)  # there it thins out over 4 cm, over the forehead over 2.6
    ragged = (0.03 + 0.03 * temple) * scattered(points, 0.014) + 0.03 * scattered(points, 0.05)
    depth = inside(skin, marks, style) + ragged
    density = rise((depth + 0.06) / (0.26 + 0.16 * temple), 0.0, 1.0) ** 1.6
    ear = (x > marks.ear - 0.15) & (points[:, 2] < ez + 0.26) & (back > 0.62)
    density[ear & (back < 1.35)] = 0
    density[(points[:, 2] < ez - 0.30) & (x > 0.3) & (back < 1.0)] = 0
    density[(points[:, 2] < ez - 0.62) | (x > marks.ear + 0.2)] = 0
    if style.thinning:
        crown = np.array([0.0, marks.crown[1] + 0.25, marks.crown[2]])
        bare = np.exp(-0.5 * (np.linalg.norm(points - crown, axis=1) / 0.42) ** 2)
        density = density * (1 - style.thinning * bare)
    return np.asarray(density)


def edge(skin: Surface, marks: Landmarks, style: HairStyle) -> Floats:
    """Density (n,) of baby hair: a band along the hairline over forehead and temples."""
    depth = inside(skin, marks, style)
    back = skin.points[:, 1] - marks.eyes["l"][0][1]
    band = rise(depth, -0.06, 0.06) ** 1.3 * rise(0.24 - depth, 0, 0.14)
    return np.asarray(band * rise(0.68 - back, 0, 0.2))
