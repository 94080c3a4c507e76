"""The data channel `visavis`: every message of both directions, its fields and its limits.

JSON objects with a `type`, read strictly (`system/strict_json.py`). Version 1. A receiver ignores
fields that it does not know, so fields may be added; a change of meaning raises `VERSION`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Literal, get_type_hints

from visavis.engines.language import saying
from visavis.engines.settings import Labelled
from visavis.server.playout.messages import Fluency, to_ms
from visavis.server.session import events
from visavis.server.session.disclosing import By
from visavis.server.session.events import Event
from visavis.server.session.session import Session
from visavis.server.system import strict_json
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
class Watch:
    """Whether anybody can see the pictures; if not, only a few are drawn and sent.

    Only for servers whose `Ready` names it in `takes`. It holds for one connection.
    """

    type: ClassVar = "watch"
    on: bool


@dataclass(frozen=True, slots=True)
class Language:
    """Speak this language from now on: BCP 47, or "auto" for whichever the visitor speaks.

    Only for servers whose `Ready` names it in `takes`; answered by `LanguageSpoken`.
    """

    type: ClassVar = "language"
    language: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Answered at once by `Pong` with the same `t` and the session's clock."""

    type: ClassVar = "ping"
    t: float


FromClient = Text | SayText | Interrupt | Direct | Mic | Watch | Language | Ping
# What was added to version 1: others' servers call it a bad message.
TAKES: Final = (Watch.type, Language.type)

