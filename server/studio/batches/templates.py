"""Texts with places for what a table says: `{{first_name}}`, and parts that not everybody gets.

    Hello {{first_name|there}}!
    {{#if city = "Rome"}}Our house is near.{{else if city}}{{city}} is not far.{{else}}Come!{{/if}}

A name is a column's, however it is written (`table.key`). `|` gives the words for an empty cell. A
condition is a column's name (its cell is not empty), `not` and a name, or a name, one of = != < >
<= >= and a value, in quotation marks where it has blanks; "is" and "is not" are = and !=.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from visavis.server.studio.batches.table import key
from visavis.server.system.errors import ConfigError

_TAG: Final = re.compile(r"\{\{([^{}\n]{0,300})\}\}")
_OPEN: Final = re.compile(r"\{\{|\}\}")
# A tag of a condition alone on its line takes the line with it.
_ALONE: Final = re.compile(
    r"^[ \t]*(\{\{\s*(?:#|/|else\b)[^{}\n]{0,300}\}\})[ \t]*(?:\n|\Z)", re.MULTILINE
)
_CONDITION: Final = re.compile(
    r"(?P<not>not\s+)?(?P<name>[^=!<>\"]+?)\s*"
    r"(?:(?P<sign>!=|<=|>=|==?|<|>|\bis\s+not\b|\bis\b)\s*(?P<value>.*))?\Z"
)
_QUOTED: Final = "\"'“”„«»‘’"
_STOPS: Final = ",.;:!?…)"
_DEEPEST: Final = 20


class TemplateError(ConfigError):
    """A text cannot be filled; the text names the place and the fix."""


class EmptyCell(TemplateError):
    """A text needs cells that are empty. columns: theirs."""

    def __init__(self, place: str, columns: tuple[str, ...]) -> None:
        super().__init__(f"{place}: there is no {' and no '.join(columns)} in this row")
        self.columns = columns


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a cell's words go. otherwise: for an empty cell; None: it must not be empty."""

    column: str
    otherwise: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """sign: "" asks whether the cell is not empty; wanted: whether that is to be so."""

    column: str
    sign: str = ""
    value: str = ""
    wanted: bool = True

    def holds(self, values: Mapping[str, str]) -> bool:
        """Of a row. Raises TemplateError where a number is asked for and there is none."""
        cell = values.get(self.column, "")
        if not self.sign:
            return bool(cell) is self.wanted
        if self.sign in {"=", "!="}:
            same = cell.casefold() == self.value.casefold() or _same_number(cell, self.value)
            return same is ((self.sign == "=") is self.wanted)
        if not cell:
            return False
        one, other = number(cell), number(self.value)
        if one is None or other is None:
            odd = cell if one is None else self.value
            msg = (
                f"{odd!r} is no number, and the script asks whether it is {self.sign} {self.value}"
            )
            raise TemplateError(msg)
        found = {"<": one < other, ">": one > other, "<=": one <= other, ">=": one >= other}
        return found[self.sign] is self.wanted


@dataclass(frozen=True, slots=True)
class Choice:
    """The first branch whose condition holds, else the last."""

    branches: tuple[tuple[Condition, Part], ...]
    otherwise: Part


