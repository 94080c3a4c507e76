"""Recordings for `say --audio` that claim, or name, what they should not."""

import struct
from pathlib import Path

import numpy as np
import pytest
from support.bounds import refusal

from visavis.server.recording import files
from visavis.server.recording.files import read_sound
from visavis.server.system.errors import ConfigError


def wav(rate, channels=1, bits=16, data=bytes(38), claimed=None):
    """A WAV of 44 bytes and its data."""
    block = channels * bits // 8
    size = len(data) if claimed is None else claimed
    head = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * block & 0xFFFFFFFF, block, bits)
    sizes = (36 + size) & 0xFFFFFFFF, size & 0xFFFFFFFF
    return (
        b"RIFF" + sizes[0].to_bytes(4, "little") + b"WAVEfmt " + head + b"data"
        + sizes[1].to_bytes(4, "little") + data
    )  # fmt: skip


def refused(path):
    """Within a second and 50 MB; its words."""
    return str(refusal(ConfigError, lambda: read_sound(path), 50e6))


@pytest.mark.parametrize("rate", [1, 2, 7, 3_999, 400_000, 1_000_003, 2**31 - 1])
def test_a_rate_that_cannot_be_true(tmp_path, rate):
    (tmp_path / "x.wav").write_bytes(wav(rate, bits=8, data=bytes(9000)))
    assert f"at {rate} Hz" in refused(tmp_path / "x.wav")


def test_channels_of_a_stadium(tmp_path):
    (tmp_path / "x.wav").write_bytes(wav(16_000, 64, data=bytes(128 * 999)))
    assert "64 channels" in refused(tmp_path / "x.wav")


def test_gigabytes_that_are_only_claimed(tmp_path):
    (tmp_path / "x.wav").write_bytes(wav(16_000, data=bytes(32_000), claimed=0xFFFFFFF0))
    assert read_sound(tmp_path / "x.wav").size == pytest.approx(48_000, rel=0.02)


def test_too_long_a_recording_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LONGEST", 60)
    (tmp_path / "x.wav").write_bytes(wav(16_000, data=bytes(16_000 * 2 * 600)))
    assert "longer than" in refused(tmp_path / "x.wav")


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAYLIST,
        "ffconcat version 1.0\nfile '{}'\n",
        "[playlist]\nFile1={}\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    ],
    ids=["m3u8", "concat", "pls", "sdp"],
)
@pytest.mark.parametrize("name", ["x.wav", "x.m3u8", "x.ffconcat", "x.sdp"])
def test_a_list_of_other_files_and_addresses_is_no_recording(tmp_path, text, name):
    other = tmp_path / "other.wav"
    other.write_bytes(wav(16_000, data=np.ones(16_000, np.int16).tobytes()))
    (tmp_path / name).write_text(text.format(other))
    assert "cannot be read as sound" in refused(tmp_path / name)


def test_a_file_that_is_not_there_is_told_in_plain_words(tmp_path):
    assert "No such file" in refused(tmp_path / "x.wav")
    assert "save it as WAV" in refused(tmp_path) or "directory" in refused(tmp_path)


@pytest.mark.parametrize("name", ["take: 1.wav", "file:x.wav", "http:x.wav", "-", "pipe:0"])
def test_a_name_is_a_file_whatever_it_looks_like(tmp_path, monkeypatch, name):
    """FFmpeg takes what stands before a colon for a protocol."""
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(wav(16_000, data=bytes(32_000)))
    assert read_sound(Path(name)).size
