"""A turn's frames -> its words: what is kept of the sound, and when it is transcribed.

Transcription starts at the first short pause, long before the silence that ends the turn, so that
the words are known by then; if the visitor goes on, that transcript is thrown away. Who talks for
long is transcribed in segments, each while the next one is said: only the last is waited for.
The sound of the turn before is kept for a while: who speaks over the first words of an answer may
have been in the middle of a sentence, and both pieces are heard together then.
whisper may stop at a pause: where a longer sound has fewer words than a draft of its beginning,
what followed that draft is heard by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from visavis.engines.base import EngineError, Pcm, Stt, Transcript
from visavis.engines.language.backchannels import only_follows
from visavis.engines.language.phrases import words_of
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import Tick
from visavis.server.session.endpointing import FRAME_MS
from visavis.server.session.halves import Halves, parted
from visavis.server.session.segments import LONGEST, quietest, tightened
from visavis.server.system.flow import Tasks
from visavis.server.system.served import Served

log = logging.getLogger(__name__)

_PRE_ROLL: Final = 300 // FRAME_MS  # frames kept from before the onset: soft first consonants
_MAX_DOUBT: Final = 0.55  # see engines/ears/hallucinations.py
# Frames from before the onset in which there may be voice: over a reply it has to be as loud as the
# visitor is otherwise, and over the first second of one an echo canceller takes half of it away.
_REACH: Final = 1500 // FRAME_MS
_AGAIN: Final = 10_000 // FRAME_MS  # a turn that was longer is not heard again
_MORE: Final = 500 // FRAME_MS  # frames of voice in which there are more words
_BRIEF: Final = 1000 // FRAME_MS  # what is shorter may be a noise, and is heard alone as well


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms without the avatar, the same as it came, and whether it was taken for voice."""

    pcm: Pcm
    bare: Pcm
    voice: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """What was heard of so many frames after the segments, which had `done`."""

    done: int
    frames: int
    words: Transcript


@dataclass(frozen=True, slots=True)
class Earlier:
    """The turn before: its words, and its sound unless that is long."""

    text: str
    frames: tuple[Frame, ...]


