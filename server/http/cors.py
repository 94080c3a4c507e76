"""Which pages of other origins may call this server."""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs, web

from visavis.server.http import addresses
from visavis.server.http.entrances import Entrance
from visavis.server.system.errors import Forbidden

_HEADERS: Final = ("Authorization", "Content-Type", "Visavis-Resume", "If-Match")
_EXPOSED: Final = "Location, Link, ETag, Retry-After, Visavis-Label"
ANY: Final = "*"
NONE: Final = "none"


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


class Origins:
    """Those that may call where there is a token or a key.

    allowed: `*`: all, since the token is a page's only credential, and a page that has none gets
    nothing. `none`, or origins with spaces: pages of others are refused even with a token, this
    server's own left out.
    """

    def __init__(self, allowed: str = ANY) -> None:
        self._all = allowed == ANY
        self._listed = frozenset() if allowed in {ANY, NONE} else frozenset(allowed.lower().split())

    def check(self, request: web.Request) -> None:
        """Raises Forbidden: a web socket, or a form of a page, asks nobody before."""
        origin = request.headers.get(hdrs.ORIGIN)
        if self._all or origin is None or origin in self._listed or _is_own(origin, request):
            return
        raise Forbidden(
            "Pages of this origin may not call here: the operator lists those that may in "
            "cors_origins.",
            "origin",
        )

    def allow(
        self, response: web.StreamResponse, request: web.Request, *, token: bool,
        entrance: Entrance | None = None,
    ) -> None:  # fmt: skip
        """Say so to the browser. Without a token: only to a page of this machine's own."""
        origin = self._shown(request) if token else _neighbour(request)
        if origin and token and entrance is not None and entrance.credentials:
            origin = request.headers.get(hdrs.ORIGIN, "*")  # with credentials it must be named
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
        if token or origin:
            response.headers[hdrs.VARY] = "Origin"
        if not origin:
            return
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED

    def _shown(self, request: web.Request) -> str:
        if self._all:
            return "*"
        origin = request.headers.get(hdrs.ORIGIN, "")
        return origin if origin in self._listed else ""


def _neighbour(request: web.Request) -> str:
    origin = request.headers.get(hdrs.ORIGIN, "")
    return origin if addresses.is_of_this_machine(origin) else ""


def _is_own(origin: str, request: web.Request) -> bool:
    """Whether a page came from this server; browsers leave the usual port out of both."""
    return origin.partition("://")[2].lower() == request.host.lower()
