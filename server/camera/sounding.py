"""All of a camera's sound: the virtual microphone, and the presenter's own with its echo.

Every piece finds its device anew when it, or the whole sound server, comes back.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Final, Self

from visavis.engines.base import Pcm
from visavis.server.camera import sound_server, virtual_microphone
from visavis.server.camera.capture import Capture
from visavis.server.camera.echo import Canceller, Reference, canceller
from visavis.server.camera.microphone import PresenterMicrophone
from visavis.server.camera.sound_server import Device
from visavis.server.camera.virtual_microphone import VirtualMicrophone
from visavis.server.camera.voice_out import VoiceOut
from visavis.server.playout.messages import Tick
from visavis.server.system.errors import DeviceError

HEADPHONES: Final = "use headphones, or the face will repeat what the meeting says"


class Outgoing:
    """The virtual microphone and what is played into it. told: a line, in the event loop."""

    def __init__(
        self, microphone: VirtualMicrophone, wanted: str, told: Callable[[str], None]
    ) -> None:
        self.microphone, self._wanted, self._lock = microphone, wanted, threading.Lock()
        loop = asyncio.get_running_loop()

        def tell(why: str) -> None:
            loop.call_soon_threadsafe(told, why)

        self.voice = VoiceOut(self._sink, tell)

    @classmethod
    async def open(cls, wanted: str, told: Callable[[str], None]) -> Self:
        """wanted: a sink of the user's own; "": one is made. Raises ConfigError, DeviceError."""
        return cls(await asyncio.to_thread(_made, wanted), wanted, told)

    def _sink(self) -> str:
        """In a thread: the sink, which is made anew if the sound server has forgotten it."""
        with self._lock, sound_server.connected() as sound:
            if not virtual_microphone.is_whole(sound, self.microphone):
                self.microphone = virtual_microphone.opened(sound, self._wanted)
            return self.microphone.sink

    async def hurry(self) -> None:
        """Listen to the sink, until cancelled: a null sink is as quick as its quickest listener."""
        await Capture(lambda: f"{self.microphone.sink}.monitor", _nothing, silent=True).run()

    def close(self) -> None:
        """End the voice, and take away what was made; blocks for a moment."""
        self.voice.close()
        try:
            with sound_server.connected() as sound:
                virtual_microphone.close(sound, self.microphone)
        except DeviceError:
            pass  # it went away, and with it what it had made


class Incoming:
    """The presenter's microphone. wanted: its name; "": the default one."""

    def __init__(
        self, device: Device, wanted: str, own: VirtualMicrophone, canceller: Canceller | None
    ) -> None:
        self.device, self._wanted, self._own = device, wanted, own
        self._reference = canceller.reference if canceller is not None else None
        self.microphone = PresenterMicrophone(canceller)

    @classmethod
    async def open(cls, wanted: str, own: VirtualMicrophone, *, echo: bool) -> Self:
        """own: the virtual one, which is never meant.

        Raises ConfigError, DeviceError, EngineError.
        """
        device = await asyncio.to_thread(_found, wanted, own)
        cancels = await asyncio.to_thread(Canceller, Reference(), canceller) if echo else None
        return cls(device, wanted, own, cancels)

    def _source(self) -> str:
        return _found(self._wanted, self._own).name

    def _played(self) -> str:
        """What the meeting plays into, recorded. Raises DeviceError."""
        with sound_server.connected() as sound:
            sink = sound.server().sink
        if not sink or sink == self._own.sink:
            raise DeviceError(f"the default loudspeaker is {sink or 'none'}: {HEADPHONES}")
        return f"{sink}.monitor"

    async def run(self, told: Callable[[str, str], None]) -> None:
        """Record until cancelled. told: of "microphone" or "loudspeaker", why it is away, or ""."""
        heard = Capture(self._source, self.microphone.take, lambda why: told("microphone", why))
        async with asyncio.TaskGroup() as both:
            both.create_task(heard.run(), name="from the microphone")
            if self._reference is not None:
                played = Capture(
                    self._played,
                    self._reference.take,
                    lambda why: told("loudspeaker", why),
                    silent=True,
                )
                both.create_task(played.run(), name="from the loudspeaker")


def _made(wanted: str) -> VirtualMicrophone:
    with sound_server.connected() as sound:
        return virtual_microphone.opened(sound, wanted)


def _found(wanted: str, own: VirtualMicrophone) -> Device:
    with sound_server.connected() as sound:
        return sound_server.microphone(sound, wanted, own.source)


def _nothing(_pcm: Pcm, _heard: Tick) -> None:
    """Nobody needs it."""
