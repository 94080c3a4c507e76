"""Whether this machine's clock can be believed: what tokens said of it, kept for `visavis doctor`.

A token that was signed as it should be and comes from the future was made by another clock. Which
of the two is wrong cannot be told here, so an operator is told of both.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from visavis.server.system import strict_json
from visavis.server.system.seldom import Seldom

log = logging.getLogger(__name__)

_FILE: Final = Path("cache", "clock.json")  # in home
_APART: Final = 60.0  # s from one time that it is written to the next
_LARGEST: Final = 1024  # bytes
_FORGOTTEN: Final = 7 * 86_400.0  # s after which nobody is told any more


@dataclass(frozen=True, slots=True)
class Doubt:
    """at: s since 1970, by this machine's clock. ahead: s by which the other one was."""

    at: float
    ahead: float


class Doubts:
    """Those of one server. home: where it is written; where it cannot be, the log alone says it."""

    def __init__(self, home: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._path, self._now = home / _FILE, now
        self._written = -_APART
        self._seldom = Seldom(log, now)

    def put(self, ahead: float) -> None:
        """A token came from so many s in this machine's future; of the event loop."""
        words = "a visitor's token comes from the future: one of two clocks is wrong"
        self._seldom.warning("early", words, seconds=round(ahead))
        if self._now() - self._written < _APART:
            return
        self._written = self._now()
        asyncio.get_running_loop().run_in_executor(None, self._write, Doubt(time.time(), ahead))

    def _write(self, doubt: Doubt) -> None:
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            self._path.write_text(json.dumps(asdict(doubt)))


def last(home: Path) -> Doubt | None:
    """What a server of this home was told, within a week; None: nothing."""
    try:
        with (home / _FILE).open("rb") as file:
            told = strict_json.parse(file.read(_LARGEST).decode())
        doubt = Doubt(float(told["at"]), float(told["ahead"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return doubt if abs(time.time() - doubt.at) < _FORGOTTEN else None
