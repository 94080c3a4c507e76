"""The seams between the server and its engines: Protocols and the types that cross them.

Engines know samples; the server knows time. An engine is a plain synchronous object: no asyncio,
no ticks, no turns. It works in short pieces, so that a turn which is no longer wanted is dropped
quickly, and runs in a thread of its own. A failure leaves an engine as `EngineError` only.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NewType, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from visavis.models import arkit

if TYPE_CHECKING:
    from visavis.models.avatar.file import Avatar

PLAY_RATE: Final = 48_000  # Hz of everything that is played
HEAR_RATE: Final = 16_000  # Hz of everything that is heard
VAD_FRAME: Final = 320  # samples at HEAR_RATE: 20 ms
ECHO_FRAME: Final = 160  # samples at HEAR_RATE: 10 ms

Pcm = npt.NDArray[np.int16]  # (samples,) mono
Floats = npt.NDArray[np.float32]
I420 = npt.NDArray[np.uint8]  # (height * 3 // 2, width): Y, then U, then V, BT.601 limited range

Alphabet = Literal["espeak", "misaki"]  # who wrote the phoneme symbols


class EngineError(Exception):
    """An engine could not do its work. Ends the turn, never the session."""


class EngineHung(EngineError):
    """An engine did not answer in time; its thread was given up."""


class EngineAway(EngineError):
    """An engine on another machine cannot be had now: whoever needs it does without meanwhile."""


@dataclass(frozen=True, slots=True)
class Phoneme:
    """One speech sound; `start` and `end` in samples at PLAY_RATE from the start of its speech."""

    symbol: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Word:
    """One written word as the text has it; `start` and `end` like a phoneme's."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Speech:
    """A piece of speech: mono int16 at PLAY_RATE with what is said when.

    Phonemes cover the piece in order, silences included (symbol ""); words are in order and the
    words of a text's pieces, joined by single spaces, give the text back.
    """

    pcm: Pcm
    phonemes: tuple[Phoneme, ...]
    words: tuple[Word, ...]
    alphabet: Alphabet


@dataclass(frozen=True, slots=True)
class Voice:
    """What a visitor or operator chooses a voice by."""

    name: str
    language: str  # BCP 47
    description: str
    licence: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said. `doubt` in [0, 1]: the engine's own probability that it was not speech.

    foreign: in [0, 1], that it was in another language than the engine's; speech: in [0, 1], that
    somebody spoke, understood or not. Both 0 of an engine that cannot tell. language: of the
    words, as "de"; "" of an engine that cannot tell.
    """

    text: str
    doubt: float
    foreign: float = 0.0
    speech: float = 0.0
    language: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One past turn: the visitor's words and the part of the reply that was really heard."""

    visitor: str
    heard: str


@dataclass(frozen=True, slots=True)
class Passage:
    """What a file of answers has on a subject. score: how well it fits, about 1 word for word."""

    subject: str
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Notes:
    """What the house knows: who speaks for it, and what its file has on one question.

    house: what it is, as the file's title says it. name, role: the avatar's; greeting: what it
    says to who arrives; empty where the file says nothing of them. contact: who knows more.
    topics: what the file is about. passages: nearest first, none where nothing is near. moment: day
    and time at the place, in a sentence.
    """

    house: str = ""
    name: str = ""
    role: str = ""
    greeting: str = ""
    contact: str = ""
    topics: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()
    moment: str = ""


@dataclass(frozen=True, slots=True)
class Affect:
    """How the avatar feels: each in [-1, 1] (attention in [0, 1]); zero is calm and neutral."""

    valence: float = 0.0
    arousal: float = 0.0
    confidence: float = 0.0
    attention: float = 1.0


@dataclass(frozen=True, slots=True)
class Mood:
    """How a visitor feels, over the whole conversation, as far as it can be told: each in [0, 1].

    confidence: how much there was to tell it by; 0: nothing at all, so the others are 0 as well.
    """

    frustration: float = 0.0
    satisfaction: float = 0.0
    urgency: float = 0.0
    confidence: float = 0.0


UNTOLD: Final = Mood()


