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
# Where an open lip ends and teeth or the dark begin, the landmarks are off by up to a tenth of the
# mouth's width; what they leave on a lip (a tooth, a dark corner) would be carried along by it.
RIM_REACH: Final = (0.10, 0.08)  # mouth widths out of the mouth and into it
RIM_LIGHT: Final = 0.4  # of the weight of hue that lightness has: lips are lit unevenly
RIM_FAR: Final = 1.0  # what it costs to lie a mouth's width away from the landmarks, squared
RIM_SAFE: Final = 0.8  # px of a lip given up: better than a px of tooth kept on it
BOW: Final = (-1.0, -0.75, -0.4, 0.0, 0.4, 0.75, 1.0)  # along a lip, where it is moved
BOW_ROUNDS: Final = 3
BOW_STIFF: Final = (
    0.02  # what it costs to move one of them by the whole reach further than the next
)


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
    return (line + _evened(shifts[_path(total, came)], 7)[:, None] * down).astype(np.float32)


def _path(total: Floats, came: list[npt.NDArray[np.intp]]) -> npt.NDArray[np.intp]:
    """Back from the cheapest end through what `came` before: one index for each row."""
    path = [int(total.argmin())]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    return np.array(path[::-1])


def _evened(values: Floats, count: int) -> Floats:
    """The running mean of `count`."""
    wide = np.pad(values, count // 2, "edge")
    return np.asarray(np.convolve(wide, np.ones(count) / count, "valid"), np.float32)


def lip_rim(photo: Rgb, offset: float, edge: Floats, outer: Floats, into: Floats) -> Floats:
    """Move a lip's inner `edge` (n, 2) to where the lip's colour ends, in a mouth that is open.

    outer (n, 2): the lip's outer edge; into: unit vector into the mouth. The ends stay.
    """
    width = float(np.linalg.norm(edge[-1] - edge[0]))
    soft = cv2.GaussianBlur(photo, (0, 0), 0.7).astype(np.float32) / 255
    weighted = cv2.cvtColor(soft, cv2.COLOR_RGB2LAB) * np.array([RIM_LIGHT, 1, 1], np.float32)
    lab = np.asarray(weighted, np.float32)
    shifts = np.arange(-RIM_REACH[0] * width, RIM_REACH[1] * width, LINE_STEP).astype(np.float32)
    seen = _read(lab, edge[:, None] + shifts[None, :, None] * into + offset)
    share = np.linspace(0.5, 0.85, 5, dtype=np.float32)[None, :, None]
    own = np.median(_read(lab, edge[:, None] + (outer - edge)[:, None] * share + offset), axis=1)
    own = np.stack([_evened(channel, 9) for channel in own.T], -1)
    apart = np.linalg.norm(seen - own[:, None], axis=-1)
    like, unlike = (np.median(part) for part in np.split(apart, [len(shifts) // 3], axis=1))
    excess = np.clip((apart - (like + unlike) / 2) / max(float(unlike - like), 1.0), -1, 1)
    cost = np.cumsum(excess, axis=1) * (LINE_STEP / width) + RIM_FAR * (shifts / width) ** 2
    bow = _best_bow(np.asarray(cost, np.float32), shifts)
    ends = np.clip(np.minimum(np.arange(len(edge)), np.arange(len(edge))[::-1]) / 4, 0, 1)
    return np.asarray(edge + (bow - RIM_SAFE * ends)[:, None] * into, np.float32)


def _best_bow(cost: Floats, shifts: Floats) -> Floats:
    """(n,): the cheapest of the smooth bows over cost (n, shifts), 0 at both ends.

    Teeth, shine and shadow make single points wrong: five numbers move all of them.
    """
    u = np.linspace(-1, 1, len(cost))
    few = shifts[:: max(len(shifts) // 12, 1)]
    best = np.zeros(len(BOW), np.float32)
    for _ in range(BOW_ROUNDS):
        for knot in range(1, len(BOW) - 1):
            trials = np.repeat(best[None], len(few), axis=0)
            trials[:, knot] = few
            bows = _smooth(np.array([np.interp(u, BOW, trial) for trial in trials], np.float32))
            at = np.clip(np.round((bows - shifts[0]) / LINE_STEP), 0, len(shifts) - 1).astype(int)
            sums = cost[np.arange(len(cost)), at].mean(1)
            bent = (np.diff(trials / float(np.ptp(shifts)), axis=1) ** 2).sum(1)
            best = trials[int((sums + BOW_STIFF * bent).argmin())]
    return np.asarray(_smooth(np.interp(u, BOW, best)[None].astype(np.float32))[0], np.float32)


def _smooth(bows: Floats) -> Floats:
    """(m, n) with their corners rounded, still 0 at both ends."""
    soft = cv2.GaussianBlur(bows, (11, 1), 2.5, borderType=cv2.BORDER_REFLECT_101)
    ends = np.linspace(0, 1, bows.shape[1], dtype=np.float32)
    return np.asarray(soft - soft[:, :1] * (1 - ends) - soft[:, -1:] * ends, np.float32)


def _read(picture: Floats, at: npt.NDArray[np.floating]) -> Floats:
    x, y = (np.ascontiguousarray(at[..., k], np.float32) for k in (0, 1))
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR), np.float32)


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
