"""A session whose life is a wire's: it is there while somebody is there, and a little longer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from visavis.server import protocol
from visavis.server.playout.messages import TICK_RATE, Tick, ms
from visavis.server.rtc.allowance import Allowance
from visavis.server.rtc.held import COMMANDS, State
from visavis.server.rtc.leg import CONNECT_WITHIN, Leg
from visavis.server.rtc.legacy import Legacy
from visavis.server.rtc.terms import Terms
from visavis.server.session.events import Failure
from visavis.server.session.session import Session
from visavis.server.system.bucket import Bucket
from visavis.server.system.errors import NotFound
from visavis.server.system.faults import fault
from visavis.server.system.flow import Tasks

log = logging.getLogger(__name__)

_LOOK: Final = 0.25  # s between two looks at limits
_FLUSH: Final = 0.3  # s for the last message to leave
_SPEAKS: Final[Tick] = ms(100)  # between two looks at whether a reply is under way
_OVER: Final = "The session has ended meanwhile."


class Hosted:
    """Held by the sessions of a process; see `held.Held` for what they ask of it.

    It ends when nobody has come within 10 s, or nobody is there any more: neither a leg (`connect`)
    nor anybody else (`present`); `lingers`: s that it rests before it does. told: is given what
    limits say before they end it. ended: set when it is over.
    """

    def __init__(
        self, session: Session, terms: Terms, changed: Callable[[Hosted], None],
        lingers: float = 0.0,
    ) -> None:  # fmt: skip
        self.session, self._terms, self._changed = session, terms, changed
        self._lingers = lingers
        self.commands = Bucket(*COMMANDS)
        self.state: State = "offered"
        self.since = session.clock.seconds(0)
        self.legacy: Legacy | None = None  # nobody comes back by a token
        self.told: Callable[[Failure | protocol.Goodbye], None] = lambda told: None
        self.ended = asyncio.Event()
        self.legs: list[Leg] = []
        self._present: set[object] = set()
        self._late = 0
        self._allowance = Allowance(terms.limits)
        self._tasks = Tasks()
        self._timer: asyncio.TimerHandle | None = None
        self._closer: asyncio.Task[None] | None = None
        self._wait(CONNECT_WITHIN)

    # --- who is there ---------------------------------------------------------------------------

    async def connect(self, leg: Leg, offer: str) -> str:
        """Let a leg answer an offer; it is there while it is connected.

        Raises what `Leg.answer` raises, and NotFound when the session is over.
        """
        self.legs.append(leg)
        try:
            answer = await leg.answer(offer)
            self._check_lives()
        except BaseException:
            self.legs.remove(leg)
            await leg.close()
            raise
        if not self._present:
            self._wait(max(CONNECT_WITHIN, self._lingers))
        self._tasks.start(self._follow(leg), name="leg")
        return answer

    def _check_lives(self) -> None:
        """Raises NotFound."""
        if self.state == "over":
            raise NotFound(_OVER, "session-over")

    async def _follow(self, leg: Leg) -> None:
        coming = asyncio.create_task(self._arrive(leg), name="leg arrives")
        try:
            await leg.live()
        finally:
            coming.cancel()
            if leg in self.legs:
                self.legs.remove(leg)
            self._late += leg.late
            await leg.close()
            self.leave(leg)

    async def _arrive(self, leg: Leg) -> None:
        await leg.connected.wait()
        self.enter(leg)

    @contextmanager
    def present(self) -> Iterator[None]:
        """Somebody is there without a leg, such as a web socket."""
        who = object()
        self.enter(who)
        try:
            yield
        finally:
            self.leave(who)

    def enter(self, who: object) -> None:
        """Somebody is there from now on."""
        if self.state == "over":
            return
        self._present.add(who)
        if self._timer is not None:
            self._timer.cancel()
        if self.state == "offered":
            self._tasks.start(self._live(), name=f"session-{self.session.name}")
        if self.session.resting:
            self.session.wake()
        if self.state != "live":
            self._enter("live")

    def leave(self, who: object) -> None:
        """They are not any more; safe to call of who never was."""
        if who not in self._present:
            return
        self._present.discard(who)
        if self._present or self.state == "over":
            return
        if not self._lingers:
            self._end()
            return
        self.session.rest(self.session.clock.now())
        self._enter("resting")
        self._wait(self._lingers)

    def _wait(self, seconds: float) -> None:
        """End it, unless somebody comes within so long."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def _expire(self) -> None:
        if not self._present:
            self._end()

    def _end(self) -> None:
        if self.state != "over":
            self._tasks.start(self.close(), name="end")

    # --- Held -----------------------------------------------------------------------------------

    @property
    def terms(self) -> Terms:
        """See Held."""
        return self._terms

    @property
    def begun(self) -> bool:
        """See Held."""
        return bool(self._present) or any(leg.begun for leg in self.legs)

    @property
    def late(self) -> int:
        """See Held."""
        return self._late + sum(leg.late for leg in self.legs)

    async def dismiss(self, words: str) -> None:
        """See Held."""
        self.told(protocol.Goodbye("staff", words))
        await asyncio.sleep(_FLUSH)
        await self.close(for_good=True)

    async def take_leave(self, within: float) -> None:
        """See Held."""
        clock = self.session.clock
        until = clock.now() + ms(within * 1000)
        while self.session.replying and self._present and clock.now() < until:
            await clock.sleep_until(clock.now() + _SPEAKS)
        self.told(protocol.Goodbye("shutdown", "The server was shut down."))
        await asyncio.sleep(_FLUSH)
        await self.close(for_good=True)

    async def close(self, *, for_good: bool = False) -> None:
        """See Held."""
        del for_good
        if self._closer is None:
            if self._timer is not None:
                self._timer.cancel()
            self._enter("over")
            # A task of its own: it ends those that may have called.
            self._closer = asyncio.create_task(self._close(), name="close")
        await asyncio.shield(self._closer)

    async def _close(self) -> None:
        await self._tasks.close()
        await asyncio.gather(*(leg.close() for leg in self.legs), return_exceptions=True)
        await self.session.close()
        self.ended.set()

    def _enter(self, state: State) -> None:
        self.state = state
        clock = self.session.clock
        self.since = clock.seconds(clock.now())
        self._changed(self)

    # --- its life -------------------------------------------------------------------------------

    async def _live(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.session.run())
                tasks.create_task(self._watch())
        finally:
            self._end()

    async def _watch(self) -> None:
        """Until its time is over."""
        clock = self.session.clock
        while True:
            await asyncio.sleep(_LOOK)
            quiet = self.session.quiet / TICK_RATE
            told = self._allowance.look(clock.now() / TICK_RATE, quiet, self.session.forbidden)
            if told is None:
                continue
            try:
                self.told(told)
            except Exception as error:  # noqa: BLE001 (whoever it is, the limit holds)
                log.error("a wire was not told of a limit", extra={"fault": fault(error)})  # noqa: TRY400
            if isinstance(told, protocol.Goodbye):
                await asyncio.sleep(_FLUSH)
                self._end()
                return
