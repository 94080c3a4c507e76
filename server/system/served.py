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

    def replace(self, engine: T) -> None:
        """From the next call on it is this engine; a stream that has begun goes on with its own."""
        self.engine = engine

    def close(self) -> None:
        """End the thread."""
        self._worker.close()


class Health:
    """How an engine has been doing. `what`: its name in words, for people.

    Three failures in a row, hung calls among them, make it `broken` for a minute.
    """

    def __init__(self, name: str, what: str, metrics: Metrics) -> None:
        self.what = what
        self._name, self._metrics = name, metrics
        self._failures = 0
        self._resting_until = 0.0  # s of the monotonic clock

    @property
    def broken(self) -> bool:
        """Whether it has failed so often that nobody should rely on it now."""
        return self._failures >= TOO_MANY and time.monotonic() < self._resting_until

    def well(self) -> None:
        """A call went well."""
        self._failures = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count an EngineError that leaves the block."""
        try:
            yield
        except EngineError as error:
            self._failures += 1
            self._resting_until = time.monotonic() + REST
            self._metrics.engine_errors.labels(self._name).inc()
            if isinstance(error, EngineHung):
                self._metrics.engine_hangs.labels(self._name).inc()
            raise


class Served(Generic[T]):
    """One engine for many sessions.

    Work is a function of the engine and picklable arguments, a module's own rather than a lambda,
    so that it can run in another process.
    """

    def __init__(self, runner: Runner, health: Health) -> None:
        self.health, self._runner = health, runner

    async def call(
        self, work: Callable[Concatenate[T, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """`work(engine, *args)`, within the deadline. Raises EngineError."""
        assert not kwargs, "work takes positional arguments"
        with self.health.watched():
            result = await self._runner.call(work, *args)
        self.health.well()
        return result

    async def stream(
        self, work: Callable[..., Iterator[R]], *args: Any, awaited: bool = False
    ) -> AsyncGenerator[R, None]:
        """The items of `work(engine, *args)`, each within the deadline. Raises EngineError.

        `awaited`: a visitor waits for the first one.
        """
        with self.health.watched():
            items = self._runner.stream(work, *args, awaited=awaited)
            async with aclosing(items):
                async for item in items:
                    yield item
        self.health.well()

    def close(self) -> None:
        """End its thread or process."""
        self._runner.close()
