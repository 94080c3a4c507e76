"""Cells of a patch that show nothing but one sheet of skin: which, and how they are drawn.

Most of a patch is skin, and drawn as quickly as the base. Same conventions as `kernel`. No views of
arrays in loops: numba counts who holds an array, for all threads that draw, and that costs most.
"""

from __future__ import annotations

import numpy as np

from visavis.models.compiling import compiled
from visavis.models.warp.kernel import ONE, Array, Picture, Real, lerp_pair, texel_at

EDGE_UNIT = 8  # steps of a stored signed distance per px
EDGE_ZERO = 128
SOLID = 16  # 1 / share of opacity that is missing from which a patch is not drawn any more


@compiled
def byte(sheet: Array, x: Real, y: Real) -> Real:
    """A plane of bytes, bilinear."""
    a = int(x)
    b = int(y)
    fx = x - np.float32(a)
    fy = y - np.float32(b)
    p00, p01 = np.float32(sheet[b, a]), np.float32(sheet[b, a + 1])
    p10, p11 = np.float32(sheet[b + 1, a]), np.float32(sheet[b + 1, a + 1])
    top = p00 + (p01 - p00) * fx
    low = p10 + (p11 - p10) * fx
    return top + (low - top) * fy


@compiled
def edge(sheet: Array, x: Real, y: Real) -> Real:
    """Signed distance in px, bilinear; positive where the sheet covers."""
    return (byte(sheet, x, y) - np.float32(EDGE_ZERO)) * np.float32(1.0 / EDGE_UNIT)


@compiled
def plain(
    upper: Array, lower: Array, i: int, j: int, above: Array, below: Array, corner: Array,
    seam: Real, rims: Array,
) -> int:  # fmt: skip
    """What a cell shows: 0 or 1 one sheet alone, the upper or the lower one; 2 more; 3 nothing.

    rims (4,): out, how far each corner lies within the patch's rim, px. An edge's distance changes
    by at most 1 a px, so that those of four corners bound all that lie between.
    """
    zero, half = np.float32(0), np.float32(0.5)
    edge_x = np.float32(above.shape[1] - 1.001)
    edge_y = np.float32(above.shape[0] - 1.001)
    dx, dy = upper[i + 1, j + 1, 0] - upper[i, j, 0], upper[i + 1, j + 1, 1] - upper[i, j, 1]
    ex, ey = upper[i + 1, j, 0] - upper[i, j + 1, 0], upper[i + 1, j, 1] - upper[i, j + 1, 1]
    reach = np.float32(0.25) + half * np.sqrt(max(dx * dx + dy * dy, ex * ex + ey * ey))
    least_up, most_up, least_low = np.float32(99), np.float32(-99), np.float32(99)
    both, rim = np.float32(99), np.float32(-99)
    for k in range(4):
        a, b = i + (k >> 1), j + (k & 1)
        sx, sy = upper[a, b, 0] - corner[0], upper[a, b, 1] - corner[1]
        rims[k] = min(min(sx, sy), min(edge_x - sx, edge_y - sy))
        rim = max(rim, rims[k])
        up = edge(above, min(max(sx, zero), edge_x), min(max(sy, zero), edge_y))
        sx, sy = lower[a, b, 0] - corner[0], lower[a, b, 1] - corner[1]
        low = edge(below, min(max(sx, zero), edge_x), min(max(sy, zero), edge_y))
        least_up, most_up, least_low = min(least_up, up), max(most_up, up), min(least_low, low)
        both = min(both, up + low)
    if rim <= zero:
        return 3
    # Sheets that overlap have not parted: then nothing is left out at their edges.
    least = reach + (half if both >= 2 * reach else seam)
    if least_up >= least:
        return 0
    return 1 if most_up <= -reach - half and least_low >= least else 2


@compiled
def solid_part(opacity: int) -> int:
    """Of a texel's opacity (0..255), in 256ths: how far a patch is drawn over the base there.

    Over an outline, which the base has drawn as opaque as it is, the same once more would be too
    much; and base and patch differ by little there.
    """
    return min(max(SOLID * (opacity - 255) + 256, 0), 256)


