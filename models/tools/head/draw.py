"""A software rasterizer for deformed heads: visibility, shading, pictures for tools and tests.

It draws triangles and knows no photo, no avatar and no face model; the live picture is not made
here. Space is the head's: x to the picture's right, y up, z towards the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import cv2
import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Picture = npt.NDArray[np.uint8]  # (height, width, 3) RGB

NEAR: Final = 1e-3  # depths below this are behind the camera


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera in front of a head that turns about `target`; lengths in the mesh's unit.

    Yaw > 0 turns the face towards the picture's right, pitch > 0 up, roll > 0 clockwise as the
    viewer sees it (as `engines.base.FaceState.pose`). `height` is what a picture shows at the
    depth of `target`.
    """

    width: int = 512
    height: int = 512
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    view: float = 3.4
    distance: float = 12.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    def rotation(self) -> Floats:
        """(3, 3): head space to camera axes."""
        yaw, pitch, roll = np.deg2rad([self.yaw, -self.pitch, -self.roll])
        about_y = np.array(
            [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
        )
        about_x = np.array(
            [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
        )
        about_z = np.array(
            [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
        )
        return np.asarray(about_z @ about_y @ about_x, np.float32)

    def project(self, points: Floats) -> Floats:
        """(n, 3) head space -> (n, 3): x and y in px (pixel centres at .5), depth from the lens."""
        turned = (points - np.asarray(self.target, np.float32)) @ self.rotation().T
        depth = self.distance - turned[:, 2]
        scale = self.height / self.view * self.distance / np.maximum(depth, NEAR)
        x = self.width / 2 + turned[:, 0] * scale
        y = self.height / 2 - turned[:, 1] * scale
        return np.stack([x, y, depth], axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What each pixel sees. face: (h, w) int32, -1 for nothing; weights: (h, w, 3), its corners'
    perspective-correct weights; depth: (h, w), infinite for nothing."""

    face: Ints
    weights: Floats
    depth: Floats

    def interpolate(self, faces: Ints, values: Floats) -> Floats:
        """Per-vertex values (n, c) -> (h, w, c); zero where nothing is seen."""
        seen = self.face >= 0
        picture = np.zeros((*self.face.shape, values.shape[1]), np.float32)
        corners = values[faces[self.face[seen]]]
        picture[seen] = np.einsum("pc,pck->pk", self.weights[seen], corners)
        return picture


@dataclass(frozen=True, slots=True)
class Light:
    """A key light with soft wrap-around, ambient light from all sides, and a highlight."""

    direction: tuple[float, float, float] = (0.35, 0.45, 0.82)
    ambient: float = 0.34
    key: float = 0.72
    gloss: float = 0.08
    background: tuple[int, int, int] = field(default=(96, 98, 104))


def rasterize(points: Floats, faces: Ints, width: int, height: int) -> Coverage:
    """Projected points (n, 3) and triangles (m, 3) -> what each pixel sees first."""
    face = np.full((height, width), -1, np.int32)
    weights = np.zeros((height, width, 3), np.float32)
    depth = np.full((height, width), np.inf, np.float32)
    _rasterize(points.astype(np.float32), faces, face, weights, depth)
    return Coverage(face, weights, depth)


@numba.njit(cache=True, nogil=True)
def _rasterize(points: Floats, faces: Ints, face: Ints, weights: Floats, depth: Floats) -> None:
    height, width = face.shape
    for index in range(faces.shape[0]):
        a, b, c = points[faces[index, 0]], points[faces[index, 1]], points[faces[index, 2]]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        if abs(area) < 1e-9 or min(a[2], b[2], c[2]) < NEAR:
            continue
        left = max(0, int(min(a[0], b[0], c[0]) - 0.5))
        right = min(width - 1, int(max(a[0], b[0], c[0]) + 0.5))
        top = max(0, int(min(a[1], b[1], c[1]) - 0.5))
        bottom = min(height - 1, int(max(a[1], b[1], c[1]) + 0.5))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                px, py = x + 0.5, y + 0.5
                w1 = ((px - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (py - a[1])) / area
                w2 = ((b[0] - a[0]) * (py - a[1]) - (px - a[0]) * (b[1] - a[1])) / area
                w0 = 1.0 - w1 - w2
                if w0 < 0.0 or w1 < 0.0 or w2 < 0.0:
                    continue
                # Inverse depth is linear in the picture, depth is not.
                q0, q1, q2 = w0 / a[2], w1 / b[2], w2 / c[2]
                z = 1.0 / (q0 + q1 + q2)
                if z < depth[y, x]:
                    depth[y, x] = z
                    face[y, x] = index
                    weights[y, x, 0], weights[y, x, 1], weights[y, x, 2] = q0 * z, q1 * z, q2 * z


def vertex_normals(vertices: Floats, faces: Ints) -> Floats:
    """(n, 3) unit normals, each the area-weighted mean of its triangles'."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    total = np.zeros(vertices.shape, np.float64)
    for corner in range(3):
        for axis in range(3):
            total[:, axis] += np.bincount(faces[:, corner], flat[:, axis], len(vertices))
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(total / np.maximum(length, 1e-12), np.float32)


def draw(
    vertices: Floats,
    faces: Ints,
    colours: Floats,
    camera: Camera | None = None,
    light: Light | None = None,
    smoothness: int = 2,
) -> Picture:
    """Shade a mesh: vertices (n, 3), faces (m, 3), colours (n, 3) in [0, 1] -> RGB picture.

    `smoothness` is the supersampling per axis.
    """
    camera, light = camera or Camera(), light or Light()
    points = camera.project(vertices) * np.array([smoothness, smoothness, 1], np.float32)
    seen = rasterize(points, faces, camera.width * smoothness, camera.height * smoothness)
    normals = vertex_normals(vertices, faces) @ camera.rotation().T
    albedo = seen.interpolate(faces, colours)
    shaded = shade(albedo, seen.interpolate(faces, normals), light)
    shaded[seen.face < 0] = np.asarray(light.background, np.float32) / 255
    small = cv2.resize(shaded, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    return (np.clip(small, 0, 1) * 255 + 0.5).astype(np.uint8)


def shade(albedo: Floats, normals: Floats, light: Light) -> Floats:
    """Colours (..., 3) and camera-space normals (..., 3) -> lit colours."""
    unit = normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
    towards = np.asarray(light.direction, np.float32)
    towards = towards / np.linalg.norm(towards)
    lambert = np.clip((unit @ towards + 0.25) / 1.25, 0, 1)[..., None]
    half = towards + np.array([0, 0, 1], np.float32)
    highlight = np.clip(unit @ (half / np.linalg.norm(half)), 0, 1)[..., None] ** 24
    lit: Floats = albedo * (light.ambient + light.key * lambert) + light.gloss * highlight
    return lit.astype(np.float32)


def contact_sheet(pictures: list[Picture], labels: list[str], columns: int) -> Picture:
    """Equal pictures in rows of `columns`, each with its label in the top left corner."""
    tiles = []
    for picture, label in zip(pictures, labels, strict=True):
        tile = picture.copy()
        cv2.putText(tile, label, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1)
        tiles.append(tile)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
    return np.vstack(rows)
