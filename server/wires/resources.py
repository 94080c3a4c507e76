"""What WHEP and WHIP (RFC 9725) have in common: offers, trickled candidates, ETags, ICE servers.

Clients differ from the text, and are taken as they are: some send If-Match with every PATCH and
some with none, some look at OPTIONS first, most expect 200 of a DELETE.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiohttp import hdrs, web

from visavis.server.http.problems import SDP, body
from visavis.server.rtc.connection import configuration
from visavis.server.rtc.leg import Leg
from visavis.server.system.errors import Outdated, WrongType

FRAGMENT: Final = "application/trickle-ice-sdpfrag"


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
