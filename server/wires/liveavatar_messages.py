"""What clients of HeyGen's LiveAvatar say and want to hear in its LITE mode: read, written.

Read in @heygen/liveavatar-web-sdk 0.0.18, in livekit-plugins-liveavatar 1.8.9 and in the pages on
LITE mode's events. Nothing here knows a session.
"""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from visavis.server.system import strict_json
from visavis.server.system.errors import Malformed

RATE: Final = 24_000  # Hz of the sound that comes, 16-bit mono
SUCCESS: Final = 1000  # `code` of every answer that is none of an error
_NAME: Final = 200  # characters of a client's id of an event that are given back
_TEXT: Final = 2000  # characters of an address or a token of a room

State = Literal["idle", "listening", "talking"]
SessionState = Literal["connecting", "connected", "closing", "closed"]
Heard = Literal["started", "ended", "interrupted"]


@dataclass(frozen=True, slots=True)
class Room:
    """A LiveKit room that the avatar is to enter. token: what lets it in, as itself."""

    url: str
    token: str
    name: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A session as it was asked for. room: None: its picture is fetched here."""

    avatar: str
    room: Room | None


@dataclass(frozen=True, slots=True)
class Speak:
    """16-bit sound to be spoken, in bytes."""

    event: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class SpeakEnd:
    """What was sent since the last end is one thing said."""

    event: str


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Be silent at once, and forget what was sent."""

    event: str


@dataclass(frozen=True, slots=True)
class Listen:
    """Look as if listening, or no more; while it talks, once it has finished."""

    event: str
    on: bool


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Somebody is there."""

    event: str


Command = Speak | SpeakEnd | Interrupt | Listen | KeepAlive


class BadCommand(Exception):
    """A message that cannot be done; the session goes on. `event`: its id, if it has one."""

    def __init__(self, detail: str, event: str = "") -> None:
        super().__init__(detail)
        self.detail, self.event = detail, event


def wanted(fields: Mapping[str, Any]) -> Wanted:
    """The body of `POST /v1/sessions/token`. Raises Malformed."""
    if (mode := fields.get("mode", "LITE")) != "LITE":
        raise Malformed(f"mode {str(mode)[:20]!r} is not served here: ask for LITE.")
    avatar = fields.get("avatar_id")
    if not isinstance(avatar, str) or not avatar:
        raise Malformed("avatar_id must name an avatar of this server.")
    return Wanted(avatar, _room(fields.get("livekit_config")))


def _room(config: Any) -> Room | None:
    if config is None:
        return None
    keys = "livekit_url", "livekit_client_token", "livekit_room"
    if isinstance(config, dict):
        found = [config.get(key, "") for key in keys]
        if all(isinstance(one, str) and len(one) <= _TEXT for one in found) and all(found[:2]):
            return Room(*found)
    raise Malformed("livekit_config must have livekit_url and livekit_client_token, as texts.")


def read(text: str) -> Command:
    """A message of a client. Raises BadCommand."""
    try:
        fields = strict_json.parse(text)
    except strict_json.NotJson:
        fields = None
    if not isinstance(fields, dict):
        raise BadCommand("The message is no JSON object.")
    given = fields.get("event_id")
    event = given[:_NAME] if isinstance(given, str) else ""
    match fields.get("type"):
        case "agent.speak":
            return Speak(event, _sound(fields.get("audio"), event))
        case "agent.speak_end" | "avatar.speak_end":
            return SpeakEnd(event)
        case "agent.interrupt":
            return Interrupt(event)
        case "agent.start_listening" | "agent.stop_listening" as kind:
            return Listen(event, on=kind == "agent.start_listening")
        case "session.keep_alive":
            return KeepAlive(event)
    raise BadCommand("There is no such type of message in LITE mode.", event)


def _sound(audio: Any, event: str) -> bytes:
    if not isinstance(audio, str):
        raise BadCommand("audio must be base64 of 16-bit PCM at 24 kHz.", event)
    try:
        return base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError):
        raise BadCommand("audio must be base64 of 16-bit PCM at 24 kHz.", event) from None


# --- what is told ---------------------------------------------------------------------------------


def session_state(state: SessionState) -> str:
    """How far the session has come; clients send nothing before `connected`."""
    return _written("session.state_updated", state=state)


def agent_state(before: State, after: State) -> str:
    """What the face does from now on."""
    return _written("agent.state_updated", previous_state=before, new_state=after)


def buffer(what: Literal["appended", "committed", "cleared"], event: str) -> str:
    """A command about sound was taken."""
    return _written(f"agent.audio_buffer_{what}", event)


def speak(what: Heard, event: str) -> str:
    """What is heard of one thing said; event: of the first command that brought its sound."""
    return _written(f"agent.speak_{what}", event, task={"id": event})


def error(kind: str, detail: str, event: str = "") -> str:
    """Something could not be done."""
    about = {"type": kind, "message": detail, "event_id": event or None}
    return _written("error", event, error=about)


def warning(kind: str, detail: str) -> str:
    """Something that the client should know, and that ends nothing."""
    return _written("warning", warning={"type": kind, "message": detail})


def _written(kind: str, source: str = "", /, **more: Any) -> str:
    fields = {"type": kind, "event_id": str(uuid.uuid4()), "source_event_id": source or None}
    return json.dumps({**fields, **more})


def success(data: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body of an answer over HTTP."""
    return {"code": SUCCESS, "data": data, "message": "Success"}


def failure(status: int, detail: str) -> dict[str, Any]:
    """The body of an error over HTTP; its code is no other than the status."""
    return {"code": status, "data": None, "message": detail}
