"""Clauses of a text with directions in brackets.

A bracket ends the clause before it, so that it takes effect at the very word after it. It holds
until the next one; movements alone, as "[nods]", leave in force what was there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from visavis.engines.base import Card, Movement
from visavis.engines.direction.styles import NOTHING, Direction
from visavis.engines.language.brackets import BracketReader, Words
from visavis.engines.language.clauses import Clauses
from visavis.engines.language.markup import MarkupReader
from visavis.engines.language.saying import sayable


@dataclass(frozen=True, slots=True)
class Line:
    """A clause as it is to be spoken, and the bracket that holds for it, understood and as is.

    `text` is empty where nothing follows a bracket, or a card. language: BCP 47, of the text.
    """

    text: str
    cue: Direction = NOTHING
    wish: str = ""
    movements: tuple[Movement, ...] = ()
    cards: tuple[Card, ...] = ()
    language: str = "en"


class Lines:
    """Takes the texts and the brackets of one reply in order."""

    def __init__(self, language: str = "en") -> None:
        self.language = language  # of the texts that come
        self.dropped: list[str] = []  # words in brackets that nobody understood
        self._clauses = Clauses(language)
        self._cue, self._wish = NOTHING, ""
        self._movements: tuple[Movement, ...] = ()
        self._cards: tuple[Card, ...] = ()
        self._fresh = False  # whether a bracket or card has come since the last clause

    def text(self, words: str) -> list[Line]:
        """The clauses that these words complete."""
        return self._lines(self._clauses.feed(words))

    def cue(self, wish: str, direction: Direction) -> list[Line]:
        """A bracket, and what was understood of it: the clause before it is complete."""
        before = self._lines(self._clauses.flush())
        self.dropped += direction.dropped
        self._movements += direction.movements
        if direction.changes and not direction.momentary:
            self._cue, self._wish = direction, wish
        self._fresh = self._fresh or bool(direction.changes)
        return before

    def movement(self, movement: Movement) -> list[Line]:
        """Something to do once before the next word: the clause before it is complete."""
        before = self._lines(self._clauses.flush())
        self._movements += (movement,)
        self._fresh = True
        return before

    def card(self, card: Card) -> list[Line]:
        """Something to show from the next word on: the clause before it is complete."""
        before = self._lines(self._clauses.flush())
        self._cards += (card,)
        self._fresh = True
        return before

    def turn_to(self, language: str) -> list[Line]:
        """What comes now is in this language: the clause before it is complete."""
        before = self._lines(self._clauses.flush())
        self.language, self._clauses = language, Clauses(language)
        return before

    def flush(self) -> list[Line]:
        """What is left, when no more will come; an empty line for a last bracket."""
        lines = self._lines(self._clauses.flush())
        return [*lines, *self._lines([""] if self._fresh else [])]

    def _lines(self, texts: Iterable[str]) -> list[Line]:
        lines = []
        for text in texts:
            lines.append(
                Line(text, self._cue, self._wish, self._movements, self._cards, self.language)
            )
            self._movements, self._cards, self._fresh = (), (), False
        return lines


def lines_of(fragments: Iterable[str], understand: Callable[[str], Direction]) -> list[Line]:
    """The lines of a whole answer, as they are spoken when it comes in these fragments."""
    brackets, lines = BracketReader(), Lines()
    found: list[Line] = []
    for piece in chain(*(brackets.feed(words) for words in _unmarked(fragments)), brackets.flush()):
        if isinstance(piece, Words):
            found += lines.text(piece.text)
        else:
            found += lines.cue(piece.wish, understand(piece.wish))
    found += lines.flush()
    return [replace(line, text=sayable(line.text, line.language)[0]) for line in found]


def _unmarked(fragments: Iterable[str]) -> Iterator[str]:
    reader = MarkupReader()
    for fragment in fragments:
        yield reader.feed(fragment)
    yield reader.flush()


def said(lines: Iterable[Line], after: int) -> str:
    """The words of lines after so many of them, with the brackets that hold."""
    words: list[str] = []
    wish = ""
    for line in lines:
        left = line.text.split()[after:]
        after = max(0, after - len(line.text.split()))
        if left and line.wish != wish:
            wish = line.wish
            words.append(f"[{wish}]")
        words += left
    return " ".join(words)
