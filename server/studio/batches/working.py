"""Batches made over a queue: each row is a job of one group."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from visavis.server.jobs.job import OVER, Job, Queue, State
from visavis.server.studio.batches import manifest
from visavis.server.studio.batches.archive import Entry
from visavis.server.studio.batches.keeping import Batch, Batches, RowKept
from visavis.server.system.errors import Conflict, NotFound, Problem, QueueError
from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

KIND: Final = "film"
PRIORITY: Final = 3  # one video is not behind a thousand rows
PROOF: Final = 5  # somebody waits to look at it
_APART: Final = 1.0  # s between two words about a batch
_LATELY: Final = 20  # rows by whose ends the time left is told

Status = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Row:
    """A row and how far it is. state: None, the queue knows nothing of it: not yet, or no more."""

    kept: RowKept
    state: State | None
    deleted: bool = False

    def as_json(self) -> dict[str, Any]:
        """For the API."""
        state = self.state or State("", "queued")
        return {
            "row": self.kept.row, "label": self.kept.label,
            "status": state.status if self.state else "deleted" if self.deleted else "waiting",
            "done": round(state.done, 3), "note": state.note, "fault": state.fault,
            "code": state.code, "files": dict(files(state)),
            "seconds": state.result.get("seconds", self.kept.seconds),
            "notes": list(state.result.get("notes", ())),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """A batch and how far it is. states: of the rows that are to be made now, by their jobs.

    rows: all of them, in the order of the table; empty where nobody asked for them.
    """

    batch: Batch
    states: Mapping[str, State]
    kept: tuple[RowKept, ...] = ()

    @property
    def rows(self) -> list[Row]:
        """All, in the order of the table."""
        batch = self.batch
        return [
            Row(row, self.states.get(batch.job(row.row)), batch.asked and batch.makes(row.row))
            for row in self.kept
        ]

    @property
    def status(self) -> Status:
        """Of the whole: it runs until all that is asked for is over."""
        found = {state.status for state in self.states.values()}
        if not found or found == {"queued"}:
            return "queued"
        if found - OVER:
            return "running"
        return next((each for each in ("failed", "cancelled") if each in found), "done")

    @property
    def done(self) -> float:
        """Share of what is asked for, 0 to 1."""
        states = self.states.values()
        shares = [1.0 if state.status in OVER else state.done for state in states]
        return sum(shares) / len(shares) if shares else 0.0

    @property
    def left(self) -> float | None:
        """s, by how fast the latest rows ended; None: nobody knows."""
        open_ones = [state for state in self.states.values() if state.status not in OVER]
        if not open_ones:
            return 0.0
        ends = sorted(state.at for state in self.states.values() if state.status == "done")[
            -_LATELY:
        ]
        if len(ends) < 3 or ends[-1] <= ends[0]:
            return None
        each = (ends[-1] - ends[0]) / (len(ends) - 1)
        return round(each * sum(1.0 - state.done for state in open_ones), 1)

    def summary(self) -> dict[str, Any]:
        """Without the rows."""
        found = [state.status for state in self.states.values()]
        counts = {status: found.count(status) for status in ("done", "failed", "cancelled")}
        return {
            "id": self.batch.id, "title": self.batch.title, "project": self.batch.project,
            "at": self.batch.at, "formats": list(self.batch.formats), "status": self.status,
            "done": round(self.done, 4), "left": self.left, "count": self.batch.rows,
            "waiting": self.batch.rows - len(found), "proof": bool(self.batch.proof),
            "counts": counts, "seconds": self.batch.seconds,
        }  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """For the API."""
        return {**self.summary(), "rows": [row.as_json() for row in self.rows]}


class Working:
    """The batches of an installation, in one event loop."""

    def __init__(self, kept: Batches, queue: Queue) -> None:
        self._kept, self._queue = kept, queue
        self._giving = asyncio.Lock()

    async def open(self) -> None:
        """Ask for what was not asked for when the server ended. What went by its age is removed."""
        for batch in await asyncio.to_thread(self._kept.all):
            try:
                if not batch.asked:
                    await self._ask(batch)
                elif not await self._states(batch):
                    await asyncio.to_thread(self._kept.remove, batch.id)
            except (NotFound, QueueError, OSError) as error:
                log.warning(
                    "a batch cannot go on", extra={"batch": batch.id, "fault": fault(error)}
                )

    async def begin(self, new: Path, proof: Sequence[int], webhook: str) -> Report:
        """new: as `Batches.keep` left it. proof: rows that are made before the others.

        Raises QueueError, Unprocessable (of a webhook), OSError; then nothing is left of it.
        """
        batch = await asyncio.to_thread(self._kept.publish, new, proof, webhook)
        try:
            await self._ask(batch)
        except Problem:
            await asyncio.to_thread(self._kept.remove, batch.id)
            raise
        return await self.report(batch.id)

    async def all(self) -> list[Report]:
        """The latest first, without their rows."""
        found = []
        for batch in await asyncio.to_thread(self._kept.all):
            try:
                found.append(Report(batch, await self._states(batch)))
            except NotFound:  # it went meanwhile
                continue
        return found

    async def report(self, id: str) -> Report:
        """Raises NotFound, QueueError."""
        batch = await asyncio.to_thread(self._kept.read, id)
        rows = await asyncio.to_thread(self._kept.rows, id)
        return Report(batch, await self._states(batch), tuple(rows))

    async def _states(self, batch: Batch) -> dict[str, State]:
        return {state.id: state for state in await self._queue.group(batch.id)}

    async def watch(self, id: str) -> AsyncGenerator[tuple[Report, list[Row]]]:
        """The present, then each change, a second apart at least, until it is over.

        With the rows that have changed since the last one; the first time all of them.
        """
        report = await self.report(id)
        yield report, report.rows
        kept = {report.batch.job(row.row): row for row in report.kept}
        states, changed = dict(report.states), set[str]()
        told = asyncio.get_running_loop().time()
        async for state in self._queue.watch(id):
            if state.id not in kept or states.get(state.id) == state:
                continue
            states[state.id] = state
            changed.add(state.id)
            if asyncio.get_running_loop().time() - told >= _APART:
                yield replace(report, states=states), [Row(kept[j], states[j]) for j in changed]
                changed.clear()
                told = asyncio.get_running_loop().time()
        if changed:
            yield replace(report, states=states), [Row(kept[j], states[j]) for j in changed]

    async def go_on(self, id: str) -> Report:
        """After a proof: make the other rows, too. Raises NotFound, Conflict, QueueError."""
        batch = await asyncio.to_thread(self._kept.read, id)
        if not batch.proof:
            raise Conflict("All rows of this batch are made already.", "batch-whole")
        batch = replace(batch, proof=(), asked=False)
        await asyncio.to_thread(self._kept.change, batch)
        await self._ask(batch)
        return await self.report(id)

    async def retry(self, id: str, rows: Iterable[int] = ()) -> Report:
        """Begin anew what failed or was cancelled; rows: of them alone.

        Raises NotFound, Conflict, QueueError.
        """
        report = await self.report(id)
        wanted = set(rows) or {row.kept.row for row in report.rows}
        jobs = [
            job
            for row in report.rows
            if row.state and row.state.status in {"failed", "cancelled"} and row.kept.row in wanted
            if (job := await self._queue.job(row.state.id)) is not None
        ]
        if not jobs:
            raise Conflict("None of these rows has failed or was cancelled.", "nothing-failed")
        await self._queue.add(*jobs)
        return await self.report(id)

    async def remove(self, id: str) -> bool:
        """Cancel it; what is over is forgotten, with all its films. Returns whether it was.

        Raises NotFound, QueueError.
        """
        report = await self.report(id)
        if report.status not in OVER:
            await self._queue.cancel(id)
            return False
        await self._queue.forget(id)
        await asyncio.to_thread(self._kept.remove, id)
        return True

    async def file(self, id: str, row: int, name: str) -> tuple[Path, str]:
        """One of a row's files on this machine, and what it is called. Raises NotFound."""
        report = await self.report(id)
        for each in report.rows:
            if each.kept.row == row and each.state and name in files(each.state).values():
                folder = await self._queue.results(each.state.id)
                return folder / name, called(each.kept.name, name)
        raise NotFound("There is no such file of that row.", "file-not-found")

    async def entries(self, report: Report) -> list[Entry]:
        """All films and the manifest, for an archive. Raises NotFound, QueueError."""
        found: list[Entry] = [(manifest.NAME, manifest_of(report).encode())]
        for row in report.rows:
            if row.state is None or row.state.status != "done":
                continue
            folder = await self._queue.results(row.state.id)
            found += [
                (called(row.kept.name, name), folder / name) for name in files(row.state).values()
            ]
        return found

    async def _ask(self, batch: Batch) -> None:
        """Ask the queue for all rows that are to be made and that it does not know of.

        What has failed is known, and stays so until somebody wants it again.
        """
        async with self._giving:
            known = await self._states(batch)
            rows = await asyncio.to_thread(self._kept.rows, batch.id)
            wanted = [
                row for row in rows if batch.makes(row.row) and batch.job(row.row) not in known
            ]
            if wanted:
                scripts = await asyncio.to_thread(self._kept.scripts, batch.id)
                by_row = {row.row: script for row, script in zip(rows, scripts, strict=True)}
                folder = await asyncio.to_thread(self._kept.files, batch.id)
                await self._queue.add(
                    *(_job(batch, row, by_row[row.row], folder) for row in wanted)
                )
            await asyncio.to_thread(self._kept.change, replace(batch, asked=True))


