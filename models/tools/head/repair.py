"""Close what should be closed: lips at rest, lids in a blink, lips over an open jaw; and take the
kink out of open lips. A tool for `build.py`.

The units were made on MakeHuman's base head; on an average adult the resting lips part by up to a
millimetre and the blinking lid overshoots. Each repair moves the two edges of an opening and lets
the surface around follow smoothly.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.tools.head.source import Doubles, Ints

ROUNDNESS: Final = 0.11  # of an edge's length: the reach of the smoothing along it
ROUNDS: Final = 6  # the smooth follow-up weakens each step, so it takes a few


@dataclass(frozen=True, slots=True)
class Opening:
    """Two edges that can touch. upper, lower: vertex indices from one corner to the other.

    follow (n, edge vertices): how much each vertex goes along, upper edge first. `lift` is the
    share of a gap that the lower edge closes, `overlap` in dm how far the edges pass each other.
    """

    upper: Ints
    lower: Ints
    follow: Doubles
    lift: float
    overlap: float

    def gap(self, vertices: Doubles) -> Doubles:
        """Height in dm between the edges at 15 places between the corners; < 0 where they pass."""
        up, low = vertices[self.upper], vertices[self.lower]
        across = np.linspace(0, 1, 17)[1:-1]
        left, right = max(up[:, 0].min(), low[:, 0].min()), min(up[:, 0].max(), low[:, 0].max())
        x = left + (right - left) * across
        return np.asarray(_height(up, x) - _height(low, x))

    def close(self, vertices: Doubles) -> Doubles:
        """(n, 3) offsets that make the edges of these vertices touch."""
        offsets = np.zeros_like(vertices)
        for _ in range(ROUNDS):
            now = vertices + offsets
            up, low = now[self.upper], now[self.lower]
            down = -(1 - self.lift) * (up[:, 1] - _height(low, up[:, 0]) + self.overlap)
            rise = self.lift * (_height(up, low[:, 0]) - low[:, 1] + self.overlap)
            # The corners stay: they belong to both edges.
            down[[0, -1]] = rise[[0, -1]] = 0
            offsets[:, 1] += self.follow @ np.concatenate([down, rise])
        return offsets

    def rounded(self, vertices: Doubles, unit: Doubles) -> Doubles:
        """(n, 3) offsets that take the kink out of how a unit moves the middle of both edges."""
        corrections = [
            _smooth_along(vertices[edge], unit[edge]) - unit[edge]
            for edge in (self.upper, self.lower)
        ]
        return np.asarray(self.follow @ np.concatenate(corrections))


def _smooth_along(edge: Doubles, moves: Doubles) -> Doubles:
    """Gaussian mean of moves (v, 3) by length along the edge; the ends stay."""
    steps = np.linalg.norm(np.diff(edge, axis=0), axis=1)
    length = np.concatenate([[0], np.cumsum(steps)]) / steps.sum()
    even = np.linspace(0, 1, 201)
    inside = np.stack([np.interp(even, length, axis) for axis in moves.T], 1)
    # Point reflection at the ends keeps them in place.
    before, after = 2 * inside[0] - inside[:0:-1], 2 * inside[-1] - inside[-2::-1]
    long = np.concatenate([before, inside, after])
    kernel = np.exp(-0.5 * (np.arange(-100, 101) / (200 * ROUNDNESS)) ** 2)
    smooth = np.stack([np.convolve(axis, kernel / kernel.sum(), "same") for axis in long.T], 1)
    return np.stack([np.interp(length, even, axis) for axis in smooth[200:401].T], 1)


def _height(edge: Doubles, x: Doubles) -> Doubles:
    order = np.argsort(edge[:, 0], kind="stable")
    return np.asarray(np.interp(x, edge[order, 0], edge[order, 1]))


def ordered(loop: Ints, opened: Doubles) -> tuple[Ints, int]:
    """The loop from its corner of least x along the upper edge and back along the lower, and where
    its other corner is. `opened` (n, 3) are vertices that show which edge is which."""
    loop = np.roll(loop, -int(opened[loop][:, 0].argmin()))
    end = int(opened[loop][:, 0].argmax())
    if opened[loop[1:end]][:, 1].mean() < opened[loop[end + 1 :]][:, 1].mean():
        loop = np.roll(loop[::-1], 1)
        end = len(loop) - end
    return loop, end


def opening(
    vertices: Doubles, quads: Ints, loop: Ints, end: int, reach: float, lift: float, overlap: float
) -> Opening:
    """From an ordered loop; `reach` in dm is how far the surface follows an edge."""
    one, other = loop[: end + 1], np.append(loop[end:], loop[0])[::-1]
    ways = _ways(quads)
    near = np.stack([_distances(vertices, ways, int(v), 3 * reach) for v in (*one, *other)], 1)
    weight = np.exp(-((near / reach) ** 2))
    follow = weight / np.maximum(weight.sum(1, keepdims=True), 1)
    return Opening(one, other, follow, lift, overlap)


def _ways(quads: Ints) -> dict[int, set[int]]:
    """Which vertices share a quad."""
    ways: dict[int, set[int]] = defaultdict(set)
    for quad in quads.tolist():
        for corner in quad:
            ways[corner] |= set(quad) - {corner}
    return ways


def _distances(vertices: Doubles, ways: dict[int, set[int]], source: int, limit: float) -> Doubles:
    """(n,): length of the shortest way along edges and quad diagonals; infinite past `limit`."""
    found = np.full(len(vertices), np.inf)
    found[source] = 0
    heap = [(0.0, source)]
    while heap:
        far, here = heapq.heappop(heap)
        if far > found[here] or far > limit:
            continue
        for there in ways[here]:
            total = far + float(np.linalg.norm(vertices[here] - vertices[there]))
            if total < found[there]:
                found[there] = total
                heapq.heappush(heap, (total, there))
    return found
