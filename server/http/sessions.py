"""Sessions over HTTP: opened by an SDP offer as WHEP does, resumed, commanded, recorded, ended."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from aiohttp import hdrs, web

from visavis.engines.base import EngineError
from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import ENGLISH
from visavis.models.errors import ModelError
from visavis.server import protocol
from visavis.server.http.callers import caller
from visavis.server.http.keepsakes import SECONDS, Kept, Memory, OwnMemory, name_of, proof_of
from visavis.server.http.languages import preferred
from visavis.server.http.offers import AWAY, RESUME, Offers
from visavis.server.http.places import Keeper
from visavis.server.http.problems import SDP, body, json_object, sdp_offer
from visavis.server.playout.messages import TICK_RATE, ms
from visavis.server.recording.recordings import Recordings
from visavis.server.rtc import legacy as legacies
from visavis.server.rtc import offers
from visavis.server.rtc.allowance import Limits
from visavis.server.rtc.congestion import Measured
from visavis.server.rtc.conversation import Conversation, Terms
from visavis.server.rtc.legacy import Legacy
from visavis.server.rtc.reach import Reach
from visavis.server.session.engines import Engines
from visavis.server.session.events import Directed, Failure
from visavis.server.session.lipsync import Mouth
from visavis.server.session.session import Session
from visavis.server.session.switching import unknown
from visavis.server.system.config import SOURCES, Source, as_source
from visavis.server.system.config_faults import AUTO
from visavis.server.system.errors import (
    Conflict,
    Full,
    Malformed,
    NotFound,
    NotReady,
    TooMany,
    WrongType,
)
from visavis.server.system.faults import fault
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics
from visavis.server.system.seldom import Seldom

log = logging.getLogger(__name__)
_seldom: Final = Seldom(log)  # who asks may ask again and again

_FRAGMENT: Final = "application/trickle-ice-sdpfrag"
_SHUTTING_DOWN: Final = "The server is shutting down."
_MOMENT: Final = ms(3000)


@dataclass(frozen=True, slots=True)
class Offered:
    """What a session gets that names nothing, how it is reached, and how long it may be.

    ice: STUN and TURN addresses. reach: where media is received. language: a tag, or AUTO.
    """

    avatar: str
    voice: str
    source: Source
    language: str = ENGLISH
    ice: tuple[str, ...] = ()
    reach: Reach = field(default_factory=Reach)
    limits: Limits = field(default_factory=Limits)


class Lender(Protocol):
    """Who has the engines. missing: why no session can begin now, None: it can."""

    @property
    def missing(self) -> str | None: ...

    @property
    def languages(self) -> tuple[str, ...]:
        """What a session can be in, as codes."""
        ...

    async def language_of(self, voice: str) -> str:
        """The code of a voice's language, "" of one that there is not."""
        ...

    async def lend(
        self, avatar: str, voice: str, source: Source, language: str, *, follows: bool
    ) -> Engines:
        """The engines of one new session. Raises NotFound, ModelError, EngineError.

        language: BCP 47, in which it begins; follows: whether it goes over to the visitor's.
        """
        ...

    async def mouth(self) -> Mouth:
        """What speaks one person's own voice. Raises EngineError."""
        ...


