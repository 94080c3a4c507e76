"""Engines that pretend, for tests of the server only. Nothing here hears, thinks or draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from visavis.engines.base import (
    AT_EASE,
    I420,
    PLAIN,
    PLAY_RATE,
    Affect,
    Attention,
    EngineError,
    Exchange,
    Expression,
    FaceState,
    Movement,
    Pcm,
    Phoneme,
    Portrayal,
    Prosody,
    Puppet,
    Speech,
    Transcript,
    Voice,
    Word,
    draw_one,
)
from visavis.models.avatar.file import Avatar
from visavis.models.pictures import double

WORD = PLAY_RATE // 4  # samples of one spoken word: 250 ms


class FakeVad:
    """Hears speech in every frame that is not silent."""

    def is_speech(self, frame: Pcm) -> bool:
        """True when any sample is over 1000."""
        return bool(np.abs(frame).max() > 1000)


class FakeEcho:
    """Cancels nothing."""

    def process(self, mic: Pcm, far: Pcm) -> Pcm:
        """The microphone as it is."""
        assert mic.shape == far.shape
        return mic


class FakeStt:
    """Understands always the same; "" means: no words."""

    def __init__(self, text: str = "what time is breakfast?") -> None:
        self.text = text
        self.calls = 0

    def transcribe(self, pcm: Pcm, before: str = "") -> Transcript:
        """The text of this engine; EngineError when it is "fail"."""
        self.calls += 1
        if self.text == "fail":
            msg = "told to fail"
            raise EngineError(msg)
        return Transcript(self.text, 0.0 if self.text else 1.0)


class FakeTurnEnd:
    """Is always as sure that the speaker has finished; EngineError when that is None."""

    def __init__(self, probability: float | None = 0.9) -> None:
        self.probability = probability
        self.heard: list[int] = []

    def finished(self, pcm: Pcm) -> float:
        """The probability of this engine; notes how many samples it was given."""
        self.heard.append(len(pcm))
        if self.probability is None:
            msg = "told to fail"
            raise EngineError(msg)
        return self.probability


class FakeDialogue:
    """Answers with `answer(text)`; EngineError when the visitor says "fail"."""

    def __init__(self, answer: Callable[[str], str] = lambda text: f"You said: {text}") -> None:
        self._answer = answer
        self.histories: list[tuple[Exchange, ...]] = []

    def reply(self, text: str, history: Sequence[Exchange]) -> Iterator[str]:
        """The answer in two fragments."""
        self.histories.append(tuple(history))
        if text == "fail":
            msg = "told to fail"
            raise EngineError(msg)
        answer = self._answer(text)
        yield answer[: len(answer) // 2]
        yield answer[len(answer) // 2 :]


class FakeTts:
    """A 440 Hz tone of 250 ms for each word."""

    voice = Voice("fake", "en", "a tone", "none")

    def __init__(self) -> None:
        self.prosodies: list[tuple[str, Prosody]] = []

    def synthesize(self, text: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """One piece for the text, whatever the prosody; EngineError when it is "fail"."""
        self.prosodies.append((text, prosody))
        if text == "fail":
            msg = "told to fail"
            raise EngineError(msg)
        words = text.split()
        time = np.arange(WORD * len(words)) / PLAY_RATE
        pcm = (8000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
        spans = [(w, i * WORD, (i + 1) * WORD) for i, w in enumerate(words)]
        yield Speech(
            pcm,
            tuple(Phoneme("a", start, end) for _, start, end in spans),
            tuple(Word(*span) for span in spans),
            "espeak",
        )


class FakeLips:
    """Pieces of 100 ms: "a" where there is sound; fails while `broken`."""

    delay = 0.3

    def __init__(self) -> None:
        self.broken = False
        self._pcm = np.zeros(0, np.int16)

    def feed(self, pcm: Pcm) -> Iterator[Speech]:
        """The pieces that are complete; EngineError while `broken`."""
        if self.broken:
            msg = "told to fail"
            raise EngineError(msg)
        self._pcm = np.concatenate([self._pcm, pcm])
        while len(self._pcm) >= PLAY_RATE // 10:
            yield self._piece(PLAY_RATE // 10)

    def hurry(self, samples: int) -> Iterator[Speech]:
        """As many."""
        if self._pcm.size:
            yield self._piece(min(samples, len(self._pcm)))

    def flush(self) -> Iterator[Speech]:
        """The rest."""
        if self._pcm.size:
            yield self._piece(len(self._pcm))

    def _piece(self, count: int) -> Speech:
        pcm, self._pcm = self._pcm[:count], self._pcm[count:]
        symbol = "a" if np.abs(pcm).max() > 1000 else ""
        return Speech(pcm, (Phoneme(symbol, 0, count),), (), "espeak")


class FakeMotion:
    """Keeps what it was told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.felt: list[tuple[int, Affect, Expression]] = []

    def speak(self, at: int, speech: Speech) -> None:
        """Noted as ("speak", at)."""
        self.told.append(("speak", at))

    def cut(self, at: int) -> None:
        """Noted as ("cut", at)."""
        self.told.append(("cut", at))

    def attend(self, at: int, attention: Attention) -> None:
        """Noted under the attention's name."""
        self.told.append((attention, at))

    def feel(self, at: int, affect: Affect, expression: Expression = AT_EASE) -> None:
        """Noted as ("feel", at), and with what is felt in `felt`."""
        self.told.append(("feel", at))
        self.felt.append((at, affect, expression))

    def move(self, at: int, movement: Movement) -> None:
        """Noted under the movement's name."""
        self.told.append((movement, at))

    def state(self, at: int) -> FaceState:
        """Neutral, always."""
        return FaceState()

    def phoneme_at(self, at: int) -> str:
        """Silence, always."""
        return ""


