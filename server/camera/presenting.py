"""`visavis camera`: a face in a virtual camera that says what its presenter says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from visavis.server.camera import devices
from visavis.server.camera.away import WORDS, Away
from visavis.server.camera.controls import Controls
from visavis.server.camera.faces import Typed, told
from visavis.server.camera.picture_out import PictureOut
from visavis.server.camera.pictures import Pictures
from visavis.server.camera.playing import EARLY, CameraOutlet
from visavis.server.camera.sounding import Incoming, Outgoing
from visavis.server.embedded.house import House
from visavis.server.playout.messages import to_ms
from visavis.server.session.events import Event, Failure
from visavis.server.session.session import Session
from visavis.server.system.config import Config, Source
from visavis.server.system.flow import Tasks

_SETTLES: Final = 2.0  # s in which the way out is measured before its delay is told

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for. Empty: whatever there is.

    device: a camera, or a .y4m file. microphone and sink: by name. typed: words are typed. echo:
    whether what the loudspeaker plays is taken out. away: what is written then.
    """

    device: str = ""
    microphone: str = ""
    sink: str = ""
    typed: bool = False
    echo: bool = True
    away: str = WORDS


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs, once all of it does. camera: its name, for other programs."""

    controls: Controls
    session: Session
    outlet: CameraOutlet
    outgoing: Outgoing
    incoming: Incoming | None
    typed: Typed | None
    shown: PictureOut
    camera: str

    async def told(self) -> list[str]:
        """What the presenter must know, after the way out was measured for a moment."""
        await asyncio.sleep(_SETTLES)
        lines = [
            f"camera: {self.camera}",
            f"microphone for the meeting: {self.outgoing.microphone.source}",
        ]
        out = to_ms(round(self.outgoing.voice.delay))
        if self.incoming is not None:
            lines.append(f"your microphone: {self.incoming.device.title}")
            late = out - to_ms(EARLY) + to_ms(self.session.delay)
            late += to_ms(round(self.incoming.microphone.age))
            lines.append(f"you are heard and seen about {late:.0f} ms after you speak")
        held = to_ms(self.outlet.held)
        lines.append(f"the way out takes {out:.0f} ms; pictures wait {held:.0f} ms for their sound")
        return lines


@asynccontextmanager
async def presented(
    config: Config, wishes: Wishes, say: Say, loaded: Callable[[], None] = lambda: None
) -> AsyncIterator[Stage]:
    """Everything open and running. loaded: called once the engines are, before media begins.

    Raises ConfigError, DeviceError, EngineError, and a model's.
    """
    async with AsyncExitStack() as ends:
        device = await asyncio.to_thread(_opened, config, wishes)
        shown = PictureOut(device, partial(_opened, config, wishes), _from_thread(say, "camera"))
        ends.push_async_callback(asyncio.to_thread, shown.close)
        outgoing = await Outgoing.open(wishes.sink, partial(_tell, say, "virtual microphone"))
        ends.push_async_callback(asyncio.to_thread, outgoing.close)
        incoming = None
        if not wishes.typed:
            own = outgoing.microphone
            incoming = await Incoming.open(wishes.microphone, own, echo=wishes.echo)
        away, early = Away(wishes.away), 0 if wishes.typed else EARLY
        outlet = CameraOutlet(outgoing.voice, shown, away, partial(_event, say), early)
        source: Source = "dialogue" if wishes.typed else "microphone"
        house = await ends.enter_async_context(House.open(config, wordless=not wishes.typed))
        loaded()
        shown.start()
        outgoing.voice.start()
        session = await ends.enter_async_context(house.session(outlet, source=source))
        typed = Typed(session) if wishes.typed else None
        controls = _controls(session, away, incoming, typed, say)
        tasks = Tasks()
        ends.push_async_callback(tasks.close)
        tasks.start(outgoing.hurry(), name="hurry")
        if incoming is not None:
            session.add_inlet(incoming.microphone)
            tasks.start(incoming.run(partial(_tell, say)), name="incoming")
        if typed is not None:
            tasks.start(typed.run(), name="typed words")
        yield Stage(controls, session, outlet, outgoing, incoming, typed, shown, device.name)


def _opened(config: Config, wishes: Wishes) -> Pictures:
    return devices.opened(wishes.device, config.width, config.height)


def _from_thread(say: Say, what: str) -> Callable[[str], None]:
    loop = asyncio.get_running_loop()

    def tell(why: str) -> None:
        loop.call_soon_threadsafe(_tell, say, what, why)

    return tell


def _tell(say: Say, what: str, why: str) -> None:
    say(f"{what}: {why or 'works'}")


def _event(say: Say, event: Event) -> None:
    if isinstance(event, Failure):
        say(event.message)


def _controls(
    session: Session, away: Away, incoming: Incoming | None, typed: Typed | None, say: Say
) -> Controls:
    async def direct(words: str) -> str:
        return told(await session.direct(words))

    async def hush() -> None:
        if typed is not None:
            typed.forget()
            session.interrupt()

    def speak(words: str) -> None:
        if typed is not None and not typed.put(words):
            say("not said: too much waits to be said")

    microphone = incoming.microphone if incoming is not None else None
    return Controls(say, direct, hush, away, microphone, speak if typed is not None else None)
