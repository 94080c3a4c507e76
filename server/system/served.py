"""An engine that serves many sessions: its thread, its deadline, and how it has been doing."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Concatenate, Final, Generic, ParamSpec, TypeVar

from visavis.engines.base import EngineError, EngineHung
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")

TOO_MANY: Final = 3  # failures in a row after which an engine is called broken
REST: Final = 60.0  # s after which a broken engine is tried again


class Served(Generic[T]):
    """Calls to one engine, in the worker that serves it. `what`: its name in words, for people.

    Three failures in a row, hung calls among them, make it `broken` for a minute.
    """

    def __init__(self, name: str, what: str, engine: T, worker: Worker, metrics: Metrics) -> None:
        self.name, self.what, self.engine = name, what, engine
        self._worker, self._metrics = worker, metrics
        self._failures = 0
        self._resting_until = 0.0  # s of the monotonic clock

    @property
    def broken(self) -> bool:
        """Whether it has failed so often that nobody should rely on it now."""
        return self._failures >= TOO_MANY and time.monotonic() < self._resting_until

    async def call(
        self, work: Callable[Concatenate[T, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """`work(engine, ...)` in its thread, within the deadline. Raises EngineError."""
        with self._watched():
            result = await self._worker.call(work, self.engine, *args, **kwargs)
        self._failures = 0
        return result

    async def stream(
        self, work: Callable[[T], Iterator[R]], *, awaited: bool = False
    ) -> AsyncGenerator[R, None]:
        """The items of `work(engine)`, each within the deadline. Raises EngineError.

        `awaited`: a visitor waits for the first one.
        """
        with self._watched():
            items = self._worker.stream(lambda: work(self.engine), awaited=awaited)
            async with aclosing(items):
                async for item in items:
                    self._failures = 0
                    yield item

    def close(self) -> None:
        """End its thread."""
        self._worker.close()

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
