"""Grids of positions and shifts, read off a fitted head at evenly spaced nodes of the photo.

`sample` takes what the front-most triangle says at each node; `fill` continues it smoothly where
no triangle is, or where a cut (a lip line, a lid margin) forbids to look.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.avatar.rig import CONTROLS, Floats, Grid, nodes
from visavis.models.bake.fit import FittedHead
from visavis.models.compiling import compiled

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int32]

STEEPEST: Final = 2.7  # px of depth a px of photo
REACH: Final = 96.0  # px over which a steep fall is spread
CHANNELS: Final = 3 * len(CONTROLS) + 1  # the shifts, then the depth


@compiled
def _cover(points: Floats, faces: Ints, index: Ints, weight: Floats) -> None:
    """Which triangle is seen at each node. points (n, 3) in units of nodes; z up wins.

    index (h, w): row of faces or -1; weight (h, w, 3): barycentric.
    """
    height, width = index.shape
    depth = np.full((height, width), -1e9, np.float32)
    for f in range(faces.shape[0]):
        a, b, c = points[faces[f, 0]], points[faces[f, 1]], points[faces[f, 2]]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        if abs(area) < 1e-9:
            continue
        x0 = max(0, int(np.ceil(min(a[0], b[0], c[0]))))
        x1 = min(width - 1, int(np.floor(max(a[0], b[0], c[0]))))
        y0 = max(0, int(np.ceil(min(a[1], b[1], c[1]))))
        y1 = min(height - 1, int(np.floor(max(a[1], b[1], c[1]))))
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                u = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area
                v = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area
                w = 1 - u - v
                if u < 0 or v < 0 or w < 0:
                    continue
                z = w * a[2] + u * b[2] + v * c[2]
                if z > depth[y, x]:
                    depth[y, x] = z
                    index[y, x] = f
                    weight[y, x, 0] = w
                    weight[y, x, 1] = u
                    weight[y, x, 2] = v


def cover(points: Floats, faces: Ints, shape: tuple[int, int]) -> tuple[Ints, Floats]:
    """What is seen at each node: row of `faces` or -1 (h, w), barycentric weights (h, w, 3).

    points (n, 3): x, y in units of nodes, larger z is nearer.
    """
    index = np.full(shape, -1, np.int32)
    weight = np.zeros((*shape, 3), np.float32)
    _cover(points, faces, index, weight)
    return index, weight


def sample(
    head: FittedHead,
    faces: Ints,
    corner: tuple[float, float],
    pitch: float,
    shape: tuple[int, int],
) -> tuple[Floats, Ints]:
    """(h, w, CHANNELS) of the front-most triangles of `faces`, and which (h, w) it is or -1."""
    points = head.vertices.copy()
    points[:, :2] = (points[:, :2] - np.array(corner, np.float32)) / pitch
    index, weight = cover(points, faces, shape)
    known = index >= 0
    out = np.zeros((*shape, CHANNELS), np.float32)
    corners = faces[index[known]]
    w = weight[known]
    shifts = np.einsum("mc,kmcd->mkd", w, head.units[:, corners])
    out[known, : shifts.shape[1] * 3] = shifts.reshape(len(w), -1)
    out[known, -1] = (w * head.vertices[corners, 2]).sum(1)
    return out, index


def fill(values: Floats, known: Mask, edge: Floats | None = None) -> Floats:
    """Continue `values` (h, w, c) into where it is not known: the smoothest surface (Laplace).

    edge (c,): what the border of the grid is held at where it is not known itself.
    """
    values, known = values.copy(), known.copy()
    if edge is not None:
        rim = np.zeros_like(known)
        rim[[0, -1], :] = rim[:, [0, -1]] = True
        values[rim & ~known] = edge
        known |= rim
    if known.all() or not known.any():
        return values
    values = _coarse_first(values, known)
    rounds = 80
    wanted = ~known[..., None]
    for _ in range(rounds):
        around = np.pad(values, ((1, 1), (1, 1), (0, 0)), "edge")
        mean = (around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]) / 4
        values = np.where(wanted, mean, values)
    return values


def _coarse_first(values: Floats, known: Mask) -> Floats:
    """A first guess from half the resolution, so that large holes close in few rounds."""
    height, width = known.shape
    if min(height, width) < 4:
        mean = values[known].mean(0)
        return np.where(known[..., None], values, mean).astype(np.float32)
    pad = ((0, height % 2), (0, width % 2))
    weight = np.pad(known, pad).astype(np.float32)[..., None]
    total = np.pad(values, (*pad, (0, 0))) * weight
    h, w = weight.shape[0] // 2, weight.shape[1] // 2
    count = weight.reshape(h, 2, w, 2, 1).sum((1, 3))
    small = total.reshape(h, 2, w, 2, -1).sum((1, 3)) / np.maximum(count, 1)
    small = fill(small.astype(np.float32), count[..., 0] > 0)
    large = small.repeat(2, 0).repeat(2, 1)[:height, :width]
    return np.where(known[..., None], values, large).astype(np.float32)


def spread(values: Floats, known: Mask, sigma: float) -> Floats:
    """(h, w, c): at each node the mean of the known ones close to it; sigma in nodes."""
    weight = known.astype(np.float32)[..., None]
    # A little of the mean of all, for nodes that have none near.
    total = soften(values * weight, sigma) + 1e-6 * values[known].mean(0)
    return np.asarray(total / (soften(weight, sigma) + 1e-6), np.float32)


def gentle(depth: Floats, pitch: float) -> Floats:
    """(h, w) depth, raised where it falls off too steeply: a turning head must not fold there.

    A fold starts where the slope reaches the cotangent of the turn: 3.7 at 15 degrees.
    """
    out, drop = depth.copy(), STEEPEST * pitch
    for _ in range(int(REACH / pitch)):
        for axis in (0, 1):
            near = np.moveaxis(out, axis, 0)
            np.maximum(near[1:], near[:-1] - drop, out=near[1:])
            np.maximum(near[:-1], near[1:] - drop, out=near[:-1])
    return out


def soften(values: Floats, sigma: float) -> Floats:
    """Gaussian blur in nodes, channel by channel."""
    out = np.empty_like(values)
    for k in range(values.shape[-1]):
        out[..., k] = cv2.GaussianBlur(values[..., k], (0, 0), sigma)
    return out


def grid(
    values: Floats, share: Floats, corner: tuple[float, float], pitch: float, camera: Floats
) -> Grid:
    """Channels of `sample` -> Grid whose nodes are seen where they lie on the photo."""
    shape = (values.shape[0], values.shape[1])
    flat, depth = nodes(corner, pitch, shape), values[..., -1:]
    rest = np.concatenate([unproject(flat, depth, camera), depth], -1).astype(np.float32)
    shifts = np.moveaxis(values[..., :-1].reshape(*shape, len(CONTROLS), 3), 2, 0)
    return Grid(corner, pitch, rest, share, np.ascontiguousarray(shifts))


def unproject(flat: Floats, depth: Floats, camera: Floats) -> Floats:
    """Where a point at `depth` is that the camera (centre x, y and distance) sees at `flat`."""
    beside = (flat - camera[:2]) * (camera[2] - depth) / camera[2]
    return np.asarray(camera[:2] + beside, np.float32)


def card(
    corner: tuple[float, float],
    size: tuple[int, ...],
    step: float,
    depth: float,
    camera: Floats,
    shifts: Floats | None = None,
    across: tuple[float, float] = (1.0, 0.0),
) -> Grid:
    """A flat 2 x 2 grid for a picture of (h, w) texels `step` px apart, the first at `corner`.

    shifts (len(CONTROLS), 2, 2, 3): how it moves; not at all without. across: unit vector along
    the picture's rows.
    """
    right = np.array(across, np.float32) * (size[1] - 1) * step
    down = np.array([-across[1], across[0]], np.float32) * (size[0] - 1) * step
    flat = np.array([[0 * right, right], [down, right + down]], np.float32) + corner
    moves = np.zeros((len(CONTROLS), 2, 2, 3), np.float32) if shifts is None else shifts
    return quad(flat.astype(np.float32), depth, camera, moves)


def quad(flat: Floats, depth: float, camera: Floats, shifts: Floats) -> Grid:
    """A 2 x 2 grid whose corners are seen at `flat` (2, 2, 2), see `card`."""
    z = np.full((2, 2, 1), depth, np.float32)
    rest = np.concatenate([unproject(flat, z, camera), z], -1).astype(np.float32)
    corner = (float(flat[0, 0, 0]), float(flat[0, 0, 1]))
    pitch = float(np.linalg.norm(flat[0, 1] - flat[0, 0]))
    return Grid(corner, pitch, rest, np.ones((2, 2), np.float32), shifts.astype(np.float32))


def read_grid(coarse: Floats, corner: tuple[float, float], pitch: float, at: Floats) -> Floats:
    """Channels (h, w, c) of a grid, bilinear, at positions (m, n, 2)."""
    place = (at - np.array(corner, np.float32)) / pitch
    low = np.floor(place).astype(int)
    low[..., 0] = np.clip(low[..., 0], 0, coarse.shape[1] - 2)
    low[..., 1] = np.clip(low[..., 1], 0, coarse.shape[0] - 2)
    f = place - low
    x, y, fx, fy = low[..., 0], low[..., 1], f[..., :1], f[..., 1:]
    top = coarse[y, x] * (1 - fx) + coarse[y, x + 1] * fx
    below = coarse[y + 1, x] * (1 - fx) + coarse[y + 1, x + 1] * fx
    return np.asarray(top * (1 - fy) + below * fy, np.float32)
