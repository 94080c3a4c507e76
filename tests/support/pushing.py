"""A session of the source "voice" on fakes, in virtual time, and sound that can be told apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from support.stage import Stage

from visavis.engines import fake
from visavis.engines.base import Pcm
from visavis.server.playout.messages import ms
from visavis.server.session.events import SegmentEnded, SegmentStarted
from visavis.server.session.lipsync import Mouth
from visavis.server.session.pushing import Pushed

RNG = np.random.default_rng(0)


class Pushing(Stage):
    """A session of the source "voice", and everything that it put on its timeline."""

    def __init__(self) -> None:
        super().__init__()
        self.lips = fake.FakeLips()
        engines = self.services.engines()
        pushed = Mouth(self.lips, lambda: self.lips)
        self.open(replace(engines, ear=None, pushed=pushed))
        self.timeline.forget = lambda before: None  # type: ignore[method-assign]

    @property
    def voice(self) -> Pushed:
        return self.session.voice

    @property
    def started(self) -> list[SegmentStarted]:
        return self.of(SegmentStarted)

    @property
    def ended(self) -> list[SegmentEnded]:
        return self.of(SegmentEnded)

    def sounding(self) -> Pcm:
        """Everything that sounded or will, without the silence around it."""
        whole = self.timeline.audio(0, self.timeline.end)
        loud = np.flatnonzero(whole)
        return whole[loud[0] : loud[-1] + 1] if loud.size else whole[:0]


def noise(milliseconds: float) -> Pcm:
    """Loud, and of no sample 0."""
    sound = RNG.integers(2000, 9000, ms(milliseconds)).astype(np.int16)
    return sound * np.where(RNG.random(len(sound)) < 0.5, -1, 1).astype(np.int16)
