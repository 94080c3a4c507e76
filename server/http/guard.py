"""Who may call: the token, or this machine alone; and every error as problem+json."""

from __future__ import annotations

import hmac
import logging
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from yarl import URL

from visavis.server.http import cors, problems
from visavis.server.system.config import LOOPBACK
from visavis.server.system.errors import Forbidden, Problem, Unauthorized

log = logging.getLogger(__name__)

_GUARDED: Final = ("/v1/", "/metrics")


class Guard:
    """The middleware of all addresses. token: what callers must send; empty: this machine only."""

    def __init__(self, token: str) -> None:
        self._token = token

    @property
    def middleware(self) -> Middleware:
        """To be put around every handler."""
        return self._guard

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._authorize(request)
            preflight = request.method == hdrs.METH_OPTIONS
            response = cors.preflight() if preflight else await handler(request)
        except Problem as problem:
            response = problems.shown(problem)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            response = problems.plain(error.status, error.reason, error.reason)
        except Exception:
            log.exception("a request failed", extra={"path": request.path})
            response = problems.plain(500, "Internal error", "The server's log says more.")
        cors.allow(response, request, token=bool(self._token))
        return response

    def _authorize(self, request: web.Request) -> None:
        """Raises Unauthorized, Forbidden."""
        if not self._token:
            _refuse_other_sites(request)
            return
        if request.method == hdrs.METH_OPTIONS or not request.path.startswith(_GUARDED):
            return
        given = request.headers.get(hdrs.AUTHORIZATION, "").removeprefix("Bearer ")
        expected = self._token.encode()
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected):
            raise Unauthorized("Send the server's token as `Authorization: Bearer TOKEN`.")


def _refuse_other_sites(request: web.Request) -> None:
    """Without a token only this machine may call, and no other site's page through its browser.

    The Host header defeats DNS rebinding, the Origin header a foreign page.
    """
    host = request.url.host or ""
    origin = request.headers.get(hdrs.ORIGIN)
    foreign = origin is not None and URL(origin).host not in LOOPBACK
    if host not in LOOPBACK or foreign:
        raise Forbidden(
            "This server answers its own machine only; set a token to open it to others."
        )
