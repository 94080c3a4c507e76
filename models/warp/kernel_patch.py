"""The parts of the face that open: lips and lids, and what shows between them, on one CPU core.

A patch has two sheets of skin cut from the same photo, an upper and a lower one, that move apart;
through the gap a stack of small pictures is seen (teeth and tongue, or eyeball and iris). Same
conventions as `kernel`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from visavis.models.compiling import compiled
from visavis.models.warp.kernel import (
    Array,
    Body,
    Picture,
    Real,
    Texture,
    invert,
    lerp_pair,
    light,
)
from visavis.models.warp.kernel_skin import EDGE_UNIT as EDGE_UNIT
from visavis.models.warp.kernel_skin import EDGE_ZERO as EDGE_ZERO
from visavis.models.warp.kernel_skin import byte, draw_skin, edge, plain, solid_part

LINE_REACH = np.float32(0.045)  # widths of an eye that its dark line reaches to both sides
FLAT = 0.35  # of their height in the photo that lashes have at least, seen from the front
RIM_LEAST = np.float32(0.4)  # px that a sheet's wet edge is wide in the narrowest gap
RIM_DIM = np.float32(0.6)  # of its light that is left in the narrowest gap
RIM_SHINE = np.float32(0.1)  # how much brighter it is where it shines
RIM_FULL = np.float32(0.12)  # 1 / px of the gap in which it has all of its light
RIM_SHARE = np.float32(0.22)  # and of the gap's width beyond
SEAM = np.float32(4)  # px, for each px left out at a sheet's edge, over which its texture stretches


class Seen(NamedTuple):
    """What of two sheets is seen at nodes of the picture.

    flows (2, oh, ow, 2) from `invert` at (x0, y0), both even, of the upper and the lower sheet;
    gains (2, oh, ow) from `light`; step: px between the nodes.
    """

    flows: Array
    gains: Array
    step: int
    x0: int
    y0: int


class Sheets(NamedTuple):
    """edges (2, h, w) uint8: signed distance of both sheets, sample (0, 0) at position `corner`;
    margin: px over which the patch fades into the picture; masked: whether it ends where the
    person does (`kernel_skin.solid_part`), as it must before another background than the photo's.
    """

    edges: Array
    corner: Array
    margin: Real
    masked: bool | None  # None: never, and machine code of its own, as quick as if it were not


class Inside(NamedTuple):
    """What is seen through the gap.

    atlas (n, ah, aw) uint32: pictures, back to front; places (n, 2, 3): picture px -> their texels;
    back (3,): Y, U, V behind them; shade (6,): share of light lost at the upper sheet's edge and
    1 / px of its reach, then the same for the lower sheet; how much of the photo is left out at the
    edges of sheets that have parted, in widths of the gap, and px of it at most; rim (4,): Y, U, V
    of the lower sheet's wet inner edge, whose hue shadows have, too, and px that it is wide at
    most, 0 where there is none.
    """

    atlas: Array
    places: Array
    back: Array
    shade: Array
    rim: Array


class Lashes(NamedTuple):
    """Lashes as the photo has them.

    opacity (h, w) uint8 at half px from position `origin` on; edge (6,): position of the lid's left
    corner, unit vector to the right one, px between them, px along of the first of `fall` (n,): px
    that the edge lies below the line between the corners; tall: px of the highest lash; colour
    (3,): Y, U, V.
    """

    opacity: Array
    origin: Array
    edge: Array
    fall: Array
    tall: Real
    colour: Array


Cell = tuple[int, int, Real, Real, Real, Real]  # see _cell


@compiled
def _cell(x: Real, y: Real) -> Cell:
    """Of a place among nodes: column and row, and the weights of the four nodes around it."""
    a = int(x)
    b = int(y)
    fx = np.float32(x - a)
    fy = np.float32(y - b)
    one = np.float32(1)
    return a, b, (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy


@compiled
def _position(nodes: Array, cell: Cell) -> tuple[Real, Real]:
    """What nodes (h, w, 2) say there."""
    a, b, w00, w01, w10, w11 = cell
    c, d = a + 1, b + 1
    return (
        nodes[b, a, 0] * w00 + nodes[b, c, 0] * w01 + nodes[d, a, 0] * w10 + nodes[d, c, 0] * w11,
        nodes[b, a, 1] * w00 + nodes[b, c, 1] * w01 + nodes[d, a, 1] * w10 + nodes[d, c, 1] * w11,
    )


@compiled
def _texel(flat: Array, first: int, stride: int, x: Real, y: Real) -> tuple[int, int]:
    """Both byte pairs at (x, y) of a picture whose words begin at `first`.

    Y | A << 16 and U | V << 16.
    """
    a = int(x)
    b = int(y)
    fx = int((x - np.float32(a)) * np.float32(256))
    fy = int((y - np.float32(b)) * np.float32(256))
    one, row = np.uint64(1), np.uint64(stride)  # unsigned: no test for negative indices
    at = np.uint64(first + b * stride + a)
    p00, p01 = flat[at], flat[at + one]
    p10, p11 = flat[at + row], flat[at + row + one]
    even = lerp_pair(p00, p01, p10, p11, fx, fy)
    odd = lerp_pair(p00 >> 8, p01 >> 8, p10 >> 8, p11 >> 8, fx, fy)
    return even, odd


@compiled
def _lit(gain: Array, cell: Cell, even: int) -> Real:
    """Luma of a texel under the light's gain at that place."""
    a, b, w00, w01, w10, w11 = cell
    g = gain[b, a] * w00 + gain[b, a + 1] * w01 + gain[b + 1, a] * w10 + gain[b + 1, a + 1] * w11
    black = np.float32(16)
    return min(black + (np.float32(even & 255) - black) * g, np.float32(235))


