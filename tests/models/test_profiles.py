"""Photos whose colours are not sRGB's look as they were meant, and broken profiles harm nothing."""

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms
from support import icc

from visavis.models.bake import photo
from visavis.models.pictures import exif

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


def camera(colour, index, order="<"):
    """A JPEG whose EXIF says "R03" (Adobe RGB) or "R98" (sRGB), three tables deep, and no more."""
    mark = {"<": b"II*\0", ">": b"MM\0*"}[order]

    def table(tag, kind, count, value):
        return struct.pack(f"{order}HHHI", 1, tag, kind, count) + value + b"\0" * 4

    at = [struct.pack(f"{order}I", 8 + 18 * k) for k in range(3)]
    exif = mark + at[0] + table(0x8769, 4, 1, at[1]) + table(0xA005, 4, 1, at[2])
    exif += table(0x0001, 2, 4, index)
    return encoded(Image.new("RGB", SIZE, colour), "JPEG", exif=b"Exif\0\0" + exif, quality=98)


@pytest.mark.parametrize("order", "<>")
def test_a_camera_s_word_for_adobe_rgb_is_enough(order):
    stored = tuple(np.asarray(in_space(SKIN, icc.matrix()))[0, 0].tolist())
    assert np.abs(shown(camera(stored, b"R03\0", order)) - SKIN).max() < 3
    assert np.abs(shown(camera(stored, b"R98\0", order)) - stored).max() < 3


def test_exif_that_is_cut_off_says_nothing():
    whole = camera(SKIN, b"R03\0")
    block = whole[whole.index(b"II*\0") :][:62]
    assert exif.is_adobe_rgb(block)
    for length in range(len(block) - 7):
        assert not exif.is_adobe_rgb(block[:length])


@pytest.mark.parametrize(
    ("ink", "lab"),
    [((255, 0, 0, 0), (55, -37, -50)), ((255, 255, 0, 0), (24, 22, -46)), ((0, 0, 0, 0), None)],
)
def test_ink_without_a_profile_is_a_press_s_on_coated_paper(ink, lab):
    """Solids of ISO 12647-2 relative to their paper; a screen's own cyan and blue are not."""
    seen = shown(encoded(Image.new("CMYK", SIZE, ink), "JPEG", quality=98))
    if lab is None:
        assert seen.min() > 253
        return
    wanted = cv2.cvtColor(np.array([[lab]], np.float32), cv2.COLOR_LAB2RGB)[0, 0] * 255
    assert np.abs(seen - wanted).max() < 28  # of paper at L 95, which is shown as white
    plain = np.asarray(Image.new("CMYK", (1, 1), ink).convert("RGB"), float)[0, 0]
    assert np.abs(plain - wanted).max() > 45
