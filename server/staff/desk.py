"""What the staff of a server see: the rows of all its sessions, wherever they run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Final

from aiohttp import web

from visavis.server.http import streams
from visavis.server.http.streams import Stream, Told
from visavis.server.session.attendance import Presence
from visavis.server.staff.rows import Row, urgency
from visavis.server.system.errors import TooMany
from visavis.server.system.metrics import Metrics

_MOST: Final = 64  # pages of staff at a time
_BEHIND: Final = 40  # lists that wait for one of them: the newest is all that counts


class Desk:
    """Of one server. presence: shared with the attendants of this process.

    attended: called when somebody came or went.
    """

    def __init__(self, presence: Presence, metrics: Metrics) -> None:
        self.presence = presence
        self._rows: dict[int, Sequence[Row]] = {}
        self._pages: list[Told] = []
        self.attended: Callable[[], None] = lambda: None
        metrics.staff_present.set_function(lambda: len(self._pages))

    def put(self, process: int, rows: Sequence[Row]) -> None:
        """The sessions of one process, as they are now."""
        self._rows[process] = rows
        self._tell()

    def forget(self, process: int) -> None:
        """It is gone, and its sessions with it."""
        if self._rows.pop(process, None):
            self._tell()

    @property
    def rows(self) -> list[Row]:
        """Of all processes; who waits for a person comes first."""
        return sorted((row for rows in self._rows.values() for row in rows), key=urgency)

    def shown(self) -> list[dict[str, object]]:
        """As JSON."""
        now = monotonic()
        return [row.shown(now) for row in self.rows]

    @contextmanager
    def seated(self) -> Iterator[Told]:
        """Somebody is there, and told of the list. Raises TooMany."""
        if len(self._pages) >= _MOST:
            raise TooMany(f"{_MOST} pages of staff are open. Close one.", 10)
        told = Told(_BEHIND)
        self._pages.append(told)
        self._count()
        try:
            yield told
        finally:
            self._pages.remove(told)
            self._count()

    def close(self) -> None:
        """Nobody is told of anything any more."""
        for told in self._pages:
            told.end()

    def _count(self) -> None:
        self.presence.members = len(self._pages)
        self.attended()
        self._tell()

    def _tell(self) -> None:
        if self._pages:
            members = self.presence.members
            message = streams.text("sessions", sessions=self.shown(), members=members)
            for told in self._pages:
                told.put(message)


class DeskRoutes:
    """The list, at once or as it changes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.get("/v1/staff/sessions", self._list),
            web.get("/v1/staff/events", self._events),
        ]

    async def close(self) -> None:
        """Every page is told nothing more."""
        self._desk.close()
        await asyncio.sleep(0)

    async def _list(self, _request: web.Request) -> web.Response:
        desk = self._desk
        return web.json_response({"sessions": desk.shown(), "members": desk.presence.members})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        with self._desk.seated() as told:
            stream = await Stream.open(request)
            return await stream.send(told)
