"""What WHEP and WHIP (RFC 9725) have in common: offers, trickled candidates, ETags, ICE servers.

Clients differ from the text, and are taken as they are: some send If-Match with every PATCH and
some with none, some look at OPTIONS first, most expect 200 of a DELETE.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from aiohttp import hdrs, web

from visavis.server.http.problems import SDP, body
from visavis.server.rtc.connection import configuration
from visavis.server.rtc.leg import Leg
from visavis.server.system.errors import Outdated, WrongType
from visavis.server.wires.ways import Named, Way

FRAGMENT: Final = "application/trickle-ice-sdpfrag"


def ways(every: str, part: str, session: Named) -> tuple[Way, ...]:
    """Those of `routes`. session: see `Way`."""
    one = f"{every}/{{{part}}}"
    return (
        Way("POST", every, session),
        Way("OPTIONS", every),
        Way("PATCH", one, session, headers=(hdrs.IF_MATCH,)),
        Way("DELETE", one, session),
        Way("OPTIONS", one),
    )


def routes(
    every: str,
    part: str,
    begin: Callable[[web.Request], Awaitable[web.Response]],
    of: Callable[[web.Request], Leg],
    servers: Callable[[], Iterable[str]],
) -> list[web.RouteDef]:
    """Offers go to `every`, and begin a resource; {part} of the path below it is its name and tag.

    of: the connection that a request is about. servers: ICE servers, for whoever asks now.
    """

    async def asked(_request: web.Request) -> web.Response:
        return options(servers())

    async def trickle(request: web.Request) -> web.Response:
        return await trickled(request, of(request), request.match_info[part])

    async def leave(request: web.Request) -> web.Response:
        await of(request).close()
        return web.Response(status=200)

    one = f"{every}/{{{part}}}"
    return [
        web.post(every, begin),
        web.options(every, asked),
        web.patch(one, trickle),
        web.delete(one, leave),
        web.options(one, asked),
    ]


def created(location: str, answer: str, tag: str, servers: Iterable[str]) -> web.Response:
    """201: the answer, and what a client needs beside it."""
    response = web.Response(status=201, text=answer, content_type=SDP)
    response.headers[hdrs.LOCATION] = location
    response.headers[hdrs.ETAG] = f'"{tag}"'
    response.headers["Accept-Patch"] = FRAGMENT
    _link(response, servers)
    return response


def options(servers: Iterable[str]) -> web.Response:
    """What may be sent where sessions begin, and which ICE servers there are."""
    response = web.Response(status=204)
    response.headers["Accept-Post"] = SDP
    response.headers[hdrs.ALLOW] = "OPTIONS, POST"
    _link(response, servers)
    return response


def _link(response: web.Response, servers: Iterable[str]) -> None:
    for server in configuration(servers).iceServers or []:
        link = f'<{server.urls}>; rel="ice-server"'
        if server.username:
            link += (
                f'; username="{server.username}"; credential="{server.credential}"; '
                'credential-type="password"'
            )
        response.headers.add(hdrs.LINK, link)


async def trickled(request: web.Request, leg: Leg, tag: str) -> web.Response:
    """204: candidates of a PATCH were taken; 200: ICE was restarted.

    Raises WrongType; Outdated for another ETag; what `Leg.restart` raises.
    """
    if request.content_type != FRAGMENT:
        raise WrongType(f"Send candidates as {FRAGMENT}.")
    match = request.headers.get(hdrs.IF_MATCH, "").strip()
    fragment = await body(request)
    if not leg.knows(fragment):
        return _restarted(await leg.restart(fragment), tag)
    if match and match != "*" and match.removeprefix("W/").strip('"') != tag:
        raise Outdated("If-Match names another session than this one's ETag.", "wrong-etag")
    await leg.add_candidates(fragment)
    return web.Response(status=204)


def _restarted(fragment: str, tag: str) -> web.Response:
    """The server's part of a restart, with one candidate: whip-whep puts commas between several.

    The others it learns from the checks that come from there.
    """
    lines = fragment.splitlines(keepends=True)
    found = [line for line in lines if line.startswith("a=candidate:")]
    kept = "".join(line for line in lines if line not in found[1:])
    response = web.Response(status=200, text=kept, content_type=FRAGMENT)
    response.headers[hdrs.ETAG] = f'"{tag}"'
    return response
