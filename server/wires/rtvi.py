"""RTVI, what Pipecat's clients speak on their data channel, said of one of our sessions.

Written after @pipecat-ai/client-js 1.13.1 and pipecat-ai 1.14.0 (protocol 2.1.0). A client is
connected when its channel `chat` is open, and ready when its `client-ready` was answered by
`bot-ready`. What has no word in RTVI goes as a `server-message` in our own protocol's words, and a
client's own message (`sendClientMessage`, `sendClientRequest`) may be any of ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from visavis.server import protocol
from visavis.server.protocol import ProtocolError
from visavis.server.rtc.dialect import Read
from visavis.server.session import events
from visavis.server.system import strict_json

VERSION: Final = "2.1.0"
LABEL: Final = "chat"
_RTVI: Final = "rtvi-ai"
_PING: Final = 3.0  # s; clients ping every second, and Pipecat's server goes by the same time
_MICROPHONE: Final = 0  # index of the transceiver, as `trackStatus` names it
_LONGEST_ID: Final = 64  # characters; theirs are 8
_OF_OLD: Final = "1"  # major version of clients that know `spoken` alone

_UNSAID: Final = (events.Receipt, protocol.Ready, protocol.Pong)
_NOTHING: Final = frozenset({"dtmf", "ui-event", "ui-snapshot", "ui-cancel-job-group"})


class Rtvi:
    """What one connection is told, and what it says."""

    label = LABEL
    ping: float | None = _PING

    def __init__(self) -> None:
        self._old = False  # a client of protocol 1
        self._speaking = False
        self._segment, self._clause, self._heard = 0, (-1, ""), 0

    # --- to the client --------------------------------------------------------------------------

    def greet(self, ready: protocol.Ready) -> Sequence[str]:
        """Nothing: the client speaks first."""
        return ()

    def write(self, message: protocol.FromServer) -> Sequence[str]:
        """Most events are one message, some are two or none."""
        if isinstance(message, _UNSAID):
            return ()
        for words in (self._of_visitor, self._of_reply, _of_faults):
            if (told := words(message)) is not None:
                return told
        return (_told("server-message", json.loads(protocol.encode(message))),)

    def _of_visitor(self, message: protocol.FromServer) -> Sequence[str] | None:
        match message:
            case events.Listening(active):
                return (_told("user-started-speaking" if active else "user-stopped-speaking"),)
            case events.Transcribed(_, text, final):
                return (_told("user-transcription", _transcript(text, final=final)),)
        return None

    def _of_reply(self, message: protocol.FromServer) -> Sequence[str] | None:
        match message:
            case events.Thinking():
                return (_told("bot-llm-started"),)
            case events.ReplyStarted():
                return (_told("bot-llm-stopped"), _told("bot-tts-started"), *self._speaks())
            case events.ReplyResumed():
                return self._speaks()
            case events.ReplyHeld():
                return self._is_silent()
            case events.Caption():
                return self._said(message)
            case events.ReplyEnded(_, reason):
                return self._ended(reason)
        return None

    def answer(self, message: protocol.FromServer | None, tag: str) -> Sequence[str]:
        """To a client's own message with that id; without one, as others."""
        if not tag:
            return () if message is None else self.write(message)
        if isinstance(message, events.Failure):
            return (_told("error-response", {"error": message.message}, tag),)
        told = {} if message is None else json.loads(protocol.encode(message))
        return (_told("server-response", {"t": told.get("type", "done"), "d": told}, tag),)

    def _speaks(self) -> Sequence[str]:
        if self._speaking:
            return ()
        self._speaking = True
        return (_told("bot-started-speaking"),)

    def _is_silent(self) -> Sequence[str]:
        if not self._speaking:
            return ()
        self._speaking = False
        return (_told("bot-stopped-speaking"),)

    def _said(self, caption: events.Caption) -> Sequence[str]:
        """A clause is a segment: new, then in progress word by word, then completed."""
        new = (caption.turn, caption.text) != self._clause or caption.heard < self._heard
        if new:
            self._segment += 1
            self._clause, self._heard = (caption.turn, caption.text), 0
        spoken = caption.text[self._heard : caption.heard].strip()
        self._heard = caption.heard
        texts = [_told("bot-output", self._segment_of(caption, new=new))]
        if new:
            texts.insert(0, _told("bot-llm-text", {"text": caption.text}))
        if spoken:
            texts.append(_told("bot-tts-text", {"text": spoken}))
        return texts

    def _segment_of(self, caption: events.Caption, *, new: bool) -> dict[str, Any]:
        done = caption.heard >= len(caption.text)
        told: dict[str, Any] = {
            "text": caption.text, "output_type": "sentence", "aggregated_by": "sentence",
            "segment_id": self._segment,
        }  # fmt: skip
        if self._old:
            return {**told, "spoken": True}
        return {
            **told,
            "will_be_spoken": True,
            "spoken_status": "completed" if done else "new" if new else "in-progress",
            "spoken_progress": {
                "accumulated_text": caption.text[: caption.heard],
                "remaining_text": caption.text[caption.heard :],
            },
        }

    def _ended(self, reason: str) -> Sequence[str]:
        broken_off = (_told("bot-interrupted"),) if reason == "interrupted" else ()
        return (*broken_off, *self._is_silent(), _told("bot-tts-stopped"))

    # --- from the client ------------------------------------------------------------------------

    def read(self, data: str | bytes) -> Read:
        """Raises ProtocolError."""
        if isinstance(data, str) and data.startswith("ping"):
            return Read()
        fields = _parsed(data)
        if fields.get("type") == "signalling":
            return _signalled(fields.get("message"))
        if fields.get("label") != _RTVI:
            raise ProtocolError(f'`label` must be "{_RTVI}"')
        tag, given = fields.get("id"), fields.get("data")
        if not isinstance(tag, str) or len(tag) > _LONGEST_ID:
            raise ProtocolError(f"`id` must be a text of at most {_LONGEST_ID} characters")
        return self._asked(str(fields.get("type")), tag, given if isinstance(given, dict) else {})

    def _asked(self, kind: str, tag: str, given: Mapping[str, Any]) -> Read:
        match kind:
            case "client-ready":
                return Read(answers=(self._ready(tag, given),))
            case "send-text":
                return Read(_text(given.get("content")))
            case "append-to-context":
                return Read(_text(given.get("content")))
            case "client-message":
                return _own(tag, given)
            case "disconnect-bot":
                return Read(answers=(_signalling("peerLeft"),), leaves=True)
        if kind in _NOTHING:
            return Read()
        refused = {"error": f"{kind[:_LONGEST_ID]} is nothing that this avatar can do"}
        return Read(answers=(_told("error-response", refused, tag),))

    def _ready(self, tag: str, given: Mapping[str, Any]) -> str:
        version = str(given.get("version", ""))[:_LONGEST_ID]
        self._old = version.partition(".")[0] == _OF_OLD
        about = {"library": "visavis"}
        # A client of protocol 1 takes a newer number for a promise, as Pipecat's own server knows.
        return _told(
            "bot-ready", {"version": version if self._old else VERSION, "about": about}, tag
        )


