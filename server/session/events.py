"""What a session tells those who watch it. Ticks and words; `protocol` writes them for the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from visavis.engines.base import Card
from visavis.engines.language.commands import Kind
from visavis.server.playout.messages import Ending, Fluency, Origin, Tick


@dataclass(frozen=True, slots=True)
class Listening:
    """The visitor began (`active`) or ceased to speak."""

    active: bool


@dataclass(frozen=True, slots=True)
class Transcribed:
    """What the visitor said; a text that is not final may still change."""

    turn: int
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class Commanded:
    """The visitor's words of this turn were no question, but told the conversation what to do.

    "stop", "pause" (be silent and wait), "go-on" (with the rest of what was stopped), "repeat"
    (the last answer), "manner" (speak slower, louder, ...), "staff" (a person was called) or
    "language" (another one is spoken, or which there are was told). It has been done.
    """

    turn: int
    command: Kind


@dataclass(frozen=True, slots=True)
class LanguageSpoken:
    """The conversation is in this language from now on. language: BCP 47."""

    language: str


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """The visitor spoke, and the reply of this turn says that nothing was understood.

    why: it was in another language ("foreign"), or no word could be made out ("unclear").
    """

    turn: int
    why: Literal["foreign", "unclear"]


@dataclass(frozen=True, slots=True)
class Thinking:
    """A reply to this turn is being made."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """The first sound of a reply plays at `at`."""

    turn: int
    at: Tick


@dataclass(frozen=True, slots=True)
class ReplyHeld:
    """A reply is silent, because somebody speaks over it: it will go on, or end."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyResumed:
    """A reply that was held goes on at `at`, with the word that was cut."""

    turn: int
    at: Tick


@dataclass(frozen=True, slots=True)
class SegmentStarted:
    """The first sound of a pushed segment (1, 2, ...) is heard; it played at `at`."""

    segment: int
    at: Tick


@dataclass(frozen=True, slots=True)
class SegmentEnded:
    """A pushed segment is over: once each, also of one that never began or holds no sound.

    position: s of it that were heard. interrupted: it was cleared, and the rest is not heard.
    """

    segment: int
    position: float
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Caption:
    """A clause being spoken; the first `heard` characters of `text` have been said."""

    turn: int
    text: str
    heard: int


@dataclass(frozen=True, slots=True)
class CardShown:
    """The avatar shows something beside its words; it stays until another one, or is put away."""

    turn: int
    card: Card


@dataclass(frozen=True, slots=True)
class StaffWanted:
    """A human being is to come; `reason` is for them, not for the visitor."""

    turn: int
    reason: str


@dataclass(frozen=True, slots=True)
class Farewell:
    """The avatar has said goodbye: whoever shows the conversation ends it."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """A reply is over; `heard` are the words that were really played.

    unsaid: words of scripts that the voice cannot read, which were left out.
    """

    turn: int
    reason: Ending
    heard: str
    unsaid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a turn went. Times in ms after `origin`; None where the stage did not happen.

    origin: "speech" (the visitor's last sound), "text" or "say" (its arrival).
    transcript: final text known. first_clause: first clause complete. first_sound and
    first_picture: handed to the encoder. interrupted: the cut. skew: how much later the first
    moving picture left than its sound, beyond the clock. tools: how long each took that was used.
    """

    turn: int
    origin: Origin
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
    """What was understood of a direction: styles in words ("very warm"), empty when nothing was.

    dropped: the words of which nothing was understood, of a direction or of brackets in a text;
    known: if there are any, all the styles that can be asked for.
    """

    styles: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pictures:
    """The face is drawn more or less fluently from now on, because the server has little time."""

    fluency: Fluency


@dataclass(frozen=True, slots=True)
class Attended:
    """Who of the staff is there: `nobody`, somebody who is `watching`, or who has the answers.

    Of those who have them, one is `answering` in writing, which the avatar says, and one `speaking`
    with their own voice.
    """

    by: Literal["nobody", "watching", "answering", "speaking"]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was said, as it was heard; no event of its own: part of what is told first."""

    turn: int
    who: Literal["visitor", "avatar"]
    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Something went wrong; the session goes on. `code` is stable, `message` is for people."""

    code: str
    message: str


Event = (
    Listening
    | Transcribed
    | Commanded
    | LanguageSpoken
    | NotUnderstood
    | Thinking
    | ReplyStarted
    | ReplyHeld
    | ReplyResumed
    | SegmentStarted
    | SegmentEnded
    | Caption
    | CardShown
    | StaffWanted
    | Farewell
    | ReplyEnded
    | Receipt
    | Directed
    | Pictures
    | Attended
    | Failure
)