@compiled
def _between(
    inside: Inside, flat: Array, x: Real, y: Real, up: Real, low: Real
) -> tuple[Real, Real, Real]:
    """What is seen through the gap at picture px (x, y): luma, blue, red.

    flat: the words of its atlas; up, low: px (negative) from the edges of the upper and the lower
    sheet.
    """
    atlas, places, back, shade, rim = inside
    luma, blue, red = back[0], back[1], back[2]
    count, height, width = atlas.shape
    for n in range(count):
        tx = places[n, 0, 0] * x + places[n, 0, 1] * y + places[n, 0, 2]
        ty = places[n, 1, 0] * x + places[n, 1, 1] * y + places[n, 1, 2]
        if tx < 0 or ty < 0 or tx >= width - 1 or ty >= height - 1:
            continue
        even, odd = _texel(flat, n * height * width, width, tx, ty)
        alpha = np.float32(even >> 16) * np.float32(1.0 / 255)
        luma += (np.float32(even & 255) - luma) * alpha
        blue += (np.float32(odd & 255) - blue) * alpha
        red += (np.float32(odd >> 16) - red) * alpha
    if rim[3] > 0:
        wide = min(rim[3], RIM_LEAST - RIM_SHARE * (up + low))
        wet = max(np.float32(0), 1 + low / wide)
        wet = min(wet, np.float32(1))
        alpha = wet * (np.float32(2) - wet)
        bright = np.float32(4) * wet * (1 - wet)
        full = min(max(-(up + low) * RIM_FULL, np.float32(0)), np.float32(1))
        lit = RIM_DIM + full * (1 - RIM_DIM + RIM_SHINE * bright * bright)
        luma += (rim[0] * lit - luma) * alpha
        blue += (rim[1] - blue) * alpha
        red += (rim[2] - red) * alpha
    g = np.float32(1) - shade[0] * max(np.float32(0), 1 + up * shade[1])
    g *= np.float32(1) - shade[2] * max(np.float32(0), 1 + low * shade[3])
    # A narrow gap lets little light in.
    g *= np.float32(1) - shade[0] * max(np.float32(0), 1 + (up + low) * shade[1] * np.float32(0.5))
    # Shadow inside a mouth is warm: colour fades less than light, and towards the lips'.
    h = np.float32(0.5) + np.float32(0.5) * g
    return (
        np.float32(16) + (luma - np.float32(16)) * g,
        rim[1] + (blue - rim[1]) * h,
        rim[2] + (red - rim[2]) * h,
    )


