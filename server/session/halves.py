"""A remark that was heard in two pieces, read off the words of both together. No sound.

The recogniser hears the first piece again with the second: it tells by its marks whether they are
one sentence, and understands either better than alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from visavis.engines.language.phrases import closed, goes_on, joined, words_of

_WORD: Final = re.compile(r"[\w'\u2019]+")


@dataclass(frozen=True, slots=True)
class Halves:
    """rest: the words of the second piece. one: both as one sentence; "" where they are two."""

    rest: str
    one: str


def parted(whole: str, before: str, language: str = "en") -> Halves:
    """The words of both pieces -> what the second one added to `before`, the words of the first.

    Either may have been understood otherwise this time: the place between them is where the words
    up to it are most like `before`.
    """
    spans = [found.span() for found in _WORD.finditer(whole)]
    at = _length_of(words_of(before), words_of(whole))
    if at >= len(spans):
        return Halves("", "")
    first = whole[: spans[at][0]] if at else ""
    rest = whole[spans[at][0] :]
    if not closed(first):
        return Halves(rest, whole)
    if goes_on(first, rest, language):
        return Halves(rest, joined(first, rest, language))
    one_sentence = not any(closed(whole[: end + 1]) for _, end in spans[:-1])
    return Halves(rest, whole if one_sentence else "")


def _length_of(before: list[str], whole: list[str]) -> int:
    """How many words of `whole` are `before`: where the edit distance is least."""
    costs = list(range(len(whole) + 1))
    for row, word in enumerate(before, 1):
        last, costs[0] = costs[0], row
        for column, other in enumerate(whole, 1):
            best = min(last + (word != other), costs[column] + 1, costs[column - 1] + 1)
            last, costs[column] = costs[column], best
    return min(range(len(costs)), key=lambda at: (costs[at], abs(at - len(before))))
