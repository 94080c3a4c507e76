"""What goes over the data channel, typed: docs/api.md#data-channel describes each field.

Times are in ms of the session's clock. A message that is not known here is left out, and so is a
field: servers may be newer.
"""

from __future__ import annotations

import json
import types
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, ClassVar, Final, Literal, get_args, get_origin, get_type_hints

# --- to the server -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """Answer these typed words."""

    type: ClassVar = "text"
    text: str


@dataclass(frozen=True, slots=True)
class SayText:
    """Say exactly this; style: a direction in plain words."""

    type: ClassVar = "say"
    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop speaking now."""

    type: ClassVar = "interrupt"


@dataclass(frozen=True, slots=True)
class Direct:
    """A direction in plain words, answered by `Directed`."""

    type: ClassVar = "direct"
    prompt: str


@dataclass(frozen=True, slots=True)
class Mic:
    """Whether to listen to the sound that is sent."""

    type: ClassVar = "mic"
    on: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """Whether the pictures are looked at; if not, only a few are drawn."""

    type: ClassVar = "watch"
    on: bool


@dataclass(frozen=True, slots=True)
class Language:
    """Go on in this language (BCP 47), or "auto"."""

    type: ClassVar = "language"
    language: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Answered by `Pong` with the same `t`."""

    type: ClassVar = "ping"
    t: float


ToServer = Text | SayText | Interrupt | Direct | Mic | Watch | Language | Ping


# --- from the server -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was said; part of `Ready`."""

    turn: int
    who: Literal["visitor", "avatar"]
    text: str


@dataclass(frozen=True, slots=True)
class Caption:
    """The clause that is spoken; its first `heard` characters have been said."""

    turn: int
    text: str
    heard: int


@dataclass(frozen=True, slots=True)
class Card:
    """Something to look at; part of `CardShown`."""

    kind: Literal["picture", "link", "map"]
    title: str
    address: str = ""
    text: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """What the picture is labelled with, and where; part of `Ready`.

    box: left, top, width and height, shares of the face's picture.
    """

    text: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Ready:
    """First of a connection. epoch: s since 1970 of the session clock's zero, 0: unknown.

    size: px of the face's picture. matte: row at which its matte begins in the picture that is
    sent, which has twice as many rows; 0: there is none. label: None: the picture has none.
    disclosure: who says that a computer speaks; "page": you must. See docs/api.md.
    """

    protocol: int
    session: str
    avatar: str
    voice: str
    source: str = "dialogue"
    resume: str = field(default="", repr=False)  # a secret
    resumed: bool = False
    taken: int = 0
    history: tuple[Line, ...] = ()
    captions: tuple[Caption, ...] = ()
    takes: tuple[str, ...] = ()
    fluency: str = "full"
    language: str = "en"
    attended: str = "nobody"
    voice_mood: bool = False
    epoch: float = 0.0
    size: tuple[int, int] = (0, 0)
    matte: int = 0
    label: Label | None = None
    disclosure: str = "nobody"


@dataclass(frozen=True, slots=True)
class Pong:
    """The ping's `t`, and the session's clock."""

    t: float
    at_ms: float


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Last message: the server ends the session."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Listening:
    """The visitor began or ceased to speak."""

    active: bool


@dataclass(frozen=True, slots=True)
class Transcribed:
    """What the visitor said; it may still change unless `final`."""

    turn: int
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class Commanded:
    """The words of this turn told the conversation what to do; it was done."""

    turn: int
    command: str


@dataclass(frozen=True, slots=True)
class LanguageSpoken:
    """The conversation is in this language from now on."""

    language: str


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """The reply of this turn says that nothing was understood."""

    turn: int
    why: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """A reply is being made."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """Its first sound plays at `at_ms`."""

    turn: int
    at_ms: float


@dataclass(frozen=True, slots=True)
class ReplyHeld:
    """Somebody speaks over the reply: it is silent, and goes on or ends."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyResumed:
    """It goes on at `at_ms`."""

    turn: int
    at_ms: float


