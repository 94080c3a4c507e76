"""The presenter's microphone, as an inlet of a session: at our clock, without what others say."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

import numpy as np

from visavis.engines.base import PLAY_RATE, Pcm
from visavis.server.camera.capture import ticks
from visavis.server.camera.echo import Canceller
from visavis.server.camera.steady import Clocked
from visavis.server.playout.messages import Tick
from visavis.server.session.session import Session

_MOST: Final = 10  # fragments that wait: 100 ms; what is older is of no use
_SMOOTH: Final = 0.02  # of each measurement of the age
_FALL: Final = 0.3  # s in which the level shown falls to a third


class PresenterMicrophone:
    """Inlet. `take` is for a `Capture`. level: of what is heard, from 0 to 1.

    muted: it gives silence, at once; what was said before is still heard.
    """

    def __init__(self, canceller: Canceller | None = None) -> None:
        self._canceller, self._clocked = canceller, Clocked()
        self._waiting: deque[Pcm] = deque(maxlen=_MOST)
        self._came = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.level, self.muted = 0.0, False
        self.age = 0.0  # ticks from a sound to its coming here

    @property
    def echo(self) -> str:
        """What is known of an echo."""
        return "off" if self._canceller is None else self._canceller.state

    def take(self, pcm: Pcm, heard: Tick) -> None:
        """See `capture.Take`: in a thread."""
        self.age += (ticks() - heard + len(pcm) / 2 - self.age) * (_SMOOTH if self.age else 1.0)
        at, made = self._clocked.push(pcm, heard)
        clean = made if self._canceller is None else self._canceller.clean(made, at)
        self._measure(clean)
        clean = np.zeros_like(clean) if self.muted else clean
        self._loop.call_soon_threadsafe(self._put, clean)

    def _put(self, pcm: Pcm) -> None:
        self._waiting.append(pcm)
        self._came.set()

    def _measure(self, pcm: Pcm) -> None:
        if len(pcm):
            peak = float(np.abs(pcm.astype(np.int32)).max()) / 32768
            fallen = self.level * float(np.exp(-len(pcm) / PLAY_RATE / _FALL))
            self.level = max(peak, fallen)

    async def feed(self, session: Session) -> None:
        """Inlet: until cancelled."""
        await session.listen(self.packets())

    async def packets(self) -> AsyncIterator[Pcm]:
        """What comes from now on: what has waited would be late for ever."""
        self._waiting.clear()
        while True:
            self._came.clear()
            await self._came.wait()
            while self._waiting:
                yield self._waiting.popleft()
