"""A table of people: named columns, and rows with their numbers as a spreadsheet shows them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from visavis.server.system.errors import ConfigError

MOST_ROWS: Final = 10_000
MOST_COLUMNS: Final = 200
LONGEST_CELL: Final = 5_000  # characters
_APART: Final = re.compile(r"[\W_]+")
# What moves the cursor, turns the direction of writing or is nothing at all; joiners stay, because
# Persian, Hindi and emoji are spelled with them.
_UNSEEN: Final = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f"
    r"\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)


class TableError(ConfigError):
    """The table cannot be read at all; the text says what to do in the program that it is from."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a table, and how it is mended.

    row: as the spreadsheet numbers it, 1 is the heading's; 0: of the table or the script. column:
    its heading, "": of the whole row. grave: the row cannot be filmed; else it is worth a look.
    """

    row: int
    column: str
    what: str
    grave: bool = True

    def __str__(self) -> str:
        """In one line."""
        row = f"row {self.row}" if self.row else ""
        column = f"column {self.column}" if self.column else ""
        place = ", ".join(part for part in (row, column) if part)
        return f"{place}: {self.what}" if place else self.what


@dataclass(frozen=True, slots=True)
class Row:
    """values: by the keys of the columns, see `key`; each is one line, "" where the cell is."""

    number: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """headings: as they are written, by their keys. faults: of cells that could not be read."""

    headings: Mapping[str, str]
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...] = ()


def key(heading: str) -> str:
    """What a column is known by: "First Name", "first-name" and "FIRST_NAME" are "first_name"."""
    folded = unicodedata.normalize("NFKC", heading).casefold()
    return unicodedata.normalize("NFC", _APART.sub("_", folded).strip("_"))


def one_line(text: str) -> str:
    """A cell's words without breaks, doubled blanks and what cannot be seen."""
    text = _UNSEEN.sub("", unicodedata.normalize("NFC", text))
    return " ".join(text.split())


def of_cells(records: Sequence[tuple[int, Sequence[str]]], faults: Sequence[Fault] = ()) -> Table:
    """(number, cells) -> a table; the first record is the heading. Raises TableError."""
    if not records:
        raise TableError("The table is empty: write the columns' names into its first row.")
    headings = _headings([one_line(cell) for cell in records[0][1]])
    found = list(faults)
    rows: list[Row] = []
    for number, cells in records[1:]:
        if not any(one_line(cell) for cell in cells):
            continue
        if len(rows) == MOST_ROWS:
            msg = f"The table has more than {MOST_ROWS:,} rows: divide it into several tables."
            raise TableError(msg)
        rows.append(_row(number, cells, headings, found))
    if not rows:
        raise TableError("The table has a heading and no rows: write one row for each person.")
    named = {name: heading for name, heading in headings.items() if heading}
    return Table(named, tuple(rows), tuple(found))


def _headings(cells: Sequence[str]) -> dict[str, str]:
    """Headings by their keys, in the order of the columns; a column without one has "".

    Raises TableError.
    """
    while cells and not cells[-1]:
        cells = cells[:-1]
    if len(cells) > MOST_COLUMNS:
        msg = f"The table has {len(cells)} columns; {MOST_COLUMNS} are read at most."
        raise TableError(msg)
    headings: dict[str, str] = {}
    for place, cell in enumerate(cells):
        name = key(cell)
        if name in headings:
            msg = f"Two columns are called {cell!r}: give one of them another name."
            raise TableError(msg)
        headings[name or f" {letters(place)}"] = cell if name else ""
    if not any(headings.values()):
        raise TableError("The first row names no column: write the columns' names into it.")
    return headings


def _row(
    number: int, cells: Sequence[str], headings: Mapping[str, str], faults: list[Fault]
) -> Row:
    values = [_unquoted(one_line(cell)) for cell in cells]
    if any(values[len(headings) :]):
        faults.append(Fault(number, "", _TOO_MANY.format(len(values), len(headings))))
    values += [""] * (len(headings) - len(values))
    for place, (name, heading) in enumerate(headings.items()):
        if len(values[place]) > LONGEST_CELL:
            faults.append(Fault(number, heading, _TOO_LONG.format(len(values[place]))))
            values[place] = values[place][:LONGEST_CELL]
        if values[place] and not heading:
            faults.append(Fault(number, letters(place), _UNNAMED.format(name.strip()), grave=False))
    return Row(number, {n: v for (n, h), v in zip(headings.items(), values, strict=False) if h})


def _unquoted(cell: str) -> str:
    """Without the mark by which a manifest keeps a spreadsheet from reckoning with a name."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in {"=", "+", "-", "@"} else cell


_TOO_MANY: Final = (
    "it has {} cells and the heading {}: a cell with a comma or semicolon in it must stand in "
    '"quotation marks"; or a heading is missing'
)
_TOO_LONG: Final = f"{{:,}} characters are too many for one cell; {LONGEST_CELL:,} are read at most"
_UNNAMED: Final = "column {} has no heading, so nothing in it is used"


def letters(place: int) -> str:
    """What a spreadsheet calls a column, counted from 0: A, B, ... Z, AA."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(65 + rest) + name
    return name
