"""Speech, mood or idleness -> face state -> picture, one frame ahead of the clock, for ever."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

import numpy as np

from visavis.engines.base import (
    I420,
    PLAY_RATE,
    Attention,
    Before,
    Demeanour,
    EngineError,
    FaceState,
    Motion,
    Movement,
    Speech,
)
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import FRAME, Fluency, Picture, Tick, ms
from visavis.server.playout.timeline import Timeline
from visavis.server.session.finishing import Finished, Finishing, as_drawn
from visavis.server.system.faults import contained, fault
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health

log = logging.getLogger(__name__)

LEAD: Final[Tick] = FRAME + ms(10)  # how long before its time a picture is begun
LONGEST: Final[Tick] = 25 * FRAME  # that one stays where there are few
# The same for each fluency: where fewer are drawn each may take longer, and is not late then.
LEADS: Final[dict[Fluency, Tick]] = {
    "full": LEAD, "mouth": LEAD, "half": LEAD + FRAME, "few": LONGEST, "still": LONGEST,
}  # fmt: skip
# A face begins to change a little before the words that it goes with, as people's faces do.
EARLY: Final[Tick] = ms(120)

_REST: Final[Tick] = ms(1000)  # a generator that failed is tried again after this
_UNSEEN: Final[Tick] = 13 * FRAME  # between pictures that nobody sees: fewer than 2 a second
_STILL: Final[Tick] = LONGEST  # after which a still is handed over again: it may have been lost
_REFINED: Final[Tick] = 5 * FRAME  # the same for the first ones, each of which is sent sharper
_REFINEMENTS: Final = 5
_FEW: Final[Tick] = 4 * FRAME  # that each of few pictures stays at least ...
_ROOM: Final = 1.5  # ... and of the time that it takes; where it takes a third of it or less ...
_AMPLE: Final = 3.0
_QUICKER: Final = 0.85  # ... the next one stays so much shorter
_PROBE: Final = ms(1000), ms(10_000)  # between pictures behind a still: if it is seen, and if not
_LINGER: Final[Tick] = ms(2000)  # after its last words a face is looked at as if it spoke
_STIRRED: Final[Tick] = ms(10_000)  # after it was spoken to, it is not idle yet

# How much it would be missed if a face were less fluent, least first.
Urgency = Literal["unseen", "idle", "attentive", "speaking"]


class Sitting(Protocol):
    """A session's pictures among those of all others: who draws them, and how many it may have."""

    def fluency(self, urgency: Urgency) -> Fluency:
        """How its next picture is to be drawn."""
        ...

    def pause(self) -> None:
        """It is not drawn at all until it asks again."""
        ...

    def missed(self, count: int) -> None:
        """There was no time left for so many pictures: the one before took too long."""
        ...

    async def draw(
        self, make: Callable[[], FaceState], due: float, over: Before | None = None,
        finish: Finished = as_drawn,
    ) -> I420:  # fmt: skip
        """The picture of its avatar in the state that is made where it is drawn, off the loop.

        Wanted by `due`, s of time.monotonic(), but it may come later. over: draw the mouth alone
        over this one; only while `fluency` says so. finish: makes of the picture, there too, what
        is given. Raises EngineError.
        """
        ...


class Interest:
    """How urgent a session's pictures are, by what it does and whether somebody looks."""

    def __init__(self) -> None:
        self.seen = True
        self._attention: Attention = "idle"
        self._spoke = self._stirred = -_STIRRED  # when it last did

    def attend(self, at: Tick, attention: Attention) -> None:
        """From `at` on the avatar idles, listens, thinks or speaks."""
        if self._attention == "speaking":
            self._spoke = at
        if attention != "idle" or self._attention != "idle":
            self._stirred = at
        self._attention = attention

    def urgency(self, at: Tick) -> Urgency:
        """As it is at `at`."""
        if not self.seen:
            return "unseen"
        if self._attention == "speaking" or at - self._spoke < _LINGER:
            return "speaking"
        if self._attention != "idle" or at - self._stirred < _STIRRED:
            return "attentive"
        return "idle"


@dataclass(frozen=True, slots=True)
class _Whole:
    at: Tick
    drawn: Before


