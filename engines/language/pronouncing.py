"""How English words sound, and how alike: phonemes of espeak-ng, compared sound by sound."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from piper.phonemize_espeak import EspeakPhonemizer

from visavis.engines.base import Floats
from visavis.engines.language.espeak_lock import LOCK

_VOICE: Final = "en-us"
_REMEMBERED: Final = 4096  # words; some 0.1 ms each

# Stress, length and what parts phonemes; then sounds that are one to a recogniser.
_DROPPED: Final = re.compile("[ˈˌː\\s.,?!ʔ‿\u0329\u0303ʰ-]")
_MERGED: Final = str.maketrans(
    {"ɚ": "ə", "ɜ": "ə", "ɐ": "ə", "ʌ": "ə", "ᵻ": "ɪ", "ɾ": "t", "ɹ": "r", "ɔ": "ɑ", "g": "ɡ"}
)
VOWELS: Final = "aeiouæɑəɛɪʊ"
_WEAK: Final = VOWELS + "hrjw"  # the easiest to miss, or to hear where there are none

# What one sound costs in place of another, 1 being any other: vowels, the voiced beside the
# unvoiced, and what is made in the same way or at the same place.
_OF_VOWELS: Final = 0.35
_OF_VOICING: Final = 0.25
_OF_KIN: Final = 0.5
_OF_WEAK, _OF_OTHERS = 0.45, 0.8  # of one that is missing or too much
_VOICING: Final = ("pb", "td", "kɡ", "fv", "θð", "sz", "ʃʒ")
_KIN: Final = ("mnŋ", "lrw", "fθs", "vðz", "szʃʒ", "pbfvm", "tdθð", "jiɪ", "wuʊ")

Codes = npt.NDArray[np.intp]


@cache
def _espeak() -> EspeakPhonemizer:
    return EspeakPhonemizer()


@lru_cache(_REMEMBERED)
def phonemes(word: str) -> str:
    """One word of English -> its phonemes in IPA, one character each."""
    with LOCK:
        sentences = _espeak().phonemize(_VOICE, word)
    told = "".join(phoneme for sentence in sentences for phoneme in sentence)
    return _DROPPED.sub("", told).replace("oʊ", "o").translate(_MERGED)


_SOUNDS: Final = sorted({*_WEAK, *"".join((*_VOICING, *_KIN))})
_CODE: Final = {each: code for code, each in enumerate(_SOUNDS)}
_UNKNOWN: Final = len(_SOUNDS)


def _exchanged(a: str, b: str) -> float:
    if a == b:
        return 0.0
    if a in VOWELS and b in VOWELS:
        return _OF_VOWELS
    if any(a in pair and b in pair for pair in _VOICING):
        return _OF_VOICING
    return _OF_KIN if any(a in kin and b in kin for kin in _KIN) else 1.0


def _costs() -> tuple[Floats, Floats]:
    """(n, n) of one sound in place of another, (n,) of one alone; the last is any unknown one."""
    exchange = np.ones((_UNKNOWN + 1, _UNKNOWN + 1), np.float32)
    exchange[:-1, :-1] = [[_exchanged(a, b) for b in _SOUNDS] for a in _SOUNDS]
    alone = np.full(_UNKNOWN + 1, _OF_OTHERS, np.float32)
    alone[[_CODE[each] for each in _WEAK]] = _OF_WEAK
    return exchange, alone


_EXCHANGE, _ALONE = _costs()


def _codes(spoken: Sequence[str]) -> tuple[Codes, Codes]:
    """(n, longest) codes, filled up with the unknown one, and (n,) lengths."""
    lengths = np.array([len(each) for each in spoken], np.intp)
    codes = np.full((len(spoken), int(lengths.max(initial=0))), _UNKNOWN, np.intp)
    for row, each in enumerate(spoken):
        codes[row, : len(each)] = [_CODE.get(sound, _UNKNOWN) for sound in each]
    return codes, lengths


def likeness(heard: Sequence[str], known: Sequence[str]) -> Floats:
    """Phonemes of n pairs -> (n,) float32, at most 1: the same sounds.

    An edit distance whose costs are those of sounds, by the longer one's length; all pairs at once.
    """
    a, many = _codes(heard)
    b, others = _codes(known)
    rows = np.arange(len(a))
    row = np.concatenate([np.zeros((len(a), 1), np.float32), _ALONE[b].cumsum(1)], axis=1)
    found = row[rows, others]  # of those of no length
    for i in range(a.shape[1]):
        before, row = row, np.empty_like(row)
        row[:, 0] = before[:, 0] + _ALONE[a[:, i]]
        for j in range(b.shape[1]):
            exchanged = before[:, j] + _EXCHANGE[a[:, i], b[:, j]]
            left_out = before[:, j + 1] + _ALONE[a[:, i]]
            row[:, j + 1] = np.minimum(np.minimum(exchanged, left_out), row[:, j] + _ALONE[b[:, j]])
        ends = many == i + 1
        found[ends] = row[rows[ends], others[ends]]
    longer = np.maximum(np.maximum(many, others), 1)
    alike: Floats = (1 - found / longer).astype(np.float32)
    return alike
