"""The layered warp on one CPU core: positions, their inverse, and the composite as I420.

Plain numeric kernels over arrays, compiled once and cached on disk; they release the GIL.
Positions are in px of the picture, pixel centres at whole numbers;
textures have two texels a px, packed Y | U << 8 | A << 16 | V << 24.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from visavis.models.compiling import compiled

Array = Any  # numba compiles for the arrays it is given; their shapes stand in each docstring
Real = Any  # float32 inside compiled code


class Picture(NamedTuple):
    """What is drawn on: luma (H, W), blue and red (H/2, W/2) uint8; both sides even."""

    luma: Array
    blue: Array
    red: Array


class Texture(NamedTuple):
    """words (th, tw) uint32; origin (2,): the position of its first texel."""

    words: Array
    origin: Array


class Tiles(NamedTuple):
    """Running sums (rows + 1, columns + 1) int32 over tiles of 16 x 16 texels.

    seen: of tiles that are not all transparent; clear: of tiles that are not all opaque.
    """

    seen: Array
    clear: Array


class Body(NamedTuple):
    """Of the base, what `light` takes: relief (h, w, 3), share (h, w), box, and turn (3,)."""

    relief: Array
    share: Array
    box: Array
    turn: Array


class Net(NamedTuple):
    """What `forward` takes of a grid: rest, fields, rows, share."""

    rest: Array
    fields: Array
    rows: Array
    share: Array


ONE = 65536  # fixed point, 16 fractional bits
EVEN = 0x00FF00FF  # bytes 0 and 2 of a texel
HALF = 0x00800080  # one half in both, for rounding

# Newton's method from a place to what is seen at a px; see invert
NEWTON_STEPS = (8, 3, 3, 3)  # at every eighth node, every fourth, every second, and all
NEWTON_LIMIT = 3.0  # cells that one step goes at most
AGAIN = ((0, 1), (1, 0), (0, -1), (-1, 0))  # rows and columns back to a neighbour
AGAIN_STEPS = 4
AGAIN_LIMIT = 1.0  # cells
TOLERANCE = 0.03  # px
STEEP = 0.05  # of its area that a cell is taken to cover at least


@compiled
def shift(fields: Array, rows: Array, amount: Array, moved: Array) -> None:
    """Add the fields (K, h, w, 3), each times its amount (K,), to moved (h, w, 3).

    rows: see forward.
    """
    for k in range(amount.shape[0]):
        c = amount[k]
        if c > -1e-4 and c < 1e-4:
            continue
        for i in range(rows[k, 0], rows[k, 1]):
            for j in range(moved.shape[1]):
                moved[i, j, 0] += c * fields[k, i, j, 0]
                moved[i, j, 1] += c * fields[k, i, j, 1]
                moved[i, j, 2] += c * fields[k, i, j, 2]


@compiled
def forward(
    rest: Array, fields: Array, rows: Array, amount: Array, share: Array, view: Array, out: Array
) -> None:
    """Where each node of a grid is seen.

    rest (h, w, 3): positions at rest; fields (K, h, w, 3): shift at amount 1; rows (K, 2): rows of
    each field that are not all zero; amount (K,); share (h, w): how far a node follows the head
    rather than the body; view (2, 3, 4) head and body motion, row 0 of `view[2]` the camera:
    centre x, y and distance; out (h, w, 2).
    """
    height, width = share.shape
    moved = rest.copy()
    shift(fields, rows, amount, moved)
    cx, cy, far = view[2, 0, 0], view[2, 0, 1], view[2, 0, 2]
    for i in range(height):
        for j in range(width):
            x, y, z = moved[i, j, 0], moved[i, j, 1], moved[i, j, 2]
            px = np.float32(0)
            py = np.float32(0)
            for b in range(2):
                w = share[i, j] if b == 0 else np.float32(1) - share[i, j]
                qx = view[b, 0, 0] * x + view[b, 0, 1] * y + view[b, 0, 2] * z + view[b, 0, 3]
                qy = view[b, 1, 0] * x + view[b, 1, 1] * y + view[b, 1, 2] * z + view[b, 1, 3]
                qz = view[b, 2, 0] * x + view[b, 2, 1] * y + view[b, 2, 2] * z + view[b, 2, 3]
                s = w * far / (far - qz)
                px += s * (qx - cx)
                py += s * (qy - cy)
            out[i, j, 0] = px + cx
            out[i, j, 1] = py + cy


@compiled
def unfold(seen: Array, left: int, right: int, least: Real) -> None:
    """Push what a cheek has passed over, an ear, out again from under it, in place.

    seen (h, w, 2) from `forward`; from column `left` leftwards and from `right` rightwards every
    node comes to lie at least `least` px beyond the one before it. A fold has two places for a px,
    and the one behind may be background.
    """
    for i in range(seen.shape[0]):
        for j in range(left - 1, -1, -1):
            seen[i, j, 0] = min(seen[i, j, 0], seen[i, j + 1, 0] - least)
        for j in range(right + 1, seen.shape[1]):
            seen[i, j, 0] = max(seen[i, j, 0], seen[i, j - 1, 0] + least)


@compiled
def span(seen: Array) -> tuple[Real, Real, Real, Real]:
    """Left, top, right and bottom of what is seen: (h, w, 2) from `forward`."""
    left = right = seen[0, 0, 0]
    top = bottom = seen[0, 0, 1]
    for i in range(seen.shape[0]):
        for j in range(seen.shape[1]):
            x, y = seen[i, j, 0], seen[i, j, 1]
            left, right = min(left, x), max(right, x)
            top, bottom = min(top, y), max(bottom, y)
    return left, top, right, bottom


@compiled
def place(seen: Array, sizes: Array, out: Array) -> None:
    """From where its corners are seen: picture px -> texels of each sprite.

    seen (2 n, 2, 2) from `forward`; sizes (n, 2): texels across and down, without the rim of one
    texel; out (n, 2, 3).
    """
    for n in range(sizes.shape[0]):
        p, q = seen[2 * n], seen[2 * n + 1]
        wide, tall = sizes[n, 0] - 1, sizes[n, 1] - 1
        ax = (p[1, 0] - p[0, 0] + q[1, 0] - q[0, 0]) / (2 * wide)
        ay = (p[1, 1] - p[0, 1] + q[1, 1] - q[0, 1]) / (2 * wide)
        dx = (q[0, 0] - p[0, 0] + q[1, 0] - p[1, 0]) / (2 * tall)
        dy = (q[0, 1] - p[0, 1] + q[1, 1] - p[1, 1]) / (2 * tall)
        det = ax * dy - dx * ay
        cx = (p[0, 0] + p[1, 0] + q[0, 0] + q[1, 0]) / 4
        cy = (p[0, 1] + p[1, 1] + q[0, 1] + q[1, 1]) / 4
        out[n, 0, 0] = dy / det
        out[n, 0, 1] = -dx / det
        out[n, 1, 0] = -ay / det
        out[n, 1, 1] = ax / det
        out[n, 0, 2] = wide / 2 + 1 - out[n, 0, 0] * cx - out[n, 0, 1] * cy
        out[n, 1, 2] = tall / 2 + 1 - out[n, 1, 0] * cx - out[n, 1, 1] * cy


@compiled
def newton(
    seen: Array, box: Array, tx: Real, ty: Real, u: Real, v: Real, steps: int, limit: Real
) -> tuple[Real, Real, Real]:
    """From cell place (u, v) on towards what is seen at px (tx, ty): the best place on the way, and
    px that it misses by. No step goes farther than `limit` cells; arrays as in `invert`."""
    height, width = seen.shape[0], seen.shape[1]
    best_u, best_v, least = u, v, np.float32(1e9)
    # A fold has no inverse: keep the step finite and go on.
    flat = np.float32(STEEP) * box[2] * box[2]
    for _ in range(steps + 1):
        a = min(max(int(np.floor(u)), 0), width - 2)
        b = min(max(int(np.floor(v)), 0), height - 2)
        fu = u - np.float32(a)
        fv = v - np.float32(b)
        x00, y00 = seen[b, a, 0], seen[b, a, 1]
        x01, y01 = seen[b, a + 1, 0], seen[b, a + 1, 1]
        x10, y10 = seen[b + 1, a, 0], seen[b + 1, a, 1]
        x11, y11 = seen[b + 1, a + 1, 0], seen[b + 1, a + 1, 1]
        xu0, yu0 = x01 - x00, y01 - y00
        xu = xu0 + (x11 - x10 - xu0) * fv
        yu = yu0 + (y11 - y10 - yu0) * fv
        xv = (x10 - x00) + (x11 - x01 - x10 + x00) * fu
        yv = (y10 - y00) + (y11 - y01 - y10 + y00) * fu
        ex = tx - (x00 + xu0 * fu + xv * fv)
        ey = ty - (y00 + yu0 * fu + yv * fv)
        miss = max(abs(ex), abs(ey))
        if miss < least:
            best_u, best_v, least = u, v, miss
        if miss < np.float32(TOLERANCE):
            break
        det = max(xu * yv - xv * yu, flat)
        du = (ex * yv - ey * xv) / det
        dv = (ey * xu - ex * yu) / det
        u += min(max(du, -limit), limit)
        v += min(max(dv, -limit), limit)
    return best_u, best_v, least


@compiled
def invert(seen: Array, box: Array, step: int, x0: int, y0: int, out: Array) -> None:
    """For nodes of the picture: which position of the grid is seen there.

    seen (h, w, 2) from `forward`; box: left, top of the grid and px between its nodes; out
    (oh, ow, 2): positions for picture px (x0 + j * step, y0 + i * step). Newton's method, at every
    eighth node from rest, then between answers from their mean; outside the grid its border cells
    are continued. Which of several answers a fold has is decided by where each node begins: so
    models/graph, which finds all nodes at once, finds the same ones.
    """
    left, top, pitch = box[0], box[1], box[2]
    inv = np.float32(1) / pitch
    found = np.empty((1, 1, 3), np.float32)
    for level in range(len(NEWTON_STEPS)):
        every = 1 << (len(NEWTON_STEPS) - 1 - level)
        coarse = found
        rows, columns = (out.shape[0] - 2) // every + 2, (out.shape[1] - 2) // every + 2
        found = np.empty((rows, columns, 3), np.float32)
        for i in range(rows):
            ty = np.float32(y0 + i * every * step)
            for j in range(columns):
                tx = np.float32(x0 + j * every * step)
                if level == 0:
                    u, v = (tx - left) * inv, (ty - top) * inv
                else:
                    b, a, d, c = i >> 1, j >> 1, (i + 1) >> 1, (j + 1) >> 1
                    u, v = coarse[b, a, 0], coarse[b, a, 1]
                    if (i | j) & 1:
                        u += coarse[b, c, 0] + coarse[d, a, 0] + coarse[d, c, 0]
                        v += coarse[b, c, 1] + coarse[d, a, 1] + coarse[d, c, 1]
                        u *= np.float32(0.25)
                        v *= np.float32(0.25)
                    elif coarse[b, a, 2] < np.float32(TOLERANCE):
                        found[i, j, 0], found[i, j, 1], found[i, j, 2] = u, v, coarse[b, a, 2]
                        continue
                u, v, miss = newton(
                    seen, box, tx, ty, u, v, NEWTON_STEPS[level], np.float32(NEWTON_LIMIT)
                )
                found[i, j, 0], found[i, j, 1], found[i, j, 2] = u, v, miss
    _again(seen, box, step, x0, y0, found)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j, 0] = left + found[i, j, 0] * pitch
            out[i, j, 1] = top + found[i, j, 1] * pitch


@compiled
def _again(seen: Array, box: Array, step: int, x0: int, y0: int, found: Array) -> None:
    """Nodes that found nothing begin anew from each neighbour's answer in turn."""
    rows, columns = found.shape[:2]
    hop = np.float32(step) / box[2]
    for way in range(4):
        if found[..., 2].max() < np.float32(TOLERANCE):
            return
        back, aside = AGAIN[way]
        before = found.copy()
        for i in range(rows):
            for j in range(columns):
                if before[i, j, 2] < np.float32(TOLERANCE):
                    continue
                near = before[(i - back) % rows, (j - aside) % columns]
                tx, ty = np.float32(x0 + j * step), np.float32(y0 + i * step)
                u, v = near[0] + np.float32(aside) * hop, near[1] + np.float32(back) * hop
                limit = np.float32(AGAIN_LIMIT)
                u, v, miss = newton(seen, box, tx, ty, u, v, AGAIN_STEPS, limit)
                if miss < before[i, j, 2]:
                    found[i, j, 0], found[i, j, 1], found[i, j, 2] = u, v, miss


