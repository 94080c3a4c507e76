"""An event loop in a thread of its own: what tools do there holds up no packet and no picture."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

from visavis.server.system.faults import log_loop_faults

T = TypeVar("T")

_PATIENCE: Final = 2.0  # s that the end waits for the thread


class OwnLoop:
    """It runs from the first `run` until `close`; what hangs in it keeps nothing alive."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ended = False

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await `work` there; cancelling this cancels it. Raises RuntimeError after `close`."""
        if self._ended:
            work.close()
            raise RuntimeError("the loop was ended")
        if self._loop is None:
            self._loop = self._start()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `last` in it, then end it and what still runs in it; waits for 2 s at most."""
        loop, thread, self._ended = self._loop, self._thread, True
        if loop is None or thread is None or not thread.is_alive():
            return
        until = time.monotonic() + _PATIENCE
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(last(), loop).result(_PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(max(0.0, until - time.monotonic()))

    def _start(self) -> asyncio.AbstractEventLoop:
        # Not uvloop's, whose child processes want the loop of the main thread.
        loop = asyncio.SelectorEventLoop()
        loop.set_exception_handler(log_loop_faults)
        self._thread = threading.Thread(target=_serve, args=(loop,), name=self._name, daemon=True)
        self._thread.start()
        return loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
        loop.run_until_complete(_cancel_all())
    finally:
        loop.close()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
