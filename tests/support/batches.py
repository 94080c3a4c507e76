"""A work that stands for films, and a queue that does it in threads of its own."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from visavis.server.jobs.job import Cancelled, Job, Working
from visavis.server.jobs.queued import JobQueue
from visavis.server.jobs.running import Told
from visavis.server.jobs.working import Ending, worded
from visavis.server.system.config import Config
from visavis.server.system.errors import NotFound, Unprocessable


def film(request: Mapping[str, Any], working: Working) -> Mapping[str, Any]:
    """A file of the script's text; fails of who is called Broken until a file says otherwise.

    Whoever is called Slow is waited for.
    """
    text, folder = request["script"], Path(request["folder"])
    working.tell(0.5, "draws")
    if "Broken" in text and not (folder / "mended.png").exists():
        raise Unprocessable("The picture of Broken cannot be read.", "unusable-file")
    while "Slow" in text and not (folder / "go.png").exists():
        time.sleep(0.01)
        working.tell(0.6, "waits")
    made = {}
    for each in request["formats"]:
        (working.folder / f"film.{each}").write_text(text)
        made[each] = f"film.{each}"
    return {"files": made, "seconds": 4.0, "notes": [], "drawn": 10, "found": 30}


class _Here:
    def __init__(self, folder: Path, told: Any, unwanted: threading.Event) -> None:
        self.folder, self.config = folder, Config()
        self._told, self._unwanted = told, unwanted

    def tell(self, done: float, note: str = "") -> None:
        if self._unwanted.is_set():
            raise Cancelled
        self._told(done, note)


class Inside:
    """Runner: two at a time, in threads. done: ids of jobs, in the order in which they ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._busy: dict[str, threading.Event] = {}
        self.done: list[str] = []

    begins = True

    async def open(self) -> None: ...

    async def settled(self, id: str) -> None: ...

    def room(self) -> int:
        return 2 - len(self._busy)

    async def run(self, job: Job, told: Told) -> Ending:
        loop = asyncio.get_running_loop()
        unwanted = self._busy[job.id] = threading.Event()
        place = self._folder / job.id

        def work() -> Ending:
            place.mkdir(parents=True, exist_ok=True)
            here = _Here(place, lambda *said: loop.call_soon_threadsafe(told, *said), unwanted)
            try:
                return Ending("done", result=film(job.request, here))
            except Cancelled:
                return Ending("cancelled")
            except Exception as error:  # noqa: BLE001 (as the real one has it)
                return worded(error)

        try:
            return await asyncio.to_thread(work)
        finally:
            unwanted.set()  # a thread that nobody waits for ends
            del self._busy[job.id]
            self.done.append(job.id)

    def cancel(self, id: str) -> None:
        if id in self._busy:
            self._busy[id].set()

    def settle(self) -> None: ...

    async def fetch(self, id: str) -> Path:
        if not await asyncio.to_thread((self._folder / id).is_dir):
            raise NotFound("The job has no results here.")
        return self._folder / id

    async def forget(self, ids: list[str]) -> None:
        for id in ids:
            await asyncio.to_thread(shutil.rmtree, self._folder / id, ignore_errors=True)

    async def close(self) -> None:
        for event in self._busy.values():
            event.set()


@asynccontextmanager
async def queue(folder: Path) -> AsyncIterator[tuple[JobQueue, Inside]]:
    """One that works, in a folder."""
    runner = Inside(folder / "results")
    it = JobQueue(folder, runner)
    await it.open()
    try:
        yield it, runner
    finally:
        await it.close()
