"""CSV as any program writes it -> a table: commas, semicolons, tabs; quoted or not."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from itertools import islice
from typing import Final

from visavis.server.studio.batches.encodings import decoded
from visavis.server.studio.batches.table import MOST_ROWS, Fault, Table, TableError, of_cells

_SEPARATORS: Final = ",;\t|"
_LOOKED_AT: Final = 50  # records
_SAID: Final = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # Excel's own first line
_FORMULA: Final = re.compile(
    r"=\s*[A-Za-z$(\"'][\w.$!:'\"]*\s*[(&*/+\-^=<>!,;)]|=\$?[A-Za-z]{1,3}\$?\d+\s*$"
)
_BROKEN: Final = re.compile(
    r"#(?:REF|N/A|NAME\?|VALUE|DIV/0|NULL|NUM|SPILL|BEZUG|NV|WERT|NOM\?|VALEUR)!?"
)
_QUOTES: Final = (
    "Row {} has a quotation mark that does not end: remove it, or write two of them in a row for "
    "one that is meant."
)
_HUGE: Final = (
    "Row {} has a cell of over 131,072 characters: shorten it, or end a quotation mark that does "
    "not end."
)
_IS_FORMULA: Final = (
    "it holds a formula in place of a value: in the spreadsheet, copy the column, paste it as "
    "values, and save the table anew"
)
_IS_ERROR: Final = "it holds the error {} of a formula: mend the formula, or write the value"


def read(data: bytes, encoding: str = "") -> Table:
    """encoding: "": it is found. Raises TableError."""
    text = decoded(data, encoding)
    said = _SAID.match(text)
    number = 1
    if said:
        text, number = text[said.end() :], 2
    separator = said[1] if said else _separator(text)
    records = _records(text, separator, number)
    while records and not any(cell.strip() for cell in records[0][1]):
        records.pop(0)
    faults = [fault for number, cells in records[1:] for fault in _formulas(number, cells, records)]
    return of_cells(records, faults)


def _records(text: str, separator: str, number: int) -> list[tuple[int, list[str]]]:
    """number: of the first. Raises TableError."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    records: list[tuple[int, list[str]]] = []
    try:
        # A few more than are taken, so that it is told that there are too many; not a million.
        for cells in islice(reader, MOST_ROWS * 4):
            records.append((number, cells))
            number += 1
    except csv.Error as error:
        told = _HUGE if "larger than" in str(error) else _QUOTES
        raise TableError(told.format(number)) from None
    return records


def _separator(text: str) -> str:
    """What divides the cells: what cuts most records into as many as the heading has."""
    return max(_SEPARATORS, key=lambda one: _fits(text, one))


def _fits(text: str, separator: str) -> tuple[float, int]:
    """Share of records as wide as the heading, and that width; nothing for a single column."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        widths = [len(cells) for cells in islice(reader, _LOOKED_AT) if any(cells)]
    except csv.Error:
        return 0.0, 0
    if not widths or widths[0] < 2:
        return 0.0, 0
    return Counter(widths)[widths[0]] / len(widths), widths[0]


def _formulas(number: int, cells: list[str], records: list[tuple[int, list[str]]]) -> list[Fault]:
    """Of cells that show how a value is reckoned, or that it could not be."""
    return [
        Fault(number, heading.strip(), what)
        for cell, heading in zip(cells, records[0][1], strict=False)
        if (what := formula(cell))
    ]


def formula(cell: str) -> str:
    """What is wrong with a cell that holds a formula or its error, else ""."""
    cell = cell.strip()
    if cell.startswith("=") and _FORMULA.match(cell):
        return _IS_FORMULA
    found = _BROKEN.fullmatch(cell)
    return _IS_ERROR.format(found[0]) if found else ""
