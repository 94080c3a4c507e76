"""A text performed by a session without a viewer: its sound, and what its face was told when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from visavis.engines import load
from visavis.engines.base import Motion, Pcm, Speech, Tts
from visavis.engines.direction.director import Director
from visavis.engines.fake import FakeGenerator, FakeMotion
from visavis.models.avatar.file import Avatar, load_avatar
from visavis.server.avatars.store import AvatarStore
from visavis.server.commands.rendering import LEAD_IN, TAIL
from visavis.server.playout import virtual_loop
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import FRAME
from visavis.server.recording.files import Script
from visavis.server.services.offline import offline_engines
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event
from visavis.server.session.session import Session
from visavis.server.system.metrics import Metrics

__all__ = ["LEAD_IN", "TAIL", "Performance", "avatar", "perform"]

Order = Callable[[Motion], None]


@dataclass(frozen=True, slots=True)
class Performance:
    """Mono int16 at PLAY_RATE; the pieces of speech with their start samples; orders to a face."""

    pcm: Pcm
    pieces: tuple[tuple[int, Speech], ...]
    orders: tuple[Order, ...]

    @property
    def frames(self) -> int:
        """Pictures that cover all of it."""
        return -(-len(self.pcm) // FRAME)

    def motion(self, seed: int) -> Motion:
        """A face that has been told everything."""
        motion = load.motion(seed)
        for order in self.orders:
            order(motion)
        return motion


class _Noting(FakeMotion):
    """Keeps what it is told, to be told again."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[tuple[int, Speech]] = []
        self.orders: list[Order] = []

    def speak(self, at: int, speech: Speech) -> None:
        self.pieces.append((at, speech))
        self.orders.append(lambda motion: motion.speak(at, speech))

    def cut(self, at: int) -> None:
        self.orders.append(lambda motion: motion.cut(at))

    def attend(self, at: int, attention: Any) -> None:
        self.orders.append(lambda motion: motion.attend(at, attention))

    def feel(self, at: int, *feeling: Any) -> None:
        self.orders.append(lambda motion: motion.feel(at, *feeling))

    def move(self, at: int, movement: Any) -> None:
        self.orders.append(lambda motion: motion.move(at, movement))


class _Sound:
    """Outlet: all that is heard, from tick 0 on."""

    def __init__(self) -> None:
        self.parts: list[Pcm] = []

    def tell(self, event: Event) -> None:
        """Nothing to note."""

    async def play(self, playout: Playout) -> None:
        """Until cancelled."""
        at = 0
        while True:
            await playout.clock.sleep_until(at + FRAME)
            self.parts.append(playout.reader.audio(at, FRAME))
            at += FRAME


def perform(text: str, tts: Tts, director: Director | None = None, style: str = "") -> Performance:
    """As `visavis say` does. Raises EngineError."""
    motion = _Noting()
    engines = replace(
        offline_engines(FakeGenerator().one, director or Director(), tts), motion=motion
    )

    async def work() -> Pcm:
        session = Session("bench", engines, Metrics(), Clock(asyncio.get_running_loop().time))
        sound, running = _Sound(), asyncio.create_task(session.run())
        session.add_outlet(sound)
        await session.add_inlet(Script(text, style, LEAD_IN))
        await session.clock.sleep_until(session.clock.now() + TAIL)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return np.concatenate(sound.parts)

    return Performance(virtual_loop.run(work()), tuple(motion.pieces), tuple(motion.orders))


def avatar(name: str, home: Path) -> Avatar:
    """Raises NotFound, AvatarError."""
    return load_avatar(AvatarStore(home).path(name))
