"""What a parent of workers knows of a wire's addresses: which worker a request is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

Named = Callable[[web.Request, bytes], str]  # a request and its body -> a session's name, or ""
MESSAGE: Final = 1 << 20  # bytes of a web socket's message at most, unless a way says otherwise


@dataclass(frozen=True, slots=True)
class Way:
    """One address. method: of HTTP, or "WS" for a web socket. path: as aiohttp's routes have it.

    session: the name of the session that a request is about; its worker gets the request. Where
    nobody has that session, or no name is given, the worker with the most room does, and requests
    with the same name meanwhile go to the same one: so a name can be opened by whoever comes first.
    headers: of a request, which go on to the worker besides those that always do. longest: bytes of
    a web socket's message.
    """

    method: str
    path: str
    session: Named = lambda request, body: ""
    headers: tuple[str, ...] = ()
    longest: int = MESSAGE


def in_path(part: str = "session", prefix: str = "") -> Named:
    """The name is a part of the path, such as {session} of /v1/realtime/calls/{session}."""
    return lambda request, body: prefix + request.match_info[part]
