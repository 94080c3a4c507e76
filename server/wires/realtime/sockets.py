"""A client over a web socket: sound and words both ways, as JSON."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import ClientConnectionResetError, WSCloseCode, WSMsgType, web

from visavis.server import protocol
from visavis.server.session.events import Failure
from visavis.server.system.bucket import Bucket
from visavis.server.system.faults import fault
from visavis.server.wires.realtime.beginnings import Begun
from visavis.server.wires.realtime.entry import SUBPROTOCOL
from visavis.server.wires.realtime.refusals import Refused
from visavis.server.wires.realtime.talk import Line, Talk
from visavis.server.wires.socket import closed

log = logging.getLogger(__name__)

LONGEST: Final = 4 << 20  # bytes of one message: a minute of sound
_HEARTBEAT: Final = 15.0  # s between two questions whether the client is there
_MESSAGES: Final = 150, 300  # (a second, at once): sound comes in pieces of 10 ms and more
_WAIT: Final = 0.01  # s for each that is more
_MOST: Final = 8 << 20  # bytes that wait for a client who does not read
_CLOSE: Final = 2.0  # s
_SOUND: Final = "response.output_audio.delta"


class Outbox:
    """What waits to be sent to one client, and who sends it."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._waiting: deque[tuple[str, str]] = deque()
        self._size = 0
        self._more = asyncio.Event()
        self.over = False  # whether the client does not read what it is sent
        self.drowned = asyncio.Event()  # set then: who sends may wait for that client for ever

    def put(self, event: Mapping[str, Any]) -> None:
        """One event; nothing more once the client does not read."""
        if self.over:
            return
        text = json.dumps(event, ensure_ascii=False)
        self._waiting.append((str(event["type"]), text))
        self._size += len(text)
        self.over = self._size > _MOST
        if self.over:
            self.drowned.set()
        self._more.set()

    def hurry(self) -> None:
        """Sound that has not left is not wanted any more."""
        self._waiting = deque(each for each in self._waiting if each[0] != _SOUND)
        self._size = sum(len(text) for _, text in self._waiting)

    async def run(self) -> None:
        """Send until cancelled, or the client does not read, or is gone."""
        while not self.over:
            if not self._waiting:
                self._more.clear()
                await self._more.wait()
                continue
            _, text = self._waiting.popleft()
            self._size -= len(text)
            await self._socket.send_str(text)


class Sockets:
    """All of one process."""

    def __init__(self) -> None:
        self._open: set[web.WebSocketResponse] = set()

    async def close(self) -> None:
        """The server ends."""
        closing = [each.close(code=WSCloseCode.GOING_AWAY) for each in list(self._open)]
        await asyncio.gather(*closing, return_exceptions=True)

    async def serve(self, request: web.Request, begun: Begun) -> web.WebSocketResponse:
        """One client, until either side ends it."""
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            max_msg_size=LONGEST,
            heartbeat=_HEARTBEAT,
            timeout=_CLOSE,
            compress=False,
        )
        code, transport = WSCloseCode.GOING_AWAY, request.transport
        try:
            await socket.prepare(request)
            self._open.add(socket)
            with begun.hosted.present():
                code = await self._converse(socket, begun)
        finally:
            # Its place first: a client that does not read keeps a close waiting, too.
            await begun.hosted.close()
            self._open.discard(socket)
            await closed(socket, transport, code)
        return socket

    async def _converse(self, socket: web.WebSocketResponse, begun: Begun) -> WSCloseCode:
        outbox = Outbox(socket)
        talk = begun.talk(Line(False, outbox.put, outbox.hurry))
        begun.hosted.told = lambda told: _tell(talk, told)
        begun.hosted.session.add_outlet(talk)
        works = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("realtime reads", _read(socket, talk)),
                ("realtime sends", outbox.run()),
                ("realtime drowns", outbox.drowned.wait()),
                ("realtime ends", begun.hosted.ended.wait()),
            )
        ]
        try:
            await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            await talk.close()
        _report(works[0])
        return WSCloseCode.POLICY_VIOLATION if outbox.over else WSCloseCode.GOING_AWAY


async def _read(socket: web.WebSocketResponse, talk: Talk) -> None:
    """Until the client has gone."""
    room = Bucket(*_MESSAGES)
    async for message in socket:
        if not room.take():
            await asyncio.sleep(_WAIT)  # it is not read meanwhile
        if message.type == WSMsgType.TEXT:
            await talk.receive(message.data)
        else:
            talk.refuse(Refused("invalid_json", "Send events as text, not in binary."))


def _tell(talk: Talk, told: Failure | protocol.Goodbye) -> None:
    """The session is about to end, or has."""
    if isinstance(told, Failure):
        talk.refuse(Refused(told.code, told.message), kind="server_error")
    else:
        talk.refuse(Refused("session_expired", told.message), kind="server_error")


def _report(reading: asyncio.Task[Any]) -> None:
    if reading.cancelled() or (error := reading.exception()) is None:
        return
    if not isinstance(error, ConnectionError | ClientConnectionResetError):
        log.error("a client's events could not be read", extra={"fault": fault(error)})
