"""Addresses compatible with HeyGen's LiveAvatar in its LITE mode: a client's own voice, our face.

A token says what a session is to be, `start` begins it, and a web socket carries sound and
commands; the session ends with it. Where the face is seen is another matter: in the LiveKit room
that the token names, if it names one, and at an address of ours that any WHEP player takes.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

from aiohttp import hdrs, web

from visavis.server.http import addresses, problems
from visavis.server.http.callers import caller
from visavis.server.http.entrances import Entrance, bearer, either, header, query
from visavis.server.http.opening import Sessions
from visavis.server.http.problems import sdp_offer
from visavis.server.http.wishes import Wish
from visavis.server.rtc.allowance import Limits
from visavis.server.rtc.hosted import Hosted
from visavis.server.rtc.leg import Leg
from visavis.server.rtc.media import WATCHED
from visavis.server.rtc.relays import Relays
from visavis.server.session.session import Session
from visavis.server.system.errors import (
    Conflict,
    Full,
    Malformed,
    NotFound,
    Problem,
)
from visavis.server.system.pairs import ours
from visavis.server.wires import liveavatar_messages as messages
from visavis.server.wires import resources
from visavis.server.wires.liveavatar_call import IDLE, Call, Shows
from visavis.server.wires.livekit_launch import check_url
from visavis.server.wires.socket import Socket
from visavis.server.wires.tokens import Signer, name_of
from visavis.server.wires.ways import Way

KEY: Final = "X-API-KEY"
_PREFIX: Final = "/liveavatar"
_SESSIONS: Final = f"{_PREFIX}/v1/sessions"
_TOKEN: Final = f"{_SESSIONS}/token"
_START: Final = f"{_SESSIONS}/start"
_STOP: Final = f"{_SESSIONS}/stop"
_KEEP: Final = f"{_SESSIONS}/keep-alive"
_EVENTS: Final = f"{_SESSIONS}/events"  # where `start` sends the client's web socket
_WATCH: Final = f"{_SESSIONS}/watch"  # where it sends a player
_VIEWER: Final = f"{_WATCH}/{{viewer}}"
_QUERY: Final = "session_token"
_LASTS: Final = 24 * 3600.0  # s that a token holds: what ends a session is its web socket
_MOST: Final = 8  # players of a session

# A session, the address of LiveKit and a token -> a block in which the session is shown there.
Rooms = Callable[[Session, str, str], AbstractAsyncContextManager[asyncio.Event]]

_sent: Final = either(bearer, query(_QUERY))  # a session's token


@dataclass(frozen=True, slots=True)
class Settings:
    """key: of all its clients. avatars: their avatar IDs -> ours. ice: relays for players.

    limits: of any session. rooms: how one is shown in a LiveKit room; None: that is not installed.
    livekit: addresses of servers whose rooms are entered.
    """

    key: str
    avatars: Mapping[str, str]
    ice: Relays
    limits: Limits
    rooms: Rooms | None = None
    livekit: tuple[str, ...] = ()


def entrance(key: str) -> Entrance:
    """Who may come in: all but the first request show a token, which was given for the key.

    The web SDK sends cookies where it may, and a browser asks for leave to do so.
    """
    return Entrance(
        (_PREFIX,), key, header(KEY), f"as the header {KEY}",
        loose=lambda request: request.path != _TOKEN, headers=(KEY,), credentials=True,
        shown=_shown,
    )  # fmt: skip


def _named(request: web.Request, _body: bytes) -> str:
    return name_of(_sent(request))


WAYS: Final = (
    Way("POST", _TOKEN),
    Way("POST", _START, _named, headers=(hdrs.AUTHORIZATION, hdrs.HOST)),
    Way("POST", _STOP, _named, headers=(hdrs.AUTHORIZATION,)),
    Way("POST", _KEEP, _named, headers=(hdrs.AUTHORIZATION,)),
    Way("WS", _EVENTS, _named, headers=(hdrs.AUTHORIZATION,)),
    Way("POST", _WATCH, _named, headers=(hdrs.AUTHORIZATION,)),
    Way("OPTIONS", _WATCH, headers=(hdrs.AUTHORIZATION,)),
    Way("PATCH", _VIEWER, _named, headers=(hdrs.AUTHORIZATION, hdrs.IF_MATCH)),
    Way("DELETE", _VIEWER, _named, headers=(hdrs.AUTHORIZATION,)),
)


class LiveAvatar:
    """exists: whether there is an avatar of a name; it reads files."""

    def __init__(
        self, settings: Settings, sessions: Sessions, exists: Callable[[str], bool]
    ) -> None:
        self._settings, self._sessions, self._exists = settings, sessions, exists
        self._signer = Signer(settings.key, "liveavatar", _LASTS)
        self._started: dict[str, Hosted] = {}
        self._starting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._calls: dict[str, Call] = {}
        self._viewers: dict[str, tuple[str, Leg]] = {}
        sessions.gone.append(self._gone)

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.post(_TOKEN, _told(self._token)),
            web.post(_START, _told(self._start)),
            web.post(_STOP, _told(self._stop)),
            web.post(_KEEP, _told(self._keep)),
            web.get(_EVENTS, _told(self._events)),
            web.post(_WATCH, self._watch),
            web.options(_WATCH, self._options),
            web.patch(_VIEWER, self._trickle),
            web.delete(_VIEWER, self._leave),
        ]

    async def close(self) -> None:
        """The sessions are ended by who has them; their web sockets end with them."""
        await asyncio.gather(*(call.hang_up() for call in list(self._calls.values())))

    def _gone(self, name: str) -> None:
        self._started.pop(name, None)

    # --- a session ------------------------------------------------------------------------------

    async def _token(self, request: web.Request) -> web.Response:
        wanted = messages.wanted(await problems.json_object(request))
        avatar = ours(dict(self._settings.avatars), wanted.avatar)
        if not await asyncio.to_thread(self._exists, avatar):
            raise NotFound(f"There is no avatar {avatar!r} here.")
        if wanted.room is not None and self._settings.rooms is None:
            raise Malformed(_NO_ROOM)
        if wanted.room is not None:
            check_url(wanted.room.url, self._settings.livekit)
        room = [] if wanted.room is None else [wanted.room.url, wanted.room.token]
        token, name = self._signer.sign({
            "avatar": avatar,
            # The web SDK looks for the mode, and waits for an agent of HeyGen's without.
            "start_session_data": {"mode": "LITE"},
            "room": self._signer.seal(json.dumps(room)) if room else "",
        })  # fmt: skip
        return _success({"session_id": name, "session_token": token})

    async def _start(self, request: web.Request) -> web.Response:
        token = _sent(request)
        claims = self._signer.read(token)
        name = str(claims["jti"])
        async with self._starting.setdefault(name, asyncio.Lock()):
            if name not in self._started:
                await self._open(name, str(claims["avatar"]), caller(request))
        at = f"{request.host}{_SESSIONS}"
        secure = "s" if addresses.is_secure(request) else ""
        return _success({
            "session_id": name,
            "livekit_url": None,
            "livekit_client_token": None,
            "livekit_agent_token": None,
            "max_session_duration": self._settings.limits.length or None,
            "ws_url": f"ws{secure}://{at}/events?{_QUERY}={token}",
            "whep_url": f"http{secure}://{at}/watch?{_QUERY}={token}",
        }, status=201)  # fmt: skip

    async def _open(self, name: str, avatar: str, who: str) -> None:
        limits = Limits(0.0, 0.0, self._settings.limits.length)
        self._started[name] = await self._sessions.hosted(
            Wish(avatar=avatar, source="voice", door="liveavatar"), who, name=name, limits=limits
        )

    async def _stop(self, request: web.Request) -> web.Response:
        name = str(self._signer.read(_sent(request))["jti"])
        if (call := self._calls.get(name)) is not None:
            await call.hang_up()
        elif (hosted := self._started.get(name)) is not None:
            await hosted.close(for_good=True)
        return _success()

    async def _keep(self, request: web.Request) -> web.Response:
        name = str(self._signer.read(_sent(request))["jti"])
        if (call := self._calls.get(name)) is None:
            raise NotFound(_NO_SESSION)
        call.keep()
        return _success()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        hosted = self._of(request)
        name = hosted.session.name
        if name in self._calls:
            raise Conflict("This session has a web socket already.")
        socket = Socket()
        idle, shows = self._settings.limits.idle or IDLE, self._shows(request, hosted)
        call = self._calls[name] = Call(socket, hosted, idle, shows)
        try:
            await socket.prepare(request)
            await call.live()
        finally:
            del self._calls[name]
            await call.hang_up()
        return socket.response

    def _shows(self, request: web.Request, hosted: Hosted) -> Shows | None:
        """How its room is entered, if its token names one."""
        sealed = str(self._signer.read(_sent(request))["room"])
        if not sealed or self._settings.rooms is None:
            return None
        url, token = json.loads(self._signer.unseal(sealed))
        return partial(self._settings.rooms, hosted.session, url, token)

    def _of(self, request: web.Request) -> Hosted:
        """The session of a token. Raises Unauthorized, NotFound."""
        hosted = self._started.get(str(self._signer.read(_sent(request))["jti"]))
        if hosted is None or hosted.state == "over":
            raise NotFound(_NO_SESSION)
        return hosted

    # --- its face, for players of WHEP ----------------------------------------------------------

    async def _watch(self, request: web.Request) -> web.Response:
        hosted, offer = self._of(request), await sdp_offer(request)
        name = hosted.session.name
        if sum(of == name for of, _ in self._viewers.values()) >= _MOST:
            raise Full(f"{_MOST} players watch this session already.")
        viewer, leg = secrets.token_urlsafe(12), Leg(hosted.session, hosted.terms, media=WATCHED)
        self._viewers[viewer] = name, leg
        leg.ended.add_done_callback(lambda _ended: self._viewers.pop(viewer, None))
        answer = await hosted.connect(leg, offer)
        at = f"{_WATCH}/{viewer}?{_QUERY}={_sent(request)}"
        return resources.created(at, answer, viewer, self._settings.ice.urls())

    async def _options(self, request: web.Request) -> web.Response:
        self._signer.read(_sent(request))  # what is told has an account of the relay in it
        return resources.options(self._settings.ice.urls())

    async def _trickle(self, request: web.Request) -> web.Response:
        return await resources.trickled(
            request, self._viewer(request), request.match_info["viewer"]
        )

    async def _leave(self, request: web.Request) -> web.Response:
        await self._viewer(request).close()
        return web.Response(status=200)

    def _viewer(self, request: web.Request) -> Leg:
        """Raises Unauthorized, NotFound."""
        name = str(self._signer.read(_sent(request))["jti"])
        of, leg = self._viewers.get(request.match_info["viewer"], ("", None))
        if leg is None or of != name:
            raise NotFound("There is no such viewer; they may have left.")
        return leg


_NO_SESSION: Final = "There is no such session: it has not been started, or it has ended."
_NO_ROOM: Final = (
    'livekit_config: this server needs livekit-agents for that: pip install "visavis[livekit]". Or '
    "leave it out, and show whep_url of the answer to start."
)


def _success(data: Mapping[str, Any] | None = None, status: int = 200) -> web.Response:
    return web.json_response(messages.success(data), status=status)


def _shown(problem: Problem) -> web.Response:
    """A problem as these clients read it."""
    return web.json_response(
        messages.failure(problem.status, problem.detail), status=problem.status
    )


def _told(
    handle: Callable[[web.Request], Any],
) -> Callable[[web.Request], Any]:
    """A handler whose problems are told as these clients read them, in a worker, too."""

    async def handled(request: web.Request) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handle(request)
        except Problem as problem:
            return problems.refused(problem, _shown(problem))
        return response

    return handled
