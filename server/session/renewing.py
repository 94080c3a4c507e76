"""Engines of one session alone: made anew when they fail, left alone when they keep failing."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import Tick, ms
from visavis.server.system.faults import fault
from visavis.server.system.metrics import Metrics

log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")

TOO_MANY: Final = 3  # failures within a minute after which something is left alone for one
_MINUTE: Final[Tick] = ms(60_000)


class Strikes:
    """Failures of one thing, and whether it is left alone for now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: deque[Tick] = deque(maxlen=TOO_MANY)
        self._until: Tick | None = None

    @property
    def resting(self) -> bool:
        """Whether it failed too often, less than a minute ago."""
        return self._until is not None and self._clock.now() < self._until

    def add(self) -> None:
        """It failed once more."""
        now = self._clock.now()
        self._times.append(now)
        if len(self._times) == TOO_MANY and now - self._times[0] < _MINUTE:
            self._until = now + _MINUTE
            self._times.clear()


class Renewed(Generic[T]):
    """An engine in the event loop. `failed` is called after each failure, with whether it rests.

    A state that threw once may throw for ever, so it is not used again.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], T],
        clock: Clock,
        metrics: Metrics,
        failed: Callable[[bool], None] = lambda resting: None,
    ) -> None:
        self._name, self._make, self._metrics, self._failed = name, make, metrics, failed
        self._strikes = Strikes(clock)
        self._engine: T | None = None

    @property
    def resting(self) -> bool:
        """Whether it is not called for now."""
        return self._strikes.resting

    def call(self, work: Callable[[T], R], otherwise: R) -> R:
        """What `work` makes of the engine; `otherwise` where it fails, and while it rests."""
        if self._strikes.resting:
            return otherwise
        try:
            if self._engine is None:
                self._engine = self._make()
            return work(self._engine)
        except BaseException as error:  # noqa: BLE001 (the border; nothing is awaited, so it is its)
            self._give_up(error)
            return otherwise

    def _give_up(self, error: BaseException) -> None:
        self._engine = None
        self._strikes.add()
        resting = self._strikes.resting
        self._metrics.engine_errors.labels(self._name).inc()
        extra = {"engine": self._name, "fault": fault(error), "resting": resting}
        log.error("an engine of a session is made anew", extra=extra)
        self._failed(resting)
