"""Lids that close: skin without lashes, and lashes that turn over the lid's edge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from visavis.models.bake import contour
from visavis.models.warp import kernel, kernel_patch, lids

Floats = npt.NDArray[np.float32]

WIDTH, LEFT, LEVEL = 40.0, 20.0, 30.0  # px: of an eye, its left corner, its corners' height
SKIN = (160.0, 110.0, 150.0)
TILT = 0.2  # radians


def arc(tilt: float = 0.0) -> Floats:
    """An upper lid's edge (33, 2) that rises 8 px over its corners."""
    t = np.linspace(0, 1, 33)
    along, up = WIDTH * t, 8 * np.sin(np.pi * t)
    c, s = np.cos(tilt), np.sin(tilt)
    return np.stack([LEFT + c * along + s * up, LEVEL + s * along - c * up], 1).astype(np.float32)


def found(tilt: float = 0.0) -> lids.Edge:
    y, x = np.mgrid[:60, :80].astype(np.float32)
    region = contour.lens(arc(tilt), 25.0)
    rim = lids.edge(contour.signed_distance(np.stack([x, y], -1), region))
    assert rim is not None
    return rim


def window() -> Floats:
    """Plain skin at two texels a px."""
    return np.broadcast_to(np.array(SKIN, np.float32), (120, 160, 3)).copy()


def painted(rim: lids.Edge, picture: Floats) -> tuple[Floats, Floats]:
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    return rim.straight(np.stack([x, y], -1) / lids.TEXELS)