def _told(kind: str, data: Mapping[str, Any] | None = None, tag: str = "") -> str:
    message: dict[str, Any] = {"label": _RTVI, "type": kind}
    if tag:
        message["id"] = tag
    if data is not None:
        message["data"] = data
    return json.dumps(message)  # in ASCII: an id that comes back may hold half a character


def _of_faults(message: protocol.FromServer) -> Sequence[str] | None:
    match message:
        case events.Failure(_, words):
            return (_told("error", {"error": words, "message": words, "fatal": False}),)
        case protocol.Goodbye(_, words):
            error = {"error": words, "message": words, "fatal": True}
            return (_told("error", error), _signalling("peerLeft"))
    return None


def _signalling(kind: str) -> str:
    return json.dumps({"type": "signalling", "message": {"type": kind}})


def _transcript(text: str, *, final: bool) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"text": text, "final": final, "timestamp": now, "user_id": ""}


def _parsed(data: str | bytes) -> Mapping[str, Any]:
    if len(data) > protocol.MAX_MESSAGE:
        raise ProtocolError(f"message is over {protocol.MAX_MESSAGE} bytes")
    if isinstance(data, bytes):
        raise ProtocolError("message is binary; send JSON text")
    try:
        fields = strict_json.parse(data)
    except strict_json.NotJson:
        raise ProtocolError("message is not JSON") from None
    if not isinstance(fields, dict):
        raise ProtocolError("message is no JSON object")
    return fields


def _signalled(message: object) -> Read:
    """What tracks the client sends: only the microphone is listened to."""
    if not isinstance(message, dict) or message.get("type") != "trackStatus":
        return Read()
    index, on = message.get("receiver_index"), message.get("enabled")
    if type(index) is int and index == _MICROPHONE and isinstance(on, bool):
        return Read(protocol.Mic(on))
    return Read()


def _text(content: object) -> protocol.FromClient:
    """Raises ProtocolError."""
    return protocol.build({"type": "text", "text": content})


def _own(tag: str, given: Mapping[str, Any]) -> Read:
    """`sendClientMessage(type, fields)` of one of our own messages."""
    fields = given.get("d")
    try:
        asks = protocol.build(
            {**(fields if isinstance(fields, dict) else {}), "type": given.get("t")}
        )
    except ProtocolError as error:
        return Read(answers=(_told("error-response", {"error": str(error)}, tag),))
    return Read(asks, tag)
