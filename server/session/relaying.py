"""The microphone's own sound, spoken by the avatar a fixed time later. No words, no turns.

Sound and lips leave as one piece with one time, so nothing can part them: missing sound is silence
for both, sound that comes too late is left out of both, and the delay stays what it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Final

import numpy as np

from visavis.engines.base import Pcm, Speech
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import PACKET, Tick, ms
from visavis.server.session.events import Failure
from visavis.server.session.gate import Gate
from visavis.server.session.lipsync import LipSync, Mouth
from visavis.server.system.faults import fault, trace
from visavis.server.system.metrics import Metrics

log = logging.getLogger(__name__)

_MOST: Final[Tick] = ms(100)  # that may wait; of what comes in a burst after a gap the rest is old
# How long before it sounds a piece is told at the latest: a picture is begun that early. Most are
# told 150 ms before, and the mouth anticipates in full.
_TOLD: Final[Tick] = ms(50)
_LOOKS: Final = 100  # packets, 2 s, in which too much must have waited all the time
_BLEND: Final[Tick] = ms(4)

# Of what follows a sound that much is heard before its lips are told, sure of it or not. With so
# much they are those of a recording; all that lips may need is 180 ms more (docs/figures.md).
_HEARD: Final[Tick] = ms(100)
_MADE: Final[Tick] = ms(10)  # in which a piece is made
_HURRIED: Final[Tick] = ms(40)  # told so in one go

Place = Callable[[Tick, Speech], None]


def delay(mouth: Mouth) -> Tick:
    """From sound that comes in to the same sound going out."""
    return mouth.held + min(ms(1000 * mouth.lips.delay), _HEARD) + _TOLD


class _Spare:
    """Sound that waits all the time, after a burst or a stall: it makes a voice later for nothing.

    held: how much may wait.
    """

    def __init__(self, held: Tick) -> None:
        self._held, self._looks, self._least = held, 0, held

    def left(self, waits: Tick) -> Tick:
        """Told after each packet what still waits; how much of it is to be left out now."""
        self._least = min(self._least, waits) if self._looks else waits
        self._looks = (self._looks + 1) % _LOOKS
        if self._looks or self._least <= self._held:
            return 0
        return self._least - self._held + PACKET // 2


class Relay:
    """One visitor's voice. `place` is called in the event loop, in order, and must not block.

    delay: from sound that comes in to the same sound going out.
    """

    def __init__(
        self,
        clock: Clock,
        mouth: Mouth,
        place: Place,
        tell: Callable[[Failure], None],
        metrics: Metrics,
    ) -> None:
        self._clock, self._place = clock, place
        self.delay, self._held = delay(mouth), mouth.held
        self._lipsync = LipSync(clock, mouth, tell, metrics)
        self._gate = Gate(clock)
        self._begin()

    def _begin(self) -> None:
        """Another stream of sound."""
        self._tasks = asyncio.TaskGroup()
        self._waiting = np.zeros(0, np.int16)
        self._arrived = asyncio.Event()  # the first sound, or the end of all
        self._ended = False
        self._spare = _Spare(self._held)
        self._next_at: Tick = 0  # where what the lips have not told yet sounds

    async def run(self, mic: AsyncIterator[Pcm]) -> None:
        """Speak 48 kHz mono packets until they end, the last ones included.

        Another stream may follow, also after one that was cancelled.
        """
        try:
            async with self._tasks:
                self._tasks.create_task(self._speak(), name="relay")
                async for packet in mic:
                    self._take(packet)
                self._ended = True
                self._arrived.set()
        except BaseException:
            self._lipsync.forget()
            raise
        finally:
            self._lipsync.close()
            self._begin()

    def switch(self, on: bool) -> None:
        """Whether the sound is spoken; while it is not, silence is."""
        self._gate.switch(on)

    def _take(self, packet: Pcm) -> None:
        heard = np.zeros_like(packet) if self._gate.closed(self._clock.now()) else packet
        self._waiting = np.concatenate([self._waiting, heard])
        if len(self._waiting) > _MOST:
            self._waiting = self._waiting[-self._held :]
        self._arrived.set()

    async def _speak(self) -> None:
        await self._arrived.wait()
        arrived = self._clock.now()
        self._next_at = arrived + self.delay
        at = arrived + self._held
        while not self._ended or len(self._waiting) >= PACKET:
            await self._clock.sleep_until(at)
            self._tell(await self._lipsync.feed(self._packet()))
            at += PACKET
            await self._hurry(at)
        self._tell(await self._lipsync.flush(self._waiting))

    async def _hurry(self, next_look: Tick) -> None:
        """Tell what would be told too late at the next look."""
        while self._lipsync.untold.size and self._next_at - next_look < _TOLD + _MADE:
            self._tell(await self._lipsync.hurry(_HURRIED))

    def _packet(self) -> Pcm:
        """The next packet's worth of sound; silence where it has not come."""
        if len(self._waiting) < PACKET:
            self._spare.left(0)
            return np.zeros(PACKET, np.int16)
        packet, self._waiting = self._waiting[:PACKET], self._waiting[PACKET:]
        if more := self._spare.left(len(self._waiting)):
            self._waiting = _without(self._waiting, more)
        return packet

    def _tell(self, pieces: list[Speech]) -> None:
        for piece in pieces:
            at = self._next_at
            self._next_at += len(piece.pcm)
            try:
                self._place(at, piece)
            except Exception as error:  # noqa: BLE001 (a piece may be lost, not the voice)
                extra = {"fault": fault(error), "trace": trace(error)}
                log.error("a piece of sound was lost", extra=extra)  # noqa: TRY400


def _without(sound: Pcm, count: Tick) -> Pcm:
    """All but so much of its beginning, blended over it: no click is heard."""
    over = min(_BLEND, len(sound) - count, count)
    rises = np.linspace(0.0, 1.0, over)
    blended = sound[:over] * (1.0 - rises) + sound[count : count + over] * rises
    return np.concatenate([blended.astype(np.int16), sound[count + over :]])
