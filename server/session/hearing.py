"""Microphone -> speech started, drafted and heard: resampling, echo, voice activity, turns, words.

Transcription starts at the first short pause, long before the silence that ends the turn, so that
the words are known by then; if the visitor goes on, that transcript is thrown away.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import soxr  # type: ignore[import-untyped]

from visavis.engines.base import (
    HEAR_RATE,
    PLAY_RATE,
    VAD_FRAME,
    EchoCanceller,
    EngineError,
    Pcm,
    Stt,
    Transcript,
    Vad,
)
from visavis.engines.ears.tone import Tone
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import Drafted, Heard, SpeechStarted, Tick, ms
from visavis.server.playout.timeline import Timeline
from visavis.server.session.endpointing import FRAME_MS, Endpointer, Endpointing
from visavis.server.session.gate import Gate
from visavis.server.system.flow import Tasks
from visavis.server.system.served import Served

log = logging.getLogger(__name__)

Event = SpeechStarted | Drafted | Heard
_PRE_ROLL: Final = 300 // FRAME_MS  # frames kept from before the onset: soft first consonants
_MAX_DOUBT: Final = 0.75


@dataclass(frozen=True, slots=True)
class Ear:
    """What hears one visitor: echo canceller and voice activity are the session's own."""

    echo: EchoCanceller
    vad: Vad
    stt: Served[Stt]
    limits: Endpointing


def _transcribe(stt: Stt, pcm: Pcm) -> Transcript:
    return stt.transcribe(pcm)


class Resampler:
    """48 kHz mono in pieces of any size -> 20 ms frames at 16 kHz."""

    def __init__(self) -> None:
        self._stream = soxr.ResampleStream(PLAY_RATE, HEAR_RATE, 1, dtype="int16", quality="QQ")
        self._left = np.zeros(0, np.int16)

    def push(self, pcm: Pcm) -> list[Pcm]:
        """The whole frames that `pcm` completes."""
        held = np.concatenate([self._left, self._stream.resample_chunk(pcm)])
        whole = len(held) - len(held) % VAD_FRAME
        self._left = held[whole:]
        return [held[i : i + VAD_FRAME] for i in range(0, whole, VAD_FRAME)]


class Hearing:
    """One visitor's ear. `emit` is called in the event loop, in order, and must not block."""

    def __init__(
        self,
        clock: Clock,
        timeline: Timeline,
        ear: Ear,
        emit: Callable[[Event], None],
        tasks: Tasks,
    ) -> None:
        self._clock, self._timeline = clock, timeline
        self._echo, self._vad, self._stt, self._limits = ear.echo, ear.vad, ear.stt, ear.limits
        self._emit, self._tasks = emit, tasks
        self._turn = Endpointer(self._limits)
        self._tone = Tone()
        self._frames: deque[Pcm] = deque(maxlen=_PRE_ROLL)
        self._ended: Tick = 0
        self._gate = Gate(clock)
        self._task: asyncio.Task[None] | None = None
        self._words: Transcript | None = None
        self._transcribed: Tick = 0
        self._finishing = False

    async def run(self, mic: AsyncIterator[Pcm]) -> None:
        """Listen to 48 kHz mono packets until they end."""
        near, far = Resampler(), Resampler()
        try:
            async for packet in mic:
                now = self._clock.now()
                played = self._timeline.audio(now - len(packet), len(packet))
                for frame, reference in zip(near.push(packet), far.push(played), strict=True):
                    self._hear(self._echo.process(frame, reference), now)
        finally:
            self._drop_transcript()
            if self._turn.talking:
                self._reset()
                self._emit(Heard("", self._ended, self._clock.now()))

    def switch(self, on: bool) -> None:
        """Open or close the ear; closing it while the visitor speaks ends the turn at once.

        What was said before the button was released is still under way, and is heard.
        """
        self._gate.switch(on)

    def _hear(self, frame: Pcm, now: Tick) -> None:
        closed = self._gate.closed(now)
        if closed and not self._turn.talking:
            return
        if closed and not self._finishing:
            self._finish()
        voice = not closed and self._vad.is_speech(frame)
        self._frames.append(frame)
        if voice:
            self._ended = now
            self._tone.feed(frame)
        change = self._turn.push(voice, self._timeline.audible(now))
        if change == "started":
            # From here on every frame is kept: lift the bound of the pre-roll.
            self._frames = deque(self._frames)
            self._tone.begin()
            self._emit(SpeechStarted(now - ms(2 * self._limits.onset)))
        elif change == "resumed" and not self._finishing:
            self._drop_transcript()
        elif change == "paused" and not self._finishing:
            self._start_transcript()
        if self._turn.talking:
            self._maybe_finish()

    def _finish(self) -> None:
        """End the turn as soon as its words are known; at a pause they are under way already."""
        self._finishing = True
        if self._task is None:
            self._start_transcript()

    def _start_transcript(self) -> None:
        self._drop_transcript()
        pcm = np.concatenate(self._frames)
        self._task = self._tasks.start(self._draft(pcm, self._ended), name="transcribe")

    async def _draft(self, pcm: Pcm, ended: Tick) -> None:
        try:
            words = await self._stt.call(_transcribe, pcm)
        except EngineError as error:
            log.warning("transcription failed", extra={"fault": str(error)})
            words = Transcript("", 1.0)
        self._words = words if words.doubt < _MAX_DOUBT else Transcript("", words.doubt)
        self._transcribed = self._clock.now()
        if self._words.text:
            self._emit(Drafted(self._words.text, ended, self._tone.arousal()))
        self._maybe_finish()

    def _maybe_finish(self) -> None:
        """End the turn once its words are known and the silence is long enough for them."""
        if len(self._frames) * FRAME_MS >= self._limits.longest and not self._finishing:
            self._finish()
        if self._words is None:
            return
        if self._finishing or self._turn.silence >= self._limits.silence_for(self._words.text):
            arousal = self._tone.arousal()
            heard = Heard(self._words.text, self._ended, self._transcribed, arousal)
            if heard.text:
                self._tone.learn()
            self._reset()
            self._emit(heard)

    def _reset(self) -> None:
        self._turn.reset()
        self._frames = deque(maxlen=_PRE_ROLL)
        self._drop_transcript()
        self._finishing = False

    def _drop_transcript(self) -> None:
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        self._task, self._words = None, None
