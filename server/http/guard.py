"""Who may call: the token, or this machine alone; and every error as problem+json."""

from __future__ import annotations

import hmac
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from visavis.server.http import addresses, cors, problems
from visavis.server.http.callers import caller
from visavis.server.http.headers import GUARDED
from visavis.server.http.throttle import Throttle
from visavis.server.system.config import LOOPBACK
from visavis.server.system.errors import Forbidden, TooMany, Unauthorized, WrongType
from visavis.server.system.metrics import Metrics

_STAFF: Final = "/v1/staff/"  # addresses that want the staff's token, and never the other one
_STAFF_OFF: Final = (
    "This server has no staff. Make a token of its own with `visavis token --file PATH`, set "
    "staff_token_file to that path, and start the server anew."
)


class Guard:
    """The middleware of all addresses. token: what callers must send; empty: this machine only.

    staff: what staff must send, whether or not there is the other one; empty: there is no staff.
    """

    def __init__(self, token: str, metrics: Metrics, *, staff: str = "") -> None:
        self._token, self._staff, self._metrics = token.encode(), staff.encode(), metrics
        self._throttle, self._staff_throttle = Throttle(), Throttle()

    @property
    def middleware(self) -> Middleware:
        """To be put around every handler."""
        return self._guard

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._authorize(request)
            _refuse_compressed(request)
            preflight = request.method == hdrs.METH_OPTIONS and not _is_staffs(request)
            response = cors.preflight() if preflight else await handler(request)
        except Exception as error:
            if isinstance(error, web.HTTPException) and error.status < 400:
                raise
            response = problems.of(error, request.path)
        if not _is_staffs(request):  # their page is this server's own
            cors.allow(response, request, token=bool(self._token))
        return response

    def _authorize(self, request: web.Request) -> None:
        """Raises Malformed, Unauthorized, TooMany, Forbidden."""
        host = addresses.host(request)
        if not self._token:
            _refuse_other_sites(request, host)
        if _is_staffs(request):
            self._authorize_staff(request)
            return
        if not self._token:
            return
        if request.method == hdrs.METH_OPTIONS or not request.path.startswith(GUARDED):
            return
        if not hmac.compare_digest(_sent(request), self._token):
            self._refuse(caller(request), self._throttle, "the server's token")

    def _authorize_staff(self, request: web.Request) -> None:
        """Raises Forbidden, Unauthorized, TooMany."""
        if not self._staff:
            raise Forbidden(_STAFF_OFF, "staff-off")
        if not hmac.compare_digest(_sent(request), self._staff):
            self._refuse(caller(request), self._staff_throttle, "the staff's token")

    def _refuse(self, who: str, throttle: Throttle, what: str) -> None:
        """Whoever has the token is let in however often others behind the same address fail.

        Raises Unauthorized, TooMany.
        """
        self._metrics.unauthorized.inc()
        if wait := throttle.again(who):
            raise TooMany("Too many wrong tokens from this address. Wait, then try again.", wait)
        raise Unauthorized(f"Send {what} as `Authorization: Bearer TOKEN`.")


def _is_staffs(request: web.Request) -> bool:
    return request.path.startswith(_STAFF)


def _sent(request: web.Request) -> bytes:
    """The token of a request (RFC 6750; a scheme's case does not matter: RFC 9110 11.1)."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip().encode("utf-8", "surrogateescape") if scheme.lower() == "bearer" else b""


def _refuse_compressed(request: web.Request) -> None:
    """Bodies are not unpacked: what a few kilobytes become is not known before."""
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise WrongType("Send the body as it is, without Content-Encoding.")


def _refuse_other_sites(request: web.Request, host: str) -> None:
    """Without a token only this machine may call, and no other site's page through its browser.

    The Host header defeats DNS rebinding, the Origin header a foreign page.
    """
    origin = request.headers.get(hdrs.ORIGIN)
    foreign = origin is not None and not addresses.is_of_this_machine(origin)
    if host not in LOOPBACK or foreign:
        raise Forbidden(
            "This server answers its own machine only; set a token to open it to others."
        )
