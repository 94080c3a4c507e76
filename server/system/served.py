"""An engine that serves many sessions: where it runs, its deadline, how it has been doing."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Any, Concatenate, Final, Generic, ParamSpec, Protocol, TypeVar

from visavis.engines.base import EngineError, EngineHung
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")

TOO_MANY: Final = 3  # failures in a row after which an engine is called broken
REST: Final = 60.0  # s after which a broken engine is tried again


class Runner(Protocol):
    """Where an engine's calls run: in a thread, or in a process of its own."""

    async def call(self, work: Callable[..., R], *args: Any) -> R:
        """`work(engine, *args)` within the deadline. Raises EngineError."""
        ...

    def stream(
        self, work: Callable[..., Iterator[R]], *args: Any, awaited: bool = False
    ) -> AsyncGenerator[R, None]:
        """The items of `work(engine, *args)`, each within the deadline. Raises EngineError."""
        ...

    def close(self) -> None:
        """End the thread or the process."""
        ...


class InThread(Generic[T]):
    """An engine in this process, and the worker that serves it."""

    def __init__(self, engine: T, worker: Worker) -> None:
        self.engine, self._worker = engine, worker

    async def call(self, work: Callable[..., R], *args: Any) -> R:
        """In the worker's thread."""
        return await self._worker.call(work, self.engine, *args)

    def stream(
        self, work: Callable[..., Iterator[R]], *args: Any, awaited: bool = False
    ) -> AsyncGenerator[R, None]:
        """In the worker's thread, one item a call."""
        return self._worker.stream(partial(work, self.engine, *args), awaited=awaited)

    def close(self) -> None:
        """End the thread."""
        self._worker.close()


class Served(Generic[T]):
    """One engine for many sessions. `what`: its name in words, for people.

    Work is a function of the engine and picklable arguments, a module's own rather than a lambda,
    so that it can run in another process. Three failures in a row, hung calls among them, make
    the engine `broken` for a minute.
    """

    def __init__(self, name: str, what: str, runner: Runner, metrics: Metrics) -> None:
        self.name, self.what = name, what
        self._runner, self._metrics = runner, metrics
        self._failures = 0
        self._resting_until = 0.0  # s of the monotonic clock

    @property
    def broken(self) -> bool:
        """Whether it has failed so often that nobody should rely on it now."""
        return self._failures >= TOO_MANY and time.monotonic() < self._resting_until

    async def call(
        self, work: Callable[Concatenate[T, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """`work(engine, *args)`, within the deadline. Raises EngineError."""
        assert not kwargs, "work takes positional arguments"
        with self._watched():
            result = await self._runner.call(work, *args)
        self._failures = 0
        return result

    async def stream(
        self, work: Callable[..., Iterator[R]], *args: Any, awaited: bool = False
    ) -> AsyncGenerator[R, None]:
        """The items of `work(engine, *args)`, each within the deadline. Raises EngineError.

        `awaited`: a visitor waits for the first one.
        """
        with self._watched():
            items = self._runner.stream(work, *args, awaited=awaited)
            async with aclosing(items):
                async for item in items:
                    self._failures = 0
                    yield item

    def close(self) -> None:
        """End its thread or process."""
        self._runner.close()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except EngineError as error:
            self._failures += 1
            self._resting_until = time.monotonic() + REST
            self._metrics.engine_errors.labels(self.name).inc()
            if isinstance(error, EngineHung):
                self._metrics.engine_hangs.labels(self.name).inc()
            raise
