"""A thread in front of a device that may never answer: whoever asks waits only so long."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from visavis.engines.base import EngineError, EngineHung

T = TypeVar("T")

_END_WITHIN: Final = 2.0  # s


class Lane:
    """Calls one after the other. One that is late keeps the lane busy, but nobody waiting."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]
        self._jobs = queue.SimpleQueue()
        self._late: tuple[Future[Any], float] | None = None  # a call given up, and when it was
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    @property
    def late_for(self) -> float:
        """s since a call was given up that is still under way; 0: there is none."""
        late = self._late
        if late is None:
            return 0.0
        if late[0].done():
            self._late = None
            return 0.0
        return max(time.monotonic() - late[1], 1e-6)

    def call(self, work: Callable[[], T], patience: float) -> T:
        """What `work` gives within `patience` s. Raises EngineHung, or what it raises."""
        future: Future[T] = Future()
        self._jobs.put((future, work))
        try:
            return future.result(patience)
        except TimeoutError:
            if future.done():  # its own, or just in time
                return future.result()
            future.cancel()
            self._late = self._late or (future, time.monotonic())
            raise EngineHung(f"no answer within {patience:.2f} s") from None

    def close(self) -> None:
        """End after the call under way, which is waited for a moment only."""
        self._jobs.put(None)
        self._thread.join(_END_WITHIN)

    def abandon(self, last: Callable[[], object]) -> None:
        """End after `last`, and wait for nothing: what hangs never comes to it."""
        self._jobs.put((Future(), last))
        self._jobs.put(None)

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, work = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 (handed to whoever waits for it)
                future.set_exception(error if isinstance(error, Exception) else _broken(error))
            del future, work, job


def _broken(error: BaseException) -> EngineError:
    return EngineError(f"a renderer ended with {type(error).__name__}")
