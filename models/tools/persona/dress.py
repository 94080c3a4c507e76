"""Clothes of a persona, laid over the resting body: blouse or shirt, jacket, lapels, collars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy  # type: ignore[import-not-found]
import numpy as np
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from .head import Floats, Head
from .mesh import Surface, link, mesh, move, paint, part, read, subdivided
from .nodes import Colour, Graph, material

Place = tuple[float, float, float]  # x outwards, y behind the eyes, z below the eyes, dm


@dataclass(frozen=True, slots=True)
class DressStyle:
    """Linear RGB cloth colours and the cut: an open blouse or a shirt with a collar."""

    jacket: Colour
    shirt: Colour
    collar: bool
    vee: float  # depth of the neckline's point below the eyes, dm


def _cloth(name: str, colour: Colour, weave: float, sheen: float, roughness: float = 0.8) -> Any:
    """Woven cloth that is cut away where the vertex attribute `cut` is negative."""
    made, graph = material(name)
    at = graph.node("TexCoord").outputs["Object"]
    thread = graph.node("TexNoise")
    graph.plug(thread.inputs["Vector"], at)
    graph.plug(thread.inputs["Scale"], weave)
    fold = graph.noise(at, 1.6, 3)
    shade = graph.mix(colour, tuple(0.8 * c for c in colour), graph.step(fold, 0.35, 0.7))
    height = graph.math("ADD", thread.outputs[0], graph.math("MULTIPLY", fold, 3.0))
    cloth = graph.shader(
        "BsdfPrincipled",
        Base_Color=shade,
        Roughness=roughness,
        Normal=graph.bump(height, 0.008, 0.5),
        Sheen_Weight=sheen,
        Sheen_Roughness=0.4,
        Specular_IOR_Level=0.25,
    )
    graph.finish(_cut(graph, cloth))
    return made


def _cut(graph: Graph, cloth: Any) -> Any:
    gone = graph.math("LESS_THAN", graph.attribute("cut"), 0.0)
    return graph.blend(gone, cloth, graph.shader("BsdfTransparent"))


def torso(head: Head) -> tuple[Any, Surface]:
    """The resting body below the chin, smoothed so that no collarbone shows through cloth."""
    coarse = part(head.base, head.rest, ["body"], head.eye_level[2] - 4.0, head.eye_level[2] - 0.9)
    thing = link("torso", coarse)
    points = np.array([v.co[:] for v in coarse.vertices])
    group = thing.vertex_groups.new(name="below")
    group.add(np.nonzero(points[:, 2] < head.eye_level[2] - 1.15)[0].tolist(), 1.0, "ADD")
    smooth = thing.modifiers.new("smooth", "SMOOTH")
    smooth.iterations, smooth.factor, smooth.vertex_group = 6, 0.5, "below"
    evaluated = thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
    smoothed = bpy.data.meshes.new_from_object(evaluated)
    bpy.data.objects.remove(thing)
    made = subdivided(smoothed, 2)
    return made, read(made)


def lay(body: Surface, points: Floats, gap: Floats) -> Floats:
    """Points (n, 3) moved onto the body, `gap` (n,) above it."""
    distance, near = cKDTree(body.points).query(points, k=16)
    weight = 1.0 / (distance + 0.02)
    weight = (weight / weight.sum(1, keepdims=True))[:, :, None]
    normal = (body.normals[near] * weight).sum(1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    on = (body.points[near] * weight).sum(1)
    height = ((points - on) * normal).sum(1)
    return np.asarray(points + normal * (gap - height)[:, None])


def _line(places: Sequence[Place], eyes: Floats, side: float, steps: int) -> Floats:
    """A smooth 3D line (steps, 3) through places given relative to the eyes."""
    at = np.array([(side * x, eyes[1] + y, eyes[2] - z) for x, y, z in places])
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(at, axis=0), axis=1))])
    t = np.linspace(0, along[-1], steps)
    return np.stack([np.interp(t, along, at[:, k]) for k in range(3)], 1)


def piece(
    name: str,
    body: Surface,
    edges: Sequence[Floats],
    gaps: Sequence[float],
    made: Any,
    thick: float,
) -> None:
    """Cloth lofted between edge lines (each (steps, 3)), laid `gaps` off the body."""
    steps, rows = len(edges[0]), 9
    t = np.linspace(0, len(edges) - 1, rows)
    grid = np.stack(
        [
            [np.interp(t, range(len(edges)), [e[s, k] for e in edges]) for k in range(3)]
            for s in range(steps)
        ]
    )
    grid = grid.transpose(0, 2, 1)
    gap = np.tile(np.interp(t, range(len(gaps)), gaps), steps)
    points = lay(body, grid.reshape(-1, 3), gap)
    faces = [
        [i * rows + j, (i + 1) * rows + j, (i + 1) * rows + j + 1, i * rows + j + 1]
        for i in range(steps - 1)
        for j in range(rows - 1)
    ]
    data = mesh(name, points, faces)
    paint(data, "cut", np.ones(len(points)))
    thing = link(name, data, made)
    solid = thing.modifiers.new("solid", "SOLIDIFY")
    solid.thickness, solid.offset = thick, 0.0
    round_ = thing.modifiers.new("round", "SUBSURF")
    round_.levels = round_.render_levels = 2


def garment(name: str, source: Any, body: Surface, gap: float, cut: Floats, made: Any) -> None:
    """The torso itself as cloth, `gap` off the body, kept where `cut` (n,) is positive."""
    data = source.copy()
    move(data, body.points + body.normals * gap)
    paint(data, "cut", cut)
    link(name, data, made)


def _necklines(body: Surface, head: Head, style: DressStyle) -> tuple[Floats, Floats]:
    """Signed distances of shirt and jacket: positive where there is cloth."""
    x = np.abs(body.points[:, 0])
    y = body.points[:, 1] - head.eye_level[1]
    z = head.eye_level[2] - body.points[:, 2]
    vee = z - (style.vee - 1.18 * x)
    ring = z - (1.52 - 0.30 * (y - 0.5))
    shirt = np.minimum(vee, ring) if not style.collar else np.minimum(vee, z - (1.30 - 0.2 * y))
    jacket = np.minimum(x - (0.60 - 0.42 * (z - 1.45)), z - (1.40 - 0.22 * (y - 0.7)))
    return shirt, jacket


def _lapels(body: Surface, eyes: Floats, made: Any) -> None:
    for side in (-1.0, 1.0):
        fold = _line([(0.20, 0.0, 2.50), (0.42, 0.25, 1.95), (0.60, 0.6, 1.55)], eyes, side, 26)
        edge = _line([(0.40, 0.0, 2.60), (0.93, 0.3, 2.02), (0.80, 0.55, 1.78)], eyes, side, 26)
        piece("lapel", body, [fold, edge], [0.14, 0.15], made, 0.022)
        inner = _line(
            [(0.52, 0.5, 1.70), (0.60, 0.8, 1.45), (0.50, 1.35, 1.22), (0.0, 1.65, 1.12)],
            eyes,
            side,
            30,
        )
        stand = _line(
            [(0.60, 0.5, 1.66), (0.67, 0.85, 1.38), (0.56, 1.5, 1.16), (0.0, 1.75, 1.06)],
            eyes,
            side,
            30,
        )
        outer = _line(
            [(0.86, 0.5, 1.80), (0.93, 0.9, 1.52), (0.75, 1.7, 1.40), (0.0, 1.95, 1.35)],
            eyes,
            side,
            30,
        )
        piece("collar", body, [inner, stand, outer], [0.10, 0.17, 0.13], made, 0.022)


def _shirt_collar(body: Surface, eyes: Floats, made: Any) -> None:
    for side in (-1.0, 1.0):
        foot = _line(
            [(0.08, 0.35, 1.66), (0.36, 0.5, 1.50), (0.52, 0.9, 1.32), (0.0, 1.55, 1.1)],
            eyes,
            side,
            30,
        )
        top = _line(
            [(0.12, 0.3, 1.60), (0.40, 0.5, 1.38), (0.56, 0.9, 1.17), (0.0, 1.6, 0.95)],
            eyes,
            side,
            30,
        )
        edge = _line(
            [(0.42, 0.3, 2.02), (0.62, 0.5, 1.70), (0.74, 0.9, 1.42), (0.0, 1.75, 1.25)],
            eyes,
            side,
            30,
        )
        piece("shirt-collar", body, [foot, top, edge], [0.05, 0.11, 0.10], made, 0.018)


def dress(head: Head, style: DressStyle) -> None:
    """Shirt or blouse, jacket, lapels and collars on the resting body."""
    source, body = torso(head)
    shirt_cut, jacket_cut = _necklines(body, head, style)
    shirt = _cloth("shirt", style.shirt, 150, 0.15, 0.7)
    jacket = _cloth("jacket", style.jacket, 110, 0.35)
    garment("shirt", source, body, 0.045, shirt_cut, shirt)
    garment("jacket", source, body, 0.10, jacket_cut, jacket)
    _lapels(body, head.eye_level, jacket)
    if style.collar:
        _shirt_collar(body, head.eye_level, shirt)
