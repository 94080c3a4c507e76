"""What lies between the lids: at rest the photo, and each part moves as it does in people."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from visavis.engines.base import FaceState, Portrayal
from visavis.engines.render.warp import WarpGenerator
from visavis.models import arkit
from visavis.models.avatar.file import load_avatar
from visavis.models.avatar.rig import GAZE_SPAN
from visavis.models.bake import eyeball, eyes, irises, lidlines, photo, portrait

PERSONAS = Path(portrait.__file__).parents[1] / "data" / "personas"
CAMERA = np.array([256, 256, 2000], np.float32)
DEPTH = 40.0


@cache
def framed():
    return irises.refined(lidlines.refined(photo.frame((PERSONAS / "mira.webp").read_bytes())))


@cache
def eye(side):
    return eyes.shape(framed().face, side)


@cache
def region(side):
    return eyeball.region(eye(side), framed())


@cache
def sprites(side):
    shadow = eyeball.shade(eye(side), region(side))
    return eyeball.sprites(eye(side), region(side), DEPTH, CAMERA, shadow)


def laid(side):
    """All sprites over one another where they are at rest, as RGB on the region's texels."""
    whole = np.zeros_like(region(side).rgb)
    origin = region(side).at[0, 0]
    for sprite in sprites(side):
        x, y = np.round((np.array(sprite.grid.corner) - origin) / eyeball.STEP).astype(int)
        h, w = sprite.picture.shape[:2]
        alpha = sprite.picture[..., 3:] / 255
        there = np.s_[y : y + h, x : x + w]
        whole[there] += (sprite.picture[..., :3] - whole[there]) * alpha
    return whole


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_at_rest_it_is_the_photo_in_the_shadow_of_the_lids(side):
    here = region(side)
    shadow = eyeball.shade(eye(side), here)
    gain = eyeball.light(np.minimum(here.up, 0), np.minimum(here.low, 0), shadow)
    luma = cv2.cvtColor(laid(side).astype(np.uint8), cv2.COLOR_RGB2GRAY) * gain
    own = cv2.cvtColor(here.rgb.astype(np.uint8), cv2.COLOR_RGB2GRAY)
    inside = (here.up < -1) & (here.low < -1)
    apart = np.abs(luma - own)[inside]
    assert apart.mean() < 8
    assert np.percentile(apart, 75) < 10


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_a_highlight_stays_where_it_is_while_the_head_turns_and_the_eye_looks_on(side):
    _, iris, glint, _ = sprites(side)
    way = np.abs(iris.grid.shifts).max() / np.sin(np.radians(GAZE_SPAN))  # px a radian
    share = np.abs(glint.grid.shifts).max() / np.abs(iris.grid.shifts).max()
    assert 0.4 < share < 0.6
    # The head's turn carries what lies deeper less far, the eye's turn brings it back.
    behind = iris.grid.rest[..., 2].mean() - glint.grid.rest[..., 2].mean()
    assert behind == pytest.approx((1 - share) * way, rel=0.02)


def test_an_iris_is_whole_and_dark_where_the_photo_shows_the_lid():
    _, iris, _, _ = sprites("Right")
    alpha = iris.picture[..., 3] > 250
    height = alpha.any(1).sum() * eyeball.STEP
    assert height > 1.6 * eye("Right").radius
    luma = cv2.cvtColor(iris.picture[..., :3], cv2.COLOR_RGB2GRAY)[alpha]
    skin = np.median(region("Right").rgb[-20:], axis=(0, 1)).mean()
    assert np.percentile(luma, 95) < skin


def test_what_lies_before_the_eyeball_goes_with_the_lids_and_not_with_the_gaze():
    *_, rims = sprites("Left")
    moved = np.abs(rims.grid.shifts).max((2, 3))
    assert moved[:, 0].max() > 0.9 * eye("Left").aperture  # the upper row, as the lid falls
    assert moved[:, 1].max() < 0.3 * eye("Left").aperture


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_shut_lids_meet_in_an_even_curve(side):
    course = eyes._course(eye(side))
    bend = np.diff(course.shut, 2)
    assert np.abs(bend).max() < 0.03  # px, at 65 places
    assert course.shut[[0, -1]] == pytest.approx(course.sinks, abs=0.1)
    outer, inner = course.sinks[::-1] if side == "Left" else course.sinks
    assert 0 < inner < outer < 5  # px
    slope = np.diff(course.shut)[[0, -1]] / np.diff(course.along)[0]
    assert np.abs(slope).max() < 0.45  # ends run out: 0.7 were hooks
    sunk = course.sunk(course.along, course.upper)
    assert sunk[[0, -1]] == pytest.approx(course.sinks, rel=0.1)
    assert (course.shut >= course.upper - 0.2).all()


def test_margins_come_to_lie_where_the_white_ends():
    plain = photo.frame((PERSONAS / "mira.webp").read_bytes())
    for side in ("eye_left", "eye_right"):
        own, found = getattr(plain.face, side), getattr(framed().face, side)
        assert found.upper.shape == own.upper.shape
        outer, way = (0, -1) if side == "eye_right" else (-1, 1)
        assert 1 < way * (found.upper[outer] - own.upper[outer])[0] < 8  # px: the model falls short
        assert np.abs(found.upper - own.upper).max() < 0.5 * (own.lower - own.upper)[:, 1].max()
        assert (found.lower[:, 1] >= found.upper[:, 1] - 1e-3).all()


@pytest.mark.parametrize(
    ("name", "least"), [("mira", 1), ("amara", 1), ("samir", 1), ("ingrid", 1), ("jun", 0.5)]
)
def test_margins_that_are_moved_keep_the_shape_of_an_eye(name, least):
    plain = photo.frame((PERSONAS / f"{name}.webp").read_bytes())
    found = lidlines.refined(plain)
    for side in ("eye_left", "eye_right"):
        own, now = getattr(plain.face, side), getattr(found.face, side)
        outer, third = (0, 2) if side == "eye_right" else (-1, -3)
        assert abs(now.upper[outer] - own.upper[outer])[0] > least  # px
        opening = (now.lower - now.upper)[:, 1]
        # Half-way from the corner to the pupil people's lids are more than half as far apart as
        # over it; a corner that went out alone left a spike.
        assert opening[third] > 0.5 * opening.max()
        # Shadow at a lower lid is no skin: its margin is hardly moved in.
        height = (own.lower - own.upper)[:, 1].max()
        assert (own.lower - now.lower)[2:-2, 1].max() < 0.055 * height


def test_a_covered_eye_neither_blinks_nor_looks():
    tomas = load_avatar(PERSONAS / "tomas.avatar")
    still = eyes.covered(tomas.patches["eye_left"], "Left")
    generator = WarpGenerator(256, 256)
    face = generator.prepare(replace(tomas, patches=tomas.patches | {"eye_left": still}))
    shut = np.zeros(arkit.COUNT, np.float32)
    shut[[arkit.INDEX["eyeBlinkLeft"], arkit.INDEX["eyeBlinkRight"]]] = 1
    told = FaceState(), FaceState(shut), FaceState(gaze=np.array([12, 5], np.float32))
    rest, *others = (generator.draw([Portrayal(face, state)], 0)[0].astype(int) for state in told)
    x, y = (int(v / 2) for v in still.upper.corner)
    for other in others:
        apart = np.abs(other - rest)[y : y + 40]
        assert apart[:, x + 4 : x + 40].max() <= 1
        assert apart[:, :x].max() > 40  # the other eye
