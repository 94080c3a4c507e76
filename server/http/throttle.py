"""How often a caller may do something, such as be wrong."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_KNOWN: Final = 4096  # callers remembered at a time; the one unheard of for longest is forgotten


class Throttle:
    """Counts by caller, in windows that begin with the first time.

    most: times that are taken in a window. window: s. now: a clock in s.
    """

    def __init__(
        self, most: int = 10, window: float = 60.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._window, self._now = most, window, now
        self._known: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def again(self, who: str) -> int:
        """Once more: s until that caller is heard again, 0 while it still is."""
        now = self._now()
        began, times = self._known.pop(who, (now, 0))
        if now - began >= self._window:
            began, times = now, 0
        self._known[who] = (began, times + 1)
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return math.ceil(began + self._window - now) if times >= self._most else 0
