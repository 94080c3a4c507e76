"""A thread that runs calls one after the other, and that nobody has to wait for."""

from __future__ import annotations

import atexit
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, Final

from visavis.server.system import ending
from visavis.server.system.faults import harmless

_PATIENCE: Final = 2.0  # s that the program's end waits for running calls, all threads together
_Job = tuple["Future[Any]", Callable[[], Any]]
_Jobs = queue.SimpleQueue[_Job | None]

# All that have not ended, for a call goes on when nobody has its executor any more.
_running: dict[threading.Thread, _Jobs] = {}


class Thread(Executor):
    """An executor of one thread. `begin` is called first in it.

    Unlike those of ThreadPoolExecutor it is a daemon: a call that hangs keeps no program alive.
    """

    def __init__(self, name: str, begin: Callable[[], None] | None = None) -> None:
        self._jobs: _Jobs = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=_serve, args=(self._jobs, begin), name=name, daemon=True
        )
        self._started = self._ended = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it after what was submitted before; the thread begins with the first one.

        Raises RuntimeError after `shutdown`.
        """
        if self._ended:
            raise RuntimeError("the thread was ended")
        if not self._started:
            self._started = True
            _running[self._thread] = self._jobs
            self._thread.start()
        future: Future[Any] = Future()
        self._jobs.put((future, lambda: fn(*args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End after what was submitted."""
        self._ended = True
        self._jobs.put(None)
        if wait:
            self.join(_PATIENCE)

    def join(self, patience: float) -> None:
        """Wait until it has ended, for so many seconds at most."""
        if self._started:
            self._thread.join(patience)


def _serve(jobs: _Jobs, begin: Callable[[], None] | None) -> None:
    try:
        if begin is not None:
            begin()
        _work(jobs)
    finally:
        _running.pop(threading.current_thread(), None)


def _work(jobs: _Jobs) -> None:
    while (job := jobs.get()) is not None:
        future, work = job
        if not future.set_running_or_notify_cancel():
            continue
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 (handed to whoever waits for it)
            future.set_exception(harmless(error))
        else:
            future.set_result(result)
        del future, work, job  # what they hold must not live until the next call


@atexit.register
def _end_all() -> None:
    """A thread inside native code while the interpreter goes away would abort the program."""
    until = time.monotonic() + _PATIENCE
    running = list(_running.items())
    for _, jobs in running:
        jobs.put(None)
    for thread, _ in running:
        thread.join(max(0.0, until - time.monotonic()))
    status = ending.status()
    if status is not None and any(thread.is_alive() for thread, _ in running):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
