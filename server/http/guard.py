"""Who may call: a role's token, a visitor's signed one, a wire's own key, or this machine alone.

Every error is problem+json.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from visavis.server.http import addresses, cors, problems, roles
from visavis.server.http.callers import caller
from visavis.server.http.cors import Origins
from visavis.server.http.entrances import Entrance, bearer
from visavis.server.http.keys import Keys
from visavis.server.http.passes import Early, Pass
from visavis.server.http.roles import Role, Rule
from visavis.server.http.throttle import Throttle
from visavis.server.http.visiting import Visiting
from visavis.server.system.config import LOOPBACK
from visavis.server.system.errors import Forbidden, Problem, TooMany, Unauthorized, WrongType
from visavis.server.system.metrics import Metrics
from visavis.server.system.seldom import Seldom

log = logging.getLogger(__name__)
_seldom: Final = Seldom(log)

_STAFF_OFF: Final = (
    "This server has no staff. Make a token of its own with `visavis token --file PATH`, set "
    "staff_token_file to that path, and start the server anew."
)
# What is counted, and told to `refused`; a token that is none at all is a guess, or a page without.
TOLD: Final = (
    "token-forged", "token-expired", "token-early", "token-invalid", "token-bounds", "token-used",
    "wrong-role", "quota-sessions", "quota-hour", "quota-day", "quota-uploads",
)  # fmt: skip
_NO_RULE: Final = "Nobody may ask for this: no role was given to the address."


class Guard:
    """The middleware of all addresses. keys: whose tokens are whose; no operator's: this machine
    only may call, and needs none.

    entrances: addresses that have a key of their own. visiting: what visitors with signed tokens
    may; None: there are none. early: told by how many s such a token comes from the future.
    refused: told of each token that is refused, by the problem's code.
    """

    def __init__(
        self, keys: Keys, metrics: Metrics, *, entrances: Sequence[Entrance] = (),
        visiting: Visiting | None = None, origins: Origins | None = None,
        early: Callable[[float], None] = lambda ahead: None,
        refused: Callable[[str], None] = lambda code: None,
        rule_of: Callable[[web.Request], Rule | None] = roles.rule_of,
    ) -> None:  # fmt: skip
        self._keys, self._metrics, self._visiting = keys, metrics, visiting
        self._origins, self._early, self._refused = origins or Origins(), early, refused
        self._rule_of, self._throttle = rule_of, Throttle()
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
            who = self._authorize(request, entrance, asks=asks)
            _refuse_compressed(request)
            response = await self._answered(request, handler, entrance, who, asks=asks)
        except Exception as error:
            if isinstance(error, web.HTTPException) and error.status < 400:
                raise
            response = _told(error, request, entrance)
        if not _is_staffs(request) and not response.prepared:  # their page is this server's own
            by_key = self._keys.has("operator") or (entrance is not None and bool(entrance.key))
            self._origins.allow(response, request, token=by_key, entrance=entrance)
        return response

    async def _answered(
        self, request: web.Request, handler: Handler, entrance: Entrance | None,
        who: Pass | None, *, asks: bool,
    ) -> web.StreamResponse:  # fmt: skip
        if asks:
            return cors.preflight(entrance)
        if who is None:
            return await handler(request)
        if self._visiting is None:
            raise Forbidden(_NO_RULE, "no-rule")
        try:
            return await self._visiting.served(request, handler, who)
        except (Forbidden, TooMany) as error:
            self._count(error.code)
            raise

    def _entrance(self, request: web.Request) -> Entrance | None:
        found = (each for each, _ in self._entrances if each.holds(request.path))
        return next(found, None)

    def _authorize(
        self, request: web.Request, entrance: Entrance | None, *, asks: bool
    ) -> Pass | None:
        """The visitor with a signed token, if it is one.

        Raises Malformed, Unauthorized, TooMany, Forbidden.
        """
        host = addresses.host(request)
        rule = self._rule_of(request) if entrance is None else roles.OPERATOR
        if rule != roles.ANYBODY:
            self._origins.check(request)
        if entrance is not None and entrance.key:
            if not asks:
                self._authorize_by_key(request, entrance)
            return None
        has_token = self._keys.has("operator")
        if not has_token:
            _refuse_other_sites(request, host)
        if rule is None:
            _seldom.warning("no rule", "an address has no rule", address=roles.address_of(request))
            raise Forbidden(_NO_RULE, "no-rule")
        if rule == roles.STAFF and not self._keys.has("staff"):
            raise Forbidden(_STAFF_OFF, "staff-off")
        if asks or not rule or (not has_token and rule != roles.STAFF):
            return None
        return self._authorized(request, entrance, rule)

    def _authorized(
        self, request: web.Request, entrance: Entrance | None, rule: Rule
    ) -> Pass | None:
        """Raises Unauthorized, TooMany, Forbidden."""
        try:
            who = self._keys.whose(_given(request, entrance))
        except Unauthorized as error:
            if isinstance(error, Early):
                self._early(error.ahead)
            raise self._throttled(request, self._throttle, error) from None
        if who is None:
            words = f"Send {roles.wanted(rule)} {_how(entrance)}."
            raise self._throttled(request, self._throttle, Unauthorized(words))
        role: Role = "visitor" if isinstance(who, Pass) else who
        if role not in rule:
            self._count("wrong-role")
            raise Forbidden(
                f"This wants {roles.wanted(rule)}; what was sent is "
                f"{roles.wanted(frozenset({role}))}.",
                "wrong-role",
            )
        return who if isinstance(who, Pass) else None

    def _authorize_by_key(self, request: web.Request, entrance: Entrance) -> None:
        """Raises Unauthorized, TooMany."""
        sent = _given(request, entrance)
        # No short way out: how long it takes is not to say which of them it was.
        by_key = sum(hmac.compare_digest(_bytes(each), _bytes(entrance.key)) for each in sent)
        is_operator = self._keys.is_operator(sent)
        if by_key or is_operator or entrance.loose(request):
            return
        throttle = next(throttle for each, throttle in self._entrances if each is entrance)
        words = f"Send the key of this address {_how(entrance)}."
        raise self._throttled(request, throttle, Unauthorized(words))

    def _throttled(
        self, request: web.Request, throttle: Throttle, error: Unauthorized
    ) -> Unauthorized | TooMany:
        """What to say to who has no token: to come back later, if that was so too often.

        Whoever has one is let in however often others behind the same address fail.
        """
        self._metrics.unauthorized.inc()
        self._count(error.code)
        if wait := throttle.again(caller(request)):
            return TooMany("Too many wrong tokens from this address. Wait, then try again.", wait)
        return error

    def _count(self, code: str) -> None:
        if code in TOLD:
            self._metrics.tokens_refused.labels(code).inc()
            self._refused(code)


def _told(error: Exception, request: web.Request, entrance: Entrance | None) -> web.Response:
    """The response to a request that failed, in the words of its addresses."""
    if entrance is not None and entrance.shown is not None and isinstance(error, Problem):
        return problems.refused(error, entrance.shown(error))
    return problems.of(error, request.path)


def _is_staffs(request: web.Request) -> bool:
    return request.path.startswith(roles.OF_STAFF)


def _given(request: web.Request, entrance: Entrance | None) -> list[str]:
    """What a request sends as a token or key, in each way that is understood there."""
    sent = [bearer(request)]
    if entrance is not None and entrance.sent is not None:
        sent.append(entrance.sent(request))
    return sent


def _how(entrance: Entrance | None) -> str:
    return entrance.how if entrance is not None else "as `Authorization: Bearer TOKEN`"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


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
