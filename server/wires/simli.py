"""Addresses compatible with Simli's: its clients show our face, which speaks the sound they send.

A token says what a session is to be; then a web socket is the session: it carries the offer of a
WebRTC connection, the sound, and single words, and the session ends with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from visavis.server.http import problems
from visavis.server.http.callers import caller
from visavis.server.http.entrances import Entrance, header
from visavis.server.http.offers import Offers
from visavis.server.http.opening import Sessions
from visavis.server.http.wishes import Wish
from visavis.server.playout.messages import Tick, ms
from visavis.server.protocol import Goodbye
from visavis.server.rtc.allowance import Limits
from visavis.server.rtc.hosted import Hosted
from visavis.server.rtc.leg import Leg
from visavis.server.rtc.relays import Relays
from visavis.server.session.events import Event, Failure, SegmentEnded, SegmentStarted
from visavis.server.session.session import Session
from visavis.server.system.errors import Full, Malformed, NotFound, Problem, Unauthorized
from visavis.server.system.flow import Tasks
from visavis.server.system.pairs import ours
from visavis.server.wires import simli_messages as messages
from visavis.server.wires.inflow import Inflow
from visavis.server.wires.livekit_launch import check_url
from visavis.server.wires.socket import Socket
from visavis.server.wires.tokens import Signer
from visavis.server.wires.ways import Way

KEY: Final = "x-simli-api-key"
_TOKEN: Final = "/compose/token"
_ICE: Final = "/compose/ice"
_P2P: Final = "/compose/webrtc/p2p"
_LIVEKIT: Final = "/compose/webrtc/livekit"
_AGENTS: Final = "/integrations/livekit/agents"
_PREFIXES: Final = ("/compose", "/integrations/livekit")
_LASTS: Final = 600.0  # s in which a token opens a session, more than once: clients try again
_OFFER: Final = 30.0  # s that a client has to send its offer
_PAUSE: Final[Tick] = ms(300)  # without sound that end a thing said: no message says so
_FAREWELL: Final = 1.0  # s from a closed connection to a closed web socket
# Where no servers are set: simli-client takes an empty list for a failure and asks a public STUN
# server instead. Nobody waits for this one: aiortc leaves stuns: out, and browsers try their own
# machine, in vain.
_NOWHERE: Final = {"urls": "stuns:localhost:9"}
_STOPS: Final = {"idle": "IDLE", "length": "MAX"}


_NO_LIVEKIT: Final = 'This server needs livekit-agents for that: pip install "visavis[livekit]".'
# A session, the address of LiveKit and a token: enters the room, and is its agent's avatar after.
Performs = Callable[[Session, str, str], Awaitable[Coroutine[Any, Any, None]]]


@dataclass(frozen=True, slots=True)
class Settings:
    """key: of all its clients. faces: their face IDs -> our avatars. ice: relays for one of them.

    limits: of any session, also of one that asks for longer. performs: see Performs; None: what it
    needs is not installed. livekit: addresses of servers whose rooms are entered.
    """

    key: str
    faces: Mapping[str, str]
    ice: Relays
    limits: Limits
    performs: Performs | None = None
    livekit: tuple[str, ...] = ()


def entrance(key: str) -> Entrance:
    """Who may come in: a web socket shows a token instead, which was given for the key."""
    return Entrance(
        _PREFIXES, key, header(KEY), f"as the header {KEY}",
        loose=lambda request: request.path in {_P2P, _LIVEKIT, _AGENTS}, headers=(KEY,),
        shown=_shown,
    )  # fmt: skip


def _shown(problem: Problem) -> web.Response:
    """A refusal of the guard's, as these clients read it."""
    code = messages.WRONG_KEY if isinstance(problem, Unauthorized) else problem.detail
    return _refused(problem.status, code, problem.detail)


WAYS: Final = (
    Way("POST", _TOKEN),
    Way("GET", _ICE),
    Way("WS", _P2P),
    Way("WS", _LIVEKIT),
    Way("POST", _AGENTS),
)


