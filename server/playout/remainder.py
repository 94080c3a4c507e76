"""What is left of a piece of speech that was held: from the start of the word that was cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from visavis.engines.base import Pcm, Phoneme, Speech, Word
from visavis.server.playout.messages import Tick, ms

_RISE: Final[Tick] = ms(5)  # a piece that begins in the middle of a sound would click


def unsaid(speech: Speech, at: Tick) -> tuple[Speech, int] | None:
    """What is to be said after a hold at sample `at` of it, and how many words were said before.

    A word that had not ended is begun again. None when nothing is left; a piece without words goes
    on where it was.
    """
    at = max(at, 0)
    said = sum(word.end <= at for word in speech.words)
    if speech.words:
        if said == len(speech.words):
            return None
        at = speech.words[said].start if at > 0 else 0
    if at >= len(speech.pcm):
        return None
    words = tuple(Word(w.text, w.start - at, w.end - at) for w in speech.words[said:])
    phonemes = tuple(
        Phoneme(p.symbol, max(p.start - at, 0), p.end - at) for p in speech.phonemes if p.end > at
    )
    return replace(speech, pcm=_from(speech.pcm, at), phonemes=phonemes, words=words), said


def _from(pcm: Pcm, at: Tick) -> Pcm:
    if at == 0:
        return pcm
    rest = pcm[at:].copy()
    rise = np.minimum(np.arange(min(_RISE, len(rest))) / _RISE, 1.0)
    rest[: len(rise)] = (rest[: len(rise)] * rise).astype(np.int16)
    return rest
