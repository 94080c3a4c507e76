"""Who comes in, and what their session is to be: keys, ephemeral keys, and what these carry."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from aiohttp import web

from visavis.server.http.entrances import Entrance, bearer, either, protocol
from visavis.server.http.wishes import Wish
from visavis.server.system.errors import Malformed, Unprocessable
from visavis.server.wires.realtime.refusals import Refused
from visavis.server.wires.realtime.settings import Settings, updated
from visavis.server.wires.tokens import Signer

PREFIX: Final = "/v1/realtime"
SECRETS: Final = f"{PREFIX}/client_secrets"
SUBPROTOCOL: Final = "realtime"
EPHEMERAL: Final = "ek_"  # begins a key that a page may have
_IN_SUBPROTOCOL: Final = "openai-insecure-api-key."  # how a page's web socket sends one
_LASTS: Final = 600  # s in which a session can be begun with one, unless it is told
_LASTS_MOST: Final = 7200
_LONGEST: Final = 4000  # characters of one: it goes in a header

sent: Final = either(bearer, protocol(_IN_SUBPROTOCOL))


class Names(Protocol):
    """What there is by name."""

    async def has_avatar(self, name: str) -> bool:
        """Whether there is such an avatar."""
        ...

    async def has_voice(self, name: str) -> bool:
        """Whether there is such a voice."""
        ...


def entrance(key: str) -> Entrance:
    """Where these clients come in. An ephemeral key opens all but the making of one."""
    return Entrance(
        (PREFIX,),
        key=key,
        sent=protocol(_IN_SUBPROTOCOL),
        loose=lambda request: request.path != SECRETS and sent(request).startswith(EPHEMERAL),
        headers=("OpenAI-Beta", "OpenAI-Safety-Identifier", "X-Stainless-Retry-Count"),
    )


class Ephemeral:
    """Keys that open one session's settings for a while, made with the wire's key.

    Nothing is kept of them: any worker reads what any other has signed.
    """

    def __init__(self, key: str, now: Callable[[], float] = time.time) -> None:
        self._key, self._now = key, now

    def make(self, fields: Mapping[str, Any], lasts: int = _LASTS) -> tuple[str, int]:
        """A key, and the second since 1970 in which it ends. Raises Unprocessable."""
        signer = Signer(self._key, "realtime", lasts, self._now)
        token = EPHEMERAL + signer.sign({"session": dict(fields)})[0]
        if len(token) > _LONGEST:
            raise Unprocessable(
                "The session has too much in it for a key, which goes in a header: "
                "send long instructions and tools by session.update.",
                "session-too-long",
            )
        return token, int(self._now()) + lasts

    def read(self, key: str) -> Mapping[str, Any]:
        """What the session was to be; {} of a key that is not ephemeral. Raises Unauthorized."""
        if not key.startswith(EPHEMERAL):
            return {}
        claims = Signer(self._key, "realtime", _LASTS, self._now).read(key.removeprefix(EPHEMERAL))
        fields = claims.get("session")
        return fields if isinstance(fields, dict) else {}


def lasting(fields: Mapping[str, Any]) -> int:
    """How many s a key is wanted for. Raises Malformed."""
    wanted = fields.get("expires_after")
    seconds = wanted.get("seconds", _LASTS) if isinstance(wanted, dict) else _LASTS
    if (
        not isinstance(seconds, int)
        or isinstance(seconds, bool)
        or not 10 <= seconds <= _LASTS_MOST
    ):
        raise Malformed(f"expires_after.seconds is 10 to {_LASTS_MOST}.", "bad-message")
    return seconds


async def wish(request: web.Request, fields: Mapping[str, Any], names: Names) -> Wish:
    """What a session is to be. Their models and voices are not ours: an unknown name is none."""
    query = request.query
    model = fields.get("model") or query.get("model", "")
    output = (
        fields.get("audio", {}).get("output", {}) if isinstance(fields.get("audio"), dict) else {}
    )
    voice = output.get("voice", "") if isinstance(output, dict) else ""
    avatar = query.get("avatar", "")
    if not avatar and isinstance(model, str) and model and await names.has_avatar(model):
        avatar = model
    voice = query.get("voice") or (voice if isinstance(voice, str) else "")
    return Wish(
        avatar=avatar,
        voice=voice if voice and await names.has_voice(voice) else "",
        source="dialogue",
        language=query.get("language", ""),
        accepts=request.headers.get("Accept-Language", ""),
        door="realtime",
    )


def begun(settings: Settings, fields: Mapping[str, Any]) -> Settings:
    """The settings of a session that begins with these fields. Raises Malformed."""
    try:
        return updated(settings, fields) if fields else settings
    except Refused as error:
        raise Malformed(error.message, "bad-message") from error
