"""One stream of sound and the lips that follow it; while they fail, the sound goes on without."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Final

import numpy as np

from visavis.engines.base import EngineError, Lips, Pcm, Phoneme, Speech
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import Tick, ms
from visavis.server.session.events import Failure
from visavis.server.session.renewing import Strikes
from visavis.server.system.faults import fault
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health

log = logging.getLogger(__name__)

_DEADLINE: Final = 2.0  # s for a little sound, of which 20 ms take 2

LIPS_FAILED: Final = Failure("lips-failed", "My lips failed; the voice goes on without them.")
HELD: Final[Tick] = ms(30)
_NOTHING: Final = np.zeros(0, np.int16)

Listen = Callable[[Lips], Iterator[Speech]]


@dataclass(frozen=True, slots=True)
class Mouth:
    """What speaks one stream of sound: lips, and `again` for others when these fail.

    held: how much of it waits, because it comes unevenly.
    """

    lips: Lips
    again: Callable[[], Lips]
    held: Tick = HELD


class LipSync:
    """All pieces together are the sound that was fed, whatever happens to the lips."""

    def __init__(
        self, clock: Clock, mouth: Mouth, tell: Callable[[Failure], None], metrics: Metrics
    ) -> None:
        self._lips: Lips | None = mouth.lips  # None: they failed, others are being made
        self._again, self._say = mouth.again, tell
        self._health = Health("lips", "Lips", metrics)
        self._strikes = Strikes(clock)
        self._making: asyncio.Task[None] | None = None
        self._begin()

    def _begin(self) -> None:
        self._worker = Worker("lips", media=True, deadline=_DEADLINE)
        self.untold = np.zeros(0, np.int16)  # what the lips were given and have not told yet

    def forget(self) -> None:
        """The lips are in the middle of something that is of no use any more."""
        self._lips = None

    def close(self) -> None:
        """The stream is over; another one may follow."""
        self._worker.close()
        if self._making is not None:
            self._making.cancel()
            self._making = None
        self._begin()

    async def feed(self, pcm: Pcm) -> list[Speech]:
        """The next samples -> the pieces that are complete, in order."""
        return await self._tell(pcm, partial(_feed, pcm))

    async def hurry(self, samples: int) -> list[Speech]:
        """The next samples of what was fed, which are about to be played; at least some."""
        pieces = await self._tell(_NOTHING, lambda lips: lips.hurry(samples))
        return pieces or await self.flush(_NOTHING)

    async def flush(self, rest: Pcm) -> list[Speech]:
        """The last samples -> all pieces that are left; other sound may follow."""
        pieces = await self._tell(rest, lambda lips: chain(lips.feed(rest), lips.flush()))
        left, self.untold = self.untold, self.untold[:0]
        return [*pieces, _unshaped(left)] if left.size else pieces

    async def _tell(self, pcm: Pcm, listen: Listen) -> list[Speech]:
        self.untold = np.concatenate([self.untold, pcm])
        pieces = await self._pieces(listen)
        self.untold = self.untold[sum(len(piece.pcm) for piece in pieces) :]
        return pieces

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
        return [_unshaped(self.untold)] if self.untold.size else []

    def _failed(self, error: EngineError) -> None:
        self._lips = None
        self._strikes.add()
        extra = {"fault": fault(error), "resting": self._strikes.resting}
        log.error("the lips failed; the voice goes on", extra=extra)
        self._say(LIPS_FAILED)

    def _renew(self) -> None:
        """Have new lips made, while the voice goes on."""
        if self._making is None and not self._strikes.resting:
            self._making = asyncio.create_task(self._made(), name="new lips")

    async def _made(self) -> None:
        try:
            with self._health.watched():
                self._lips = await self._worker.call(self._again)
        except EngineError as error:
            self._failed(error)
        finally:
            self._making = None


def _unshaped(pcm: Pcm) -> Speech:
    return Speech(pcm, (Phoneme("", 0, len(pcm)),), (), "espeak")


def _feed(pcm: Pcm, lips: Lips) -> Iterator[Speech]:
    return lips.feed(pcm)


def _heard(lips: Lips, listen: Listen) -> list[Speech]:
    pieces = list(listen(lips))
    if not all(piece.pcm.dtype == np.int16 and piece.pcm.ndim == 1 for piece in pieces):
        raise EngineError("the lips made something else than speech")
    return pieces
