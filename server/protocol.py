"""The data channel `visavis`: every message of both directions, its fields and its limits.

JSON objects with a `type`. Version 1. A receiver ignores fields that it does not know, so fields
may be added; a change of meaning raises `VERSION`. Knows nothing of sockets or sessions.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Literal, get_type_hints

from visavis.server.system.config import Source

VERSION: Final = 1
LABEL: Final = "visavis"
MAX_MESSAGE: Final = 16 * 1024  # bytes of one JSON message
MAX_TEXT: Final = 2_000  # characters of one text to answer or to say


class ProtocolError(Exception):
    """A message that breaks the protocol; its text may be shown to the peer."""


# --- from the client ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """The visitor's typed words: answer them."""

    type: ClassVar = "text"
    text: str


@dataclass(frozen=True, slots=True)
class SayText:
    """Say exactly this, but for directions in brackets: "[smiles] Welcome." They are not spoken.

    style: a direction in plain words for all of it.
    """

    type: ClassVar = "say"
    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop speaking now."""

    type: ClassVar = "interrupt"


@dataclass(frozen=True, slots=True)
class Direct:
    """A direction in plain words, such as "appear thoughtful"; answered by `Directed`.

    It holds until another one says something else of the same: "warm" replaces "sad", not "slow".
    """

    type: ClassVar = "direct"
    prompt: str


@dataclass(frozen=True, slots=True)
class Mic:
    """Whether the microphone is to be listened to."""

    type: ClassVar = "mic"
    on: bool


@dataclass(frozen=True, slots=True)
class Ping:
    """Answered at once by `Pong` with the same `t` and the session's clock."""

    type: ClassVar = "ping"
    t: float


FromClient = Text | SayText | Interrupt | Direct | Mic | Ping

# --- from the server ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """First message on an open channel.

    source: whether the avatar answers ("dialogue"), or speaks what comes in over the microphone.
    """

    type: ClassVar = "ready"
    protocol: int
    session: str
    avatar: str
    voice: str
    source: Source = "dialogue"


@dataclass(frozen=True, slots=True)
class Listening:
    """The visitor began (`active`) or ceased to speak."""

    type: ClassVar = "listening"
    active: bool


@dataclass(frozen=True, slots=True)
class TranscriptOf:
    """What the visitor said; a text that is not final may still change."""

    type: ClassVar = "transcript"
    turn: int
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class Thinking:
    """A reply to this turn is being made."""

    type: ClassVar = "thinking"
    turn: int


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """The first sound of a reply plays at `at_ms` of the session's clock."""

    type: ClassVar = "reply_started"
    turn: int
    at_ms: float


@dataclass(frozen=True, slots=True)
class Caption:
    """A clause being spoken; the first `heard` characters of `text` have been said."""

    type: ClassVar = "caption"
    turn: int
    text: str
    heard: int


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """A reply is over; `heard` are the words that were really played."""

    type: ClassVar = "reply_ended"
    turn: int
    reason: Literal["done", "interrupted", "failed"]
    heard: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a turn went. Times in ms after `origin`; null where the stage did not happen.

    origin: "speech" (the visitor's last sound), "text" or "say" (its arrival).
    transcript: final text known. first_clause: first clause complete. first_sound and
    first_picture: handed to the encoder. interrupted: the cut. skew: how much later the first
    moving picture left than its sound, beyond the clock.
    """

    type: ClassVar = "receipt"
    turn: int
    origin: Literal["speech", "text", "say"]
    transcript: float | None
    first_clause: float | None
    first_sound: float | None
    first_picture: float | None
    interrupted: float | None
    ended: float | None
    skew: float | None


@dataclass(frozen=True, slots=True)
class Pong:
    """Echo of a ping with the session's clock in ms."""

    type: ClassVar = "pong"
    t: float
    at_ms: float


@dataclass(frozen=True, slots=True)
class Directed:
    """What was understood of a direction: styles in words ("very warm"), empty when nothing was.

    dropped: the words of which nothing was understood, of a direction or of brackets in a text;
    known: if there are any, all the styles that can be asked for.
    """

    type: ClassVar = "directed"
    styles: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Something went wrong; the session goes on. `code` is stable, `message` is for people."""

    type: ClassVar = "error"
    code: str
    message: str


FromServer = (
    Ready | Listening | TranscriptOf | Thinking | ReplyStarted | Caption | ReplyEnded | Receipt
    | Pong | Directed | Failure
)  # fmt: skip

_CLIENT_TYPES: Final = {kind.type: kind for kind in (Text, SayText, Interrupt, Direct, Mic, Ping)}


def encode(message: FromServer) -> str:
    """A message as one JSON text."""
    return json.dumps({"type": message.type, **asdict(message)}, ensure_ascii=False)


def decode(data: str | bytes) -> FromClient:
    """One message from the client. Raises ProtocolError with words for the peer."""
    if len(data) > MAX_MESSAGE:
        msg = f"message is over {MAX_MESSAGE} bytes"
        raise ProtocolError(msg)
    if isinstance(data, bytes):
        msg = "message is binary; send JSON text"
        raise ProtocolError(msg)
    try:
        fields = json.loads(data)
    except (json.JSONDecodeError, RecursionError) as error:
        msg = "message is not JSON"
        raise ProtocolError(msg) from error
    return build(fields)


def build(fields: Any) -> FromClient:
    """A parsed JSON value -> the message it is. Raises ProtocolError."""
    kind = _CLIENT_TYPES.get(str(fields.get("type"))) if isinstance(fields, dict) else None
    if kind is None:
        msg = f"`type` must be one of {', '.join(_CLIENT_TYPES)}"
        raise ProtocolError(msg)
    hints = {n: t for n, t in get_type_hints(kind).items() if n != "type"}
    try:
        message = kind(**{n: _checked(n, fields[n], hints[n]) for n in hints if n in fields})
    except TypeError as error:
        msg = f"`{kind.type}` needs {', '.join(hints)}"
        raise ProtocolError(msg) from error
    return message


def _checked(name: str, value: Any, kind: type) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        msg = f"`{name}` must be of type {kind.__name__}"
        raise ProtocolError(msg)
    if isinstance(value, str):
        _check_text(name, value)
    return value


def _check_text(name: str, text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        msg = f"`{name}` holds half a character"
        raise ProtocolError(msg)
    if len(text) > MAX_TEXT:
        msg = f"`{name}` is over {MAX_TEXT} characters"
        raise ProtocolError(msg)