class Transcribing:
    """One visitor's words, turn by turn. `known(ended)` is called when a draft has come.

    words: of the turn so far, None while nothing is known; known_at: since when. one: the same
    together with the turn before, as one sentence; "" where it is none or was not heard again.
    """

    def __init__(
        self, stt: Served[Stt], clock: Clock, tasks: Tasks, known: Callable[[Tick], None]
    ) -> None:
        self._stt, self._clock, self._tasks, self._known = stt, clock, tasks, known
        self._frames: deque[Frame] = deque(maxlen=_REACH)  # after the last segment
        self._earlier: Earlier | None = None
        self._again: Earlier | None = None  # what this turn is heard together with
        self._lead: list[Frame] = []  # from before this turn
        self._drafted = 0  # frames of those kept that were to be transcribed last
        self._believed: Draft | None = None  # the last that was not cut short
        self._goes_on = False  # the next turn begins in the middle of what is said
        self._before = ""
        self._done = 0  # frames in segments
        self._segments: list[Transcript] = []  # as their words come
        self._segment: asyncio.Task[None] | None = None  # the last of them
        self._task: asyncio.Task[None] | None = None
        self.words: Transcript | None = None
        self.one = ""
        self.known_at: Tick = 0

    @property
    def length(self) -> int:
        """Milliseconds of sound in the turn."""
        return (self._done + len(self._frames)) * FRAME_MS

    @property
    def under_way(self) -> bool:
        """Whether the turn as it stands is being transcribed, or was."""
        return self._task is not None

    def listen_with(self, stt: Served[Stt]) -> None:
        """Another recogniser for what is transcribed from now on."""
        self._stt = stt

    def keep(self, frame: Pcm, bare: Pcm | None = None, *, voice: bool = True) -> None:
        """A frame of the turn, or of what may become one; bare: as it came from the microphone."""
        self._frames.append(Frame(frame, frame if bare is None else bare, voice))
        if len(self._frames) >= LONGEST:
            self._cut()

    def begin(self, *, reach: bool = False) -> None:
        """A turn: from here on every frame is kept, and those from just before it.

        reach: those too that lead up to it, though they were not believed.
        """
        frames = list(self._frames)
        began = _first_voice(frames) if reach or self._goes_on else len(frames)
        began = max(0, began - _PRE_ROLL)
        self._lead, self._frames = frames[:began], deque(frames[began:])
        self._before, self._goes_on, self._believed = "", False, None

    def set_aside(self, text: str) -> None:
        """The turn is over, its words were `text`; what is said next may belong to it."""
        again = self._again.frames if self._again is not None and self.one else ()
        frames = (*again, *self._frames)
        self._earlier = Earlier(text, () if self._done or len(frames) > _AGAIN else frames)

    def take_up(self) -> None:
        """What is said now may be the rest of the turn before: it is heard again with it."""
        if self._earlier is not None:
            self._before = self._earlier.text
            self._again = self._earlier if self._earlier.frames else None

    def forget(self) -> None:
        """What is said next belongs to nothing that was said before."""
        self._earlier = None

    def draft(self, ended: Tick, *, bare: bool = False) -> None:
        """Transcribe what is kept; ended: the last tick of voice in it.

        bare: there is no echo of the avatar in the sound as it came.
        """
        self.drop()
        frames = list(self._frames)
        self._drafted = len(frames)
        if self._again is not None and not self._done:
            brief = len(frames) < _BRIEF
            if bare:  # as it came, nothing of it is missing
                frames = [replace(f, pcm=f.bare) for f in (*self._lead, *frames)]
            work = self._draft_both(self._again, frames, ended, brief=brief)
        else:
            work = self._draft(frames, self._done, self._segments, self._segment, ended)
        self._task = self._tasks.start(work, name="transcribe")

    def nothing(self, ended: Tick) -> None:
        """What is kept is known to hold no words."""
        self.drop()
        self._learn(Transcript("", 1.0), "", ended)

    def drop(self) -> None:
        """The visitor goes on: what was transcribed is not all."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        self._task, self.words, self.one = None, None, ""

    def reset(self, *, silent: bool = False, cut: bool = False) -> None:
        """The turn is over. silent: for so long that what was heard last may begin another one.

        cut: the visitor goes on, and what was said since the last draft begins the next turn.
        """
        frames = list(self._frames)
        kept = frames[self._drafted :] if cut else frames[-_PRE_ROLL:] if silent else []
        self._frames, self._goes_on, self._lead = deque(kept, maxlen=_REACH), cut, []
        self._again = None
        self.drop()
        if self._segment is not None:
            self._segment.cancel()
        self._segments, self._segment, self._done = [], None, 0
        self._believed = None

    def _cut(self) -> None:
        """Transcribe a segment of what is kept, and keep the rest."""
        frames = list(self._frames)
        at = quietest([frame.pcm for frame in frames])
        work = self._add(_sound(frames[:at]), self._segments, self._segment)
        self._segment = self._tasks.start(work, name="segment")
        self._frames, self._done = deque(frames[at:]), self._done + at

    async def _add(
        self, pcm: Pcm, segments: list[Transcript], earlier: asyncio.Task[None] | None
    ) -> None:
        if earlier is not None:
            await earlier
        segments.append(await self._heard(pcm, _text(segments) or self._before))

    async def _draft(
        self,
        frames: list[Frame],
        done: int,
        segments: list[Transcript],
        last: asyncio.Task[None] | None,
        ended: Tick,
    ) -> None:
        if last is not None:
            await asyncio.wait([last])  # a draft that is dropped does not take it along
        parts = list(segments)
        before, believed = _text(parts) or self._before, self._believed
        words = await self._heard(_sound(frames), before)
        rest = frames[believed.frames :] if believed and believed.done == done else []
        more = sum(frame.voice for frame in rest) >= _MORE
        if believed and more and _is_cut_short(words.text, believed.words.text):
            after = f"{before} {believed.words.text}".strip()
            words = _joined([believed.words, await self._heard(_sound(rest), after)])
        else:
            self._believed = Draft(done, len(frames), words)
        self._learn(_joined([*parts, words]), "", ended)

    async def _draft_both(
        self, earlier: Earlier, frames: list[Frame], ended: Tick, *, brief: bool
    ) -> None:
        """The turn so far together with the one before, and alone where it may be no words."""
        both = await self._heard(_sound([*earlier.frames, *frames]), "")
        found = parted(both.text, earlier.text, both.language)
        if not found.rest or brief:
            alone = await self._heard(_sound(frames), self._before)
            if not found.rest or only_follows(alone.text, alone.language):
                both, found = alone, Halves(alone.text, "")
        self._learn(replace(both, text=found.rest), found.one, ended)

    def _learn(self, words: Transcript, one: str, ended: Tick) -> None:
        self.words, self.one = words, one
        self.known_at = self._clock.now()
        self._known(ended)

    async def _heard(self, pcm: Pcm, before: str) -> Transcript:
        """The words of one piece of sound; none where they are in doubt."""
        try:
            words = await self._stt.call(_transcribe, pcm, before)
        except EngineError as error:
            log.warning("transcription failed", extra={"fault": str(error)})
            return Transcript("", 1.0)
        return words if words.doubt < _MAX_DOUBT else replace(words, text="")


def _sound(frames: list[Frame]) -> Pcm:
    """As the recogniser is given it."""
    return np.concatenate(tightened([f.pcm for f in frames], [f.voice for f in frames]))


def _first_voice(frames: list[Frame]) -> int:
    """Where the voice began that leads up to the end, with no pause in it."""
    first = len(frames)
    for at in range(len(frames) - 1, -1, -1):
        if frames[at].voice:
            first = at
        elif first - at > _PRE_ROLL:
            break
    return first


def _is_cut_short(words: str, before: str) -> bool:
    """Whether of a longer sound less was heard than `before`: whisper may stop at a pause in it."""
    now, then = words_of(words), words_of(before)
    return 0 < len(now) < len(then) and then[: len(now)] == now


def _text(parts: list[Transcript]) -> str:
    return " ".join(part.text for part in parts if part.text)


def _joined(parts: list[Transcript]) -> Transcript:
    return Transcript(
        _text(parts),
        min(part.doubt for part in parts),
        min(part.foreign for part in parts),
        max(part.speech for part in parts),
        next((part.language for part in reversed(parts) if part.text), parts[-1].language),
    )


def _transcribe(stt: Stt, pcm: Pcm, before: str) -> Transcript:
    heard = stt.transcribe(pcm, before)
    # What is none fails here, in its thread.
    return Transcript(
        str(heard.text),
        float(heard.doubt),
        float(heard.foreign),
        float(heard.speech),
        str(heard.language),
    )
