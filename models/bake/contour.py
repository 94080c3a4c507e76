"""Plane geometry of cuts: smooth curves, signed distances, and the dark line between closed lips.

Points are (n, 2) in px, x right, y down.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]

EDGE_STEPS: Final = 8  # steps of a stored signed distance per px
LINE_REACH: Final = 4.0  # px that the lip line may lie away from the landmarks
LINE_STEP: Final = 0.5
# Under a moustache the landmarks may lie 7 px above the lips. Hairs are as dark as the lips' line,
# but only that is a thin line all along the mouth: the whole is moved there first.
ASTRAY: Final = 10.0  # px
LINE_HALF: Final = 3.0  # px above and below a line where it is brighter
SURELY: Final = 1.5  # luma by which another place has to stand out more than this one


def curve(points: Floats, count: int) -> Floats:
    """`count` points along a Catmull-Rom curve through `points`, ends included."""
    p = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, len(points) - 1, count)
    k = np.minimum(t.astype(int), len(points) - 2)
    u = (t - k)[:, None]
    a, b, c, d = p[k], p[k + 1], p[k + 2], p[k + 3]
    out = b + 0.5 * u * (c - a + u * (2 * a - 5 * b + 4 * c - d + u * (3 * (b - c) + d - a)))
    return np.asarray(out, np.float32)


def signed_distance(at: Floats, polygon: Floats) -> Floats:
    """(h, w, 2) positions -> (h, w) distance to a closed polygon, negative inside."""
    flat = at.reshape(-1, 2)
    start, end = polygon, np.roll(polygon, -1, axis=0)
    along = end - start
    rel = flat[:, None] - start
    length = np.maximum((along**2).sum(-1), 1e-9)
    t = np.clip((rel * along).sum(-1) / length, 0, 1)
    nearest = np.sqrt(((rel - t[..., None] * along) ** 2).sum(-1).min(1))
    above = (start[:, 1] <= flat[:, 1:]) != (end[:, 1] <= flat[:, 1:])
    rise = np.where(along[:, 1] == 0, 1e-9, along[:, 1])
    crossing = start[:, 0] + (flat[:, 1:] - start[:, 1]) / rise * along[:, 0]
    inside = ((above & (flat[:, :1] < crossing)).sum(1) % 2) == 1
    return np.asarray(np.where(inside, -nearest, nearest).reshape(at.shape[:2]), np.float32)


def lens(edge: Floats, depth: float) -> Floats:
    """The region on one side of `edge` (ends are its corners), closed by half an ellipse.

    depth: px from the chord to the far side, positive downwards (to the right of the edge's way).
    """
    middle, half = (edge[0] + edge[-1]) / 2, (edge[-1] - edge[0]) / 2
    down = np.array([-half[1], half[0]]) / max(float(np.linalg.norm(half)), 1e-6)
    t = np.linspace(0, np.pi, 40)[1:-1, None]
    back = middle + half * np.cos(t) + down * depth * np.sin(t)
    return np.concatenate([edge, back]).astype(np.float32)


def eased(t: Floats) -> Floats:
    """From 0 to 1 with level ends as t goes from 0 to 1, and no further."""
    t = np.clip(t, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def stored(distance: Floats) -> npt.NDArray[np.uint8]:
    """Signed distance in px as a byte: 128 at the edge."""
    return np.clip(np.round(distance * EDGE_STEPS + 128), 0, 255).astype(np.uint8)


def dark_line(photo: Rgb, offset: float, line: Floats, down: Floats) -> Floats:
    """Move `line` (n, 2) along `down` onto the darkest path near it: where closed lips touch.

    photo's px (0, 0) lies at position -offset. Dynamic programming over shifts of LINE_STEP px.
    """
    grey = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), np.uint8)
    grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.8), np.uint8)
    line = line + _astray(grey, offset, line, down) * down
    shifts = np.arange(-LINE_REACH, LINE_REACH + 1e-6, LINE_STEP).astype(np.float32)
    at = line[:, None] + shifts[None, :, None] * down + offset
    cost = cv2.remap(
        grey, at[..., 0].astype(np.float32), at[..., 1].astype(np.float32), cv2.INTER_LINEAR
    ).astype(np.float32)
    cost += 1.0 * shifts**2
    bend = 6.0 * np.abs(np.subtract.outer(shifts, shifts)) / LINE_STEP
    total, came = cost[0].copy(), []
    for row in cost[1:]:
        step = total[None, :] + bend
        came.append(step.argmin(1))
        total = step.min(1) + row
    path = [int(total.argmin())]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    chosen = shifts[np.array(path[::-1])]
    smooth = np.convolve(np.pad(chosen, 3, "edge"), np.ones(7) / 7, "valid")
    return (line + smooth[:, None] * down).astype(np.float32)


def _astray(grey: npt.NDArray[np.uint8], offset: float, line: Floats, down: Floats) -> Floats:
    """(n, 1) px along `down` by which `line` (n, 2) lies away from a thin dark line that runs along
    all of it; another amount at its ends than in its middle."""
    reach = np.arange(-ASTRAY, ASTRAY + 1e-6, 1.0)
    middles, ends = (v.ravel() for v in np.meshgrid(reach, reach))
    share = np.linspace(-1, 1, len(line)) ** 2
    shifts = (middles[:, None] + (ends - middles)[:, None] * share)[..., None]
    rows = []
    for beside in (0.0, -LINE_HALF, LINE_HALF):
        at = (line + (shifts + beside) * down + offset).astype(np.float32)
        rows.append(cv2.remap(grey, at[..., 0], at[..., 1], cv2.INTER_LINEAR).astype(np.float32))
    dark = np.percentile(np.minimum(rows[1], rows[2]) - rows[0], 30, axis=1)
    near = (np.abs(middles) <= LINE_REACH) & (np.abs(ends) <= LINE_REACH)
    best = int(dark.argmax())
    if dark[best] <= dark[near].max() + SURELY:
        return np.zeros((len(line), 1), np.float32)
    return np.asarray(shifts[best], np.float32)
