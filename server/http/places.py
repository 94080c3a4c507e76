"""Who has one of the server's places, and who gives theirs to a newcomer. Knows no HTTP.

An offer costs its sender one small request and the server a session, so whoever has only made one
holds its place weakly: see ARCHITECTURE.md, "Places".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Final, Literal, Protocol

from visavis.server.http.callers import is_here
from visavis.server.system.errors import Full

_STALE: Final = 3.0  # s in which the peer of an offer begins ICE; browsers do within 0.3
_OFFERS: Final = 4  # of one address that are not connected
_SOON: Final = 2  # s after which an offer may have become stale


class Holder(Protocol):
    """A conversation, as far as its place is concerned. since: of its state, in monotonic s."""

    @property
    def state(self) -> Literal["offered", "live", "resting", "over"]: ...
    @property
    def since(self) -> float: ...
    @property
    def begun(self) -> bool:
        """Whether its viewer was found."""
        ...


@dataclass(slots=True, eq=False)
class Place:
    """One that is taken. holder: None while the offer is being answered."""

    name: str
    caller: str
    since: float
    holder: Holder | None = None

    @property
    def offered(self) -> bool:
        """Whether nobody is connected yet."""
        return self.holder is None or self.holder.state == "offered"

    @property
    def resting(self) -> bool:
        """Whether nobody is connected any more."""
        return self.holder is not None and self.holder.state == "resting"


class Keeper(Protocol):
    """Who keeps the places that a process' sessions take: itself, or the server that it works for.

    take: the name of whom it was taken from, if that is a session of this process. Raises Full.
    check: raises Full where that is known already, and costs nothing.
    """

    def check(self, caller: str) -> None: ...
    async def take(self, name: str, caller: str) -> str | None: ...
    def hold(self, name: str, holder: Holder) -> bool: ...
    def move(self, name: str, caller: str) -> None: ...
    def free(self, name: str) -> None: ...


class Places:
    """Those of one server.

    most: how many there are; a function, where that changes. each: places of one address, this
    machine's own left out; 0: any.
    """

    def __init__(
        self, most: int | Callable[[], int], each: int, now: Callable[[], float] = monotonic
    ) -> None:
        self._limit, self._each, self._now = most, each, now
        self._taken: dict[str, Place] = {}
        self.freed: list[Callable[[str], None]] = []  # called with each name that has none any more

    @property
    def taken(self) -> int:
        """How many are taken."""
        return len(self._taken)

    @property
    def most(self) -> int:
        """How many there are now."""
        return self._limit if isinstance(self._limit, int) else self._limit()

    def take(self, name: str, caller: str) -> str | None:
        """Take a place; the name of whom it must be taken from, if anybody. Raises Full."""
        leaving = self._room(caller)
        if leaving is not None:
            self.free(leaving.name)
        self._taken[name] = Place(name, caller, self._now())
        return leaving.name if leaving is not None else None

    def hold(self, name: str, holder: Holder) -> bool:
        """The offer was answered, and this holds the place from now on. False: it is gone."""
        if name in self._taken:
            self._taken[name].holder = holder
        return name in self._taken

    def move(self, name: str, caller: str) -> None:
        """Its visitor came back, from this address."""
        if name in self._taken:
            self._taken[name].caller = caller

    def free(self, name: str) -> None:
        """Nobody holds it any more; safe to call twice."""
        if self._taken.pop(name, None) is not None:
            for each in self.freed:
                each(name)

    def has(self, name: str) -> bool:
        """Whether a session of that name has a place."""
        return name in self._taken

    def weakest_of(self, names: Collection[str]) -> str | None:
        """Whose place goes first, of those; None: all of their visitors are there."""
        own = [place for name, place in self._taken.items() if name in names]
        for weak in (self._stale(own), [p for p in own if p.resting]):
            if weak:
                return min(weak, key=_since).name
        return None

    def check(self, caller: str) -> None:
        """Raises Full where `take` would: for who has only begun to ask, before it costs much."""
        self._room(caller)

    def _room(self, caller: str) -> Place | None:
        """Who must leave, if anybody. Raises Full."""
        if not is_here(caller):
            own = [p for p in self._taken.values() if p.caller == caller]
            if self._each and len(own) >= self._each:
                return self._own(own, f"Your address has {len(own)} places already.")
            offers = [p for p in own if p.offered]
            if len(offers) >= _OFFERS:
                return self._own(offers, "Your address has offers that are not connected yet.")
        most = self.most
        if len(self._taken) < most:
            return None
        leaving = self._weakest(caller)
        if leaving is None:
            offered = any(p.offered for p in self._taken.values())
            words = f"All {max(most, len(self._taken))} places are taken. Try again in a moment."
            raise Full(words, retry_after=_SOON if offered else None)
        return leaving

    def _own(self, own: list[Place], words: str) -> Place:
        for weak in (self._stale(own), [p for p in own if p.resting]):
            if weak:
                return min(weak, key=_since)
        raise Full(words, retry_after=_SOON)

    def _weakest(self, caller: str) -> Place | None:
        taken = list(self._taken.values())
        for weak in (self._stale(taken), [p for p in taken if p.resting]):
            if weak:
                return min(weak, key=_since)
        return min(self._crowd(caller), key=_by_progress, default=None)

    def _stale(self, places: list[Place]) -> list[Place]:
        """Offers whose peer has not even begun."""
        return [
            p
            for p in places
            if p.offered and p.holder and not p.holder.begun and self._now() - p.since > _STALE
        ]

    def _crowd(self, caller: str) -> Iterator[Place]:
        """Offers of the address that has most of them, the newcomer's counted."""
        offers = [p for p in self._taken.values() if p.offered]
        counts = Counter([caller, *(p.caller for p in offers)])
        most = max(counts.values())
        if most > 1:
            yield from (p for p in offers if counts[p.caller] == most)


class OwnPlaces:
    """A Keeper over the places of a server that is one process."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def check(self, caller: str) -> None:
        """See Keeper."""
        self._places.check(caller)

    async def take(self, name: str, caller: str) -> str | None:
        """See Keeper."""
        return self._places.take(name, caller)

    def hold(self, name: str, holder: Holder) -> bool:
        """See Places."""
        return self._places.hold(name, holder)

    def move(self, name: str, caller: str) -> None:
        """See Places."""
        self._places.move(name, caller)

    def free(self, name: str) -> None:
        """See Places."""
        self._places.free(name)


def _since(place: Place) -> float:
    return place.holder.since if place.holder else place.since


def _by_progress(place: Place) -> tuple[bool, float]:
    return (place.holder is not None and place.holder.begun, place.since)
