"""HTTP: sessions, avatars and voices, health, metrics and the static client. No media here."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from importlib import resources
from pathlib import Path
from typing import Any, Final

from aiohttp import hdrs, web
from yarl import URL

from visavis.engines.base import EngineError
from visavis.models.errors import ModelError
from visavis.server import protocol
from visavis.server.http.avatars import AvatarRoutes
from visavis.server.rtc.peer import Peer, obey
from visavis.server.services.studio import Studio
from visavis.server.session.session import Engines, Session
from visavis.server.system.config import LOOPBACK, SOURCES, Config
from visavis.server.system.errors import (
    Busy,
    Forbidden,
    Full,
    Malformed,
    NotFound,
    NotReady,
    Problem,
    TooLarge,
    Unauthorized,
    WrongType,
)
from visavis.server.system.metrics import Metrics

log = logging.getLogger(__name__)

_SDP: Final = "application/sdp"
_PROBLEM: Final = "application/problem+json"
_MAX_BODY: Final = 64 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class App:
    """The HTTP surface of one server, and the table of its live sessions."""

    def __init__(self, config: Config, studio: Studio, metrics: Metrics) -> None:
        self._config, self._studio, self._metrics = config, studio, metrics
        self._making = AvatarRoutes(config, studio)
        self._peers: dict[str, Peer] = {}
        self._opening = 0  # sessions admitted but not yet answered
        self._draining = False

    def build(self) -> web.Application:
        """Routes, errors as problem+json, and a shutdown that ends every session."""
        app = web.Application(middlewares=[self._guard], client_max_size=_MAX_BODY)
        app.add_routes(
            [
                web.post("/v1/sessions", self._create),
                web.get("/v1/sessions/{id}", self._describe),
                web.delete("/v1/sessions/{id}", self._delete),
                web.patch("/v1/sessions/{id}", self._trickle),
                web.post("/v1/sessions/{id}/{command:say|interrupt|direct|text}", self._command),
                web.get("/v1/avatars", self._avatars),
                web.get("/v1/avatars/{name}/preview.webp", self._preview),
                *self._making.routes(),
                web.get("/v1/voices", self._voices),
                web.get("/healthz", self._health),
                web.get("/readyz", self._ready),
                web.get("/metrics", self._metrics_text),
                web.get("/", self._page),
                *(web.get(f"/{name}", self._file) for name in _FILES),
            ]
        )
        app.on_shutdown.append(self._shutdown)
        return app

    # --- sessions -------------------------------------------------------------------------------

    async def _create(self, request: web.Request) -> web.Response:
        offer = await self._offer(request)
        self._admit()
        avatar = request.query.get("avatar") or self._config.avatar
        voice = request.query.get("voice") or self._config.voice
        source = self._source(request)
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
        self, name: str, avatar: str, voice: str, source: str, offer: str
    ) -> tuple[Peer, str]:
        try:
            engines = await self._studio.furnish(avatar, voice, source)
        except (EngineError, ModelError) as error:
            log.exception("a session could not be furnished", extra={"avatar": avatar})
            raise NotReady(str(error)) from error
        peer = Peer(self._config.ice, avatar, voice, lambda: self._left(name, engines))
        try:
            session = Session(name, engines, peer.send, self._metrics)
            answer = await peer.answer(offer, session, self._config.hosts)
        except BaseException:
            await peer.close()
            raise
        if self._draining:
            await peer.close()
            raise NotReady("The server is shutting down.")
        return peer, answer

    def _left(self, name: str, engines: Engines) -> None:
        engines.give_back()
        if self._peers.pop(name, None) is not None:
            self._metrics.sessions.set(len(self._peers))
            log.info("session closed", extra={"session": name})

    def _admit(self) -> None:
        missing = self._studio.missing
        if missing is not None or self._draining:
            raise NotReady(missing or "The server is shutting down.")
        if len(self._peers) + self._opening >= self._config.max_sessions:
            self._metrics.refused.inc()
            msg = f"All {self._config.max_sessions} places are taken. Try again in a moment."
            raise Full(msg)

    async def _offer(self, request: web.Request) -> str:
        if request.content_type != _SDP:
            msg = f"Send the SDP offer as {_SDP}."
            raise WrongType(msg)
        text = await _body(request)
        if not text.startswith("v=0"):
            msg = "The body is no SDP: it must begin with v=0."
            raise Malformed(msg, "malformed-sdp")
        return text

    def _source(self, request: web.Request) -> str:
        source = request.query.get("source") or self._config.source
        if source not in SOURCES:
            msg = f"source is {source!r}: choose {' or '.join(SOURCES)}."
            raise Malformed(msg, "unknown-source")
        return source

    async def _describe(self, request: web.Request) -> web.Response:
        name, session = self._session(request)
        return web.json_response(
            {
                "id": name,
                "turn": session.timeline.turn,
                "seconds": round(session.clock.now() / 48_000, 3),
                "late_frames": self._peers[name].late,
            }
        )

    async def _delete(self, request: web.Request) -> web.Response:
        name, _ = self._session(request)
        await self._peers[name].close()
        return web.Response(status=200)

    async def _trickle(self, request: web.Request) -> web.Response:
        name, _ = self._session(request)
        if request.content_type != "application/trickle-ice-sdpfrag":
            msg = "Send candidates as application/trickle-ice-sdpfrag."
            raise WrongType(msg)
        await self._peers[name].add_candidates(await _body(request))
        return web.Response(status=204)

    async def _command(self, request: web.Request) -> web.Response:
        _, session = self._session(request)
        fields: Any = {}
        if request.can_read_body:
            try:
                fields = json.loads(await _body(request))
            except (json.JSONDecodeError, RecursionError) as error:
                msg = "The body is not JSON."
                raise Malformed(msg, "malformed-json") from error
        if not isinstance(fields, dict):
            msg = "The body must be a JSON object."
            raise Malformed(msg, "malformed-json")
        try:
            message = protocol.build({**fields, "type": request.match_info["command"]})
        except protocol.ProtocolError as error:
            raise Malformed(str(error), "bad-message") from error
        reply = await obey(message, session)
        if isinstance(reply, protocol.Failure):
            raise Malformed(reply.message, reply.code)
        if isinstance(reply, protocol.Directed):
            return web.json_response(text=protocol.encode(reply), status=202)
        return web.Response(status=202)

    def _session(self, request: web.Request) -> tuple[str, Session]:
        name = request.match_info["id"]
        peer = self._peers.get(name)
        if peer is None or peer.session is None:
            msg = "There is no such session; it may have ended."
            raise NotFound(msg)
        return name, peer.session

    async def _shutdown(self, _app: web.Application) -> None:
        self._draining = True
        closing = [self._making.close(), *(peer.close() for peer in list(self._peers.values()))]
        await asyncio.gather(*closing, return_exceptions=True)

    # --- what there is --------------------------------------------------------------------------

    async def _avatars(self, _request: web.Request) -> web.Response:
        avatars = [
            {**avatar, "default": avatar["name"] == self._config.avatar}
            for avatar in await self._studio.avatars()
        ]
        return web.json_response({"avatars": avatars, "create": self._config.may_create})

    async def _voices(self, _request: web.Request) -> web.Response:
        voices = [
            {**voice, "default": voice["name"] == self._config.voice}
            for voice in self._studio.voices()
        ]
        return web.json_response({"voices": voices})

    async def _preview(self, request: web.Request) -> web.Response:
        picture = await self._studio.preview(request.match_info["name"])
        headers = {hdrs.CACHE_CONTROL: "no-cache"}  # a name may be given to another face
        return web.Response(body=picture, content_type="image/webp", headers=headers)

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _ready(self, _request: web.Request) -> web.Response:
        missing = self._studio.missing
        body = {"status": "ready" if missing is None else "not ready", "missing": missing}
        return web.json_response(body, status=200 if missing is None else 503)

    async def _metrics_text(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": _PROMETHEUS})

    async def _page(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(_CLIENT / "index.html", headers=_FRESH)

    async def _file(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(_CLIENT / request.path.lstrip("/"), headers=_FRESH)

    # --- the door -------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the token, and turn every error into problem+json."""
        try:
            self._authorize(request)
            preflight = request.method == hdrs.METH_OPTIONS
            response = _preflight() if preflight else await handler(request)
        except Problem as problem:
            response = _problem(problem)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            response = _plain_problem(error.status, error.reason, error.reason)
        except Exception:
            log.exception("a request failed", extra={"path": request.path})
            response = _plain_problem(500, "Internal error", "The server's log says more.")
        _allow_other_pages(response, "*" if self._config.token else _neighbour(request))
        return response

    def _authorize(self, request: web.Request) -> None:
        if not self._config.token:
            _refuse_other_sites(request)
            return
        if request.method == hdrs.METH_OPTIONS or not request.path.startswith(_GUARDED):
            return
        given = request.headers.get(hdrs.AUTHORIZATION, "").removeprefix("Bearer ")
        expected = self._config.token.encode()
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected):
            msg = "Send the server's token as `Authorization: Bearer TOKEN`."
            raise Unauthorized(msg)


