"""Sound that comes to a session: given to who listens or relays; what is refused is counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from visavis.engines.base import Pcm
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import TICK_RATE, Tick
from visavis.server.playout.timeline import Timeline
from visavis.server.session.events import Event
from visavis.server.session.hearing import DEAF, Ear, Hearing
from visavis.server.session.hearing import Event as HearingEvent
from visavis.server.session.intake import taken
from visavis.server.session.lipsync import Mouth
from visavis.server.session.relayed import Relayed
from visavis.server.session.relaying import Relay
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Sound:
    """Where a visitor's sound leads in one session. heard: what is told of it by who hears it.

    relayed: where it is placed that the face speaks itself; tell: for who sees the session.
    """

    clock: Clock
    timeline: Timeline
    tasks: Tasks
    heard: Callable[[HearingEvent], None]
    relayed: Relayed
    tell: Callable[[Event], None]
    metrics: Metrics

    def to(self, ear: Ear | Mouth | None) -> Hearing | Relay | None:
        """To one who hears and answers, to one who speaks it after them, or to nobody."""
        if isinstance(ear, Ear):
            return Hearing(self.clock, self.timeline, ear, self.heard, self.tasks, self.metrics)
        if ear is None:
            return None
        return Relay(self.clock, ear, self.relayed.place, self.tell, self.metrics)


class Listening:
    """Of one session. ear: None: it hears nothing."""

    def __init__(
        self,
        ear: Hearing | Relay | None,
        clock: Clock,
        tell: Callable[[Event], None],
        metrics: Metrics,
    ) -> None:
        self._ear, self._clock, self._tell, self._metrics = ear, clock, tell, metrics

    async def run(self, mic: AsyncIterator[Pcm]) -> None:
        """Hear the visitor, or speak their sound: 48 kHz mono packets until they end."""
        if self._ear is None:
            return
        try:
            await self._ear.run(taken(mic, self._clock, self.refused))
        except Exception:
            self._metrics.engine_errors.labels("inlet").inc()
            self._tell(DEAF)
            raise

    def refused(self, samples: Tick, packets: int = 0) -> None:
        """A visitor's sound was left out, or packets of it: more than a microphone makes."""
        self._metrics.sound_refused.inc(samples / TICK_RATE)
        self._metrics.packets_refused.inc(packets)

    def switch(self, on: bool) -> None:
        """Open or close the ear."""
        if self._ear is not None:
            self._ear.switch(on)
