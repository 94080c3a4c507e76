"""Cells of a patch that are drawn quickly, since they show one sheet alone."""

from __future__ import annotations

import numpy as np
import pytest

from visavis.models.warp import kernel_skin

SIDE, CORNER, SEAM = 64, np.array([10, 20], np.float32), np.float32(3)


def stored(distance):
    steps = distance * kernel_skin.EDGE_UNIT + kernel_skin.EDGE_ZERO
    return np.clip(np.round(steps), 0, 255).astype(np.uint8)


@pytest.fixture
def sheets():
    """Of an upper sheet that ends in an arc, and a lower one that begins a little above it."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    above = np.hypot(x - 32, y + 10) - 44
    return stored(-above), stored(above + 1.5)


def nodes(turn):
    """Where the nodes of 4 px, of a window of the picture, lie on a sheet."""
    rows, columns = np.mgrid[:15, :15].astype(np.float32) * 4
    c, s = np.cos(turn), np.sin(turn)
    x, y = columns * c - rows * s, columns * s + rows * c
    return np.stack([x + CORNER[0], y + CORNER[1]], -1).astype(np.float32)


def within(sheet, i, j):
    """25 places of a cell."""
    for v in np.linspace(0, 1, 5):
        for u in np.linspace(0, 1, 5):
            top = sheet[i, j] * (1 - u) + sheet[i, j + 1] * u
            low = sheet[i + 1, j] * (1 - u) + sheet[i + 1, j + 1] * u
            yield np.clip(top * (1 - v) + low * v - CORNER, 0, SIDE - 1.01).astype(np.float32)


@pytest.mark.parametrize("turn", [0.0, 0.3])
@pytest.mark.parametrize("parted", [0.0, 5.0])
def test_a_plain_cell_has_no_edge_in_it(sheets, turn, parted):
    above, below = sheets
    upper = nodes(turn)
    lower = upper - np.array([0, parted], np.float32)  # it has moved down, so higher ones are seen
    rims, found = np.empty(4, np.float32), []
    for i in range(14):
        for j in range(14):
            cell = (upper, lower, i, j, above, below, CORNER, SEAM, rims)
            kind = kernel_skin.plain(*cell)
            found.append(kind)
            if kind > 1:
                continue
            for one, other in zip(within(upper, i, j), within(lower, i, j), strict=True):
                up = kernel_skin.edge(above, *one)
                low = kernel_skin.edge(below, *other)
                near = (up, low)[kind]
                assert near >= 0.5, "the sheet covers all of it"
                assert kind == 0 or up <= -0.5, "and the upper one nothing"
                assert near >= SEAM or up + low >= 0, "and it is not stretched there"
    assert {0, 1, 2} <= set(found)
    assert found.count(2) < 0.5 * len(found)


@pytest.mark.parametrize(("opacity", "masked"), [(1.0, None), (0.25, None), (0.25, True)])
def test_a_cell_of_skin_is_its_texture_in_the_light(opacity, masked):
    ramp = np.add.outer(np.arange(40) * 2, np.arange(40) * 3).astype(np.uint32) % 180 + 20
    words = ramp | 100 << 8 | 255 << 16 | 140 << 24
    luma = np.full((8, 8), 50, np.uint8)
    blue, red = np.full((4, 4), 60, np.uint8), np.full((4, 4), 60, np.uint8)
    at = np.array([[[3, 4], [7, 4]], [[3, 8], [7, 8]]], np.float32)  # px, half a texel each
    gain = np.full((2, 2), 1.1, np.float32)
    fades = np.full(4, opacity, np.float32)
    kernel_skin.draw_skin(
        at, gain, 0, 0, 4, words.reshape(-1), 40, np.float32(38), np.zeros(2, np.float32), fades,
        (luma, blue, red), 2, 2, masked,
    )  # fmt: skip
    lit = 16 + (ramp[8:16:2, 6:14:2].astype(float) - 16) * 1.1
    assert np.abs(luma[2:6, 2:6] - (50 + (lit - 50) * opacity)).max() <= 1
    assert np.abs(blue[1:3, 1:3] - (60 + 40 * opacity)).max() <= 1
    assert np.abs(red[1:3, 1:3] - (60 + 80 * opacity)).max() <= 1
    luma[2:6, 2:6], blue[1:3, 1:3], red[1:3, 1:3] = 50, 60, 60
    assert (luma == 50).all(), "nothing beside it"
    assert (blue == 60).all()
    assert (red == 60).all()
