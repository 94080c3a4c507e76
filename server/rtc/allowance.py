"""How long a session may be, and what its visitor is told before it ends. Knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from visavis.server.protocol import Goodbye
from visavis.server.session.events import Failure

_WARNING: Final = 30.0  # s before the end; of a short limit half of it

_SOON: Final = {
    "idle": "Nobody has said anything for a while: this conversation will end in {left} s.",
    "length": "The time for this conversation is nearly over: it will end in {left} s.",
}
_OVER: Final = {
    "idle": "Nobody said anything for {limit}, so the conversation was ended.",
    "length": "A conversation here lasts {limit} at most. You can start another one.",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds; 0: no limit, but for `rest`.

    rest: that a session waits for its visitor without a connection; 0: it does not. idle: in which
    nothing is asked, said or answered. length: of the whole session.
    """

    rest: float = 120.0
    idle: float = 0.0
    length: float = 0.0


class Allowance:
    """What is left of one session's time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._warned: set[str] = set()

    def look(self, age: float, quiet: float, forbidden: str = "") -> Failure | Goodbye | None:
        """What is to be told now, after so many seconds in all and without a word.

        forbidden: why the consent to the face is over; empty: it is not. A warning comes once, and
        once more when somebody has spoken since.
        """
        if forbidden:
            return Goodbye("consent", forbidden)
        return self._used("length", self._limits.length, age) or self._used(
            "idle", self._limits.idle, quiet
        )

    def _used(
        self, what: Literal["idle", "length"], limit: float, used: float
    ) -> Failure | Goodbye | None:
        if not limit:
            return None
        if used >= limit:
            return Goodbye(what, _OVER[what].format(limit=_spoken(limit)))
        left = limit - used
        if left > min(_WARNING, limit / 2):
            self._warned.discard(what)
            return None
        if what in self._warned:
            return None
        self._warned.add(what)
        return Failure("ends-soon", _SOON[what].format(left=max(1, round(left))))


def _spoken(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:g} s"
    return f"{minutes} minutes" if minutes > 1 else "a minute"
