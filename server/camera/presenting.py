"""`visavis camera`: a face in a virtual camera that says what its presenter says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from visavis.engines.base import I420
from visavis.server.camera import devices
from visavis.server.camera.away import WORDS, Away
from visavis.server.camera.controls import Controls
from visavis.server.camera.faces import Face, Typed, failure, local
from visavis.server.camera.picture_out import PictureOut
from visavis.server.camera.playing import EARLY, CameraOutlet
from visavis.server.camera.remote_face import RemoteFace, remote
from visavis.server.camera.sounding import Incoming, Outgoing
from visavis.server.camera.wide import Wide, wide
from visavis.server.embedded.house import OVER
from visavis.server.playout.messages import to_ms
from visavis.server.session.events import Event, Failure
from visavis.server.system.config import Config
from visavis.server.system.flow import Tasks

_SETTLES: Final = 2.0  # s in which the way out is measured before its delay is told

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for. Empty: whatever there is.

    url: of a server whose face it is. device: a camera, or a .y4m file. microphone and sink: by
    name. typed: words are typed. echo: whether what the loudspeaker plays is taken out. away: what
    is written then. square: pictures as the face has them, without sides.
    """

    url: str = ""
    device: str = ""
    microphone: str = ""
    sink: str = ""
    typed: bool = False
    echo: bool = True
    square: bool = False
    away: str = WORDS


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs, once all of it does. camera: its name, for other programs."""

    controls: Controls
    face: Face
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
            lines += self._delayed(out, self.incoming)
        held = to_ms(self.outlet.held)
        lines.append(f"sound takes {out:.0f} ms to the meeting; pictures wait {held:.0f} ms for it")
        return lines

    def _delayed(self, out: float, incoming: Incoming) -> list[str]:
        if not self.face.delay:
            return []
        late = out - to_ms(EARLY) + to_ms(self.face.delay) + to_ms(round(incoming.microphone.age))
        return [f"you are heard and seen about {late:.0f} ms after you speak"]


@asynccontextmanager
async def presented(
    config: Config, wishes: Wishes, say: Say, loaded: Callable[[], None] = lambda: None
) -> AsyncIterator[Stage]:
    """Everything open and running. loaded: called once the engines are, before media begins.

    Raises ConfigError, DeviceError, EngineError, and a model's.
    """
    async with AsyncExitStack() as ends:
        ended, size = asyncio.Event(), (config.width, config.height)
        away = Away(wishes.away)
        face: Face | None = None
        if wishes.url:
            elsewhere = await ends.enter_async_context(_elsewhere(config, wishes, say, ended))
            face, size = elsewhere, elsewhere.size
        framed = _as_it_is if wishes.square else Wide().framed
        again = partial(devices.opened, wishes.device, *(size if wishes.square else wide(*size)))
        device = await asyncio.to_thread(again)
        shown = PictureOut(device, again, _from_thread(say, "camera"))
        ends.push_async_callback(asyncio.to_thread, shown.close)
        outgoing = await Outgoing.open(wishes.sink, partial(_tell, say, "virtual microphone"))
        ends.push_async_callback(asyncio.to_thread, outgoing.close)
        incoming = None
        if not wishes.typed:
            own = outgoing.microphone
            incoming = await Incoming.open(wishes.microphone, own, echo=wishes.echo)
        if face is None:
            face = await ends.enter_async_context(local(config, typed=wishes.typed))
        loaded()
        shown.start()
        outgoing.voice.start()
        early = 0 if wishes.typed else EARLY
        tell = partial(_event, say, ended)
        outlet = CameraOutlet(outgoing.voice, shown, away, tell, early, framed, face.label)
        face.play(outlet)
        tasks = Tasks()
        ends.push_async_callback(tasks.close)
        tasks.start(outgoing.hurry(), name="hurry")
        typed = Typed(face, say) if wishes.typed else None
        if typed is not None:
            tasks.start(typed.run(), name="typed words")
        if incoming is not None:
            tasks.start(face.listen(incoming.microphone.packets()), name="the presenter's voice")
            tasks.start(incoming.run(partial(_tell, say)), name="incoming")
        controls = _controls(face, away, incoming, typed, say)
        controls.ended = ended
        yield Stage(controls, face, outlet, outgoing, incoming, typed, shown, device.name)


def _as_it_is(picture: I420) -> I420:
    return picture


def _elsewhere(
    config: Config, wishes: Wishes, say: Say, ended: asyncio.Event
) -> AbstractAsyncContextManager[RemoteFace]:
    def lost(why: str) -> None:
        if not ended.is_set():
            say(f"{wishes.url}: {why}")
            ended.set()

    voice = config.voice if wishes.typed else ""
    return remote(wishes.url, config.token, config.avatar, voice, lost, typed=wishes.typed)


def _from_thread(say: Say, what: str) -> Callable[[str], None]:
    loop = asyncio.get_running_loop()

    def tell(why: str) -> None:
        loop.call_soon_threadsafe(_tell, say, what, why)

    return tell


def _tell(say: Say, what: str, why: str) -> None:
    say(f"{what}: {why or 'works'}")


def _event(say: Say, ended: asyncio.Event, event: Event) -> None:
    if words := failure(event):
        say(words)
    if isinstance(event, Failure) and event.code == OVER:
        ended.set()


def _controls(
    face: Face, away: Away, incoming: Incoming | None, typed: Typed | None, say: Say
) -> Controls:
    async def nothing() -> None:
        """A voice from a microphone is silent when it is muted."""

    microphone = incoming.microphone if incoming is not None else None
    if typed is None:
        return Controls(say, face.direct, nothing, away, microphone)
    return Controls(say, face.direct, typed.hush, away, microphone, typed.put)
