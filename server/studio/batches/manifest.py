"""What became of each row, as a table that a spreadsheet opens and that can be sent again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from visavis.server.studio.batches.templates import number

NAME: Final = "manifest.csv"
OWN: Final = ("row", "video", "state", "seconds", "fault")
# A cell that begins with one of these is a formula to a spreadsheet, whoever wrote the name.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def written(headings: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """headings: of the table. rows: by OWN, and by the headings; a cell may be missing.

    With the mark by which Excel knows UTF-8. A heading that is one of OWN's is left out: it is of
    a manifest that was sent as a table.
    """
    names = [*OWN, *(name for name in headings if name.casefold() not in OWN)]
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(map(cell, names))
    for row in rows:
        writer.writerow([cell(str(row.get(name, ""))) for name in names])
    return "\ufeff" + file.getvalue()


def cell(words: str) -> str:
    """Words that no spreadsheet takes for a formula."""
    if words.startswith(_FORMULA) and number(words) is None:
        return f"'{words}"
    return words