@compiled
def draw_patch(  # noqa: C901 - one pass over the picture, as kernel.draw_base
    seen: Seen, texture: Texture, sheets: Sheets, inside: Inside, picture: Picture
) -> None:
    """Draw one patch over the picture."""
    upper, lower = seen.flows[0], seen.flows[1]
    step, x0, y0 = seen.step, seen.x0, seen.y0
    words, origin = texture
    edges, corner, margin, masked = sheets
    shade = inside.shade
    luma, blue, red = picture
    height, width = luma.shape
    flat = words.reshape(-1)
    stride = words.shape[1]
    high_x = np.float32(words.shape[1] - 2)
    high_y = np.float32(words.shape[0] - 2)
    edge_x = np.float32(edges.shape[2] - 1.001)
    edge_y = np.float32(edges.shape[1] - 1.001)
    inv = np.float32(1.0 / step)
    inv_margin = np.float32(1) / np.float32(margin)
    zero = np.float32(0)
    one = np.float32(1)
    half = np.float32(0.5)
    full = np.float32(1.0 / 256)
    seam = max(half, SEAM * np.float32(shade[5]))
    inv_seam = one / seam
    rows, columns = upper.shape[0] - 1, upper.shape[1] - 1
    # Once, for a view in a loop costs: numba counts who holds an array, across all threads.
    above, below = edges[0], edges[1]
    bright, dim = seen.gains[0], seen.gains[1]
    sprites = inside.atlas.reshape(-1)
    fades = np.empty(4, np.float32)
    for i in range(rows):
        top, bottom = max(y0 + i * step, 0), min(y0 + (i + 1) * step, height)
        for j in range(columns):
            left, right = max(x0 + j * step, 0), min(x0 + (j + 1) * step, width)
            shown = plain(upper, lower, i, j, above, below, corner, seam, fades)
            if shown == 3:
                continue
            if shown < 2 and bottom - top == step and right - left == step:
                for k in range(4):
                    fades[k] = min(max(fades[k] * inv_margin, zero), one)
                if shown == 0:
                    draw_skin(
                        upper, bright, i, j, step, flat, stride, high_y, origin, fades, picture,
                        left, top, masked,
                    )  # fmt: skip
                else:
                    draw_skin(
                        lower, dim, i, j, step, flat, stride, high_y, origin, fades, picture,
                        left, top, masked,
                    )  # fmt: skip
                continue
            for y in range(top, bottom, 2):
                for x in range(left, right, 2):
                    sum_blue = zero
                    sum_red = zero
                    touched = False
                    old_blue = np.float32(blue[y >> 1, x >> 1])
                    old_red = np.float32(red[y >> 1, x >> 1])
                    for k in range(4):
                        px = x + (k & 1)
                        py = y + (k >> 1)
                        cell = _cell((px - x0) * inv, (py - y0) * inv)
                        ux, uy = _position(upper, cell)
                        sx = ux - corner[0]
                        sy = uy - corner[1]
                        rim = min(min(sx, sy), min(edge_x - sx, edge_y - sy))
                        if rim <= zero:
                            sum_blue += old_blue
                            sum_red += old_red
                            continue
                        touched = True
                        fade = min(rim * inv_margin, one)
                        up = edge(above, sx, sy)
                        cover = min(max(up + half, zero), one)
                        y_, u_, v_ = zero, zero, zero
                        skip, low = zero, zero
                        there = one
                        if up < seam:
                            lx, ly = _position(lower, cell)
                            tx = min(max(lx - corner[0], zero), edge_x)
                            ty = min(max(ly - corner[1], zero), edge_y)
                            low = edge(below, tx, ty)
                            skip = min(max(-(up + low), zero) * shade[4], np.float32(shade[5]))
                        if cover < one:
                            under = min(max(low + half, zero), one)
                            if under < one:
                                y_, u_, v_ = _between(
                                    inside, sprites, np.float32(px), np.float32(py), up, low
                                )
                            if under > zero:
                                past = skip * max(one - max(low, zero) * inv_seam, zero)
                                qx = min(max((lx - origin[0]) * 2, zero), high_x)
                                qy = min(max((ly + past - origin[1]) * 2, zero), high_y)
                                even, odd = _texel(flat, 0, stride, qx, qy)
                                lit = _lit(dim, cell, even)
                                if masked is not None:
                                    part = np.float32(solid_part(even >> 16)) * full
                                    there += (part - there) * under
                                y_ += (lit - y_) * under
                                u_ += (np.float32(odd & 255) - u_) * under
                                v_ += (np.float32(odd >> 16) - v_) * under
                        if cover > zero:
                            qx = min(max((ux - origin[0]) * 2, zero), high_x)
                            past = skip * max(one - max(up, zero) * inv_seam, zero)
                            qy = min(max((uy - past - origin[1]) * 2, zero), high_y)
                            even, odd = _texel(flat, 0, stride, qx, qy)
                            lit = _lit(bright, cell, even)
                            if masked is not None:
                                part = np.float32(solid_part(even >> 16)) * full
                                there += (part - there) * cover
                            y_ += (lit - y_) * cover
                            u_ += (np.float32(odd & 255) - u_) * cover
                            v_ += (np.float32(odd >> 16) - v_) * cover
                        if masked is not None:
                            fade *= there
                        old = np.float32(luma[py, px])
                        luma[py, px] = np.uint8(old + (y_ - old) * fade + half)
                        sum_blue += old_blue + (u_ - old_blue) * fade
                        sum_red += old_red + (v_ - old_red) * fade
                    if touched:
                        blue[y >> 1, x >> 1] = np.uint8(sum_blue * np.float32(0.25) + half)
                        red[y >> 1, x >> 1] = np.uint8(sum_red * np.float32(0.25) + half)


@compiled
def blend(one: Array, other: Array, share: int, out: Array) -> None:
    """Words of two textures (h, w) mixed: share / 256 of the other one."""
    for y in range(one.shape[0]):
        for x in range(one.shape[1]):
            a, b = one[y, x], other[y, x]
            even = lerp_pair(a, b, a, b, share, 0)
            a, b = a >> 8, b >> 8
            out[y, x] = even | lerp_pair(a, b, a, b, share, 0) << 8


