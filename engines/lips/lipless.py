"""Lips for any voice: one that gives sound and words alone gets the times of its sounds from here.

The network of `sound_speech` hears each piece as a listener would. Voices that know their own
times are passed through, and load nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Final

import numpy as np

from visavis.engines.base import PLAIN, PLAY_RATE, Pcm, Phoneme, Prosody, Speech, Tts, Word
from visavis.engines.lips.sound_speech import speech
from visavis.engines.lips.sound_visemes import SoundVisemes

_FRAME: Final = PLAY_RATE // 100
_QUIET: Final = 10 ** (-45 / 20) * 32_768  # RMS under which nobody speaks


class Lipped:
    """engines.base.Tts over another one."""

    def __init__(self, tts: Tts, network: Callable[[], SoundVisemes]) -> None:
        """network: made when the first piece needs it."""
        self._tts, self._make = tts, network
        self._network: SoundVisemes | None = None
        self.voice = tts.voice

    def synthesize(self, text: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """As the voice has it. Raises EngineError."""
        for piece in self._tts.synthesize(text, prosody):
            yield piece if piece.phonemes or not piece.pcm.size else self._heard(piece)

    def _heard(self, piece: Speech) -> Speech:
        if self._network is None:
            self._network = self._make()
        phonemes: list[Phoneme] = []
        at = 0
        for part in speech(piece.pcm, self._network):
            phonemes += [replace(p, start=p.start + at, end=p.end + at) for p in part.phonemes]
            at += len(part.pcm)
        words = piece.words if _are_timed(piece.words) else spread(piece.words, piece.pcm)
        return Speech(piece.pcm, tuple(phonemes), words, "espeak")


def _are_timed(words: Sequence[Word]) -> bool:
    return any(word.end for word in words)


def spread(words: Sequence[Word], pcm: Pcm) -> tuple[Word, ...]:
    """Words without times over what sounds, each as long as it is written."""
    sounding = _sounding(pcm)
    lengths = [len(word.text) for word in words]
    whole = sum(lengths) or 1
    ends = [len(sounding) * done // whole for done in accumulate(lengths)]
    edges = [sounding[min(end, len(sounding) - 1)] if len(sounding) else 0 for end in [0, *ends]]
    if len(sounding):
        edges[-1] = sounding[-1] + 1
    return tuple(
        replace(word, start=start * _FRAME, end=min(end * _FRAME, len(pcm)))
        for word, start, end in zip(words, edges, edges[1:], strict=False)
    )


def _sounding(pcm: Pcm) -> list[int]:
    """The frames of 10 ms in which something is heard."""
    frames = pcm[: len(pcm) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float32)
    level = np.sqrt(np.einsum("ij,ij->i", frames, frames) / _FRAME)
    found: list[int] = np.flatnonzero(level > _QUIET).tolist()
    return found
