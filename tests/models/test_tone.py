"""What is drawn into a photo has colours that the photo could have."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from visavis.models.avatar.consent import Consent
from visavis.models.bake import photo, portrait, tone

PERSONA = Path("tests/data/persona.webp")
RED = np.array([[176, 98, 96]], np.float32)  # gums


def variant(name):
    """The persona's picture as another photo of it, JPEG."""
    rgb = photo.decode(PERSONA.read_bytes())
    grey = cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    toned = {"sepia": ((1.07, 0.95, 0.75), (8, 4, 0)), "blue": ((0.7, 0.9, 1.1), (0, 5, 20))}
    if name in toned:
        gains, offsets = toned[name]
        shown = grey * np.array(gains) + offsets
    else:
        shown = {"own": rgb, "grey": grey, "pale": grey * 0.75 + rgb * 0.25}[name]
    shown = np.clip(shown, 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", shown[..., ::-1], [1, 80])[1].tobytes()


def tone_of(name):
    framed = photo.frame(variant(name))
    return tone.of(framed.small(), framed.face)


def hue(colour):
    return float(np.ptp(np.asarray(colour, float)))


def test_a_colour_photo_has_every_colour():
    assert np.array_equal(tone_of("own").of(RED), RED)


def test_a_pale_photo_keeps_hues_and_makes_them_pale():
    (pale,) = tone_of("pale").of(RED)
    assert 10 < hue(pale) < 0.6 * hue(RED)
    assert pale[0] > pale[1]


@pytest.mark.parametrize(
    ("name", "order"), [("grey", None), ("sepia", (2, 1, 0)), ("blue", (0, 1, 2))]
)
def test_a_print_in_one_tone_has_that_tone_alone(name, order):
    (shown,) = tone_of(name).of(RED)
    if order is None:
        assert hue(shown) < 2
    else:
        assert list(np.argsort(shown)) == list(order)


@pytest.mark.slow  # a whole bake
def test_the_mouth_of_a_grey_photo_is_grey():
    consent = Consent("a guest", "she said yes", "the tests", "2026-11-30")
    avatar = portrait.create_avatar(variant("grey"), "grey", consent)
    mouth = avatar.patches["mouth"]
    for sprite in mouth.sprites:
        seen = sprite.picture[sprite.picture[..., 3] > 128][:, :3].astype(int)
        assert np.ptp(seen, axis=1).max() <= 4
    assert np.ptp(mouth.back) <= 2
