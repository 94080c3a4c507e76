"""The parent's addresses of staff: requests and streams go to the worker of the session."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import ClientError, ClientTimeout, web

from visavis.server.http import problems
from visavis.server.http.streams import BEAT, STEP, Stream
from visavis.server.processes.crew import Crew
from visavis.server.processes.forwarding import Forwarding, asked
from visavis.server.processes.link import Link, LinkError
from visavis.server.processes.worker import Worker
from visavis.server.staff import rows
from visavis.server.staff.desk import Desk
from visavis.server.staff.rows import Row
from visavis.server.system.errors import NotReady

# A worker says something every 3 s, so one that says nothing for longer is as good as gone.
_STREAM: Final = ClientTimeout(total=None, sock_connect=5.0, sock_read=4 * BEAT)
_PIECE: Final = 64 * 1024  # bytes


class StaffForwarding:
    """What staff do with one session, wherever it is."""

    def __init__(self, crew: Crew, forwarding: Forwarding) -> None:
        self._crew, self._forwarding = crew, forwarding
        self._streams: set[asyncio.Task[Any]] = set()

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        one = "/v1/staff/sessions/{id}"
        send = self._forwarding.send
        return [
            web.get(one + "/events", self._events),
            web.post(one + "/say", send),
            web.post(one + "/hold", send),
            web.delete(one + "/hold", send),
            web.post(one + "/voice", send),
            web.delete(one + "/voice", send),
            web.delete(one + "/call", send),
            web.post(one + "/end", send),
        ]

    async def close(self) -> None:
        """Streams end with their workers, or now."""
        for task in self._streams:
            task.cancel()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        try:
            return await self._passed_on(self._forwarding.worker_of(request), request)
        finally:
            self._streams.discard(task)

    async def _passed_on(self, worker: Worker, request: web.Request) -> web.StreamResponse:
        """Raises NotReady when the worker fails before it has begun."""
        stream: Stream | None = None
        try:
            async with asked(worker, request, b"", timeout=_STREAM) as response:
                if response.status != 200:
                    return problems.passed_on(response.status, await response.read())
                stream = await Stream.open(request)
                while piece := await _next(response.content, stream):
                    if not await stream.write(piece):
                        break
        except (ClientError, OSError, TimeoutError) as error:
            if stream is None:
                raise NotReady("The worker that was asked has just failed. Try again.") from error
        assert stream is not None
        return stream.response


async def _next(content: Any, stream: Stream) -> bytes:
    """What the worker says next; empty once it, or the page, is gone."""
    reading = asyncio.ensure_future(content.read(_PIECE))
    try:
        while not stream.gone:
            done, _ = await asyncio.wait([reading], timeout=STEP)
            if done:
                piece: bytes = reading.result()
                return piece
        return b""
    finally:
        reading.cancel()


class DeskLink:
    """A parent's desk over its crew: rows come from workers, and they hear who is there."""

    def __init__(self, desk: Desk, crew: Crew) -> None:
        self._desk, self._crew = desk, crew
        desk.attended = self._attended
        crew.reports["staff"] = self._put
        crew.greet = self._greet
        crew.buried = lambda worker: desk.forget(worker.pid)

    def _put(self, worker: Worker, content: Any) -> None:
        """Raises TypeError, ValueError."""
        self._desk.put(worker.pid, [rows.read(each) for each in content])

    def _presence(self) -> list[Any]:
        return [self._desk.presence.offered, self._desk.presence.members]

    def _greet(self, link: Link) -> None:
        link.send("presence", self._presence())

    def _attended(self) -> None:
        for worker in self._crew.workers.values():
            worker.tell("presence", self._presence())


class RowLink:
    """A worker's rows, on their way to the parent."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._last: list[list[Any]] = []

    def __call__(self, told: Sequence[Row]) -> None:
        """Say how they are, if that is news."""
        now = [row.told() for row in told]
        if now != self._last:
            self._last = now
            try:
                self._link.send("staff", now)
            except LinkError:
                return  # the parent is gone, and this process goes as well
