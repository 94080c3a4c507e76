"""A film's sound on its way out: at its loudness, over its music, with the mark in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import numpy as np

from visavis.engines.base import Pcm, SoundFinish
from visavis.server.studio.document.project import Music
from visavis.server.studio.layers import sound

_BLOCK: Final = 4 * 48_000  # samples at once


def heard(
    voice: Pcm, music: Music | None, folder: Path, finish: SoundFinish | None, out: Path
) -> Pcm:
    """All of it, as long as the voice. folder: of the project's files. out: a file for it, for an
    hour is 350 MB. Raises Unprocessable, EngineError, OSError.
    """
    if not len(voice):
        return voice
    with out.open("wb") as file:  # a hole that finds no room would end the program
        os.posix_fallocate(file.fileno(), 0, voice.nbytes)
    mixed = np.memmap(out, np.int16, "r+", shape=voice.shape)
    sound.mixed(voice, music, folder, mixed)
    if finish is not None:
        _mark(mixed, finish)
    return mixed


def _mark(sound: Pcm, finish: SoundFinish) -> None:
    """In place, so what was before a block is kept for it as it was."""
    before = np.zeros(finish.reach, np.int16)
    for at in range(0, len(sound), _BLOCK):
        known = np.concatenate([before, sound[at : at + _BLOCK]])
        sound[at : at + _BLOCK] = finish.finish(known, at)
        before = known[len(known) - finish.reach :]
