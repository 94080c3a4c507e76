"""Glasses are told from bare faces by their frame, and what they run over is held still."""

import cv2
import numpy as np
import pytest

from visavis.models.bake import contour, glasses
from visavis.models.bake import landmarks as lm

EYES = ((120.0, 130.0), (200.0, 130.0))  # middles
HALF = 17.0  # px from an eye's middle to its corners
OFFSET = 10.0


def face():
    points = np.zeros((lm.POINTS, 3), np.float32)
    for ids, (x, y), outward in ((lm.EYE_RIGHT, EYES[0], -1), (lm.EYE_LEFT, EYES[1], 1)):
        points[ids[0], :2] = x + outward * HALF, y
        points[ids[1], :2] = x - outward * HALF, y
    points[lm.BRIDGE, :2] = 160, 125
    eye = lm.Eye(np.zeros(2, np.float32), 6.0, np.zeros((9, 2)), np.zeros((9, 2)))
    return lm.Face(points, 1.0, eye, eye)


def skin(seed=1):
    """A cheek's shading and pores, and two dark eyes with shadows under them."""
    x = np.linspace(0, 1, 320)
    picture = np.tile(150 + 40 * x, (280, 1)) + np.random.default_rng(seed).normal(0, 3, (280, 320))
    for eye in EYES:
        at = tuple(int(v + OFFSET) for v in eye)
        cv2.ellipse(picture, at, (17, 7), 0, 0, 360, 70, -1)
        cv2.ellipse(picture, (at[0], at[1] + 6), (18, 8), 0, 10, 170, 140, 2)
    return picture


def worn(picture, luma):
    for x, y in EYES:
        at = (int(x + OFFSET), int(y + OFFSET + 3))
        cv2.ellipse(picture, at, (30, 22), 0, 0, 360, luma, 3, cv2.LINE_AA)
    y = int(EYES[0][1] + OFFSET - 4)
    cv2.line(picture, (int(160 + OFFSET) - 12, y), (int(160 + OFFSET) + 12, y), luma, 3)
    return picture


def rgb(picture):
    return np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[..., None], 3, 2)


def test_a_bare_face_wears_none():
    assert glasses.rims(rgb(skin()), OFFSET, face()) == ()


@pytest.mark.parametrize("luma", [25, 250])
def test_rims_are_found_where_they_are(luma):
    lines = glasses.rims(rgb(worn(skin(), luma)), OFFSET, face())
    assert len(lines) == 3
    for line, (x, y) in zip(lines, EYES, strict=False):
        away = np.hypot((line[:, 0] - x) / 30, (line[:, 1] - y - 3) / 22) - 1
        assert np.median(np.abs(away)) < 0.08
    assert np.ptp(lines[2][:, 0]) < 40


def test_rims_without_a_bridge_are_shadows():
    picture = worn(skin(), 25)
    picture[:, 160 : int(160 + 2 * OFFSET)] = 170
    assert glasses.rims(rgb(picture), OFFSET, face()) == ()


@pytest.mark.parametrize("pitch", [3.0, 8.0])
def test_nodes_next_to_a_line_are_held_and_those_beyond_are_free(pitch):
    line = np.array([[40, 40], [80, 40], [80, 80], [40, 80]], np.float32)
    y, x = np.mgrid[0:160:pitch, 0:160:pitch].astype(np.float32)
    at = np.stack([x, y], -1)
    held = glasses.held(at, (line,), pitch)
    away = np.abs(contour.signed_distance(at, line))
    assert (held[away <= pitch * 1.2] == 1).all()
    assert (held[away > 40] == 0).all()
    assert not glasses.held(at, (), pitch).any()


def test_lids_close_however_near_a_rim_runs():
    x, y = EYES[0]
    t = np.linspace(0, np.pi, 17)
    upper = np.stack([x - HALF * np.cos(t), y - 6 * np.sin(t)], 1)
    lower = np.stack([x + HALF * np.cos(t), y + 4 * np.sin(t)], 1)
    opening = np.concatenate([upper, lower]).astype(np.float32)
    rim = np.array([[x - 30, y - 14], [x + 30, y - 14], [x, y - 30]], np.float32)
    at = np.array([[[x, y - 6], [x, y - 7], [x, y - 13], [x, y - 20]]], np.float32)
    assert glasses.held(at, (rim,), 3.0)[0].min() > 0.5
    share = glasses.held(at, (rim,), 3.0, opening)[0]
    assert share[:2].max() == 0
    assert share[2] > 0.9
    touching = np.array([[x - 30, y - 8], [x + 30, y - 8], [x, y - 30]], np.float32)
    near = np.array([[[x, y - 7], [x, y - 8.5], [x, y - 12]]], np.float32)
    assert glasses.held(near, (touching,), 3.0, opening)[0, :2].max() == 0
