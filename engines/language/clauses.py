"""Streamed text to clauses that can be spoken at once.

The first clause is kept short, because the first sound waits for it; the later ones are whole
sentences, because a voice sounds best over a whole sentence.
"""

from __future__ import annotations

import re
from typing import Final

from visavis.engines.language import sentences, stops
from visavis.engines.language.languages import ENGLISH, LANGUAGES, code_of, is_english

FIRST_WORDS: Final = 3  # from this many words on, the first clause may end at a comma
LATER_WORDS: Final = 10  # a later one, which is spoken while the one before it still sounds
MOST_WORDS: Final = 25  # some 8 s of speech

_OF_A_WORD: Final = 0.5  # a character of a script that puts no blanks between words
_RUNS_ON: Final = frozenset("。！？，、；：｡")
_CLOSING: Final = frozenset("」』）】》”’")
_ENOUGH: Final = 20  # pieces of a word
_BLANKS: Final = re.compile(r"\s+")


class Clauses:
    """Collects the fragments of one reply; clauses joined by single spaces give the text back.

    Scripts without blanks get one after each mark, as if each phrase were a word.
    """

    def __init__(self, language: str = "en") -> None:
        """language: BCP 47, of the text."""
        self._english, self._language = is_english(language), language
        self._blanks = LANGUAGES.get(code_of(language), ENGLISH).blanks
        self._marked = False  # whether the fragments so far end with such a mark
        self._pending: list[str] = []  # the pieces of a word that is not complete
        self._words: list[str] = []
        self._says = False  # whether a word has a letter or a figure
        self._first = True

    def feed(self, fragment: str) -> list[str]:
        """The clauses that this fragment completes.

        A word counts once the space after it has come: until then "6" may become "6:30", and
        what a full stop means shows in the word that follows.
        """
        first, *others = _BLANKS.split(fragment if self._blanks else self._parted(fragment))
        self._extend(first)
        clauses: list[str] = []
        for following in others:
            clauses += self._complete()
            self._extend(following)
        return clauses + self._early()

    def _parted(self, fragment: str) -> str:
        """With a blank after each mark within a line that has none."""
        parted = []
        for char in fragment:
            goes_on = char in _RUNS_ON or (self._marked and char in _CLOSING)
            if self._marked and not goes_on and not char.isspace():
                parted.append(" ")
            self._marked = goes_on
            parted.append(char)
        return "".join(parted)

    def _extend(self, piece: str) -> None:
        if piece:
            self._pending.append(piece)

    def flush(self) -> list[str]:
        """What is left, when no more fragments will come."""
        return self._complete() + self._cut()

    def _complete(self) -> list[str]:
        """The word that was pending is whole."""
        word = "".join(self._pending)
        self._pending.clear()
        return self._add(word) if word else []

    def _add(self, word: str) -> list[str]:
        """Take a word in; it decides whether the clause before it was complete."""
        done = self._cut() if self._words and self._ends_before(word) else []
        self._words.append(word)
        self._says = self._says or any(map(str.isalnum, word))
        return done

    def _early(self) -> list[str]:
        """A clause whose end is plain from what there is of the next word, so it can sound now."""
        if not self._words:
            return []
        begun = "".join(self._pending[:_ENOUGH])  # its first letter tells whether a sentence begins
        return self._cut() if self._ends_before(begun or None) else []

    def _cut(self) -> list[str]:
        if not self._words:
            return []
        clause = " ".join(self._words)
        self._words.clear()
        self._first = self._says = False
        return [clause]

    def _ends_before(self, following: str | None) -> bool:
        count, last = self._count(), self._words[-1]
        if count >= MOST_WORDS:
            return True
        mark = last.rstrip(stops.CLOSERS)[-1:]
        if not mark or not self._says:
            return False
        if mark in stops.ENDS and self._english:
            return sentences.ends_sentence(last, following, alone=count == 1)
        if mark in stops.ENDS:
            return stops.ends_sentence(last, following, self._language)
        least = FIRST_WORDS if self._first else LATER_WORDS
        return mark in stops.PAUSES and count >= least

    def _count(self) -> float:
        if self._blanks:
            return len(self._words)
        return sum(max(1.0, _OF_A_WORD * len(word)) for word in self._words)
