"""The microphone's own sound, spoken by the avatar a fixed time later. No words, no turns.

Sound and lips leave as one piece with one time, so nothing can part them: missing sound is silence
for both, sound that comes too late is left out of both, and the delay stays what it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Final

import numpy as np

from visavis.engines.base import EngineError, Lips, Pcm, Phoneme, Speech
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import PACKET, Tick, ms
from visavis.server.session.events import Failure
from visavis.server.session.gate import Gate
from visavis.server.session.renewing import Strikes
from visavis.server.system.faults import fault, trace
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health

log = logging.getLogger(__name__)

_HELD: Final[Tick] = ms(30)  # sound that waits, because packets come unevenly
_MOST: Final[Tick] = ms(100)  # that may wait; of what comes in a burst after a gap the rest is old
# How long before it sounds a piece is told at the latest: a picture is begun that early. Most are
# told 150 ms before, and the mouth anticipates in full.
_TOLD: Final[Tick] = ms(50)

_DEADLINE: Final = 2.0  # s for 20 ms of sound, which take 2 ms

LIPS_FAILED: Final = Failure("lips-failed", "My lips failed; the voice goes on without them.")

Place = Callable[[Tick, Speech], None]
Listen = Callable[[Lips], Iterator[Speech]]


@dataclass(frozen=True, slots=True)
class Mouth:
    """What speaks one visitor's sound: lips, and `again` for others when these fail."""

    lips: Lips
    again: Callable[[], Lips]


def delay(lips: Lips) -> Tick:
    """From sound that comes in to the same sound going out."""
    return _HELD + ms(1000 * lips.delay) + _TOLD


class Relay:
    """One visitor's voice. `place` is called in the event loop, in order, and must not block."""

    def __init__(
        self,
        clock: Clock,
        mouth: Mouth,
        place: Place,
        tell: Callable[[Failure], None],
        metrics: Metrics,
    ) -> None:
        self._clock, self._place, self._say = clock, place, tell
        self._lips: Lips | None = mouth.lips  # None: they failed, others are being made
        self._delay, self._again = delay(mouth.lips), mouth.again
        self._health = Health("lips", "Lips", metrics)
        self._strikes, self._making = Strikes(clock), False
        self._gate = Gate(clock)
        self._begin()

    def _begin(self) -> None:
        """Another stream of sound."""
        self._worker = Worker("lips", media=True, deadline=_DEADLINE)
        self._tasks = asyncio.TaskGroup()
        self._waiting = np.zeros(0, np.int16)
        self._arrived = asyncio.Event()  # the first sound, or the end of all
        self._ended = False
        self._untold = np.zeros(0, np.int16)  # what the lips were given and have not told yet
        self._next_at: Tick = 0  # where that sounds

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
            self._lips = None  # they are in the middle of it
            raise
        finally:
            self._worker.close()
            self._begin()

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
        self._next_at = arrived + self._delay
        at = arrived + _HELD
        while not self._ended or len(self._waiting) >= PACKET:
            await self._clock.sleep_until(at)
            packet = self._packet()
            await self._tell(packet, partial(_feed, packet))
            at += PACKET
        rest = self._waiting
        await self._tell(rest, lambda lips: chain(lips.feed(rest), lips.flush()))

    def _packet(self) -> Pcm:
        """The next packet's worth of sound; silence where it has not come."""
        if len(self._waiting) < PACKET:
            return np.zeros(PACKET, np.int16)
        packet, self._waiting = self._waiting[:PACKET], self._waiting[PACKET:]
        return packet

    async def _tell(self, packet: Pcm, listen: Listen) -> None:
        self._untold = np.concatenate([self._untold, packet])
        for piece in await self._pieces(listen):
            at = self._next_at
            self._next_at += len(piece.pcm)
            self._untold = self._untold[len(piece.pcm) :]
            try:
                self._place(at, piece)
            except Exception as error:  # noqa: BLE001 (a piece may be lost, not the voice)
                extra = {"fault": fault(error), "trace": trace(error)}
                log.error("a piece of sound was lost", extra=extra)  # noqa: TRY400

    async def _pieces(self, listen: Listen) -> list[Speech]:
        """What the lips make of it; while they fail, the voice goes on without them."""
        if self._lips is None:
            self._renew()
        else:
            try:
                with self._health.watched():
                    return await self._worker.call(_heard, self._lips, listen)
            except EngineError as error:
                self._failed(error)
        silent = Phoneme("", 0, len(self._untold))
        return [Speech(self._untold, (silent,), (), "espeak")]

    def _failed(self, error: EngineError) -> None:
        self._lips = None
        self._strikes.add()
        extra = {"fault": fault(error), "resting": self._strikes.resting}
        log.error("the lips failed; the voice goes on", extra=extra)
        self._say(LIPS_FAILED)

    def _renew(self) -> None:
        """Have new lips made, while the voice goes on."""
        if not self._making and not self._strikes.resting:
            self._making = True
            self._tasks.create_task(self._made(), name="new lips")

    async def _made(self) -> None:
        try:
            with self._health.watched():
                self._lips = await self._worker.call(self._again)
        except EngineError as error:
            self._failed(error)
        finally:
            self._making = False


def _feed(packet: Pcm, lips: Lips) -> Iterator[Speech]:
    return lips.feed(packet)


def _heard(lips: Lips, listen: Listen) -> list[Speech]:
    pieces = list(listen(lips))
    if not all(piece.pcm.dtype == np.int16 and piece.pcm.ndim == 1 for piece in pieces):
        raise EngineError("the lips made something else than speech")
    return pieces
