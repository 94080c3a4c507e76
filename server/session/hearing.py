"""Microphone -> speech started, drafted and heard: voice activity and turns, over two parts.

`microphone` takes the avatar out of the sound, `transcribing` makes words of it. A stage that
fails is made anew and the session is told; without voice activity the visitor is not heard for a
minute.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from visavis.engines.base import EchoCanceller, Pcm, Stt, Vad
from visavis.engines.ears.tone import Tone
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import Drafted, Heard, SpeechStarted, Tick, ms
from visavis.server.playout.timeline import Timeline
from visavis.server.session.endpointing import Endpointer, Endpointing
from visavis.server.session.events import Failure
from visavis.server.session.gate import Gate
from visavis.server.session.microphone import Microphone
from visavis.server.session.nearness import Nearness
from visavis.server.session.renewing import Renewed, Strikes
from visavis.server.session.transcribing import Transcribing
from visavis.server.system.faults import fault, trace
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Served

log = logging.getLogger(__name__)

Event = SpeechStarted | Drafted | Heard | Failure

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
        self._limits, self._emit = ear.limits, emit
        self._microphone = Microphone(clock, timeline, ear.echo, metrics, self._echo_failed)
        self._vad = Renewed("vad", ear.vad, clock, metrics, self._vad_failed)
        self._tone = Renewed("tone", Tone, clock, metrics)
        self._strikes = Strikes(clock)  # of what is not an engine's fault
        self._turn = Endpointer(self._limits)
        self._words = Transcribing(ear.stt, clock, tasks, self._known)
        self._ended: Tick = 0  # the last tick of voice
        self._gate = Gate(clock)
        self._nearness = Nearness()
        self._finishing = False
        self._soon = False  # the turn ends with a short silence

    async def run(self, mic: AsyncIterator[Pcm]) -> None:
        """Listen to 48 kHz mono packets until they end."""
        self._microphone.begin_anew()
        try:
            async for packet in mic:
                if not self._strikes.resting:
                    self._take(packet)
        finally:
            self._words.drop()
            self._break_off()

    def switch(self, on: bool) -> None:
        """Open or close the ear; closing it while the visitor speaks ends the turn at once.

        What was said before the button was released is still under way, and is heard.
        """
        self._gate.switch(on)

    def end_soon(self) -> None:
        """The words so far leave the turn to the avatar: if no others follow, it goes on soon."""
        self._soon = True

    def _take(self, packet: Pcm) -> None:
        now = self._clock.now()
        try:
            for frame in self._microphone.take(packet, now):
                self._hear(frame, now)
        except Exception as error:  # noqa: BLE001 (one frame must not deafen the session)
            self._begin_anew(error)

    def _echo_failed(self, resting: bool) -> None:
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
        self._microphone.begin_anew()
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
        over_reply = not self._turn.talking and self._timeline.audible(now)
        voice = self._nearness.feed(frame, voice=voice, over_reply=over_reply)
        self._words.keep(frame)
        if voice:
            self._ended = now
            self._tone.call(lambda tone: tone.feed(frame), None)
        change = self._turn.push(voice, over_reply, near=not over_reply or self._nearness.near)
        if change == "started":
            self._nearness.begin(over_reply=over_reply)
            self._words.begin()
            self._tone.call(Tone.begin, None)
            self._emit(SpeechStarted(now - ms(2 * self._limits.onset)))
        elif change == "resumed" and not self._finishing:
            self._soon = False
            self._words.drop()
        elif change == "paused" and not self._finishing:
            self._words.draft(self._ended)
        if self._turn.talking and voice and self._nearness.far():
            self._break_off()
        if self._turn.talking:
            self._maybe_finish()

    def _finish(self) -> None:
        """End the turn as soon as its words are known; at a pause they are under way already."""
        self._finishing = True
        if not self._words.under_way:
            self._words.draft(self._ended)

    def _known(self, ended: Tick) -> None:
        """The words up to `ended` have come."""
        try:
            words = self._words.words
            if words is not None:
                self._emit(Drafted(words.text, ended, self._arousal()))
            self._maybe_finish()
        except Exception as error:  # noqa: BLE001 (a turn whose words are never known never ends)
            self._begin_anew(error)

    def _arousal(self) -> float:
        return self._tone.call(Tone.arousal, 0.0)

    def _maybe_finish(self) -> None:
        """End the turn once its words are known and the silence is long enough for them."""
        if self._words.length >= self._limits.longest and not self._finishing:
            self._finish()
        words = self._words.words
        if words is None:
            return
        limit = self._limits.end_held if self._soon else self._limits.silence_for(words.text)
        if self._finishing or self._turn.silence >= limit:
            heard = Heard(words.text, self._ended, self._words.known_at, self._arousal())
            if heard.text:
                self._tone.call(Tone.learn, None)
                self._nearness.learn()
            self._reset()
            self._emit(heard)

    def _reset(self) -> None:
        self._turn.reset()
        self._words.reset()
        self._finishing = self._soon = False