@dataclass(frozen=True, slots=True)
class SegmentStarted:
    """Of a session whose source is a voice: the first sound of a segment plays at `at_ms`."""

    segment: int
    at_ms: float


@dataclass(frozen=True, slots=True)
class SegmentEnded:
    """It is over. position: s of it that were heard; interrupted: the rest is not."""

    segment: int
    position: float
    interrupted: bool


@dataclass(frozen=True, slots=True)
class CardShown:
    """The avatar shows something beside its words."""

    turn: int
    card: Card


@dataclass(frozen=True, slots=True)
class StaffWanted:
    """A human being was asked for; the reason is for them."""

    turn: int
    reason: str


@dataclass(frozen=True, slots=True)
class Farewell:
    """The avatar has said goodbye: end the session."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """A reply is over; `heard` are the words that were really played."""

    turn: int
    reason: Literal["done", "interrupted", "failed"]
    heard: str
    unsaid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a turn went: ms after its origin, None for what did not happen."""

    turn: int
    origin: Literal["speech", "text", "say"]
    transcript: float | None
    first_clause: float | None
    first_sound: float | None
    first_picture: float | None
    interrupted: float | None
    ended: float | None
    skew: float | None
    tools: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Directed:
    """What was understood of a direction, what was not, and then every style there is."""

    styles: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pictures:
    """The face is drawn more or less fluently from now on."""

    fluency: str


@dataclass(frozen=True, slots=True)
class Attended:
    """Who of the staff is there."""

    by: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Something went wrong; the session goes on."""

    code: str
    message: str


FromServer = (
    Ready | Pong | Goodbye | Listening | Transcribed | Commanded | LanguageSpoken | NotUnderstood
    | Thinking | ReplyStarted | ReplyHeld | ReplyResumed | SegmentStarted | SegmentEnded | Caption
    | CardShown | StaffWanted | Farewell | ReplyEnded | Receipt | Directed | Pictures | Attended
    | Failure
)  # fmt: skip

TYPES: Final[dict[str, type[FromServer]]] = {
    "ready": Ready,
    "pong": Pong,
    "goodbye": Goodbye,
    "listening": Listening,
    "transcript": Transcribed,
    "command": Commanded,
    "language": LanguageSpoken,
    "not_understood": NotUnderstood,
    "thinking": Thinking,
    "reply_started": ReplyStarted,
    "reply_held": ReplyHeld,
    "reply_resumed": ReplyResumed,
    "segment_started": SegmentStarted,
    "segment_ended": SegmentEnded,
    "caption": Caption,
    "card": CardShown,
    "staff": StaffWanted,
    "farewell": Farewell,
    "reply_ended": ReplyEnded,
    "receipt": Receipt,
    "directed": Directed,
    "pictures": Pictures,
    "attended": Attended,
    "error": Failure,
}


def encode(message: ToServer) -> str:
    """A message as one JSON text."""
    return json.dumps({"type": message.type, **asdict(message)}, ensure_ascii=False)


def decode(data: str | bytes) -> FromServer | None:
    """A message from the server; None: one that is not known here, or cannot be read."""
    try:
        found = json.loads(data)
        kind = TYPES.get(found["type"])
        return None if kind is None else _build(kind, found)
    except (ValueError, TypeError, KeyError):
        return None


def _build(kind: Any, found: dict[str, Any]) -> Any:
    hints = get_type_hints(kind)
    known = {each.name for each in fields(kind)} & set(found)
    return kind(**{name: _value(hints[name], found[name]) for name in known})


def _value(hint: Any, value: Any) -> Any:
    if is_dataclass(hint):
        return _build(hint, value)
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], each) for each in value)
    if hint is float or (get_origin(hint) is types.UnionType and float in get_args(hint)):
        return None if value is None else float(value)
    return value