@compiled
def draw_skin(
    nodes: Array, gain: Array, i: int, j: int, step: int, flat: Array, stride: int, high_y: Real,
    origin: Array, fades: Array, picture: Picture, left: int, top: int, masked: bool | None,
) -> None:  # fmt: skip
    """A cell of one sheet, in fixed point as `kernel.draw_base` draws.

    fades (4,): opacity of its corners, in [0, 1]; masked: times `solid_part` of the texture's.
    """
    luma, blue, red = picture
    high_x = np.float32(stride - 2)
    inv = np.float32(1.0 / step)
    one, row = np.uint64(1), np.uint64(stride)  # unsigned: no test for negative indices
    lx, ly = texel_at(nodes, i, j, origin, high_x, high_y)
    rx, ry = texel_at(nodes, i, j + 1, origin, high_x, high_y)
    below_x, below_y = texel_at(nodes, i + 1, j, origin, high_x, high_y)
    dlx, dly = int((below_x - lx) * inv), int((below_y - ly) * inv)
    below_x, below_y = texel_at(nodes, i + 1, j + 1, origin, high_x, high_y)
    drx, dry = int((below_x - rx) * inv), int((below_y - ry) * inv)
    gl, gr = int(gain[i, j] * ONE), int(gain[i, j + 1] * ONE)
    dgl = int((gain[i + 1, j] * ONE - gl) * inv)
    dgr = int((gain[i + 1, j + 1] * ONE - gr) * inv)
    fl, fr = int(fades[0] * ONE), int(fades[1] * ONE)
    dfl, dfr = int((fades[2] * ONE - fl) * inv), int((fades[3] * ONE - fr) * inv)
    solid = min(min(fades[0], fades[1]), min(fades[2], fades[3])) >= 1 and masked is None
    for y in range(top, top + step):
        g, f = gl, fl
        ug, uf = int((gr - gl) * inv), int((fr - fl) * inv)
        ux, uy = int((rx - lx) * inv), int((ry - ly) * inv)
        qx, qy = lx, ly
        for x in range(left, left + step):
            at = np.uint64((qy >> 16) * stride + (qx >> 16))
            fx, fy = (qx >> 8) & 255, (qy >> 8) & 255
            pair = lerp_pair(flat[at], flat[at + one], flat[at + row], flat[at + row + one], fx, fy)
            lit = min(16 + ((((pair & 255) - 16) * g + ONE // 2) >> 16), 235)
            if not solid:
                part = (f * solid_part(pair >> 16)) >> 8 if masked is not None else f
                old = int(luma[y, x])
                lit = old + (((lit - old) * part + ONE // 2) >> 16)
            luma[y, x] = lit
            g += ug
            f += uf
            qx += ux
            qy += uy
        if y & 1 == 0:
            f = fl
            qx, qy = lx + ((ux + dlx) >> 1), ly + ((uy + dly) >> 1)
            for x in range(left, left + step, 2):
                at = np.uint64((qy >> 16) * stride + (qx >> 16))
                fx, fy = (qx >> 8) & 255, (qy >> 8) & 255
                p00, p01 = flat[at], flat[at + one]
                p10, p11 = flat[at + row], flat[at + row + one]
                pair = lerp_pair(p00 >> 8, p01 >> 8, p10 >> 8, p11 >> 8, fx, fy)
                ub, ur = pair & 255, pair >> 16
                if not solid:
                    part = f
                    if masked is not None:
                        part = (f * solid_part(lerp_pair(p00, p01, p10, p11, fx, fy) >> 16)) >> 8
                    old = int(blue[y >> 1, x >> 1])
                    ub = old + (((ub - old) * part + ONE // 2) >> 16)
                    old = int(red[y >> 1, x >> 1])
                    ur = old + (((ur - old) * part + ONE // 2) >> 16)
                blue[y >> 1, x >> 1] = ub
                red[y >> 1, x >> 1] = ur
                f += 2 * uf
                qx += 2 * ux
                qy += 2 * uy
        lx += dlx
        ly += dly
        rx += drx
        ry += dry
        gl += dgl
        gr += dgr
        fl += dfl
        fr += dfr
