"""Recorded speech in place of a text: cleaned, with lips and temper from its sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import soxr  # type: ignore[import-untyped]

from visavis.engines import load
from visavis.engines.base import HEAR_RATE, PLAY_RATE, VAD_FRAME, Demeanour, Pcm, Speech
from visavis.engines.ears.tone import Tone
from visavis.engines.voices import recorded
from visavis.server.recording.files import read_sound
from visavis.server.studio.layers import files
from visavis.server.system.errors import ConfigError

_PAUSE: Final = round(0.5 * PLAY_RATE)  # in which a part ends: its face comes to rest and goes on
_LEAST: Final = 0.15  # of arousal that shows
_STEP: Final = 0.1  # of arousal, so that what sounds alike looks alike


@dataclass(frozen=True, slots=True)
class Part:
    """What is said between two pauses. pieces: in order. arousal: in [-1, 1], beside the rest."""

    pieces: tuple[Speech, ...]
    arousal: float = 0.0

    @property
    def length(self) -> int:
        """Samples."""
        return sum(len(piece.pcm) for piece in self.pieces)


def parts(folder: Path, name: str) -> tuple[list[Part], tuple[str, ...]]:
    """A recording's parts, and what is wrong with it in words.

    Raises Unprocessable, ManifestError, EngineError.
    """
    path = files.found(folder, name)
    try:
        pcm = read_sound(path)
    except ConfigError as error:
        why = str(error).removeprefix(str(path)).removeprefix(" cannot be read as sound: ")
        raise files.unusable(name, f"{why.strip()}.") from error
    faults = tuple(f"{name}: {fault}" for fault in recorded.faults(pcm))
    lips = load.lips()
    clean = recorded.cleaned(pcm)
    found = _parted([*lips.feed(clean), *lips.flush()])
    return [replace(p, arousal=a) for p, a in zip(found, _tempers(found), strict=True)], faults


def tempered(demeanour: Demeanour, arousal: float) -> Demeanour:
    """The same, as raised as a voice is."""
    if abs(arousal) < _LEAST:
        return demeanour
    raised = round(arousal / _STEP) * _STEP + demeanour.affect.arousal
    affect = replace(demeanour.affect, arousal=float(np.clip(raised, -1.0, 1.0)))
    return replace(demeanour, affect=affect)


def _parted(pieces: Sequence[Speech]) -> list[Part]:
    made: list[Part] = []
    held: list[Speech] = []
    quiet = 0
    for speech in pieces:
        held.append(speech)
        last = max((p.end for p in speech.phonemes if p.symbol.strip()), default=0)
        quiet = len(speech.pcm) - last if last else quiet + len(speech.pcm)
        if quiet >= _PAUSE:
            made.append(Part(tuple(held)))
            held, quiet = [], 0
    return [*made, Part(tuple(held))] if held else made


def _tempers(found: Sequence[Part]) -> list[float]:
    """How raised the voice is in each part, beside what is usual in all of them."""
    sounds = [_heard(part) for part in found]
    tone = Tone()
    for sound in sounds:  # first to learn what is usual
        _feed(tone, sound)
        tone.learn()
    arousals = []
    for sound in sounds:
        tone.begin()
        _feed(tone, sound)
        arousals.append(tone.arousal())
    return arousals


def _heard(part: Part) -> Pcm:
    sound = np.concatenate([piece.pcm for piece in part.pieces])
    return np.asarray(soxr.resample(sound, PLAY_RATE, HEAR_RATE), np.int16)


def _feed(tone: Tone, sound: Pcm) -> None:
    for at in range(0, len(sound) - VAD_FRAME + 1, VAD_FRAME):
        tone.feed(sound[at : at + VAD_FRAME])
