"""What visitors with tokens have of a server, and may have: by their subjects. Knows no HTTP.

Counted in the process that takes callers in, so over all workers; forgotten when it ends.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from time import monotonic, time
from typing import Final, Protocol

from visavis.server.http.keepsakes import SECONDS
from visavis.server.http.passes import Pass
from visavis.server.system.errors import Forbidden, Full, NotFound, TooMany

_HOUR: Final = 3600.0
_DAY: Final = 86_400.0
_KNOWN: Final = 10_000  # subjects whose past is remembered; who was unheard of for longest goes
_ONCE: Final = 100_000  # names of tokens for one session that have not expired
_KEPT: Final = (
    SECONDS + 30.0
)  # s that it is known whose a session was: what it left is kept so long
_SOON: Final = 10  # s: when a session ends, nobody knows
_TIDY: Final = 10.0  # s from one look at what may be forgotten to the next
_BACK: Final = 3600.0  # s that a clock may be set back without a token opening a second session
_AWAY: Final = "There is no such session; it may have ended."


@dataclass(frozen=True, slots=True)
class Quotas:
    """Of one visitor; 0: any. sessions: at a time. hourly: begun in an hour. minutes: in a day.

    uploads: files sent in an hour.
    """

    sessions: int = 0
    hourly: int = 0
    minutes: int = 0
    uploads: int = 0


class Houses(Protocol):
    """Who knows which sessions there are. freed: called with the name of each that is over."""

    freed: list[Callable[[str], None]]

    def has(self, name: str) -> bool: ...
    def weakest_of(self, names: Collection[str]) -> str | None: ...


@dataclass(slots=True, eq=False)
class Visit:
    """One session, or what goes on with one. length: s that it may last, 0: as the server has it.

    name: "" while it is being opened. ended: None: it is not over. once: see Pass.
    """

    subject: str
    began: float
    length: int
    name: str = ""
    ended: float | None = None
    once: str = ""

    @property
    def lasted(self) -> float:
        """s, once it is over."""
        return 0.0 if self.ended is None else self.ended - self.began


class Visits:
    """All of one server. longest: s that any session lasts, 0: without end.

    evict: ends the session of that name, whose visitor is away, for another one of theirs.
    """

    def __init__(
        self, houses: Houses, quotas: Quotas, longest: float, evict: Callable[[str], None],
        now: Callable[[], float] = monotonic, clock: Callable[[], float] = time,
    ) -> None:  # fmt: skip
        self._houses, self._quotas, self._longest = houses, quotas, longest
        self._evict, self._tidied = evict, now()
        self._now, self._clock = now, clock
        self._visits: OrderedDict[str, Visit] = OrderedDict()  # by session; the first ended first
        self._coming: list[Visit] = []
        self._past: OrderedDict[str, _Past] = OrderedDict()  # by subject
        self._once: OrderedDict[str, float] = OrderedDict()  # s since 1970 until they expire
        houses.freed.append(self._over)

    def check_owner(self, it: Pass, name: str) -> None:
        """Raises NotFound for a session of somebody else, in the words for one there is not."""
        visit = self._visits.get(name)
        if visit is None or visit.subject != it.subject:
            raise NotFound(_AWAY)

    def upload(self, it: Pass) -> None:
        """A file is being sent. Raises TooMany."""
        self._forget()
        past = self._past.setdefault(it.subject, _Past())
        past.forget(self._now())
        most = self._quotas.uploads
        if most and len(past.uploads) >= most:
            again = max(1, ceil(past.uploads[0] + _HOUR - self._now()))
            words = f"You have sent {most} files within an hour. Come back later."
            raise TooMany(words, again, "quota-uploads")
        past.uploads.append(self._now())

    @contextmanager
    def opening(self, it: Pass, resumed: str = "") -> Iterator[Visit]:
        """While a session is being opened; whoever opened it writes its `name`, and it counts.

        resumed: the name of the one that it goes on with. Raises TooMany, Forbidden, NotFound.
        """
        before = self._before(it, resumed) if resumed else None
        if before is not None and before.ended is None:  # it is there: another connection of it
            yield before
            return
        visit = self._admitted(it, before)
        self._coming.append(visit)
        try:
            yield visit
        finally:
            self._coming.remove(visit)
            if visit.name:
                self._opened(it, visit, is_new=before is None)

    def _before(self, it: Pass, name: str) -> Visit:
        visit = self._visits.get(name)
        if visit is None or visit.subject != it.subject:
            raise NotFound(_AWAY, "session-over")
        return visit

    # --- may it begin ---------------------------------------------------------------------------

    def _admitted(self, it: Pass, before: Visit | None) -> Visit:
        """A new one, or one that goes on with another, and how long it may be."""
        self._forget()
        if before is None:
            self._check_once(it)
            self._check_hourly(it)
        self._check_at_once(it)
        length = self._granted(it, before)
        return Visit(it.subject, self._now(), length, once="" if before else it.once)

    def _check_once(self, it: Pass) -> None:
        if not it.once:
            return
        if it.once in self._once or any(each.once == it.once for each in self._coming):
            raise Forbidden(
                "The token was for one session, which was begun: ask for a new one.", "token-used"
            )
        if len(self._once) >= _ONCE:
            raise Full("Too many tokens for one session are out. Try again later.")

    def _check_at_once(self, it: Pass) -> None:
        most = it.sessions or self._quotas.sessions
        running = self._running(it.subject)
        if not most or len(running) < most:
            return
        weakest = self._houses.weakest_of([each.name for each in running])
        if weakest is None:
            words = f"You have {most} conversation{'s' if most > 1 else ''} already: end one first."
            raise TooMany(words, _SOON, "quota-sessions")
        self._evict(weakest)

    def _check_hourly(self, it: Pass) -> None:
        most, past = self._quotas.hourly, self._past.get(it.subject)
        if not most or past is None:
            return
        past.forget(self._now())
        coming = sum(each.subject == it.subject for each in self._coming)
        if len(past.begun) + coming >= most:
            again = past.begun[0] + _HOUR - self._now() if past.begun else _SOON
            words = f"You have begun {most} conversations within an hour. Come back later."
            raise TooMany(words, max(1, ceil(again)), "quota-hour")

    def _granted(self, it: Pass, before: Visit | None) -> int:
        """s that it may last, 0: as the server has it. Raises TooMany, NotFound."""
        length = it.length
        given = (before.length or self._longest) if before is not None else 0
        if before is not None and given:  # what it left goes on, not its time anew
            left = max(0, int(given - before.lasted))
            length = min(it.length or left, left)
            if not length:
                raise NotFound(_AWAY, "session-over")
        if not self._quotas.minutes:
            return length
        left = int(60 * self._quotas.minutes - self._spent(it.subject))
        if left < 1:
            again = self._until_minutes(it.subject)
            words = f"You have talked for {self._quotas.minutes} minutes today. Come back later."
            raise TooMany(words, again, "quota-day")
        return min(length or left, left)

    def _spent(self, subject: str) -> float:
        """s of the day's that are used, or given to a session that runs."""
        past = self._past.get(subject)
        if past is not None:
            past.forget(self._now())
        ended = sum(seconds for _, seconds in past.talked) if past is not None else 0.0
        given = (each.length or self._longest for each in self._running(subject))
        return ended + sum(given)

    def _until_minutes(self, subject: str) -> int:
        past = self._past.get(subject)
        if past is None or not past.talked or self._running(subject):
            return _SOON * 6
        return max(1, ceil(past.talked[0][0] + _DAY - self._now()))

    def _running(self, subject: str) -> list[Visit]:
        there = [each for each in self._visits.values() if each.ended is None]
        return [each for each in (*there, *self._coming) if each.subject == subject]

    # --- what becomes of it ---------------------------------------------------------------------

    def _opened(self, it: Pass, visit: Visit, *, is_new: bool) -> None:
        if it.once and is_new:
            self._once[it.once] = it.expires
        self._visits[visit.name] = visit
        past = self._past.setdefault(it.subject, _Past())
        self._past.move_to_end(it.subject)
        if is_new:
            past.begun.append(self._now())
        if not self._houses.has(visit.name):  # over before anybody was told that it began
            self._over(visit.name)

    def _over(self, name: str) -> None:
        visit = self._visits.get(name)
        if visit is None or visit.ended is not None:
            return
        visit.ended = self._now()
        self._visits.move_to_end(name)
        self._past.setdefault(visit.subject, _Past()).talked.append((visit.ended, visit.lasted))

    def _forget(self) -> None:
        """What nobody is asked about any more."""
        now = self._now()
        if now - self._tidied < _TIDY:
            return
        self._tidied = now
        over = [v for v in self._visits.values() if v.ended is not None and v.ended + _KEPT < now]
        for visit in over:
            del self._visits[visit.name]
        for past in self._past.values():
            past.forget(now)
        for subject in [s for s, past in self._past.items() if past.is_empty]:
            del self._past[subject]
        while len(self._past) > _KNOWN:
            self._past.popitem(last=False)
        clock = self._clock()
        for name in [each for each, until in self._once.items() if until + _BACK < clock]:
            del self._once[name]


class _Past:
    """begun: when sessions began, in the last hour; uploads: when files were sent, in that as well.

    talked: (when it ended, s), in the last day.
    """

    __slots__ = ("begun", "talked", "uploads")

    def __init__(self) -> None:
        self.begun: deque[float] = deque()
        self.uploads: deque[float] = deque()
        self.talked: deque[tuple[float, float]] = deque()

    @property
    def is_empty(self) -> bool:
        return not (self.begun or self.uploads or self.talked)

    def forget(self, now: float) -> None:
        """What no quota is about any more."""
        for times in (self.begun, self.uploads):
            while times and times[0] + _HOUR <= now:
                times.popleft()
        while self.talked and self.talked[0][0] + _DAY <= now:
            self.talked.popleft()
