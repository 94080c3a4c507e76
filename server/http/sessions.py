"""Sessions over HTTP: opened by an SDP offer as WHEP does, resumed, commanded, recorded, ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from aiohttp import hdrs, web

from visavis.server import protocol
from visavis.server.http.callers import caller
from visavis.server.http.keepsakes import name_of
from visavis.server.http.naming import given
from visavis.server.http.offers import AWAY, RESUME, Offers
from visavis.server.http.opening import Sessions
from visavis.server.http.problems import SDP, body, json_object, sdp_offer
from visavis.server.http.wishes import Kind, Wish
from visavis.server.playout.messages import TICK_RATE
from visavis.server.provenance.films import Signing
from visavis.server.recording.recordings import Recordings
from visavis.server.rtc import legacy as legacies
from visavis.server.rtc import offers
from visavis.server.rtc.conversation import Conversation
from visavis.server.rtc.held import Held
from visavis.server.rtc.legacy import Legacy
from visavis.server.rtc.terms import Terms
from visavis.server.session.events import Directed, Failure
from visavis.server.session.session import Session
from visavis.server.system.audit import Audit
from visavis.server.system.errors import (
    Conflict,
    Malformed,
    NotFound,
    NotReady,
    TooMany,
    WrongType,
)
from visavis.server.system.metrics import Metrics

log = logging.getLogger(__name__)

_FRAGMENT: Final = "application/trickle-ice-sdpfrag"
_ASKED: Final = ("avatar", "voice", "source", "language", "background")  # of the query
_CARRIED: Final = (
    "This session's media goes another way than a page's: leave and trickle where it was begun."
)


class SessionRoutes:
    """The addresses of live sessions. recordings: the folder of their files.

    may_name: whether callers may choose a session's name. signing: makes what signs the recording
    of a session; None: nobody does.
    """

    def __init__(
        self,
        sessions: Sessions,
        recordings: Path,
        metrics: Metrics,
        *,
        may_name: bool = False,
        audit: Audit | None = None,
        signing: Callable[[Held], Signing] | None = None,
    ) -> None:
        self._sessions, self._metrics, self._may_name = sessions, metrics, may_name
        self._opening: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by name
        self._recordings = Recordings(recordings, audit)
        self._signing = signing
        self._reviving: dict[str, asyncio.Event] = {}
        self._offers = Offers()
        sessions.gone.append(self._recordings.forget)

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.post("/v1/sessions", self._create),
            web.get("/v1/sessions/{id}", self._describe),
            web.delete("/v1/sessions/{id}", self._delete),
            web.patch("/v1/sessions/{id}", self._trickle),
            web.post("/v1/sessions/{id}/{command:say|interrupt|direct|text}", self._command),
            web.post("/v1/sessions/{id}/leave", self._leave),
            web.post("/v1/sessions/{id}/recording", self._record),
            web.get("/v1/sessions/{id}/recording", self._recorded),
            web.delete("/v1/sessions/{id}/recording", self._stop_recording),
        ]

    async def close(self) -> None:
        """End every session."""
        await self._sessions.close()

    async def _create(self, request: web.Request) -> web.Response:
        self._offers.count(who := caller(request))
        name = given(request.query.get("name", ""), may=self._may_name)
        token = request.headers.get(RESUME)
        offer = await sdp_offer(request)
        length = _length(request)
        if (ends := self._sessions.draining) is not None:
            raise NotReady(ends)
        if token:
            return await self._resume(token, offer, who, length)
        if (missing := self._sessions.missing) is not None:
            raise NotReady(missing)
        asked = {each: request.query.get(each, "") for each in _ASKED}
        wish = Wish(**asked, accepts=request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
        kind = await self._sessions.kind(wish)
        if self._sessions.find(name) is None:  # else it gives way to this one
            self._sessions.check_place(who)
        offers.checked(offer, self._sessions.reach)  # before anybody gives up a place for it
        async with self._opening.setdefault(name, asyncio.Lock()):
            await self._make_way(name)
            await self._sessions.take_place(name, who)
            answer = await self._seated(name, kind, offer, length=length)
        self._sessions.opened(name, kind)
        return _answered(name, answer)

    async def _make_way(self, name: str) -> None:
        """A name is whose who asked for it last: a page that was loaded anew knows no token."""
        if (before := self._sessions.find(name)) is not None:
            log.info("a session's name was taken over", extra={"session": name})
            await before.close(for_good=True)

    async def _seated(
        self, name: str, kind: Kind, offer: str, before: Legacy | None = None, length: int = 0
    ) -> str:
        """Open a session in the place that was taken for it: the SDP answer.

        length: s that it lasts at most, where the server lets it last longer; 0: as the server has
        it.
        """
        answers = []

        async def make(session: Session, terms: Terms) -> Conversation:
            own = terms.shortened(length)
            conversation = Conversation(session, own, self._sessions.changed, before)
            try:
                answers.append(await conversation.connect(offer))
            except BaseException:
                await conversation.close()
                raise
            return conversation

        await self._sessions.seated(name, kind, make)
        return answers[0]

    async def _resume(self, token: str, offer: str, who: str, length: int) -> web.Response:
        """Raises NotFound when it is the token of no session there is, or was a moment ago."""
        name = name_of(token)
        if (others := self._reviving.get(name)) is not None:
            await others.wait()  # an offer that was given up meanwhile brings it back
        conversation = self._sessions.find(name)
        if not isinstance(conversation, Conversation):
            answer = await self._revived(token, offer, who, length)
        elif conversation.is_resumed_by(token):
            answer = await conversation.connect(offer)
            self._sessions.places.move(name, who)
        else:
            raise NotFound(AWAY, "session-over")
        self._metrics.resumed.inc()
        return _answered(name, answer)

    async def _revived(self, token: str, offer: str, who: str, length: int) -> str:
        """Open a session that goes on with what one left that ended: under its name and token.

        Raises NotFound when nothing is left; on any other error it is kept on.
        """
        name = name_of(token)
        opened = self._reviving[name] = asyncio.Event()
        try:
            kept = await self._sessions.memory.recall(token)
            if kept is None:
                raise NotFound(AWAY, "session-over")
            try:
                answer = await self._gone_on_with(
                    name, legacies.read(kept.content, token), offer, who, length
                )
            except BaseException:
                self._sessions.memory.keep(name, kept)
                raise
        finally:
            del self._reviving[name]
            opened.set()
        log.info("session revived", extra={"session": name})
        return answer

    async def _gone_on_with(
        self, name: str, before: Legacy, offer: str, who: str, length: int
    ) -> str:
        if (missing := self._sessions.missing) is not None:
            raise NotReady(missing)
        self._sessions.check_place(who)
        offers.checked(offer, self._sessions.reach)
        await self._sessions.take_place(name, who)
        language, follows = before.keepsake.language, before.keepsake.follows
        kind = Kind(
            before.avatar, before.voice, before.source, language, follows, before.background
        )
        return await self._seated(name, kind, offer, before, length)

    async def _describe(self, request: web.Request) -> web.Response:
        held = self._held(request)
        session = held.session
        return web.json_response(
            {
                "id": session.name,
                "turn": session.timeline.turn,
                "seconds": round(session.clock.now() / TICK_RATE, 3),
                "state": held.state,
                "late_frames": held.late,
                "pictures": session.pictures,
                "mood": {key: round(value, 2) for key, value in asdict(session.mood).items()},
                "stand_in": session.stand_in or None,
            }
        )

    async def _delete(self, request: web.Request) -> web.Response:
        await self._held(request).close(for_good=True)
        return web.Response(status=200)

    async def _leave(self, request: web.Request) -> web.Response:
        """202: the page goes, and this may be the last that is heard of it."""
        conversation = self._conversation(request)
        fields = await json_object(request)
        back = fields.get("back", False)
        if not isinstance(back, bool):
            raise Malformed("`back` must be true or false.", "bad-message")
        conversation.leave(back=back)
        return web.Response(status=202)

    async def _trickle(self, request: web.Request) -> web.Response:
        conversation = self._conversation(request)
        if request.content_type != _FRAGMENT:
            raise WrongType(f"Send candidates as {_FRAGMENT}.")
        answer = await conversation.add_candidates(await body(request))
        if answer:  # another way, RFC 9725 4.4.2
            return web.Response(status=200, text=answer, content_type=_FRAGMENT)
        return web.Response(status=204)

    async def _command(self, request: web.Request) -> web.Response:
        held = self._held(request)
        session = held.session
        if not held.commands.take():
            raise TooMany("Too many commands to this session. Wait, then go on.", 1)
        fields = await json_object(request)
        try:
            message = protocol.build({**fields, "type": request.match_info["command"]})
        except protocol.ProtocolError as error:
            raise Malformed(str(error), "bad-message") from error
        if session.resting:
            raise Conflict("Nobody is there to hear it: the visitor is away.", "visitor-away")
        answer = await protocol.command(session, message)
        if isinstance(answer, Failure):
            raise Malformed(answer.message, answer.code)
        if isinstance(answer, Directed):
            return web.json_response(text=protocol.encode(answer), status=202)
        return web.Response(status=202)

    async def _record(self, request: web.Request) -> web.Response:
        """201: the session is being written to a file, from the next picture on."""
        held = self._held(request)
        signing = self._signing(held) if self._signing else None
        recording = self._recordings.start(held.session, signing)
        headers = {hdrs.LOCATION: request.path}
        return web.json_response(recording.shown(), status=201, headers=headers)

    async def _recorded(self, request: web.Request) -> web.Response:
        return web.json_response(self._recordings.of(self._held(request).session).shown())

    async def _stop_recording(self, request: web.Request) -> web.Response:
        """200 once the file is closed."""
        recording = self._recordings.of(self._held(request).session)
        await recording.stop()
        return web.json_response(recording.shown())

    def _held(self, request: web.Request) -> Held:
        held = self._sessions.find(request.match_info["id"])
        if held is None:
            raise NotFound("There is no such session; it may have ended.")
        return held

    def _conversation(self, request: web.Request) -> Conversation:
        """Of a visitor. Raises Conflict for a session that a wire carries."""
        held = self._held(request)
        if not isinstance(held, Conversation):
            raise Conflict(_CARRIED, "carried-by-a-wire")
        return held


def _length(request: web.Request) -> int:
    """s that a session is to last at most; 0: as the server has it. Raises Malformed."""
    asked = request.query.get("length", "")
    if not asked:
        return 0
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 9 and int(asked)):
        raise Malformed("`length` must be a whole number of seconds, at least 1.")
    return int(asked)


def _answered(name: str, answer: str) -> web.Response:
    headers = {hdrs.LOCATION: f"/v1/sessions/{name}"}
    return web.Response(status=201, text=answer, content_type=SDP, headers=headers)
