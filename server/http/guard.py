"""Who may call: the token, a wire's own key, or this machine alone; every error as problem+json."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from visavis.server.http import addresses, cors, problems
from visavis.server.http.callers import caller
from visavis.server.http.entrances import Entrance, bearer
from visavis.server.http.headers import GUARDED
from visavis.server.http.throttle import Throttle
from visavis.server.system.config import LOOPBACK
from visavis.server.system.errors import Forbidden, Problem, TooMany, Unauthorized, WrongType
from visavis.server.system.metrics import Metrics

_STAFF: Final = "/v1/staff/"  # addresses that want the staff's token, and never the other one
_STAFF_OFF: Final = (
    "This server has no staff. Make a token of its own with `visavis token --file PATH`, set "
    "staff_token_file to that path, and start the server anew."
)


class Guard:
    """The middleware of all addresses. token: what callers must send; empty: this machine only.

    staff: what staff must send, whether or not there is the other one; empty: there is no staff.
    entrances: addresses that have a key of their own.
    """

    def __init__(
        self, token: str, metrics: Metrics, *, staff: str = "", entrances: Sequence[Entrance] = ()
    ) -> None:
        self._token, self._staff, self._metrics = token, staff, metrics
        self._throttle, self._staff_throttle = Throttle(), Throttle()
        self._entrances = [(each, Throttle()) for each in entrances]

    @property
    def middleware(self) -> Middleware:
        """To be put around every handler."""
        return self._guard

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        entrance = self._entrance(request)
        asks = cors.is_preflight(request, entrance) and not _is_staffs(request)
        try:
            self._authorize(request, entrance, asks=asks)
            _refuse_compressed(request)
            response = cors.preflight(entrance) if asks else await handler(request)
        except Exception as error:
            if isinstance(error, web.HTTPException) and error.status < 400:
                raise
            response = _told(error, request, entrance)
        if not _is_staffs(request) and not response.prepared:  # their page is this server's own
            by_key = bool(self._token) or (entrance is not None and bool(entrance.key))
            cors.allow(response, request, token=by_key, entrance=entrance)
        return response

    def _entrance(self, request: web.Request) -> Entrance | None:
        found = (each for each, _ in self._entrances if each.holds(request.path))
        return next(found, None)

    def _authorize(self, request: web.Request, entrance: Entrance | None, *, asks: bool) -> None:
        """Raises Malformed, Unauthorized, TooMany, Forbidden."""
        host = addresses.host(request)
        if entrance is not None and entrance.key:
            if not asks:
                self._authorize_by_key(request, entrance)
            return
        if not self._token:
            _refuse_other_sites(request, host)
        if _is_staffs(request):
            self._authorize_staff(request)
            return
        guarded = entrance is not None or request.path.startswith(GUARDED)
        if not self._token or asks or not guarded:
            return
        sent = _given(request, entrance)
        if not any(_is(each, self._token) for each in sent):
            self._refuse(caller(request), self._throttle, f"the server's token {_how(entrance)}")

    def _authorize_by_key(self, request: web.Request, entrance: Entrance) -> None:
        """Raises Unauthorized, TooMany."""
        sent = _given(request, entrance)
        known = [entrance.key, self._token] if self._token else [entrance.key]
        # No `any`: how long it takes is not to say which of them it was.
        is_known = sum(_is(each, key) for each in sent for key in known)
        if is_known or entrance.loose(request):
            return
        throttle = next(throttle for each, throttle in self._entrances if each is entrance)
        self._refuse(caller(request), throttle, f"the key of this address {_how(entrance)}")

    def _authorize_staff(self, request: web.Request) -> None:
        """Raises Forbidden, Unauthorized, TooMany."""
        if not self._staff:
            raise Forbidden(_STAFF_OFF, "staff-off")
        if not _is(bearer(request), self._staff):
            words = f"the staff's token {_how(None)}"
            self._refuse(caller(request), self._staff_throttle, words)

    def _refuse(self, who: str, throttle: Throttle, what: str) -> None:
        """Whoever has the token is let in however often others behind the same address fail.

        Raises Unauthorized, TooMany.
        """
        self._metrics.unauthorized.inc()
        if wait := throttle.again(who):
            raise TooMany("Too many wrong tokens from this address. Wait, then try again.", wait)
        raise Unauthorized(f"Send {what}.")


def _told(error: Exception, request: web.Request, entrance: Entrance | None) -> web.Response:
    """The response to a request that failed, in the words of its addresses."""
    if entrance is not None and entrance.shown is not None and isinstance(error, Problem):
        return problems.refused(error, entrance.shown(error))
    return problems.of(error, request.path)


def _is_staffs(request: web.Request) -> bool:
    return request.path.startswith(_STAFF)


def _given(request: web.Request, entrance: Entrance | None) -> list[str]:
    """What a request sends as a token or key, in each way that is understood there."""
    sent = [bearer(request)]
    if entrance is not None and entrance.sent is not None:
        sent.append(entrance.sent(request))
    return sent


def _how(entrance: Entrance | None) -> str:
    return entrance.how if entrance is not None else "as `Authorization: Bearer TOKEN`"


def _is(sent: str, key: str) -> bool:
    return hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), key.encode())


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
