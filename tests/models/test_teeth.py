"""Teeth and tongue of one face: its own, as large as it, lit as it is."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from bench.face import colours
from visavis.models.bake import crowns, illumination, photo, teeth

PERSONA = Path("tests/data/persona.webp")
FROM_THE_FRONT = crowns.View(5.0, 0.0, np.zeros(3, np.float32))


def row(seed, view=FROM_THE_FRONT):
    return crowns.row(crowns.UPPER, view, np.random.default_rng(seed), lower=False)


def luma_at(picture, column):
    """Of the middle of the crowns there."""
    part = picture[-60:-35, column - 4 : column + 4]
    return float(part[..., :3].mean())


def test_a_row_is_a_faces_own_and_always_the_same():
    assert np.array_equal(row(1)[0], row(1)[0])
    (one, _), (other, _) = row(1), row(2)
    rows, columns = np.minimum(one.shape, other.shape)[:2]
    assert np.abs(one[:rows, :columns] - other[:rows, :columns]).max() > 60


def test_a_row_is_bright_in_the_middle_and_dark_at_its_ends():
    picture, _ = row(1)
    middle = picture.shape[1] // 2
    centre, canine, last = (luma_at(picture, middle + int(mm * 5)) for mm in (4.5, 18, 28))
    assert centre > canine > 1.5 * last


def test_a_turned_row_shows_more_of_one_side():
    picture, _ = row(1, crowns.View(5.0, 0.3, np.zeros(3, np.float32)))
    seen = np.flatnonzero(picture[-60, :, 3] > 200) - picture.shape[1] // 2
    assert -seen.min() > seen.max() + 20


def test_teeth_are_as_large_as_the_mouth_tells():
    points = np.zeros((478, 3), np.float32)
    points[397, 0] = teeth.JAW
    face = SimpleNamespace(points=points)
    narrow, usual, wide = (
        teeth.size(SimpleNamespace(width=v), face, teeth.INTEROCULAR) for v in (38, 51, 63)
    )
    assert teeth.SIZES[0] <= narrow < usual < wide <= teeth.SIZES[1]
    assert usual == pytest.approx(1.0)


@cache
def lit(red, green, blue):
    """The persona's picture in a light of that colour, on gamma-coded values."""
    rgb = photo.decode(PERSONA.read_bytes()) * np.array([red, green, blue])
    data = cv2.imencode(".png", np.clip(rgb, 0, 255).astype(np.uint8)[..., ::-1])[1].tobytes()
    return illumination.of(photo.frame(data), np.zeros(3, np.float32))


def test_daylight_colours_nothing():
    assert np.abs(lit(1, 1, 1).colour - 1).max() < 0.04


def test_coloured_light_colours_teeth():
    tooth = np.array([240, 228, 212], np.float32)
    blue, warm = (light.on(tooth) / lit(1, 1, 1).on(tooth) for light in
                  (lit(0.75, 0.85, 1.0), lit(1.0, 0.85, 0.65)))  # fmt: skip
    assert blue[2] / blue[0] > 1.15
    assert warm[0] / warm[2] > 1.2


def test_a_dim_photo_has_dim_teeth():
    assert lit(0.6, 0.6, 0.6).level < 0.75 * lit(1, 1, 1).level


@pytest.mark.parametrize(
    ("one", "other", "apart"),  # of table 1 of Sharma et al.
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1, 2), (50, 0, 0), 2.3669),
        ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
    ],
)
def test_the_difference_of_colours_is_the_published_one(one, other, apart):
    found = colours.difference(np.array(one, float), np.array(other, float))
    assert found == pytest.approx(apart, abs=1e-4)
