"""Log lines that a stranger can cause by the thousand: one a minute of each kind.

What was left out is counted, and told by the next line of its kind. No content: a kind is a word
of ours, and so is every field.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Final

INTERVAL: Final = 60.0  # s between two lines of a kind


class Seldom:
    """Writes warnings to one logger, from any thread."""

    def __init__(self, log: logging.Logger, now: Callable[[], float] = time.monotonic) -> None:
        self._log, self._now = log, now
        self._lock = Lock()
        self._last: dict[str, float] = {}  # by kind: when a line was written
        self._left_out: dict[str, int] = {}

    def warning(self, kind: str, message: str, **fields: object) -> None:
        """Write `message` unless one of this kind was written within the last minute."""
        with self._lock:
            now, last = self._now(), self._last.get(kind)
            if last is not None and now - last < INTERVAL:
                self._left_out[kind] = self._left_out.get(kind, 0) + 1
                return
            self._last[kind] = now
            left_out = self._left_out.pop(kind, 0)
        self._log.warning(message, extra={**fields, "left_out": left_out})
