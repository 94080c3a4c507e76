"""The live sessions of a process: opened the one way there is, found by name, and ended.

Visitors come by server/http/sessions.py, clients of other systems by the wires. Both hold places,
get engines and are counted here; what carries a session is theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from visavis.engines.base import EngineError
from visavis.models.errors import ModelError
from visavis.server.http.keepsakes import SECONDS, Kept, Memory, OwnMemory, proof_of
from visavis.server.http.places import Keeper
from visavis.server.http.wishes import Kind, Lender, Offered, Wish, granted
from visavis.server.playout.messages import ms
from visavis.server.rtc.allowance import Limits
from visavis.server.rtc.congestion import Measured
from visavis.server.rtc.held import Held
from visavis.server.rtc.hosted import Hosted
from visavis.server.rtc.reach import Reach
from visavis.server.rtc.terms import Terms
from visavis.server.session.engines import Engines
from visavis.server.session.lipsync import Mouth
from visavis.server.session.session import Session
from visavis.server.system.audit import Audit, Unaudited
from visavis.server.system.errors import Conflict, Ended, Full, NotAllowed, NotReady
from visavis.server.system.faults import fault
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics
from visavis.server.system.seldom import Seldom

log = logging.getLogger(__name__)
_seldom: Final = Seldom(log)  # who asks may ask again and again

SHUTTING_DOWN: Final = "The server is shutting down."
_MOMENT: Final = ms(3000)
_REFUSED_EVERY: Final = 600.0  # s between two notes of one avatar for one reason

H = TypeVar("H", bound=Held)


class Sessions:
    """The live sessions, by their names. listeners: told of each that enters another state.

    memory: who keeps what is left of those that ended. gone: called with the name of each that did.
    audit: where their use of avatars is noted.
    """

    def __init__(
        self,
        offered: Offered,
        lender: Lender,
        places: Keeper,
        metrics: Metrics,
        memory: Memory | None = None,
        audit: Audit | None = None,
    ) -> None:
        self._audit = audit or Unaudited()
        self._begun: dict[str, float] = {}  # by name: when, by a clock that never jumps
        self._offered, self._lender, self._metrics = offered, lender, metrics
        self.places, self.memory = places, memory or OwnMemory()
        self._held: dict[str, Held] = {}
        self._refused: dict[tuple[str, str], float] = {}  # when it was noted; avatars that exist
        self._coming: set[str] = set()  # names of wires' sessions that are being opened
        self._leaving = Tasks()
        self._draining = False
        self.listeners: list[Callable[[Held], None]] = []
        self.gone: list[Callable[[str], None]] = []

    # --- all of them ----------------------------------------------------------------------------

    async def close(self) -> None:
        """Take nobody in any more, and end every session."""
        self._draining = True
        closing = [each.close(for_good=True) for each in self.all]
        await asyncio.gather(*closing, return_exceptions=True)
        await self._leaving.close()

    async def drain(self, within: float) -> None:
        """Take nobody in any more; let those finish what they say who are there, then end them.

        within: s that this may take.
        """
        self._draining = True
        leaving = [each.take_leave(within) for each in self.all]
        await asyncio.gather(*leaving, return_exceptions=True)

    @property
    def draining(self) -> str | None:
        """Why no session can begin any more, if so."""
        return SHUTTING_DOWN if self._draining else None

    @property
    def missing(self) -> str | None:
        """Why no session can begin now, if so."""
        return self.draining or self._lender.missing

    @property
    def all(self) -> list[Held]:
        """Every one there is."""
        return list(self._held.values())

    @property
    def talking(self) -> bool:
        """Whether anywhere somebody speaks, or did a moment ago."""
        return any(each.session.quiet < _MOMENT for each in self._held.values())

    @property
    def reach(self) -> Reach:
        """Where media is received."""
        return self._offered.reach

    async def mouth(self) -> Mouth:
        """What speaks one person's own voice. Raises EngineError."""
        return await self._lender.mouth()

    def find(self, name: str) -> Held | None:
        """The one of that name."""
        return self._held.get(name)

    def give_away(self, name: str) -> None:
        """End the session of that name: its place went to a newcomer."""
        if (gone := self._held.get(name)) is not None:
            log.info("a place was given away", extra={"session": name, "state": gone.state})
            self._metrics.given_away.labels(gone.state).inc()
            self._leaving.start(gone.close(), name="give a place away")

    # --- a new one ------------------------------------------------------------------------------

    async def kind(self, wish: Wish) -> Kind:
        """What a wish comes to. Before a place is taken, which may be a resting visitor's.

        Raises Malformed for a source or language that there is not, NotFound for avatar or voice.
        """
        try:
            return await granted(wish, self._offered, self._lender)
        except (NotAllowed, Ended) as error:
            self._note_refused(wish.avatar or self._offered.avatar, error.code)
            raise

    def _note_refused(self, avatar: str, why: str) -> None:
        """In the audit log, now and then: who is refused may ask again and again."""
        now = time.monotonic()
        if now - self._refused.get((avatar, why), -_REFUSED_EVERY) >= _REFUSED_EVERY:
            self._refused[avatar, why] = now
            self._audit.record("consent-refused", avatar=avatar, why=why)

    async def hosted(
        self, wish: Wish, who: str, *, name: str = "", lingers: float = 0.0,
        limits: Limits | None = None, adapt: Callable[[Engines], Engines] | None = None,
    ) -> Hosted:  # fmt: skip
        """A session for a wire, which carries it from here on.

        who: the caller's address. name: empty: one that nobody guesses. lingers: s that it waits
        when nobody is there any more. limits: None: as of visitors' sessions. adapt: what a wire
        makes of the engines before the session gets them, such as another mind. Raises Malformed,
        NotFound (no such avatar), Conflict (the name is taken), Full, NotReady.
        """
        if (missing := self.missing) is not None:
            raise NotReady(missing)
        kind, name = await self.kind(wish), name or secrets.token_urlsafe(12)
        if name in self._held or name in self._coming:
            raise Conflict("There is a session of that name already.", "session-exists")

        async def make(session: Session, terms: Terms) -> Hosted:
            own = terms if limits is None else replace(terms, limits=limits)
            return Hosted(session, own, self.changed, lingers)

        self._coming.add(name)
        try:
            await self.take_place(name, who)
            hosted = await self.seated(name, kind, make, adapt)
        finally:
            self._coming.discard(name)
        self.opened(name, kind)
        return hosted

    async def seated(
        self, name: str, kind: Kind, make: Callable[[Session, Terms], Coroutine[Any, Any, H]],
        adapt: Callable[[Engines], Engines] | None = None,
    ) -> H:  # fmt: skip
        """Open a session in the place that was taken for it; the place goes if it cannot be.

        make: who carries the session; it closes what it was given if it raises.
        """
        try:
            held = await self._open(name, kind, make, adapt)
        except BaseException:
            self.places.free(name)
            raise
        if not self.places.hold(name, held):
            await held.close()
            raise Full("Others from your address came meanwhile. Try again in a moment.")
        self._begun[name] = time.monotonic()
        self._audit.record(
            "session-opened", session=name, avatar=kind.avatar, source=kind.source, door=kind.door
        )
        self.changed(held)
        return held

    async def _open(
        self, name: str, kind: Kind, make: Callable[[Session, Terms], Coroutine[Any, Any, H]],
        adapt: Callable[[Engines], Engines] | None,
    ) -> H:  # fmt: skip
        try:
            engines = await self._lender.lend(
                kind.avatar, kind.voice, kind.source, kind.language, follows=kind.follows,
                background=kind.background,
            )  # fmt: skip
        except (EngineError, ModelError) as error:
            extra = {"avatar": kind.avatar, "fault": fault(error)}
            log.error("a session could not be given its engines", extra=extra)  # noqa: TRY400
            raise NotReady(str(error)) from error
        session = Session(
            name, adapt(engines) if adapt else engines, self._metrics, engines.clock()
        )
        terms = self._terms(kind.avatar, engines.voice or kind.voice, kind.background)
        held = await make(session, terms)
        if self._draining:
            await held.close()
            raise NotReady(SHUTTING_DOWN)
        return held

    def opened(self, name: str, kind: Kind) -> None:
        """Say so in the log."""
        log.info(
            "session opened",
            extra={
                "session": name, "avatar": kind.avatar, "voice": kind.voice, "source": kind.source,
            },
        )  # fmt: skip

    def _terms(self, avatar: str, voice: str, background: str) -> Terms:
        ours = self._offered
        network = partial(Measured, self._metrics)
        return Terms(
            avatar, voice, ours.ice, ours.reach, ours.limits, network, background=background
        )

    def check_place(self, who: str) -> None:
        """Before anything of an offer is read: a crowd outside costs those inside next to nothing.

        Raises Full.
        """
        with self._counted():
            self.places.check(who)

    async def take_place(self, name: str, who: str) -> None:
        """Raises Full."""
        with self._counted():
            leaving = await self.places.take(name, who)
        if leaving is not None:
            self.give_away(leaving)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except Full as error:
            self._metrics.refused.inc()
            _seldom.warning("full", "a session was refused", why=error.detail)
            raise

    # --- what becomes of them -------------------------------------------------------------------

    def changed(self, held: Held) -> None:
        """One has entered another state."""
        name = held.session.name
        if held.state != "over":
            self._held[name] = held
        elif self._held.get(name) is held:
            del self._held[name]
            self._over(name, held)
        states = [each.state for each in self._held.values()]
        self._metrics.sessions.set(len(states))
        self._metrics.resting.set(states.count("resting"))
        for listener in self.listeners:
            listener(held)

    def _over(self, name: str, held: Held) -> None:
        if (left := held.legacy) is not None:
            until = left.lost + SECONDS
            self.memory.keep(name, Kept(proof_of(left.token), until, left.written()))
        self.places.free(name)
        for each in self.gone:
            each(name)
        log.info("session closed", extra={"session": name})
        if (begun := self._begun.pop(name, None)) is not None:
            seconds = round(time.monotonic() - begun, 1)
            self._audit.record(
                "session-closed", session=name, avatar=held.terms.avatar, seconds=seconds
            )
