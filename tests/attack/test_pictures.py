"""Photos that are meant to hurt: programs, bombs, other formats; and those that people really send.

Each bomb took 2 to 60 s, or 0.5 to 3.4 GB, when Pillow opened it by itself.
"""

import contextlib
import io
import os
import re
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from support.bounds import refusal
from support.pace import soon, within
from support.serving import problem, serving
from support.uploads import form, until

from visavis.models.bake import photo
from visavis.models.errors import PortraitError
from visavis.models.pictures import opening
from visavis.server.avatars.previews import Previews
from visavis.server.http import avatars
from visavis.server.services.configured import lettered
from visavis.server.system.config import Config
from visavis.server.system.errors import NotFound

ROOT = Path(__file__).parents[2]
PERSONA = ROOT / "tests" / "data" / "persona.webp"
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 400 400\n%%EndComments\nshowpage\n%%EOF\n"


def encoded(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def plain(kind="PNG", **options):
    return encoded(Image.new("RGB", (500, 500), (90, 120, 200)), kind, **options)


def refused(data):
    """Code and words, within a second and 100 MB."""
    error = refusal(PortraitError, lambda: photo.decode(data), 100e6)
    return error.code, error.message


# --- programs -----------------------------------------------------------------------------------


@pytest.fixture
def ghostscript(tmp_path, monkeypatch):
    """A `gs` that leaves a mark when anything runs it: the mark's path."""
    mark = tmp_path / "ran"
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {mark}\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return mark


DOS_EPS = struct.pack("<4sIII", b"\xc5\xd0\xd3\xc6", 32, len(EPS), 0).ljust(32, b"\0") + EPS


@pytest.mark.parametrize("data", [EPS, DOS_EPS], ids=["ps", "dos"])
def test_postscript_is_named_and_never_run(ghostscript, data):
    with pytest.raises(Exception, match="gs"):  # the trap works: this is what Pillow does
        Image.open(io.BytesIO(data)).load()
    assert ghostscript.exists()
    ghostscript.unlink()
    code, words = refused(data)
    assert code == "image-format"
    assert "PostScript" in words
    assert "JPEG" in words
    assert not ghostscript.exists()


async def test_an_uploaded_postscript_is_a_named_problem(ghostscript, tmp_path):
    async with serving(home=str(tmp_path / "home")) as client:
        job = (await client.post("/v1/avatars", data=form(EPS))).headers["Location"]
        status, said = await until(client, job, "done")
    assert (status, said["type"]) == (422, "urn:visavis:image-format")
    assert not ghostscript.exists()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (encoded(Image.new("RGB", (400, 400)), "GIF"), "GIF"),
        (encoded(Image.new("RGB", (400, 400)), "TIFF"), "TIFF"),
        (encoded(Image.new("RGB", (400, 400)), "BMP"), "BMP"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 99, "HEIC"),
        (b"\0\0\0\x18ftypavif" + b"\0" * 99, "AVIF"),
        (b"\0\0\0\x18ftypisom" + b"\0" * 99, "video"),
        (b"8BPS\0\1" + b"\0" * 99, "Photoshop"),
    ],
)
def test_other_formats_are_named_whatever_their_file_is_called(data, name):
    code, words = refused(data)
    assert (code, name in words) == ("image-format", True)


@pytest.mark.parametrize("kind", ["ICO", "PPM", "TGA", "PCX", "ICNS", "JPEG2000", "DDS", "SGI"])
def test_what_pillow_would_open_as_well_is_refused(kind):
    code, _ = refused(encoded(Image.new("RGB", (256, 256)), kind))
    assert code in ("image-format", "image-unreadable")


def test_only_one_place_opens_pictures():
    opens = re.compile(r"\bImage\.open\(|\bcv2\.im(read|decode)")
    # tools read what they drew themselves, and an archive whose hash is known
    known = {
        "models/pictures/opening.py",
        "models/tools/head/source.py",
        "models/tools/refiner/pairs.py",
        "models/tools/persona/camera.py",
        "models/tools/persona/illustrate.py",
        "models/tools/persona/inlay.py",
        "models/tools/persona/ship.py",
        "bench/face/openings.py",
        "bench/face/truth.py",
        "bench/face/crowd.py",
        "bench/face/whose.py",
        "bench/live/grabbed.py",
        "bench/unmarked.py",
    }
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("server", "engines", "models", "bench")
        for path in (ROOT / folder).rglob("*.py")
        if opens.search(path.read_text("utf-8"))
    }
    assert found == known


