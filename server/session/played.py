"""What a visitor's outlet tells of what it handed over, and what it missed: marks and metrics."""

from __future__ import annotations

from collections.abc import Callable

from visavis.engines.base import I420
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import FRAME, PACKET, TICK_RATE, Tick
from visavis.server.playout.timeline import Timeline
from visavis.server.session.doors import Missed, Playout
from visavis.server.session.receipt import Marks
from visavis.server.system.metrics import Metrics


class Played:
    """Of one session.

    marks: those of the reply under way, None: there is none. sounds: who else is told of sound.
    """

    def __init__(
        self,
        metrics: Metrics,
        marks: Callable[[], Marks | None],
        sounds: Callable[[Tick, Tick], None],
    ) -> None:
        self._metrics, self._marks, self._sounds = metrics, marks, sounds

    def playout(self, clock: Clock, timeline: Timeline, neutral: I420, double: int) -> Playout:
        """What an outlet plays. neutral: the face before any picture; double: see `Engines`."""
        newest = timeline.newest
        return Playout(
            clock,
            timeline.reader(),
            neutral if newest is None else newest.image,
            self.sound_sent,
            self.picture_sent,
            self.missed,
            double,
        )

    def sound_sent(self, at: Tick, now: Tick) -> None:
        """A packet that plays at `at` was handed over."""
        self._sounds(at, now)
        if (marks := self._marks()) is not None:
            marks.sound_sent(at, now, PACKET)

    def picture_sent(self, at: Tick, now: Tick, in_time: bool) -> None:
        """The picture for `at` was handed over; the last one again if no new one came in time."""
        self._metrics.frames.inc()
        if not in_time:
            self._metrics.late.inc()
        if (marks := self._marks()) is not None:
            marks.picture_sent(at, now)

    def missed(self, length: Tick, what: Missed) -> None:
        """So much was not sent, or was sent late."""
        if what == "picture":
            self._metrics.skipped.inc(length // FRAME)
            self._metrics.late.inc(length // FRAME)
        elif what == "gap":
            self._metrics.sound_gap.observe(length / TICK_RATE)
        else:
            self._metrics.sound_left_out.labels(what).inc(length / TICK_RATE)
