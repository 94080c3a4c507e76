"""How many sessions are let in, and why so many: by the setting, or by what the machine carries.

Measured, it is at most what the self-test at the start found for sessions that all talk at once.
While they run, late pictures and a busy processor close the door before viewers notice, and short
memory does; who is inside stays. Knows no clock, no files and no HTTP.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

FIRST: Final = 2  # sessions before anything was measured; on one core 1
WINDOW: Final = 5.0  # s of which late pictures and processor time are counted
_LATE: Final = 0.01  # of the pictures: more, and nobody is let in ...
_FINE: Final = 0.003  # ... until there are fewer ...
_REST: Final = 10.0  # s for so long
_ENOUGH: Final = 50  # pictures, fewer say nothing
_FULL: Final = 0.9  # of the cores, that newcomers may fill; the rest takes what comes unevenly
_SPARE: Final = 256 << 20  # bytes of memory that are left to everybody else
_EACH: Final = 24 << 20  # bytes of one session


@dataclass(frozen=True, slots=True)
class Look:
    """The server at one moment. Counts are since its start.

    at: s of any clock. busy: processor seconds that nobody else could have had. memory: bytes that
    can be had. sent, late: pictures; given up ones count as late. taken: places.
    """

    at: float
    busy: float
    memory: int
    sent: float
    late: float
    taken: int


@dataclass(frozen=True, slots=True)
class Carried:
    """What the self-test found. sessions: that the machine carries. each: cores of one."""

    sessions: int
    each: float


class Admission:
    """fixed: places by the setting; None: measured. cores: that the server may use."""

    def __init__(self, fixed: int | None, cores: float = 2.0) -> None:
        self._fixed, self.cores = fixed, cores
        self._carried: Carried | None = None
        self._looks: deque[Look] = deque()
        self._closed_until: float | None = None
        self._bound: tuple[int, str] | None = None  # by the last look

    def carries(self, carried: Carried) -> None:
        """The self-test's result."""
        self._carried = carried

    def forget(self) -> None:
        """What was seen so far was no load of sessions: the self-test's own."""
        self._looks.clear()
        self._bound = None

    @property
    def is_measured(self) -> bool:
        """Whether the setting leaves the number to what is measured."""
        return self._fixed is None

    @property
    def places(self) -> int:
        """How many there are now, those included that are taken."""
        return self._decided[0]

    @property
    def why(self) -> str:
        """Why so many, for people."""
        return self._decided[1]

    @property
    def _decided(self) -> tuple[int, str]:
        if self._fixed is not None:
            return self._fixed, "max_sessions is set"
        most = self._most
        if self._bound is not None and self._bound[0] < most[0]:
            return self._bound
        return most

    @property
    def _most(self) -> tuple[int, str]:
        if self._carried is not None:
            return self._carried.sessions, "what this machine carried in its self-test"
        return min(FIRST, max(1, int(self.cores))), "not measured yet"

    def look(self, now: Look) -> None:
        """Once a second or so."""
        self._looks.append(now)
        while now.at - self._looks[0].at > WINDOW:
            self._looks.popleft()
        self._bound = self._bounded(self._looks[0], now) if self._fixed is None else None

    def _bounded(self, then: Look, now: Look) -> tuple[int, str] | None:
        room, why = self._room(then, now)
        if self._is_late(then, now):
            room, why = 0, "pictures are late"
        # Whoever comes first is let in, whatever else the machine does.
        return (max(1, now.taken + room), why)

    def _room(self, then: Look, now: Look) -> tuple[int, str]:
        """For how many more, by the processor and by memory."""
        memory = max(0, (now.memory - _SPARE) // _EACH)
        each = self._carried.each if self._carried else self.cores * _FULL / FIRST
        passed = now.at - then.at
        used = max(0.0, (now.busy - then.busy) / passed) if passed > 0 else 0.0
        # Who came just now has not shown in it yet.
        used += each * max(0, now.taken - then.taken)
        processor = max(0, int((self.cores * _FULL - used) / each + 1e-9))
        if memory < processor:
            return memory, "memory is short"
        return processor, "the processor is busy"

    def _is_late(self, then: Look, now: Look) -> bool:
        sent, late = now.sent - then.sent, now.late - then.late
        share = late / sent if sent >= _ENOUGH else 0.0
        if share > _LATE or (self._closed_until is not None and share > _FINE):
            self._closed_until = now.at + _REST
        elif self._closed_until is not None and now.at >= self._closed_until:
            self._closed_until = None
        return self._closed_until is not None and now.taken > 0
