"""A session and the connections that carry it, one after the other.

The session rests while there is none, for a while: a visitor whose link falls away, or whose
browser puts the page to sleep, comes back with a new offer and finds what was said.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from visavis.server import protocol
from visavis.server.playout.messages import TICK_RATE, Tick, ms
from visavis.server.rtc.allowance import Allowance
from visavis.server.rtc.held import COMMANDS, State
from visavis.server.rtc.legacy import Legacy
from visavis.server.rtc.peer import Peer
from visavis.server.rtc.terms import Terms
from visavis.server.session.events import Failure, Line
from visavis.server.session.session import Session
from visavis.server.system.bucket import Bucket
from visavis.server.system.errors import Full, NotFound, Unprocessable
from visavis.server.system.flow import Tasks

log = logging.getLogger(__name__)

# Seconds from an answer to a connection. Browsers take 0.1 to 1 s, with a relay up to 5; the page
# gives up after 10 (MEDIA_MS in client/element/connection.js).
_CONNECT_WITHIN: Final = 10.0
_FAREWELL: Final = 3.0  # s that a page which was closed has to turn out to be reloaded
_LOOK: Final[Tick] = ms(250)  # how often peer and limits are looked at
_SILENT: Final[Tick] = ms(1500)  # without a packet: feedback on pictures comes every second
_SPEAKS: Final[Tick] = ms(100)  # between two looks at whether a reply is under way
_FLUSH: Final = 0.3  # s for the last message to leave before the connection is closed
_MOST_PEERS: Final = 8  # of a session at a time, those that are being closed included
_TOKEN_BYTES: Final = 16
_HISTORY: Final = 16_000  # characters: well within what a data channel takes in one message
_AWAY: Final = "There is no such conversation any more: it waited, or its place was needed."

_ENDS: Final = "The server is shutting down: this conversation will end in a moment."
_ENDED: Final = "The server was shut down."


class Conversation:
    """One session, from its first offer to its end; `changed` is called at each new state."""

    def __init__(
        self,
        session: Session,
        terms: Terms,
        changed: Callable[[Conversation], None],
        before: Legacy | None = None,
    ) -> None:
        """before: what an earlier one left, with which this one goes on."""
        self.session, self._terms, self._changed = session, terms, changed
        self._limits = limits = terms.limits
        self._allowance = Allowance(limits)
        self.commands = Bucket(*COMMANDS)
        self.state: State = "offered"
        self.since = session.clock.seconds(0)  # when that state began, s of time.monotonic()
        self._token = f"{session.name}.{secrets.token_urlsafe(_TOKEN_BYTES)}"
        self._lost = self.since  # when nobody was there any more, if so
        self.legacy: Legacy | None = None  # once it is over, if somebody may go on with it
        self._peer: Peer | None = None  # the one that is connected
        self._next: Peer | None = None  # the one that is to take over
        self._peers: set[Peer] = set()  # these two, and those that are being closed
        self._connections, self._taken, self._late = 0, 0, 0
        self._rests_until: Tick = 0
        self._tasks = Tasks()
        self._closer: asyncio.Task[None] | None = None
        self._goes_on = before is not None
        if before is not None:
            self._token, self._lost, self._taken = before.token, before.lost, before.taken
            session.restore(before.keepsake, ms(1000 * (self.since - before.lost)))

    # --- from outside ---------------------------------------------------------------------------

    async def connect(self, offer: str) -> str:
        """SDP offer -> SDP answer; the peer takes over once it is connected.

        Raises Malformed or Unprocessable when the offer cannot be used, Full when no port is left
        or too many are under way, NotFound when it is over.
        """
        if len(self._peers) >= _MOST_PEERS:
            raise Full("This conversation is being connected already.", retry_after=1)
        terms = self._terms
        peer = Peer(self.session, terms.ice, self, terms.network(), terms.dialect())
        self._peers.add(peer)
        try:
            answer = await peer.answer(offer, self._terms.reach)
        except BaseException:
            await self._close_peer(peer)
            raise
        if self.state == "over":
            await self._close_peer(peer)
            raise NotFound(_AWAY, "session-over")
        before, self._next = self._next, peer
        if before is not None:
            self._drop(before)
        self._tasks.start(self._follow(peer), name="peer")
        return answer

    def is_resumed_by(self, token: str) -> bool:
        """Whether this is what its visitor was given in `ready`."""
        return hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self._token.encode())

    @property
    def token(self) -> str:
        """The secret with which its visitor offers anew."""
        return self._token

    def leave(self, *, back: bool) -> None:
        """The page is gone. back: it was put aside and may return; else it may be a reload."""
        peer, self._peer = self._peer, None
        if peer is not None:
            self._drop(peer)
        if self.state == "offered":
            self._tasks.start(self.close(), name="end")
        elif self.state != "over":
            rest = self._limits.rest
            self._rest(rest if back else min(rest, _FAREWELL), self.session.clock.now())

    async def add_candidates(self, fragment: str) -> str:
        """Candidates for the connection that a fragment names: "".

        With credentials of none, another way for the one that stands: the server's part of it.
        Raises Malformed, Unprocessable, TooMany, Full.
        """
        peers = [p for p in (self._next, self._peer) if p is not None and p.knows(fragment)]
        if peers:
            await peers[0].add_candidates(fragment)
            return ""
        if self._peer is None:
            msg = "there is no connection to restart ICE in: offer anew, with the session's token"
            raise Unprocessable(msg, "ice-restart")
        return await self._peer.restart(fragment)

    @property
    def terms(self) -> Terms:
        """What all of its connections have in common."""
        return self._terms

    async def dismiss(self, words: str) -> None:
        """A member of staff ends it for good, and its page is told these words."""
        if self._peer is not None:
            self._peer.send(protocol.Goodbye("staff", words))
            await asyncio.sleep(_FLUSH)
        await self.close(for_good=True)

    async def take_leave(self, within: float) -> None:
        """The server ends: tell the page, let a reply be finished within so many s, and close."""
        if self._peer is not None:
            await self._finish(self._peer, within)
        await self.close(for_good=True)

    async def _finish(self, peer: Peer, within: float) -> None:
        clock = self.session.clock
        until = clock.now() + ms(within * 1000)
        if self.session.replying and within:
            peer.send(Failure("server-ends", _ENDS))
        while self.session.replying and peer is self._peer and clock.now() < until:
            await clock.sleep_until(clock.now() + _SPEAKS)
        peer.send(protocol.Goodbye("shutdown", _ENDED))
        await asyncio.sleep(_FLUSH)

    async def close(self, *, for_good: bool = False) -> None:
        """End it all; safe to call twice, and from within. for_good: nobody may go on with it."""
        if self._closer is None:
            if not for_good:
                self._leave_behind()
            self._enter("over")
            # A task of its own: it ends those that may have called.
            self._closer = asyncio.create_task(self._close(), name="close")
        await asyncio.shield(self._closer)

    def _leave_behind(self) -> None:
        """What its visitor finds who comes back, unless nobody was there or nobody is to wait."""
        if not (self._connections or self._goes_on) or not self._limits.rest:
            return
        if not self.session.resting:
            now = self.session.clock.now()
            self._lost = self.session.clock.seconds(now)
            self.session.rest(now)
        self.legacy = Legacy(
            self._token, self._lost, self._taken, self._terms.avatar, self._terms.voice,
            self.session.source, self.session.left(), self._terms.background,
        )  # fmt: skip

    @property
    def begun(self) -> bool:
        """Whether ICE has found a viewer."""
        return any(peer is not None and peer.begun for peer in (self._peer, self._next))

    @property
    def late(self) -> int:
        """Pictures that did not come in time, so far."""
        return self._late + (self._peer.late if self._peer is not None else 0)

    # --- what a peer asks (Greeter) -------------------------------------------------------------

    def ready(self) -> protocol.Ready:
        """The first message on a peer's channel."""
        return protocol.Ready(
            protocol.VERSION, self.session.name, self._terms.avatar, self._terms.voice,
            self.session.source,
            resume=self._token,
            resumed=self._connections > 1 or self._goes_on,
            taken=self._taken,
            history=_newest(self.session.said),
            captions=self.session.shown,
            fluency=self.session.fluency,
            language=self.session.language,
            attended=self.session.attendance.by.by,
            voice_mood=self.session.reads_voice,
            epoch=self.session.clock.epoch,
            size=self.session.size,
            matte=self.session.matte,
            label=self.session.disclosure.label,
            disclosure=self.session.disclosure.by,
        )  # fmt: skip

    def took(self) -> None:
        """A message of the visitor was acted upon."""
        self._taken += 1

    # --- one connection after the other ---------------------------------------------------------

    async def _follow(self, peer: Peer) -> None:
        if not await peer.connects(_CONNECT_WITHIN):
            await self._give_up(peer)
            return
        if peer is not self._next:
            return  # another offer has come meanwhile
        await self._take(peer)
        how = await peer.ended
        if peer is not self._peer:
            return  # another one has taken over, or the page said that it goes
        self._peer = None
        rest = self._limits.rest if how == "lost" else min(self._limits.rest, _FAREWELL)
        self._rest(rest, peer.heard_at)  # before anything is awaited: another one may come
        self._drop(peer)

    async def _give_up(self, peer: Peer) -> None:
        log.info("the viewer did not connect", extra={"session": self.session.name})
        if self._next is peer:
            self._next = None
        await self._close_peer(peer)
        if self.state == "offered" and self._next is None:
            await self.close()

    async def _take(self, peer: Peer) -> None:
        """Let this peer carry the session."""
        before, self._peer, self._next = self._peer, peer, None
        self._connections += 1
        clock = self.session.clock
        if before is not None:
            before.look()
            if clock.now() - before.heard_at > _SILENT:
                self.session.rest(before.heard_at)
            await before.detach()  # one microphone at a time
            self._drop(before)
            if self._peer is not peer:
                return  # meanwhile the page went, or came once more
        if self._connections == 1:
            self._tasks.start(self._live(), name=f"session-{self.session.name}")
        if self.session.resting:
            self.session.wake()
        peer.attach()
        self._enter("live")
        if self._connections > 1:
            log.info("session resumed", extra={"session": self.session.name})

    def _drop(self, peer: Peer) -> None:
        self._late += peer.late
        self._tasks.start(self._close_peer(peer), name="close a peer")

    async def _close_peer(self, peer: Peer) -> None:
        await peer.close()
        self._peers.discard(peer)

    def _rest(self, within: float, heard: Tick) -> None:
        now = self.session.clock.now()
        until = now + ms(within * 1000)
        if self.state == "resting":
            self._rests_until = min(self._rests_until, until)  # who says twice that it goes
            return
        self._rests_until = until
        self._lost = self.session.clock.seconds(now)
        self.session.rest(heard)
        self._enter("resting")
        log.info("session rests", extra={"session": self.session.name, "seconds": within})

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
            self._tasks.start(self.close(), name="end")

    async def _watch(self) -> None:
        """Until it is time to end."""
        clock = self.session.clock
        while not self._is_over():
            await clock.sleep_until(clock.now() + _LOOK)
        if self._peer is not None:
            await asyncio.sleep(_FLUSH)
        await self.close(for_good=self.state != "resting")

    def _is_over(self) -> bool:
        if self._peer is not None:
            self._peer.look()
        now = self.session.clock.now()
        forbidden = self.session.forbidden
        if self.state == "resting":
            return bool(forbidden) or (now >= self._rests_until and self._next is None)
        told = self._allowance.look(now / TICK_RATE, self.session.quiet / TICK_RATE, forbidden)
        if told is not None and self._peer is not None:
            self._peer.send(told)
        return isinstance(told, protocol.Goodbye)

    async def _close(self) -> None:
        await self._tasks.close()
        await asyncio.gather(*map(self._close_peer, list(self._peers)), return_exceptions=True)
        await self.session.close()


def _newest(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The last of them, as many as fit into a message."""
    room, kept = _HISTORY, deque[Line]()
    for line in reversed(lines):
        room -= len(line.text)
        if room < 0:
            break
        kept.appendleft(line)
    return tuple(kept)
