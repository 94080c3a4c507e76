"""Batches as they lie on the disk: a folder each, below one, and gone with it.

    batch.json      what was asked for
    rows.json       each row: its number, its words for people, its files' name, its cells
    scripts.jsonl   each row's script, a line each, in the same order
    files/          the project's files as they were then

Everything here reads and writes files: not for the event loop.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from visavis.models.files import PRIVATE, PRIVATE_FOLDER, private_folder, whole
from visavis.server.studio.batches.checking import Checked
from visavis.server.studio.document.naming import file_fault
from visavis.server.system.errors import NotFound

HEAD, ROWS, SCRIPTS, FILES = "batch.json", "rows.json", "scripts.jsonl", "files"
_NEW: Final = ".new-"
_STALE: Final = 24 * 3600.0  # s after which what was never finished is removed
_ID: Final = 12  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class Batch:
    """What was asked for.

    title: of the script. project: its name in the store, "": it came with the request. at: Unix
    time, s. headings: of the table's columns, by their keys. proof: rows that are made before the
    others, empty: all are made. webhook: address that is told when it is over. asked: whether the
    queue knows of all rows that are to be made.
    """

    id: str
    title: str
    project: str
    at: float
    formats: tuple[str, ...]
    headings: Mapping[str, str]
    rows: int
    seconds: float
    proof: tuple[int, ...] = ()
    webhook: str = ""
    asked: bool = False

    def makes(self, row: int) -> bool:
        """Whether it is to be made now."""
        return not self.proof or row in self.proof

    def job(self, row: int) -> str:
        """The id of a row's job."""
        return f"{self.id}.{row}"


@dataclass(frozen=True, slots=True)
class RowKept:
    """One row: as `checking.Film`, without its script."""

    row: int
    label: str
    name: str
    seconds: float
    values: Mapping[str, str]


class Batches:
    """Those below one folder, which is made with the first of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(
        self, checked: Checked, project: str, title: str, formats: Sequence[str], files: Path | None
    ) -> Path:
        """Write down what is to be made, in a folder that nobody sees yet. Raises OSError.

        files: the project's, which are linked, for whoever changes one puts another in its place.
        """
        private_folder(self._folder)
        self._sweep()
        id = secrets.token_hex(_ID // 2)
        new = self._folder / f"{_NEW}{id}"
        new.mkdir(mode=PRIVATE_FOLDER)
        try:
            rows = [
                asdict(RowKept(film.row, film.label, film.name, film.seconds, film.values))
                for film in checked.films
            ]
            with _private(new / SCRIPTS) as file:
                for film in checked.films:
                    file.write(json.dumps(film.script).encode() + b"\n")
            _write(new / ROWS, rows)
            _linked(files, new / FILES)
            batch = Batch(
                id, title, project, time.time(), tuple(formats), dict(checked.headings), len(rows),
                checked.seconds,
            )  # fmt: skip
            _write(new / HEAD, asdict(batch))
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        return new

    def publish(self, new: Path, proof: Sequence[int] = (), webhook: str = "") -> Batch:
        """From now on it is there. Raises OSError."""
        batch = replace(_read(new), proof=tuple(proof), webhook=webhook)
        _write(new / HEAD, asdict(batch))
        new.rename(self._folder / batch.id)
        return batch

    def change(self, batch: Batch) -> None:
        """Keep what became of it. Raises OSError, NotFound."""
        _write(self._path(batch.id) / HEAD, asdict(batch))

    def all(self) -> list[Batch]:
        """The latest first."""
        found = []
        for folder in self._folder.glob("*/" + HEAD):
            if not folder.parent.name.startswith(_NEW):
                try:
                    found.append(_read(folder.parent))
                except (OSError, ValueError, TypeError, KeyError):  # it goes just now, or is broken
                    continue
        return sorted(found, key=lambda batch: -batch.at)

    def read(self, id: str) -> Batch:
        """Raises NotFound."""
        try:
            return _read(self._path(id))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise _unknown() from error

    def rows(self, id: str) -> list[RowKept]:
        """In the order of the table. Raises NotFound."""
        try:
            return [RowKept(**row) for row in json.loads((self._path(id) / ROWS).read_bytes())]
        except (OSError, ValueError, TypeError) as error:
            raise _unknown() from error

    def scripts(self, id: str) -> list[str]:
        """Of all rows, in the same order. Raises NotFound."""
        try:
            with (self._path(id) / SCRIPTS).open("rb") as file:
                return [json.loads(line) for line in file]
        except (OSError, ValueError) as error:
            raise _unknown() from error

    def files(self, id: str) -> Path:
        """The folder of the project's files."""
        return self._path(id) / FILES

    def remove(self, id: str) -> None:
        """Raises NotFound."""
        folder = self._path(id)
        gone = folder.with_name(f"{_NEW}{id}.gone")
        folder.rename(gone)  # at once, so that nobody sees half of it
        shutil.rmtree(gone, ignore_errors=True)

    def tidy(self, has_jobs: Callable[[str], bool]) -> None:
        """Remove those that were begun and whose jobs have all gone. Raises OSError."""
        for batch in self.all():
            if batch.asked and not has_jobs(batch.id):
                self.remove(batch.id)

    def _path(self, id: str) -> Path:
        """Raises NotFound."""
        folder = self._folder / id
        if len(id) != _ID or not id.isalnum() or not (folder / HEAD).is_file():
            raise _unknown()
        return folder

    def _sweep(self) -> None:
        """What was never begun."""
        for folder in self._folder.glob(_NEW + "*"):
            if time.time() - folder.stat().st_mtime > _STALE:
                shutil.rmtree(folder, ignore_errors=True)


def _unknown() -> NotFound:
    return NotFound("There is no such batch.", "batch-not-found")


def _read(folder: Path) -> Batch:
    said: dict[str, Any] = json.loads((folder / HEAD).read_bytes())
    said |= {name: tuple(said[name]) for name in ("formats", "proof")}
    return Batch(**said)


@contextmanager
def _private(path: Path) -> Iterator[Any]:
    with whole(path, PRIVATE) as file:
        yield file


def _write(path: Path, content: Any) -> None:
    with _private(path) as file:
        file.write(json.dumps(content, ensure_ascii=False).encode())


def _linked(source: Path | None, to: Path) -> None:
    """The files of a project, as they are now."""
    to.mkdir(mode=PRIVATE_FOLDER)
    for path in sorted(source.rglob("*")) if source else ():
        name = path.relative_to(source).as_posix() if source else ""
        if file_fault(name) or not path.is_file() or path.suffix in {".md", ".json"}:
            continue
        if source and not path.resolve().is_relative_to(source.resolve()):
            continue  # a copy of what a link leads to would no longer lie outside
        there = to / name
        private_folder(there.parent)
        try:
            os.link(path, there)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise
            shutil.copyfile(path, there)
