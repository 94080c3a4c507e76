"""The tick and the messages that stages hand to one another. No behaviour beyond conversion.

A tick is a count of samples at 48 kHz since the start of a session, and the only unit of media
time. Whatever belongs to a reply carries its `turn` and the tick `at` which it plays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from visavis.engines.base import I420, PLAY_RATE, UNTOLD, Card, FaceState, Mood, Movement, Speech
from visavis.engines.direction.styles import NOTHING, Direction

Tick = int
TICK_RATE: Final = PLAY_RATE
PACKET: Final[Tick] = 960  # one audio packet: 20 ms
FRAME: Final[Tick] = 1920  # one picture at 25 frames a second

Origin = Literal["speech", "text", "say"]
Ending = Literal["done", "interrupted", "failed"]
# How fluent a face is, from best to worst: all 25 pictures a second; every second one whole, and
# the mouth alone in the others; every second one; as many as there is time for, one to six a
# second; none, while voice and captions go on.
Fluency = Literal["full", "mouth", "half", "few", "still"]


def ms(milliseconds: float) -> Tick:
    """Milliseconds to ticks."""
    return round(milliseconds * TICK_RATE / 1000)


def to_ms(ticks: Tick) -> float:
    """Ticks to milliseconds."""
    return ticks * 1000 / TICK_RATE


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Confirmed speech of the visitor; `at` is where it began."""

    at: Tick


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """A turn that was told as over goes on: no word of the answer had been heard by `at`."""

    at: Tick


@dataclass(frozen=True, slots=True)
class Drafted:
    """What the visitor has said so far, at a pause that may not be the end of the turn.

    An empty text: no words were understood so far. `arousal`: how raised the voice was, as
    `engines.tone` tells it. `foreign`: these are no words, but what speech in another language
    was taken for. `language`: of the words, as "de"; "": not told. `one`: these words and those of
    the turn before, heard together and written as one sentence; "": they are none.
    """

    text: str
    ended: Tick
    arousal: float = 0.0
    foreign: bool = False
    language: str = ""
    one: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """The visitor's turn is over; an empty text means that no words were understood.

    `ended`: the last tick of speech. `transcribed`: when the text was known. `foreign`, `language`
    and `one`: as of a draft. `unclear`: somebody did say something, but no word of it was
    understood. `cut`: they have not finished, but talk for too long.
    """

    text: str
    ended: Tick
    transcribed: Tick
    arousal: float = 0.0
    foreign: bool = False
    unclear: bool = False
    language: str = ""
    one: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One reply to make: answer `text`, or with the origin "say" speak it as it is."""

    text: str
    origin: Origin
    origin_at: Tick  # end of the visitor's speech, or the arrival of the text
    transcribed: Tick | None = None
    arousal: float = 0.0  # of the visitor's voice
    style: str = ""  # a direction in plain words, for this reply only
    mood: Direction = NOTHING  # what the visitor's own words and voice call for
    felt: Mood = UNTOLD  # how the visitor feels, for the mind
    staffed: bool = False  # whether a person may be offered, for the mind
    skip: int = 0  # words of the answer that were heard before it was broken off
    passing: bool = False  # whether it is no part of what was said: "Of course."
    language: str = ""  # BCP 47, of question and answer; "": the session's


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a reply as written, with its sound; not yet bound to a time.

    `directions`: what of the reply's style, and of the bracket before it, holds for it;
    `movements` and `cards`: what is done and shown once, when it begins.
    """

    text: str
    speech: Speech
    directions: tuple[Direction, ...] = ()
    movements: tuple[Movement, ...] = ()
    cards: tuple[Card, ...] = ()


@dataclass(frozen=True, slots=True)
class Spoken:
    """A clause bound to its turn and to the tick at which it plays."""

    turn: int
    at: Tick
    clause: Clause

    @property
    def end(self) -> Tick:
        """The tick after its last sample."""
        return self.at + len(self.clause.speech.pcm)


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame and the tick at which it shows. Of no turn: a face goes on through all of them.

    state and phoneme: what it was drawn from, and the sound that its mouth shapes. stays: for how
    long no other one is to be expected.
    """

    at: Tick
    image: I420
    state: FaceState | None = None
    phoneme: str = ""
    stays: Tick = FRAME
