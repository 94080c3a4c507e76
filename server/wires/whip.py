"""A voice from outside: POST an offer to /whip/AVATAR and speak through it (RFC 9725).

Its sound alone is taken, with lips that follow it; the face is watched at /whep/AVATAR.
"""

from __future__ import annotations

import logging
import secrets
import time
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
from visavis.server.rtc.media import HEARD
from visavis.server.rtc.relays import Relays
from visavis.server.system.errors import Conflict, NotFound
from visavis.server.wires import resources
from visavis.server.wires.live_voice import LiveVoice
from visavis.server.wires.stage import PREFIX, Stages
from visavis.server.wires.ways import in_path

log = logging.getLogger(__name__)

_SILENT: Final = 2.0  # s without a packet, after which another voice may take its place
_ALL: Final = "/whip/{avatar}"
_PART: Final = "voice"  # of an address of one
WAYS: Final = resources.ways(_ALL, _PART, in_path("avatar", PREFIX))


def entrance(token: str) -> Entrance:
    """Who may speak: whoever has the speakers' token, or the server's."""
    return Entrance(("/whip/",), token)


@dataclass(slots=True)
class _Speaker:
    name: str
    leg: Leg
    voice: LiveVoice


class Whip:
    """The voices of one process, one an avatar at a time. ice: relays for one of them."""

    def __init__(self, stages: Stages, sessions: Sessions, ice: Relays) -> None:
        self._stages, self._sessions, self._ice = stages, sessions, ice
        self._speakers: dict[str, _Speaker] = {}  # by avatar
        self._offers = Offers()

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return resources.routes(_ALL, _PART, self._speak, self._of, self._ice.urls)

    async def close(self) -> None:
        """Voices end with their sessions."""

    async def _speak(self, request: web.Request) -> web.Response:
        self._offers.count(caller(request))
        avatar = request.match_info["avatar"]
        offer = await sdp_offer(request)
        offers.checked(offer, self._sessions.reach, HEARD)  # before a session is opened for it
        stage = await self._stages.of(avatar, caller(request))
        await self._make_room(avatar)
        hosted, name = stage.hosted, secrets.token_urlsafe(12)
        voice = LiveVoice(hosted.session)
        leg = Leg(hosted.session, hosted.terms, media=HEARD, hears=voice.hear)
        speaker = self._speakers[avatar] = _Speaker(name, leg, voice)
        leg.ended.add_done_callback(lambda ended: self._gone(avatar, speaker))
        answer = await hosted.connect(leg, offer)
        return resources.created(f"/whip/{avatar}/{name}", answer, name, self._ice.urls())

    async def _make_room(self, avatar: str) -> None:
        """Raises Conflict while somebody speaks there; who has gone silent gives way."""
        while (before := self._speakers.get(avatar)) is not None:
            if time.monotonic() - before.voice.heard_at < _SILENT:
                raise Conflict("Somebody speaks through this avatar already.", "voice-taken")
            await before.leg.close()
            self._gone(avatar, before)  # then somebody else may have come meanwhile

    def _gone(self, avatar: str, speaker: _Speaker) -> None:
        if self._speakers.get(avatar) is speaker:
            del self._speakers[avatar]

    def _of(self, request: web.Request) -> Leg:
        speaker = self._speakers.get(request.match_info["avatar"])
        if speaker is None or speaker.name != request.match_info[_PART]:
            raise NotFound("There is no such voice; it may have ended.")
        return speaker.leg