class Simli:
    """exists: whether there is an avatar of a name; it reads files."""

    def __init__(
        self, settings: Settings, sessions: Sessions, exists: Callable[[str], bool]
    ) -> None:
        self._settings, self._sessions, self._exists = settings, sessions, exists
        self._signer = Signer(settings.key, "simli", _LASTS)
        self._offers = Offers()
        self._calls: set[_Call] = set()
        self._tasks = Tasks()

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.post(_TOKEN, self._token),
            web.get(_ICE, self._ice),
            web.get(_P2P, self._p2p),
            web.get(_LIVEKIT, self._livekit),
            web.post(_AGENTS, self._agents),
        ]

    async def close(self) -> None:
        """The sessions are ended by who has them; their web sockets end with them."""
        await asyncio.gather(*(call.hang_up() for call in list(self._calls)))
        await self._tasks.close()

    async def _token(self, request: web.Request) -> web.Response:
        wanted = messages.wanted(await problems.json_object(request))
        avatar = ours(dict(self._settings.faces), wanted.face)
        if not await asyncio.to_thread(self._exists, avatar):
            return _refused(404, messages.NO_FACE, f"There is no avatar {avatar!r} here.")
        limits = self._settings.limits
        token, _ = self._signer.sign({
            "avatar": avatar,
            "length": _least(wanted.length, limits.length),
            "idle": _least(wanted.idle, limits.idle),
        })  # fmt: skip
        return web.json_response({"session_token": token, "warnings": list(wanted.warnings)})

    async def _ice(self, _request: web.Request) -> web.Response:
        return web.json_response(self._settings.ice.servers() or [_NOWHERE])

    async def _livekit(self, request: web.Request) -> web.StreamResponse:
        socket = Socket()
        await socket.prepare(request)
        await socket.end(messages.error("This server has no LiveKit: connect in P2P mode."))
        return socket.response

    async def _agents(self, request: web.Request) -> web.Response:
        """Be the avatar of an agent in its LiveKit room, whose sound comes there."""
        token, url, room_token = messages.room(await problems.json_object(request))
        claims = self._signer.read(token)
        if self._settings.performs is None:
            raise Malformed(_NO_LIVEKIT)
        check_url(url, self._settings.livekit)
        hosted = await self._opened(claims, caller(request))
        try:
            performed = await self._settings.performs(hosted.session, url, room_token)
        except BaseException:
            await hosted.close(for_good=True)
            raise
        self._tasks.start(_perform(hosted, performed), name="simli: room")
        return web.json_response({"status": "ok", "session_id": hosted.session.name})

    async def _p2p(self, request: web.Request) -> web.StreamResponse:
        who = caller(request)
        self._offers.count(who)
        socket = Socket()
        await socket.prepare(request)
        try:
            # In this order: simli-client hangs when an error comes while it makes its offer.
            said = await _first(socket)
            claims = self._signer.read(request.query.get("session_token", ""))
            offer = messages.offer(said)
            hosted = await self._opened(claims, who)
        except Problem as problem:
            await socket.end(messages.error(_said(problem)))
            return socket.response
        except BaseException:
            await socket.end()
            raise
        call = _Call(socket, hosted)
        self._calls.add(call)
        try:
            await call.live(offer)
        finally:
            self._calls.discard(call)
        return socket.response

    async def _opened(self, claims: Mapping[str, Any], who: str) -> Hosted:
        limits = Limits(0.0, float(claims["idle"]), float(claims["length"]))
        wish = Wish(avatar=str(claims["avatar"]), source="voice", door="simli")
        return await self._sessions.hosted(wish, who, limits=limits)


