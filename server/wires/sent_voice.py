"""A program's own voice into a session over a web socket: `GET /v1/sessions/{id}/voice`.

Of a session whose source is "voice". Sound is binary messages, 16 bits mono, as fast as it comes;
`{"type": "end"}` ends a segment, `{"type": "clear"}` is silence now. Segments are numbered from 1
by the client's words: `end` and `clear` each begin the next one. What comes back is when one is
over; sound and pictures go as they do in every session.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Final

from aiohttp import web

from visavis.server.http.opening import Sessions
from visavis.server.playout.messages import PACKET, Tick, ms, to_ms
from visavis.server.playout.timeline import FADE
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event, SegmentEnded
from visavis.server.session.resampling import HIGHEST, LOWEST
from visavis.server.session.session import Session
from visavis.server.system import strict_json
from visavis.server.system.errors import Conflict, Malformed, NotFound
from visavis.server.wires.inflow import Inflow
from visavis.server.wires.socket import Socket
from visavis.server.wires.ways import Way, in_path

ADDRESS: Final = "/v1/sessions/{id}/voice"
WAYS: Final = (Way("WS", ADDRESS, in_path("id")),)
_NEVER: Final[Tick] = ms(3_600_000)  # a pause is no end: clients say where one is
_LOOK: Final = 0.5  # s between two looks at whether the session is over


class SentVoice:
    """One voice a session at a time."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._calls: dict[str, _Call] = {}

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [web.get(ADDRESS, self._connect)]

    async def close(self) -> None:
        """Web sockets end, the sessions do not."""
        await asyncio.gather(*(call.hang_up() for call in list(self._calls.values())))

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        name, rate = request.match_info["id"], _rate(request.query.get("rate", ""))
        held = self._sessions.find(name)
        if held is None:
            raise NotFound("There is no such session; it may have ended.")
        if held.session.source != "voice":
            raise Conflict("This session has a voice: open one with source=voice.", "no-voice")
        if name in self._calls:
            raise Conflict("Another program is this session's voice.", "voice-taken")
        call = self._calls[name] = _Call(held.session, rate)
        try:
            await call.socket.prepare(request)
            await call.live(lambda: self._sessions.find(name) is held)
        finally:
            del self._calls[name]
        return call.socket.response


class _Call:
    """One program's voice."""

    def __init__(self, session: Session, rate: int) -> None:
        self.socket = Socket()
        self._session = session
        self._inflow = Inflow(session.voice, session.clock, rate, _NEVER)
        self._inflow.lost = lambda name: self._over(name, 0.0, interrupted=True)
        self._number = 1  # of the segment that the next sound is of

    async def live(self, goes_on: Callable[[], bool]) -> None:
        """Until the program goes, or the session is over."""
        door = self._session.add_outlet(self)
        self._session.watch(self, seen=False)
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._inflow.run())]
        try:
            while goes_on() and not tasks[0].done():
                await asyncio.wait(tasks[:1], timeout=_LOOK)
        finally:
            for task in (*tasks, door):
                task.cancel()
            await asyncio.gather(*tasks, door, return_exceptions=True)
            self._inflow.clear()
            await self.hang_up()

    async def hang_up(self) -> None:
        """Safe to call twice."""
        await self.socket.end()

    async def play(self, playout: Playout) -> None:
        """Outlet: told alone."""
        playout.reader.close()
        await asyncio.Event().wait()

    def tell(self, event: Event) -> None:
        """Outlet: each end that is heard."""
        if isinstance(event, SegmentEnded) and (name := self._inflow.names.pop(event.segment, "")):
            self._over(name, event.position, interrupted=event.interrupted)

    def _over(self, name: str, position: float, *, interrupted: bool) -> None:
        told = {"segment": int(name), "position": round(position, 3), "interrupted": interrupted}
        self.socket.say(json.dumps({"type": "segment_ended", **told}))

    async def _read(self) -> None:
        async for said in self.socket:
            if isinstance(said, bytes):
                await self._inflow.put(said, str(self._number))
                continue
            match _kind(said):
                case "end":
                    self._inflow.end()
                case "clear":
                    self._clear()
                case _:
                    words = 'send sound as bytes, or {"type": "end"} or {"type": "clear"}'
                    self.socket.say(json.dumps({"type": "error", "message": words}))
                    continue
            self._number += 1

    def _clear(self) -> None:
        """Silence, and word of when: what sounds until then is on its way already."""
        self._inflow.clear()
        silent = self._session.clock.now() + PACKET + FADE
        self.socket.say(json.dumps({"type": "cleared", "at_ms": to_ms(silent)}))


def _kind(text: str) -> str:
    try:
        fields = strict_json.parse(text)
    except strict_json.NotJson:
        return ""
    return str(fields.get("type")) if isinstance(fields, dict) else ""


def _rate(text: str) -> int:
    """Raises Malformed."""
    if not text:
        return HIGHEST
    if not (text.isascii() and text.isdecimal() and len(text) < 7):
        raise Malformed("`rate` must be a number of Hz.", "bad-message")
    if not LOWEST <= int(text) <= HIGHEST:
        raise Malformed(f"`rate` must be {LOWEST} to {HIGHEST} Hz.", "bad-message")
    return int(text)
