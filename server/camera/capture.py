"""One source of the sound server, recorded for as long as it is wanted, whatever becomes of it.

A thread reads; the event loop looks every second whether it is the right source, and alive. A
source that was unplugged, or a sound server that was restarted, is waited for.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Final

from visavis.engines.base import PLAY_RATE, Pcm
from visavis.server.camera.libpulse import Recording
from visavis.server.playout.messages import Tick, ms
from visavis.server.system.errors import ConfigError, DeviceError

FRAGMENT: Final[Tick] = ms(10)
_LOOK: Final = 1.0  # s between two looks
_SILENT: Final = 3.0  # s without a single fragment: it hangs, or its device sleeps

_ENDS: Final = 0.5  # s

Take = Callable[[Pcm, Tick], None]  # (FRAGMENT,) and the tick of our clock when it had been heard


def ticks() -> Tick:
    """Our clock: CLOCK_MONOTONIC, as the sound server's own."""
    return int(time.monotonic() * PLAY_RATE)


class Capture:
    """find: the name of the source, raises DeviceError or ConfigError while there is none.

    take: called in a thread. told(why): in the event loop, when it stops ("" once it goes again).
    silent: whether nothing may come for as long as it likes, as from a monitor that sleeps.
    """

    def __init__(
        self,
        find: Callable[[], str],
        take: Take,
        told: Callable[[str], None] = lambda why: None,
        *,
        silent: bool = False,
    ) -> None:
        self._find, self._take, self._told, self._silent = find, take, told, silent
        self._line: _Line | None = None
        self._why = ""

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(_LOOK)
        finally:
            line = self._line
            self._stop()
            if line is not None:
                await asyncio.to_thread(line.join, _ENDS)

    async def _look(self) -> None:
        try:
            name = await asyncio.to_thread(self._find)
        except (DeviceError, ConfigError) as error:
            self._stop()
            self._tell(str(error))
            return
        line = self._line
        if line is not None and (line.device != name or line.fault or self._hangs(line)):
            self._tell(line.fault or f"{line.device} gives no sound any more")
            self._stop()
        if self._line is None:
            self._line = _Line(name, self._take)
            self._line.start()
        elif self._line.fragments:
            self._tell("")

    def _hangs(self, line: _Line) -> bool:
        return not self._silent and time.monotonic() - line.last > _SILENT

    def _tell(self, why: str) -> None:
        if why != self._why:
            self._why = why
            self._told(why)

    def _stop(self) -> None:
        if self._line is not None:
            self._line.stopped = True
            self._line = None


class _Line(threading.Thread):
    """One stream from its opening to its end. A read that hangs keeps no program alive."""

    def __init__(self, device: str, take: Take) -> None:
        super().__init__(name=f"from {device}", daemon=True)
        self.device, self._take = device, take
        self.fault, self.fragments, self.last = "", 0, time.monotonic()
        self.stopped = False

    def run(self) -> None:
        """Read until stopped, or a fault."""
        try:
            stream = Recording(self.device, FRAGMENT)
        except DeviceError as error:
            self.fault = str(error)
            return
        try:
            while not self.stopped:
                pcm = stream.read(FRAGMENT)
                heard = ticks() - stream.latency()
                if self.stopped:
                    break
                self._take(pcm, heard)
                self.fragments, self.last = self.fragments + 1, time.monotonic()
        except DeviceError as error:
            self.fault = str(error)
        finally:
            stream.close()
