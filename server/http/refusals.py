"""Tokens that were refused, as the audit log tells of them: a line a minute of each kind.

Whoever guesses does so by the thousand, and must not fill a disk. No word of a token, and none of
who sent it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import Final

from visavis.server.system.audit import Audit

_APART: Final = 60.0  # s between two lines of a kind


class Refusals:
    """Those of one server. now: a clock in s."""

    def __init__(self, audit: Audit, now: Callable[[], float] = monotonic) -> None:
        self._audit, self._now = audit, now
        self._last: dict[str, float] = {}  # by kind
        self._count: Counter[str] = Counter()  # since then

    def put(self, why: str) -> None:
        """One more; a line tells how many there were since the last one of its kind."""
        self._count[why] += 1
        now = self._now()
        if why in self._last and now - self._last[why] < _APART:
            return
        self._last[why] = now
        self._audit.record("token-refused", why=why, count=self._count.pop(why))