class _Call:
    """One client's session, from its answer to its end."""

    def __init__(self, socket: Socket, hosted: Hosted) -> None:
        self._socket, self._hosted = socket, hosted
        session = hosted.session
        self._leg = Leg(session, hosted.terms, told=self.tell)
        self._inflow = Inflow(session.voice, session.clock, messages.RATE, _PAUSE)
        self._done = asyncio.Event()
        self._why = ""  # what the client is told at the end
        self._noticed: set[str] = set()
        hosted.told = self._told

    async def live(self, offer: str) -> None:
        """Until the client goes, its connection or the session is over."""
        try:
            with self._hosted.present():
                await self._connected(offer)
                await self._ended()
        except Problem as problem:
            self._why = messages.error(_said(problem))
        finally:
            await self.hang_up()

    async def hang_up(self) -> None:
        """End both; safe to call twice."""
        await self._hosted.close(for_good=True)
        await self._socket.end(self._why or messages.stop("CLOSED"))

    async def _connected(self, offer: str) -> None:
        self._socket.say(messages.answer(await self._hosted.connect(self._leg, offer)))

    async def _ended(self) -> None:
        tasks = [
            asyncio.create_task(work, name=f"simli: {name}")
            for name, work in {
                "words": self._read(),
                "start": self._start(),
                "media": self._media(),
                "session": self._hosted.ended.wait(),
            }.items()
        ]
        try:
            done, _ = await asyncio.wait(
                [task for task in tasks if task is not tasks[1]],
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _start(self) -> None:
        """Once it is connected, say so and speak; what came before has waited."""
        await self._leg.connected.wait()
        self._socket.say(messages.START)
        await self._inflow.run()

    async def _media(self) -> None:
        """Until the connection is over, and a client that closed it has said that it goes."""
        if await asyncio.shield(self._leg.ended) == "never":
            self._why = messages.error("The WebRTC connection did not come about.")
        else:
            await asyncio.sleep(_FAREWELL)

    async def _read(self) -> None:
        """What the client says, until it goes, or all is said after it said that it was done."""
        async for said in self._socket:
            match messages.read(said):
                case messages.Sound(pcm, now):
                    await self._inflow.put(pcm, now=now)
                case messages.Skip():
                    self._inflow.clear()
                case messages.Done():
                    await self._finish()
                    return
                case messages.Ping() as ping:
                    self._socket.say(messages.pong(ping))
                case messages.Unknown(notice):
                    self._notice(notice)

    async def _finish(self) -> None:
        """Let all be heard, unless the client does not wait for it."""
        self._inflow.end()
        silence = asyncio.create_task(self._inflow.silence(), name="simli: finishes")
        gone = asyncio.create_task(self._socket.gone(), name="simli: goes")
        try:
            await asyncio.wait((silence, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:  # also when the session ends meanwhile: then it is never silent
            silence.cancel()
            gone.cancel()
        self._why = messages.stop("DONE")

    def _notice(self, notice: str) -> None:
        """Once each: a program may send a camera for every picture."""
        if notice not in self._noticed and len(self._noticed) < 8:
            self._noticed.add(notice)
            self._socket.say(notice)

    def tell(self, event: Event) -> None:
        """What is heard from now on."""
        if isinstance(event, SegmentStarted):
            self._socket.say(messages.SPEAK)
        elif isinstance(event, SegmentEnded):
            self._inflow.names.pop(event.segment, None)
            if not self._inflow.sounds:
                self._socket.say(messages.SILENT)

    def _told(self, told: Failure | Goodbye) -> None:
        """A limit is reached, or the server ends."""
        if isinstance(told, Goodbye):
            self._why = messages.stop(_STOPS.get(told.reason, "SHUTDOWN"))


async def _perform(hosted: Hosted, performed: Coroutine[Any, Any, None]) -> None:
    """Until the agent has left its room, or the session is over."""
    performing = asyncio.create_task(performed, name="simli: agent")
    over = asyncio.create_task(hosted.ended.wait(), name="simli: session")
    try:
        with hosted.present():
            await asyncio.wait((performing, over), return_when=asyncio.FIRST_COMPLETED)
    finally:
        performing.cancel()
        over.cancel()
        await asyncio.gather(performing, over, return_exceptions=True)
        await hosted.close(for_good=True)


async def _first(socket: Socket) -> str:
    """What comes first, which is to be the offer. Raises Malformed."""
    try:
        async with asyncio.timeout(_OFFER):
            async for said in socket:
                return said if isinstance(said, str) else said.decode(errors="replace")
    except TimeoutError:
        raise Malformed(f"No offer came within {_OFFER:g} s.") from None
    raise Malformed("No offer came.")


def _said(problem: Problem) -> str:
    """A problem in words of the wire; some are codes that clients know."""
    if isinstance(problem, NotFound):
        return messages.NO_FACE
    if isinstance(problem, Unauthorized):
        return "INVALID SESSION TOKEN"
    if isinstance(problem, Full):
        return f"RATE LIMIT: {problem.detail}"
    return problem.detail


def _least(asked: int, limit: float) -> float:
    """What is asked for, or less where no session has as much; 0 is no limit."""
    return min(asked, limit) if limit else asked


def _refused(status: int, code: str, words: str) -> web.Response:
    """A refusal as these clients read it: `detail` is a code."""
    return web.json_response({"detail": code, "message": words}, status=status)
