"""Texts with directions in brackets: "[smiles] Welcome. [slowly] Please note". Knows no styles.

A bracket is a cue for what follows it and is itself never spoken. A link, "[menu](address)", is
none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 120  # characters of a cue; a bracket that is open for longer is text

_CUE: Final = re.compile(rf"\s*\[([^\[\]\n]{{0,{LONGEST}}})\](?!\()([.,;:!?…]*)")
_OPEN: Final = re.compile(rf"\s*\[[^\[\]\n]{{0,{LONGEST}}}\]?[.,;:!?…]*$")


@dataclass(frozen=True, slots=True)
class Text:
    """What is to be spoken."""

    words: str


@dataclass(frozen=True, slots=True)
class Cue:
    """A direction for what comes after it."""

    wish: str


class Script:
    """Takes the fragments of a text as they come."""

    def __init__(self) -> None:
        self._pending = ""

    def feed(self, fragment: str) -> Iterator[Text | Cue]:
        """Texts and cues that are complete; a bracket that is still open is waited for."""
        self._pending += fragment
        waiting = _OPEN.search(self._pending)
        whole = self._pending[: waiting.start()] if waiting else self._pending
        self._pending = self._pending[len(whole) :]
        yield from _pieces(whole)

    def flush(self) -> Iterator[Text | Cue]:
        """What is left, when no more fragments will come."""
        whole, self._pending = self._pending, ""
        yield from _pieces(whole)


def wishes(text: str) -> list[str]:
    """The cues of a text, in order."""
    script = Script()
    return [p.wish for p in [*script.feed(text), *script.flush()] if isinstance(p, Cue)]


def unmarked(text: str) -> str:
    """A text without its cues, as it is spoken."""
    script = Script()
    parts = [*script.feed(text), *script.flush()]
    return " ".join("".join(p.words for p in parts if isinstance(p, Text)).split())


def _pieces(text: str) -> Iterator[Text | Cue]:
    at = 0
    for found in _CUE.finditer(text):
        # Marks that follow a bracket belong to the word before it: "Welcome [smiles]."
        if before := text[at : found.start()] + found[2]:
            yield Text(before + " ")
        if found[1].strip():
            yield Cue(found[1].strip())
        at = found.end()
    if text[at:]:
        yield Text(text[at:])
