"""The queue: jobs kept in a ledger, done by a runner, and told to whoever looks at them."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar, get_args

from visavis.server.jobs.hooks import Webhooks
from visavis.server.jobs.job import ID, OVER, Job, State, Status
from visavis.server.jobs.ledger import FILE, Hook, Ledger, Taken
from visavis.server.jobs.pace import Pace
from visavis.server.jobs.running import Runner
from visavis.server.jobs.watching import Watchers
from visavis.server.jobs.working import Ending
from visavis.server.system.errors import NotFound, QueueError, Unprocessable
from visavis.server.system.flow import Tasks, Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.seldom import Seldom

log = logging.getLogger(__name__)

_LOOK: Final = 1.0  # s between two looks at the ledger, should nobody have said anything
_KEEP: Final = 5.0  # s between two notes of how far a job is
_AGAIN: Final = 15.0  # s until a job that had no room is begun anew
_SOON: Final = 1.0  # s until one that crashed is
_CRASHES: Final = 3  # after which it has failed
_FULL: Final = "waits: the disk is full, it goes on when there is room"
_LOCK: Final = "lock"
_AT_ONCE: Final = 8  # webhooks

R = TypeVar("R")


class JobQueue:
    """Queue. One process of a home has the lock and does jobs; others add to them and look on.

    webhooks: who tells addresses what is over; None: nobody does.
    """

    def __init__(
        self,
        folder: Path,
        runner: Runner,
        webhooks: Webhooks | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._folder, self._runner, self._webhooks = folder, runner, webhooks
        self._metrics = metrics or Metrics()
        self._seldom = Seldom(log)
        self._telling: set[int] = set()  # webhooks that are under way
        self._worker = Worker("jobs")
        self._ledger: Ledger | None = None  # there is no file before the first job
        self._lock: int | None = None
        self._watchers = Watchers()
        self._running: dict[str, State] = {}
        self._tasks = Tasks()
        self._new = asyncio.Event()

    async def open(self) -> None:
        """Begin to do what there is; while that cannot be read, calls raise QueueError."""
        self._tasks.start(self._dispatch(), "jobs")

    # --- Queue ------------------------------------------------------------------------------------

    async def add(self, *jobs: Job) -> tuple[State, ...]:
        """See Queue."""
        for job in jobs:
            if not ID.fullmatch(job.id):
                raise QueueError(f"A job's id has letters, digits, dots and dashes: {job.id!r}.")
            if job.webhook:
                self.check_webhook(job.webhook)
        states = await self._on(Ledger.add, jobs)
        for job, state in zip(jobs, states, strict=True):
            self._watchers.tell(self._live(state), job.group)
        self._new.set()
        return tuple(map(self._live, states))

    def check_webhook(self, address: str) -> None:
        """Whether it may be told. Raises Unprocessable."""
        if self._webhooks is None:
            raise Unprocessable("There are no webhooks here.", "webhook-off")
        self._webhooks.check(address)

    async def job(self, id: str) -> Job | None:
        """See Queue."""
        found = await self._find(id)
        return found[0] if found else None

    async def state(self, id: str) -> State | None:
        """See Queue."""
        found = await self._find(id)
        return self._live(found[1]) if found else None

    async def group(self, group: str) -> tuple[State, ...]:
        """See Queue."""
        if not await self._is_there():
            return ()
        return tuple(map(self._live, await self._on(Ledger.group, group)))

    async def jobs(self, kind: str) -> Sequence[tuple[Job, State]]:
        """See Queue."""
        found = await self._on(Ledger.alone, kind) if await self._is_there() else []
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
                if not open_ones or it.ended:
                    return
                states = await it.changed(_LOOK)
                if not states and self._lock is None:  # another process does them
                    states = [each for each in await self._named(id) if each.id in open_ones]

    async def cancel(self, id: str) -> None:
        """See Queue."""
        if not await self._is_there():
            return
        ended, running = await self._on(Ledger.cancel, id)
        for job, state in ended:
            self._watchers.tell(state, job.group)
        for name in running:
            self._runner.cancel(name)
        self._new.set()

    async def forget(self, id: str) -> None:
        """See Queue."""
        if not await self._is_there():
            return
        try:
            gone = await self._on(Ledger.forget, id)
        except QueueError:  # a full disk takes no word of it until its files have made room
            gone = [state.id for state in await self._named(id) if state.status in OVER]
            await self._runner.forget(gone)
            gone = await self._on(Ledger.forget, id)
        await self._runner.forget(gone)

    async def results(self, id: str) -> Path:
        """See Queue."""
        if await self.state(id) is None:
            raise NotFound("There is no such job.")
        return await self._runner.fetch(id)

    async def close(self) -> None:
        """See Queue."""
        self._watchers.end()
        await self._tasks.close()
        await self._runner.close()
        if self._ledger is not None:
            await self._worker.load(self._ended)
        self._worker.close()

    # --- doing ------------------------------------------------------------------------------------

    async def _dispatch(self) -> None:
        while True:
            with self._doubtful():
                if await self._is_there() and await self._worker.load(self._owns):
                    await self._runner.open()
                    self._runner.settle()
                    await self._begin()
                    await self._tell()
            try:
                async with asyncio.timeout(_LOOK):
                    await self._new.wait()
            except TimeoutError:
                pass
            self._new.clear()

    @contextmanager
    def _doubtful(self) -> Iterator[None]:
        """What cannot be done now is tried again."""
        try:
            yield
        except QueueError as error:
            self._seldom.warning("jobs", "jobs cannot be kept or done now", why=error.detail)

    async def _tell(self) -> None:
        """Whoever is to be told of something over; and the metrics."""
        counts = await self._on(Ledger.counts)
        for status in get_args(Status):
            self._metrics.jobs.labels(status).set(counts.get(status, 0))
        if self._webhooks is None or len(self._telling) >= _AT_ONCE:
            return
        for hook in await self._on(Ledger.hooks):
            if hook.number not in self._telling:
                self._telling.add(hook.number)
                self._tasks.start(self._send(self._webhooks, hook), f"webhook {hook.number}")

    async def _send(self, webhooks: Webhooks, hook: Hook) -> None:
        try:
            wait = await webhooks.send(hook)
            self._metrics.webhooks.labels("told" if wait is None else "again").inc()
            with self._doubtful():
                if wait is None:
                    await self._on(Ledger.hook_over, hook.number)
                else:
                    await self._on(Ledger.hook_again, hook.number, wait)
        finally:
            self._telling.discard(hook.number)

    async def _begin(self) -> None:
        while self._runner.room() > 0:
            taken = await self._on(Ledger.take)
            if taken is None:
                return
            state = taken.state if self._runner.begins else replace(taken.state, status="queued")
            self._running[taken.job.id] = state
            self._watchers.tell(state, taken.job.group)
            self._tasks.start(self._do(taken), f"job {taken.job.id}")
            await asyncio.sleep(0)  # it takes its room

    async def _do(self, taken: Taken) -> None:
        job, pace, began = taken.job, Pace(), time.monotonic()
        kept = began

        def told(done: float, note: str) -> None:
            nonlocal kept
            now = time.monotonic()
            left = pace.left(done, now)
            state = replace(taken.state, done=done, note=note, left=left, at=time.time())
            if not self._runner.begins and not done:  # handed over, and nobody has it yet
                state = replace(state, status="queued")
            self._running[job.id] = state
            self._watchers.tell(state, job.group)
            if now - kept >= _KEEP:
                kept = now
                self._tasks.start(self._note(job.id, done, note), f"note {job.id}")

        ending = await self._runner.run(job, told)
        self._metrics.jobs_ended.labels(job.kind, ending.how).inc()
        self._metrics.job_seconds.labels(job.kind).observe(time.monotonic() - began)
        state = await self._surely(taken, ending)
        await self._runner.settled(job.id)
        self._running.pop(job.id, None)
        if state is not None:
            self._watchers.tell(state, job.group)
        self._new.set()

    async def _note(self, id: str, done: float, note: str) -> None:
        with self._doubtful():
            await self._on(Ledger.note, id, done, note)

    async def _surely(self, taken: Taken, ending: Ending) -> State | None:
        """Keep what became of it, however long the disk is full."""
        while True:
            try:
                return await self._on(_settled, taken, ending)
            except QueueError as error:
                self._seldom.warning("end", "a job's end cannot be kept yet", why=error.detail)
                state = replace(self._running[taken.job.id], note=_FULL, left=None)
                self._running[taken.job.id] = state
                self._watchers.tell(state, taken.job.group)
                await asyncio.sleep(_LOOK)

    # --- the ledger -------------------------------------------------------------------------------

    async def _on(self, work: Callable[..., R], *args: object) -> R:
        if self._ledger is None:
            self._ledger = await self._worker.load(Ledger, self._folder)
        return await self._worker.load(work, self._ledger, *args)

    async def _is_there(self) -> bool:
        """Whether there ever was a job; whoever only looks makes no file."""
        if self._ledger is None and await self._worker.load((self._folder / FILE).exists):
            self._ledger = await self._worker.load(Ledger, self._folder)
        return self._ledger is not None

    async def _named(self, id: str) -> list[State]:
        if not await self._is_there():
            return []
        return [self._live(state) for state in await self._on(Ledger.named, id)]

    async def _find(self, id: str) -> tuple[Job, State] | None:
        return await self._on(Ledger.find, id) if await self._is_there() else None

    def _live(self, state: State) -> State:
        """As it is now: what the ledger says of a job that runs is some seconds old."""
        return self._running.get(state.id, state) if state.status == "running" else state

    def _owns(self) -> bool:
        """Whether this process does the jobs of the home. Raises QueueError."""
        if self._lock is not None:
            return True
        assert self._ledger is not None
        try:
            descriptor = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            why = error.strerror or "unknown reason"
            raise QueueError(f"Jobs cannot be done in {self._folder}: {why}.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._ledger.put_all_back()
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:  # on a full disk, what ran would run for ever if it were ours now
            os.close(descriptor)
            raise
        self._lock = descriptor
        return True

    def _ended(self) -> None:
        assert self._ledger is not None
        if self._lock is not None:
            with self._doubtful():  # whoever has the lock next does it, too
                self._ledger.put_all_back()
            os.close(self._lock)
            self._lock = None
        self._ledger.close()


def _settled(ledger: Ledger, taken: Taken, ending: Ending) -> State | None:
    """What becomes of a job after one try."""
    id = taken.job.id
    match ending.how:
        case "released":
            return ledger.put_back(id)
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
