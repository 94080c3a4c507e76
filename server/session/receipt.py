"""The record of one turn: when each stage happened. Keeps times only, never words."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from visavis.server.playout.messages import Ending, Request, Tick, to_ms
from visavis.server.session.events import Receipt
from visavis.server.system.metrics import Metrics

log = logging.getLogger(__name__)

_STAGES = ("transcript", "first_clause", "first_sound", "first_picture", "interrupted", "ended")


@dataclass(slots=True)
class Marks:
    """Ticks of a turn's stages; None until they happen. tools: s of each tool that was used."""

    turn: int
    request: Request
    tools: Sequence[float] = ()
    starts: Tick | None = None  # tick at which the first sound is due
    first_clause: Tick | None = None
    first_sound: Tick | None = None
    first_picture: Tick | None = None
    sound_delay: Tick = 0  # how much later than its tick the first sound was handed over
    picture_delay: Tick = 0
    interrupted: Tick | None = None
    ended: Tick | None = None

    def sound_sent(self, at: Tick, now: Tick, length: Tick) -> None:
        """A packet of `length` that plays at `at` was handed over."""
        if self.first_sound is None and self.starts is not None and at + length > self.starts:
            self.sound_delay = now - at
            self.first_sound = self.starts + self.sound_delay

    def picture_sent(self, at: Tick, now: Tick) -> None:
        """The picture for `at` was handed over."""
        if self.first_picture is None and self.starts is not None and at >= self.starts:
            self.picture_delay = now - at
            self.first_picture = now

    def receipt(self) -> Receipt:
        """The turn as it is told."""
        return Receipt(
            turn=self.turn,
            origin=self.request.origin,
            transcript=self._since(self.request.transcribed),
            first_clause=self._since(self.first_clause),
            first_sound=self._since(self.first_sound),
            first_picture=self._since(self.first_picture),
            interrupted=self._since(self.interrupted),
            ended=self._since(self.ended),
            skew=self._skew_ms,
            tools=tuple(round(1000 * seconds, 1) for seconds in self.tools),
        )

    @property
    def _skew_ms(self) -> float | None:
        if self.first_sound is None or self.first_picture is None:
            return None
        return round(to_ms(self.picture_delay - self.sound_delay), 1)

    def _since(self, at: Tick | None) -> float | None:
        return None if at is None else round(to_ms(at - self.request.origin_at), 1)


def publish(marks: Marks, ending: Ending, session: str, metrics: Metrics) -> Receipt:
    """One log line and the histograms for a turn that is over."""
    receipt = marks.receipt()
    metrics.turns.labels(ending).inc()
    times = {stage: getattr(receipt, stage) for stage in _STAGES}
    for stage, value in times.items():
        if value is not None:
            metrics.stage.labels(receipt.origin, stage).observe(max(0.0, value / 1000))
    if receipt.skew is not None:
        metrics.skew.observe(receipt.skew / 1000)
    log.info(
        "turn ended",
        extra={
            "session": session,
            "turn": receipt.turn,
            "origin": receipt.origin,
            "ending": ending,
            "skew_ms": receipt.skew,
            "tools_ms": receipt.tools,
            **{f"{stage}_ms": value for stage, value in times.items()},
        },
    )
    return receipt
