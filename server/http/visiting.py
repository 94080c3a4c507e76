"""Requests with a visitor's token: kept within its bounds, and to the visitor's own session.

What a visitor leaves open, the token chooses; what they ask for beyond it is refused.
"""

from __future__ import annotations

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from visavis.server.http import roles
from visavis.server.http.keepsakes import name_of
from visavis.server.http.offers import RESUME
from visavis.server.http.passes import PASS, Pass
from visavis.server.http.visits import Visits
from visavis.server.system.errors import Forbidden


class Visiting:
    """All of one server's visitors with tokens."""

    def __init__(self, visits: Visits) -> None:
        self._visits = visits

    async def served(self, request: web.Request, handler: Handler, it: Pass) -> web.StreamResponse:
        """What the handler answers. Raises Forbidden, NotFound, TooMany."""
        request[PASS] = it
        _check_origin(request, it)
        address = roles.address_of(request)
        if address == roles.BEGIN:
            return await self._begun(request, handler, it)
        if address in roles.UPLOADS and request.method == hdrs.METH_POST:
            self._visits.upload(it)
        if address == roles.ONE or address.startswith(f"{roles.ONE}/"):
            self._visits.check_owner(it, request.match_info["id"])
        return await handler(request)

    async def _begun(self, request: web.Request, handler: Handler, it: Pass) -> web.StreamResponse:
        resumed = request.headers.get(RESUME, "")
        with self._visits.opening(it, name_of(resumed)) as visit:
            asked = {} if resumed else _within(request, it)
            if visit.length:
                asked["length"] = str(_least(request.query.get("length", ""), visit.length))
            url = request.rel_url.update_query(asked) if asked else request.rel_url
            response = await handler(request.clone(rel_url=url))
            if response.status == 201:
                visit.name = response.headers[hdrs.LOCATION].rpartition("/")[2]
        return response


def _check_origin(request: web.Request, it: Pass) -> None:
    """Raises Forbidden. Browsers name the page with every offer, other programs what they like."""
    origin = request.headers.get(hdrs.ORIGIN)
    begins = roles.address_of(request) == roles.BEGIN
    if it.origins and origin not in it.origins and (begins or origin is not None):
        raise Forbidden("The token is for pages of another origin.", "token-bounds")


def _within(request: web.Request, it: Pass) -> dict[str, str]:
    """What the token chooses. Raises Forbidden for what was asked beyond it."""
    if request.query.get("name"):
        raise Forbidden("A visitor's token gives a session no name: leave it out.", "token-bounds")
    bounds = {
        "avatar": it.avatars,
        "source": (it.source,) if it.source else (),
        "language": (it.language,) if it.language else (),
    }
    chosen = {}
    for what, allowed in bounds.items():
        asked = request.query.get(what, "")
        if asked and allowed and asked not in allowed:
            words = f"The token is for another {what}: {', '.join(allowed)}."
            raise Forbidden(words, "token-bounds")
        if allowed:
            chosen[what] = asked or allowed[0]
    return chosen


def _least(asked: str, most: int) -> int:
    """What is no number is left to the handler, which says so."""
    if asked.isascii() and asked.isdecimal() and len(asked) < 9 and int(asked):
        return min(int(asked), most)
    return most
