"""A film's sound on its way out: at its loudness, over its music, with the mark in it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from visavis.engines.base import Pcm, SoundFinish
from visavis.server.studio.document.project import Music
from visavis.server.studio.layers import sound

_BLOCK: Final = 4 * 48_000  # samples at once


def heard(voice: Pcm, music: Music | None, folder: Path, finish: SoundFinish | None) -> Pcm:
    """All of it, as long as the voice. Raises Unprocessable, EngineError."""
    mixed = sound.mixed(voice, music, folder)
    if finish is None:
        return mixed
    known = np.concatenate([np.zeros(finish.reach, np.int16), mixed])
    for at in range(0, len(mixed), _BLOCK):
        mixed[at : at + _BLOCK] = finish.finish(known[at : at + finish.reach + _BLOCK], at)
    return mixed
