"""An event loop whose time jumps to the next timer, so that a minute of conversation is instant."""

from __future__ import annotations

import asyncio
import functools
import inspect
import selectors

import pytest

from visavis.server.playout import clock


class _Selector(selectors.DefaultSelector):
    loop: VirtualLoop

    def select(self, timeout=None):
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

    def __init__(self):
        self.now = 0.0
        self.working = 0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self):
        return self.now

    def run_in_executor(self, executor, func, *args):
        future = super().run_in_executor(executor, func, *args)
        self.working += 1
        future.add_done_callback(self._rest)
        return future

    def _rest(self, _future):
        self.working -= 1


def virtual_time(test):
    """Run an async test on a VirtualLoop."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        with (
            asyncio.Runner(loop_factory=VirtualLoop) as runner,
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr(clock, "monotonic", runner.get_loop().time)
            runner.run(test(*args, **kwargs))

    run.__signature__ = inspect.signature(test)
    return run