@compiled
def draw_lashes(  # noqa: C901 - as draw_patch
    seen: Seen, lashes: Lashes, now: Array, picture: Picture
) -> None:
    """Draw the lashes of an upper lid, as high over its edge as they are now.

    now (3,): their height over that in the photo, negative below the edge, their opacity, and that
    of the line along the edge.
    """
    upper, step, x0, y0 = seen.flows[0], seen.step, seen.x0, seen.y0
    opacity, origin, line_at, fall, tall, colour = lashes
    luma, blue, red = picture
    height, width = luma.shape
    inv = np.float32(1.0 / step)
    zero, one, third = np.float32(0), np.float32(1), np.float32(1 / 3)
    high_x = np.float32(opacity.shape[1] - 1.001)
    high_y = np.float32(opacity.shape[0] - 1.001)
    last = np.float32(len(fall) - 1.001)
    inv_line = one / (LINE_REACH * line_at[4])
    # Seen from the front they become short, not nothing; then both ways are drawn.
    least = np.float32(FLAT)
    up = min(max((now[0] / least + one) * np.float32(0.5), zero), one)
    ways = (max(now[0], least), -max(-now[0], least))
    shares = (up, one - up)
    reach = tall * max(ways[0], -ways[1]) + one
    for y in range(max(y0, 0), min(y0 + (upper.shape[0] - 1) * step, height), 2):
        for x in range(max(x0, 0), min(x0 + (upper.shape[1] - 1) * step, width), 2):
            total = zero
            for k in range(4):
                px, py = x + (k & 1), y + (k >> 1)
                cell = _cell((px - x0) * inv, (py - y0) * inv)
                ux, uy = _position(upper, cell)
                sx, sy = ux - line_at[0], uy - line_at[1]
                along = sx * line_at[2] + sy * line_at[3] - line_at[5]
                if along <= zero or along >= last:
                    continue
                n = int(along)
                level = fall[n] + (fall[n + 1] - fall[n]) * (along - np.float32(n))
                above = level - (sy * line_at[2] - sx * line_at[3])
                if abs(above) > reach:
                    continue
                alpha = zero
                for way in range(2):
                    if shares[way] <= zero:
                        continue
                    for tap in range(-1, 2):
                        away = (above + np.float32(tap) * third) / ways[way] - above
                        tx = (ux + line_at[3] * away - origin[0]) * 2
                        ty = (uy - line_at[2] * away - origin[1]) * 2
                        if tx <= zero or ty <= zero or tx >= high_x or ty >= high_y:
                            continue
                        alpha += byte(opacity, tx, ty) * shares[way] * third
                alpha *= now[1] * np.float32(1.0 / 255)
                end = min(along + line_at[5], line_at[4] - along - line_at[5]) * inv_line
                off = above * inv_line
                line = now[2] * min(max(end, zero), one) * max(one - off * off, zero)
                alpha += line * (one - alpha)
                old = np.float32(luma[py, px])
                luma[py, px] = np.uint8(old + (colour[0] - old) * alpha + np.float32(0.5))
                total += alpha
            if total > zero:
                share = total * np.float32(0.25)
                old = np.float32(blue[y >> 1, x >> 1])
                blue[y >> 1, x >> 1] = np.uint8(old + (colour[1] - old) * share + np.float32(0.5))
                old = np.float32(red[y >> 1, x >> 1])
                red[y >> 1, x >> 1] = np.uint8(old + (colour[2] - old) * share + np.float32(0.5))


@compiled
def open_patch(
    nodes: Array, grid: Array, window: tuple[int, int, int, int, int], body: Body,
    texture: Texture, sheets: Sheets, inside: Inside, picture: Picture,
) -> Seen:  # fmt: skip
    """Draw a patch whose sheets' nodes are seen there; what is seen of them, for the lashes.

    nodes (2 h, w, 2) from `kernel.forward`, the upper sheet's rows first; grid: their box; window:
    left and top of the picture's part that it may touch, even, columns and rows of nodes, px
    between them. One call: each would wait for the interpreter's lock anew.
    """
    x0, y0, columns, rows, step = window
    half = nodes.shape[0] // 2
    flows = np.empty((2, rows, columns, 2), np.float32)
    gains = np.empty((2, rows, columns), np.float32)
    for k in range(2):
        invert(nodes[k * half : (k + 1) * half], grid, step, x0, y0, flows[k])
        light(flows[k], body.relief, body.share, body.box, body.turn, gains[k])
    seen = Seen(flows, gains, step, x0, y0)
    draw_patch(seen, texture, sheets, inside, picture)
    return seen
