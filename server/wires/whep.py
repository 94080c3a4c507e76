"""Players: POST an offer to /whep/AVATAR and watch it (draft-ietf-wish-whep).

All who watch an avatar share one session, and what is encoded of it.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from visavis.server.http.callers import caller
from visavis.server.http.entrances import Entrance
from visavis.server.http.offers import Offers
from visavis.server.http.opening import Sessions
from visavis.server.http.problems import sdp_offer
from visavis.server.rtc import offers
from visavis.server.rtc.leg import Leg
from visavis.server.rtc.media import WATCHED
from visavis.server.rtc.relays import Relays
from visavis.server.system.errors import Full, NotFound
from visavis.server.system.metrics import Metrics
from visavis.server.wires import resources
from visavis.server.wires.stage import PREFIX, Stages
from visavis.server.wires.ways import in_path

log = logging.getLogger(__name__)

_COMING: Final = 8  # players of one address that are not connected yet
_ALL: Final = "/whep/{avatar}"
_PART: Final = "viewer"  # of an address of one
WAYS: Final = resources.ways(_ALL, _PART, in_path("avatar", PREFIX))


def entrance(token: str) -> Entrance:
    """Who may watch: whoever has the players' token, or the server's."""
    return Entrance(("/whep/",), token)


@dataclass(slots=True)
class _Viewer:
    avatar: str
    who: str
    leg: Leg


class Whep:
    """The players of one process. most: of one avatar at a time. ice: relays for one of them."""

    def __init__(
        self, stages: Stages, sessions: Sessions, ice: Relays, most: int, metrics: Metrics
    ) -> None:
        self._stages, self._sessions, self._ice = stages, sessions, ice
        self._most, self._metrics = most, metrics
        self._viewers: dict[str, _Viewer] = {}
        self._offers = Offers()

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return resources.routes(_ALL, _PART, self._watch, self._of, self._ice.urls)

    async def close(self) -> None:
        """Viewers end with their sessions."""

    async def _watch(self, request: web.Request) -> web.Response:
        self._offers.count(caller(request))
        avatar = request.match_info["avatar"]
        offer = await sdp_offer(request)
        offers.checked(offer, self._sessions.reach, WATCHED)  # before a session is opened for it
        stage = await self._stages.of(avatar, caller(request))
        self._check_room(avatar, caller(request))
        hosted, name = stage.hosted, secrets.token_urlsafe(12)
        leg = Leg(hosted.session, hosted.terms, media=WATCHED, tracks=stage.broadcast.tracks())
        self._viewers[name] = _Viewer(avatar, caller(request), leg)
        leg.ended.add_done_callback(lambda ended: self._gone(name))
        self._metrics.viewers.set(len(self._viewers))
        answer = await hosted.connect(leg, offer)
        return resources.created(f"/whep/{avatar}/{name}", answer, name, self._ice.urls())

    def _check_room(self, avatar: str, who: str) -> None:
        """Raises Full."""
        there = [each for each in self._viewers.values() if each.avatar == avatar]
        if len(there) >= self._most:
            raise Full(f"{self._most} players watch this avatar already. Try again in a moment.")
        coming = sum(each.who == who and not each.leg.connected.is_set() for each in there)
        if coming >= _COMING:
            raise Full("Your address has offers that are not connected yet.", retry_after=2)

    def _gone(self, name: str) -> None:
        self._viewers.pop(name, None)
        self._metrics.viewers.set(len(self._viewers))

    def _of(self, request: web.Request) -> Leg:
        viewer = self._viewers.get(request.match_info[_PART])
        if viewer is None or viewer.avatar != request.match_info["avatar"]:
            raise NotFound("There is no such viewer; they may have left.")
        return viewer.leg
