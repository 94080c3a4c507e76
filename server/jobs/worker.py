"""`visavis worker`'s side of jobs on other machines: a thread of Celery's for each, and a process.

What a worker has is its own by a lease. Whoever loses that stops; whoever ends without a word is
missed when it runs out.
"""

from __future__ import annotations

import logging
import os
import platform
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from visavis.server.jobs import exchange
from visavis.server.jobs.exchange import LEASE, RUN, TOLD, WORKERS
from visavis.server.jobs.seat import Seat
from visavis.server.jobs.stores import Store, remove, swept
from visavis.server.jobs.working import CRASHED, UNKNOWN, Ending, worded
from visavis.server.system.errors import QueueError
from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

_STEP: Final = 1.0  # s between two looks at whether a run is wanted yet
_GRACE: Final = 5.0  # s that one may take to end when it is not
_APART: Final = 0.5  # s between two words about progress
_AGAIN: Final = 300  # tries, a second apart, to say what became of a run
_SCRATCH: Final = "work"
_INPUTS: Final = "inputs"
_OLD: Final = 7 * 86_400.0  # s after which nobody goes on with what was left off here
# A lease is renewed, or given back, by whoever has it alone.
_RENEW: Final = (
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2])"
    " else return 0 end"
)
# What is told of a run is of no other one.
_TELL: Final = (
    "if redis.call('hget', KEYS[1], 'run') == ARGV[1] then"
    " return redis.call('hset', KEYS[1], ARGV[2], ARGV[3]) else return 0 end"
)
_RELEASE: Final = (
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1])"
    " else return 0 end"
)


class JobWorker:
    """What one `visavis worker` does. settings: of Config, for works. folder: of jobs, here."""

    def __init__(
        self,
        redis: Any,
        works: Mapping[str, str],
        settings: Mapping[str, Any],
        store: Store,
        folder: Path,
    ) -> None:
        self._redis, self._works, self._settings = redis, works, settings
        self._store, self._folder = store, folder
        self._name = f"{platform.node()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._own = threading.local()
        self._ending = threading.Event()
        self._holds: set[_Hold] = set()

    def do(self, id: str, run: str, kind: str, request: dict[str, Any]) -> None:
        """One run, in a thread of its own; it raises nothing."""
        hold = _Hold(self._redis, id, run, self._name, self._seat())
        if self._ending.is_set() or not self._is_wanted(id, run) or not hold.take():
            return
        self._holds.add(hold)
        try:
            ending = self._done(hold, kind, request)
        except Exception as error:  # noqa: BLE001 (the border: Celery would log its text)
            log.warning("a job's worker failed", extra={"fault": fault(error)})
            ending = worded(error)
        finally:
            self._holds.discard(hold)
        if hold.lost:
            return  # somebody else has it
        if self._ending.is_set() and ending.how not in ("done", "failed"):
            ending = Ending("released")
        elif hold.unwanted and ending.how != "done":
            ending = Ending("cancelled")
        hold.give_back(ending)

    def beat(self) -> None:
        """Say that this worker is there, as long as it is; in a thread."""
        while not self._ending.wait(exchange.LASTS / 2):
            try:
                self._redis.zadd(WORKERS, {self._name: time.time()})
                self._redis.zremrangebyscore(WORKERS, 0, time.time() - 10 * exchange.LASTS)
            except _faults() as error:
                log.warning("Redis cannot be used", extra={"fault": fault(error)})

    def begin(self) -> None:
        """It is there from now on. Raises RedisError."""
        for name in (_SCRATCH, _INPUTS):
            swept(self._folder / name, _OLD)
        self._redis.zadd(WORKERS, {self._name: time.time()})
        threading.Thread(target=self.beat, name="beat", daemon=True).start()

    def end(self) -> None:
        """What runs is let go of, for other workers."""
        self._ending.set()
        for hold in list(self._holds):
            hold.seat.kill()
        self._redis.zrem(WORKERS, self._name)

    def _seat(self) -> Seat:
        """The calling thread's: a process dies with the thread that started it."""
        if not hasattr(self._own, "seat"):
            self._own.seat = Seat(self._settings)
        seat: Seat = self._own.seat
        return seat

    def _is_wanted(self, id: str, run: str) -> bool:
        state = self._redis.hgetall(RUN + id)
        return state.get("run") == run and "ending" not in state and "unwanted" not in state

    def _done(self, hold: _Hold, kind: str, request: dict[str, Any]) -> Ending:
        work = self._works.get(kind)
        if work is None:
            return Ending("failed", fault=f"Nobody here does {kind!r}.", code=UNKNOWN)
        folder = self._store.place(hold.id, self._folder / _SCRATCH)
        try:
            if name := request.get("folder"):
                cache = self._folder / _INPUTS
                request["folder"] = str(self._store.shared(name, cache))
            ending = hold.seat.do(work, request, folder, hold.tell)
            if ending.how == "done":
                files = ending.result.get("files", {})
                self._store.put(hold.id, folder, files.values() if files else ())
                if folder.parent == self._folder / _SCRATCH:
                    remove(folder)
        except QueueError as error:
            return Ending("crashed", fault=error.detail, code=CRASHED)
        except OSError as error:
            return worded(error)
        return ending


