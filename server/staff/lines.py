"""What waits to be said in one session: each line once reply and visitor have finished."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from visavis.server.session.session import Session
from visavis.server.system.errors import TooMany

_MOST: Final = 8  # that wait
_PATIENCE: Final = 8.0  # s that a visitor who speaks is waited for
_LOOK: Final = 0.1  # s

Line = Callable[[], None]


class Lines:
    """Of one session. hearing: whether its visitor speaks now."""

    def __init__(self, session: Session, hearing: Callable[[], bool]) -> None:
        self._session, self._hearing = session, hearing
        self._waiting: asyncio.Queue[Line] = asyncio.Queue(_MOST)

    def put(self, line: Line) -> None:
        """Let it be said. Raises TooMany."""
        if self._waiting.full():
            raise TooMany(f"{_MOST} lines wait to be said. Wait for the avatar.", 5)
        self._waiting.put_nowait(line)

    def put_own(self, line: Line) -> None:
        """The same of what can be left out where too much waits."""
        if not self._waiting.full():
            self._waiting.put_nowait(line)

    def drop(self) -> None:
        """Nothing of what waits is said any more."""
        while not self._waiting.empty():
            self._waiting.get_nowait()

    async def run(self) -> None:
        """Say them, until cancelled."""
        while True:
            line = await self._waiting.get()
            await self._turn()
            line()

    async def _turn(self) -> None:
        waited = 0.0
        while True:
            await self._session.silence()
            speaks = self._hearing() and waited < _PATIENCE
            if not (speaks or self._session.resting or self._session.replying):
                return
            await asyncio.sleep(_LOOK)
            waited += _LOOK * speaks
