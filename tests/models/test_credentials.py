"""The Content Credentials of a photo: taken out, kept in its avatar's file, never believed."""

import io
import struct
from dataclasses import replace

import pytest
from PIL import Image
from support import films

from visavis.models.avatar import archive
from visavis.models.avatar.file import load_avatar, read_card, read_credentials
from visavis.models.errors import AvatarError
from visavis.models.pictures.credentials import LONGEST, credentials, is_store
from visavis.models.pictures.opening import upright


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_credentials_are_taken_out_as_they_are(kind):
    signed = films.credentialed(kind, filling=150_000)  # a JPEG holds them in three segments
    found = credentials(signed)
    assert is_store(found)
    assert len(found) > 150_000
    assert b"digitalCapture" in found
    assert credentials(films.photo(kind)) == b""
    assert upright(signed).size == (96, 96)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_is_odd_counts_as_none(kind):
    signed = films.credentialed(kind, filling=150_000)
    at = signed.index(b"jumdc2pa")
    for size in range(12, at + 400, 7):
        assert credentials(signed[:size]) == b""
    assert credentials(signed.replace(b"jumdc2pa", b"jumdc2pb")) == b""


def test_more_than_is_kept_is_none():
    def chunk(size):
        store = struct.pack(">I4sI", size, b"jumb", 30) + b"jumdc2pa"
        body = b"caBX" + store.ljust(size, b"x")
        return struct.pack(">I", size) + body + bytes(4)

    plain = films.photo("PNG")
    head, rest = plain[:33], plain[33:]
    assert len(credentials(head + chunk(LONGEST) + rest)) == LONGEST
    assert credentials(head + chunk(LONGEST + 1) + rest) == b""


def test_pieces_of_another_order_are_none():
    signed = films.credentialed("JPEG", filling=150_000)
    second = signed.index(struct.pack(">I", 2), signed.index(b"jumdc2pa") + 60_000)
    assert credentials(signed[:second] + struct.pack(">I", 3) + signed[second + 4 :]) == b""


def test_anything_that_is_no_picture_has_none():
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "GIF")
    for content in (b"", b"\xff\xd8\xff", file.getvalue(), b"RIFF\0\0\0\0WEBP"):
        assert credentials(content) == b""


@pytest.fixture(scope="module")
def avatar():
    from visavis.models.avatar.file import SHIPPED

    return load_avatar(next(iter(sorted(SHIPPED.glob("*.avatar")))))


def test_they_stay_in_the_avatars_file(avatar, tmp_path):
    kept = credentials(films.credentialed("JPEG", filling=150_000))
    path = tmp_path / "anna.avatar"
    replace(avatar, credentials=kept).save(path)
    assert read_credentials(path) == kept
    assert read_card(path).name == avatar.name
    plain = tmp_path / "plain.avatar"
    avatar.save(plain)
    assert read_credentials(plain) == b""


def test_a_member_that_is_none_or_too_large_is_not_believed(avatar, tmp_path):
    path = tmp_path / "anna.avatar"
    replace(avatar, credentials=b"junk").save(path)
    assert read_credentials(path) == b""
    with pytest.raises(AvatarError, match="more than allowed"):
        replace(avatar, credentials=bytes(LONGEST + 1)).save(path)
    path.write_bytes(replace(avatar, credentials=bytes(LONGEST + 1)).content())
    with pytest.raises(AvatarError, match="more than allowed"):
        load_avatar(path)
    assert archive.LIMITS[archive.CREDENTIALS] == LONGEST
