"""Jobs on other machines: handed to Celery, and followed by what workers leave in Redis."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from visavis.server.jobs import exchange
from visavis.server.jobs.exchange import LEASE, RUN, TOLD, WORKERS
from visavis.server.jobs.job import Job
from visavis.server.jobs.running import Told
from visavis.server.jobs.stores import Store, remove
from visavis.server.jobs.working import CRASHED, Ending
from visavis.server.system.errors import QueueError
from visavis.server.system.faults import fault
from visavis.server.system.flow import Tasks, Worker
from visavis.server.system.seldom import Seldom

log = logging.getLogger(__name__)

WAITS: Final = "waits for a worker"
NOBODY: Final = "waits: no `visavis worker` is there"
_WINDOW: Final = 64  # runs that are handed over at a time; the rest wait in the ledger
_LOOK: Final = 2.0  # s between two looks at what became of them
# Looks in a row at which nobody has a run, after which it is begun anew: one that was begun, and an
# order that was taken, for a worker that does much else is slow to say so.
_GONE: Final = 1
_LOST: Final = 5
_PATIENCE: Final = 10.0  # s of one exchange with Redis
FETCHED: Final = "fetched"
_AGAIN: Final = frozenset({"released", "crashed", "full"})  # endings of one run, not of the job


@dataclass(slots=True)
class _Followed:
    """A run that was handed over. doubts: looks in a row at which nobody seemed to have it."""

    run: str
    told: Told
    ending: asyncio.Future[Ending]
    begun: bool = False
    doubts: int = 0
    waits: str = field(default=WAITS)

    def over(self, ending: Ending) -> None:
        """Once."""
        if not self.ending.done():
            self.ending.set_result(ending)


class Distributed:
    """Runner. url: of Redis. store: made once. folder: of this machine, results are fetched to."""

    begins = False

    def __init__(self, url: str, store: Callable[[], Store], folder: Path) -> None:
        self._url, self._make_store, self._folder = url, store, folder / FETCHED
        self._followed: dict[str, _Followed] = {}
        self._worker = Worker("orders")  # Celery and stores wait for their networks
        self._tasks, self._seldom = Tasks(), Seldom(log)
        self._store: Store | None = None
        self._redis: Any = None
        self._app: Any = None
        self._turn = asyncio.Lock()
        self._is_there = False

    async def open(self) -> None:
        """See Runner."""
        if self._redis is None:
            await self._there()
            self._app = await self._worker.load(exchange.celery, self._url)
            self._redis = await self._worker.load(_client, self._url)
            self._tasks.start(self._again(self._look), "runs")
            self._tasks.start(self._again(self._listen), "what workers tell")
        if not self._is_there:
            try:
                await self._redis.ping()
            except _faults() as error:
                where = exchange.place(self._url)
                raise QueueError(f"Redis at {where} cannot be used: {fault(error)}.") from error
            self._is_there = True

    def room(self) -> int:
        """See Runner."""
        return _WINDOW - len(self._followed) if self._is_there else 0

    async def run(self, job: Job, told: Told) -> Ending:
        """See Runner."""
        it = _Followed("", told, asyncio.get_running_loop().create_future())
        self._followed[job.id] = it
        try:
            await self._handed_over(job, it)
            ending = await it.ending
            if ending.how in _AGAIN:  # else it is kept until it is settled
                await self._redis.delete(RUN + job.id)
        except _faults() as error:
            self._lost(error)
            return Ending("released")
        except QueueError as error:
            return Ending("crashed", fault=error.detail, code=CRASHED)
        else:
            return ending
        finally:
            del self._followed[job.id]

    def cancel(self, id: str) -> None:
        """See Runner. Its worker hears of it within a second or two."""
        if (it := self._followed.get(id)) is not None:
            self._tasks.start(self._unwant(id, it), f"cancel {id}")

    def settle(self) -> None:
        """Nothing here wants this machine."""

    async def settled(self, id: str) -> None:
        """See Runner."""
        try:
            await self._redis.delete(RUN + id)
        except _faults() as error:
            self._lost(error)

    async def fetch(self, id: str) -> Path:
        """See Runner."""
        store = await self._there()
        return await self._worker.load(store.get, id, self._folder)

    async def forget(self, ids: list[str]) -> None:
        """See Runner."""
        store = await self._there()
        for id in ids:
            await self._worker.load(store.remove, id)
            await self._worker.load(remove, self._folder / id)

    async def close(self) -> None:
        """See Runner. Workers go on, and what they come to waits in Redis."""
        await self._tasks.close()
        if self._redis is not None:
            await self._redis.aclose()
            await self._worker.load(self._app.close)
        self._worker.close()

    async def _there(self) -> Store:
        """Raises QueueError."""
        if self._store is None:
            self._store = await self._worker.load(self._make_store)
        return self._store

    # --- one run ----------------------------------------------------------------------------------

    async def _handed_over(self, job: Job, it: _Followed) -> None:
        """To Celery, unless it was before this server began."""
        while True:
            async with self._turn:  # in the order in which they are taken
                known = await self._redis.hgetall(RUN + job.id)
                if known and not known.get("unwanted"):
                    it.run, it.begun = known["run"], bool(known.get("begun"))
                    return
                if not await self._redis.exists(LEASE + job.id):
                    await self._sent(job, it)
                    break
            await asyncio.sleep(_LOOK / 4)  # who had it before lets go of it
        it.told(0.0, it.waits)

    async def _shared(self, folder: Path) -> str:
        """Raises QueueError."""
        store = await self._there()
        try:
            return await self._worker.load(store.share, folder)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise QueueError(f"The project's files cannot be handed over: {why}.") from error

    async def _sent(self, job: Job, it: _Followed) -> None:
        request = dict(job.request)
        if folder := request.get("folder"):
            request["folder"] = await self._shared(Path(folder))
        it.run = secrets.token_hex(8)
        await self._redis.delete(RUN + job.id)
        await self._redis.hset(RUN + job.id, "run", it.run)
        await self._redis.expire(RUN + job.id, exchange.KEPT)
        order = exchange.order(job.id, it.run, job.kind, request)
        urgency = exchange.urgency(job.priority)
        send = partial(
            self._app.send_task, exchange.TASK, order, priority=urgency, retry=False,
            argsrepr=exchange.UNSAID, kwargsrepr=exchange.UNSAID,
        )  # fmt: skip
        await self._worker.load(send)

    async def _unwant(self, id: str, it: _Followed) -> None:
        try:
            await self._redis.hset(RUN + id, "unwanted", "1")
        except _faults() as error:
            self._lost(error)
        it.over(Ending("cancelled"))

    # --- all of them ------------------------------------------------------------------------------

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as heard:
            await heard.subscribe(TOLD)
            while True:
                message = await heard.get_message(timeout=_LOOK)
                if message is None:
                    continue
                id, run, done, note = json.loads(message["data"])
                if (it := self._followed.get(id)) is not None and it.run == run:
                    it.begun = True
                    it.told(float(done), str(note))

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            ids = [id for id, it in self._followed.items() if it.run]
            if not ids:
                continue
            reading = self._redis.pipeline(transaction=False)
            for id in ids:
                reading.hgetall(RUN + id)
                reading.exists(LEASE + id)
            for name in exchange.lists():
                reading.llen(name)
            reading.zcount(WORKERS, time.time() - 2 * exchange.LASTS, "+inf")
            found = await reading.execute()
            workers, waiting = found.pop(), sum(found[2 * len(ids) :])
            for number, id in enumerate(ids):
                state, lease = found[2 * number : 2 * number + 2]
                if (it := self._followed.get(id)) is not None:
                    _judge(it, state, bool(lease), bool(waiting), bool(workers))
            self._is_there = True

    async def _again(self, work: Callable[[], Any]) -> None:
        """For ever; Redis may be away."""
        while True:
            try:
                await work()
            except _faults() as error:
                self._lost(error)
                await asyncio.sleep(_LOOK)

    def _lost(self, error: Exception) -> None:
        self._is_there = False
        self._seldom.warning("redis", "Redis cannot be used", fault=fault(error))


def _judge(
    it: _Followed, state: dict[str, str], is_held: bool, is_waiting: bool, are_there: bool
) -> None:
    """What becomes of a run, by what lies in Redis.

    is_held: a worker has it. is_waiting: there are orders that nobody has taken.
    """
    if state.get("run") != it.run:  # Redis has lost what it knew
        it.over(Ending("released"))
    elif "ending" in state:
        it.over(exchange.ending_of(state["ending"]))
    elif is_held or (is_waiting and not state.get("begun")):
        it.doubts = 0
        waits = WAITS if are_there else NOBODY
        if not is_held and waits != it.waits:
            it.waits = waits
            it.told(0.0, waits)
    else:  # a worker ended without a word, or took the order and ended before it began
        it.doubts += 1
        if it.doubts > (_GONE if state.get("begun") else _LOST):
            gone = Ending("crashed", fault="The machine that did it is gone.", code=CRASHED)
            it.over(gone if state.get("begun") else Ending("released"))


def _client(url: str) -> Any:
    from redis import asyncio as redis

    return redis.from_url(
        url, decode_responses=True, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE,
        health_check_interval=15, driver_info=None,  # else each connection reads files
    )  # fmt: skip


def _faults() -> tuple[type[Exception], ...]:
    """Of Redis, and of Celery's way to it."""
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    return (RedisError, OperationalError, OSError, TimeoutError)
