"""The HTTP surface of one server: its addresses put together, health, metrics, static client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Final, Protocol

from aiohttp import hdrs, web

from visavis.engines import load
from visavis.server.http import problems
from visavis.server.http.guard import Guard
from visavis.server.http.headers import Headers
from visavis.server.http.passes import PASS
from visavis.server.system.faults import fault
from visavis.server.voices.store import OwnVoices, as_json

log = logging.getLogger(__name__)

_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
_FRESH: Final = {hdrs.CACHE_CONTROL: "no-cache"}
_CLOSE_WITHIN: Final = 2.5  # s, of the 5 in which SIGTERM ends the server
_CLIENT: Final = Path(str(resources.files("visavis.client")))
_SERVED: Final = {".html", ".js", ".css", ".svg", ".webp"}
_FILES: Final = tuple(
    path.relative_to(_CLIENT).as_posix()
    for path in sorted(_CLIENT.rglob("*"))
    if path.suffix in _SERVED
)


class Part(Protocol):
    """Addresses that belong together."""

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        ...

    async def close(self) -> None:
        """End what is under way; the server shuts down."""
        ...


def application(guard: Guard, headers: Headers, parts: Sequence[Part]) -> web.Application:
    """All parts behind one guard; shutting down closes each, in a time that is short."""
    app = web.Application(middlewares=[guard.middleware], client_max_size=problems.MAX_BODY)
    for part in parts:
        app.add_routes(part.routes())
    app.on_response_prepare.append(headers.complete)

    async def shut_down(_app: web.Application) -> None:
        closing = [asyncio.create_task(part.close()) for part in parts]
        done, late = await asyncio.wait(closing, timeout=_CLOSE_WITHIN)
        for part in done:
            if not part.cancelled() and (error := part.exception()) is not None:
                log.error("a part did not close well", extra={"fault": fault(error)})
        if late:
            log.warning("parts did not close in time", extra={"parts": len(late)})

    app.on_shutdown.append(shut_down)
    return app


@dataclass(frozen=True, slots=True)
class Room:
    """places: sessions that are let in at a time, now; taken: of them. why: so many."""

    places: int
    taken: int
    why: str


class VoiceRoutes:
    """The voices, and the languages of conversations. default: of a session that names none.

    language: the same; a tag, or "auto". own: of people, and which of them may be used.
    """

    def __init__(self, default: str, language: str, own: OwnVoices) -> None:
        self._default, self._language, self._own = default, language, own

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [web.get("/v1/voices", self._voices)]

    async def close(self) -> None:
        """Nothing is under way here."""

    async def _voices(self, request: web.Request) -> web.Response:
        found = await asyncio.to_thread(self._own.usable, "live")  # imports what was not needed yet
        voices = [
            {
                "name": voice.name,
                "language": voice.language,
                "description": voice.description,
                "default": voice.name == self._default,
            }
            for voice in found
        ]
        languages = await asyncio.to_thread(load.languages, self._own.home)
        # Records are for operators: whoever has a visitor's token sees what they may choose.
        kept = await asyncio.to_thread(self._own.find) if request.get(PASS) is None else {}
        return web.json_response({
            "voices": voices,
            "own": [as_json(name, each) for name, each in sorted(kept.items())],
            "missing": load.missing_voices(),
            "language": self._language,
            "languages": languages,
        })  # fmt: skip


class Basics:
    """The page, health and metrics.

    missing: why no session can begin now, None: it can. room: what is told of the places. scrape:
    the metrics as text.
    """

    def __init__(
        self,
        missing: Callable[[], str | None],
        room: Callable[[], Room],
        scrape: Callable[[], Awaitable[bytes]],
    ) -> None:
        self._missing, self._room, self._scrape = missing, room, scrape

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.get("/healthz", self._health),
            web.get("/readyz", self._ready),
            web.get("/metrics", self._metrics_text),
            web.get("/", self._page),
            web.get("/staff", self._staff),
            web.get("/scene", self._scene),
            web.get("/detect", self._detect),
            web.get("/studio", self._studio),
            *(web.get(f"/{name}", self._file) for name in _FILES),
        ]

    async def close(self) -> None:
        """Nothing is under way here."""

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _ready(self, _request: web.Request) -> web.Response:
        missing = self._missing()
        status = "ready" if missing is None else "not ready"
        body = {"status": status, "missing": missing, **asdict(self._room())}
        return web.json_response(body, status=200 if missing is None else 503)

    async def _metrics_text(self, _request: web.Request) -> web.Response:
        return web.Response(body=await self._scrape(), headers={"Content-Type": _PROMETHEUS})

    async def _page(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(_CLIENT / "index.html", headers=_FRESH)

    async def _staff(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(_CLIENT / "staff.html", headers=_FRESH)

    async def _scene(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(_CLIENT / "scene.html", headers=_FRESH)

    async def _detect(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(_CLIENT / "detect.html", headers=_FRESH)

    async def _studio(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(_CLIENT / "studio.html", headers=_FRESH)

    async def _file(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(_CLIENT / request.path.lstrip("/"), headers=_FRESH)