def _job(batch: Batch, row: RowKept, script: str, folder: Path) -> Job:
    request = {"script": script, "folder": str(folder), "formats": list(batch.formats),
               "scenes": None, "language": "", "values": None}  # fmt: skip
    priority = PROOF if batch.proof else PRIORITY
    return Job(batch.job(row.row), KIND, request, priority, batch.id, row.label, batch.webhook)


def files(state: State) -> Mapping[str, str]:
    """A row's files by their formats."""
    found: Mapping[str, str] = state.result.get("files", {})
    return found


def called(row: str, made: str) -> str:
    """What a film's file is called in a row: "film.webm.c2pa" -> "00002-anna.webm.c2pa"."""
    return row + "".join(Path(made).suffixes)


def manifest_of(report: Report) -> str:
    """What became of each row, as a table."""
    headings = report.batch.headings
    rows = []
    for row in report.rows:
        said = row.as_json()
        videos = [called(row.kept.name, name) for name in said["files"].values()]
        rows.append({
            **{heading: row.kept.values.get(name, "") for name, heading in headings.items()},
            "row": row.kept.row, "video": " ".join(videos), "state": said["status"],
            "seconds": said["seconds"] if videos else "", "fault": said["fault"],
        })  # fmt: skip
    return manifest.written(list(headings.values()), rows)
