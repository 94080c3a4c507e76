"""What clients of Simli say and want to hear (simli-ai 2.1.0, simli-client 3.0.2): read, written.

A session is asked for in JSON; then a web socket carries an offer, sound and single words. Nothing
here knows a session.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from visavis.server.system import strict_json
from visavis.server.system.errors import Malformed

RATE: Final = 16_000  # Hz of the sound that comes, 16-bit mono
_IMMEDIATE: Final = b"PLAY_IMMEDIATE"
_CAMERA: Final = b"CAM_"
_CAMERA_SIZES: Final = frozenset({40, 48})  # CAM_ and 9 float32; then LERP and one more
_LENGTH, _IDLE = 3600, 300  # s, of a session that names none
_LONGEST: Final = 24 * 3600
_ELSEWHERE: Final = ("camera", "background_id", "foreground_id", "streaming_width",
                     "streaming_height", "avatar_position_x", "avatar_position_y")  # fmt: skip

# Codes that simli-ai knows (critical_exceptions.py) and hands to its caller.
WRONG_KEY: Final = "INVALID_API_KEY"
NO_FACE: Final = "INVALID_FACE_ID"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A session as it was asked for.

    face: as the client names it. length, idle: s after which it ends, in all and without speech.
    warnings: what was asked for besides and is not done here.
    """

    face: str
    length: int
    idle: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sound:
    """16-bit sound to be spoken, in bytes; an odd one may be left over for the next message.

    now: it is not to wait for more before it is heard.
    """

    pcm: bytes
    now: bool = False


@dataclass(frozen=True, slots=True)
class Skip:
    """Be silent at once, and forget what was sent."""


@dataclass(frozen=True, slots=True)
class Done:
    """There will be no more sound: end once all has been spoken."""


@dataclass(frozen=True, slots=True)
class Ping:
    """An older client asks whether anybody is there; text: what it expects back behind `pong`."""

    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """What is not done here. notice: says so, in words that a client takes for no error."""

    notice: str


Message = Sound | Skip | Done | Ping | Unknown


def wanted(fields: Mapping[str, Any]) -> Wanted:
    """The body of `POST /compose/token`. Raises Malformed.

    A face may carry an emotion behind a slash, of which nothing is known here.
    """
    face = fields.get("faceId")
    if not isinstance(face, str) or not face:
        raise Malformed("faceId must name an avatar of this server.", "malformed-json")
    if (format_ := fields.get("audioInputFormat", "pcm16")) not in {"pcm16", None}:
        raise Malformed(f"audioInputFormat {str(format_)[:40]!r} is not taken here: send pcm16.")
    name = face.partition("/")[0]
    length = _seconds(fields, "maxSessionLength", _LENGTH)
    idle = _seconds(fields, "maxIdleTime", _IDLE)
    return Wanted(name, length, idle, _warnings(fields))


def _seconds(fields: Mapping[str, Any], key: str, default: int) -> int:
    value = fields.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LONGEST:
        raise Malformed(f"{key} must be a number of seconds from 1 to {_LONGEST}.")
    return max(1, round(value))


def _warnings(fields: Mapping[str, Any]) -> tuple[str, ...]:
    ignored = [key for key in _ELSEWHERE if fields.get(key) is not None]
    told = [f"{key} has no effect on this server." for key in ignored]
    if fields.get("handleSilence") is False:
        told.append("handleSilence: the face stays alive in silence on this server.")
    return tuple(told)


def room(fields: Mapping[str, Any]) -> tuple[str, str, str]:
    """The body of `POST /integrations/livekit/agents`: session token, LiveKit's address and token.

    Raises Malformed.
    """
    given = [fields.get(key) for key in ("session_token", "livekit_url", "livekit_token")]
    if not all(isinstance(each, str) and each for each in given):
        raise Malformed("Send session_token, livekit_url and livekit_token, as texts.")
    token, url, room_token = map(str, given)
    return token, url, room_token


def offer(text: str) -> str:
    """The first message: a session description as browsers write it in JSON -> its SDP.

    Raises Malformed.
    """
    try:
        description = strict_json.parse(text)
    except strict_json.NotJson:
        description = None
    if isinstance(description, dict) and description.get("type") == "offer":
        sdp = description.get("sdp")
        if isinstance(sdp, str) and sdp.startswith("v=0"):
            return sdp
    raise Malformed("The first message must be a WebRTC offer, as JSON with sdp and type.")


def read(message: str | bytes) -> Message:
    """A message after the offer. Whatever bytes are no word are sound.

    Words come as text or as bytes: simli-ai ends with b"DONE". PLAY_IMMEDIATE asks for sound that
    is not buffered first; it does not interrupt, since programs send it before each piece of one
    sentence.
    """
    if isinstance(message, bytes):
        return _read_bytes(message)
    word = message.strip()
    if word == "SKIP":
        return Skip()
    if word == "DONE":
        return Done()
    if word[:4].lower() == "ping":
        return Ping(word[4:64])
    if word.startswith(("BG_", "FG_")):
        kind = "background" if word.startswith("BG_") else "foreground"
        return Unknown(f"Selected model does not support {kind}s")
    return Unknown("WARNING: this server does not know that message")


def _read_bytes(message: bytes) -> Message:
    if message == b"DONE":
        return Done()
    if message == b"SKIP":
        return Skip()
    if message.startswith(_CAMERA) and len(message) in _CAMERA_SIZES:
        return Unknown("Selected model does not support camera overrides")
    if message.startswith(_IMMEDIATE):
        return Sound(message[len(_IMMEDIATE) :], now=True)
    return Sound(message)


def answer(sdp: str) -> str:
    """The answer to an offer.

    simli-ai makes a description of all its fields, so there are these two; simli-client looks for
    "sdp" before the first space.
    """
    return json.dumps({"sdp": sdp, "type": "answer"}, separators=(",", ":"))


START: Final = "START"
SPEAK: Final = "SPEAK"
SILENT: Final = "SILENT"


def stop(reason: str) -> str:
    """The session ends, with a reason in one or two words: IDLE, MAX. Both clients read it so."""
    return f"STOP REASON: {reason}"


def error(detail: str) -> str:
    """The session cannot begin, or ends by a fault."""
    return f"ERROR: {detail}"


def pong(ping: Ping) -> str:
    """The answer to an older client."""
    return f"pong{ping.text}"
