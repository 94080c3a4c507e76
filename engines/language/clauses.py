"""Streamed text to clauses that can be spoken at once.

The first clause is kept short, because the first sound waits for it; the later ones are whole
sentences, because a voice sounds best over a whole sentence.
"""

from __future__ import annotations

import re
from typing import Final

from visavis.engines.language.sentences import CLOSERS, ENDS, ends_sentence

FIRST_WORDS: Final = 3  # from this many words on, the first clause may end at a comma
LATER_WORDS: Final = 10  # a later one, which is spoken while the one before it still sounds
MOST_WORDS: Final = 25  # some 8 s of speech

_PAUSES: Final = ",;:–—"


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
        mark = last.rstrip(CLOSERS)[-1:]
        if not mark or not any(char.isalnum() for word in self._words for char in word):
            return False
        if mark in ENDS:
            return ends_sentence(last, following, alone=count == 1)
        least = FIRST_WORDS if self._first else LATER_WORDS
        return mark in _PAUSES and count >= least