@dataclass(frozen=True, slots=True)
class Expression:
    """What a demeanour adds to the face beyond affect; as it is by default, nothing.

    face: ARKit units on top, in [-1, 1]; "browDown" stands for its left and right half.
    pose: as in FaceState, on top. lively: factor on head movement, nods and blinks.
    away: in [-1, 1], how much more (or less) the eyes leave the visitor; look: (yaw, pitch) in
        degrees around which they then go, None: wherever the attention sends them.
    """

    face: Mapping[str, float] = field(default_factory=dict)
    pose: tuple[float, float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    lively: float = 1.0
    away: float = 0.0
    look: tuple[float, float] | None = None


AT_EASE: Final = Expression()


@dataclass(frozen=True, slots=True)
class Prosody:
    """How a voice speaks. speed: factor in [0.5, 2], of taste in [0.75, 1.3].

    pitch: semitones in [-3, 3]. energy: from soft, -1, to loud, 1.
    """

    speed: float = 1.0
    pitch: float = 0.0
    energy: float = 0.0


PLAIN: Final = Prosody()


@dataclass(frozen=True, slots=True)
class Demeanour:
    """How the avatar appears and sounds: what a direction in plain words comes to."""

    affect: Affect = Affect()
    expression: Expression = AT_EASE
    prosody: Prosody = PLAIN


Attention = Literal["idle", "listening", "thinking", "speaking"]
# What a face does once; "acknowledge" is a listener's small nod.
Movement = Literal["acknowledge", "nod", "shake", "brows", "tilt", "wink"]


def _zeros(count: int) -> Floats:
    return np.zeros(count, np.float32)


@dataclass(frozen=True, slots=True)
class FaceState:
    """One instant of a face.

    coefficients: (52,) float32 in [0, 1], in the order of `models.arkit.NAMES`.
    pose: (6,) float32: yaw, pitch, roll in degrees, then x, y, z in inter-ocular distances, all
        relative to the portrait. Yaw > 0 turns the nose towards the picture's right, pitch > 0
        up, roll > 0 tilts the head clockwise as the viewer sees it; x right, y up, z nearer.
    gaze: (2,) float32: yaw and pitch in degrees relative to the head, signs as in pose.
    breath: in [0, 1], chest and shoulders raised.
    torso: (6,) float32 as pose: the head's pose as shoulders and chest follow it, a little later
        than the head itself; they take their share of it. None: at once.
    hair: in [-1, 1], how far loose hair has swung to the picture's right.
    elapsed: s since this face began to move, which tell the picture of an avatar that is a clip.
    bearing, glance: (6,) and (2,) float32 as pose and gaze: what of them is meant, nods, shakes and
        looks away, without idle life. An avatar that is a clip has a life of its own, on top of
        which it draws these alone.
    """

    coefficients: Floats = field(default_factory=lambda: _zeros(arkit.COUNT))
    pose: Floats = field(default_factory=lambda: _zeros(6))
    gaze: Floats = field(default_factory=lambda: _zeros(2))
    breath: float = 0.0
    torso: Floats | None = None
    hair: float = 0.0
    elapsed: float = 0.0
    bearing: Floats = field(default_factory=lambda: _zeros(6))
    glance: Floats = field(default_factory=lambda: _zeros(2))


# An avatar as a generator prepared it for its own drawing; opaque to everybody else.
Puppet = NewType("Puppet", object)
Draw = Callable[[FaceState], I420]  # pictures of one avatar, one by one; raises EngineError


@dataclass(frozen=True, slots=True)
class Before:
    """A whole picture that was drawn, (height * 3 // 2, width), and the state that it shows."""

    image: I420
    state: FaceState


@dataclass(frozen=True, slots=True)
class Portrayal:
    """What one picture is to show: whose face, and how it is.

    over: only the mouth is to be drawn as in `state`, all else stays as it was before, the head's
    pose included; for generators that can, see `can_patch`.
    """

    puppet: Puppet
    state: FaceState
    over: Before | None = None


class Vad(Protocol):
    """Voice activity: one per microphone, since it may keep state."""

    def is_speech(self, frame: Pcm) -> bool:
        """(VAD_FRAME,) at HEAR_RATE -> whether somebody speaks in it."""
        ...


class EchoCanceller(Protocol):
    """Takes what the avatar plays out of what the microphone hears; one per session."""

    def process(self, mic: Pcm, far: Pcm) -> Pcm:
        """Same multiple of ECHO_FRAME at HEAR_RATE in both; returns as many samples."""
        ...


class Stt(Protocol):
    """Speech to text; shared by all sessions, called from one thread."""

    def transcribe(self, pcm: Pcm, before: str = "") -> Transcript:
        """One utterance at HEAR_RATE, up to 30 s. Raises EngineError.

        before: the words just before this sound, where it goes on in the middle of them.
        """
        ...


class TurnEnd(Protocol):
    """Whether a speaker has finished, by how it sounds; shared by all sessions, one thread."""

    def finished(self, pcm: Pcm) -> float:
        """A turn so far at HEAR_RATE, its pause at the end -> probability. Raises EngineError."""
        ...


class Dialogue(Protocol):
    """The simple form of a mind: text to text, synchronous; see `server.services.minds`.

    Shared by all sessions, so the history comes with each call.
    """

    def reply(self, text: str, history: Sequence[Exchange]) -> Iterator[str | Fragment | Deed]:
        """Yield the answer as text fragments of any size, and what goes with them.

        A text in another language than the question's is a `Fragment`. Raises EngineError.
        """
        ...


CERTAIN: Final = 1.0  # of a dialogue that has the question word for word


@runtime_checkable
class Confident(Protocol):
    """A dialogue that can say how sure it is of an answer, before it gives it."""

    def sure(self, text: str, history: Sequence[Exchange]) -> float:
        """In [0, 1]: that `text` is a whole question and its answer the right one.

        CERTAIN of nothing but what it has word for word: it may be the beginning of more.
        """
        ...


@runtime_checkable
class Informed(Protocol):
    """A dialogue whose file others may be told about; see `Notes`."""

    def notes(self, text: str, history: Sequence[Exchange]) -> Notes:
        """What its file has on what is asked, given what was said before. Raises EngineError."""
        ...


def obeys(mind: Dialogue | Mind) -> bool:
    """Whether visitors may tell the conversation to stop, to wait or to go on; see `commands`.

    One that says whatever it is given declares `obeys = False`.
    """
    return bool(getattr(mind, "obeys", True))


def names(mind: object) -> tuple[str, ...]:
    """What visitors may call the avatar, where a mind declares `names`."""
    return tuple(getattr(mind, "names", ()))


@runtime_checkable
class Foreknowing(Protocol):
    """A dialogue that knows beforehand what it may say, so that it can be made ahead."""

    def foreknown(self) -> Iterator[Sequence[str]]:
        """Its answers, likeliest first, each in the fragments in which `reply` yields it.

        Texts of whoever runs it, and nothing of a visitor's.
        """
        ...


@runtime_checkable
class Renewable(Protocol):
    """A dialogue that is made of files which may change while it is in use."""

    made_of: Hashable  # the edition of what it read

    def edition(self) -> Hashable:
        """Of what lies there now; None: it cannot be looked at. Costs next to nothing."""
        ...

    def renewed(self) -> Dialogue:
        """One over what lies there now, which costs as much as a start. Raises EngineError."""
        ...


Role = Literal["visitor", "avatar", "tool"]


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that was said, or done, in a conversation.

    turn: the turn it belongs to. text: as it was written; of a tool, what it gave. heard: of what
    the avatar said, the words that were really played. name: of a tool. sure: of what the avatar
    said, how sure the mind was of it, see `Fragment`; 0: it had no answer.
    """

    turn: int
    role: Role
    text: str
    heard: str = ""
    name: str = ""
    sure: float | None = None


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of the answer as it is to be spoken, of any size, directions in brackets included.

    sure: in [0, 1], how sure the mind is that it was asked a whole question and this answers it:
        then the answer begins sooner. None: it does not say.
    language: BCP 47, of this text; "": the question's. A voice of that language speaks it.
    by: who answers in place of the mind that was asked; empty: that mind.
    urgent: whether nothing may be said before it.
    """

    text: str
    sure: float | None = None
    language: str = ""
    by: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Gesture:
    """Something that the face does once, from the next word on."""

    movement: Movement


@dataclass(frozen=True, slots=True)
class Call:
    """A tool is being used; `id` ties its result to it."""

    id: str
    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Result:
    """What the tool that `id` called gave, in words; seconds: how long that took."""

    id: str
    content: str
    seconds: float = 0.0


CardKind = Literal["picture", "link", "map"]


@dataclass(frozen=True, slots=True)
class Card:
    """Something to look at beside the words.

    address: of a picture the picture itself, of a link the page that it leads to, of a map a page
    with the map, or "" where there is none. Pictures are addresses of this server ("/v1/cards/...")
    or https. text: of a picture what is seen on it, of a link a line about it, of a map the place
    as one writes it on a letter. image: a picture that goes with a link or a map, or "".
    """

    kind: CardKind
    title: str
    address: str = ""
    text: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class Show:
    """A card is to be shown, from the next word on."""

    card: Card


@dataclass(frozen=True, slots=True)
class HandOver:
    """A human being is to take over; why, in a few words for them."""

    reason: str


@dataclass(frozen=True, slots=True)
class Farewell:
    """The conversation is over once this answer was said to its end."""


# What is done beside the words, by a mind or a plain dialogue: only once it is confirmed.
Deed = Show | HandOver | Farewell
Thought = Fragment | Gesture | Call | Result | Deed


class Question(Protocol):
    """What a mind is asked, with what was said before it."""

    text: str
    history: Sequence[Remark]
    mood: Mood  # of the visitor, these words included
    language: str  # BCP 47: the conversation's, in which the answer is to be
    staffed: bool  # whether there is staff, so that a person may be offered

    @property
    def speculative(self) -> bool:
        """Whether the visitor may not have finished: whoever answers may think, but not act."""
        ...

    async def confirmed(self) -> None:
        """Return once the visitor has finished; a mind that wants to act waits for it."""
        ...


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that a mind may use. parameters: a JSON schema, of an object."""

    name: str
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Used:
    """What came of a call. deed: to be yielded by the mind, before the result."""

    result: Result
    deed: Deed | None = None


class Toolbox(Protocol):
    """The tools that an operator gave to a mind; shared by all sessions."""

    def tools(self) -> Sequence[Tool]:
        """Those that can be used now; a server of tools may come and go."""
        ...

    async def use(self, call: Call, question: Question) -> Used:
        """Use one, once the question is confirmed, and return in a time that is limited.

        Never fails: what went wrong is a plain sentence in the result. Cancelling it ends it.
        """
        ...


@runtime_checkable
class Instructed(Question, Protocol):
    """A question in a conversation that somebody's own program leads, and has told how.

    instructions: in their words, "" where there are none. toolbox: of that program.
    """

    instructions: str
    toolbox: Toolbox


@runtime_checkable
class Mind(Protocol):
    """Decides what to answer, in pieces as they come; shared by all sessions.

    The one engine that may be asynchronous, for those that answer over a network. Closing the
    iterator cancels the answer.
    """

    def answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        """Yield the answer and what is done for it. Raises EngineError."""
        ...


@runtime_checkable
class Remote(Mind, Protocol):
    """A mind on another machine, which may be away: then its answer raises EngineAway."""

    async def probe(self) -> None:
        """Find out whether it answers now. Raises EngineError."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class Tts(Protocol):
    """Text to speech, one voice; shared by all sessions, called from one thread."""

    voice: Voice

    def synthesize(self, text: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """One clause or sentence -> pieces in order. Raises EngineError.

        Phonemes and words sit where they sound, whatever the prosody.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """How somebody speaks: their speech at PLAY_RATE, nobody else's, and no music.

    language: BCP 47; text: the words, where they are known.
    """

    pcm: Pcm
    language: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Cloned:
    """What a cloner has made of a sample, to be kept in a voice's file (`models.voice_file`).

    given: texts; numbers: float32 arrays; keeps: whether the sample is needed to speak. alike:
    cosine of two speaker embeddings, the sample's and this voice's; 0: nobody measured it.
    """

    given: Mapping[str, str]
    numbers: Mapping[str, Floats]
    keeps: bool = False
    alike: float = 0.0


class VoiceCloner(Protocol):
    """From a person's sample to a voice like theirs. Whether they agreed, its caller has asked.

    kind: under which `engines.voices.own` finds who speaks what was made.
    """

    kind: str

    def clone(self, sample: Sample, told: Callable[[float], None]) -> Cloned:
        """Takes seconds to minutes. told: the share that is done, 0 to 1; may raise, to end it.

        Raises EngineError for a sample that is not enough, with the fix.
        """
        ...


class Lips(Protocol):
    """From a stream of sound alone to speech that a face can make; one per stream.

    delay: s after which what is fed has become speech at the latest.
    """

    delay: float

    def feed(self, pcm: Pcm) -> Iterator[Speech]:
        """The next samples at PLAY_RATE -> the pieces that are complete, in order, without words.

        All pieces together are the sound. Raises EngineError.
        """
        ...

    def hurry(self, samples: int) -> Iterator[Speech]:
        """The next samples of what was fed, now, by what was heard so far; the stream goes on.

        For sound that is about to be played. Less surely told: `delay` is not over. Raises
        EngineError.
        """
        ...

    def flush(self) -> Iterator[Speech]:
        """What is left when the sound is over; another stream may follow. Raises EngineError."""
        ...


class Motion(Protocol):
    """From speech and mood to a living face; one per session, called from one thread.

    Every `at` is in samples at PLAY_RATE from the start of the session.
    """

    def speak(self, at: int, speech: Speech) -> None:
        """Schedule the mouth for a piece of speech that starts to sound at `at`."""
        ...

    def cut(self, at: int) -> None:
        """Forget all speech from `at` on and ease the mouth shut from there."""
        ...

    def attend(self, at: int, attention: Attention) -> None:
        """From `at` on the avatar idles, listens, thinks or speaks."""
        ...

    def feel(self, at: int, affect: Affect, expression: Expression = AT_EASE) -> None:
        """From `at` on the face blends towards this affect and expression."""
        ...

    def move(self, at: int, movement: Movement) -> None:
        """Around `at`, once: a nod, raised brows, ..."""
        ...

    def state(self, at: int) -> FaceState:
        """The face at `at`; calls come in increasing order."""
        ...

    def phoneme_at(self, at: int) -> str:
        """The sound that the mouth is shaping at `at`, for traces; "" in silence."""
        ...


class Generator(Protocol):
    """Face states to pictures, for all avatars and all sessions of a process.

    width, height: px of every picture. batch: the most portrayals that one `draw` takes now: with
    1 several calls run side by side, with more one after the other. Any method may be called from
    any thread, and while others run.
    """

    width: int
    height: int
    batch: int

    def prepare(self, avatar: Avatar) -> Puppet:
        """All that is done once an avatar, however many sessions show it. Raises EngineError."""
        ...

    def release(self, puppet: Puppet) -> None:
        """Free what a puppet holds: it is drawn no more, and a picture under way may fail."""
        ...

    def draw(self, portrayals: Sequence[Portrayal], deadline: float) -> list[I420]:
        """A new (height * 3 // 2, width) uint8 picture of each, in order.

        deadline: s of time.monotonic() by which they are wanted, for those that may wait for more
        or draw less well; never an error. Releases the GIL. Raises EngineError.
        """
        ...

    def close(self) -> None:
        """Free everything; no call follows."""
        ...


class Finish(Protocol):
    """What is in every picture of a session that goes out: a label, a mark.

    One per session, made for pictures of one shape (`models.pictures.canvas.Canvas`).
    """

    def finish(self, image: I420, at: int) -> None:
        """Put it into a picture of that shape, in place. Releases the GIL. Raises EngineError.

        at: samples at PLAY_RATE from the start of the session. Pictures come in increasing order,
        one at a time, but from several threads; the session's still comes first, at 0, and may be
        shown at any time after that.
        """
        ...


class SoundFinish(Protocol):
    """What is in all sound of a session that goes out: a mark.

    Whoever reads a timeline twice, or in other pieces, reads the same: a sample hangs on its tick
    and on the `reach` samples before it alone. Silence stays silence. For any number of threads.
    """

    @property
    def reach(self) -> int:
        """Samples before a piece that have to be known."""
        ...

    def finish(self, sound: Pcm, at: int) -> Pcm:
        """(reach + n,) at PLAY_RATE -> (n,): the last n, which begin at sample `at`."""
        ...


def can_patch(generator: Generator) -> bool:
    """Whether it draws `Portrayal.over`, at a small part of a whole picture's cost.

    It says so by an attribute `patches`; one that does not is never given it.
    """
    return bool(getattr(generator, "patches", False))


def draw_one(generator: Generator, puppet: Puppet, state: FaceState) -> I420:
    """One picture that nobody waits for. Raises EngineError."""
    (picture,) = generator.draw([Portrayal(puppet, state)], math.inf)
    return picture
