"""A rig laid over a picture of a clip: where its nodes are there, and what of it is drawn where.

Same conventions as `kernel`. A node has a place in the clip's picture, and what units do to it
comes on top; where they do nothing, the picture is drawn as it is, px by px.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from visavis.models.compiling import compiled
from visavis.models.warp.kernel import (
    Array,
    Picture,
    Real,
    Texture,
    Tiles,
    draw_base,
    invert,
    shift,
)
from visavis.models.warp.kernel_skin import byte

MOVED = 0.02  # px that are drawn
REACH = 6  # px around the cells of a node that moves that a texel there may need


class Layer(NamedTuple):
    """A grid of the portrait: flat (h, w, 3), where its nodes are seen and their depth, fields
    (K, h, w, 3), rows (K, 2), box; as `kernel.forward` takes them."""

    flat: Array
    fields: Array
    rows: Array
    box: Array


class Lie(NamedTuple):
    """How the portrait lies in a picture of the clip: camera (2, 4) and bend (bh, bw, 2) as in
    avatar.clip.Clip, in px of the picture; net: left, top and pitch of the bends' nodes."""

    camera: Array
    bend: Array
    net: Array


@compiled
def steer(layer: Layer, amount: Array, lie: Lie, place: Array, away: Array) -> None:
    """place (h, w, 2): out, where nodes are in the clip's picture; away (h, w, 2): out, how far
    `amount` (K,) of the units moves them from there."""
    flat, fields, rows, _ = layer
    camera, bend, net = lie
    height, width = flat.shape[0], flat.shape[1]
    moved = np.zeros((height, width, 3), np.float32)
    shift(fields, rows, amount, moved)
    inv = np.float32(1) / net[2]
    most_x, most_y = np.float32(bend.shape[1] - 1.001), np.float32(bend.shape[0] - 1.001)
    for i in range(height):
        for j in range(width):
            x, y, z = flat[i, j, 0], flat[i, j, 1], flat[i, j, 2]
            u = min(max((x - net[0]) * inv, np.float32(0)), most_x)
            v = min(max((y - net[1]) * inv, np.float32(0)), most_y)
            a, b = int(u), int(v)
            fu, fv = u - np.float32(a), v - np.float32(b)
            for c in range(2):
                top = bend[b, a, c] + (bend[b, a + 1, c] - bend[b, a, c]) * fu
                low = bend[b + 1, a, c] + (bend[b + 1, a + 1, c] - bend[b + 1, a, c]) * fu
                line = camera[c]
                place[i, j, c] = (
                    line[0] * x + line[1] * y + line[2] * z + line[3] + top + (low - top) * fv
                )
                away[i, j, c] = (
                    line[0] * moved[i, j, 0] + line[1] * moved[i, j, 1] + line[2] * moved[i, j, 2]
                )


@compiled
def sampled(grid: Array, box: Array, x: Real, y: Real) -> tuple[Real, Real]:
    """Two channels of a grid at a position, bilinear; beyond it its border's."""
    inv = np.float32(1) / box[2]
    u = min(max((x - box[0]) * inv, np.float32(0)), np.float32(grid.shape[1] - 1.001))
    v = min(max((y - box[1]) * inv, np.float32(0)), np.float32(grid.shape[0] - 1.001))
    a, b = int(u), int(v)
    fu, fv = u - np.float32(a), v - np.float32(b)
    top = grid[b, a, 0] + (grid[b, a + 1, 0] - grid[b, a, 0]) * fu
    low = grid[b + 1, a, 0] + (grid[b + 1, a + 1, 0] - grid[b + 1, a, 0]) * fu
    one = top + (low - top) * fv
    top = grid[b, a, 1] + (grid[b, a + 1, 1] - grid[b, a, 1]) * fu
    low = grid[b + 1, a, 1] + (grid[b + 1, a + 1, 1] - grid[b + 1, a, 1]) * fu
    return one, top + (low - top) * fv


