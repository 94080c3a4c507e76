"""A real session with the server's own engines, a microphone's sound going in, and what came of it.

Time is `honest_loop`'s. The face is not drawn: its neutral picture is handed out at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from bench.hearing.room import Echo
from visavis.engines.base import I420, Before, FaceState, Floats, Pcm
from visavis.server.avatars.store import AvatarStore
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import PACKET, TICK_RATE, Fluency, Tick
from visavis.server.services import configured
from visavis.server.services.engines import Services
from visavis.server.session import events
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event
from visavis.server.session.finishing import Finished, as_drawn
from visavis.server.session.session import Session
from visavis.server.session.showing import Urgency
from visavis.server.system.config import Config
from visavis.server.system.metrics import Metrics

HOME: Final = Path("out/bench/home")
VOICE: Final = "heart"  # the avatar's


@dataclass(frozen=True, slots=True)
class Scene:
    """What happens to one session.

    mic: (samples,) at TICK_RATE in [-1, 1], from the session's first tick on; it is over with its
    last packet. says: what the avatar is told to say, and from which tick on. echo: of the avatar
    in the microphone. released: when the microphone's button is, if it is.
    """

    name: str
    mic: Floats
    says: tuple[tuple[Tick, str], ...] = ()
    echo: Echo | None = None
    released: Tick | None = None
    voice: str = VOICE


@dataclass(slots=True)
class Record:
    """What came of a scene: the avatar's sound as it left, and each event with its tick.

    answers: what the avatar's replies were, to their ends, said or not.
    """

    scene: Scene
    played: Pcm
    answers: str = ""
    events: list[tuple[Tick, Event]] = field(default_factory=list)

    @property
    def finals(self) -> list[tuple[Tick, str]]:
        """The visitor's words as they were taken in the end, turn by turn."""
        return [
            (at, event.text)
            for at, event in self.events
            if isinstance(event, events.Transcribed) and event.final and event.text
        ]

    @property
    def heard(self) -> str:
        """All of them."""
        return " ".join(text for _, text in self.finals)

    @property
    def said(self) -> list[tuple[Tick, events.ReplyEnded]]:
        """The avatar's replies that are over."""
        return [(at, e) for at, e in self.events if isinstance(e, events.ReplyEnded)]


class _Still:
    """session.showing.Sitting for a face that nobody looks at."""

    def __init__(self, still: I420) -> None:
        self._still = still

    def fluency(self, urgency: Urgency) -> Fluency:
        return "full"

    def pause(self) -> None:
        pass

    def missed(self, count: int) -> None:
        pass

    async def draw(
        self, make: Callable[[], FaceState], due: float, over: Before | None = None,
        finish: Finished = as_drawn,
    ) -> I420:  # fmt: skip
        return finish(self._still)


class _Visitor:
    """Inlet and outlet: who speaks into the microphone and hears the loudspeaker."""

    def __init__(self, scene: Scene) -> None:
        self.record = Record(scene, np.zeros(0, np.int16))
        self._scene = scene
        packets = -(-len(scene.mic) // PACKET)
        self._mic = np.pad(scene.mic, (0, packets * PACKET - len(scene.mic)))
        self._played = np.zeros(packets * PACKET, np.int16)
        self._sounding = np.zeros(packets * PACKET, np.float32)
        self._clock: Clock | None = None

    async def feed(self, session: Session) -> None:
        """Speak; what the avatar is told to say is said meanwhile."""
        self._clock = session.clock
        beside = [asyncio.create_task(self._tell_to_say(session))]
        if self._scene.released is not None:
            beside.append(asyncio.create_task(self._release(session, self._scene.released)))
        try:
            await session.listen(self._packets(session.clock))
        finally:
            for task in beside:
                task.cancel()

    async def _release(self, session: Session, at: Tick) -> None:
        await session.clock.sleep_until(at)
        session.mic(on=False)

    async def _tell_to_say(self, session: Session) -> None:
        for at, text in self._scene.says:
            await session.clock.sleep_until(at)
            session.say(text)

    async def _packets(self, clock: Clock) -> AsyncIterator[Pcm]:
        for at in range(0, len(self._mic), PACKET):
            await clock.sleep_until(at + PACKET)  # a packet is there when its last sample is
            sound = self._mic[at : at + PACKET]
            if self._scene.echo is not None:
                sound = sound + self._scene.echo.at(self._sounding, at)
            yield np.rint(np.clip(sound, -1, 1) * 32_767).astype(np.int16)

    def tell(self, event: Event) -> None:
        """Note it."""
        assert self._clock is not None
        self.record.events.append((self._clock.now(), event))

    async def play(self, playout: Playout) -> None:
        """Hear what a viewer's track would hand over, packet by packet, at its time."""
        self._clock = playout.clock
        for at in range(0, len(self._played), PACKET):
            await playout.clock.sleep_until(at)
            sound = playout.reader.audio(at, PACKET)
            self._played[at : at + PACKET] = sound
            self._sounding[at : at + PACKET] = sound.astype(np.float32) / 32_768
            playout.sound_sent(at, playout.clock.now())
        self.record.played = self._played


@asynccontextmanager
async def engines(**settings: object) -> AsyncIterator[Services]:
    """The engines of a server with its default settings, loaded.

    The voice runs in a thread: what another process costs, this clock would count as nothing.
    """
    HOME.mkdir(parents=True, exist_ok=True)
    thread = {"voice_process": "off", **settings}
    config = replace(Config(), home=str(HOME), voice=VOICE, **thread)  # type: ignore[arg-type]
    services = configured.services(config, AvatarStore(HOME), Metrics())
    try:
        await services.open()
        yield services
    finally:
        services.close()


async def perform(services: Services, scene: Scene) -> Record:
    """One session from its first tick to the end of the scene's sound."""
    lent = await services.lend(Config().avatar, scene.voice, "dialogue")
    lent = replace(lent, sitting=_Still(lent.still))
    clock = Clock(asyncio.get_running_loop().time)
    session = Session(scene.name, lent, Metrics(), clock)
    visitor = _Visitor(scene)
    running = asyncio.create_task(session.run())
    playing = session.add_outlet(visitor)
    try:
        await session.add_inlet(visitor)
        await clock.sleep_until(len(scene.mic))
        await playing
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    remarks = session.history.remarks
    visitor.record.answers = " ".join(r.text for r in remarks if r.role == "avatar")
    return visitor.record


def seconds(tick: Tick) -> float:
    """A tick as seconds."""
    return tick / TICK_RATE


def track(*parts: tuple[Tick, Floats], length: Tick) -> Floats:
    """(length,): each sound from its tick on, added up."""
    out = np.zeros(length, np.float32)
    for at, sound in parts:
        end = min(length, at + len(sound))
        out[at:end] += sound[: end - at]
    return out
