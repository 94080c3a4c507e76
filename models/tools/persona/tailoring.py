"""Patterns into cloth: the torso under clothes, folds, necklines, strips laid along edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import bpy  # type: ignore[import-not-found]
import numpy as np
from scipy.interpolate import PchipInterpolator  # type: ignore[import-untyped]
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from .head import Floats, Head
from .mesh import Surface, link, mesh, move, paint, part, read, subdivided

Place = tuple[float, float, float]  # x outwards, y behind the eyes, z below the eyes, dm

ROWS: Final = 11  # points across a strip
TIGHT: Final = 0.3  # share of its area that cloth keeps in a hollow


@dataclass(frozen=True, slots=True)
class Form:
    """The dressed body: its mesh and surface, the eyes and the shoulder joint (3,) of one side."""

    source: Any
    body: Surface
    eyes: Floats
    shoulder: Floats


def form(head: Head, smoothing: int) -> Form:
    """The resting body below the chin; smoothed, cloth bridges collarbones and hollows."""
    eyes = head.eye_level
    coarse = part(head.base, head.rest, ["body"], eyes[2] - 4.0, eyes[2] - 0.9)
    thing = link("torso", coarse)
    points = np.array([v.co[:] for v in coarse.vertices])
    group = thing.vertex_groups.new(name="below")
    group.add(np.nonzero(points[:, 2] < eyes[2] - 1.25)[0].tolist(), 1.0, "ADD")
    smooth = thing.modifiers.new("smooth", "SMOOTH")
    smooth.iterations, smooth.factor, smooth.vertex_group = smoothing, 0.5, "below"
    evaluated = thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
    smoothed = bpy.data.meshes.new_from_object(evaluated)
    bpy.data.objects.remove(thing)
    hull = read(smoothed)
    # Cloth bridges hollows but is not sunk into what stands out.
    sunk = np.clip(((points - hull.points) * hull.normals).sum(1), 0, None)
    move(smoothed, hull.points + hull.normals * (0.8 * sunk)[:, None])
    made = subdivided(smoothed, 3)
    joint = head.rest[head.base.indices("joint-l-shoulder")].mean(0)
    return Form(made, read(made), eyes, joint)


def raised(on: Form, height: Floats | float) -> Form:
    """The form with its surface moved `height` (n,) dm along the normals, normals kept."""
    points = (
        on.body.points + on.body.normals * np.broadcast_to(height, len(on.body.points))[:, None]
    )
    return replace(on, body=replace(on.body, points=points))


def lay(body: Surface, points: Floats, gap: Floats) -> Floats:
    """Points (n, 3) moved onto the body, `gap` (n,) above it."""
    for _ in range(2):
        distance, near = cKDTree(body.points).query(points, k=16)
        weight = 1.0 / (distance + 0.03)
        weight = (weight / weight.sum(1, keepdims=True))[:, :, None]
        normal = (body.normals[near] * weight).sum(1)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        on = (body.points[near] * weight).sum(1)
        height = ((points - on) * normal).sum(1)
        points = points + normal * (gap - height)[:, None]
    return points


def line(places: Sequence[Place], eyes: Floats, side: float, steps: int = 60) -> Floats:
    """A smooth line (steps, 3) through places relative to the eyes, evenly spaced."""
    at = np.array([(side * x, eyes[1] + y, eyes[2] - z) for x, y, z in places])
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(at, axis=0), axis=1))])
    return np.asarray(PchipInterpolator(along, at)(np.linspace(0, along[-1], steps)))


def loop(places: Sequence[Place], eyes: Floats, pointed: bool = False) -> Floats:
    """A closed line (180, 3) from a half of it, front to back, mirrored; round in front."""
    if pointed:
        left = line(places, eyes, 1.0, 90)
        return np.concatenate([left, left[::-1] * [-1, 1, 1]])
    mirrored = [(-x, y, z) for x, y, z in places[1:]]
    return line([*mirrored[::-1], *places], eyes, 1.0, 180)


def unfolded(body: Surface, height: Floats) -> Floats:
    """Heights (n,) over the body, lowered where cloth so far out would run into itself."""
    quads = body.quads
    rest = _facing(body.points[quads])
    size = (rest**2).sum(1)
    for _ in range(12):
        facing = _facing((body.points + body.normals * height[:, None])[quads])
        tight = (facing * rest).sum(1) < TIGHT * size
        if not tight.any():
            break
        kept = np.ones(len(height))
        kept[quads[tight]] = 0.7
        # Neighbours come along, or a dent would be left.
        for _ in range(3):
            mean, count = np.zeros((2, len(height)))
            np.add.at(mean, quads, kept[quads].mean(1)[:, None])
            np.add.at(count, quads, 1.0)
            kept = np.minimum(kept, mean / np.maximum(count, 1))
        height = height * kept
    return height


def _facing(corners: Floats) -> Floats:
    """Normals (n, 3), as long as twice their area, of quads (n, 4, 3)."""
    return np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])


@dataclass(frozen=True, slots=True)
class Fold:
    """A crease of cloth: places relative to the shoulder joint (x outwards, y backwards, z up),
    height in dm (below 0 a groove) and half width in dm."""

    places: Sequence[Place]
    height: float
    width: float


def creases(on: Form, folds: Sequence[Fold], rng: np.random.Generator, spread: float) -> Floats:
    """Heights (n,) of folds on both sides, no two alike: places jittered by `spread` dm."""
    total = np.zeros(len(on.body.points))
    for fold in folds:
        for side in (-1.0, 1.0):
            at = np.array(fold.places) + rng.normal(0, spread, (len(fold.places), 3))
            at = (at + on.shoulder * [1, 1, 1]) * [side, 1, 1]
            t = np.linspace(0, 1, len(at))
            path = PchipInterpolator(t, at)(np.linspace(0, 1, 60))
            distance, near = cKDTree(path).query(on.body.points)
            share = near / 59
            fade = np.sin(np.pi * np.clip(share, 0.02, 0.98)) ** 0.7
            across = (distance / (fold.width * rng.uniform(0.8, 1.25))) ** 2
            ridge = (1 - 0.7 * across) * np.exp(-across)  # a fold lies between two hollows
            total += fold.height * rng.uniform(0.6, 1.3) * fade * ridge
    return total


def ripple(points: Floats, length: float, rng: np.random.Generator) -> Floats:
    """Gentle unevenness (n,) of about unit size with wave lengths around `length` dm."""
    total = np.zeros(len(points))
    for _ in range(18):
        way = rng.normal(0, 1, 3)
        wave = way / np.linalg.norm(way) * 2 * np.pi / (length * rng.uniform(0.7, 1.8))
        total += np.cos(points @ wave + rng.uniform(0, 2 * np.pi))
    return total / 3.0


def outside(body: Surface, edge: Floats, neck: Floats) -> Floats:
    """How far (n,) the body lies outside a closed neckline (k, 3), dm; inside it is below 0."""
    along = np.roll(edge, -2, 0) - np.roll(edge, 2, 0)
    _, near = cKDTree(body.points).query(edge)
    away = np.cross(along, body.normals[near])
    away /= np.linalg.norm(away, axis=1, keepdims=True) + 1e-9
    away *= np.sign(((edge - neck) * away).sum(1, keepdims=True) + 1e-9)
    _, nearest = cKDTree(edge).query(body.points)
    return np.asarray(((body.points - edge[nearest]) * away[nearest]).sum(1))


def garment(name: str, on: Form, cut: Floats, made: Any) -> None:
    """The form itself as cloth, kept where `cut` (n,) is positive."""
    data = on.source.copy()
    move(data, on.body.points)
    paint(data, "cut", cut)
    link(name, data, made)


def strip(
    name: str, body: Surface, edges: Sequence[Floats], gaps: Sequence[float], made: Any,
    thick: float = 0.02, closed: bool = False,
) -> None:  # fmt: skip
    """Cloth lofted between edge lines (each (steps, 3)), laid `gaps` (dm) off the body.

    The last edge is the outer one: seams are sewn along it.
    """
    steps = len(edges[0])
    t = np.linspace(0, len(edges) - 1, ROWS)
    grid = PchipInterpolator(range(len(edges)), np.stack(edges))(t).transpose(1, 0, 2)
    gap = np.tile(PchipInterpolator(range(len(gaps)), gaps)(t), steps)
    grid = lay(body, grid.reshape(-1, 3), gap).reshape(steps, ROWS, 3)
    place(name, grid, made, thick, closed)


def place(
    name: str, grid: Floats, made: Any, thick: float, closed: bool = False, sewn: bool = True
) -> None:
    """A strip of cloth from a grid of points (steps, rows, 3), its cloth coordinates painted."""
    steps, rows, _ = grid.shape
    pace = np.linalg.norm(np.diff(grid, axis=0), axis=2)
    run = np.concatenate([np.zeros((1, rows)), np.cumsum(pace, 0)])
    pace = np.linalg.norm(np.diff(grid, axis=1), axis=2)
    across = np.concatenate([np.zeros((steps, 1)), np.cumsum(pace, 1)], 1)
    spans = steps if closed else steps - 1
    faces = [
        [i * rows + j, k * rows + j, k * rows + j + 1, i * rows + j + 1]
        for i in range(spans)
        for k in ((i + 1) % steps,)
        for j in range(rows - 1)
    ]
    data = mesh(name, grid.reshape(-1, 3), faces)
    paint(data, "cut", np.ones(steps * rows))
    paint(data, "run", np.repeat(run.mean(1), rows))
    paint(data, "across", across.reshape(-1))
    edge = across[:, -1:] - across
    paint(data, "edge", (edge if sewn else np.ones_like(edge)).reshape(-1))
    thing = link(name, data, made)
    solid = thing.modifiers.new("solid", "SOLIDIFY")
    solid.thickness, solid.offset = thick, 0.0
    smooth = thing.modifiers.new("round", "SUBSURF")
    smooth.levels = smooth.render_levels = 2
