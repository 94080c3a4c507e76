"""How often, or how long, something may be done: so much at once, and so much a second after."""

from __future__ import annotations

import time
from collections.abc import Callable


class Bucket:
    """A token bucket. rate: what flows in a second; burst: what it holds, full at the start."""

    def __init__(
        self, rate: float, burst: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._now = rate, burst, now
        self._held, self._at = burst, now()

    @property
    def is_open(self) -> bool:
        """Whether there is anything in it now."""
        return self._level() > 0

    def take(self, amount: float = 1.0) -> bool:
        """Take `amount` if it is there; False: it is not, and nothing was taken."""
        if self._level() < amount:
            return False
        self._held -= amount
        return True

    def spend(self, amount: float) -> None:
        """Take `amount`, which is known only afterwards: it may leave a debt."""
        self._level()
        self._held -= amount

    def _level(self) -> float:
        now = self._now()
        self._held = min(self._burst, self._held + (now - self._at) * self._rate)
        self._at = now
        return self._held
