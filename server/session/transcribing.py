"""A turn's frames -> its words: what is kept of the sound, and when it is transcribed.

Transcription starts at the first short pause, long before the silence that ends the turn, so that
the words are known by then; if the visitor goes on, that transcript is thrown away. Who talks for
long is transcribed in segments, each while the next one is said: only the last is waited for.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from visavis.engines.base import EngineError, Pcm, Stt, Transcript
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import Tick
from visavis.server.session.endpointing import FRAME_MS
from visavis.server.session.segments import LONGEST, quietest
from visavis.server.system.flow import Tasks
from visavis.server.system.served import Served

log = logging.getLogger(__name__)

_PRE_ROLL: Final = 300 // FRAME_MS  # frames kept from before the onset: soft first consonants
_MAX_DOUBT: Final = 0.55  # see engines/ears/hallucinations.py


class Transcribing:
    """One visitor's words, turn by turn. `known(ended)` is called when a draft has come.

    words: of the turn so far, None while nothing is known; known_at: since when.
    """

    def __init__(
        self, stt: Served[Stt], clock: Clock, tasks: Tasks, known: Callable[[Tick], None]
    ) -> None:
        self._stt, self._clock, self._tasks, self._known = stt, clock, tasks, known
        self._frames: deque[Pcm] = deque(maxlen=_PRE_ROLL)  # after the last segment
        self._before = ""
        self._done = 0  # frames in segments
        self._segments: list[Transcript] = []  # as their words come
        self._segment: asyncio.Task[None] | None = None  # the last of them
        self._task: asyncio.Task[None] | None = None
        self.words: Transcript | None = None
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

    def keep(self, frame: Pcm) -> None:
        """A frame of the turn, or of what may become one."""
        self._frames.append(frame)
        if len(self._frames) >= LONGEST:
            self._cut()

    def begin(self, before: str = "") -> None:
        """A turn: from here on every frame is kept, and those from just before it.

        before: words that it may go on with.
        """
        self._frames = deque(self._frames)
        self._before = before

    def draft(self, ended: Tick) -> None:
        """Transcribe what is kept; ended: the last tick of voice in it."""
        self.drop()
        work = self._draft(np.concatenate(self._frames), self._segments, self._segment, ended)
        self._task = self._tasks.start(work, name="transcribe")

    def drop(self) -> None:
        """The visitor goes on: what was transcribed is not all."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        self._task, self.words = None, None

    def reset(self, *, silent: bool = False) -> None:
        """The turn is over. silent: for so long that what was heard last may begin another one."""
        self._frames = deque(self._frames if silent else (), maxlen=_PRE_ROLL)
        self.drop()
        if self._segment is not None:
            self._segment.cancel()
        self._segments, self._segment, self._done = [], None, 0

    def _cut(self) -> None:
        """Transcribe a segment of what is kept, and keep the rest."""
        frames = list(self._frames)
        at = quietest(frames)
        work = self._add(np.concatenate(frames[:at]), self._segments, self._segment)
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
        pcm: Pcm,
        segments: list[Transcript],
        last: asyncio.Task[None] | None,
        ended: Tick,
    ) -> None:
        if last is not None:
            await asyncio.wait([last])  # a draft that is dropped does not take it along
        parts = list(segments)
        parts.append(await self._heard(pcm, _text(parts) or self._before))
        self.words = _joined(parts)
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