# --- bombs --------------------------------------------------------------------------------------


def chunk(kind, body):
    checked = kind + body
    return len(body).to_bytes(4) + checked + zlib.crc32(checked).to_bytes(4)


def with_chunks(chunks, png=None):
    png = png or plain()
    at = png.index(b"IDAT") - 4
    return png[:at] + chunks + png[at:]


def scan_bomb():
    """0.5 MB, of which each 80 bytes are a pass over 49 million pixels."""
    data = encoded(Image.new("L", (7000, 7000), 128), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * (500_000 // len(scan)) + b"\xff\xd9"


def jpeg(inserted):
    data = plain("JPEG")
    return data[:2] + inserted + data[2:]


def png_header(width, height):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def webp_canvas(width, height):
    body = b"VP8X" + (10).to_bytes(4, "little") + bytes(4)
    body += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body


BOMBS = {
    "scans": (scan_bomb, "image-unreadable"),
    "fill bytes": (lambda: jpeg(b"\xff" * 10_000_000), "image-unreadable"),
    "junk": (lambda: jpeg(b"\0" * 10_000_000), "image-unreadable"),
    "comments": (lambda: jpeg(b"\xff\xfe\x00\x02" * 2_000_000), "image-unreadable"),
    "pauses": (lambda: jpeg(b"\xff\xd0" * 2_000_000), "image-unreadable"),
    "two frames": (
        lambda: jpeg(b"\xff\xc0\x00\x0b\x08\x01\x00\x01\x00\x01\x01\x11\x00"),
        "image-unreadable",
    ),
    "wide": (lambda: encoded(Image.new("RGB", (65000, 700), 90)), "image-too-large"),
    "high": (lambda: encoded(Image.new("L", (700, 65000), 90)), "image-too-large"),
    "png pixels": (lambda: b"\x89PNG\r\n\x1a\n" + png_header(60_000, 60_000), "image-too-large"),
    "webp pixels": (lambda: webp_canvas(16_000, 16_000), "image-too-large"),
    "webp side": (lambda: webp_canvas(2**24, 1), "image-too-large"),
    "empty data": (lambda: with_chunks(chunk(b"IDAT", b"") * 500_000), "image-unreadable"),
    "odd chunks": (lambda: with_chunks(chunk(b"teST", b"") * 500_000), "image-unreadable"),
    "length": (lambda: plain().replace(b"IDAT", b"\xff\xffAT", 1)[:60], "image-unreadable"),
}


@pytest.mark.parametrize(("make", "code"), BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_ends_early_with_its_words(make, code):
    found, words = refused(make())
    assert (found, len(words) > 30) == (code, True)


def test_a_picture_too_wide_is_told_so():
    assert "65,000 px wide" in refused(encoded(Image.new("RGB", (65000, 700))))[1]


def hostile_exif(size):
    """65,535 entries, each of which points to all of the rest."""
    entry = struct.pack("<HHII", 0x9999, 7, size - 100, 8)
    block = b"II*\0" + struct.pack("<IH", 8, 65_535) + entry * 65_535
    return block.ljust(size, b"\0")


HARMLESS = {
    "texts": lambda: with_chunks(chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(1_000_000))) * 60),
    "profile": lambda: with_chunks(chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(100_000_000)))),
    "more data": lambda: png_of(zlib.compress(bytes(100_000_000))),
    "exif": lambda: with_chunks(chunk(b"eXIf", hostile_exif(18_000_000))),
    "film": lambda: plain("PNG", save_all=True, append_images=[Image.new("RGB", (500, 500))] * 50),
}


