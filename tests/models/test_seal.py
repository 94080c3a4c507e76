"""The seal of an avatar file covers every byte; its record says what it may be used for."""

import base64
import json
import os
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.rig_by_hand import CONSENT, avatar

from visavis.models.avatar import archive, seal
from visavis.models.avatar.consent import USES, read
from visavis.models.avatar.file import (
    changed,
    list_avatars,
    load_avatar,
    read_card,
    read_preview,
)
from visavis.models.errors import AvatarError


class Signer:
    def __init__(self):
        self._key = Ed25519PrivateKey.generate()
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, message):
        return self._key.sign(message)


SIGNER = Signer()


@pytest.fixture(scope="module")
def bare():
    return avatar().content()


@pytest.fixture(scope="module")
def content(bare):
    return seal.sealed(bare, SIGNER)


@pytest.fixture
def path(tmp_path, content):
    path = tmp_path / "hand-made.avatar"
    path.write_bytes(content)
    return path


def code(read, path):
    with pytest.raises(AvatarError) as caught:
        read(path)
    return caught.value.code


def test_a_sealed_file_is_read_and_says_whose_seal_it_has(path):
    card = load_avatar(path).card
    assert card.origin == read_card(path).origin
    assert card.origin.signed_by.encode() == base64.b64encode(SIGNER.public)
    assert read_preview(path)
    assert zipfile.is_zipfile(path)


def test_every_byte_counts(path, content):
    """One bit at 300 places, any of a byte, all of the seal and of the zip's end among them."""
    places = {*np.linspace(0, len(content) - 1, 130).astype(int).tolist()}
    places |= set(range(len(content) - seal.LENGTH - seal.END, len(content)))
    for at in sorted(places):
        broken = bytearray(content)
        broken[at] ^= 1 << at % 5
        path.write_bytes(broken)
        assert code(read_card, path) in ("avatar-changed", "avatar-unreadable"), at


LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@pytest.mark.parametrize(("end", "bit"), [(b"=", 1), (b"=", 2), (b"==", 1), (b"==", 8)])
def test_bits_of_base64_that_mean_nothing_count_too(path, content, end, bit):
    at = len(content) - 3 if end == b"==" else len(content) - 88 - 1 - 2
    assert content[at + 1 : at + 1 + len(end)] == end
    broken = bytearray(content)
    broken[at] = LETTERS[LETTERS.index(broken[at]) ^ bit]
    path.write_bytes(broken)
    assert code(read_card, path) == "avatar-changed"


@pytest.mark.parametrize("cut", [1, seal.LENGTH - 1, seal.LENGTH + 1, seal.LENGTH + seal.END])
def test_a_seal_that_is_cut_off_is_no_file(path, content, cut):
    path.write_bytes(content[:-cut])
    assert code(read_card, path) in ("avatar-changed", "avatar-unreadable")


def test_what_stands_before_or_behind_is_no_part_of_a_file(path, content):
    for odd in (b"x" + content, content + b"\n", content + content):
        path.write_bytes(odd)
        assert code(load_avatar, path) in ("avatar-changed", "avatar-unreadable")


def test_a_seal_of_another_file_is_forged(path, content):
    other = seal.sealed(avatar("other").content(), SIGNER)
    path.write_bytes(content[: -seal.LENGTH] + other[-seal.LENGTH :])
    for read_it in (read_card, load_avatar, read_preview):
        assert code(read_it, path) == "avatar-changed"


def test_a_file_can_be_sealed_anew_and_unsealed(bare, content, path):
    assert seal.unsealed(content) == bare
    other = Signer()
    path.write_bytes(seal.sealed(content, other))
    assert read_card(path).origin.signed_by != seal.origin(content, "").signed_by
    assert seal.origin(bare, "").signed_by == ""


def test_a_record_is_exchanged_and_nothing_else(path):
    card = read_card(path)
    limited = replace(CONSENT, until="2027-01-31", uses=("live",), languages=("en", "de"))
    path.write_bytes(changed(path, replace(card, consent=limited)))
    after = load_avatar(path)
    assert after.card.consent == limited
    assert after.card.consent.last_day.isoformat() == "2027-01-31"
    assert after.card.origin.signed_by == ""  # the seal was of the other record
    assert after.card.reference != card.reference


def test_a_copy_has_the_same_reference(path, tmp_path):
    copy = shutil.copy(path, tmp_path / "other.avatar")
    assert read_card(copy).reference == read_card(path).reference
    assert len(read_card(path).reference) == 16


def test_a_card_is_read_once_and_again_when_the_file_changed(path, monkeypatch):
    old = path.stat().st_mtime - 100
    monkeypatch.setattr("visavis.models.avatar.file.time.time", lambda: old + 10_000)
    reads = []
    real = archive.read
    monkeypatch.setattr(archive, "read", lambda path: reads.append(path) or real(path))
    for _ in range(3):
        assert set(list_avatars(path.parent)[0]) == {"hand-made"}
    assert len(reads) == 1
    state = path.stat()
    broken = bytearray(path.read_bytes())
    broken[100] ^= 1
    path.write_bytes(broken)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # as if nothing had been written
    assert set(list_avatars(path.parent)[1]) == {"hand-made"}
    assert set(list_avatars(path.parent)[1]) == {"hand-made"}
    assert len(reads) == 2


def test_a_fresh_file_is_read_each_time(path):
    """Two changes within one tick of the file system's clock look like one."""
    assert read_card(path).name == "hand-made"
    path.write_bytes(path.read_bytes()[:-1])
    assert code(read_card, path) == "avatar-unreadable"


# --- the record ---------------------------------------------------------------------------------


def said(**more):
    return {"subject": "Anna", "statement": "yes", "given_by": "Anna", "date": "2026-01-01", **more}


def test_a_record_of_an_earlier_version_has_no_limits():
    consent = read(said())
    assert (consent.until, consent.uses, consent.languages) == ("", USES, ())
    assert consent.of_a_person
    assert not read(said(subject="Nobody: synthetic")).of_a_person


@pytest.mark.parametrize(
    "more",
    [
        {"until": "2027-13-01"}, {"until": "20270101"}, {"until": "never"}, {"until": 5},
        {"until": None}, {"uses": []}, {"uses": ["all"]}, {"uses": ["live", "live"]},
        {"uses": "live"}, {"uses": [1]}, {"languages": ["English"]}, {"languages": ["en", "en"]},
        {"languages": [f"a{chr(97 + k % 26)}{chr(97 + k // 26)}" for k in range(50)]},
    ],
)  # fmt: skip
def test_records_that_are_none_are_refused(more):
    with pytest.raises(AvatarError) as caught:
        read(said(**more))
    assert caught.value.code in ("consent-invalid", "avatar-invalid")


def test_a_record_comes_back_from_json():
    consent = replace(
        CONSENT, until="2027-01-31", uses=("videos",), languages=("de",), proof="p", likeness="l"
    )
    assert read(json.loads(json.dumps(consent.as_json()))) == consent
