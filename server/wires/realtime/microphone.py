"""A client's sound as it comes over a web socket, given to a session at the pace of a microphone.

A client may send faster: what waits is bounded, and given a little faster than real time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

import numpy as np

from visavis.engines.base import Pcm
from visavis.server.playout.messages import PACKET, TICK_RATE, Tick, ms, to_ms
from visavis.server.session.session import Session

MOST: Final[Tick] = ms(60_000)  # that waits to be heard
PACE: Final = 1.15  # s of sound in a second, less than a session takes (intake.SHARE)
_AHEAD: Final[Tick] = ms(400)  # given at once after a pause: clients send up to so much in a piece
_PATIENCE: Final = 0.3  # s without sound after which it is taken for silence
_SILENCE: Final = 150  # packets of it at most: then a turn that was begun is over
_NOTHING: Final = np.zeros(PACKET, np.int16)


class Microphone:
    """Inlet: of one client."""

    def __init__(self) -> None:
        self._waiting: deque[Pcm] = deque()
        self._length: Tick = 0
        self._more = asyncio.Event()
        self._given: Tick = 0

    @property
    def position(self) -> float:
        """ms of the client's sound that the session was given."""
        return to_ms(self._given)

    @property
    def left(self) -> Tick:
        """How much more can wait."""
        return MOST - self._length

    def put(self, pcm: Pcm) -> None:
        """More sound, for which there is room."""
        self._waiting.append(pcm)
        self._length += len(pcm)
        self._more.set()

    def clear(self) -> None:
        """What waits is not to be heard."""
        self._waiting.clear()
        self._length = 0

    async def feed(self, session: Session) -> None:
        """Let the session listen until it is over."""
        await session.listen(self._paced())

    async def _paced(self) -> AsyncIterator[Pcm]:
        loop = asyncio.get_running_loop()
        room, at = float(_AHEAD), loop.time()
        async for packet in self._packets():
            now = loop.time()
            room, at = min(_AHEAD, room + (now - at) * PACE * TICK_RATE), now
            room -= len(packet)
            if room < 0:
                await asyncio.sleep(-room / (PACE * TICK_RATE))
            yield packet

    async def _packets(self) -> AsyncIterator[Pcm]:
        """Of the client's sound, with silence where it pauses."""
        silent = _SILENCE
        while True:
            if (packet := self._next()) is not None:
                silent = 0
                self._given += PACKET
                yield packet
            elif silent >= _SILENCE:
                await self._come(None)
            elif not await self._come(_PATIENCE if silent == 0 else to_ms(PACKET) / 1000):
                silent += 1
                yield _NOTHING

    def _next(self) -> Pcm | None:
        """The next packet; None while there is less than one."""
        if self._length < PACKET:
            return None
        parts, missing = [], PACKET
        while missing:
            first = self._waiting.popleft()
            if len(first) > missing:
                self._waiting.appendleft(first[missing:])
            parts.append(first[:missing])
            missing -= len(parts[-1])
        self._length -= PACKET
        return np.concatenate(parts)

    async def _come(self, within: float | None) -> bool:
        """Whether more came in time."""
        self._more.clear()
        try:
            async with asyncio.timeout(within):
                await self._more.wait()
        except TimeoutError:
            return False
        return True