def png_of(data):
    head = b"\x89PNG\r\n\x1a\n" + png_header(500, 500)
    return head + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("make", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_is_packed_beside_a_picture_is_not_unpacked(make):
    data = make()
    began = time.thread_time()
    assert photo.decode(data).shape == (500, 500, 3)
    assert within(time.thread_time() - began, 1)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_a_cut_off_picture_is_refused(kind, share):
    rough = Image.effect_noise((400, 400), 80).convert("RGB")
    data = encoded(rough, kind)
    assert refused(data[: int(len(data) * share)])[0] == "image-unreadable"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_flipped_bits_end_in_a_picture_or_a_named_error(kind):
    data = encoded(Image.effect_noise((120, 120), 80).convert("RGB"), kind)
    random = np.random.default_rng(7)
    for _ in range(150):
        broken = bytearray(data)
        for at in random.integers(0, len(data), 4):
            broken[at] ^= 1 << int(random.integers(8))
        with contextlib.suppress(PortraitError):
            photo.decode(bytes(broken))


# --- what people send ---------------------------------------------------------------------------


def person():
    return Image.open(PERSONA).convert("RGB")


def alike(data, meant, most=4.0):
    shown = photo.decode(data)
    assert shown.shape == np.asarray(meant).shape
    assert np.abs(shown.astype(int) - np.asarray(meant)).mean() < most


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_way_to_hold_a_camera(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "A camera"
    data = encoded(person(), kind, exif=exif, quality=95)
    meant = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert np.array_equal(photo.decode(data), np.asarray(meant.convert("RGB")))


def test_a_profile_and_a_thumbnail_are_left_aside():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    alike(encoded(person(), "JPEG", icc_profile=profile * 40, quality=95, comment=b"x"), person())


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 0}, {"quality": 100}])
def test_jpegs_of_every_kind(options):
    alike(encoded(person(), "JPEG", **{"quality": 95} | options), person())


def test_a_picture_for_print_and_a_grey_one():
    # Ink without a profile is taken for ink on coated paper, which Pillow's own is not.
    alike(encoded(person().convert("CMYK"), "JPEG", quality=95), person(), 20)
    alike(encoded(person().convert("L"), "JPEG", quality=95), person().convert("L").convert("RGB"))


def test_the_first_of_two_pictures_of_a_phone():
    other = Image.new("RGB", (512, 512))
    alike(encoded(person(), "MPO", save_all=True, append_images=[other], quality=95), person())


def test_a_moving_picture_that_a_phone_appends():
    alike(encoded(person(), "JPEG", quality=95) + os.urandom(300_000), person())


def test_sixteen_bits():
    deep = np.asarray(person().convert("L"), np.uint16) * 257
    shown = photo.decode(encoded(Image.fromarray(deep)))[..., 0]
    assert np.corrcoef(shown.ravel(), deep.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_picture(kind):
    second = Image.new("RGB", (512, 512))
    data = encoded(
        person(), kind, save_all=True, append_images=[second], lossless=True, duration=40
    )
    alike(data, person(), 1.0)


def test_the_limit_of_the_upload_is_that_of_the_picture():
    assert opening.PHOTO.size == avatars.photos.MAX_BYTES


async def test_a_bomb_is_refused_in_seconds_over_http(tmp_path):
    async with serving(home=str(tmp_path)) as client:
        began = time.perf_counter()
        answer = await client.post("/v1/avatars", data=form(scan_bomb()))
        status, said = await until(client, answer.headers["Location"], "done")
        assert (status, said["type"]) == (422, "urn:visavis:image-unreadable")
        assert soon(time.perf_counter() - began, 20)
        assert (await problem(await client.post("/v1/avatars", data=form(None))))[0] == 422  # free


def test_a_preview_that_is_none_is_not_handed_out():
    previews = Previews(lettered(Config()))
    for data in (b"", b"RIFF\0\0\0\0WEBPVP8 ", encoded(Image.new("RGB", (1100, 8)), "WEBP")):
        with pytest.raises(NotFound):
            previews.labelled(data)
    picture, label = previews.labelled(encoded(Image.new("RGB", (256, 256)), "WEBP"))
    assert picture[8:12] == b"WEBP"
    assert '"text"' in label
