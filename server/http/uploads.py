"""How many photos are being received, and how many avatars an address may have made. No HTTP."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

from visavis.server.http.callers import is_here
from visavis.server.system.errors import Busy

_AT_ONCE: Final = 8  # photos that are received, of 20 MB at most in memory
_EACH: Final = 2  # of them of one address
_JOBS: Final = 12  # of one address
_SPAN: Final = 600.0  # within so many seconds


class Uploads:
    """Those under way. This machine's own address is bound only by the whole."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._receiving: Counter[str] = Counter()
        self._begun: deque[tuple[float, str]] = deque()

    @contextmanager
    def receiving(self, caller: str) -> Iterator[None]:
        """While a photo arrives. Raises Busy."""
        if self._receiving.total() >= _AT_ONCE or self._has_enough(caller):
            raise Busy("Other photos are being received. Try again in a few seconds.")
        self._receiving[caller] += 1
        try:
            yield
        finally:
            self._receiving[caller] -= 1
            self._receiving += Counter()  # keeps what is above zero

    def _has_enough(self, caller: str) -> bool:
        return not is_here(caller) and self._receiving[caller] >= _EACH

    def begin(self, caller: str) -> None:
        """A job of this address is about to begin. Raises Busy."""
        now = self._now()
        while self._begun and self._begun[0][0] <= now - _SPAN:
            self._begun.popleft()
        if is_here(caller):
            return
        if sum(who == caller for _, who in self._begun) >= _JOBS:
            raise Busy("Your address has had many avatars made just now. Try again later.")
        self._begun.append((now, caller))
