"""Jobs in processes of this machine, which give way to conversations."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from visavis.server.jobs.job import Job
from visavis.server.jobs.running import Told
from visavis.server.jobs.seat import Seat
from visavis.server.jobs.stores import remove
from visavis.server.jobs.working import UNKNOWN, Ending
from visavis.server.system.errors import NotFound
from visavis.server.system.flow import Tasks
from visavis.server.system.load import resident
from visavis.server.system.thread import Thread

RESULTS: Final = "results"
_GRACE: Final = 5.0  # s that a cancelled job may take to end by itself
_IDLE: Final = 60  # looks, of a second each, after which a process that has nothing to do ends
_MOST_MEMORY: Final = 3 << 30  # bytes after which a process is begun anew with the next job


class _Place:
    """A seat, the thread that looks after it, and the job it has."""

    def __init__(self, seat: Seat, number: int) -> None:
        self.seat, self.thread = seat, Thread(f"job {number}")
        self.job = ""
        self.idle = 0
        self.paused = False


class Allowed(Protocol):
    """How many processes may work."""

    def measure(self) -> None:
        """Look at the machine, once; not in the event loop."""
        ...

    def __call__(self) -> int:
        """Now; asked each second, and before each job."""
        ...


class Embedded:
    """Runner. works: kind -> "module:function".

    settings: of Config, for works. folder: their results lie in folders of their ids below it.
    """

    begins = True

    def __init__(
        self,
        folder: Path,
        works: Mapping[str, str],
        settings: Mapping[str, Any],
        allowed: Allowed,
    ) -> None:
        self._folder, self._works, self._settings = folder / RESULTS, works, settings
        self._allowed = allowed
        self._places: list[_Place] = []
        self._unwanted: set[str] = set()
        self._tasks = Tasks()
        self._words = Thread("job words")  # a pipe may have no room for one
        self._is_open = self._closed = False

    async def open(self) -> None:
        """See Runner."""
        if not self._is_open:
            self._is_open = True
            await asyncio.to_thread(self._allowed.measure)

    def room(self) -> int:
        """See Runner."""
        return 0 if self._closed else self._allowed() - len(self._busy())

    async def run(self, job: Job, told: Told) -> Ending:
        """See Runner."""
        work = self._works.get(job.kind)
        if work is None:
            return Ending("failed", fault=f"Nobody here does {job.kind!r}.", code=UNKNOWN)
        place = self._free()
        place.job, place.idle = job.id, 0
        loop = asyncio.get_running_loop()

        def hear(done: float, note: str) -> None:
            loop.call_soon_threadsafe(told, done, note)

        do = partial(place.seat.do, work, job.request, self._folder / job.id, hear)
        try:
            ending = await loop.run_in_executor(place.thread, do)
        except asyncio.CancelledError:
            place.seat.kill()
            raise
        finally:
            is_unwanted = job.id in self._unwanted
            self._unwanted.discard(job.id)
            place.job = ""
        await self._spare(place)
        return Ending("cancelled") if is_unwanted and ending.how != "done" else ending

    def cancel(self, id: str) -> None:
        """See Runner."""
        if (place := self._having(id)) is not None and id not in self._unwanted:
            self._unwanted.add(id)
            self._words.submit(place.seat.cancel)
            self._tasks.start(self._insist(place, id), f"cancel {id}")

    def settle(self) -> None:
        """See Runner. The latest ones wait; processes that do nothing end."""
        allowed = self._allowed()
        for number, place in enumerate(self._busy()):
            self._pause(place, number >= allowed)
        for place in [place for place in self._places if not place.job]:
            self._pause(place, False)
            place.idle += 1
            if place.idle > _IDLE:
                self._end(place)

    async def settled(self, id: str) -> None:
        """Nothing is left of a try."""

    async def fetch(self, id: str) -> Path:
        """See Runner."""
        folder = self._folder / id
        if not await asyncio.to_thread(folder.is_dir):
            raise NotFound("The job has no results here.")
        return folder

    async def forget(self, ids: list[str]) -> None:
        """See Runner."""
        for id in ids:
            await asyncio.to_thread(remove, self._folder / id)

    async def close(self) -> None:
        """See Runner."""
        self._closed = True
        await self._tasks.close()
        self._words.shutdown(wait=False)
        await asyncio.gather(*map(self._end, list(self._places)))

    @property
    def pids(self) -> list[int]:
        """Of processes that work now."""
        return [pid for place in self._busy() if (pid := place.seat.pid) is not None]

    def _pause(self, place: _Place, paused: bool) -> None:
        if paused != place.paused:
            place.paused = paused
            self._words.submit(place.seat.pause, paused)

    def _busy(self) -> list[_Place]:
        return [place for place in self._places if place.job]

    def _having(self, id: str) -> _Place | None:
        return next((place for place in self._places if place.job == id), None)

    def _free(self) -> _Place:
        for place in self._places:
            if not place.job:
                return place
        place = _Place(Seat(self._settings), len(self._places))
        self._places.append(place)
        return place

    async def _spare(self, place: _Place) -> None:
        """What has grown is not used again."""
        pid = place.seat.pid
        if pid is not None and await asyncio.to_thread(resident, pid) > _MOST_MEMORY:
            place.seat.kill()

    async def _insist(self, place: _Place, id: str) -> None:
        await asyncio.sleep(_GRACE)
        if place.job == id:
            place.seat.kill()

    def _end(self, place: _Place) -> asyncio.Future[None]:
        """Done when its process is gone."""
        place.seat.kill()
        self._places.remove(place)
        gone = asyncio.get_running_loop().run_in_executor(place.thread, place.seat.close)
        place.thread.shutdown(wait=False)
        return gone
