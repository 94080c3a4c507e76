"""English words of a question: normalised, stemmed, keyed by sound."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

import snowballstemmer  # type: ignore[import-untyped]


def words(text: str) -> frozenset[str]:
    """The words of a text that blanks separate."""
    return frozenset(text.split())


def _phrases(text: str) -> tuple[frozenset[tuple[str, ...]], ...]:
    """Phrases that commas separate: those of one word, of two, ..."""
    each = [tuple(phrase.split()) for phrase in text.split(",")]
    return tuple(
        frozenset(phrase for phrase in each if len(phrase) == size)
        for size in range(1, max(map(len, each)) + 1)
    )


# What carries no subject: frequent words of questions, and of politeness around them.
STOP: Final = words(
    """a about after again all also am an and any anybody anyone are around as at be because been
    before being bit but by can could did do does doing done each else ever every for from get
    gets getting give go goes going good got had has have having he hello help her here hey hi
    him his how i if in into is it its just kind know let like likes little long many may maybe
    me mean might more most much must my myself near need needs next nice no not now of off oh ok
    okay on one only or other our out over perhaps please possible put really right shall she
    should so some somebody someone something somewhere sorry sort still such take tell than
    thank thanks that the their them then there these they thing things think this those time to
    too up us use very want was we well were what when where which while who whom whose why will
    with would yes yet you your yours nearest nearby best allowed able available hotel house
    place"""
)

_CONTRACTION: Final = (
    (re.compile(r"\bcan't\b"), "cannot"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"'ve\b"), " have"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"'d\b"), " would"),
    (re.compile(r"'m\b"), " am"),
    (re.compile(r"\b(what|where|who|how|when|that|there|it|he|she)'s\b"), r"\1 is"),
)
_WORD: Final = re.compile(r"[a-z0-9]+")
# Speech recognition writes figures, people who write questions write words.
_COUNTED: Final = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
_NUMBER: Final = {str(number): word for number, word in enumerate(_COUNTED)}
# Said before or after a question and no part of it: phrases by how many words they have.
_OPENING: Final = _phrases(
    """oh, uh, um, er, ah, well, so, okay, ok, hello, hi, hey, good morning, good afternoon,
    good evening, good day, excuse me, sorry, pardon me, please, thanks, thank you,
    thank you very much, thank you so much, great, right, alright, all right, listen, look,
    you know"""
)
_CLOSING: Final = _phrases("please, thanks, thank you, thank you very much, if i may ask")
_ASKING: Final = words("and how is are can could do does what when where which who why")


def normalise(text: str) -> str:
    """Lower case, no contractions, accents or punctuation: "What's 3?" -> "what is three"."""
    text = text.lower()
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.replace("’", "'"))
        text = "".join(letter for letter in text if not unicodedata.combining(letter))
    if "'" in text:
        for pattern, written_out in _CONTRACTION:
            text = pattern.sub(written_out, text)
    return " ".join(_NUMBER.get(word, word) for word in _WORD.findall(text.replace("'", "")))


def core(normal: str) -> str:
    """A normalised text without greetings and politeness around it; all of it if only that."""
    said = normal.split()
    first, last = 0, len(said)
    while size := _longest(_OPENING, said, first, last, ahead=True):
        first += size
    while size := _longest(_CLOSING, said, first, last, ahead=False):
        last -= size
    rest = said[first:last]
    if any(word in _ASKING or word not in STOP for word in rest):
        return " ".join(rest)
    return normal


def _longest(
    phrases: Sequence[frozenset[tuple[str, ...]]],
    said: Sequence[str],
    first: int,
    last: int,
    *,
    ahead: bool,
) -> int:
    """Words of the longest of the phrases that said[first:last] begins with, or ends with."""
    for size in range(min(len(phrases), last - first), 0, -1):
        run = said[first : first + size] if ahead else said[last - size : last]
        if tuple(run) in phrases[size - 1]:
            return size
    return 0


def terms(normal: str) -> list[str]:
    """Stems of the words that carry a subject, and every two neighbours as one: "check in"."""
    heard = normal.split()
    joined = [a + b for a, b in pairwise(heard)]
    return [stem(word) for word in heard if word not in STOP] + joined


@lru_cache(4096)
def stem(word: str) -> str:
    """A word without its endings, by Porter's second algorithm; the same on both sides."""
    return str(snowballstemmer.stemmer("english").stemWord(word))  # each holds a word: one a thread
