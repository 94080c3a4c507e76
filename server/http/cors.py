"""Which pages of other origins a browser lets call this server."""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs, web

from visavis.server.http import addresses
from visavis.server.http.entrances import Entrance

_HEADERS: Final = ("Authorization", "Content-Type", "Visavis-Resume", "If-Match")
_EXPOSED: Final = "Location, Link, ETag, Retry-After, Visavis-Label"


def is_preflight(request: web.Request, entrance: Entrance | None = None) -> bool:
    """Whether a browser asks before a page's request; a wire answers another OPTIONS itself."""
    asks = entrance is None or hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    return request.method == hdrs.METH_OPTIONS and asks


def preflight(entrance: Entrance | None = None) -> web.Response:
    """What a page of another origin may send."""
    own = entrance.headers if entrance is not None else ()
    headers = {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST, PATCH, DELETE, OPTIONS",
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: ", ".join((*_HEADERS, *own)),
        hdrs.ACCESS_CONTROL_MAX_AGE: "600",
    }
    return web.Response(status=204, headers=headers)


def allow(
    response: web.StreamResponse, request: web.Request, *, token: bool,
    entrance: Entrance | None = None,
) -> None:  # fmt: skip
    """With a token every page may embed the element: the token is its only credential.

    Without one, only a page of this machine's own, on whichever port.
    """
    origin = "*" if token else _neighbour(request)
    if token and entrance is not None and entrance.credentials:
        origin = request.headers.get(hdrs.ORIGIN, "*")  # with credentials it must be named
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
    if not origin:
        return
    response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
    response.headers[hdrs.VARY] = "Origin"
    response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED


def _neighbour(request: web.Request) -> str:
    origin = request.headers.get(hdrs.ORIGIN, "")
    return origin if addresses.is_of_this_machine(origin) else ""
