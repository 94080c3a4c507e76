"""Recordings that are kept: which there are, and those of a time or a session deleted."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from visavis.server.system.spans import Span

# As `Recordings` names them; what else a folder holds is not ours. With what lies beside them.
_NAME: Final = re.compile(r"(\d{8}-\d{6})-\d{3}-(.+?)\.(?:mp4|webm|c2pa)(?:\.\w+)*", re.ASCII)
_QUIET: Final = 15.0  # s without a word written, after which a file is not being written any more


@dataclass(frozen=True, slots=True)
class Kept:
    """One file. at: when it was begun; size: bytes; open: whether it is still being written."""

    path: Path
    session: str
    at: datetime
    size: int
    open: bool


def found(folder: Path, span: Span | None = None, session: str = "") -> list[Kept]:
    """The oldest first. session: of this one alone. Raises OSError."""
    rows = [row for row in _files(folder) if not session or row.session == session]
    return sorted((r for r in rows if span is None or span.has(r.at)), key=lambda row: row.at)


def delete(rows: list[Kept]) -> list[Kept]:
    """Those that are gone then; what is being written stays. Raises OSError."""
    gone = [row for row in rows if not row.open]
    for row in gone:
        row.path.unlink(missing_ok=True)
    return gone


def _files(folder: Path) -> Iterator[Kept]:
    names = os.listdir(folder) if folder.is_dir() else []
    for name in names:
        if (parts := _NAME.fullmatch(name)) is None:
            continue
        with suppress(FileNotFoundError, ValueError):
            told = (folder / name).lstat()
            if stat.S_ISREG(told.st_mode):
                at = datetime.strptime(parts[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
                is_open = abs(time.time() - told.st_mtime) < _QUIET
                yield Kept(folder / name, parts[2], at, told.st_size, is_open)
