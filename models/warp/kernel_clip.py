"""A rig laid over a picture of a clip: where its nodes are there, and what of it is drawn where.

Same conventions as `kernel`. A node has a place in the clip's picture, and what units do to it comes
on top; where they do nothing, the picture is drawn as it is, px by px.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from visavis.models.compiling import compiled
from visavis.models.warp.kernel import Array, Picture, Real, Texture, Tiles, draw_base, invert
from visavis.models.warp.kernel_skin import byte


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
def steer(
    layer: Layer, amount: Array, lie: Lie, place: Array, away: Array
) -> None:
    """place (h, w, 2): out, where nodes are in the clip's picture; away (h, w, 2): out, how far
    `amount` (K,) of the units moves them from there."""
    flat, fields, rows, _ = layer
    camera, bend, net = lie
    height, width = flat.shape[0], flat.shape[1]
    moved = np.zeros((height, width, 3), np.float32)
    for k in range(amount.shape[0]):
        c = amount[k]
        if c > -1e-4 and c < 1e-4:
            continue
        for i in range(rows[k, 0], rows[k, 1]):
            for j in range(width):
                moved[i, j, 0] += c * fields[k, i, j, 0]
                moved[i, j, 1] += c * fields[k, i, j, 1]
                moved[i, j, 2] += c * fields[k, i, j, 2]
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
def sources(shown: Array, away: Array, box: Array, window: tuple[int, int, int], out: Array) -> None:
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
def texels(
    luma: Array, blue: Array, red: Array, left: int, top: int, out: Array
) -> None:
    """A part of a picture as a texture of two texels a px, the even ones the px themselves.

    luma (H, W), blue and red (H / 2, W / 2); left, top: of its first px, even; out (2 h, 2 w) uint32,
    opaque. Luma between px by the half-sample filter of `scene`, colours linear.
    """
    height, width = luma.shape
    rows, columns = out.shape[0] // 2, out.shape[1] // 2
    wide = np.empty((rows + 6, 2 * columns), np.int32)
    for i in range(rows + 6):
        y = min(max(top + i - 2, 0), height - 1)
        for j in range(columns):
            x = left + j
            if 2 <= x < width - 3:
                a, b, c = int(luma[y, x - 2]), int(luma[y, x - 1]), int(luma[y, x])
                d, e, f = int(luma[y, x + 1]), int(luma[y, x + 2]), int(luma[y, x + 3])
            else:
                a, b = int(luma[y, max(x - 2, 0)]), int(luma[y, max(x - 1, 0)])
                c, d = int(luma[y, min(x, width - 1)]), int(luma[y, min(x + 1, width - 1)])
                e, f = int(luma[y, min(x + 2, width - 1)]), int(luma[y, min(x + 3, width - 1)])
            wide[i, 2 * j] = c * 32
            wide[i, 2 * j + 1] = a + f - 5 * (b + e) + 20 * (c + d)
    most_y, most_x = blue.shape[0] - 1, blue.shape[1] - 1
    for i in range(2 * rows):
        k = i >> 1
        # A colour lies between four px: texel 4 c + 1 is its own.
        v = (i + 2 * top - 1) >> 2
        fv = (i + 2 * top - 1) & 3
        v0, v1 = min(max(v, 0), most_y), min(max(v + 1, 0), most_y)
        for j in range(2 * columns):
            if i & 1:
                total = wide[k, j] + wide[k + 5, j] - 5 * (wide[k + 1, j] + wide[k + 4, j])
                total += 20 * (wide[k + 2, j] + wide[k + 3, j])
                bright = (total + 512) >> 10
            else:
                bright = (wide[k + 2, j] + 16) >> 5
            bright = min(max(bright, 0), 255)
            u = (j + 2 * left - 1) >> 2
            fu = (j + 2 * left - 1) & 3
            u0, u1 = min(max(u, 0), most_x), min(max(u + 1, 0), most_x)
            w00, w01 = (4 - fu) * (4 - fv), fu * (4 - fv)
            w10, w11 = (4 - fu) * fv, fu * fv
            cb = blue[v0, u0] * w00 + blue[v0, u1] * w01 + blue[v1, u0] * w10 + blue[v1, u1] * w11
            cr = red[v0, u0] * w00 + red[v0, u1] * w01 + red[v1, u0] * w10 + red[v1, u1] * w11
            out[i, j] = np.uint32(
                bright | ((cb + 8) >> 4) << 8 | 0xFF0000 | ((cr + 8) >> 4) << 24
            )


@compiled
def lay(
    layer: Layer, amount: Array, lie: Lie, window: tuple[int, int, int], gain: Array, words: Array,
    tiles: Tiles, source: Picture, picture: Picture,
) -> Array:  # fmt: skip
    """Draw the base over the clip's picture; where its nodes are there, for the patches.

    window: left, top, px between nodes; gain (oh, ow): ones; words (2 h, 2 w): out, the window's
    texture; source: the clip's picture, from which `picture` differs outside at most. One call:
    each would wait for the interpreter's lock anew.
    """
    left, top, step = window
    height, width = layer.flat.shape[0], layer.flat.shape[1]
    place = np.empty((height, width, 2), np.float32)
    away = np.empty((height, width, 2), np.float32)
    steer(layer, amount, lie, place, away)
    texels(source.luma, source.blue, source.red, left, top, words)
    most = np.float32(0)
    for i in range(height):
        for j in range(width):
            most = max(most, max(abs(away[i, j, 0]), abs(away[i, j, 1])))
    if most < np.float32(0.02):
        return place
    shown = np.empty((gain.shape[0], gain.shape[1], 2), np.float32)
    invert(place + away, layer.box, step, left, top, shown)
    flow = np.empty_like(shown)
    sources(shown, away, layer.box, window, flow)
    rows, columns = words.shape[0] // 2, words.shape[1] // 2
    drawn = Picture(
        np.empty((rows, columns), np.uint8),
        np.empty((rows // 2, columns // 2), np.uint8),
        np.empty((rows // 2, columns // 2), np.uint8),
    )
    origin = np.array([left, top], np.float32)
    draw_base(flow, gain, step, Texture(words, origin), tiles, drawn)
    for i in range(rows):
        for j in range(columns):
            picture.luma[top + i, left + j] = drawn.luma[i, j]
    for i in range(rows // 2):
        for j in range(columns // 2):
            picture.blue[top // 2 + i, left // 2 + j] = drawn.blue[i, j]
            picture.red[top // 2 + i, left // 2 + j] = drawn.red[i, j]
    return place


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
