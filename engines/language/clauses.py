"""Streamed text to clauses that can be spoken at once. Knows no voice and no time.

The first clause is kept short, because the first sound waits for it; the later ones are whole
sentences, because a voice sounds best over a whole sentence.
"""

from __future__ import annotations

import re
from typing import Final

FIRST_WORDS: Final = 3  # from this many words on, the first clause may end at a comma
LATER_WORDS: Final = 10  # a later one, which is spoken while the one before it still sounds
MOST_WORDS: Final = 25  # some 8 s of speech

_CLOSERS: Final = "\"')]}»”’*_"
_OPENERS: Final = "\"'([{«“‘*_"
_ENDS: Final = ".!?…。！？"
_PAUSES: Final = ",;:–—"
# A full stop after one of these does not end a sentence, whatever follows.
_TITLES: Final = frozenset({
    "mr", "mrs", "ms", "dr", "prof", "st", "mt", "ft", "gen", "gov", "sen", "rep", "capt", "lt",
    "col", "sgt", "rev", "hon", "vs", "approx",
})  # fmt: skip
# After one of these it does, if a capital letter follows.
_SHORT: Final = frozenset({
    "a.m", "p.m", "am", "pm", "e.g", "i.e", "etc", "inc", "ltd", "co", "corp", "jr", "sr", "ave",
    "blvd", "rd", "apt", "dept", "ext", "tel", "est", "fig", "jan", "feb", "mar", "apr", "jun",
    "jul", "aug", "sep", "sept", "oct", "nov", "dec", "mon", "tue", "tues", "wed", "thu", "thurs",
    "fri", "sat", "sun", "u.s", "u.k", "a.k.a", "min", "max", "hrs",
})  # fmt: skip
_NEVER_LAST: Final = frozenset({"e.g", "i.e", "a.k.a"})
_NUMBERING: Final = frozenset({"no", "nos"})


class Clauses:
    """Collects the fragments of one reply; clauses joined by single spaces give the text back."""

    def __init__(self) -> None:
        self._pending = ""
        self._words: list[str] = []
        self._first = True

    def feed(self, fragment: str) -> list[str]:
        """The clauses that this fragment completes.

        A word counts once the space after it has come: until then "6" may become "6:30", and
        what a full stop means shows in the word that follows.
        """
        self._pending += fragment
        *whole, self._pending = re.split(r"\s+", self._pending)
        clauses: list[str] = []
        for word in whole:
            if word:
                clauses += self._add(word)
        return clauses + self._early()

    def flush(self) -> list[str]:
        """What is left, when no more fragments will come."""
        clauses = self._add(self._pending) if self._pending else []
        self._pending = ""
        return clauses + self._cut()

    def _add(self, word: str) -> list[str]:
        """Take a word in; it decides whether the clause before it was complete."""
        done = self._cut() if self._words and self._ends_before(word) else []
        self._words.append(word)
        return done

    def _early(self) -> list[str]:
        """A clause whose end is plain from what there is of the next word, so it can sound now."""
        if self._words and self._ends_before(self._pending or None):
            return self._cut()
        return []

    def _cut(self) -> list[str]:
        if not self._words:
            return []
        clause = " ".join(self._words)
        self._words.clear()
        self._first = False
        return [clause]

    def _ends_before(self, following: str | None) -> bool:
        count, last = len(self._words), self._words[-1]
        if count >= MOST_WORDS:
            return True
        mark = last.rstrip(_CLOSERS)[-1:]
        if not mark or not any(char.isalnum() for word in self._words for char in word):
            return False
        if mark in _ENDS:
            return _ends_sentence(last, following, alone=count == 1)
        least = FIRST_WORDS if self._first else LATER_WORDS
        return mark in _PAUSES and count >= least


def _ends_sentence(word: str, following: str | None, *, alone: bool) -> bool:
    """Whether the mark at the end of `word` ends a sentence; `following` None is not known yet."""
    bare = word.rstrip(_CLOSERS)
    name = bare.rstrip(_ENDS).lstrip(_OPENERS).lower()
    if bare[-1:] != "." or bare.endswith(".."):
        return True
    if name in _NUMBERING:  # "No. 5" or "No. I am sorry."
        return following is not None and not following[:1].isdecimal()
    if name in _TITLES or (len(name) == 1 and name.isalpha() and name != "i"):  # "J. Smith"
        return False
    if name in _SHORT or re.fullmatch(r"(?:[a-z]\.)+[a-z]", name):
        return name not in _NEVER_LAST and _starts_sentence(following)
    return not (alone and name.isdecimal())  # "1. Take the lift."


def _starts_sentence(following: str | None) -> bool:
    return following is not None and following.lstrip(_OPENERS)[:1].isupper()
