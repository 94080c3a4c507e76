"""A scene's text -> sentences of clauses, each with how it is said and done.

As in a live reply: brackets are directions for what follows them. `[pause 0.5]` is a silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from visavis.engines.base import Demeanour, Movement
from visavis.engines.direction.director import Director
from visavis.engines.direction.lines import Line, Lines
from visavis.engines.direction.styles import NOTHING, ActiveStyles
from visavis.engines.language.brackets import BracketReader, Words
from visavis.engines.language.markup import MarkupReader
from visavis.engines.language.saying import sayable
from visavis.server.studio.document.length import pause

_ENDS: Final = re.compile(r"[.!?…。！？؟۔।:]+[\"'”’»)\]]*\s*$")
_CHARACTERS: Final = 240  # of a sentence without an end, after which it is parted at a clause


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece that is spoken in one go; said: as the voice is given it, if otherwise.

    after: s of silence behind it, beyond the voice's own pause.
    """

    text: str
    demeanour: Demeanour
    movements: tuple[Movement, ...] = ()
    after: float = 0.0


@dataclass(slots=True)
class Wording:
    """A scene's sentences in order. unsaid: words that the voice cannot say; dropped: directions
    that nobody understood.
    """

    sentences: list[tuple[Clause, ...]] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


def worded(text: str, style: str, language: str, director: Director) -> Wording:
    """style: a direction in plain words for all of it. Raises EngineError."""
    wording = Wording()
    general = director.understand(style) if style else NOTHING
    wording.dropped += general.dropped
    active = ActiveStyles().directed(general)
    clauses: list[Clause] = []
    for line in _lines(text, language, director, wording):
        if isinstance(line, float):
            _wait(clauses, wording, line, active.demeanour)
            continue
        said, left = sayable(line.text, language)
        wording.unsaid += left
        demeanour = active.directed(line.cue).demeanour
        if said or line.movements:
            clauses.append(Clause(said, demeanour, line.movements))
        if _complete(clauses):
            wording.sentences.append(tuple(clauses))
            clauses = []
    if clauses:
        wording.sentences.append(tuple(clauses))
    if wording.sentences and general.movements:
        first, *others = wording.sentences[0]
        moved = replace(first, movements=(*general.movements, *first.movements))
        wording.sentences[0] = (moved, *others)
    return wording


def _lines(
    text: str, language: str, director: Director, wording: Wording
) -> Iterator[Line | float]:
    """Clauses as written, and pauses in s."""
    markup, brackets, lines = MarkupReader(), BracketReader(), Lines(language)
    plain = markup.feed(text) + markup.flush()
    for piece in (*brackets.feed(plain), *brackets.flush()):
        if isinstance(piece, Words):
            yield from lines.text(piece.text)
        elif (seconds := pause(piece.wish)) is not None:
            yield from lines.cue("", NOTHING)
            yield seconds
        else:
            yield from lines.cue(piece.wish, director.understand(piece.wish))
    yield from lines.flush()
    wording.dropped += lines.dropped


def _wait(clauses: list[Clause], wording: Wording, seconds: float, demeanour: Demeanour) -> None:
    """Add a silence behind what was said last, or before everything."""
    if clauses:
        clauses[-1] = replace(clauses[-1], after=clauses[-1].after + seconds)
    elif wording.sentences:
        *others, last = wording.sentences[-1]
        wording.sentences[-1] = (*others, replace(last, after=last.after + seconds))
    else:
        clauses.append(Clause("", demeanour, after=seconds))


def _complete(clauses: list[Clause]) -> bool:
    if not clauses or not clauses[-1].text:
        return False
    length = sum(len(clause.text) for clause in clauses)
    return bool(_ENDS.search(clauses[-1].text)) or length >= _CHARACTERS


# --- spelling ------------------------------------------------------------------------------------

_CORE: Final = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)


def spelled(text: str, pronounce: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each written word with how the voice is given it; a name of several words is found, too."""
    words, at = text.split(), 0
    table = {
        tuple(key.casefold().split()): value for key, value in pronounce.items() if key.strip()
    }
    longest = max(map(len, table), default=0)
    found: list[tuple[str, str]] = []
    while at < len(words):
        step = _spelled_at(words[at:], table, longest)
        found.append(step or (words[at], words[at]))
        at += len(found[-1][0].split())
    return found


def _spelled_at(
    words: list[str], table: Mapping[tuple[str, ...], str], longest: int
) -> tuple[str, str] | None:
    for count in range(min(longest, len(words)), 0, -1):
        written = " ".join(words[:count])
        parts = _CORE.fullmatch(written)
        if parts and (said := table.get(tuple(parts[2].casefold().split()))):
            return written, f"{parts[1]}{said.strip()}{parts[3]}"
    return None


def joined(words: Iterable[tuple[str, str]]) -> str:
    """What the voice is given."""
    return " ".join(said for _, said in words)
