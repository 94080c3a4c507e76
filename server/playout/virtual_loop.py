"""An event loop whose time does not wait: a minute of conversation passes as fast as it is made.

For rendering to a file, and for tests. Time jumps to the next timer when there is nothing else to
do and no thread works for the loop, so whatever happens, happens at its own tick, and the same way
each time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from concurrent.futures import Executor
from typing import Any, Final, TypeVar

T = TypeVar("T")

_GLANCE: Final = 0.05  # s between looks at whether a thread is done


class _Selector(selectors.DefaultSelector):
    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.loop.working and timeout != 0:  # the time that a thread takes does not count
            return super().select(_GLANCE)
        events = super().select(0)
        if events or timeout == 0:
            return events
        if timeout is None:
            return super().select(1.0)
        self.loop.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` advances only when there is nothing else to do and no thread is at work."""

    def __init__(self) -> None:
        self.now = 0.0  # s
        self.working = 0  # calls in threads
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self.now

    def run_in_executor(  # type: ignore[override]  # the base's is generic in what it returns
        self, executor: Executor | None, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        """As usual; the loop's time stands still until it is done."""
        future = super().run_in_executor(executor, func, *args)
        self.working += 1
        future.add_done_callback(self._done)
        return future

    def _done(self, _future: asyncio.Future[Any]) -> None:
        self.working -= 1


def run(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in time that does not wait."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
