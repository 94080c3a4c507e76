"""A recording that `say --audio` is given."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from visavis.server.playout.messages import TICK_RATE
from visavis.server.recording.files import LONGEST, read_sound
from visavis.server.system.errors import ConfigError

MOST: Final = 20_000
TOKENS: Final = (
    "RIFF", "WAVEfmt ", "data", "LIST", "fLaC", "OggS", "OpusHead", "ID3", "ftypM4A ", "moov",
    "mdat", "#EXTM3U\n", "ffconcat version 1.0\nfile ", "concat:", "http://127.0.0.1:9/", "file:/",
)  # fmt: skip

_FILE = Path(tempfile.mkdtemp(prefix="fuzz-sound-")) / "sound.wav"


def check(data: bytes) -> None:
    """A file is refused in words, or is so many samples."""
    _FILE.write_bytes(data)
    try:
        pcm = read_sound(_FILE)
    except ConfigError as error:
        assert str(error)
        return
    assert pcm.dtype == np.int16
    assert 0 < len(pcm) <= (LONGEST + 1) * TICK_RATE