@compiled
def sources(
    shown: Array, away: Array, box: Array, window: tuple[int, int, int], out: Array
) -> None:
    """Which position of the clip's picture is drawn at each node of the picture.

    shown (oh, ow, 2): the portrait's positions there, from `kernel.invert`; away (h, w, 2) at the
    nodes of the grid `box`; window: left, top, px between nodes; out (oh, ow, 2).
    """
    left, top, step = window
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            x, y = sampled(away, box, shown[i, j, 0], shown[i, j, 1])
            out[i, j, 0] = np.float32(left + j * step) - x
            out[i, j, 1] = np.float32(top + i * step) - y


@compiled
def sheets(shown: Array, away: Array, box: Array, window: tuple[int, int, int], out: Array) -> None:
    """Where a patch's nodes are, that lie evenly on the clip's picture.

    shown (oh, ow, 2): the portrait's positions at them; away (2 h, w, 2) of both sheets in the
    portrait's grid `box`; window: left, top and pitch of the nodes; out (2 oh, ow, 2).
    """
    left, top, pitch = window
    rows, half = shown.shape[0], away.shape[0] // 2
    for k in range(2):
        own = away[k * half : (k + 1) * half]
        for i in range(rows):
            for j in range(shown.shape[1]):
                x, y = sampled(own, box, shown[i, j, 0], shown[i, j, 1])
                out[k * rows + i, j, 0] = np.float32(left + j * pitch) + x
                out[k * rows + i, j, 1] = np.float32(top + i * pitch) + y


@compiled
def edges(shown: Array, pitch: int, planes: Array, corner: Array, out: Array) -> None:
    """Signed distances of a patch's sheets as they lie in the clip's picture.

    shown (oh, ow, 2) at nodes `pitch` px apart; planes (2, h, w) of the portrait from `corner` on;
    out (2, (oh - 1) * pitch, (ow - 1) * pitch), from the first node on.
    """
    inv = np.float32(1.0 / pitch)
    high_x, high_y = np.float32(planes.shape[2] - 1.001), np.float32(planes.shape[1] - 1.001)
    zero, half = np.float32(0), np.float32(0.5)
    upper, lower = planes[0], planes[1]
    for i in range(shown.shape[0] - 1):
        for j in range(shown.shape[1] - 1):
            for y in range(pitch):
                fy = np.float32(y) * inv
                lx = shown[i, j, 0] + (shown[i + 1, j, 0] - shown[i, j, 0]) * fy
                ly = shown[i, j, 1] + (shown[i + 1, j, 1] - shown[i, j, 1]) * fy
                rx = shown[i, j + 1, 0] + (shown[i + 1, j + 1, 0] - shown[i, j + 1, 0]) * fy
                ry = shown[i, j + 1, 1] + (shown[i + 1, j + 1, 1] - shown[i, j + 1, 1]) * fy
                for x in range(pitch):
                    fx = np.float32(x) * inv
                    sx = min(max(lx + (rx - lx) * fx - corner[0], zero), high_x)
                    sy = min(max(ly + (ry - ly) * fx - corner[1], zero), high_y)
                    out[0, i * pitch + y, j * pitch + x] = np.uint8(byte(upper, sx, sy) + half)
                    out[1, i * pitch + y, j * pitch + x] = np.uint8(byte(lower, sx, sy) + half)


@compiled
def near(line: Array, at: int) -> int:
    """A sample of a row; beyond it its border's."""
    return int(line[min(max(at, 0), line.shape[0] - 1)])


