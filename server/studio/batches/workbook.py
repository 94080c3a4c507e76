"""Excel's workbooks (.xlsx) -> a table: the values that the spreadsheet shows.

A formula's value is the one that the program kept when it saved the file.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, Final

import openpyxl  # type: ignore[import-untyped]

from visavis.server.studio.batches.comma_separated import formula
from visavis.server.studio.batches.table import (
    MOST_COLUMNS,
    MOST_ROWS,
    Fault,
    Table,
    TableError,
    letters,
    of_cells,
    one_line,
)

_UNPACKED: Final = 200 * 1024 * 1024  # bytes; 10,000 rows of 20 columns are 15 MB
_GAP: Final = 1_000  # empty rows, after which nothing more is looked for
_FORMULA: Final = re.compile(rb"<(?:\w+:)?f[ >/]")
_BROKEN: Final = "The workbook is broken: open it in the spreadsheet, and save it anew as .xlsx."
_NONE: Final = 'This is no Excel workbook: save the table as "CSV UTF-8" or as .xlsx.'
_HUGE: Final = (
    "The workbook unpacks to over {} MB: copy the columns that are needed, as values, into a new "
    "one."
)
_UNKNOWN: Final = (
    "the value of its formula is not in the file: open the table in the spreadsheet, save it, and "
    "send it again; or paste the column as values"
)

Cells = list[tuple[int, list[Any]]]


def read(data: bytes, sheet: str = "") -> Table:
    """sheet: "": the first one that can be seen and is not empty. Raises TableError."""
    reckons = _check(data)
    try:
        return _read(data, sheet, reckons=reckons)
    except TableError:
        raise
    except Exception as error:  # openpyxl throws whatever its parsers meet
        raise TableError(_BROKEN) from error


def _check(data: bytes) -> bool:
    """That it is one, of a size that can be read; whether it has formulas. Raises TableError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if not any(part.filename.startswith("xl/") for part in parts):
                raise TableError(_NONE)
            # What is read of a part ends where its size here does, so the sum cannot lie.
            if sum(part.file_size for part in parts) > _UNPACKED:
                raise TableError(_HUGE.format(_UNPACKED >> 20))
            return any(_FORMULA.search(archive.read(part)) for part in parts if _is_sheet(part))
    except (
        zipfile.BadZipFile,
        zlib.error,
        ValueError,
        NotImplementedError,
        RuntimeError,
        EOFError,
    ):
        raise TableError(_BROKEN) from None


def _is_sheet(part: zipfile.ZipInfo) -> bool:
    return part.filename.startswith("xl/worksheets/")


def _read(data: bytes, sheet: str, *, reckons: bool) -> Table:
    cells = _cells(data, sheet, values=True)
    faults = []
    if reckons and cells:
        faults = _unreckoned(cells, _cells(data, sheet, values=False))
    records = [(number, [_text(value) for value in row]) for number, row in cells]
    for number, row in records[1:]:
        for place, cell in enumerate(row):
            if what := formula(cell):
                faults.append(Fault(number, _heading(records[0][1], place), what))
    return of_cells(records, sorted(faults, key=lambda fault: fault.row))


def _cells(data: bytes, sheet: str, *, values: bool) -> Cells:
    """(number, cells) of rows that are not empty. values: of formulas, not their text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about parts that it leaves out
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=values)
        try:
            for found in _sheets(book, sheet):
                if rows := list(_rows(found)):
                    return rows
        finally:
            book.close()
    return []


def _sheets(book: Any, sheet: str) -> list[Any]:
    """Raises TableError."""
    if not sheet:
        seen = [one for one in book.worksheets if one.sheet_state == "visible"]
        return seen or list(book.worksheets)
    if sheet not in book.sheetnames:
        msg = f"There is no sheet {sheet!r}; there are: {', '.join(book.sheetnames)}."
        raise TableError(msg)
    return [book[sheet]]


def _rows(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    sheet.reset_dimensions()  # what a file says of its own size may be wrong
    empty = taken = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS + 1), 1):
        if all(value is None or value == "" for value in row):
            empty += 1
            if empty > _GAP:
                return
            continue
        empty, taken = 0, taken + 1
        if taken > MOST_ROWS + 2:  # it is told that there are too many
            return
        yield number, _trimmed(list(row))


def _trimmed(row: list[Any]) -> list[Any]:
    while row and row[-1] is None:
        row.pop()
    return row


def _unreckoned(cells: Cells, formulas: Cells) -> list[Fault]:
    """Of cells whose formula has no value."""
    known = dict(cells)
    headings = [_text(value) for value in cells[0][1]]
    faults = []
    for number, row in formulas:
        values = known.get(number, [])
        for place, cell in enumerate(row):
            without = place >= len(values) or values[place] is None
            if without and isinstance(cell, str) and cell.startswith("="):
                faults.append(Fault(number, _heading(headings, place), _UNKNOWN))
    return faults


def _heading(headings: list[str], place: int) -> str:
    return (one_line(headings[place]) if place < len(headings) else "") or letters(place)


def _text(value: Any) -> str:
    """As it is said: whole numbers without a point, days as 2026-11-30."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.12g}"
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "minutes")
    if isinstance(value, time):
        return value.isoformat("minutes")
    return value.isoformat() if isinstance(value, date) else str(value)
