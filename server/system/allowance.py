"""How much of something may be used: its share, and some at once after a pause."""

from __future__ import annotations

import time
from collections.abc import Callable


class Allowance:
    """A token bucket: `rate` a second, and up to `burst` of what was not used before.

    now: seconds that grow.
    """

    def __init__(
        self, rate: float, burst: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._now = rate, burst, now
        self._left = burst
        self._since = now()

    def take(self, amount: float) -> bool:
        """Use so much; False, and nothing is used, when there is less."""
        now = self._now()
        self._left = min(self._burst, self._left + (now - self._since) * self._rate)
        self._since = now
        if amount > self._left:
            return False
        self._left -= amount
        return True
