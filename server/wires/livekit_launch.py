"""Agents of LiveKit ask for an avatar: this server joins their room with the token they give it.

In two forms: the one of AvatarSession in `visavis.doors.livekit`, and of bitHuman's plugin with an
`api_url` of its own, which needs no change.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from aiohttp import web

from visavis.server.http import problems
from visavis.server.http.callers import caller
from visavis.server.http.entrances import Entrance, bearer, either, header
from visavis.server.http.offers import Offers
from visavis.server.http.opening import Sessions
from visavis.server.http.wishes import Wish
from visavis.server.rtc.hosted import Hosted
from visavis.server.system.errors import (
    ConfigError,
    Forbidden,
    Malformed,
    TooLarge,
    Unprocessable,
)
from visavis.server.system.faults import fault
from visavis.server.system.flow import Tasks
from visavis.server.wires.ways import Way

log = logging.getLogger(__name__)

_LAUNCH: Final = "/livekit/launch"
_SECRET: Final = "api-secret"
_IMAGES: Final = ("avatar_image", "avatar_image_url", "image")
WAYS: Final = (Way("POST", _LAUNCH, headers=(_SECRET,)),)


@dataclass(frozen=True, slots=True)
class Settings:
    """urls: of the LiveKit servers that are joined. size: of pictures, width and height, px."""

    urls: tuple[str, ...]
    size: tuple[int, int]


def entrance(key: str) -> Entrance:
    """Who may come in: agents send the key in one of two ways."""
    sent = either(bearer, header(_SECRET))
    return Entrance((_LAUNCH,), key, sent, headers=(_SECRET,))


class Launches:
    """Of one process. Raises ConfigError where livekit-agents is not installed."""

    def __init__(self, settings: Settings, sessions: Sessions) -> None:
        if find_spec("livekit") is None:
            msg = 'livekit_key needs livekit-agents: pip install "visavis[livekit]"'
            raise ConfigError(msg)
        if not settings.urls:
            msg = "livekit_key needs livekit_urls: the addresses of the LiveKit servers to join"
            raise ConfigError(msg)
        self._settings, self._sessions = settings, sessions
        self._offers, self._tasks = Offers(), Tasks()

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [web.post(_LAUNCH, self._launch)]

    async def close(self) -> None:
        """Every room is left."""
        await self._tasks.close()

    async def _launch(self, request: web.Request) -> web.Response:
        # Here, for a server without such agents need not have the package.
        from visavis.server.livekit.joining import NoRoom, joined

        self._offers.count(caller(request))
        wanted = await _wanted(request)
        url, token = wanted.get("livekit_url", ""), wanted.get("livekit_token", "")
        check_url(url, self._settings.urls)
        if not token:
            raise Malformed("livekit_token is missing.")
        avatar = wanted.get("avatar_id") or wanted.get("agent_id") or ""
        wish = Wish(avatar=avatar, source="voice", door="livekit")
        hosted = await self._sessions.hosted(wish, caller(request))
        try:
            room = await joined(url, token)
        except BaseException as error:
            await hosted.close()
            if isinstance(error, NoRoom):
                raise Unprocessable(str(error), "no-room") from None
            raise
        self._tasks.start(_perform(hosted, room, self._settings.size), name="room of LiveKit")
        return web.json_response({"session_id": hosted.session.name, "status": "success"})


def check_url(url: str, urls: tuple[str, ...]) -> None:
    """Whoever asks for a room must not send this server wherever they like. Raises Forbidden.

    urls: of LiveKit servers that are joined, without a slash at the end.
    """
    if url.rstrip("/") not in urls:
        raise Forbidden("livekit_url is none of this server's livekit_urls.", "unknown-livekit")


async def _wanted(request: web.Request) -> Mapping[str, str]:
    """Raises Malformed, TooLarge, Unprocessable."""
    if request.content_type == "application/json":
        fields = await problems.json_object(request)
    else:
        try:
            fields = dict(await request.post())
        except web.HTTPRequestEntityTooLarge:
            raise TooLarge("Send no picture, but the name of an avatar as avatar_id.") from None
        except (ValueError, AssertionError, KeyError, LookupError):
            raise Malformed("The body is neither JSON nor a form.") from None
    if any(fields.get(image) for image in _IMAGES):
        why = "Avatars are made with consent, at /v1/avatars: send the name of one as avatar_id."
        raise Unprocessable(why, "no-pictures")
    return {key: value for key, value in fields.items() if isinstance(value, str)}


async def _perform(hosted: Hosted, room: object, size: tuple[int, int]) -> None:
    from livekit import rtc

    from visavis.server.livekit.joining import perform

    assert isinstance(room, rtc.Room)
    with hosted.present():
        performing = asyncio.create_task(perform(hosted.session, room, size))
        ending = asyncio.create_task(hosted.ended.wait())
        try:
            await asyncio.wait((performing, ending), return_when=asyncio.FIRST_COMPLETED)
            if performing.done() and (error := performing.exception()) is not None:
                log.warning("an avatar left its room", extra={"fault": fault(error)})
        finally:
            for task in (performing, ending):
                task.cancel()
            await asyncio.gather(performing, ending, return_exceptions=True)
            await room.disconnect()
