"""The workers of a parent: started, watched, replaced, and led to their end.

A worker that dies takes its own sessions with it and nobody else's. Its pages are told by the
first thing that they ask, and begin anew with another worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

from visavis.engines.base import EngineError
from visavis.server.http.places import Places
from visavis.server.processes import merging
from visavis.server.processes.link import LONGEST, PARENT, Link, LinkError, socket_of
from visavis.server.processes.register import Register
from visavis.server.processes.worker import Worker
from visavis.server.services.carrying import Measured
from visavis.server.system.errors import Full
from visavis.server.system.metrics import GIVEN_UP, Metrics
from visavis.server.system.seldom import Seldom

log = logging.getLogger(__name__)
_seldom: Final = Seldom(log)  # who asks may ask again and again

_LOOK: Final = 0.5  # s between two looks at who still beats
_HELLO: Final = 60.0  # s in which a process finds its parent
_LOADING: Final = 60  # looks without a beat while models load: imports hold the interpreter
_HUNG: Final = 10  # looks without one, once it was ready
_SILENT: Final = 1.0  # s without one: it may hang
_PAUSE: Final = 0.1, 30.0  # s before one that died is replaced, at first and at most
_STEADY: Final = 60.0  # s after which a worker that dies is replaced at once
_NONE_LEFT: Final = "No worker of the server lives. Others are being started."


@dataclass(frozen=True, slots=True)
class Order:
    """How workers are started: command, and what each is told of the settings (JSON)."""

    command: Sequence[str]
    settings: dict[str, Any]
    environment: dict[str, str]


class Crew:
    """`count` workers. places: kept for all of them. folder: private to this user."""

    def __init__(
        self, order: Order, count: int, folder: Path, places: Places, metrics: Metrics
    ) -> None:
        self._order, self._count, self._folder = order, count, folder
        self._metrics = metrics
        self.register = Register(places)
        self.merged = merging.Merged(metrics.registry)
        self.workers: dict[int, Worker] = {}  # by slot
        self._first = asyncio.Event()  # a worker was ready, so what is cached is cached
        self._fault = asyncio.Event()  # none ever was, and one said why
        self._words = ""
        # What else workers tell, by its kind; told of a link that is new, and of who is over.
        self.reports: dict[str, Callable[[Worker, Any], None]] = {}
        self.greet: Callable[[Link], None] = lambda link: None
        self.buried: Callable[[Worker], None] = lambda worker: None
        self._reported, self._reports = asyncio.Condition(), set[int]()
        self._measured: asyncio.Future[Measured | None] | None = None
        self._ending = False
        self._tasks: list[asyncio.Task[None]] = []
        self._server: asyncio.Server | None = None
        metrics.workers.set_function(lambda: sum(w.takes for w in self.workers.values()))

    # --- what the rest of the parent asks -------------------------------------------------------

    @property
    def missing(self) -> str | None:
        """Why no session can begin now; None: it can."""
        workers = list(self.workers.values())
        if any(worker.takes for worker in workers):
            return None
        return next((w.missing for w in workers if not w.is_over and w.missing), _NONE_LEFT)

    def roomiest(self, but: Collection[Worker] = ()) -> Worker | None:
        """Who gets the next session, one that is silent last; None: nobody can, but those."""
        ready = [each for each in self.workers.values() if each.takes and each not in but]
        since = monotonic() - _SILENT
        return min(ready, key=lambda each: (each.heard < since, each.load, each.slot), default=None)

    def check_place(self, who: str) -> None:
        """Before an offer of that address is read or sent on. Raises Full."""
        try:
            self.register.check(who)
        except Full as error:
            self._metrics.refused.inc()
            _seldom.warning("full", "a session was refused", why=error.detail)
            raise

    async def samples(self, within: float = 0.5) -> None:
        """Wait until every worker has told its metrics anew, or for so many s."""
        asked = {w.pid for w in self.workers.values() if w.takes}
        self._reports.clear()
        for worker in self.workers.values():
            worker.tell("samples")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within), self._reported:
                await self._reported.wait_for(lambda: asked <= self._reports)

    async def carries(self, free: Callable[[], bool]) -> Measured | None:
        """The self-test of one worker, on all cores; None: somebody came meanwhile.

        Raises EngineError.
        """
        worker = self.roomiest()
        if worker is None:
            return None
        measured = self._measured = asyncio.get_running_loop().create_future()
        worker.tell("carry")
        while not measured.done() and not worker.is_over:
            if not free():
                worker.tell("do not carry")
            await asyncio.wait([measured], timeout=0.05)
        return measured.result() if measured.done() else None

    def pictures(self) -> tuple[float, float]:
        """As `Metrics.sent_and_late`, of all workers."""
        total = self.merged.total
        sent, late, held = (total(f"visavis_frames{what}") for what in ("", "_late", "_held"))
        return sent, late + held + sum(total("visavis_pictures", step=step) for step in GIVEN_UP)

    # --- their life -----------------------------------------------------------------------------

    async def open(self) -> None:
        """Start them; returns once the first can take sessions. Raises OSError, EngineError."""
        self._server = await asyncio.start_unix_server(
            self._met, self._folder / PARENT, limit=LONGEST
        )
        for slot in range(self._count):
            self._tasks.append(asyncio.create_task(self._keep(slot), name=f"worker {slot}"))
        self._tasks.append(asyncio.create_task(self._watch(), name="watch workers"))
        first, fault = (asyncio.create_task(e.wait()) for e in (self._first, self._fault))
        try:
            await asyncio.wait((first, fault), return_when=asyncio.FIRST_COMPLETED)
        finally:
            first.cancel()
            fault.cancel()
        if not self._first.is_set():
            raise EngineError(self._words)

    async def drain(self, within: float) -> None:
        """Let every session finish within so many s; returns when all workers have ended."""
        self._ending = True
        for worker in self.workers.values():
            if worker.link is None:
                worker.kill("ended")
            worker.tell("drain", within)
        ends = [asyncio.ensure_future(w.process.wait()) for w in self.workers.values()]
        if ends:
            await asyncio.wait(ends)

    async def close(self) -> None:
        """End whoever is left."""
        self._ending = True
        for worker in self.workers.values():
            worker.kill("ended")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in self.workers.values():
            await worker.close()
        if self._server is not None:
            self._server.close()

    async def _keep(self, slot: int) -> None:
        """One place for a worker: whoever dies is replaced."""
        if slot:
            await self._first.wait()
        pause = _PAUSE[0]
        while not self._ending:
            began = monotonic()
            try:
                worker = await self._start(slot)
            except OSError as error:  # the system has no process or memory left for one
                pause = min(2 * pause, _PAUSE[1])
                extra = {"worker": slot, "why": error.strerror, "again_in": round(pause, 1)}
                log.error("a worker cannot be started", extra=extra)  # noqa: TRY400
                await asyncio.sleep(pause)
                continue
            status = await worker.process.wait()
            if self._ending:
                return
            pause = _PAUSE[0] if monotonic() - began >= _STEADY else min(2 * pause, _PAUSE[1])
            self._bury(worker, status, pause)
            await worker.close()
            await asyncio.sleep(pause)

    async def _start(self, slot: int) -> Worker:
        process = await asyncio.create_subprocess_exec(
            *self._order.command,
            str(self._folder), str(slot), str(os.getpid()),
            stdin=asyncio.subprocess.DEVNULL,
            env=self._order.environment,
            start_new_session=True,  # a terminal's Ctrl+C is for the parent alone
        )  # fmt: skip
        worker = self.workers[slot] = Worker(slot, process)
        asyncio.get_running_loop().call_later(_HELLO, self._expect, worker)
        return worker

    def _expect(self, worker: Worker) -> None:
        if worker.link is None and not worker.is_over:
            worker.kill("start")

    def _bury(self, worker: Worker, status: int, pause: float) -> None:
        """Its sessions are lost, and everybody may know it."""
        worker.is_over = True
        self.merged.retire(worker.pid)
        self.register.bury(worker)
        self.buried(worker)
        if not worker.was_ready and worker.why == "ended":
            worker.why = "start"
        elif status < 0 and worker.why == "ended":
            worker.why = "killed"
        self._metrics.workers_lost.labels(worker.why).inc()
        self._metrics.sessions_lost.inc(len(worker.names))
        extra = {
            "worker": worker.slot,
            "why": worker.why,
            "status": status,
            "sessions": len(worker.names),
            "again_in": round(pause, 1),
        }
        log.error("a worker ended", extra=extra)

    async def _watch(self) -> None:
        """Kill who does not beat. Looks are counted, not seconds: a machine may sleep."""
        silent: dict[int, int] = {}
        while True:
            await asyncio.sleep(_LOOK)
            for worker in list(self.workers.values()):
                quiet = silent.get(worker.pid, 0) + 1 if not worker.beats else 0
                silent[worker.pid], worker.beats = quiet, 0
                patience = _HUNG if worker.was_ready else _LOADING
                if worker.link is not None and quiet > patience and not worker.is_over:
                    worker.kill("hung")

    # --- what they say --------------------------------------------------------------------------

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody has found the parent's socket."""
        link = Link(reader, writer)
        try:
            kind, pid = await link.receive()
            worker = next((w for w in self.workers.values() if w.pid == pid), None)
            if kind != "hello" or worker is None or worker.link is not None:
                return
            worker.linked(link, str(socket_of(self._folder, worker.slot, worker.pid)))
            link.send("settings", self._order.settings)
            self.greet(link)
            await self._listen(worker, link)
        except LinkError:
            return
        finally:
            link.close()

    async def _listen(self, worker: Worker, link: Link) -> None:
        async for kind, content in link:
            if worker.is_over:  # what it said last comes late
                return
            try:
                await self._hear(worker, kind, content)
            except (TypeError, ValueError, KeyError, AttributeError):
                worker.kill("nonsense")
                return

    async def _hear(self, worker: Worker, kind: str, content: Any) -> None:
        """Raises TypeError, ValueError, KeyError, AttributeError for what is none of it."""
        if self.register.hear(worker, kind, content):
            return
        if kind in self.reports:
            self.reports[kind](worker, content)
            return
        match kind:
            case "beat":
                self._beat(worker, content)
            case "samples":
                self.merged.put(worker.pid, merging.read(content))
                self._reports.add(worker.pid)
                async with self._reported:
                    self._reported.notify_all()
            case "carries" | "does not carry":
                self._carried(kind, content)
            case "failed":
                log.error("a worker cannot begin", extra={"worker": worker.slot, "fault": content})
                self._words = str(content)
                self._fault.set()
            case _:
                raise ValueError("no such message")

    def _carried(self, kind: str, content: Any) -> None:
        if self._measured is None or self._measured.done():
            return
        if kind == "carries":
            self._measured.set_result(Measured(**content) if content else None)
        else:
            self._measured.set_exception(EngineError(str(content)))

    def _beat(self, worker: Worker, content: Any) -> None:
        worker.beats += 1
        worker.heard = monotonic()
        missing = content["missing"]
        worker.missing = None if missing is None else str(missing)
        if worker.takes:
            worker.was_ready = True
            self._first.set()
        for holder in content["holders"]:
            self.register.hear(worker, "state", holder)
