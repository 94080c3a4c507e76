"""What a door needs of whoever has faces: a house in this process, or a server somewhere else."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from visavis.engines.base import Pcm
from visavis.server.session.doors import Outlet


class Voice(Protocol):
    """What speaks through a face, in segments; see `Pushed`."""

    @property
    def sounds(self) -> bool:
        """Whether a segment is not over yet."""
        ...

    async def push(self, pcm: Pcm) -> None:
        """(n,) int16 at 48 kHz; waits for room."""
        ...

    def end(self) -> int:
        """No more of the segment comes; its number."""
        ...

    def clear(self) -> object:
        """Silence, and every segment is over."""
        ...

    async def silence(self) -> None:
        """Return once every segment is over."""
        ...


class Understood(Protocol):
    """What was understood of a direction, in words."""

    @property
    def styles(self) -> tuple[str, ...]: ...


class Performer(Protocol):
    """One session."""

    @property
    def voice(self) -> Voice: ...

    async def direct(self, prompt: str) -> Understood:
        """Take a direction in plain words."""
        ...


class Faces(Protocol):
    """Who has them. size: width and height of every picture, px."""

    @property
    def size(self) -> tuple[int, int]: ...

    def session(self, *outlets: Outlet, avatar: str = "") -> AbstractAsyncContextManager[Performer]:
        """One that lives until the block is left, played by the outlets. avatar: "": the usual."""
        ...
