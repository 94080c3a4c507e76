"""Questions that nobody could answer, kept for the operator: without who asked, for some days.

One file of the directory for state, which all processes of a server write to: a question a line.
Nothing here is ever logged.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from visavis.engines.dialogue.danger import danger
from visavis.engines.language.blanking import BLANK, blanked
from visavis.server.system.spans import Span

KEPT_DAYS: Final = 30
MOST: Final = 1000  # questions; the oldest make room
_LONGEST: Final = 200  # characters of one
_BYTES: Final = 2 << 20  # of the file, a damaged one too
_FEWEST: Final = 2  # words left, or characters where a script has no blanks


@dataclass(frozen=True, slots=True)
class Gap:
    """One question that had no answer. day: as ISO 8601; language: BCP 47."""

    day: str
    text: str
    language: str


class Gaps:
    """Those of one directory for state; safe to use from several processes and threads.

    days: how long one is kept; 0: until there are too many.
    """

    def __init__(self, home: Path, days: int = KEPT_DAYS) -> None:
        self._folder, self._days = home / "gaps", days
        self._path = self._folder / "questions.jsonl"

    def keep(self, text: str, language: str) -> None:
        """Keep a question. Raises OSError.

        Not what somebody in danger says, and nothing of which only blanks are left.
        """
        if danger(text) is not None or not _tells(said := blanked(text[:_LONGEST])):
            return
        row = Gap(_today().isoformat(), said, language)
        with self._locked():
            kept = self._within(self._read())
            self._write([*kept, row][-MOST:])

    def read(self) -> list[Gap]:
        """The oldest first; what is too old is deleted. Raises OSError."""
        if not self._path.exists():
            return []
        with self._locked():
            found = self._read()
            kept = self._within(found)
            if len(kept) < len(found):
                self._write(kept)
        return kept

    def expire(self) -> None:
        """Delete what is too old, as far as that can be."""
        with suppress(OSError):
            self.read()

    def forget(self) -> int:
        """Delete all of them; how many there were. Raises OSError."""
        if not self._folder.exists():
            return 0
        with self._locked():
            count = len(self._read())
            self._path.unlink(missing_ok=True)
        return count

    def count(self, span: Span) -> int:
        """How many are of days within a span. Raises OSError."""
        return sum(span.has_day(row.day) for row in self._read())

    def wipe(self, span: Span) -> int:
        """Delete those of days within a span; how many there were. Raises OSError."""
        if not self._path.exists():
            return 0
        with self._locked():
            found = self._read()
            kept = [row for row in found if not span.has_day(row.day)]
            if len(kept) < len(found):
                self._write(kept)
        return len(found) - len(kept)

    def _within(self, rows: list[Gap]) -> list[Gap]:
        oldest = (_today() - timedelta(days=self._days)).isoformat()
        return [row for row in rows if not self._days or row.day >= oldest]

    def _read(self) -> list[Gap]:
        try:
            with self._path.open("rb") as file:
                lines = file.read(_BYTES).decode("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []
        return list(_rows(lines))

    def _write(self, rows: Iterable[Gap]) -> None:
        """All of them anew: a file that is half written is never seen."""
        handle, name = tempfile.mkstemp(dir=self._folder)  # for its owner alone
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                for row in rows:
                    file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _rows(lines: Iterable[str]) -> Iterator[Gap]:
    for line in lines:
        with suppress(ValueError, TypeError, KeyError):  # a line that is damaged is left out
            row = json.loads(line)
            date.fromisoformat(row["day"])
            yield Gap(row["day"], str(row["text"]), str(row["language"]))


def _today() -> date:
    return date.today()


def _tells(text: str) -> bool:
    """Whether a question is left after the blanks."""
    words = text.replace(BLANK, " ").split()
    return len(words) >= _FEWEST or (bool(words) and not words[0].isascii() and len(words[0]) > 1)
