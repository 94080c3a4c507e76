"""A file -> a table: CSV as any program writes it, and Excel's workbooks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from visavis.server.studio.batches import comma_separated, workbook
from visavis.server.studio.batches.table import Table, TableError

LARGEST: Final = 32 * 1024 * 1024  # bytes
_ZIP, _OLE, _PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF"
_OLD: Final = (
    "This is an old Excel file (.xls), or one with a password: open it, and save it as "
    '"Excel Workbook (.xlsx)" without a password, or as "CSV UTF-8".'
)
_OTHER: Final = (
    'This is no table that can be read: save it as "CSV UTF-8" or as an Excel workbook (.xlsx).'
)


def read(data: bytes, encoding: str = "", sheet: str = "") -> Table:
    """A table out of a file's bytes, whatever its name.

    encoding: of a CSV, "": it is found. sheet: of a workbook, "": the first one that can be seen.
    Raises TableError.
    """
    if not data.strip():
        raise TableError("The file is empty.")
    if len(data) > LARGEST:
        msg = f"The table is over {LARGEST >> 20} MB: leave out columns that are not needed."
        raise TableError(msg)
    if data.startswith(_ZIP):
        return workbook.read(data, sheet)
    if data.startswith(_OLE):
        raise TableError(_OLD)
    if data.startswith(_PDF) or data[:200].lstrip().lower().startswith((b"<html", b"<!doctype")):
        raise TableError(_OTHER)
    return comma_separated.read(data, encoding)


def read_file(path: Path, encoding: str = "", sheet: str = "") -> Table:
    """The same, of a file. Raises TableError, OSError."""
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    try:
        return read(data, encoding, sheet)
    except TableError as error:
        raise TableError(f"{path}: {error}") from error
