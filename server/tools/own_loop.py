"""An event loop in a thread of its own: what tools do there holds up no packet and no picture."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

from visavis.server.system import priority
from visavis.server.system.faults import log_loop_faults

T = TypeVar("T")

_PATIENCE: Final = 2.0  # s that the end waits for the thread


class OwnLoop:
    """It runs from the first `run` until `close`; what hangs in it keeps nothing alive."""

    def __init__(self, name: str) -> None:
        # Not uvloop's, whose child processes want the loop of the main thread.
        self._loop = asyncio.SelectorEventLoop()
        self._loop.set_exception_handler(log_loop_faults)
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._started = self._ended = False

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await `work` there; cancelling this cancels it. Raises RuntimeError after `close`."""
        if self._ended:
            work.close()
            raise RuntimeError("the loop was ended")
        if not self._started:
            self._started = True
            self._thread.start()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `last` in it, then end it and what still runs in it; waits for 2 s at most."""
        if self._ended:
            return
        self._ended = True
        if not self._started:
            self._loop.close()
            return
        until = time.monotonic() + _PATIENCE
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(last(), self._loop).result(_PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(max(0.0, until - time.monotonic()))

    def _serve(self) -> None:
        # Programs that are started here inherit how this thread is scheduled.
        priority.give_way()
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(_cancel_all())
        finally:
            self._loop.close()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
