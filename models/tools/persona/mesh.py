"""Meshes and curves between numpy and Blender: make, subdivide, read, bind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy  # type: ignore[import-not-found]
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from .head import BaseMesh, Floats, Ints


def link(name: str, data: Any, *materials: Any) -> Any:
    """A new object of the scene holding this mesh, curve, light or camera."""
    thing = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(thing)
    for made in materials:
        data.materials.append(made)
    return thing


def mesh(name: str, points: Floats, faces: Sequence[Sequence[int]]) -> Any:
    made = bpy.data.meshes.new(name)
    made.from_pydata(points.tolist(), [], [list(f) for f in faces])
    made.shade_smooth()
    return made


def part(
    base: BaseMesh, points: Floats, groups: Sequence[str], floor: float = -99.0, roof: float = 99.0
) -> Any:
    """The faces of some groups between two heights, with their texture coordinates."""
    faces = [f for g in groups for f in base.faces[g] if floor < points[f[0], 2].mean() < roof]
    used = sorted({i for corners, _ in faces for i in corners})
    order = {old: new for new, old in enumerate(used)}
    made = mesh(groups[0], points[used], [[order[i] for i in corners] for corners, _ in faces])
    layer = made.uv_layers.new(name="uv")
    layer.data.foreach_set("uv", base.uv[[i for _, corners in faces for i in corners]].reshape(-1))
    return made


def subdivided(source: Any, levels: int) -> Any:
    """A Catmull-Clark subdivided copy of a mesh."""
    thing = link(source.name, source)
    modifier = thing.modifiers.new("subdivide", "SUBSURF")
    modifier.levels = modifier.render_levels = levels
    evaluated = thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
    made = bpy.data.meshes.new_from_object(evaluated)
    bpy.data.objects.remove(thing)
    made.shade_smooth()
    return made


@dataclass(frozen=True, slots=True)
class Surface:
    """A dense mesh as arrays: points and normals (n, 3), quads (m, 4), texture points (n, 2)."""

    points: Floats
    normals: Floats
    quads: Ints
    uv: Floats


def _numbers(collection: Any, name: str, width: int, kind: type = np.float32) -> Any:
    flat: npt.NDArray[Any] = np.empty(len(collection) * width, kind)
    collection.foreach_get(name, flat)
    return flat.reshape(-1, width)


def read(source: Any) -> Surface:
    corners = _numbers(source.loops, "vertex_index", 1, np.int32)[:, 0]
    uv = np.zeros((len(source.vertices), 2))
    if source.uv_layers:
        uv[corners] = _numbers(source.uv_layers[0].data, "uv", 2)
    return Surface(
        _numbers(source.vertices, "co", 3).astype(float),
        _numbers(source.vertices, "normal", 3).astype(float),
        corners.reshape(-1, 4).astype(int),
        uv,
    )


def move(target: Any, points: Floats) -> None:
    target.vertices.foreach_set("co", points.astype(np.float32).reshape(-1))
    target.update()


def paint(target: Any, name: str, values: Floats) -> None:
    """Store values (n,) or (n, 3) on the vertices for the shader."""
    kind = "FLOAT" if values.ndim == 1 else "FLOAT_VECTOR"
    layer = target.attributes.new(name, kind, "POINT")
    layer.data.foreach_set(
        "value" if values.ndim == 1 else "vector", values.astype(np.float32).reshape(-1)
    )


def sample_image(path: str, uv: Floats) -> Floats:
    """Brightness (n,) in [0, 1] of a mask at texture points (n, 2)."""
    image = bpy.data.images.load(path)
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    flat = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(flat)
    grey = flat.reshape(height, width, 4)[:, :, 0].astype(float)
    bpy.data.images.remove(image)
    x, y = (
        np.clip(uv[:, 0] * width - 0.5, 0, width - 1.001),
        np.clip(uv[:, 1] * height - 0.5, 0, height - 1.001),
    )
    i, j = x.astype(int), y.astype(int)
    fx, fy = x - i, y - j
    top = grey[j, i] * (1 - fx) + grey[j, i + 1] * fx
    low = grey[j + 1, i] * (1 - fx) + grey[j + 1, i + 1] * fx
    return np.asarray(top * (1 - fy) + low * fy)


def scatter(
    surface: Surface, weight: Floats, count: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Random points and normals (count, 3), as dense as the vertex weights (n,) say."""
    tri = np.concatenate([surface.quads[:, [0, 1, 2]], surface.quads[:, [0, 2, 3]]])
    tri = tri[weight[tri].max(1) > 0]
    a, b, c = (surface.points[tri[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) * weight[tri].mean(1)
    chosen = rng.choice(len(tri), count, p=area / area.sum())
    u, v = rng.random((2, count, 1))
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    at = a[chosen] + u * (b[chosen] - a[chosen]) + v * (c[chosen] - a[chosen])
    normal = surface.normals[tri[chosen]].mean(1)
    return at, normal / np.linalg.norm(normal, axis=1, keepdims=True)


def sampled(values: Floats, surface: Surface, points: Floats) -> Floats:
    """What the surface's nearest vertex has of values (n,), for points (k, 3)."""
    return np.asarray(values[cKDTree(surface.points).query(points)[1]])


def frames(surface: Surface, index: Ints, beside: Ints) -> Floats:
    """Orthonormal frames (k, 3, 3) at vertices, turned towards a second vertex of each."""
    normal = surface.normals[index]
    along = surface.points[beside] - surface.points[index]
    along -= normal * (along * normal).sum(1, keepdims=True)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
    return np.stack([along, np.cross(normal, along), normal], 1)


def carried(strands: Floats, rest: Surface, now: Surface) -> Floats:
    """Strands (k, steps, 3) grown on a surface at rest, moved rigidly with their root's skin."""
    tree = cKDTree(rest.points)
    _, near = tree.query(strands[:, 0], k=9)
    index, beside = near[:, 0], near[:, 8]
    local = np.einsum(
        "kij,ksj->ksi", frames(rest, index, beside), strands - rest.points[index][:, None]
    )
    back = np.einsum("kij,ksi->ksj", frames(now, index, beside), local)
    return np.asarray(back + now.points[index][:, None])
