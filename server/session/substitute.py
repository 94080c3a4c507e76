"""A person's own voice through the face of a session, in place of the avatar's: sound, lips, words.

The sound goes to the relay, which speaks it a fixed time later, and to an ear of its own, whose
words are shown to the visitor and remembered. Silence is not placed: it would count as somebody who
speaks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final

import numpy as np

from visavis.engines.base import Pcm, Speech
from visavis.server.playout.messages import TICK_RATE, Clause, Heard, Spoken, Tick, ms
from visavis.server.playout.timeline import Timeline
from visavis.server.session.attendance import Attendance
from visavis.server.session.events import Event
from visavis.server.session.hearing import Ear, Hearing
from visavis.server.session.hearing import Event as HearingEvent
from visavis.server.session.intake import taken
from visavis.server.session.lipsync import Mouth
from visavis.server.session.performing import Platform
from visavis.server.session.relaying import Relay
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics

_QUIET: Final = 64  # of 32768: -54 dBFS; a muted or suppressed microphone is below it
_PAUSE: Final[Tick] = ms(1200)  # of the voice; the face listens after it
_BACKLOG: Final = 50  # packets that wait for the relay or the ear

Way = Callable[[AsyncIterator[Pcm]], Coroutine[Any, Any, None]]


class Substitute:
    """One person's microphone, from `listen` to its end. ear: who hears the words; None: nobody."""

    def __init__(
        self,
        platform: Platform,
        attendance: Attendance,
        mouth: Mouth,
        ear: Ear | None,
        tasks: Tasks,
        metrics: Metrics,
    ) -> None:
        self._platform, self._attendance = platform, attendance
        self._clock, self._metrics = platform.clock, metrics
        self._relay = Relay(platform.clock, mouth, self._place, self._tell, metrics)
        self._hearing = None
        if ear is not None:
            alone = Timeline()  # nothing of the avatar comes back to this microphone
            self._hearing = Hearing(platform.clock, alone, ear, self._on_heard, tasks, metrics)
        self._voiced: Tick = -_PAUSE
        self._speaks = False
        self._sounded: Tick | None = None  # when there was a sound last

    def silent(self) -> float:
        """For how many s nothing was heard from the microphone; infinite: nothing ever was."""
        if self._sounded is None:
            return float("inf")
        return (self._clock.now() - self._sounded) / TICK_RATE

    async def listen(self, mic: AsyncIterator[Pcm]) -> None:
        """Speak 48 kHz mono packets until they end, or cancelled."""
        ways: list[Way] = [self._relay.run]
        if self._hearing is not None:
            ways.append(self._hearing.run)
        queues = [asyncio.Queue[Pcm | None](_BACKLOG) for _ in ways]
        try:
            async with asyncio.TaskGroup() as tasks:
                for way, queue in zip(ways, queues, strict=True):
                    tasks.create_task(way(_until_none(queue)))
                async for packet in taken(mic, self._clock, self._refused):
                    if _is_loud(packet):
                        self._sounded = self._clock.now()
                    for queue in queues:
                        await queue.put(packet)
                for queue in queues:
                    await queue.put(None)
        finally:
            self._show(speaks=False)

    def _refused(self, samples: Tick, packets: int = 0) -> None:
        self._metrics.sound_refused.inc(samples / TICK_RATE)
        self._metrics.packets_refused.inc(packets)

    def _place(self, at: Tick, speech: Speech) -> None:
        if any(phoneme.symbol for phoneme in speech.phonemes):
            self._voiced = at + len(speech.pcm)
        if _is_loud(speech.pcm):
            timeline = self._platform.timeline
            timeline.put(Spoken(timeline.turn, at, Clause("", speech)))
            self._platform.showing.speak(at, speech)
        self._show(speaks=at < self._voiced + _PAUSE)

    def _show(self, *, speaks: bool) -> None:
        if speaks != self._speaks:
            self._speaks = speaks
            self._platform.showing.attend("speaking" if speaks else "listening")

    def _tell(self, event: Event) -> None:
        self._platform.tell(event)

    def _on_heard(self, event: HearingEvent) -> None:
        if isinstance(event, Heard) and event.text:
            self._attendance.spoke(event.text)


async def _until_none(queue: asyncio.Queue[Pcm | None]) -> AsyncIterator[Pcm]:
    while (packet := await queue.get()) is not None:
        yield packet


def _is_loud(pcm: Pcm) -> bool:
    return bool(pcm.size) and int(np.abs(pcm.astype(np.int32)).max()) >= _QUIET
