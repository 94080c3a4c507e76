"""Speech, mood or idleness -> face state -> picture, one frame ahead of the clock, for ever."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import numpy as np

from visavis.engines.base import (
    I420,
    PLAY_RATE,
    Attention,
    Demeanour,
    EngineError,
    FaceState,
    Motion,
    Movement,
    Speech,
)
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import FRAME, Picture, Tick, ms
from visavis.server.playout.timeline import Timeline
from visavis.server.system.faults import contained, fault
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health

log = logging.getLogger(__name__)

LEAD: Final[Tick] = FRAME + ms(10)  # how long before its time a picture is begun
# A face begins to change a little before the words that it goes with, as people's faces do.
EARLY: Final[Tick] = ms(120)
# The picture of the session's avatar in the state that is made where it is painted, off the event
# loop; wanted by then, s of time.monotonic(), but it may come later. Raises EngineError.
Paint = Callable[[Callable[[], FaceState], float], Awaitable[I420]]

_REST: Final[Tick] = ms(1000)  # a generator that failed is tried again after this


class Rate:
    """Every picture is drawn, or every second one while a picture takes too long to draw.

    Too long: over three quarters of a picture's time, on average over the last second. All are
    drawn again once it is under two fifths: a session that halves its load must not flutter.
    """

    def __init__(self) -> None:
        self.step = 1  # pictures from one that is drawn to the next
        self._times: deque[float] = deque(maxlen=25)

    def drawn(self, seconds: float) -> None:
        """Note how long a picture took, waiting included."""
        self._times.append(seconds * PLAY_RATE / FRAME)
        if len(self._times) < 25:
            return
        share = sum(self._times) / len(self._times)
        step = 2 if share > 0.75 else 1 if share < 0.4 else self.step
        if step != self.step:
            log.info("pictures are drawn at another rate", extra={"every": step})
            self.step = step
            self._times.clear()


class Showing:
    """One session's face. All calls to motion happen where it is painted, in order.

    Not in the event loop: a state takes up to 0.5 ms, and the lips of a clause 3 to 5 ms.
    """

    def __init__(
        self,
        clock: Clock,
        timeline: Timeline,
        motion: Motion,
        paint: Paint,
        shape: tuple[int, ...],
        metrics: Metrics,
    ) -> None:
        """shape: of every picture."""
        self._clock, self._timeline, self._metrics = clock, timeline, metrics
        self._motion, self._paint, self._shape = motion, paint, shape
        self._commands: deque[Callable[[], None]] = deque()
        self.failures = 0  # pictures that could not be made
        self._rate = Rate()
        self._health = Health("motion", "Motion", metrics)
        self._awake = asyncio.Event()
        self._awake.set()

    def rest(self) -> None:
        """Draw nothing until `wake`: nobody looks."""
        self._awake.clear()

    def wake(self) -> None:
        """Go on at the present time."""
        self._awake.set()

    def speak(self, at: Tick, speech: Speech) -> None:
        """Move the mouth for a piece that sounds from `at` on."""
        self._commands.append(lambda: self._motion.speak(at, speech))

    def cut(self, at: Tick) -> None:
        """Close the mouth from `at` on."""
        self._commands.append(lambda: self._motion.cut(at))

    def attend(self, attention: Attention) -> None:
        """Idle, listen, think or speak from now on."""
        at = self._clock.now()
        self._commands.append(lambda: self._motion.attend(at, attention))

    def feel(self, demeanour: Demeanour) -> None:
        """Blend towards this demeanour from now on."""
        at = self._clock.now()
        affect, expression = demeanour.affect, demeanour.expression
        self._commands.append(lambda: self._motion.feel(at, affect, expression))

    def move(self, movement: Movement) -> None:
        """Do this once, now."""
        at = self._clock.now()
        self._commands.append(lambda: self._motion.move(at, movement))

    async def run(self) -> None:
        """Draw every frame before its time; one that cannot be in time is skipped."""
        at = self._clock.now() // FRAME * FRAME + 2 * FRAME
        while True:
            await self._awake.wait()
            await self._clock.sleep_until(at - LEAD)
            began = self._clock.now()
            at = max(at, began // FRAME * FRAME + FRAME)
            try:
                picture = await self._draw(at)
            except Exception as error:  # noqa: BLE001 (the face must come back)
                extra = {"fault": fault(error)}
                log.error("a picture could not be made; the last one stays", extra=extra)  # noqa: TRY400
                self.failures += 1
                at += _REST
                continue
            self._rate.drawn((self._clock.now() - began) / PLAY_RATE)
            self._timeline.put(picture)
            self._timeline.forget(at - ms(2000))
            at += FRAME
            if self._rate.step > 1:
                self._timeline.put(replace(picture, at=at))
                self._metrics.held.inc()
                at += FRAME

    async def _draw(self, at: Tick) -> Picture:
        began = time.perf_counter()
        phoneme, made = "", FaceState()

        def make() -> FaceState:
            nonlocal phoneme, made
            with self._health.watched():
                made, phoneme = self._state(at)
            return made

        image = await self._paint(make, self._clock.seconds(at))
        self._metrics.render.observe(time.perf_counter() - began)
        if image.dtype != np.uint8 or image.shape != self._shape:
            # It would end whoever encodes it, for good.
            raise EngineError(f"a picture of {image.shape} {image.dtype}, not {self._shape}")
        return Picture(at, image, made, phoneme)

    def _state(self, at: Tick) -> tuple[FaceState, str]:
        """What was asked for meanwhile, then the face at `at`. Raises EngineError."""
        with contained("motion"):
            while self._commands:
                self._commands.popleft()()
            return self._motion.state(at), self._motion.phoneme_at(at)