# --- from the server ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """First message on an open channel.

    source: whether the avatar answers ("dialogue"), or speaks what comes in over the microphone, or
    a "voice" that a program pushes.
    resume: the secret with which a new offer goes on with this session; resumed: whether this one
    did. taken: messages from clients that were acted upon so far, pings left out: what a client
    sent beyond that is lost. history: what was said before; captions: the clauses of the reply
    under way. takes: types of messages that not every server of this version takes. fluency: how
    the face is drawn, as in `events.Pictures`. language: BCP 47, in which the conversation is.
    attended: who of the staff is there, as in `events.Attended`.
    voice_mood: whether the tone of the visitor's voice is read, too: then who shows the session
    must say so. epoch: s since 1970 of the session clock's zero, by the clock of the RTCP sender
    reports: with them a receiver knows the session's time of each picture. size: px of the face's
    picture. matte: row at which its matte begins in a double picture (models/pictures/double.py),
    which has twice as many rows; 0: what is sent is the picture alone. label: the one in the
    picture, null: there is none; who shows so little of the picture that it is not seen must show
    it otherwise. disclosure: who says in words that a computer speaks: "page": who shows the
    session must (session/disclosing.py).
    """

    protocol: int
    session: str
    avatar: str
    voice: str
    source: Source = "dialogue"
    resume: str = ""
    resumed: bool = False
    taken: int = 0
    history: tuple[events.Line, ...] = ()
    captions: tuple[events.Caption, ...] = ()
    takes: tuple[str, ...] = TAKES
    fluency: Fluency = "full"
    language: str = "en"
    attended: str = "nobody"
    voice_mood: bool = False
    epoch: float = 0.0
    size: tuple[int, int] = (0, 0)
    matte: int = 0
    label: Labelled | None = None
    disclosure: By = "nobody"


@dataclass(frozen=True, slots=True)
class Pong:
    """Echo of a ping with the session's clock in ms."""

    t: float
    at_ms: float


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Last message: the server ends the session now, and `message` tells people why.

    reason: "idle" (nothing was said for long), "length" (it had the time that sessions have here),
    "shutdown" (the server ends; another one may take its place), "staff" (a member of staff ended
    it: these are their words), "consent" (whose face it is does not allow it any more).
    """

    reason: Literal["idle", "length", "shutdown", "staff", "consent"]
    message: str


FromServer = Ready | Pong | Goodbye | Event

# The events of a session under their names on the wire; their fields are described in
# session/events.py. Ticks become milliseconds: `at` is sent as `at_ms`.
_NAMES: Final[Mapping[type, str]] = {
    Ready: "ready",
    Pong: "pong",
    Goodbye: "goodbye",
    events.Listening: "listening",
    events.Transcribed: "transcript",
    events.Commanded: "command",
    events.LanguageSpoken: "language",
    events.NotUnderstood: "not_understood",
    events.Thinking: "thinking",
    events.ReplyStarted: "reply_started",
    events.ReplyHeld: "reply_held",
    events.ReplyResumed: "reply_resumed",
    events.SegmentStarted: "segment_started",
    events.SegmentEnded: "segment_ended",
    events.Caption: "caption",
    events.CardShown: "card",
    events.StaffWanted: "staff",
    events.Farewell: "farewell",
    events.ReplyEnded: "reply_ended",
    events.Receipt: "receipt",
    events.Directed: "directed",
    events.Pictures: "pictures",
    events.Attended: "attended",
    events.Failure: "error",
}

_CLIENT_TYPES: Final = {
    kind.type: kind for kind in (Text, SayText, Interrupt, Direct, Mic, Watch, Language, Ping)
}


def encode(message: FromServer) -> str:
    """A message as one JSON text."""
    fields = asdict(message)
    if isinstance(message, events.ReplyStarted | events.ReplyResumed | events.SegmentStarted):
        fields["at_ms"] = to_ms(fields.pop("at"))
    return json.dumps({"type": _NAMES[type(message)], **fields}, ensure_ascii=False)


def decode(data: str | bytes) -> FromClient:
    """One message from the client. Raises ProtocolError with words for the peer."""
    if len(data) > MAX_MESSAGE:
        msg = f"message is over {MAX_MESSAGE} bytes"
        raise ProtocolError(msg)
    if isinstance(data, bytes):
        msg = "message is binary; send JSON text"
        raise ProtocolError(msg)
    try:
        fields = strict_json.parse(data)
    except strict_json.NotJson:
        msg = "message is not JSON"
        raise ProtocolError(msg) from None
    return build(fields)


def build(fields: Any) -> FromClient:
    """A parsed JSON value -> the message it is. Raises ProtocolError."""
    named = fields.get("type") if isinstance(fields, dict) else None
    kind = _CLIENT_TYPES.get(named) if isinstance(named, str) else None
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
    if kind is float and type(value) is int:
        value = _as_float(name, value)
    if type(value) is not kind:
        msg = f"`{name}` must be of type {kind.__name__}"
        raise ProtocolError(msg)
    if isinstance(value, str):
        _check_text(name, value)
    return value


def _as_float(name: str, number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        msg = f"`{name}` is too large a number"
        raise ProtocolError(msg) from None


def _check_text(name: str, text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        msg = f"`{name}` holds half a character"
        raise ProtocolError(msg)
    if "\0" in text:  # where a text of the engines' native code ends
        msg = f"`{name}` holds a NUL"
        raise ProtocolError(msg)
    if len(text) > MAX_TEXT:
        msg = f"`{name}` is over {MAX_TEXT} characters"
        raise ProtocolError(msg)


# --- what a client's message asks for ------------------------------------------------------------


async def command(session: Session, message: FromClient) -> FromServer | None:
    """Do what a message asks for, in order of calls; what is to be answered to it."""
    if isinstance(message, Text | SayText) and (failure := _refused(session, message)):
        return failure
    match message:
        case Text(text):
            session.ask(text.strip())
        case SayText(text, style):
            session.say(text.strip(), style)
        case Interrupt():
            session.interrupt()
        case Mic(on):
            session.mic(on)
        case Language(language):
            return session.speak(language)
        case Watch():
            pass  # the connection's own affair, see rtc/peer.py
        case Direct(prompt):
            return await session.direct(prompt)
        case Ping(t):
            return Pong(t, to_ms(session.clock.now()))
    return None


def _refused(session: Session, message: Text | SayText) -> events.Failure | None:
    """Why a text cannot be answered or said, if so."""
    if not message.text.strip():
        return events.Failure("empty-text", "There is nothing to say.")
    if not session.answers:
        return events.Failure("no-words", "This avatar speaks another's voice, and no words.")
    if isinstance(message, SayText) and saying.empty(message.text, session.language):
        return events.Failure(saying.NOTHING, saying.WHY)
    return None