class FakeGenerator:
    """Grey pictures of any puppet; fails while `broken`.

    Notes the avatars prepared, the puppets released, the portrayals of each `draw` and the
    deadline that it was given. Pictures of an avatar before nothing are double, and nobody is seen.
    """

    def __init__(self, width: int = 64, height: int = 64, batch: int = 1) -> None:
        self.width, self.height, self.batch = width, height, batch
        self.broken = self.closed = False
        self.prepared: list[Avatar] = []
        self.released: list[Puppet] = []
        self.drawn: list[tuple[Portrayal, ...]] = []
        self.deadlines: list[float] = []

    def prepare(self, avatar: Avatar) -> Puppet:
        """A new puppet; EngineError while `broken`."""
        self._check()
        self.prepared.append(avatar)
        before = " before nothing" if avatar.backdrop.kind == "nothing" else ""
        return Puppet(f"puppet {len(self.prepared)}{before}")

    def release(self, puppet: Puppet) -> None:
        """Noted in `released`."""
        self.released.append(puppet)

    def draw(self, portrayals: Sequence[Portrayal], deadline: float) -> list[I420]:
        """(height * 3 // 2, width) of 128 for each; EngineError while `broken`."""
        self._check()
        self.drawn.append(tuple(portrayals))
        self.deadlines.append(deadline)
        return [self._picture(str(each.puppet)) for each in portrayals]

    def _picture(self, puppet: str) -> I420:
        if puppet.endswith("before nothing"):
            return double.empty(self.width, self.height)
        return np.full((self.height * 3 // 2, self.width), 128, np.uint8)

    def one(self, state: FaceState) -> I420:
        """A picture of a puppet of its own: this generator as a `Draw`."""
        return draw_one(self, Puppet("own"), state)

    def close(self) -> None:
        """Noted in `closed`."""
        self.closed = True

    def _check(self) -> None:
        if self.broken:
            msg = "told to fail"
            raise EngineError(msg)
