"""Spectacles of a persona: two rims, a bridge, temples and clear lenses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from .head import Floats
from .mesh import link, mesh
from .nodes import Colour, material, plain

AROUND: Final = 64  # points of a rim
TUBE: Final = 10  # sides of a tube


@dataclass(frozen=True, slots=True)
class GlassesStyle:
    """Linear RGB of the frame; half width and half height of a rim in eye radii; tube in dm."""

    colour: Colour
    wide: float = 1.85
    tall: float = 1.35
    thick: float = 0.012
    square: float = 2.8  # exponent of the rim's superellipse: 2 is round
    metal: float = 0.0


def _tube(path: Floats, radius: float, closed: bool) -> tuple[Floats, list[list[int]]]:
    """A round tube along a path (n, 3)."""
    ahead, behind = np.roll(path, -1, 0), np.roll(path, 1, 0)
    if not closed:
        ahead[-1], behind[0] = path[-1], path[0]
    along = ahead - behind
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.cross(along, [0.03, 1.0, 0.02] if closed else [0.03, 0.02, 1.0])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(along, side)
    turn = np.linspace(0, 2 * np.pi, TUBE, endpoint=False)[None, :, None]
    ring = path[:, None] + radius * (np.cos(turn) * side[:, None] + np.sin(turn) * other[:, None])
    spans = len(path) if closed else len(path) - 1
    faces = [
        [i * TUBE + j, i * TUBE + (j + 1) % TUBE, k * TUBE + (j + 1) % TUBE, k * TUBE + j]
        for i in range(spans)
        for k in ((i + 1) % len(path),)
        for j in range(TUBE)
    ]
    return ring.reshape(-1, 3), faces


def _rim(centre: Floats, radius: float, style: GlassesStyle) -> Floats:
    """A superellipse (AROUND, 3) upright before an eye, its outer side drawn back a little."""
    turn = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    c, s = np.cos(turn), np.sin(turn)
    x = style.wide * radius * np.sign(c) * np.abs(c) ** (2 / style.square)
    z = style.tall * radius * np.sign(s) * np.abs(s) ** (2 / style.square)
    outward = np.sign(centre[0]) * x
    back = 0.05 * np.clip(outward / (style.wide * radius), 0, 1) ** 2
    front = centre[1] - radius - 0.13
    return np.stack([centre[0] + x, front + back, centre[2] - 0.12 * radius + z], 1)


def _lens_material() -> Any:
    """Clear, faintly mirroring; refraction would only cost time."""
    made, graph = material("lens")
    fresnel = graph.node("Fresnel")
    fresnel.inputs["IOR"].default_value = 1.3
    gloss = graph.shader("BsdfGlossy", Color=(1.0, 1.0, 1.0), Roughness=0.02)
    graph.finish(graph.blend(fresnel.outputs[0], graph.shader("BsdfTransparent"), gloss))
    return made


def build_glasses(
    eyes: Mapping[str, tuple[Floats, float]], ear: float, style: GlassesStyle
) -> list[tuple[str, Floats, list[list[int]]]]:
    """Parts of spectacles on a head at rest: name, points (n, 3), faces.

    eyes: centre and radius by side; ear: half the width of the head at the ears, dm.
    """
    parts = []
    rims = {side: _rim(*eye, style) for side, eye in eyes.items()}
    for rim in rims.values():
        parts.append(("frame", *_tube(rim, style.thick, closed=True)))
        parts.append(("lens", rim, [list(range(AROUND))]))
    inner = [rim[np.abs(rim[:, 0]).argmin()] for rim in rims.values()]
    t = np.linspace(0, 1, 9)[:, None]
    lift = np.array([0.0, -0.02, 0.04]) * np.sin(np.pi * t)
    bridge = inner[0] + (inner[1] - inner[0]) * t + lift
    parts.append(("frame", *_tube(bridge, style.thick, closed=False)))
    for rim in rims.values():
        hinge = rim[np.abs(rim[:, 0]).argmax()] + [0, 0, 0.06]
        way = np.sign(hinge[0])
        end = np.array([way * (ear - 0.06), hinge[1] + 1.35, hinge[2] + 0.03])
        temple = hinge + (end - hinge) * t
        temple[1:-1, 0] += way * 0.04
        parts.append(("frame", *_tube(temple, style.thick, closed=False)))
    return parts


def wear(parts: list[tuple[str, Floats, list[list[int]]]], style: GlassesStyle) -> None:
    """Put the parts, already turned with the head, into the scene."""
    made = {
        "frame": plain("frame", style.colour, 0.3, Metallic=style.metal),
        "lens": _lens_material(),
    }
    for name, points, faces in parts:
        link(name, mesh(name, points, faces), made[name])
