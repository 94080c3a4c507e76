"""Photos whose colours are not sRGB's look as they were meant, and broken profiles harm nothing."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms
from support import icc

from visavis.models.bake import photo

SIZE = (400, 400)
SKIN = (200, 150, 125)  # in sRGB


def encoded(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def in_space(colour, profile, mode="RGB"):
    """A picture that stores this colour of sRGB as that profile has it."""
    plain, space = Image.new("RGB", SIZE, colour), ImageCms.ImageCmsProfile(io.BytesIO(profile))
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(plain, srgb, space, outputMode=mode, renderingIntent=intent)


def shown(data):
    return np.asarray(photo.decode(data), float).mean((0, 1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_wide_space_is_shown_as_it_was_meant(kind):
    profile = icc.matrix()
    stored = in_space(SKIN, profile)
    assert np.abs(np.asarray(stored, float).mean((0, 1)) - SKIN).max() > 8  # duller, if ignored
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 98}}.get(kind, {})
    data = encoded(stored, kind, icc_profile=profile, **lossless)
    assert np.abs(shown(data) - SKIN).max() < 3


def test_a_profile_of_many_pieces_is_put_together():
    profile = icc.matrix() + b"\0" * 150_000  # a JPEG's segment holds 64 KB
    data = encoded(in_space(SKIN, icc.matrix()), "JPEG", icc_profile=profile, quality=98)
    assert np.abs(shown(data) - SKIN).max() < 3


def test_ink_is_shown_as_the_press_prints_it():
    profile = icc.printer()
    cyan = encoded(Image.new("CMYK", SIZE, (255, 0, 0, 0)), "JPEG", icc_profile=profile)
    magenta = encoded(Image.new("CMYK", SIZE, (0, 255, 0, 0)), "JPEG", icc_profile=profile)
    assert shown(cyan)[1] - shown(cyan)[0] > 60  # green, and magenta red
    assert shown(magenta)[0] - shown(magenta)[1] > 60


def test_opacity_and_grey_survive():
    profile = icc.matrix()
    over = in_space(SKIN, profile).convert("RGBA")
    over.putalpha(128)
    clear = shown(encoded(over, "PNG", icc_profile=profile))
    assert np.abs(clear - np.mean([SKIN, (118, 122, 128)], 0)).max() < 3
    grey = encoded(Image.new("L", SIZE, 99), "PNG", icc_profile=profile)  # which is none for grey
    assert np.abs(shown(grey) - 99).max() == 0


@pytest.mark.parametrize(
    "profile", [b"\0" * 500, icc.matrix()[:200], b"x" * 100_000, icc.printer(), icc.matrix()[:-80]]
)
def test_a_profile_that_is_none_or_another_kinds_is_left_aside(profile):
    plain = Image.new("RGB", SIZE, SKIN)
    assert np.abs(shown(encoded(plain, "PNG", icc_profile=profile)) - SKIN).max() == 0


def test_a_profile_that_unpacks_to_a_gigabyte_is_left_aside():
    plain = Image.new("RGB", SIZE, SKIN)
    bomb = encoded(plain, "PNG", icc_profile=icc.matrix() + b"\0" * 50_000_000)
    assert np.abs(shown(bomb) - SKIN).max() == 0
