"""Whose face it is: what a camera needs of it, the one of this process, and typed words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol

from visavis.engines.base import Pcm
from visavis.engines.settings import Labelled
from visavis.server.embedded.house import House
from visavis.server.playout.messages import Tick
from visavis.server.session.doors import Outlet
from visavis.server.session.events import Event, Failure
from visavis.server.session.session import Session
from visavis.server.system.config import Config, Source

_WAITING: Final = 20  # typed lines


class Face(Protocol):
    """One that says what its presenter says. delay: from their sound to its own; 0: not known."""

    @property
    def delay(self) -> Tick:
        """From sound that comes in to the same sound played; 0: not known."""
        ...

    @property
    def label(self) -> Labelled | None:
        """In its pictures; None: they have none."""
        ...

    def play(self, outlet: Outlet) -> None:
        """Into this, from now on."""
        ...

    async def listen(self, voice: AsyncIterator[Pcm]) -> None:
        """Say this, 48 kHz mono, until it ends."""
        ...

    async def speak(self, words: str) -> None:
        """Say these with a voice of its own; returns at their end."""
        ...

    async def direct(self, words: str) -> str:
        """Take a direction; what was understood, in a line."""
        ...

    async def hush(self) -> None:
        """Stop speaking typed words."""
        ...


class LocalFace:
    """A session in this process."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def delay(self) -> Tick:
        """See Face."""
        return self._session.delay

    @property
    def label(self) -> Labelled | None:
        """See Face."""
        return self._session.disclosure.label

    def play(self, outlet: Outlet) -> None:
        """See Face."""
        self._session.add_outlet(outlet)

    async def listen(self, voice: AsyncIterator[Pcm]) -> None:
        """See Face."""
        await self._session.listen(voice)

    async def speak(self, words: str) -> None:
        """See Face."""
        self._session.say(words)
        await self._session.silence()

    async def direct(self, words: str) -> str:
        """See Face."""
        understood = await self._session.direct(words)
        return told(understood.styles, understood.dropped, understood.known)

    async def hush(self) -> None:
        """See Face."""
        self._session.interrupt()


@asynccontextmanager
async def local(config: Config, *, typed: bool) -> AsyncIterator[LocalFace]:
    """Load the engines. Raises ConfigError, EngineError, and a model's."""
    source: Source = "dialogue" if typed else "microphone"
    async with (
        House.open(config, wordless=not typed, door="camera") as house,
        house.session(source=source, uses=("camera",)) as one,
    ):
        yield LocalFace(one)


def told(styles: Sequence[str], dropped: Sequence[str], known: Sequence[str]) -> str:
    """What was understood of a direction, in a line."""
    if styles:
        return f"understood: {', '.join(styles)}"
    return f"not understood: {', '.join(dropped)}; there are {', '.join(known)}"


def failure(event: Event) -> str:
    """In words, if it is one."""
    return event.message if isinstance(event, Failure) else ""


class Typed:
    """Words to say, one line after the other; `run` says them. say: a line for who types."""

    def __init__(self, face: Face, say: Callable[[str], None]) -> None:
        self._face, self._say = face, say
        self._lines: asyncio.Queue[str] = asyncio.Queue(_WAITING)

    def put(self, words: str) -> None:
        """Say it after what was typed before."""
        try:
            self._lines.put_nowait(words)
        except asyncio.QueueFull:
            self._say("not said: too much waits to be said")

    async def hush(self) -> None:
        """Be silent; what was not begun is not said."""
        while not self._lines.empty():
            self._lines.get_nowait()
            self._lines.task_done()
        await self._face.hush()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            words = await self._lines.get()
            try:
                await self._face.speak(words)
            finally:
                self._lines.task_done()

    async def said(self) -> None:
        """Return once all of it was said."""
        await self._lines.join()
