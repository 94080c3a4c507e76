"""A conversation on fake engines, in virtual time: what was said to it, what it sent and played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, Self, TypeVar

import numpy as np
from support.services import FakeServices

from visavis.engines.base import Pcm
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import PACKET, Tick, ms
from visavis.server.session.doors import Playout
from visavis.server.session.engines import Engines
from visavis.server.session.events import Event
from visavis.server.session.session import Session

T = TypeVar("T")

SILENCE = np.zeros(PACKET, np.int16)
VOICE = np.full(PACKET, 8000, np.int16)


class Stage:
    """A session on fakes, with what it sent and what its tracks would play."""

    def __init__(self, **options: Any) -> None:
        self.sent: list[tuple[Tick, Event]] = []
        self.services = FakeServices(**options)
        self.motion, self.dialogue = self.services.motion, self.services.dialogue
        self.generator, self.stt = self.services.generator, self.services.stt
        self.tts = self.services.tts
        self.open(self.services.engines())

    def open(self, engines: Engines) -> None:
        """Begin a session with these engines."""
        self.session = Session("s", engines, self.services.metrics, Clock())
        self.clock, self.timeline = self.session.clock, self.session.timeline

    def tell(self, event: Event) -> None:
        self.sent.append((self.clock.now(), event))

    async def play(self, playout: Playout) -> None:
        """An outlet that only listens to what it is told."""
        playout.reader.close()
        await asyncio.Event().wait()

    def of(self, kind: type[T]) -> list[T]:
        return [message for _, message in self.sent if isinstance(message, kind)]

    def at(self, kind: type[T]) -> list[Tick]:
        return [at for at, message in self.sent if isinstance(message, kind)]

    async def speak(self, script: Iterable[tuple[Pcm, int]]) -> None:
        """Feed the microphone: a list of (packet, milliseconds)."""

        async def mic() -> AsyncIterator[Pcm]:
            at = self.clock.now()
            for packet, duration in script:
                for _ in range(duration // 20):
                    at += PACKET
                    await self.clock.sleep_until(at)
                    yield packet

        await self.session.listen(mic())

    async def pass_time(self, milliseconds: float) -> None:
        await self.clock.sleep_until(self.clock.now() + ms(milliseconds))

    async def __aenter__(self) -> Self:
        self.session.add_outlet(self)
        self.run = asyncio.create_task(self.session.run())
        await self.pass_time(200)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.run.cancel()
        await asyncio.gather(self.run, return_exceptions=True)
        self.services.close()
