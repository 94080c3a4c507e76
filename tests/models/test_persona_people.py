"""Personas' proportions, expression and film: what needs no Blender."""

from __future__ import annotations

import numpy as np
import pytest

from models.tools.persona import anthropometry
from models.tools.persona.anthropometry import PAIRS, TABLE, Measures
from models.tools.persona.expression import friendly
from models.tools.persona.film import Film, developed
from models.tools.persona.head import averaged

ARKIT_SIDES = ("Left", "Right")


def face(sex="female"):
    """Points (20000, 3) with the measured vertices where the mean person of a sex has them."""
    mean, _ = anthropometry.table(sex)
    mm = dict(zip(TABLE, mean / 100, strict=True))
    points = np.zeros((20000, 3))
    points[anthropometry.ZYGION, 0] = mm["face_width"] / 2
    points[anthropometry.GONION, 0] = mm["jaw_width"] / 2
    points[anthropometry.MENTON, 2] = -mm["face_length"]
    points[anthropometry.VERTEX, 2] = mm["head_height"] - mm["face_length"]
    points[anthropometry.SUBNASALE, 2] = -mm["nose_length"]
    points[list(anthropometry.STOMION), 2] = -mm["nose_length"] - mm["upper_lip"]
    points[anthropometry.ALARE, 0] = mm["nose_width"] / 2
    points[anthropometry.CHEILION, 0] = mm["mouth_width"] / 2
    points[list(anthropometry.INNER), 0] = mm["inner_eyes"] / 2
    points[list(anthropometry.OUTER), 0] = mm["inner_eyes"] / 2 + mm["eye_length"]
    points[list(anthropometry.UPPER_LID), 2] = mm["eye_height"]
    half = np.linspace(0, mm["neck_girth"] / 2, len(anthropometry.NECK))
    points[list(anthropometry.NECK), 1] = half
    return points, mean


@pytest.mark.parametrize("sex", ["female", "male"])
def test_measures_are_read_where_people_are_measured(sex):
    points, mean = face(sex)
    found = dict(zip(TABLE, anthropometry.measured(points), strict=True))
    people = dict(zip(TABLE, mean, strict=True))
    # The pupils stand in the middle of the lids, which people's do within 0.6 mm.
    assert found.pop("pupils") == pytest.approx(people["inner_eyes"] + people["eye_length"])
    assert people["inner_eyes"] + people["eye_length"] == pytest.approx(people["pupils"], abs=0.7)
    assert found == pytest.approx({name: people[name] for name in found})


def test_a_head_is_fitted_to_its_measures_and_no_further():
    points, _ = face()
    points[anthropometry.ZYGION, 0] += 0.08  # 16 mm too wide: 2.5 deviations
    wider, higher = np.zeros((2, *points.shape))
    wider[anthropometry.ZYGION, 0] = 0.2
    higher[anthropometry.VERTEX, 2] = 0.3
    want = Measures("female", {"face_width": -0.5})
    weights = anthropometry.solved(points, [(-wider, wider), (-higher, higher)], want)
    points = points + weights[0] * wider + weights[1] * higher
    mean, spread = anthropometry.table("female")
    z = dict(zip(TABLE, (anthropometry.measured(points) - mean) / spread, strict=True))
    assert z["face_width"] == pytest.approx(-0.5, abs=0.05)
    assert abs(z["head_height"]) < 0.05


def test_every_pair_of_targets_has_a_way_down_and_a_way_up():
    for down, up in PAIRS.values():
        assert len(down) == len(up)
        assert not set(down) & set(up)


def test_a_friendly_face_smiles_with_cheeks_and_lids_on_both_sides_a_little_unevenly():
    face = friendly(0.4, 7)
    assert face == friendly(0.4, 7)
    assert face != friendly(0.4, 8)
    for unit in ("mouthSmile", "cheekSquint", "eyeSquint"):
        left, right = (face[unit + side] for side in ARKIT_SIDES)
        assert 0 < min(left, right) < max(left, right) < 1.25 * min(left, right)


def test_a_dent_in_a_smile_is_eased_out_but_what_has_no_share_in_it_stays():
    line = np.stack([np.arange(10), np.arange(1, 11)], 1)
    offset = np.zeros((11, 3))
    offset[[3, 8]] = 1.0
    share = np.ones(11)
    share[8] = 0
    eased = averaged(offset, line, share, 6)
    assert eased[3].max() < 0.5
    np.testing.assert_array_equal(eased[8], offset[8])
    np.testing.assert_allclose(averaged(np.ones((11, 3)), line, share, 6), 1.0)


def test_film_without_anything_leaves_the_picture_alone():
    picture = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    curve = {"gain": 1.0, "contrast": 0.0, "saturation": 1.0}
    bare = Film(**curve, grain=0.0, vignette=0.0, bloom=0.0, softness=0.0)
    np.testing.assert_array_equal(developed(picture, bare, 64, (0, 0), 1), picture)


def test_film_darkens_the_corners_and_grains_the_same_way_each_time():
    picture = np.full((128, 128, 3), 120, np.uint8)
    once = developed(picture, Film(), 128, (0, 0), 5)
    np.testing.assert_array_equal(once, developed(picture, Film(), 128, (0, 0), 5))
    assert (once != developed(picture, Film(), 128, (0, 0), 6)).any()
    assert once[:16, :16].mean() < 0.95 * once[56:72, 56:72].mean()


def test_a_window_of_the_film_has_the_grain_of_the_whole():
    picture = np.full((128, 128, 3), 120, np.uint8)
    whole = developed(picture, Film(), 128, (0, 0), 5)
    part = developed(picture[20:60, 30:90], Film(), 128, (20, 30), 5)
    np.testing.assert_array_equal(part, whole[20:60, 30:90])