@compiled
def light(flow: Array, relief: Array, share: Array, box: Array, turn: Array, out: Array) -> None:
    """How much brighter the skin has become at each node of `flow` since it turned in the light.

    relief (h, w, 3), share (h, w), box: of the base; turn (3,): the light's change as the head sees
    it; out (oh, ow): ratio of luma above black, 1 at rest.
    """
    height, width = share.shape
    gain = np.empty((height, width), np.float32)
    for i in range(height):
        for j in range(width):
            change = relief[i, j, 0] * turn[0] + relief[i, j, 1] * turn[1]
            change = (change + relief[i, j, 2] * turn[2]) * share[i, j]
            gain[i, j] = min(max(np.float32(1) + change, np.float32(0.75)), np.float32(1.25))
    inv = np.float32(1) / box[2]
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            u = min(max((flow[i, j, 0] - box[0]) * inv, np.float32(0)), np.float32(width - 1.001))
            v = min(max((flow[i, j, 1] - box[1]) * inv, np.float32(0)), np.float32(height - 1.001))
            a = int(u)
            b = int(v)
            fu = u - np.float32(a)
            fv = v - np.float32(b)
            top = gain[b, a] + (gain[b, a + 1] - gain[b, a]) * fu
            low = gain[b + 1, a] + (gain[b + 1, a + 1] - gain[b + 1, a]) * fu
            out[i, j] = top + (low - top) * fv


