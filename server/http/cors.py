"""Which pages of other origins a browser lets call this server."""

from __future__ import annotations

from aiohttp import hdrs, web

from visavis.server.http import addresses


def preflight() -> web.Response:
    """What a page of another origin may send."""
    headers = {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST, PATCH, DELETE",
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Authorization, Content-Type, Visavis-Resume",
        hdrs.ACCESS_CONTROL_MAX_AGE: "600",
    }
    return web.Response(status=204, headers=headers)


def allow(response: web.StreamResponse, request: web.Request, *, token: bool) -> None:
    """With a token every page may embed the element: the token is its only credential.

    Without one, only a page of this machine's own, on whichever port.
    """
    origin = "*" if token else _neighbour(request)
    if not origin:
        return
    response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
    response.headers[hdrs.VARY] = "Origin"
    response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = "Location, Link, ETag, Retry-After"


def _neighbour(request: web.Request) -> str:
    origin = request.headers.get(hdrs.ORIGIN, "")
    return origin if addresses.is_of_this_machine(origin) else ""