@dataclass(frozen=True, slots=True)
class Part:
    """Words, places and choices, one after the other."""

    pieces: tuple[str | Slot | Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Filled:
    """A text for one row. empty: columns of which it needs words, and whose cell has none."""

    text: str
    empty: tuple[str, ...] = ()


@dataclass(slots=True)
class _Filling:
    values: Mapping[str, str]
    pieces: list[tuple[str, bool]] = field(default_factory=list)  # words, whether a cell's
    empty: list[str] = field(default_factory=list)

    def part(self, part: Part) -> None:
        for piece in part.pieces:
            if isinstance(piece, Choice):
                taken = (then for when, then in piece.branches if when.holds(self.values))
                count = len(self.pieces)
                self.part(next(taken, piece.otherwise))
                if len(self.pieces) == count:
                    self.pieces.append(("", True))
            elif isinstance(piece, Slot):
                self.slot(piece)
            else:
                self.pieces.append((piece, False))

    def slot(self, slot: Slot) -> None:
        cell = self.values.get(slot.column, "")
        if not cell and slot.otherwise is None:
            self.empty.append(slot.column)
        self.pieces.append((cell or slot.otherwise or "", True))


def fill(text: str, values: Mapping[str, str]) -> Filled:
    """values: cells by the keys of their columns. Raises TemplateError."""
    if "{{" not in text and "}}" not in text:
        return Filled(text)
    filling = _Filling(values)
    filling.part(parse(text))
    return Filled(_joined(filling.pieces), tuple(dict.fromkeys(filling.empty)))


def columns(text: str) -> dict[str, bool]:
    """Those that a text uses, and whether its words need them to be there. Raises TemplateError."""
    found: dict[str, bool] = {}
    for piece in _walk(parse(text)):
        if isinstance(piece, Slot):
            found[piece.column] = found.get(piece.column, False) or piece.otherwise is None
        elif isinstance(piece, Choice):
            found |= {when.column: True for when, _ in piece.branches}
    return found


def asks(text: str, column: str) -> bool:
    """Whether a condition of the text depends on the column. Raises TemplateError."""
    choices = (piece for piece in _walk(parse(text)) if isinstance(piece, Choice))
    return any(when.column == column for choice in choices for when, _ in choice.branches)


def _walk(part: Part) -> Iterator[str | Slot | Choice]:
    for piece in part.pieces:
        yield piece
        if isinstance(piece, Choice):
            for _, then in piece.branches:
                yield from _walk(then)
            yield from _walk(piece.otherwise)


def _joined(pieces: list[tuple[str, bool]]) -> str:
    """Where a place is empty, no doubled blank is left, and none before a comma or a stop."""
    text = ""
    emptied = False
    for words, filled in pieces:
        if filled and not words:
            emptied = True
            continue
        if emptied and text[-1:] in {"", " ", "\n"} and words[:1] == " ":
            words = words[1:]
        elif emptied and text[-1:] == " " and words[:1] in _STOPS:
            text = text[:-1]
        text += words
        emptied = False
    return text.rstrip(" ") if emptied else text


@lru_cache(maxsize=2048)
def parse(text: str) -> Part:
    """Raises TemplateError."""
    text = _ALONE.sub(lambda found: found[1], text)
    return _Reader(text).read()


class _Reader:
    """A text, tag by tag."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> Part:
        part, ended = self._part(0)
        if ended:
            raise self._wrong(ended, "stands without {{#if ...}} before it")
        return part

    def _part(self, depth: int) -> tuple[Part, str]:
        """Up to the tag that ends it, and that tag; "" at the text's end."""
        pieces: list[str | Slot | Choice] = []
        if depth > _DEEPEST:
            raise TemplateError("there are too many {{#if ...}} within one another")
        while found := _TAG.search(self._text, self._at):
            self._words(self._text[self._at : found.start()], pieces)
            self._at = found.end()
            inside = " ".join(found[1].split())
            if inside == "/if" or inside == "else" or inside.startswith("else if "):
                return Part(tuple(pieces)), inside
            pieces.append(self._choice(inside, depth) if inside[:1] == "#" else self._slot(inside))
        self._words(self._text[self._at :], pieces)
        self._at = len(self._text)
        return Part(tuple(pieces)), ""

    def _words(self, words: str, pieces: list[str | Slot | Choice]) -> None:
        if found := _OPEN.search(words):
            shown = words[found.start() : found.start() + 30].split("\n")[0]
            raise TemplateError(f"{shown!r}: a place is written {{{{name}}}}, on one line")
        if words:
            pieces.append(words)

    def _slot(self, inside: str) -> Slot:
        name, bar, otherwise = inside.partition("|")
        if not key(name) or inside[:1] == "/":
            raise self._wrong(inside, "names no column; a place is written {{name}}")
        return Slot(key(name), otherwise.strip() if bar else None)

    def _choice(self, inside: str, depth: int) -> Choice:
        word, _, condition = inside[1:].strip().partition(" ")
        if word != "if":
            raise self._wrong(inside, "is not known; a condition is written {{#if name}}")
        branches: list[tuple[Condition, Part]] = []
        while True:
            part, ended = self._part(depth + 1)
            branches.append((self._condition(condition), part))
            if not ended:
                raise self._wrong(inside, "has no {{/if}} behind it")
            if ended == "/if":
                return Choice(tuple(branches), Part())
            if ended == "else":
                break
            condition = ended.removeprefix("else if ")
        otherwise, ended = self._part(depth + 1)
        if ended != "/if":
            raise self._wrong(inside, "has {{else}} and no {{/if}} right after what follows it")
        return Choice(tuple(branches), otherwise)

    def _condition(self, words: str) -> Condition:
        found = _CONDITION.match(words.strip())
        if found is None or not key(found["name"]):
            raise self._wrong(f"#if {words}", "is no condition; write {{#if name}} or "
                              '{{#if name = "value"}}')  # fmt: skip
        sign = " ".join((found["sign"] or "").split())
        sign = {"==": "=", "is": "=", "is not": "!="}.get(sign, sign)
        value = (found["value"] or "").strip().strip(_QUOTED)
        return Condition(key(found["name"]), sign, value, wanted=found["not"] is None)

    def _wrong(self, inside: str, what: str) -> TemplateError:
        return TemplateError(f"{{{{{inside}}}}} {what}")


def number(words: str) -> float | None:
    """What a cell says as a number: 1200, 1,200.50 and 1.200,50, 15 %, 20 €; None: it says none."""
    bare = words.strip(" %€$£¥").replace(" ", "").replace("\xa0", "").replace("'", "")
    if "," in bare and "." in bare:
        bare = bare.replace("," if bare.rfind(".") > bare.rfind(",") else ".", "")
    if re.fullmatch(r"[+-]?\d{1,3}(?:,\d{3})+", bare):
        bare = bare.replace(",", "")
    try:
        return float(bare.replace(",", "."))
    except ValueError:
        return None


def _same_number(one: str, other: str) -> bool:
    first = number(one)
    return first is not None and first == number(other)