@compiled
def lerp_pair(p00: int, p01: int, p10: int, p11: int, fx: int, fy: int) -> int:
    """Bilinear blend of two bytes at once (bytes 0 and 2 of each texel)."""
    gx = 256 - fx
    top = (((p00 & EVEN) * gx + (p01 & EVEN) * fx + HALF) >> 8) & EVEN
    low = (((p10 & EVEN) * gx + (p11 & EVEN) * fx + HALF) >> 8) & EVEN
    return ((top * (256 - fy) + low * fy + HALF) >> 8) & EVEN


@compiled
def texel_at(
    nodes: Array, i: int, j: int, origin: Array, high_x: Real, high_y: Real
) -> tuple[int, int]:
    """Where a node's position lies in a texture that begins at `origin`, in fixed point."""
    x = min(max((nodes[i, j, 0] - origin[0]) * 2, np.float32(0)), high_x)
    y = min(max((nodes[i, j, 1] - origin[1]) * 2, np.float32(0)), high_y)
    return int(x * ONE + np.float32(0.5)), int(y * ONE + np.float32(0.5))


@compiled
def draw_base(
    flow: Array, gain: Array, step: int, texture: Texture, tiles: Tiles, picture: Picture
) -> None:
    """Lay the large layer over the background that is already in the picture.

    flow (oh, ow, 2) from `invert` at (0, 0), gain (oh, ow) from `light`.
    """
    luma, blue, red = picture
    words, origin = texture
    seen, clear = tiles
    height, width = luma.shape
    th, tw = words.shape
    flat = words.reshape(-1)
    high_x = np.float32(tw - 2)
    high_y = np.float32(th - 2)
    shift = 16 + 4
    inv = np.float32(1.0 / step)
    one, row = np.uint64(1), np.uint64(tw)  # unsigned: no test for negative indices
    for i in range(flow.shape[0] - 1):
        top = i * step
        bottom = min(top + step, height)
        for j in range(flow.shape[1] - 1):
            lx, ly = texel_at(flow, i, j, origin, high_x, high_y)
            rx, ry = texel_at(flow, i, j + 1, origin, high_x, high_y)
            dlx, dly = texel_at(flow, i + 1, j, origin, high_x, high_y)
            drx, dry = texel_at(flow, i + 1, j + 1, origin, high_x, high_y)
            a0 = min(min(lx, rx), min(dlx, drx)) >> shift
            a1 = ((max(max(lx, rx), max(dlx, drx)) + ONE) >> shift) + 1
            b0 = min(min(ly, ry), min(dly, dry)) >> shift
            b1 = ((max(max(ly, ry), max(dly, dry)) + ONE) >> shift) + 1
            if seen[b1, a1] - seen[b0, a1] - seen[b1, a0] + seen[b0, a0] == 0:
                continue
            opaque = clear[b1, a1] - clear[b0, a1] - clear[b1, a0] + clear[b0, a0] == 0
            left = j * step
            right = min(left + step, width)
            dlx, dly = int((dlx - lx) * inv), int((dly - ly) * inv)
            drx, dry = int((drx - rx) * inv), int((dry - ry) * inv)
            gl, gr = int(gain[i, j] * ONE), int(gain[i, j + 1] * ONE)
            dgl = int((gain[i + 1, j] * ONE - gl) * inv)
            dgr = int((gain[i + 1, j + 1] * ONE - gr) * inv)
            for y in range(top, bottom):
                g = gl
                ug = int((gr - gl) * inv)
                ux = int((rx - lx) * inv)
                uy = int((ry - ly) * inv)
                qx, qy = lx, ly
                for x in range(left, right):
                    at = np.uint64((qy >> 16) * tw + (qx >> 16))
                    fx = (qx >> 8) & 255
                    fy = (qy >> 8) & 255
                    pair = lerp_pair(
                        flat[at], flat[at + one], flat[at + row], flat[at + row + one], fx, fy
                    )
                    # Video black is 16; light scales what is above it.
                    lit = min(16 + ((((pair & 255) - 16) * g + ONE // 2) >> 16), 235)
                    if opaque:
                        luma[y, x] = lit
                    else:
                        alpha = pair >> 16
                        under = int(luma[y, x])
                        luma[y, x] = under + (((lit - under) * alpha * 257 + ONE // 2) >> 16)
                    g += ug
                    qx += ux
                    qy += uy
                if y & 1 == 0:
                    qx = lx + ((ux + dlx) >> 1)
                    qy = ly + ((uy + dly) >> 1)
                    for x in range(left, right, 2):
                        at = np.uint64((qy >> 16) * tw + (qx >> 16))
                        fx = (qx >> 8) & 255
                        fy = (qy >> 8) & 255
                        p00, p01 = flat[at], flat[at + one]
                        p10, p11 = flat[at + row], flat[at + row + one]
                        pair = lerp_pair(p00 >> 8, p01 >> 8, p10 >> 8, p11 >> 8, fx, fy)
                        if opaque:
                            blue[y >> 1, x >> 1] = pair & 255
                            red[y >> 1, x >> 1] = pair >> 16
                        else:
                            alpha = lerp_pair(p00, p01, p10, p11, fx, fy) >> 16
                            ub = int(blue[y >> 1, x >> 1])
                            ur = int(red[y >> 1, x >> 1])
                            blue[y >> 1, x >> 1] = ub + (
                                ((pair & 255) - ub) * alpha * 257 + ONE // 2 >> 16
                            )
                            red[y >> 1, x >> 1] = ur + (
                                ((pair >> 16) - ur) * alpha * 257 + ONE // 2 >> 16
                            )
                        qx += 2 * ux
                        qy += 2 * uy
                lx += dlx
                ly += dly
                rx += drx
                ry += dry
                gl += dgl
                gr += dgr


@compiled
def open_base(
    net: Net, body: Body, cheeks: tuple[int, int, Real], amount: Array, view: Array, step: int,
    texture: Texture, tiles: Tiles, picture: Picture,
) -> Array:  # fmt: skip
    """Draw the base: `forward`, `unfold` (cheeks: its left, right and least), `invert`, `light`.
    What `invert` gave, for the matte.

    One call: each would wait for the interpreter's lock anew.
    """
    seen = np.empty((net.share.shape[0], net.share.shape[1], 2), np.float32)
    forward(net.rest, net.fields, net.rows, amount, net.share, view, seen)
    unfold(seen, cheeks[0], cheeks[1], cheeks[2])
    height, width = picture.luma.shape
    rows, columns = (height + step - 1) // step + 1, (width + step - 1) // step + 1
    flow = np.empty((rows, columns, 2), np.float32)
    gain = np.empty((rows, columns), np.float32)
    invert(seen, body.box, step, 0, 0, flow)
    light(flow, body.relief, body.share, body.box, body.turn, gain)
    draw_base(flow, gain, step, texture, tiles, picture)
    return flow