class _Hold:
    """One run that this worker has, as long as it says so."""

    def __init__(self, redis: Any, id: str, run: str, worker: str, seat: Seat) -> None:
        self.id, self.seat = id, seat
        self.lost = self.unwanted = False
        self._redis, self._run = redis, run
        self._token = f"{worker}:{run}"
        self._over = threading.Event()
        self._last, self._note = 0.0, ""

    def take(self) -> bool:
        """False: another worker has it."""
        lasts = int(exchange.LASTS * 1000)
        if not self._redis.set(LEASE + self.id, self._token, nx=True, px=lasts):
            return False
        self._note_down("begun", "1")
        threading.Thread(target=self._keep, name=f"lease {self.id}", daemon=True).start()
        return True

    def tell(self, done: float, note: str) -> None:
        """How far it is."""
        now = time.monotonic()
        if now - self._last < _APART and note == self._note:
            return
        self._last, self._note = now, note
        try:
            self._redis.publish(TOLD, exchange.told(self.id, self._run, done, note))
        except _faults():
            pass  # the next word will do

    def give_back(self, ending: Ending) -> None:
        """Say what became of it, first, and let go of it."""
        for _ in range(_AGAIN):
            try:
                self._note_down("ending", exchange.ended(ending))
                break
            except _faults() as error:
                log.warning("a job's end cannot be told yet", extra={"fault": fault(error)})
                time.sleep(_STEP)
        self._over.set()
        try:
            self._redis.eval(_RELEASE, 1, LEASE + self.id, self._token)
        except _faults():
            pass  # it runs out

    def _note_down(self, what: str, value: str) -> None:
        self._redis.eval(_TELL, 1, RUN + self.id, self._run, what, value)

    def _keep(self) -> None:
        """Until it is over."""
        renewed = began = time.monotonic()
        while not self._over.wait(_STEP):
            try:
                if self._redis.hget(RUN + self.id, "unwanted") and not self.unwanted:
                    self.unwanted, began = True, time.monotonic()
                    self.seat.cancel()
                lasts = int(exchange.LASTS * 1000)
                if not self._redis.eval(_RENEW, 1, LEASE + self.id, self._token, lasts):
                    self.lost = True
                renewed = time.monotonic()
            except _faults() as error:
                log.warning("Redis cannot be used", extra={"fault": fault(error)})
                self.lost = time.monotonic() - renewed > exchange.LASTS
            if self.lost or (self.unwanted and time.monotonic() - began > _GRACE):
                self.seat.kill()
                return


def _faults() -> tuple[type[Exception], ...]:
    from redis.exceptions import RedisError

    return (RedisError, OSError)
