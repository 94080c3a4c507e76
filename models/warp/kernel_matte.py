"""The matte of the large layer on one CPU core: how much of each px is the person."""

from __future__ import annotations

import numpy as np

from visavis.models.compiling import compiled
from visavis.models.pictures.double import BLACK, SPAN
from visavis.models.warp.kernel import ONE, Array, Texture, Tiles, lerp_pair, texel_at


@compiled
def draw_matte(flow: Array, step: int, texture: Texture, tiles: Tiles, matte: Array) -> None:
    """Where `kernel.draw_base` lays the large layer, and how opaque it is there.

    flow (oh, ow, 2): as `draw_base` had it; matte (H, W) uint8: luma, BLACK all over before.
    Cells that are wholly person or wholly background are filled, not sampled.
    """
    words, origin = texture
    seen, clear = tiles
    height, width = matte.shape
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
            left = j * step
            right = min(left + step, width)
            if clear[b1, a1] - clear[b0, a1] - clear[b1, a0] + clear[b0, a0] == 0:
                for y in range(top, bottom):
                    for x in range(left, right):
                        matte[y, x] = BLACK + SPAN
                continue
            dlx, dly = int((dlx - lx) * inv), int((dly - ly) * inv)
            drx, dry = int((drx - rx) * inv), int((dry - ry) * inv)
            for y in range(top, bottom):
                ux = int((rx - lx) * inv)
                uy = int((ry - ly) * inv)
                qx, qy = lx, ly
                for x in range(left, right):
                    at = np.uint64((qy >> 16) * tw + (qx >> 16))
                    pair = lerp_pair(
                        flat[at], flat[at + one], flat[at + row], flat[at + row + one],
                        (qx >> 8) & 255, (qy >> 8) & 255,
                    )  # fmt: skip
                    matte[y, x] = BLACK + (((pair >> 16) * SPAN * 257 + ONE // 2) >> 16)
                    qx += ux
                    qy += uy
                lx += dlx
                ly += dly
                rx += drx
                ry += dry