@compiled
def across(luma: Array, y: int, left: int, out: Array) -> None:
    """A row of luma at twice the samples, times 32, from px `left` on; out (2 n,) int32."""
    line = luma[min(max(y, 0), luma.shape[0] - 1)]
    count = out.shape[0] // 2
    first, last = max(2 - left, 0), min(line.shape[0] - 3 - left, count)
    for j in range(count):
        if first <= j < last:
            continue
        at = left + j
        c, d = near(line, at), near(line, at + 1)
        outer = near(line, at - 2) + near(line, at + 3)
        out[2 * j] = c * 32
        out[2 * j + 1] = outer - 5 * (near(line, at - 1) + near(line, at + 2)) + 20 * (c + d)
    for j in range(first, last):
        at = left + j
        here, after = np.int32(line[at]), np.int32(line[at + 1])
        far = np.int32(line[at - 2]) + np.int32(line[at + 3])
        inner = np.int32(line[at - 1]) + np.int32(line[at + 2])
        out[2 * j] = here * 32
        out[2 * j + 1] = far - 5 * inner + 20 * (here + after)


@compiled
def colours(plane: Array, y: int, left: int, out: Array) -> None:
    """A texel row's colours, times 16; y: of the texel, 4 of which are one colour; left: of its
    first px, even; out (4 n,) int32. A colour lies between four px: texel 4 c + 1 is its own."""
    row, part = (y - 1) >> 2, (y - 1) & 3
    upper = plane[min(max(row, 0), plane.shape[0] - 1)]
    lower = plane[min(max(row + 1, 0), plane.shape[0] - 1)]
    most = plane.shape[1] - 1
    c: Real = left >> 1
    k: Real = min(max(c - 1, 0), most)
    before = (4 - part) * np.int32(upper[k]) + part * np.int32(lower[k])
    for j in range(out.shape[0] // 4):
        k = min(c + j, most)
        now = (4 - part) * np.int32(upper[k]) + part * np.int32(lower[k])
        out[4 * j] = before + 3 * now
        k = min(c + j + 1, most)
        after = (4 - part) * np.int32(upper[k]) + part * np.int32(lower[k])
        out[4 * j + 1] = 4 * now
        out[4 * j + 2] = 3 * now + after
        out[4 * j + 3] = 2 * (now + after)
        before = now


@compiled
def texels(picture: Picture, left: int, top: int, out: Array) -> None:
    """A part of a picture as a texture of two texels a px, the even ones the px themselves.

    left, top: of its first px, even; out (2 h, 2 w) uint32, opaque, w even. Luma between px by the
    half-sample filter of `scene`, colours linear.
    """
    rows, columns = out.shape[0] // 2, out.shape[1]
    wide = np.empty((6, columns), np.int32)
    blue, red = np.empty(columns, np.int32), np.empty(columns, np.int32)
    bright = np.empty(columns, np.int32)
    for i in range(-2, 3):
        across(picture.luma, top + i, left, wide[(i + 6) % 6])
    for i in range(rows):
        across(picture.luma, top + i + 3, left, wide[(i + 3) % 6])
        a, b, c = wide[(i + 4) % 6], wide[(i + 5) % 6], wide[i % 6]
        d, e, f = wide[(i + 1) % 6], wide[(i + 2) % 6], wide[(i + 3) % 6]
        for half in range(2):
            if half == 0:
                for j in range(columns):
                    bright[j] = min(max((c[j] + 16) >> 5, 0), 255)
            else:
                for j in range(columns):
                    total = a[j] + f[j] - 5 * (b[j] + e[j]) + 20 * (c[j] + d[j])
                    bright[j] = min(max((total + 512) >> 10, 0), 255)
            y = 2 * (top + i) + half
            colours(picture.blue, y, left, blue)
            colours(picture.red, y, left, red)
            line = out[2 * i + half]
            for j in range(columns):
                line[j] = np.uint32(
                    bright[j]
                    | ((blue[j] + 8) >> 4) << 8
                    | 0xFF0000
                    | np.uint32((red[j] + 8) >> 4) << 24
                )


@compiled
def reached(
    place: Array, away: Array, pitch: Real, within: Array, patch: Array, out: Array
) -> bool:
    """The part of the window `within` in which units move anything, or a patch is drawn.

    within, patch, out (4,): left, top, right, bottom; all even. Whether units move anything.
    """
    left, top, right, bottom = patch[0], patch[1], patch[2], patch[3]
    moves, reach = False, pitch * np.float32(1.5) + np.float32(REACH)
    for i in range(place.shape[0]):
        for j in range(place.shape[1]):
            dx, dy = away[i, j, 0], away[i, j, 1]
            if max(abs(dx), abs(dy)) < np.float32(MOVED):
                continue
            moves = True
            x, y = place[i, j, 0], place[i, j, 1]
            left = min(left, int(min(x, x + dx) - reach))
            right = max(right, int(max(x, x + dx) + reach))
            top = min(top, int(min(y, y + dy) - reach))
            bottom = max(bottom, int(max(y, y + dy) + reach))
    out[0] = max(left, within[0]) // 2 * 2
    out[1] = max(top, within[1]) // 2 * 2
    out[2] = max(min((right + 1) // 2 * 2, within[2]), out[0] + 8)
    out[3] = max(min((bottom + 1) // 2 * 2, within[3]), out[1] + 8)
    return moves


@compiled
def lay(
    layer: Layer, amount: Array, lie: Lie, within: Array, patch: Array, step: int, tiles: Tiles,
    source: Picture, picture: Picture,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Draw the base over the clip's picture, as far as anything moves; where its nodes are there,
    and the texture of what patches are drawn from with the position of its first texel.

    within, patch: see `reached`; source: the clip's picture; picture: the same, to be drawn on. One
    call: each would wait for the interpreter's lock anew.
    """
    place = np.empty((layer.flat.shape[0], layer.flat.shape[1], 2), np.float32)
    away = np.empty_like(place)
    steer(layer, amount, lie, place, away)
    box = np.empty(4, np.int64)
    moves = reached(place, away, layer.box[2], within, patch, box)
    left, top = box[0], box[1]
    rows, columns = box[3] - top, box[2] - left
    words = np.empty((2 * rows, 2 * columns), np.uint32)
    texels(source, left, top, words)
    origin = np.array([left, top], np.float32)
    if not moves:
        return place, words, origin
    down, along = (rows + step - 1) // step + 1, (columns + step - 1) // step + 1
    shown = np.empty((down, along, 2), np.float32)
    invert(place + away, layer.box, step, left, top, shown)
    flow = np.empty_like(shown)
    sources(shown, away, layer.box, (left, top, step), flow)
    gain = np.ones(shown.shape[:2], np.float32)
    drawn = Picture(
        np.empty((rows, columns), np.uint8),
        np.empty((rows // 2, columns // 2), np.uint8),
        np.empty((rows // 2, columns // 2), np.uint8),
    )
    draw_base(flow, gain, step, Texture(words, origin), tiles, drawn)
    for i in range(rows):
        for j in range(columns):
            picture.luma[top + i, left + j] = drawn.luma[i, j]
    for i in range(rows // 2):
        for j in range(columns // 2):
            picture.blue[top // 2 + i, left // 2 + j] = drawn.blue[i, j]
            picture.red[top // 2 + i, left // 2 + j] = drawn.red[i, j]
    return place, words, origin


@compiled
def part(
    layer: Layer, amount: Array, lie: Lie, place: Array, box: Array, planes: Array, corner: Array,
    window: tuple[int, int, int], seen: Array, out: Array,
) -> None:  # fmt: skip
    """A patch in a picture of the clip: where its sheets' nodes are seen, and its edges.

    place, box: of the base, from `lay`; planes (2, h, w) and corner: the portrait's edges; window:
    left, top and pitch of nodes that lie evenly on the picture; seen (2 oh, ow, 2), out
    (2, (oh - 1) pitch, (ow - 1) pitch): out.
    """
    left, top, pitch = window
    shown = np.empty((seen.shape[0] // 2, seen.shape[1], 2), np.float32)
    invert(place, box, pitch, left, top, shown)
    own = np.empty((layer.flat.shape[0], layer.flat.shape[1], 2), np.float32)
    away = np.empty_like(own)
    steer(layer, amount, lie, own, away)
    sheets(shown, away, layer.box, window, seen)
    edges(shown, pitch, planes, corner, out)
