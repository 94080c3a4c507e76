"""Texts with directions in brackets: "[smiles] Welcome. [slowly] Please note".

A bracket is a direction for what follows it and is itself never spoken. A link,
"[menu](address)", is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 120  # characters in a bracket; a bracket that is open for longer is text

_MARKS: Final = 8  # marks behind a bracket; more are text
_BRACKET: Final = re.compile(rf"\[([^\[\]\n]{{0,{LONGEST}}})\](?!\()([.,;:!?…]{{0,{_MARKS}}})")
_OPEN: Final = re.compile(rf"\[[^\[\]\n]{{0,{LONGEST}}}(?:\][.,;:!?…]{{0,{_MARKS}}})?\Z")


@dataclass(frozen=True, slots=True)
class Words:
    """What is to be spoken."""

    text: str


@dataclass(frozen=True, slots=True)
class Bracket:
    """A direction for what comes after it."""

    wish: str


class BracketReader:
    """Takes the fragments of a text as they come."""

    def __init__(self) -> None:
        self._pending = ""

    def feed(self, fragment: str) -> Iterator[Words | Bracket]:
        """Words and brackets that are complete; a bracket that is still open is waited for."""
        self._pending += fragment
        waiting = _OPEN.search(self._pending, max(0, len(self._pending) - LONGEST - _MARKS - 2))
        # The blanks before it too: marks behind a bracket belong to the word before it.
        whole = self._pending[: waiting.start()].rstrip() if waiting else self._pending
        self._pending = self._pending[len(whole) :]
        yield from _pieces(whole)

    def flush(self) -> Iterator[Words | Bracket]:
        """What is left, when no more fragments will come."""
        whole, self._pending = self._pending, ""
        yield from _pieces(whole)


def wishes(text: str) -> list[str]:
    """What the brackets of a text say, in order."""
    reader = BracketReader()
    return [p.wish for p in [*reader.feed(text), *reader.flush()] if isinstance(p, Bracket)]


def unmarked(text: str) -> str:
    """A text without its brackets, as it is spoken."""
    reader = BracketReader()
    parts = [*reader.feed(text), *reader.flush()]
    return " ".join("".join(p.text for p in parts if isinstance(p, Words)).split())


def _pieces(text: str) -> Iterator[Words | Bracket]:
    at = 0
    for found in _BRACKET.finditer(text):
        # Marks that follow a bracket belong to the word before it: "Welcome [smiles]."
        if before := text[at : found.start()].rstrip() + found[2]:
            yield Words(before + " ")
        if found[1].strip():
            yield Bracket(found[1].strip())
        at = found.end()
    if text[at:]:
        yield Words(text[at:])
