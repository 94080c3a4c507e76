"""A mouth that is open in the photo is closed in the neutral face, with the photo's own lips."""

import io
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from visavis.engines import load
from visavis.engines.base import FaceState
from visavis.models import arkit
from visavis.models.avatar.file import Consent, load_avatar
from visavis.models.bake import contour, fit, mouth, photo, portrait, relaxing
from visavis.models.bake import landmarks as lm
from visavis.models.bake.head import load_head
from visavis.models.quality.subject import as_rgb

PERSONAS = Path(portrait.__file__).parents[1] / "data" / "personas"
CONSENT = Consent("nobody: synthetic", "made for tests", "the tests", "2026-01-01")


def drawn(draw, **coefficients):
    face = np.zeros(arkit.COUNT, np.float32)
    for name, value in coefficients.items():
        face[arkit.INDEX[name]] = value
    return as_rgb(draw(FaceState(face)))


@cache
def gaping():
    """A photo of mira with her jaw dropped by half."""
    picture = drawn(load.drawing(load_avatar(PERSONAS / "mira.avatar"), 768, 768), jawOpen=0.5)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def taken_off(data):
    framed = photo.frame(data)
    lips = mouth.shape(framed.face, framed.small(), photo.MARGIN)
    return relaxing.amounts(fit.fit(load_head(), framed.face), lips)


def test_a_dropped_jaw_comes_off():
    amounts = taken_off(gaping())
    assert amounts[arkit.INDEX["jawOpen"]] == pytest.approx(0.5, abs=0.2)
    assert amounts[arkit.INDEX["eyeBlinkLeft"]] == 0


def test_a_closed_mouth_stays_as_it_is():
    assert not taken_off((PERSONAS / "mira.webp").read_bytes()).any()


def test_a_lip_ends_where_its_colour_does():
    """Lips around teeth and the dark; the landmarks' edge lies 5 px too far into the mouth."""
    picture = np.full((160, 240, 3), (205, 160, 135), np.uint8)
    cv2.ellipse(picture, (120, 70), (80, 40), 0, 0, 360, (170, 80, 80), -1)
    cv2.ellipse(picture, (120, 70), (76, 24), 0, 0, 360, (30, 12, 12), -1)
    picture[56:66, 70:170] = (235, 225, 210)
    across = np.linspace(-1, 1, 49)
    at = (120 + 76 * across).astype(np.float32)
    arc = np.sqrt(np.maximum(1 - across**2, 0))
    true = np.stack([at, 70 - 24 * arc], -1).astype(np.float32)
    outer = np.stack([at, 70 - 40 * arc], -1).astype(np.float32)
    down = np.array([0, 1], np.float32)
    found = contour.lip_rim(
        picture, 0.0, true + 5 * arc[:, None].astype(np.float32) * down, outer, down
    )
    off = np.abs((found - true) @ down)[6:-6]
    assert off.mean() < 1.5 < 5 * arc[6:-6].mean()


@pytest.mark.slow
def test_the_neutral_face_of_an_open_mouthed_photo_is_closed_and_its_chin_is_up():
    draw = load.drawing(portrait.create_avatar(gaping(), "mira", CONSENT), 768, 768)
    shut = load.drawing(load_avatar(PERSONAS / "mira.avatar"), 768, 768)
    neutral, wanted, before = (
        landmarks(picture) for picture in (drawn(draw), drawn(shut), drawn(shut, jawOpen=0.5))
    )
    gaps = [p[14, 1] - p[13, 1] for p in (neutral, wanted, before)]
    assert gaps[0] < gaps[1] + 0.1 * (gaps[2] - gaps[1])
    longer = [
        (p[lm.CHIN, 1] - p[2, 1]) / (p[263, 0] - p[33, 0])  # from the nose; each has its own frame
        for p in (neutral, wanted, before)
    ]
    assert abs(longer[0] - longer[1]) < 0.5 * (longer[2] - longer[1])


def landmarks(picture):
    return lm.find_landmarks(picture, lm.detect(picture)[0]).points