def with_lashes(rim: lids.Edge) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Skin with six lashes, 1 px wide and 6 px long, on the edge."""
    picture = window()
    along, above = painted(rim, picture)
    lash = (above > -0.5) & (above < 6) & (np.abs((along + 3) % 6 - 3) < 0.6)
    lash &= (along > 3) & (along < WIDTH - 3)
    picture[lash, 0] = 40
    return picture, lash


@pytest.mark.parametrize("tilt", [0.0, TILT, -TILT])
def test_the_edge_is_where_the_sheet_ends(tilt: float) -> None:
    rim = found(tilt)
    along, above = rim.straight(arc(tilt))
    assert np.abs(above[3:-3]).max() < 0.6
    assert rim.width == pytest.approx(WIDTH, abs=2.5)
    assert np.allclose(rim.bent(along, above), arc(tilt), atol=1e-3)


def test_without_an_edge_there_is_no_lid() -> None:
    assert lids.edge(np.ones((20, 20), np.float32)) is None


def test_lashes_leave_the_skin_and_are_kept_by_themselves() -> None:
    rim = found()
    picture, lash = with_lashes(rim)
    _, above = painted(rim, picture)
    look = lids.shut(picture, np.zeros(2, np.float32), rim, np.zeros(picture.shape[:2], np.float32))
    high = lash & (above > 3)
    assert (look.bare[high, 0] > SKIN[0] - 40).all()
    assert (look.lashes[high] > 150).mean() > 0.8
    assert look.lashes[(above > 2) & (above < 5) & ~lash].mean() < 60
    assert look.colour[0] == pytest.approx(40, abs=8)


@pytest.mark.parametrize("inner", [-1, 1])
def test_lashes_end_before_the_corners_or_they_would_be_hooks(inner: int) -> None:
    rim = found()
    picture = window()
    along, above = painted(rim, picture)
    lash = (above > -0.5) & (above < 6) & (np.abs((along + 3) % 6 - 3) < 0.6)
    picture[lash, 0] = 40  # also beyond both corners
    still = np.zeros(picture.shape[:2], np.float32)
    look = lids.shut(picture, np.zeros(2, np.float32), rim, still, inner)
    inwards = (along if inner < 0 else rim.width - along) / rim.width  # 0 at the inner corner
    high = lash & (above > 2.5)

    def seen(first: float, last: float) -> float:
        return float(look.lashes[high & (inwards > first) & (inwards < last)].mean())

    assert seen(-0.3, 0.05) < 10
    assert seen(0.40, 0.80) > 120
    assert seen(0.05, 0.25) < 0.6 * seen(0.40, 0.80)  # they run out
    assert seen(1.08, 1.3) < 10
    # What stands beyond the inner corner is the brow's or the nose's and stays on the skin.
    beyond = high & (inwards < -0.1)
    assert look.bare[beyond, 0].mean() < SKIN[0] - 60


def test_the_eyeball_over_a_margin_read_too_low_is_no_skin() -> None:
    rim = found()
    picture = window()
    picture[..., 0] = 80
    along, above = painted(rim, picture)
    picture[(above < 2) & (along > 5) & (along < WIDTH - 5), 0] = 170
    look = lids.shut(picture, np.zeros(2, np.float32), rim, np.zeros(picture.shape[:2], np.float32))
    lid = (above > 0) & (above < 5) & (along > 0) & (along < WIDTH)
    assert look.bare[lid, 0].max() < 105


def test_a_crease_over_the_lid_is_no_lash() -> None:
    rim = found()
    picture = window()
    along, above = painted(rim, picture)
    crease = (np.abs(above - 6) < 0.6) & (along > 0) & (along < WIDTH)
    picture[crease, 0] = 90
    look = lids.shut(picture, np.zeros(2, np.float32), rim, np.zeros(picture.shape[:2], np.float32))
    assert look.lashes[crease].max() == 0
    assert look.bare[crease, 0].mean() < 115


def test_a_fold_is_pulled_smooth_only_where_the_lid_moves() -> None:
    rim = found()
    picture = window()
    _, above = painted(rim, picture)
    fold = (above > 9) & (above < 14)
    picture[fold, 0] = 120
    moving = np.zeros(picture.shape[:2], np.float32)
    moving[:, :80] = 1
    look = lids.shut(picture, np.zeros(2, np.float32), rim, moving)
    middle = fold & (above > 11) & (above < 12)
    left, right = middle[:, 40:78], middle[:, 82:120]
    assert look.smooth[:, 40:78, 0][left].mean() > look.bare[:, 40:78, 0][left].mean() + 8
    assert np.array_equal(look.smooth[:, 82:120], look.bare[:, 82:120])
    assert right.any()


def drawn(height: float, line: float = 0.0) -> tuple[npt.NDArray[np.uint8], Floats]:
    """Luma of a grey picture with the lashes of `with_lashes`, and px of each over the edge."""
    rim = found()
    picture, _ = with_lashes(rim)
    look = lids.shut(picture, np.zeros(2, np.float32), rim, np.zeros(picture.shape[:2], np.float32))
    y, x = np.mgrid[0:60:4, 0:80:4].astype(np.float32)
    flow = np.ascontiguousarray(np.stack([x, y], -1))
    luma = np.full((56, 76), 160, np.uint8)
    chroma = np.full((2, 28, 38), 128, np.uint8)
    flows = np.stack([flow, flow])
    seen = kernel_patch.Seen(flows, np.ones(flows.shape[:3], np.float32), 4, 0, 0)
    edge = np.array([*rim.left, *rim.across, rim.width, rim.first], np.float32)
    tall = np.float32(lids.LONG[1] * rim.width)
    origin = np.zeros(2, np.float32)
    kernel_patch.draw_lashes(
        seen,
        kernel_patch.Lashes(look.lashes, origin, edge, rim.fall, tall, look.colour),
        np.array([height, 1.0, line], np.float32),
        kernel.Picture(luma, *chroma),
    )
    y, x = np.mgrid[:56, :76].astype(np.float32)
    return luma, rim.straight(np.stack([x, y], -1))[1]


def test_open_lashes_stand_over_the_edge() -> None:
    luma, above = drawn(1.0)
    assert luma[(above > 2) & (above < 5)].min() < 90
    assert luma[above < -2.5].min() == 160


def test_shut_lashes_hang_below_the_edge() -> None:
    luma, above = drawn(-0.8)
    assert luma[(above < -2) & (above > -4)].min() < 100
    assert luma[above > 2.5].min() == 160


@pytest.mark.parametrize("share", [0, 100, 256])
def test_textures_are_mixed_byte_by_byte(share: int) -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 1 << 32, (2, 5, 7), np.uint32)
    out = np.empty_like(one)
    kernel_patch.blend(one, other, share, out)
    parts = [w.view(np.uint8).astype(float) for w in (one, other, out)]
    mixed = parts[0] + (parts[1] - parts[0]) * share / 256
    assert np.abs(parts[2] - mixed).max() <= 1


def test_the_line_of_a_shut_lid_runs_along_its_edge() -> None:
    plain, above = drawn(-0.5)
    lined, _ = drawn(-0.5, line=0.8)
    on = np.abs(above) < 0.7
    along = slice(30, 50)
    assert lined[:, along][on[:, along]].max() < 110
    assert plain[:, along][on[:, along]].max() > 110
    far = np.abs(above) > 4
    assert np.array_equal(plain[far], lined[far])
