"""Grids that fold over themselves: an inverse is found all the same, and ears come out again."""

import numpy as np

from visavis.models.bake import contour
from visavis.models.warp import kernel

PITCH = 8.0
BOX = np.array([0, 0, PITCH], np.float32)


def grid(columns=40, rows=12):
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) * PITCH
    return np.stack([x, y], -1).astype(np.float32)


def seen_at(seen, position):
    """Bilinear, as kernels read a grid."""
    u, v = np.asarray(position) / PITCH
    a, b = int(u), int(v)
    fu, fv = u - a, v - b
    top = seen[b, a] * (1 - fu) + seen[b, a + 1] * fu
    return top * (1 - fv) + (seen[b + 1, a] * (1 - fu) + seen[b + 1, a + 1] * fu) * fv


def test_every_px_of_a_folded_grid_finds_a_place_that_is_drawn_there():
    seen = grid()
    seen[4:8, 10:20, 0] += 60 * np.sin(np.linspace(0, np.pi, 10))
    seen[4:8, 10:20, 1] -= 25 * np.sin(np.linspace(0, np.pi, 10))
    flow = np.empty((11, 36, 2), np.float32)
    kernel.invert(seen, BOX, 8, 8, 4, flow)
    worst = max(
        float(np.abs(seen_at(seen, flow[i, j]) - (8 + 8 * j, 4 + 8 * i)).max())
        for i in range(1, 9)
        for j in range(36)
    )
    assert worst < 1.0


def test_what_a_cheek_has_passed_over_is_pushed_out_again():
    seen = grid()
    seen[:, 5:12, 0] -= 30  # the cheek, over what stands beside it
    seen[:, 28:35, 0] += 30
    before = seen.copy()
    kernel.unfold(seen, 12, 27, np.float32(0.8))
    steps = np.diff(seen[..., 0], axis=1)
    assert steps[:, :11].min() > 0.79
    assert steps[:, 28:].min() > 0.79
    assert np.array_equal(seen[:, 5:35], before[:, 5:35])  # the face itself stays
    assert np.array_equal(seen[..., 1], before[..., 1])


def test_an_even_grid_is_left_alone():
    seen = grid()
    kernel.unfold(seen, 12, 27, np.float32(0.8))
    assert np.array_equal(seen, grid())


def bearded(line_at, ends):
    """Lips whose line lies below where it is thought to be, under a moustache of upright hairs."""
    rng = np.random.default_rng(4)
    picture = np.full((90, 160), 150.0)
    picture[20:44] -= rng.uniform(0, 110, 160)
    x = np.arange(160)
    true = line_at + ends * ((x - 80) / 50.0) ** 2
    depth = np.abs(np.arange(90)[:, None] - true)
    picture -= 70 * np.exp(-((depth / 1.6) ** 2))
    return np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[..., None], 3, 2), true


def test_the_line_between_lips_is_found_under_a_moustache():
    picture, true = bearded(51.0, 2.0)
    guess = np.stack([np.linspace(30, 130, 49), np.full(49, 44.0)], 1).astype(np.float32)
    found = contour.dark_line(picture, 0.0, guess, np.array([0, 1], np.float32))
    assert np.abs(found[:, 1] - np.interp(found[:, 0], np.arange(160), true)).max() < 2.0


def test_a_line_that_is_where_it_should_be_stays():
    picture, true = bearded(51.0, 0.0)
    guess = np.stack([np.linspace(30, 130, 49), np.full(49, 50.0)], 1).astype(np.float32)
    found = contour.dark_line(picture, 0.0, guess, np.array([0, 1], np.float32))
    assert np.abs(found[:, 1] - np.interp(found[:, 0], np.arange(160), true)).max() < 1.5
