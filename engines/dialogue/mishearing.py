"""Which known words a speech recogniser took for others: "brake fast", "why five", "rum service".

A recogniser writes real words, so nothing in them says that they are wrong. A guess puts known
words in the place of those that sound like them; whether it is believed shows in how well it fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from visavis.engines.base import Floats
from visavis.engines.language.pronouncing import VOWELS, likeness, phonemes
from visavis.engines.language.wording import STOP

MOST: Final = 16  # guesses at a sentence: each costs a millisecond or two
_MOST_WORDS: Final = 16  # of a sentence that is guessed at
_LONGEST: Final = 40  # characters of what is compared: no known word is longer
_SIZES: Final = (1, 2, 3)  # words that are taken for one or two
_COMPARED: Final = 12  # phrases, those that share most, for each of those places
_ALIKE: Final = 0.65  # the least that is guessed
_ALIKE_ALONE: Final = 0.88  # the least for a word to count as the other one, whatever is around it
_SHORTEST: Final = 2  # phonemes

_CLASS: Final = str.maketrans(
    {
        **dict.fromkeys(VOWELS, "V"),
        **dict.fromkeys("pb", "B"),
        **dict.fromkeys("tdð", "T"),
        **dict.fromkeys("kɡ", "K"),
        **dict.fromkeys("fv", "F"),
        **dict.fromkeys("θszʃʒ", "S"),
        **dict.fromkeys("mnŋ", "N"),
    }
)


@dataclass(frozen=True, slots=True)
class Guess:
    """What a sentence may have been, and how alike the sounds of both are, 1: the same."""

    text: str
    likeness: float


class Ear:
    """Over normalised English questions, whose words are the ones to be expected."""

    def __init__(self, questions: Sequence[str]) -> None:
        self._expected = {word for question in questions for word in question.split()}
        known = dict.fromkeys(_phrases(questions))
        spoken = {phrase: _spoken(phrase) for phrase in known}
        self._known = [phrase for phrase, sounds in spoken.items() if len(sounds) >= _SHORTEST]
        self._spoken = [spoken[phrase] for phrase in self._known]
        pairs = sorted({pair for sounds in self._spoken for pair in _pairs(sounds)})
        self._column = {pair: column for column, pair in enumerate(pairs)}
        self._having = self._rows(self._spoken)
        self._lengths = np.array([len(sounds) for sounds in self._spoken], np.float32)
        self._alone = lru_cache(4096)(self._alike)

    def guesses(self, normal: str) -> list[Guess]:
        """Other sentences that sound like this one, likeliest first, at most MOST."""
        words = normal.split()
        if len(words) > _MOST_WORDS or not self._known:
            return []
        places = {
            (at, size): " ".join(words[at : at + size])
            for size in _SIZES
            for at in range(len(words) - size + 1)
        }
        heard = {place: phrase for place, phrase in places.items() if len(phrase) <= _LONGEST}
        found: dict[str, float] = {}
        for (at, size), alike in zip(heard, self._like([*heard.values()]), strict=True):
            for phrase, rate in alike:
                text = " ".join((*words[:at], phrase, *words[at + size :]))
                found[text] = max(rate, found.get(text, 0.0))
        likeliest = sorted(found.items(), key=lambda each: -each[1])[:MOST]
        return [Guess(text, rate) for text, rate in likeliest]

    def alike(self, word: str) -> tuple[str, ...]:
        """Known words that sound much like one that is not."""
        return self._alone(word)

    def _alike(self, word: str) -> tuple[str, ...]:
        if word in self._expected or not self._known or len(word) > _LONGEST:
            return ()
        (found,) = self._like([word])
        return tuple(phrase for phrase, rate in found if rate >= _ALIKE_ALONE)

    def _like(self, heard: Sequence[str]) -> list[list[tuple[str, float]]]:
        """The known phrases that sound like each of some, with their likeness."""
        if not heard:
            return []
        spoken = [_spoken(phrase) for phrase in heard]
        lengths = np.array([len(sounds) for sounds in spoken], np.float32)
        shared = self._rows(spoken) @ self._having.T
        shared /= np.maximum(lengths[:, None], self._lengths)
        nearest = np.argsort(-shared, axis=1, kind="stable")[:, :_COMPARED]
        rates = likeness(
            [spoken[row] for row, near in enumerate(nearest) for _ in near],
            [self._spoken[number] for near in nearest for number in near],
        ).reshape(nearest.shape)
        return [
            [
                (self._known[number], float(rate))
                for number, rate in zip(near, rated, strict=True)
                if rate >= _ALIKE and self._known[number] != phrase
            ]
            for phrase, near, rated in zip(heard, nearest, rates, strict=True)
        ]

    def _rows(self, spoken: Sequence[str]) -> Floats:
        """(n, pairs) float32: which pairs of sounds each has."""
        rows = np.zeros((len(spoken), len(self._column)), np.float32)
        for row, sounds in enumerate(spoken):
            columns = [self._column[p] for p in _pairs(sounds) if p in self._column]
            rows[row, columns] = 1
        return rows


def _phrases(questions: Sequence[str]) -> Iterator[str]:
    """The words that say something, and pairs that begin with one."""
    for question in questions:
        words = question.split()
        yield from (word for word in words if word not in STOP)
        yield from (f"{a} {b}" for a, b in pairwise(words) if a not in STOP)


def _spoken(phrase: str) -> str:
    return "".join(map(phonemes, phrase.split()))


def _pairs(sounds: str) -> set[str]:
    """Neighbours of a word's sounds, roughly."""
    rough = sounds.translate(_CLASS)
    return {a + b for a, b in zip(f"^{rough}", f"{rough}$", strict=True)}
