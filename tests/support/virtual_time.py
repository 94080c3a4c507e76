"""An event loop whose time jumps to the next timer, so that a minute of conversation is instant."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, ParamSpec, TypeVar, TypeVarTuple

import pytest

from visavis.server.playout import clock

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class _Selector(selectors.DefaultSelector):
    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.loop.working and timeout != 0:  # an engine thread works: its time does not count
            return super().select(0.05)
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
        self.now = 0.0
        self.working = 0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        future = super().run_in_executor(executor, func, *args)
        self.working += 1
        future.add_done_callback(self._rest)
        return future

    def _rest(self, _future: asyncio.Future[Any]) -> None:
        self.working -= 1


def virtual_time(test: Callable[_P, Coroutine[Any, Any, None]]) -> Callable[_P, None]:
    """Run an async test on a VirtualLoop."""

    @functools.wraps(test)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        with (
            asyncio.Runner(loop_factory=VirtualLoop) as runner,
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr(clock, "monotonic", runner.get_loop().time)
            runner.run(test(*args, **kwargs))

    return run
