"""Tokens that were refused, as the audit log tells of them: a line a minute of each kind.

Whoever guesses does so by the thousand, and must not fill a disk. No word of a token, and none of
who sent it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

from visavis.server.system.audit import Audit

_APART: Final = 60.0  # s between two lines of a kind


def _later(seconds: float, tell: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, tell)


class Refusals:
    """Those of one server, put in by its event loop. later: calls a function after so many s."""

    def __init__(
        self, audit: Audit, later: Callable[[float, Callable[[], None]], None] = _later
    ) -> None:
        self._audit, self._later = audit, later
        self._count: Counter[str] = Counter()  # by kind, not told yet
        self._told: set[str] = set()  # within the last minute

    def put(self, why: str) -> None:
        """One more: told at once, or together with those of the same minute when that is over."""
        self._count[why] += 1
        if why not in self._told:
            self._tell(why)

    def _tell(self, why: str) -> None:
        self._told.discard(why)
        if not self._count[why]:
            return
        self._audit.record("token-refused", why=why, count=self._count.pop(why))
        self._told.add(why)
        self._later(_APART, lambda: self._tell(why))