_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
_FRESH: Final = {hdrs.CACHE_CONTROL: "no-cache"}


_GUARDED: Final = ("/v1/", "/metrics")
_CLIENT: Final = Path(str(resources.files("visavis.client")))
_SERVED: Final = {".html", ".js", ".css", ".svg", ".webp"}


_FILES: Final = tuple(
    path.relative_to(_CLIENT).as_posix() for path in _CLIENT.rglob("*") if path.suffix in _SERVED
)


def _refuse_other_sites(request: web.Request) -> None:
    """Without a token only this machine may call, and no other site's page through its browser.

    The Host header defeats DNS rebinding, the Origin header a foreign page.
    """
    host = request.url.host or ""
    origin = request.headers.get(hdrs.ORIGIN)
    foreign = origin is not None and URL(origin).host not in LOOPBACK
    if host not in LOOPBACK or foreign:
        msg = "This server answers its own machine only; set a token to open it to others."
        raise Forbidden(msg)


async def _body(request: web.Request) -> str:
    try:
        return await request.text()
    except web.HTTPRequestEntityTooLarge as error:
        msg = f"The body is over {_MAX_BODY} bytes."
        raise TooLarge(msg) from error
    except (UnicodeDecodeError, LookupError) as error:
        msg = "The body is not UTF-8 text."
        raise Malformed(msg) from error


