"""The microphone's own sound, spoken by the avatar a fixed time later. No words, no turns.

Sound and lips leave as one piece with one time, so nothing can part them: missing sound is silence
for both, sound that comes too late is left out of both, and the delay stays what it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from itertools import chain
from typing import Final

import numpy as np

from visavis.engines.base import EngineError, Lips, Pcm, Phoneme, Speech
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import PACKET, Tick, ms
from visavis.server.session.gate import Gate
from visavis.server.system.flow import Worker

log = logging.getLogger(__name__)

_HELD: Final[Tick] = ms(30)  # sound that waits, because packets come unevenly
_MOST: Final[Tick] = ms(100)  # that may wait; of what comes in a burst after a gap the rest is old
# How long before it sounds a piece is told at the latest: a picture is begun that early. Most are
# told 150 ms before, and the mouth anticipates in full.
_TOLD: Final[Tick] = ms(50)

Place = Callable[[Tick, Speech], None]


def delay(lips: Lips) -> Tick:
    """From sound that comes in to the same sound going out."""
    return _HELD + ms(1000 * lips.delay) + _TOLD


class Relay:
    """One visitor's voice. `place` is called in the event loop, in order, and must not block."""

    def __init__(self, clock: Clock, lips: Lips, name: str, place: Place) -> None:
        self._clock, self._lips, self._place = clock, lips, place
        self._worker = Worker(f"lips-{name}", media=True)
        self._waiting = np.zeros(0, np.int16)
        self._arrived = asyncio.Event()  # the first sound, or the end of all
        self._ended = False
        self._gate = Gate(clock)
        self._lips_work = True
        self._untold = np.zeros(0, np.int16)  # what the lips were given and have not told yet
        self._next_at: Tick = 0  # where that sounds

    async def run(self, mic: AsyncIterator[Pcm]) -> None:
        """Speak 48 kHz mono packets until they end, the last ones included."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._speak(), name="relay")
                async for packet in mic:
                    self._take(packet)
                self._ended = True
                self._arrived.set()
        finally:
            self._worker.close()

    def switch(self, on: bool) -> None:
        """Whether the sound is spoken; while it is not, silence is."""
        self._gate.switch(on)

    def _take(self, packet: Pcm) -> None:
        heard = np.zeros_like(packet) if self._gate.closed(self._clock.now()) else packet
        self._waiting = np.concatenate([self._waiting, heard])
        if len(self._waiting) > _MOST:
            self._waiting = self._waiting[-_HELD:]
        self._arrived.set()

    async def _speak(self) -> None:
        await self._arrived.wait()
        arrived = self._clock.now()
        self._next_at = arrived + delay(self._lips)
        at = arrived + _HELD
        while not self._ended or len(self._waiting) >= PACKET:
            await self._clock.sleep_until(at)
            packet = self._packet()
            await self._tell(packet, partial(self._lips.feed, packet))
            at += PACKET
        rest = self._waiting
        await self._tell(rest, lambda: chain(self._lips.feed(rest), self._lips.flush()))

    def _packet(self) -> Pcm:
        """The next packet's worth of sound; silence where it has not come."""
        if len(self._waiting) < PACKET:
            return np.zeros(PACKET, np.int16)
        packet, self._waiting = self._waiting[:PACKET], self._waiting[PACKET:]
        return packet

    async def _tell(self, packet: Pcm, listen: Callable[[], Iterator[Speech]]) -> None:
        self._untold = np.concatenate([self._untold, packet])
        for piece in await self._pieces(listen):
            self._place(self._next_at, piece)
            self._next_at += len(piece.pcm)
            self._untold = self._untold[len(piece.pcm) :]

    async def _pieces(self, listen: Callable[[], Iterator[Speech]]) -> list[Speech]:
        """What the lips make of it; once they have failed, the voice goes on without them."""
        if self._lips_work:
            try:
                return await self._worker.call(lambda: list(listen()))
            except EngineError:
                log.exception("the lips failed; the voice goes on")
                self._lips_work = False
        silent = Phoneme("", 0, len(self._untold))
        return [Speech(self._untold, (silent,), (), "espeak")]
