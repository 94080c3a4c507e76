"""Whose face it is: a session in this process. What `controls` needs of it, and typed words."""

from __future__ import annotations

import asyncio
from typing import Final

from visavis.server.session.events import Directed
from visavis.server.session.session import Session

_WAITING: Final = 20  # typed lines


def told(directed: Directed) -> str:
    """What was understood of a direction, in a line."""
    if directed.styles:
        return f"looks {', '.join(directed.styles)}"
    return f"not understood: {', '.join(directed.dropped)}; there are {', '.join(directed.known)}"


class Typed:
    """Words to say, one line after the other; `run` says them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lines: asyncio.Queue[str] = asyncio.Queue(_WAITING)

    def put(self, words: str) -> bool:
        """Say it after what was typed before; False: too much waits."""
        try:
            self._lines.put_nowait(words)
        except asyncio.QueueFull:
            return False
        return True

    def forget(self) -> None:
        """What was not begun is not said."""
        while not self._lines.empty():
            self._lines.get_nowait()
            self._lines.task_done()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            words = await self._lines.get()
            self._session.say(words)
            await self._session.silence()
            self._lines.task_done()

    async def said(self) -> None:
        """Return once all of it was said."""
        await self._lines.join()
