"""Microphone -> speech started, drafted and heard: resampling, echo, voice activity, turns, words.

Transcription starts at the first short pause, long before the silence that ends the turn, so that
the words are known by then; if the visitor goes on, that transcript is thrown away.

A stage that fails is made anew and the session is told. Without echo cancelling the visitor is not
heard while the avatar speaks; without voice activity not at all, for a minute each.
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
from visavis.server.session.events import Failure
from visavis.server.session.gate import Gate
from visavis.server.session.renewing import Renewed, Strikes
from visavis.server.system.faults import fault, trace
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Served

log = logging.getLogger(__name__)

Event = SpeechStarted | Drafted | Heard | Failure
_PRE_ROLL: Final = 300 // FRAME_MS  # frames kept from before the onset: soft first consonants
_MAX_DOUBT: Final = 0.75
_ECHO: Final[Tick] = ms(400)  # after which the avatar's own sound comes back at the latest
_LEARNING: Final[Tick] = ms(1000)  # that a new echo canceller takes to know the room

RESTARTED: Final = Failure("hearing-restarted", "A word may be lost: my hearing was restarted.")
DEAF: Final = Failure("hearing-failed", "I cannot hear you for the moment. Please type instead.")
HALF_DEAF: Final = Failure("echo-failed", "I cannot hear you while I speak, for the moment.")


@dataclass(frozen=True, slots=True)
class Ear:
    """What hears one visitor: echo cancellers and voice activity are made for the session."""

    echo: Callable[[], EchoCanceller]
    vad: Callable[[], Vad]
    stt: Served[Stt]
    limits: Endpointing


def _transcribe(stt: Stt, pcm: Pcm) -> Transcript:
    heard = stt.transcribe(pcm)
    return Transcript(str(heard.text), float(heard.doubt))  # what is none fails here, in its thread


def _cleaned(echo: EchoCanceller, mic: Pcm, far: Pcm) -> Pcm:
    clean = echo.process(mic, far)
    if clean.shape != mic.shape or clean.dtype != mic.dtype:
        raise EngineError(f"echo canceller: {clean.shape} {clean.dtype} came back")
    return clean


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
        metrics: Metrics,
    ) -> None:
        self._clock, self._timeline, self._metrics = clock, timeline, metrics
        self._stt, self._limits = ear.stt, ear.limits
        self._echo = Renewed("echo", ear.echo, clock, metrics, self._echo_failed)
        self._vad = Renewed("vad", ear.vad, clock, metrics, self._vad_failed)
        self._tone = Renewed("tone", Tone, clock, metrics)
        self._unsure_until: Tick = 0  # the echo canceller is new
        self._strikes = Strikes(clock)  # of what is not an engine's fault
        self._emit, self._tasks = emit, tasks
        self._near, self._far = Resampler(), Resampler()
        self._turn = Endpointer(self._limits)
        self._frames: deque[Pcm] = deque(maxlen=_PRE_ROLL)
        self._ended: Tick = 0
        self._gate = Gate(clock)
        self._task: asyncio.Task[None] | None = None
        self._words: Transcript | None = None
        self._transcribed: Tick = 0
        self._finishing = False

    async def run(self, mic: AsyncIterator[Pcm]) -> None:
        """Listen to 48 kHz mono packets until they end."""
        try:
            async for packet in mic:
                if not self._strikes.resting:
                    self._take(packet)
        finally:
            self._drop_transcript()
            self._break_off()

    def switch(self, on: bool) -> None:
        """Open or close the ear; closing it while the visitor speaks ends the turn at once.

        What was said before the button was released is still under way, and is heard.
        """
        self._gate.switch(on)

    def _take(self, packet: Pcm) -> None:
        now = self._clock.now()
        try:
            played = self._timeline.audio(now - len(packet), len(packet))
            near, far = self._near.push(packet), self._far.push(played)
            for frame, reference in zip(near, far, strict=True):
                self._hear(self._clean(frame, reference, now), now)
        except Exception as error:  # noqa: BLE001 (one frame must not deafen the session)
            self._begin_anew(error)

    def _clean(self, mic: Pcm, far: Pcm, now: Tick) -> Pcm:
        """The microphone without the avatar; silence where the avatar would hear itself."""
        clean = self._echo.call(lambda echo: _cleaned(echo, mic, far), None)
        unsure = clean is None or now < self._unsure_until
        if unsure and self._timeline.audible(now - _ECHO):
            return np.zeros_like(mic)
        return mic if clean is None else clean

    def _echo_failed(self, resting: bool) -> None:
        self._unsure_until = self._clock.now() + _LEARNING
        self._tell(HALF_DEAF if resting else RESTARTED)

    def _vad_failed(self, resting: bool) -> None:
        self._tell(DEAF if resting else RESTARTED)

    def _begin_anew(self, error: Exception) -> None:
        """Something else than an engine failed: nothing of its state is kept."""
        self._strikes.add()
        resting = self._strikes.resting
        extra = {"fault": fault(error), "trace": trace(error), "resting": resting}
        log.error("hearing is begun anew", extra=extra)
        self._metrics.engine_errors.labels("hearing").inc()
        self._near, self._far = Resampler(), Resampler()
        self._tell(DEAF if resting else RESTARTED)
        self._break_off()

    def _break_off(self) -> None:
        """What the visitor was saying is not heard to its end."""
        talking = self._turn.talking
        self._turn = Endpointer(self._limits)
        self._reset()
        if talking:
            self._tell(Heard("", self._ended, self._clock.now()))

    def _tell(self, event: Event) -> None:
        """`emit` where a failure of it has no further consequence."""
        try:
            self._emit(event)
        except Exception as error:  # noqa: BLE001
            log.error("hearing could not tell", extra={"fault": fault(error)})  # noqa: TRY400

    def _hear(self, frame: Pcm, now: Tick) -> None:
        closed = self._gate.closed(now)
        if closed and not self._turn.talking:
            return
        if closed and not self._finishing:
            self._finish()
        voice = not closed and self._vad.call(lambda vad: bool(vad.is_speech(frame)), False)
        self._frames.append(frame)
        if voice:
            self._ended = now
            self._tone.call(lambda tone: tone.feed(frame), None)
        change = self._turn.push(voice, self._timeline.audible(now))
        if change == "started":
            # From here on every frame is kept: lift the bound of the pre-roll.
            self._frames = deque(self._frames)
            self._tone.call(Tone.begin, None)
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
        try:
            self._know(words, ended)
        except Exception as error:  # noqa: BLE001 (a turn whose words are never known never ends)
            self._begin_anew(error)

    def _know(self, words: Transcript, ended: Tick) -> None:
        self._words = words if words.doubt < _MAX_DOUBT else Transcript("", words.doubt)
        self._transcribed = self._clock.now()
        if self._words.text:
            self._emit(Drafted(self._words.text, ended, self._arousal()))
        self._maybe_finish()

    def _arousal(self) -> float:
        return self._tone.call(Tone.arousal, 0.0)

    def _maybe_finish(self) -> None:
        """End the turn once its words are known and the silence is long enough for them."""
        if len(self._frames) * FRAME_MS >= self._limits.longest and not self._finishing:
            self._finish()
        if self._words is None:
            return
        if self._finishing or self._turn.silence >= self._limits.silence_for(self._words.text):
            arousal = self._arousal()
            heard = Heard(self._words.text, self._ended, self._transcribed, arousal)
            if heard.text:
                self._tone.call(Tone.learn, None)
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
