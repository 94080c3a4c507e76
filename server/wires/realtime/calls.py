"""A client over WebRTC: its events on a channel, sound by tracks, and a face if it wants one."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import hdrs, web
from aiortc import RTCDataChannel

from visavis.server import protocol
from visavis.server.http.problems import SDP, body, content
from visavis.server.rtc.leg import Leg
from visavis.server.rtc.media import SPOKEN
from visavis.server.session.events import Failure
from visavis.server.system import strict_json
from visavis.server.system.bucket import Bucket
from visavis.server.system.errors import Malformed, WrongType
from visavis.server.system.flow import Tasks
from visavis.server.wires.realtime import forms
from visavis.server.wires.realtime.beginnings import Begun
from visavis.server.wires.realtime.refusals import Refused
from visavis.server.wires.realtime.talk import Line, Talk

CHANNEL: Final = "oai-events"
_NAME: Final = "rtc_"  # begins the name of a call
_MESSAGES: Final = 25, 100  # (a second, at once), as on our own channel
_WAITING: Final = 200  # events of a client that wait to be done
_LONGEST: Final = 64 << 10  # characters of one
_BACKLOG: Final = 1 << 20  # bytes that wait in the channel at which events are dropped
_HELD: Final = 64  # events that wait for the channel to open


class Channel:
    """The events of one call, both ways; its client may open the channel late."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._channel: RTCDataChannel | None = None
        self._held: list[str] = []
        self._room = Bucket(*_MESSAGES)
        self._waiting: asyncio.Queue[str] = asyncio.Queue(_WAITING)
        self.talk: Talk | None = None

    def send(self, event: Mapping[str, Any]) -> None:
        """One event; lost when the client does not read."""
        text = json.dumps(event, ensure_ascii=False)
        if self._channel is None:
            self._held = [*self._held, text][-_HELD:]
        elif self._channel.readyState == "open" and self._channel.bufferedAmount < _BACKLOG:
            self._channel.send(text)

    def opened(self, channel: RTCDataChannel) -> None:
        """The client has opened one."""
        if channel.label != CHANNEL or self._channel is not None:
            return
        self._channel = channel
        channel.on("message", self._receive)
        held, self._held = self._held, []
        for text in held:
            channel.send(text)
        self._tasks.start(self._do(), name="realtime events")

    def _receive(self, data: str | bytes) -> None:
        """Never raises: aiortc's receiving would end."""
        if self.talk is None:
            return
        if isinstance(data, bytes) or len(data) > _LONGEST:
            what = f"Send events as text of {_LONGEST} characters at most."
            self.talk.refuse(Refused("invalid_json", what))
        elif not self._room.take() or self._waiting.full():
            self.talk.refuse(Refused("rate_limit_exceeded", "Wait before you send more events."))
        else:
            self._waiting.put_nowait(data)

    async def _do(self) -> None:
        while True:
            text = await self._waiting.get()
            assert self.talk is not None
            await self.talk.receive(text)


class Calls:
    """All of one process."""

    def __init__(self) -> None:
        self._tasks = Tasks()

    async def close(self) -> None:
        """The server ends; the sessions are ended by who has them."""
        await self._tasks.close()

    async def answer(self, begun: Begun, offer: str) -> str:
        """SDP offer -> SDP answer. Raises Malformed, Unprocessable, Full, NotFound."""
        tasks = Tasks()
        channel = Channel(tasks)
        talk = channel.talk = begun.talk(Line(True, channel.send))
        hosted = begun.hosted
        hosted.told = lambda told: _tell(talk, told)
        hosted.session.add_outlet(talk)
        leg = Leg(
            hosted.session,
            hosted.terms,
            media=SPOKEN,
            hears=hosted.session.listen,
            channel=channel.opened,
        )
        try:
            answer = await hosted.connect(leg, offer)
        except BaseException:
            await tasks.close()
            await talk.close()
            await hosted.close()
            raise
        self._tasks.start(_until_over(begun, talk, tasks), name="realtime call")
        return answer


async def _until_over(begun: Begun, talk: Talk, tasks: Tasks) -> None:
    try:
        await begun.hosted.ended.wait()
    finally:
        await tasks.close()
        await talk.close()


def _tell(talk: Talk, told: Failure | protocol.Goodbye) -> None:
    """The session is about to end, or has."""
    code = told.code if isinstance(told, Failure) else "session_expired"
    talk.refuse(Refused(code, told.message), kind="server_error")


def new_name() -> str:
    """Of a call that nobody guesses."""
    return _NAME + secrets.token_hex(16)


async def asked(request: web.Request) -> tuple[str, dict[str, Any]]:
    """A call's SDP offer, and what its session is to be. Raises WrongType, Malformed, TooLarge."""
    if request.content_type == SDP:
        return await body(request), {}
    if request.content_type != "multipart/form-data":
        raise WrongType(f"Send the offer as {SDP}, or as multipart/form-data with sdp and session.")
    form = forms.texts(await content(request), request.headers[hdrs.CONTENT_TYPE])
    session = form.get("session")
    return form.get("sdp", ""), {} if session is None else _fields(session)


def _fields(text: str) -> dict[str, Any]:
    try:
        fields = strict_json.parse(text)
    except strict_json.NotJson:
        fields = None
    if not isinstance(fields, dict):
        raise Malformed("The part `session` is no JSON object.")
    return fields


def located(name: str, answer: str) -> web.Response:
    """201: the call and its SDP answer."""
    headers = {hdrs.LOCATION: f"/v1/realtime/calls/{name}"}
    return web.Response(status=201, text=answer, content_type=SDP, headers=headers)
