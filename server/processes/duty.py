"""A worker's side of its link: places that the parent keeps, and what the parent hears of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Final

from visavis.engines.base import EngineError
from visavis.server.http.keepsakes import Kept
from visavis.server.http.opening import Sessions
from visavis.server.http.places import Holder
from visavis.server.processes import merging
from visavis.server.processes.link import Link, LinkError
from visavis.server.rtc.held import Held
from visavis.server.services.carrying import Measured
from visavis.server.session.attendance import Presence
from visavis.server.system.errors import Full, NotReady
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics

BEAT: Final = 0.25  # s
_COUNTED: Final = 4  # beats from one report of the metrics to the next
_ALONE: Final = "The server is shutting down."

Carry = Callable[[Callable[[], bool]], Awaitable[Measured | None]]


class DistantPlaces:
    """A Keeper that asks the parent, which keeps the places of all workers."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._held: set[str] = set()

    def check(self, caller: str) -> None:
        """The parent has looked before it sent the offer here."""

    async def take(self, name: str, caller: str) -> str | None:
        """See Keeper; whoever must leave for it, the parent tells."""
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._link.send("take", [number, name, caller])
            refused = await answer
        except asyncio.CancelledError:
            self.free(name)
            raise
        except LinkError as error:
            raise NotReady(_ALONE) from error
        finally:
            del self._asked[number]
        if refused is not None:
            raise Full(refused["detail"], retry_after=refused["retry_after"])
        self._held.add(name)
        return None

    def answered(self, number: int, refused: Any) -> None:
        """The parent's answer to a `take`."""
        if (asked := self._asked.get(number)) is not None and not asked.done():
            asked.set_result(refused)

    def taken_away(self, name: str) -> None:
        """The parent gave a place to somebody else."""
        self._held.discard(name)

    def hold(self, name: str, holder: Holder) -> bool:
        """See Keeper."""
        if name in self._held:
            self._tell("hold", [name, *told(holder)])
        return name in self._held

    def move(self, name: str, caller: str) -> None:
        """See Keeper."""
        self._tell("move", [name, caller])

    def free(self, name: str) -> None:
        """See Keeper."""
        self._held.discard(name)
        self._tell("free", [name])

    def close(self) -> None:
        """The parent is gone: nobody waits for its answer any more."""
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(LinkError("the parent is gone"))

    def _tell(self, kind: str, content: Any) -> None:
        try:
            self._link.send(kind, content)
        except LinkError:
            return  # the parent is gone, and this process goes as well


class DistantMemory:
    """A Memory that the parent has, for all workers: who comes back may come to another one."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[Kept | None]] = {}

    def keep(self, name: str, kept: Kept) -> None:
        """See Memory."""
        with contextlib.suppress(LinkError):  # the parent is gone, and this process goes as well
            self._link.send("keep", [name, kept.proof, kept.until, kept.content])

    async def recall(self, token: str) -> Kept | None:
        """See Memory."""
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._link.send("recall", [number, token])
            kept: Kept | None = await answer
        except LinkError as error:
            raise NotReady(_ALONE) from error
        finally:
            del self._asked[number]
        return kept

    def answered(self, number: int, kept: Any) -> None:
        """The parent's answer to a `recall`."""
        if (asked := self._asked.get(number)) is not None and not asked.done():
            asked.set_result(None if kept is None else Kept(*kept))

    def close(self) -> None:
        """The parent is gone: nobody waits for its answer any more."""
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(LinkError("the parent is gone"))


def told(holder: Holder) -> tuple[str, float, bool]:
    """What the rules of places need to know of a conversation."""
    return holder.state, holder.since, holder.begun


class Duty:
    """Reports to the parent, and does what it says, until it is told to end.

    missing: why no session can begin in this process. carry: its self-test. presence: of staff, as
    the parent tells it.
    """

    def __init__(
        self, link: Link, places: DistantPlaces, memory: DistantMemory, sessions: Sessions,
        metrics: Metrics, missing: Callable[[], str | None], carry: Carry,
        presence: Presence | None = None,
    ) -> None:  # fmt: skip
        self._link, self._places, self._sessions = link, places, sessions
        self._memory, self._presence = memory, presence or Presence()
        self._metrics, self._missing, self._carry = metrics, missing, carry
        self._may_carry = False
        self._tasks = Tasks()
        sessions.listeners.append(self._changed)

    async def beat(self) -> None:
        """Say that this process lives, and how it is doing, until the parent is gone."""
        for number in itertools.count():
            holders = [[c.session.name, *told(c)] for c in self._sessions.all]
            try:
                self._link.send("beat", {"missing": self._missing(), "holders": holders})
                if number % _COUNTED == 0:
                    self._link.send("samples", merging.taken(self._metrics.registry))
            except LinkError:
                return
            await asyncio.sleep(BEAT)

    async def serve(self) -> float:
        """Until the parent says that it is over, or is gone: s that sessions have to finish."""
        async for kind, content in self._link:
            match kind:
                case "drain":
                    return float(content)
                case "taken":
                    self._places.answered(*content)
                case "recalled":
                    self._memory.answered(*content)
                case "leave":
                    self._places.taken_away(content)
                    self._sessions.give_away(content)
                case "presence":
                    offered, members = content
                    self._presence.offered, self._presence.members = bool(offered), int(members)
                case "samples":
                    self._send_samples()
                case "carry":
                    self._may_carry = True
                    self._tasks.start(self._rehearse(), name="self-test")
                case "do not carry":
                    self._may_carry = False
        self._places.close()
        self._memory.close()
        return 0.0

    async def close(self) -> None:
        """End what is under way."""
        self._may_carry = False
        await self._tasks.close()

    def _send_samples(self) -> None:
        try:
            self._link.send("samples", merging.taken(self._metrics.registry))
        except LinkError:
            return

    async def _rehearse(self) -> None:
        try:
            measured = await self._carry(lambda: self._may_carry)
        except EngineError as error:
            self._link.send("does not carry", str(error))
            return
        self._link.send("carries", asdict(measured) if measured is not None else None)

    def _changed(self, held: Held) -> None:
        try:
            self._link.send("state", [held.session.name, *told(held)])
        except LinkError:
            return
