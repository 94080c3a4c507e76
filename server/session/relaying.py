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

Place = Callable[[Tick, Speech], None]


def delay(mouth: Mouth) -> Tick:
    """From sound that comes in to the same sound going out."""
    return mouth.held + ms(1000 * mouth.lips.delay) + _TOLD


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
        self._tell(await self._lipsync.flush(self._waiting))

    def _packet(self) -> Pcm:
        """The next packet's worth of sound; silence where it has not come."""
        if len(self._waiting) < PACKET:
            return np.zeros(PACKET, np.int16)
        packet, self._waiting = self._waiting[:PACKET], self._waiting[PACKET:]
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
