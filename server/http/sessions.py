"""Sessions over HTTP: opened by an SDP offer as WHEP does, commanded, recorded, ended."""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from aiohttp import hdrs, web

from visavis.engines.base import EngineError
from visavis.models.errors import ModelError
from visavis.server import protocol
from visavis.server.doors.recordings import Recordings
from visavis.server.http.problems import body, json_object
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import TICK_RATE
from visavis.server.rtc.congestion import Measured
from visavis.server.rtc.peer import Peer
from visavis.server.session.engines import Engines
from visavis.server.session.events import Directed, Failure
from visavis.server.session.session import Session
from visavis.server.system.config import SOURCES, Source, as_source
from visavis.server.system.errors import Full, Malformed, NotFound, NotReady, WrongType
from visavis.server.system.metrics import Metrics

log = logging.getLogger(__name__)

_SDP: Final = "application/sdp"
_FRAGMENT: Final = "application/trickle-ice-sdpfrag"
_SHUTTING_DOWN: Final = "The server is shutting down."


@dataclass(frozen=True, slots=True)
class Offered:
    """What a session gets that names nothing, and how it is reached.

    most: live sessions at a time. ice: STUN and TURN addresses. hosts: addresses at which media is
    received; empty: every one but loopback.
    """

    avatar: str
    voice: str
    source: Source
    most: int
    ice: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


class Lender(Protocol):
    """Who has the engines. missing: why no session can begin now, None: it can."""

    @property
    def missing(self) -> str | None: ...

    async def lend(self, avatar: str, voice: str, source: Source) -> Engines:
        """The engines of one new session. Raises NotFound, ModelError, EngineError."""
        ...


