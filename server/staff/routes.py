"""What staff do with one session, over HTTP; of the process that has it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from visavis.engines.base import EngineError
from visavis.engines.language import saying
from visavis.server import protocol
from visavis.server.http.problems import SDP, json_object, sdp_offer
from visavis.server.http.streams import Stream
from visavis.server.staff.attendant import Attendant, Member
from visavis.server.staff.roster import Roster
from visavis.server.system.errors import Malformed, NotReady

_DESK: Final = re.compile(r"[A-Za-z0-9-]{8,64}", re.ASCII)
_NAME: Final = 40  # characters
_NAMELESS: Final = "A colleague"


class StaffRoutes:
    """Of one process. The list of all sessions is the desk's."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        one = "/v1/staff/sessions/{id}"
        return [
            web.get(one + "/events", self._events),
            web.post(one + "/say", self._say),
            web.post(one + "/hold", self._act(Attendant.hold)),
            web.delete(one + "/hold", self._act(Attendant.release)),
            web.post(one + "/voice", self._speak),
            web.delete(one + "/voice", self._act(Attendant.hush)),
            web.delete(one + "/call", self._act(lambda it, _member: it.answer_call())),
            web.post(one + "/end", self._end),
        ]

    async def close(self) -> None:
        """Those who look are told that it is over."""
        await self._roster.close()

    def _of(self, request: web.Request) -> Attendant:
        return self._roster.of(request.match_info["id"])

    async def _events(self, request: web.Request) -> web.StreamResponse:
        with self._of(request).watched(_member(request)) as told:
            stream = await Stream.open(request)
            return await stream.send(told)

    async def _say(self, request: web.Request) -> web.Response:
        attendant, member = self._of(request), _member(request)
        text, style = await _words(request)
        if not text:
            raise Malformed("There is nothing to say.", "empty-text")
        attendant.say(member, text, style)
        return web.Response(status=202)

    async def _end(self, request: web.Request) -> web.Response:
        attendant, member = self._of(request), _member(request)
        text, _style = await _words(request)
        await attendant.end(member, text)
        return web.Response(status=200)

    async def _speak(self, request: web.Request) -> web.Response:
        attendant, member = self._of(request), _member(request)
        offer = await sdp_offer(request)
        try:
            answer = await attendant.speak(member, offer)
        except EngineError as error:
            raise NotReady(str(error)) from error
        return web.Response(status=201, text=answer, content_type=SDP)

    def _act(
        self, what: Callable[[Attendant, Member], None]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def act(request: web.Request) -> web.StreamResponse:
            what(self._of(request), _member(request))
            return web.Response(status=204)

        return act


def _member(request: web.Request) -> Member:
    """Raises Malformed."""
    desk = request.query.get("desk", "")
    if not _DESK.fullmatch(desk):
        raise Malformed(
            "`desk` must name the page that asks: 8 to 64 letters, digits and hyphens.", "no-desk"
        )
    name = "".join(c for c in request.query.get("name", "") if c.isprintable()).strip()[:_NAME]
    return Member(desk, name or _NAMELESS)


async def _words(request: web.Request) -> tuple[str, str]:
    """Text and style of a body, without space around them. Raises Malformed."""
    fields = await json_object(request)
    try:
        message = protocol.build({"text": "", **fields, "type": "say"})
    except protocol.ProtocolError as error:
        raise Malformed(str(error), "bad-message") from error
    assert isinstance(message, protocol.SayText)
    text = message.text.strip()
    if text and saying.empty(text):
        raise Malformed(saying.WHY, saying.NOTHING)
    return text, message.style