class SessionRoutes:
    """The live sessions, by their names. listeners: told of each that enters another state.

    memory: who keeps what is left of those that ended.
    """

    def __init__(
        self,
        offered: Offered,
        services: Lender,
        places: Keeper,
        recordings: Path,
        metrics: Metrics,
        memory: Memory | None = None,
    ) -> None:
        self._offered, self._services, self._metrics = offered, services, metrics
        self._recordings = Recordings(recordings)
        self._conversations: dict[str, Conversation] = {}
        self._places, self._memory = places, memory or OwnMemory()
        self._reviving: dict[str, asyncio.Event] = {}
        self._offers = Offers()
        self._leaving = Tasks()
        self._draining = False
        self.listeners: list[Callable[[Conversation], None]] = []

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
        """Take nobody in any more, and end every session."""
        self._draining = True
        closing = [each.close(for_good=True) for each in list(self._conversations.values())]
        await asyncio.gather(*closing, return_exceptions=True)
        await self._leaving.close()

    async def drain(self, within: float) -> None:
        """Take nobody in any more; let those finish what they say who are there, then end them.

        within: s that this may take.
        """
        self._draining = True
        leaving = [each.take_leave(within) for each in list(self._conversations.values())]
        await asyncio.gather(*leaving, return_exceptions=True)

    @property
    def draining(self) -> str | None:
        """Why no session can begin any more, if so."""
        return _SHUTTING_DOWN if self._draining else None

    @property
    def conversations(self) -> list[Conversation]:
        """Every one there is."""
        return list(self._conversations.values())

    @property
    def talking(self) -> bool:
        """Whether anywhere somebody speaks, or did a moment ago."""
        return any(each.session.quiet < _MOMENT for each in self._conversations.values())

    async def _create(self, request: web.Request) -> web.Response:
        self._offers.count(caller(request))
        offer = await sdp_offer(request)
        missing = self._services.missing
        if self._draining:
            raise NotReady(_SHUTTING_DOWN)
        if token := request.headers.get(RESUME):
            return await self._resume(token, offer, caller(request))
        if missing is not None:
            raise NotReady(missing)
        avatar = request.query.get("avatar") or self._offered.avatar
        voice = request.query.get("voice") or self._offered.voice
        source = _source(request.query.get("source") or self._offered.source)
        tongue = await self._tongue(request)
        offers.checked(offer, self._offered.reach)  # before anybody gives up a place for it
        name = secrets.token_urlsafe(12)
        await self._take_place(name, caller(request))
        answer = await self._seated(name, avatar, voice, source, tongue, offer)
        log.info(
            "session opened",
            extra={"session": name, "avatar": avatar, "voice": voice, "source": source},
        )
        return _answered(name, answer)

    async def _tongue(self, request: web.Request) -> tuple[str, bool]:
        """The language in which a session begins, and whether it follows. Raises Malformed."""
        wanted = request.query.get("language", "")
        if not wanted and self._offered.language != AUTO and (voice := request.query.get("voice")):
            wanted = await self._services.language_of(voice)
        wanted = wanted or self._offered.language
        languages = self._services.languages
        if wanted == AUTO:
            return preferred(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""), languages), True
        if code_of(wanted) not in languages:
            raise Malformed(unknown(wanted, languages), "unknown-language")
        return wanted, False

    async def _seated(
        self, name: str, avatar: str, voice: str, source: Source, tongue: tuple[str, bool],
        offer: str, before: Legacy | None = None,
    ) -> str:  # fmt: skip
        """Open a session in the place that was taken for it: the SDP answer."""
        try:
            conversation, answer = await self._open(
                name, avatar, voice, source, tongue, offer, before
            )
        except BaseException:
            self._places.free(name)
            raise
        if not self._places.hold(name, conversation):
            await conversation.close()
            raise Full("Others from your address came meanwhile. Try again in a moment.")
        self._changed(conversation)
        return answer

    async def _open(
        self, name: str, avatar: str, voice: str, source: Source, tongue: tuple[str, bool],
        offer: str, before: Legacy | None,
    ) -> tuple[Conversation, str]:  # fmt: skip
        language, follows = tongue
        try:
            engines = await self._services.lend(avatar, voice, source, language, follows=follows)
        except (EngineError, ModelError) as error:
            extra = {"avatar": avatar, "fault": fault(error)}
            log.error("a session could not be given its engines", extra=extra)  # noqa: TRY400
            raise NotReady(str(error)) from error
        session = Session(name, engines, self._metrics, engines.clock())
        conversation = Conversation(
            session, self._terms(avatar, engines.voice or voice), self._changed, before
        )
        try:
            answer = await conversation.connect(offer)
        except BaseException:
            await conversation.close()
            raise
        if self._draining:
            await conversation.close()
            raise NotReady(_SHUTTING_DOWN)
        return conversation, answer

    def _terms(self, avatar: str, voice: str) -> Terms:
        ours = self._offered
        network = partial(Measured, self._metrics)
        return Terms(avatar, voice, ours.ice, ours.reach, ours.limits, network)

    async def _resume(self, token: str, offer: str, who: str) -> web.Response:
        """Raises NotFound when it is the token of no session there is, or was a moment ago."""
        name = name_of(token)
        if (others := self._reviving.get(name)) is not None:
            await others.wait()  # an offer that was given up meanwhile brings it back
        conversation = self._conversations.get(name)
        if conversation is None:
            answer = await self._revived(token, offer, who)
        elif conversation.is_resumed_by(token):
            answer = await conversation.connect(offer)
            self._places.move(name, who)
        else:
            raise NotFound(AWAY, "session-over")
        self._metrics.resumed.inc()
        return _answered(name, answer)

    async def _revived(self, token: str, offer: str, who: str) -> str:
        """Open a session that goes on with what one left that ended: under its name and token.

        Raises NotFound when nothing is left; on any other error it is kept on.
        """
        name = name_of(token)
        opened = self._reviving[name] = asyncio.Event()
        try:
            kept = await self._memory.recall(token)
            if kept is None:
                raise NotFound(AWAY, "session-over")
            try:
                answer = await self._gone_on_with(
                    name, legacies.read(kept.content, token), offer, who
                )
            except BaseException:
                self._memory.keep(name, kept)
                raise
        finally:
            del self._reviving[name]
            opened.set()
        log.info("session revived", extra={"session": name})
        return answer

    async def _gone_on_with(self, name: str, before: Legacy, offer: str, who: str) -> str:
        if (missing := self._services.missing) is not None:
            raise NotReady(missing)
        offers.checked(offer, self._offered.reach)
        await self._take_place(name, who)
        avatar, voice, source = before.avatar, before.voice, before.source
        tongue = before.keepsake.language, before.keepsake.follows
        return await self._seated(name, avatar, voice, source, tongue, offer, before)

    async def _take_place(self, name: str, who: str) -> None:
        """Raises Full."""
        try:
            leaving = await self._places.take(name, who)
        except Full as error:
            self._metrics.refused.inc()
            _seldom.warning("full", "a session was refused", why=error.detail)
            raise
        if leaving is not None:
            self.give_away(leaving)

    def give_away(self, name: str) -> None:
        """End the session of that name: its place went to a newcomer."""
        if (gone := self._conversations.get(name)) is not None:
            log.info("a place was given away", extra={"session": name, "state": gone.state})
            self._metrics.given_away.labels(gone.state).inc()
            self._leaving.start(gone.close(), name="give a place away")

    def _changed(self, conversation: Conversation) -> None:
        """A conversation entered another state."""
        name = conversation.session.name
        if conversation.state != "over":
            self._conversations[name] = conversation
        elif self._conversations.pop(name, None) is not None:
            if (left := conversation.legacy) is not None:
                until = left.lost + SECONDS
                self._memory.keep(name, Kept(proof_of(left.token), until, left.written()))
            self._places.free(name)
            self._recordings.forget(name)
            log.info("session closed", extra={"session": name})
        states = [each.state for each in self._conversations.values()]
        self._metrics.sessions.set(len(states))
        self._metrics.resting.set(states.count("resting"))
        for listener in self.listeners:
            listener(conversation)

    async def _describe(self, request: web.Request) -> web.Response:
        conversation = self._conversation(request)
        session = conversation.session
        return web.json_response(
            {
                "id": session.name,
                "turn": session.timeline.turn,
                "seconds": round(session.clock.now() / TICK_RATE, 3),
                "state": conversation.state,
                "late_frames": conversation.late,
                "pictures": session.pictures,
                "mood": {key: round(value, 2) for key, value in asdict(session.mood).items()},
                "stand_in": session.stand_in or None,
            }
        )

    async def _delete(self, request: web.Request) -> web.Response:
        await self._conversation(request).close(for_good=True)
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
        await conversation.add_candidates(await body(request))
        return web.Response(status=204)

    async def _command(self, request: web.Request) -> web.Response:
        conversation = self._conversation(request)
        session = conversation.session
        if not conversation.commands.take():
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
        recording = self._recordings.start(self._conversation(request).session)
        headers = {hdrs.LOCATION: request.path}
        return web.json_response(recording.shown(), status=201, headers=headers)

    async def _recorded(self, request: web.Request) -> web.Response:
        return web.json_response(self._recordings.of(self._conversation(request).session).shown())

    async def _stop_recording(self, request: web.Request) -> web.Response:
        """200 once the file is closed."""
        recording = self._recordings.of(self._conversation(request).session)
        await recording.stop()
        return web.json_response(recording.shown())

    def _conversation(self, request: web.Request) -> Conversation:
        conversation = self._conversations.get(request.match_info["id"])
        if conversation is None:
            raise NotFound("There is no such session; it may have ended.")
        return conversation


def _answered(name: str, answer: str) -> web.Response:
    headers = {hdrs.LOCATION: f"/v1/sessions/{name}"}
    return web.Response(status=201, text=answer, content_type=SDP, headers=headers)


def _source(wanted: str) -> Source:
    """Raises Malformed."""
    source = as_source(wanted)
    if source is None:
        raise Malformed(f"source is {wanted!r}: choose {' or '.join(SOURCES)}.", "unknown-source")
    return source