class Showing:
    """One session's face. All calls to motion happen where it is drawn, in order.

    Not in the event loop: a state takes up to 0.5 ms, and the lips of a clause 3 to 5 ms.
    """

    def __init__(
        self,
        clock: Clock,
        timeline: Timeline,
        motion: Motion,
        sitting: Sitting,
        still: I420,
        metrics: Metrics,
        finishing: Finishing | None = None,
    ) -> None:
        """still: the avatar's neutral face, of the shape of every picture, and finished as all."""
        self._finishing = finishing or Finishing()
        self._clock, self._timeline, self._metrics = clock, timeline, metrics
        self._motion, self._sitting, self._still = motion, sitting, still
        self._commands: deque[Callable[[], None]] = deque()
        self.failures = 0  # pictures that could not be made
        self.fluency: Fluency = "full"
        self.changed: Callable[[Fluency], None] = lambda fluency: None  # told of a new one
        self._interest = Interest()
        self._counted: str | None = None  # where the metrics have this session
        self._whole: _Whole | None = None  # the last one that was drawn as a whole
        self._stills = 0  # shown in a row
        self._drawn_at: Tick = 0  # of the last picture that was drawn, shown or not
        self._pace = 0.0  # s that each picture stays where there are few
        self._newest: Tick = 0  # of all pictures
        self._health = Health("motion", "Motion", metrics)
        self._awake, self._looked = asyncio.Event(), asyncio.Event()
        self._awake.set()

    @property
    def step(self) -> str:
        """How its pictures are drawn: a fluency, or `unseen`."""
        return self.fluency if self._interest.seen else "unseen"

    def rest(self) -> None:
        """Draw nothing until `wake`: nobody is there."""
        self._awake.clear()
        self._sitting.pause()
        self._count(None)

    def wake(self) -> None:
        """Go on at the present time."""
        self._awake.set()

    def look(self, seen: bool) -> None:
        """Whether somebody sees the pictures; at once again when they do."""
        if seen and not self._interest.seen:
            self._looked.set()
        self._interest.seen = seen

    def speak(self, at: Tick, speech: Speech) -> None:
        """Move the mouth for a piece that sounds from `at` on."""
        self._commands.append(lambda: self._motion.speak(at, speech))

    def cut(self, at: Tick) -> None:
        """Close the mouth from `at` on."""
        self._commands.append(lambda: self._motion.cut(at))

    def attend(self, attention: Attention) -> None:
        """Idle, listen, think or speak from now on."""
        at = self._clock.now()
        self._interest.attend(at, attention)
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
        try:
            await self._run()
        finally:
            self._sitting.pause()
            self._count(None)

    async def _run(self) -> None:
        at = self._clock.now() // FRAME * FRAME + 2 * FRAME
        while True:
            await self._awake.wait()
            looked = await self._looks_before(at - self._lead)
            planned, soonest = at, self._soonest
            at = max(self._newest + FRAME if looked else at, soonest)
            if planned < at < planned + _REST:  # else it rested
                self._sitting.missed((at - planned) // FRAME)
            self._enter()
            try:
                picture = await self._next(at)
                self._newest = at
                self._show(picture)
                if self.fluency == "still":
                    await self._probe(at)
            except Exception as error:  # noqa: BLE001 (the face must come back)
                extra = {"fault": fault(error)}
                log.error("a picture could not be made; the last one stays", extra=extra)  # noqa: TRY400
                self.failures += 1
                self._whole = None
                at += _REST
            else:
                at += picture.stays

    @property
    def _lead(self) -> Tick:
        """Where fewer pictures are drawn each may take longer; then it is not late."""
        return self._stays + ms(10)

    @property
    def _soonest(self) -> Tick:
        """For when one that is begun now can be there; few are not drawn late, but later."""
        at = self._clock.now() + (self._stays if self.fluency == "few" else 0)
        return at // FRAME * FRAME + FRAME

    @property
    def _stays(self) -> Tick:
        """How long a picture does. Few come one after the other, each when the last one is there.

        So however slow they are and however many sessions there are, none is late.
        """
        if self.fluency == "few":
            frames = math.ceil(self._pace * PLAY_RATE / FRAME)
            return min(max(_FEW, frames * FRAME), LONGEST)
        return 2 * FRAME if self.fluency == "half" else FRAME

    async def _looks_before(self, at: Tick) -> bool:
        """Wait until `at`; True at once when somebody looks again."""
        left = self._clock.seconds(at) - self._clock.seconds(self._clock.now())
        if left * PLAY_RATE <= FRAME:
            await self._clock.sleep_until(at)
        else:
            try:
                async with asyncio.timeout(left):
                    await self._looked.wait()
            except TimeoutError:
                pass
        looked = self._looked.is_set()
        self._looked.clear()
        return looked

    def _show(self, picture: Picture) -> None:
        self._timeline.put(picture)
        self._timeline.forget(picture.at - ms(2000))
        self._metrics.pictures.labels(self.step).inc()

    def _enter(self) -> None:
        """Take the step that is in force now."""
        before = self.fluency
        self.fluency = self._sitting.fluency(self._interest.urgency(self._clock.now()))
        self._count(self.step)
        if self.fluency != "still":
            self._stills = 0
        if self.fluency != before:
            self.changed(self.fluency)

    def _count(self, step: str | None) -> None:
        if step != self._counted:
            if self._counted is not None:
                self._metrics.drawn.labels(self._counted).dec()
            if step is not None:
                self._metrics.drawn.labels(step).inc()
            self._counted = step

    async def _next(self, at: Tick) -> Picture:
        """The picture for `at`, and how long it is to stay. Raises what drawing raises."""
        if self.fluency == "still":
            self._stills += 1
            stays = _REFINED if self._stills <= _REFINEMENTS else _STILL
            return Picture(at, self._still, stays=stays)
        if not self._interest.seen:
            return replace((await self._draw(at))[0], stays=_UNSEEN)
        whole = self._whole
        if self.fluency == "mouth" and whole is not None and whole.at == at - FRAME:
            return (await self._draw(at, whole.drawn))[0]
        picture, drawn = await self._draw(at)
        self._whole = _Whole(at, drawn)
        stays = self._stays
        self._metrics.held.inc(stays // FRAME - 1)
        return replace(picture, stays=stays)

    async def _probe(self, at: Tick) -> None:
        """Now and then draw a picture behind the still: does it still take too long?

        Motion goes on by it, too. Nobody waits for it: it is not late before the next one is due.
        """
        if at - self._drawn_at >= _PROBE[not self._interest.seen]:
            await self._draw(at, due=at + _STILL)

    async def _draw(
        self, at: Tick, over: Before | None = None, due: Tick | None = None
    ) -> tuple[Picture, Before]:
        """A picture, and the same as it was drawn. due: if not at its time. Raises EngineError."""
        began, asked = time.perf_counter(), self._clock.seconds(self._clock.now())
        phoneme, made, drawn = "", FaceState(), self._still
        self._drawn_at = at

        def make() -> FaceState:
            nonlocal phoneme, made
            with self._health.watched():
                made, phoneme = self._state(at)
            return made

        def finish(image: I420) -> I420:
            nonlocal drawn
            drawn = image
            return self._finishing.of(image, at)

        by = self._clock.seconds(at if due is None else due)
        image = await self._sitting.draw(make, by, over, finish)
        self._keep_pace(self._clock.seconds(self._clock.now()) - asked)
        self._metrics.render.observe(time.perf_counter() - began)
        if image.dtype != np.uint8 or image.shape != self._still.shape:
            # It would end whoever encodes it, for good.
            raise EngineError(f"a picture of {image.shape} {image.dtype}, not {self._still.shape}")
        return Picture(at, image, made, phoneme), Before(drawn, made)

    def _keep_pace(self, took: float) -> None:
        """A picture took so many s."""
        if took * _AMPLE < self._pace:
            self._pace *= _QUICKER
        self._pace = max(self._pace, took * _ROOM)

    def _state(self, at: Tick) -> tuple[FaceState, str]:
        """What was asked for meanwhile, then the face at `at`. Raises EngineError."""
        with contained("motion"):
            while self._commands:
                self._commands.popleft()()
            return self._motion.state(at), self._motion.phoneme_at(at)
