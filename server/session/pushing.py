"""A voice that a program pushes, in segments, spoken by the avatar: no words, no ear, no mind.

Sound may come in real time, unevenly, or much faster. What is not there when it should sound is
silence, the mouth eases shut, and the rest sounds later: no voice is left out. Lips hear as much of
what follows as has come by the time a piece must be told. A segment has begun and is over when that
is heard, not when it is placed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from typing import Final

import numpy as np

from visavis.engines.base import Pcm, Speech
from visavis.server.playout.messages import PACKET, TICK_RATE, Tick, ms
from visavis.server.playout.timeline import FADE
from visavis.server.session.events import SegmentEnded, SegmentStarted
from visavis.server.session.lipsync import LipSync, Mouth
from visavis.server.session.performing import Platform
from visavis.server.session.placed import Segment
from visavis.server.session.relayed import Relayed
from visavis.server.system.errors import SoundError
from visavis.server.system.faults import fault, trace
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics

log = logging.getLogger(__name__)

ROOM: Final = 60.0  # s of sound that may wait; who has more waits with it

_SEGMENTS: Final = 1024  # that may wait, however short
_LOOK: Final[Tick] = ms(20)  # between two looks at whether there are fewer
_AHEAD: Final[Tick] = ms(1000)  # speech is made so long before it sounds, and no longer
_PIECE: Final[Tick] = ms(200)  # the most that the lips hear in one go
# From the first sound that comes until it sounds. Of sound that comes in real time 94 % of the
# visemes are those of a recording's then, with 150 ms 99, with 100 only 85 (docs/figures.md).
DELAY: Final[Tick] = ms(120)
_TOLD: Final[Tick] = ms(50)  # before it sounds a piece is told: a picture is begun that early
_MADE: Final[Tick] = ms(10)  # in which a piece is made that must be told
_HURRIED: Final[Tick] = ms(40)  # of it, in one go
_HEARD: Final[Tick] = ms(10)  # the least that lips can tell
_PLENTY: Final[Tick] = ms(400)  # of sound at once: it comes faster than it is spoken
_UNEVEN: Final[Tick] = ms(100)  # of silence where sound was late, that a pause may make up for
_QUIET: Final = 64  # of 32768: -54 dBFS
_UNHEARD: Final[Tick] = ms(500)  # an outlet that took no sound for so long plays nothing
_NOTHING: Final = np.zeros(0, np.int16)


class Pushed:
    """Of one session. One task pushes; `clear` may be called by any, at any time.

    mouth: None: nothing can be pushed to this session. segment: the number of the one to which the
    next sound belongs.
    """

    def __init__(
        self, platform: Platform, mouth: Mouth | None, tasks: Tasks, metrics: Metrics
    ) -> None:
        self._platform, self._mouth = platform, mouth
        self._tasks, self._metrics = tasks, metrics
        self._clock, self._timeline = platform.clock, platform.timeline
        self._relayed = Relayed(platform.timeline, platform.showing)
        self.room: Tick = ms(1000 * ROOM)
        self.segment = 1
        self._open: deque[Segment] = deque()  # that are not over, the one being pushed last
        self._waiting: deque[tuple[Segment, Pcm | None]] = deque()  # None: its end
        self._held: Tick = 0  # how much of it
        self._next_at: Tick = 0  # where what was not placed yet goes
        self._run: Tick = 0  # sound that came since nothing was left to play
        self._begun = False  # whether any of it was placed
        self._late: Tick = 0  # how much later it sounds than it would if all had come in time
        self._fade: tuple[Tick, Tick] = 0, 0  # (at, length) of what was cut last
        self._clears = 0
        self._stale = False  # the lips hold sound that was cleared
        self._arrived, self._changed, self._cleared = (asyncio.Event() for _ in range(3))
        self._played: tuple[Tick, Tick] | None = None  # until what tick an outlet has it, and when
        self._running = False

    # --- what a program does ----------------------------------------------------------------------

    async def push(self, pcm: Pcm, segment: int | None = None) -> None:
        """More of a segment, (n,) int16 at 48 kHz, of any length; waits until there is room.

        segment: its number, None: of the one being pushed; sound of one that is over, because it
        was cleared, is dropped, also while it waits. Raises SoundError.
        """
        if pcm.dtype != np.int16 or pcm.ndim != 1:
            msg = f"{pcm.ndim} dimensions of {pcm.dtype} are no sound: push (n,) int16 at 48 kHz"
            raise SoundError(msg)
        if segment is not None and segment != self.segment:
            return
        clears = self._clears
        for piece in [*_parts(pcm)] or [pcm]:
            while self._clears == clears and (full := self._full(len(piece))) > 0:
                await self._until(self._cleared, self._clock.now() + full)
            if self._clears != clears or not piece.size:
                return
            self._arrive(len(piece))
            self._put(piece)

    def end(self, segment: int | None = None) -> int:
        """No more of the segment will come; its number. One may end that has no sound.

        segment: None: of the one being pushed; one that is over, because it was cleared, is not
        ended again.
        """
        number = self.segment
        self.hasten()  # all that there is to hear has come
        if segment is None or segment == number:
            self._put(None)
            self.segment += 1
        return number if segment is None else segment

    def clear(self) -> float:
        """Be silent from the next packet on; every segment that is not over is, and is told so.

        How many s were heard of the one that sounds; 0 when none does.
        """
        if not self._open:
            return 0.0
        at = self._clock.now() + PACKET
        self._clears += 1
        self._stale = True
        self._waiting.clear()
        self._held = 0
        self._cleared.set()
        self._arrived.set()
        cleared, self._open = list(self._open), deque()
        self.segment += bool(cleared and cleared[-1].number == self.segment)
        sounds = self._timeline.audible(at)
        self._timeline.cut(at, self._timeline.turn + 1)
        if sounds:
            self._platform.showing.cut(at)
            self._fade = self._clock.now(), at + FADE - self._clock.now()
        self._next_at = min(self._next_at, self._timeline.end)
        self._platform.showing.attend("idle")
        positions = [self._over(each, self._heard() + PACKET, cleared=True) for each in cleared]
        self._changed.set()
        return next((position for position in positions if position), 0.0)

    @property
    def sounds(self) -> bool:
        """Whether a segment is not over yet."""
        return bool(self._open)

    def hasten(self) -> None:
        """What was just pushed is heard as soon as it can be: it does not wait for more."""
        if not self._begun:
            self._run = max(self._run, _PLENTY)
            self._next_at = min(self._next_at, self._clock.now())
            self._arrived.set()

    @property
    def ahead(self) -> Tick:
        """How much sound waits, or is placed and was not heard yet."""
        return self._held + max(self._next_at - self._clock.now(), 0)

    async def silence(self) -> None:
        """Return once every segment is over."""
        while self._open:
            await self._until(self._changed, None)

    @property
    def silent_from(self) -> Tick:
        """When the sound that was cleared last has faded out."""
        return sum(self._fade)

    def covers(self, at: Tick, length: Tick) -> tuple[Tick, Tick]:
        """From where to where there is a segment's sound within [at, at + length), as offsets.

        Silence in a segment is its sound, too; the same twice where there is none.
        """
        spans = [span for segment in self._open for span in segment.placed]
        cut = [(max(at, a), min(at + length, a + n)) for a, n in (*spans, self._fade)]
        inside = [(first - at, last - at) for first, last in cut if first < last]
        return (inside[0][0], inside[-1][1]) if inside else (0, 0)

    # --- what the session does --------------------------------------------------------------------

    @property
    def voiced(self) -> Tick:
        """The end of the last speech."""
        return self._relayed.voiced

    def sound_sent(self, at: Tick, now: Tick) -> None:
        """An outlet has the packet that plays at `at`."""
        until = at + PACKET if self._played is None else max(self._played[0], at + PACKET)
        self._played = until, now

    # --- sound to speech --------------------------------------------------------------------------

    def _put(self, pcm: Pcm | None) -> None:
        if self._mouth is None:
            raise SoundError("nothing can be pushed to this session: its source is not voice")
        if not self._open or self._open[-1].number != self.segment:
            self._open.append(Segment(self.segment))
        self._waiting.append((self._open[-1], pcm))
        if not self._running:
            self._running = True
            lipsync = LipSync(self._clock, self._mouth, self._platform.tell, self._metrics)
            self._tasks.start(self._speak(lipsync), name="pushed voice")
            self._tasks.start(self._follow(), name="segments")
        self._arrived.set()
        self._changed.set()

    def _full(self, more: Tick) -> Tick:
        """How long to wait until so much more finds room, about; 0 or less: it does."""
        crowd = _LOOK if len(self._open) >= _SEGMENTS else 0
        return max(self.ahead + more - max(self.room, more), crowd)

    async def _speak(self, lipsync: LipSync) -> None:
        try:
            while True:
                await self._wanted(lipsync)
                clears = self._clears
                if self._stale:
                    self._stale = False
                    await lipsync.flush(_NOTHING)
                    continue
                ends = bool(self._waiting)
                segment, pcm = self._next()
                if pcm is not None:
                    pieces = await lipsync.feed(pcm)
                else:
                    pieces = await (lipsync.flush(_NOTHING) if ends else lipsync.hurry(_HURRIED))
                if clears == self._clears:
                    self._say(segment, pieces)
                    segment.complete = ends and pcm is None
                    self._changed.set()
        finally:
            lipsync.close()

    async def _wanted(self, lipsync: LipSync) -> None:
        """Until there is something for the lips to do."""
        while not self._stale:
            soon = self._next_at - self._clock.now()
            if self._waiting:
                if soon <= _AHEAD:
                    return
                await self._until(self._cleared, self._next_at - _AHEAD)
            elif lipsync.untold.size >= _HEARD:
                if soon <= _TOLD + _MADE:
                    return
                await self._until(self._arrived, self._next_at - _TOLD - _MADE)
            else:
                await self._until(self._arrived, None)

    def _next(self) -> tuple[Segment, Pcm | None]:
        """As much of what waits, of one segment, as the lips hear in one go; or its end."""
        if not self._waiting:
            return self._open[-1], None
        segment, pcm = self._waiting.popleft()
        if pcm is None:
            return segment, None
        parts, length = [pcm], len(pcm)
        while self._waiting and length < _PIECE:
            of, more = self._waiting[0]
            if of is not segment or more is None or length + len(more) > _PIECE:
                break
            parts.append(more)
            length += len(more)
            self._waiting.popleft()
        self._held -= length
        return segment, np.concatenate(parts)

    def _arrive(self, length: Tick) -> None:
        self._held += length
        now = self._clock.now()
        if self._next_at <= now and (self._begun or not self._run):
            self._next_at, self._run, self._begun, self._late = now + DELAY, 0, False, 0
        self._run += length

    def _say(self, segment: Segment, pieces: list[Speech]) -> None:
        for piece in (piece for piece in pieces if piece.pcm.size):
            if len(piece.pcm) <= self._late and _is_quiet(piece.pcm):
                self._late -= len(piece.pcm)
                segment.passed += len(piece.pcm)
            else:
                self._place(segment, self._begins(), piece)

    def _begins(self) -> Tick:
        """Where the next piece goes."""
        soonest = self._clock.now() + _TOLD
        if not self._begun and self._run >= _PLENTY:
            self._next_at = soonest
        self._begun = True
        if self._next_at < soonest:
            self._late += min(soonest - self._next_at, _UNEVEN)
        return max(self._next_at, soonest)

    def _place(self, segment: Segment, at: Tick, piece: Speech) -> None:
        self._next_at = at + len(piece.pcm)
        segment.place(at, len(piece.pcm))
        try:
            self._relayed.place(at, piece)
        except Exception as error:  # noqa: BLE001 (a piece may be lost, not the voice)
            extra = {"fault": fault(error), "trace": trace(error)}
            log.error("a piece of a pushed voice was lost", extra=extra)  # noqa: TRY400

    # --- what is heard of it ----------------------------------------------------------------------

    def _heard(self) -> Tick:
        """Until what tick everything was played: as the outlets tell it, else by the clock."""
        now = self._clock.now()
        if self._played is None or now - self._played[1] > _UNHEARD:
            return now
        return min(now, self._played[0])

    async def _follow(self) -> None:
        """Tell each segment's beginning and end, when they are heard."""
        while True:
            due = self._due()
            heard = self._heard()
            if due is None:
                await self._until(self._changed, None)
            elif heard < due:
                late = max(due, self._clock.now() + (heard < self._clock.now()) * PACKET // 4)
                await self._until(self._changed, late)
            else:
                self._pass(self._open[0], heard)

    def _due(self) -> Tick | None:
        """When the next beginning or end is heard, as far as it is known."""
        if not self._open:
            return None
        first = self._open[0]
        if first.begins is not None and not first.begun:
            return first.begins
        return first.ends if first.complete else None

    def _pass(self, segment: Segment, heard: Tick) -> None:
        if segment.begins is not None and not segment.begun:
            self._begin(segment)
            return
        self._open.popleft()
        self._over(segment, heard, cleared=False)
        if not self._open:
            self._platform.showing.attend("idle")
        self._changed.set()

    def _begin(self, segment: Segment) -> None:
        assert segment.begins is not None
        segment.begun = True
        self._platform.tell(SegmentStarted(segment.number, segment.begins))

    def _over(self, segment: Segment, heard: Tick, *, cleared: bool) -> float:
        """Tell that it is over; how many s of it were heard."""
        position = segment.heard(heard) / TICK_RATE
        # One of silence alone may have been left out to make up for sound that was late.
        if position and not segment.begun and segment.begins is not None:
            self._begin(segment)
        self._platform.tell(SegmentEnded(segment.number, position, cleared))
        return position

    async def _until(self, event: asyncio.Event, at: Tick | None) -> None:
        """Until it is set, or `at`."""
        left = (
            None if at is None else self._clock.seconds(at) - self._clock.seconds(self._clock.now())
        )
        try:
            async with asyncio.timeout(left):
                await event.wait()
        except TimeoutError:
            pass
        event.clear()


def _parts(pcm: Pcm) -> Iterator[Pcm]:
    for at in range(0, len(pcm), _PIECE):
        yield pcm[at : at + _PIECE]


def _is_quiet(pcm: Pcm) -> bool:
    return int(np.abs(pcm.astype(np.int32)).max()) < _QUIET
