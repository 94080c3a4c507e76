"""Packets of pictures, spread in time where the link is thin.

A keyframe that is sent at once fills the queue of a thin link, and sound and ICE's consent checks
wait behind it or are dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

Send = Callable[[bytes], Awaitable[None]]


class Pace:
    """When the next packet may leave at a rate. Pure logic; rates in bit/s, times in s."""

    SPEED: Final = 1.25  # of the rate: a picture is through before the next one comes
    BURST: Final = 0.01  # s that may be made up after a timer that came late

    def __init__(self) -> None:
        self._free_at = 0.0

    def wait(self, now: float) -> float:
        """s until a packet may leave."""
        return max(0.0, self._free_at - now)

    def left(self, now: float, size: int, rate: float) -> None:
        """A packet of `size` bytes has left."""
        self._free_at = max(self._free_at, now - self.BURST) + size * 8 / (rate * self.SPEED)


class Pacer:
    """The way out of one sender's packets.

    rate: bit/s now, None where nothing need wait. After `STALE` s a backlog is thrown away, and
    `lost` called: what an outage held up is of no use.
    """

    STALE: Final = 1.5

    def __init__(
        self, send: Send, rate: Callable[[], float | None], lost: Callable[[], None]
    ) -> None:
        self._send, self._rate, self._lost = send, rate, lost
        self._pace = Pace()
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._bits = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def backlog(self) -> float:
        """s that what waits still takes."""
        rate = self._rate()
        return self._bits / rate if rate else 0.0

    @property
    def is_idle(self) -> bool:
        """Whether packets leave at once: nothing waits, and no rate is kept."""
        return not self._waiting and self._rate() is None

    async def send(self, data: bytes, *, first: bool = False) -> None:
        """Let a packet leave when it may; `first`: before those that wait."""
        rate, now = self._rate(), asyncio.get_running_loop().time()
        if not self._waiting and (rate is None or self._pace.wait(now) == 0.0):
            if rate is not None:
                self._pace.left(now, len(data), rate)
            await self._send(data)
            return
        if first:
            self._waiting.appendleft((now, data))
        else:
            self._waiting.append((now, data))
        self._bits += len(data) * 8
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain(), name="pacer")

    async def close(self) -> None:
        """Throw away what waits."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _drain(self) -> None:
        while self._waiting:
            rate, now = self._rate(), asyncio.get_running_loop().time()
            if rate is not None and (wait := self._pace.wait(now)) > 0.0:
                await asyncio.sleep(wait)
                continue
            since, data = self._waiting.popleft()
            self._bits -= len(data) * 8
            if now - since > self.STALE:
                self._throw_away()
                return
            if rate is not None:
                self._pace.left(now, len(data), rate)
            try:
                await self._send(data)
            except ConnectionError:
                self._throw_away()
                return

    def _throw_away(self) -> None:
        self._waiting.clear()
        self._bits = 0
        self._lost()
