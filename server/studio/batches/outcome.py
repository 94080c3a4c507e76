"""A folder with a batch's films and its manifest, which says what is there and what it is of.

Nothing else is remembered: the same command on the same folder makes what is missing, what failed,
and what has changed.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
import os
import shutil
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from visavis.models.files import whole
from visavis.server.jobs.job import OVER, Job, Queue, State
from visavis.server.studio.batches import manifest
from visavis.server.studio.batches.archive import Entry
from visavis.server.studio.batches.checking import Film
from visavis.server.studio.batches.preparing import Order
from visavis.server.studio.batches.working import KIND, PRIORITY, called, files
from visavis.server.studio.document import reading
from visavis.server.studio.document.project import Project
from visavis.server.system.errors import ConfigError

_KEPT: Final = 5.0  # s between two manifests
_MADE_OF: Final = "made of"
_OLD: Final = " old"
_WAITS: Final = "waits"  # begins the note of a job that waits for room, or for conversations


@dataclass
class Outcome:
    """rows: what became of each, by its number: the columns of `manifest`, and what it is of."""

    folder: Path
    order: Order
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    headings: Mapping[str, str] = field(default_factory=dict)  # of the table, by their keys
    drawn: int = 0
    found: int = 0

    def __post_init__(self) -> None:
        """Raises ConfigError, OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._read()

    @cached_property
    def group(self) -> str:
        """Of its jobs: this folder's."""
        return f"batch-{hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:16]}"

    @property
    def shared(self) -> float:
        """Of all pictures of what was made now, the share that was there from other films."""
        return self.found / max(self.drawn + self.found, 1)

    async def missing(self, queue: Queue, films: Sequence[Film], *, again: bool) -> list[Job]:
        """Jobs of the films that are not here, or are of other words. again: of all.

        What an earlier command asked for and nobody wants any more is forgotten.
        """
        jobs = {film.row: await asyncio.to_thread(self._job, film) for film in films}
        wanted = {job.id for job in jobs.values()}
        for state in await queue.group(self.group):
            if state.id not in wanted or again:
                await queue.cancel(state.id)
                await queue.forget(state.id)
        for film in films:
            if again or not await asyncio.to_thread(self._is_here, film, jobs[film.row]):
                self._note(film, jobs[film.row], State(jobs[film.row].id, "queued"))
        await asyncio.to_thread(self._write)
        return [job for row, job in jobs.items() if self.rows[row]["state"] != "done"]

    async def made(self, queue: Queue, jobs: Sequence[Job]) -> AsyncIterator[tuple[float, str]]:
        """Have them made, and fetch each when it is done.

        Tells how many are, in parts of one, and what they wait for. Raises QueueError, OSError
        where this folder takes no more.
        """
        films = {job.id: int(job.id.split(".")[1]) for job in jobs}
        await queue.add(*jobs)
        shares, kept = dict.fromkeys(films, 0.0), time.monotonic()
        try:
            async for state in queue.watch(self.group):
                if state.id not in films:
                    continue
                shares[state.id] = 1.0 if state.status in OVER else state.done
                if state.status in OVER:
                    await self._fetch(queue, films[state.id], state)
                if time.monotonic() - kept > _KEPT:
                    await asyncio.to_thread(self._write)
                    kept = time.monotonic()
                yield sum(shares.values()), state.note if state.note.startswith(_WAITS) else ""
        finally:
            await asyncio.to_thread(self._write)

    def entries(self) -> list[Entry]:
        """All of it, for an archive."""
        videos = [name for row in self.rows.values() for name in str(row["video"]).split(" ")]
        return [(name, self.folder / name) for name in (manifest.NAME, *videos) if name]

    # --- one film ---------------------------------------------------------------------------------

    def _job(self, film: Film) -> Job:
        folder = str(self.order.folder) if self.order.folder else ""
        request = {"script": film.script, "folder": folder, "formats": list(self.order.formats),
                   "scenes": None, "language": "", "values": None}  # fmt: skip
        of = hashlib.sha256(json.dumps([request, self._files(film)]).encode()).hexdigest()[:16]
        return Job(f"{self.group}.{film.row}.{of}", KIND, request, PRIORITY, self.group, film.label)

    def _files(self, film: Film) -> list[tuple[str, int, int]]:
        """The project's files that a film shows, as they are now."""
        found = []
        for name in sorted(used(reading.read(film.script))):
            path = (self.order.folder or Path()) / name
            told = path.stat()
            found.append((name, told.st_size, told.st_mtime_ns))
        return found

    def _is_here(self, film: Film, job: Job) -> bool:
        row = self.rows.get(film.row)
        if row is None or row["state"] != "done" or row[_MADE_OF] != job.id.rsplit(".", 1)[1]:
            return False
        names = str(row["video"]).split(" ")
        same = all(name.startswith(f"{film.name}.") for name in names)
        return same and all((self.folder / name).is_file() for name in names)

    def _note(self, film: Film, job: Job, state: State) -> None:
        before = self.rows.get(film.row, {})
        self.rows[film.row] = {
            **{self.headings[name]: cell for name, cell in film.values.items()},
            "row": film.row,
            "video": "",
            "state": state.status,
            "seconds": "",
            "fault": "",
            "name": film.name,
            _MADE_OF: job.id.rsplit(".", 1)[1],
            _OLD: before.get("video") or before.get(_OLD, ""),
        }

    async def _fetch(self, queue: Queue, number: int, state: State) -> None:
        """Take the films over, and let the queue forget them."""
        row = self.rows[number]
        row |= {"state": state.status, "fault": state.fault}
        if state.status != "done":
            return
        results = await queue.results(state.id)
        names = []
        for made in files(state).values():
            name = called(row["name"], made)
            await asyncio.to_thread(_moved, results / made, self.folder / name)
            names.append(name)
        row |= {"video": " ".join(names), "seconds": state.result.get("seconds", "")}
        await asyncio.to_thread(self._clear, row)
        self.drawn += int(state.result.get("drawn", 0))
        self.found += int(state.result.get("found", 0))
        await queue.forget(state.id)

    def _clear(self, row: dict[str, Any]) -> None:
        """Remove what an earlier command made for this row and nobody's row names any more."""
        named = {name for each in self.rows.values() for name in str(each["video"]).split(" ")}
        for name in set(str(row.pop(_OLD, "")).split(" ")) - named - {""}:
            if Path(name).name == name:
                (self.folder / name).unlink(missing_ok=True)

    # --- the manifest -----------------------------------------------------------------------------

    def _write(self) -> None:
        rows = [self.rows[number] for number in sorted(self.rows)]
        text = manifest.written([*self.headings.values(), _MADE_OF, "name"], rows)
        with whole(self.folder / manifest.NAME) as file:
            file.write(text.encode())

    def _read(self) -> None:
        """What an earlier command left. Raises ConfigError."""
        path = self.folder / manifest.NAME
        if not path.exists():
            return
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file, strict=True)
                self.rows = {int(row["row"]): dict(row) for row in reader}
                is_ours = {*manifest.OWN, _MADE_OF, "name"} <= set(reader.fieldnames or ())
        except (ValueError, KeyError, TypeError, csv.Error):
            is_ours = False
        if not is_ours:
            msg = f"{path} is not what a batch left: move it away, or choose another folder"
            raise ConfigError(msg)


def used(project: Project) -> set[str]:
    """The files that a project shows or plays."""
    grounds = [project.background, *(s.background for s in project.scenes if s.background)]
    names = {each.value for each in grounds if each.kind in {"picture", "video"}}
    names |= {scene.sound for scene in project.scenes}
    names |= {scene.beside.file for scene in project.scenes if scene.beside}
    names |= {project.music.file} if project.music else set()
    return names - {""}


def _moved(source: Path, to: Path) -> None:
    """At once where both are on one disk; else whole or not at all. Raises OSError.

    It is there already where a command ended right after this.
    """
    if to.exists() and not source.exists():
        return
    try:
        os.replace(source, to)
    except OSError:
        with source.open("rb") as file, whole(to) as into:
            shutil.copyfileobj(file, into)
