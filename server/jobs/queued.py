"""The queue: jobs kept in a ledger, done by a runner, and told to whoever looks at them."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from visavis.server.jobs.job import ID, OVER, Job, State
from visavis.server.jobs.ledger import Ledger, Taken
from visavis.server.jobs.pace import Pace
from visavis.server.jobs.running import Runner
from visavis.server.jobs.watching import Watchers
from visavis.server.jobs.working import Ending
from visavis.server.system.errors import NotFound, QueueError
from visavis.server.system.faults import fault
from visavis.server.system.flow import Tasks, Worker

log = logging.getLogger(__name__)

_LOOK: Final = 1.0  # s between two looks at the ledger, should nobody have said anything
_KEEP: Final = 5.0  # s between two notes of how far a job is
_AGAIN: Final = 15.0  # s until a job that had no room is begun anew
_SOON: Final = 1.0  # s until one that crashed is
_CRASHES: Final = 3  # after which it has failed
_FULL: Final = "waits: the disk is full, it goes on when there is room"
_LOCK: Final = "lock"

P = ParamSpec("P")
R = TypeVar("R")


class JobQueue:
    """Queue. One process of a home has the lock and does jobs; others add to them and look on.

    clock: s, of any beginning.
    """

    def __init__(
        self, folder: Path, runner: Runner, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder, self._runner, self._clock = folder, runner, clock
        self._worker = Worker("jobs")
        self._ledger: Ledger | None = None
        self._lock: int | None = None
        self._watchers = Watchers()
        self._running: dict[str, State] = {}
        self._tasks = Tasks()
        self._new = asyncio.Event()

    async def open(self) -> None:
        """Begin to do what there is. Raises QueueError."""
        self._ledger = await self._worker.load(Ledger, self._folder)
        await self._runner.open()
        self._tasks.start(self._dispatch(), "jobs")

    # --- Queue ------------------------------------------------------------------------------------

    async def add(self, *jobs: Job) -> tuple[State, ...]:
        """See Queue."""
        for job in jobs:
            if not ID.fullmatch(job.id):
                raise QueueError(f"A job's id has letters, digits, dots and dashes: {job.id!r}.")
        states = await self._on(Ledger.add, jobs)
        for job, state in zip(jobs, states, strict=True):
            self._watchers.tell(self._live(state), job.group)
        self._new.set()
        return tuple(map(self._live, states))

    async def job(self, id: str) -> Job | None:
        """See Queue."""
        found = await self._on(Ledger.find, id)
        return found[0] if found else None

    async def state(self, id: str) -> State | None:
        """See Queue."""
        found = await self._on(Ledger.find, id)
        return self._live(found[1]) if found else None

    async def group(self, group: str) -> tuple[State, ...]:
        """See Queue."""
        return tuple(map(self._live, await self._on(Ledger.group, group)))

    async def jobs(self, kind: str) -> Sequence[tuple[Job, State]]:
        """See Queue."""
        found = await self._on(Ledger.alone, kind)
        return [(job, self._live(state)) for job, state in found]

    async def watch(self, id: str) -> AsyncIterator[State]:
        """See Queue."""
        with self._watchers.watcher(id) as it:
            states = await self._named(id)
            open_ones: set[str] = set()
            while True:
                for state in states:
                    (open_ones.discard if state.status in OVER else open_ones.add)(state.id)
                    yield state
                if not open_ones:
                    return
                states = await it.changed(_LOOK)
                if not states and self._lock is None:  # another process does them
                    states = [each for each in await self._named(id) if each.id in open_ones]

    async def cancel(self, id: str) -> None:
        """See Queue."""
        ended, running = await self._on(Ledger.cancel, id)
        for job, state in ended:
            self._watchers.tell(state, job.group)
        for name in running:
            self._runner.cancel(name)
        self._new.set()

    async def forget(self, id: str) -> None:
        """See Queue."""
        await self._runner.forget(await self._on(Ledger.forget, id))

    async def results(self, id: str) -> Path:
        """See Queue."""
        if await self.state(id) is None:
            raise NotFound("There is no such job.")
        return await self._runner.fetch(id)

    async def close(self) -> None:
        """See Queue."""
        await self._tasks.close()
        await self._runner.close()
        if self._ledger is not None:
            await self._worker.load(self._ended)
        self._worker.close()

    # --- doing ------------------------------------------------------------------------------------

    async def _dispatch(self) -> None:
        while True:
            try:
                if await self._worker.load(self._owns):
                    self._runner.settle()
                    await self._begin()
            except QueueError as error:
                log.warning("jobs cannot be begun", extra={"fault": fault(error)})
            try:
                async with asyncio.timeout(_LOOK):
                    await self._new.wait()
            except TimeoutError:
                pass
            self._new.clear()

    async def _begin(self) -> None:
        while self._runner.room() > 0:
            taken = await self._on(Ledger.take)
            if taken is None:
                return
            self._running[taken.job.id] = taken.state
            self._watchers.tell(taken.state, taken.job.group)
            self._tasks.start(self._do(taken), f"job {taken.job.id}")
            await asyncio.sleep(0)  # it takes its room

    async def _do(self, taken: Taken) -> None:
        job, pace, kept = taken.job, Pace(), self._clock()

        def told(done: float, note: str) -> None:
            nonlocal kept
            now = self._clock()
            left = pace.left(done, now)
            state = replace(
                taken.state, done=done, note=note, left=left, at=time.time(), status="running"
            )
            self._running[job.id] = state
            self._watchers.tell(state, job.group)
            if now - kept >= _KEEP:
                kept = now
                self._tasks.start(self._note(job.id, done, note), f"note {job.id}")

        ending = await self._runner.run(job, told)
        state = await self._surely(taken, ending)
        self._running.pop(job.id, None)
        if state is not None:
            self._watchers.tell(state, job.group)
        self._new.set()

    async def _note(self, id: str, done: float, note: str) -> None:
        try:
            await self._on(Ledger.note, id, done, note)
        except QueueError as error:
            log.warning("a job's progress is not kept", extra={"fault": fault(error)})

    async def _surely(self, taken: Taken, ending: Ending) -> State | None:
        """Keep what became of it, however long the disk is full."""
        while True:
            try:
                return await self._on(_settled, taken, ending)
            except QueueError as error:
                log.warning("a job's end cannot be kept yet", extra={"fault": fault(error)})
                await asyncio.sleep(_LOOK)

    # --- the ledger -------------------------------------------------------------------------------

    async def _on(self, work: Callable[..., R], *args: object) -> R:
        if self._ledger is None:
            raise QueueError("Jobs are not kept here yet.")
        return await self._worker.load(work, self._ledger, *args)

    async def _named(self, id: str) -> list[State]:
        return [self._live(state) for state in await self._on(Ledger.named, id)]

    def _live(self, state: State) -> State:
        """As it is now: what the ledger says of a job that runs is some seconds old."""
        return self._running.get(state.id, state) if state.status == "running" else state

    def _owns(self) -> bool:
        """Whether this process does the jobs of the home."""
        if self._lock is not None:
            return True
        assert self._ledger is not None
        descriptor = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        self._ledger.put_all_back()
        return True

    def _ended(self) -> None:
        assert self._ledger is not None
        if self._lock is not None:
            self._ledger.put_all_back()
            os.close(self._lock)
            self._lock = None
        self._ledger.close()


def _settled(ledger: Ledger, taken: Taken, ending: Ending) -> State | None:
    """What becomes of a job after one try."""
    id = taken.job.id
    match ending.how:
        case "full":
            return ledger.put_back(id, _FULL, wait=_AGAIN)
        case "crashed" if taken.crashes + 1 < _CRASHES:
            return ledger.put_back(id, f"{ending.fault} It is begun anew.", wait=_SOON, crashed=1)
        case "crashed":
            fault = f"{ending.fault} It was begun {_CRASHES} times."
            return ledger.end(id, "failed", fault=fault, code=ending.code)
        case _:
            return ledger.end(
                id, ending.how, result=ending.result, fault=ending.fault, code=ending.code
            )
