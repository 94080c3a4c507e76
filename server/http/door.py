"""The door for HTTP: who comes in, and who has to leave when it is full or they are too slow.

A full house gives away the places of those who only wait; never that of a request that is being
served.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from aiohttp import StreamReader, web
from yarl import URL

from visavis.server.http import problems
from visavis.server.http.callers import is_here, network
from visavis.server.http.connections import CLOSING, Connection, Limits, Refusal
from visavis.server.http.headers import Headers
from visavis.server.system.metrics import Metrics

_BACKLOG: Final = 256  # connections that the kernel holds until they are taken in
_NOWHERE: Final = URL("/v1/")  # no route: 404
_PAUSE: Final = 0.1  # s after which the system is asked again for a connection it could not give
_COUNTED: Final = frozenset({"handshake", "header", "body", "send"})  # others are as it should be


class Door:
    """Where one server is reached. `open`, then `close`."""

    def __init__(
        self, server: web.Server, headers: Headers, metrics: Metrics,
        context: ssl.SSLContext | None = None, limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self._server, self._headers, self._metrics = server, headers, metrics
        self._context, self._limits = context, limits or Limits()
        self._inside: dict[Connection, asyncio.Task[None]] = {}
        self._listeners: list[socket.socket] = []
        self._tasks: list[asyncio.Task[None]] = []
        server.request_factory = _announcing(server.request_factory)
        server.request_handler = _refusing(server.request_handler, headers)
        metrics.connections.set_function(lambda: len(self._inside))

    async def open(self, host: str, port: int) -> int:
        """Take connections in; the port, which the system chooses for 0. Raises OSError."""
        self._listeners = await _listen(host, port)
        self._tasks = [asyncio.create_task(self._take_in(each)) for each in self._listeners]
        self._tasks.append(asyncio.create_task(self._watch()))
        return int(self._listeners[0].getsockname()[1])

    async def close(self) -> None:
        """Take nobody in any more; those inside are the server's to shut down."""
        handshakes = [task for task in self._inside.values() if not task.done()]
        for task in (*self._tasks, *handshakes):
            task.cancel()
        await asyncio.gather(*self._tasks, *handshakes, return_exceptions=True)
        for listener in self._listeners:
            listener.close()

    @property
    def inside(self) -> list[Connection]:
        """Every connection there is."""
        return list(self._inside)

    async def _take_in(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                wire, address = await loop.sock_accept(listener)
                self._admit(wire, network(str(address[0])))
                await asyncio.sleep(0)  # where many wait outside, `sock_accept` never does
            except OSError:  # out of file descriptors, or gone before it was taken
                self._give_away(self._inside)
                await asyncio.sleep(_PAUSE)

    def _admit(self, wire: socket.socket, who: str) -> None:
        if not self._make_room(who):
            self._metrics.connections_ended.labels("crowd").inc()
            wire.close()
            return
        connection = Connection(self._server, who, self._limits, self._headers)
        task = asyncio.create_task(self._greet(connection, wire), name="connection")
        self._inside[connection] = task

    async def _greet(self, connection: Connection, wire: socket.socket) -> None:
        """TLS where there is TLS; then the connection goes on by itself."""
        limit = self._limits.header if self._context else None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                wire,
                ssl=self._context,
                ssl_handshake_timeout=limit,
                ssl_shutdown_timeout=CLOSING if self._context else None,
            )
        except (OSError, TimeoutError):  # no TLS, not in time, or gone
            self._inside.pop(connection, None)
        except BaseException:
            self._inside.pop(connection, None)
            raise

    def _make_room(self, who: str) -> bool:
        """For one more; False: nobody can be shown out for it."""
        self._forget_the_gone()
        mine = [each for each in self._inside if each.who == who]
        if len(mine) >= self._limits.each and not is_here(who):
            return self._give_away(mine)
        if len(self._inside) < self._limits.most:
            return True
        return self._give_away(self._inside)

    def _give_away(self, among: Iterable[Connection]) -> bool:
        """Show out who waits, of the caller that holds the most places. False: nobody does."""
        waiting = [each for each in among if each.is_waiting]
        if not waiting:
            return False
        held = Counter(each.who for each in waiting)
        worst = min(waiting, key=lambda each: (-held[each.who], *each.expendable))
        self._show_out(worst)
        return True

    async def _watch(self) -> None:
        limits = self._limits
        step = min(1.0, limits.header / 4, limits.body / 4, limits.idle / 4)
        while True:
            await asyncio.sleep(step)
            self._forget_the_gone()
            for connection in self.inside:
                why = connection.overdue()
                if why in _COUNTED:
                    self._metrics.connections_ended.labels(why).inc()
                if why:
                    connection.expire(why)

    def _show_out(self, connection: Connection) -> None:
        self._metrics.connections_ended.labels("crowd").inc()
        self._inside.pop(connection).cancel()  # the handshake, if that is where it is
        connection.abort()

    def _forget_the_gone(self) -> None:
        for connection in self.inside:
            if connection.is_gone:
                del self._inside[connection]


async def _listen(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of a name. Raises OSError that names the address."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with contextlib.ExitStack() as opened:
        listeners = []
        for family, kind, protocol, _, address in dict.fromkeys(found):
            listener = opened.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                listener.bind(address)
            except OSError as error:
                why = f"cannot listen on {address[0]} port {port}: {error.strerror}"
                if error.errno == errno.EADDRINUSE:
                    why += ": end what listens there, or set another port"
                raise OSError(error.errno, why) from error
            listener.listen(_BACKLOG)
            listener.setblocking(False)
            listeners.append(listener)
        opened.pop_all()
    return listeners


def _announcing(make: Callable[..., web.BaseRequest]) -> Callable[..., web.BaseRequest]:
    """A request factory that tells the connection of each header that is complete."""

    def made(message: Any, payload: StreamReader, protocol: Any, *rest: Any) -> web.BaseRequest:
        protocol.began(payload)
        if message.url is None:  # aiohttp's parser lets it through, and its request falls over it
            message = message._replace(url=_NOWHERE)
        return make(message, payload, protocol, *rest)

    return made


def _refusing(handle: Callable[..., Any], headers: Headers) -> Callable[..., Any]:
    """A handler around the application: what fails before its middlewares is a problem, too."""

    async def handled(request: web.BaseRequest) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handle(request)
        except Exception as error:
            if isinstance(error, web.HTTPException) and error.status < 400:
                raise
            return Refusal(problems.of(error, request.path), headers)
        return response

    return handled