class SessionRoutes:
    """The live sessions, by their names."""

    def __init__(
        self, offered: Offered, services: Lender, recordings: Path, metrics: Metrics
    ) -> None:
        self._offered, self._services, self._metrics = offered, services, metrics
        self._recordings = Recordings(recordings)
        self._peers: dict[str, Peer] = {}
        self._opening = 0  # sessions admitted but not yet answered
        self._draining = False

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.post("/v1/sessions", self._create),
            web.get("/v1/sessions/{id}", self._describe),
            web.delete("/v1/sessions/{id}", self._delete),
            web.patch("/v1/sessions/{id}", self._trickle),
            web.post("/v1/sessions/{id}/{command:say|interrupt|direct|text}", self._command),
            web.post("/v1/sessions/{id}/recording", self._record),
            web.get("/v1/sessions/{id}/recording", self._recorded),
            web.delete("/v1/sessions/{id}/recording", self._stop_recording),
        ]

    async def close(self) -> None:
        """Take nobody in any more, and end every session."""
        self._draining = True
        closing = [peer.close() for peer in list(self._peers.values())]
        await asyncio.gather(*closing, return_exceptions=True)

    async def _create(self, request: web.Request) -> web.Response:
        offer = await _offer(request)
        self._admit()
        avatar = request.query.get("avatar") or self._offered.avatar
        voice = request.query.get("voice") or self._offered.voice
        source = _source(request.query.get("source") or self._offered.source)
        name = secrets.token_urlsafe(12)
        self._opening += 1
        try:
            peer, answer = await self._open(name, avatar, voice, source, offer)
        finally:
            self._opening -= 1
        self._peers[name] = peer
        self._metrics.sessions.set(len(self._peers))
        log.info(
            "session opened",
            extra={"session": name, "avatar": avatar, "voice": voice, "source": source},
        )
        headers = {hdrs.LOCATION: f"/v1/sessions/{name}"}
        return web.Response(status=201, text=answer, content_type=_SDP, headers=headers)

    async def _open(
        self, name: str, avatar: str, voice: str, source: Source, offer: str
    ) -> tuple[Peer, str]:
        try:
            engines = await self._services.lend(avatar, voice, source)
        except (EngineError, ModelError) as error:
            log.exception("a session could not be given its engines", extra={"avatar": avatar})
            raise NotReady(str(error)) from error
        session = Session(name, engines, self._metrics, Clock())
        network = Measured(self._metrics)
        peer = Peer(session, self._offered.ice, avatar, voice, lambda: self._left(name), network)
        try:
            answer = await peer.answer(offer, self._offered.hosts)
        except BaseException:
            await peer.close()
            raise
        if self._draining:
            await peer.close()
            raise NotReady(_SHUTTING_DOWN)
        return peer, answer

    def _left(self, name: str) -> None:
        self._recordings.forget(name)
        if self._peers.pop(name, None) is not None:
            self._metrics.sessions.set(len(self._peers))
            log.info("session closed", extra={"session": name})

    def _admit(self) -> None:
        """Raises NotReady, Full."""
        missing = self._services.missing
        if missing is not None or self._draining:
            raise NotReady(missing or _SHUTTING_DOWN)
        if len(self._peers) + self._opening >= self._offered.most:
            self._metrics.refused.inc()
            raise Full(f"All {self._offered.most} places are taken. Try again in a moment.")

    async def _describe(self, request: web.Request) -> web.Response:
        peer = self._peer(request)
        session = peer.session
        return web.json_response(
            {
                "id": session.name,
                "turn": session.timeline.turn,
                "seconds": round(session.clock.now() / TICK_RATE, 3),
                "late_frames": peer.late,
            }
        )

    async def _delete(self, request: web.Request) -> web.Response:
        await self._peer(request).close()
        return web.Response(status=200)

    async def _trickle(self, request: web.Request) -> web.Response:
        peer = self._peer(request)
        if request.content_type != _FRAGMENT:
            raise WrongType(f"Send candidates as {_FRAGMENT}.")
        await peer.add_candidates(await body(request))
        return web.Response(status=204)

    async def _command(self, request: web.Request) -> web.Response:
        session = self._peer(request).session
        fields = await json_object(request)
        try:
            message = protocol.build({**fields, "type": request.match_info["command"]})
        except protocol.ProtocolError as error:
            raise Malformed(str(error), "bad-message") from error
        answer = await protocol.command(session, message)
        if isinstance(answer, Failure):
            raise Malformed(answer.message, answer.code)
        if isinstance(answer, Directed):
            return web.json_response(text=protocol.encode(answer), status=202)
        return web.Response(status=202)

    async def _record(self, request: web.Request) -> web.Response:
        """201: the session is being written to a file, from the next picture on."""
        recording = self._recordings.start(self._peer(request).session)
        headers = {hdrs.LOCATION: request.path}
        return web.json_response(recording.shown(), status=201, headers=headers)

    async def _recorded(self, request: web.Request) -> web.Response:
        return web.json_response(self._recordings.of(self._peer(request).session).shown())

    async def _stop_recording(self, request: web.Request) -> web.Response:
        """200 once the file is closed."""
        recording = self._recordings.of(self._peer(request).session)
        await recording.stop()
        return web.json_response(recording.shown())

    def _peer(self, request: web.Request) -> Peer:
        peer = self._peers.get(request.match_info["id"])
        if peer is None:
            raise NotFound("There is no such session; it may have ended.")
        return peer


async def _offer(request: web.Request) -> str:
    """Raises WrongType, Malformed, TooLarge."""
    if request.content_type != _SDP:
        raise WrongType(f"Send the SDP offer as {_SDP}.")
    text = await body(request)
    if not text.startswith("v=0"):
        raise Malformed("The body is no SDP: it must begin with v=0.", "malformed-sdp")
    return text


def _source(wanted: str) -> Source:
    """Raises Malformed."""
    source = as_source(wanted)
    if source is None:
        raise Malformed(f"source is {wanted!r}: choose {' or '.join(SOURCES)}.", "unknown-source")
    return source