def _problem(problem: Problem) -> web.Response:
    response = _plain_problem(problem.status, problem.title, problem.detail, problem.code)
    if isinstance(problem, (Busy, Full, NotReady)):
        response.headers[hdrs.RETRY_AFTER] = str(problem.retry_after)
    if isinstance(problem, Unauthorized):
        response.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    return response


def _plain_problem(status: int, title: str, detail: str, code: str = "about:blank") -> web.Response:
    kind = code if code == "about:blank" else f"urn:visavis:{code}"
    body = {"type": kind, "title": title, "status": status, "detail": detail}
    return web.Response(status=status, text=json.dumps(body), content_type=_PROBLEM)


def _preflight() -> web.Response:
    headers = {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST, PATCH, DELETE",
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Authorization, Content-Type",
        hdrs.ACCESS_CONTROL_MAX_AGE: "600",
    }
    return web.Response(status=204, headers=headers)


def _neighbour(request: web.Request) -> str:
    """The origin of a page of this machine's own, on whichever port; else nothing."""
    origin = request.headers.get(hdrs.ORIGIN, "")
    return origin if URL(origin).host in LOOPBACK else ""


def _allow_other_pages(response: web.StreamResponse, origin: str) -> None:
    """CORS: a page of another origin may embed the element; the token is its only credential."""
    if not origin:
        return
    response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
    response.headers[hdrs.VARY] = "Origin"
    response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = "Location, Link, ETag, Retry-After"
