"""The avatar's voice, written to a sink of the sound server, with a known delay.

A thread writes. The delay is measured at each packet, and pictures wait for it; the sink's clock
is followed by making sound a little longer or shorter. A sound server that was restarted is waited
for: meanwhile sound is dropped, for what is old is of no use.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from visavis.engines.base import Pcm
from visavis.server.camera.libpulse import Playing
from visavis.server.camera.steady import Drift, Stretch
from visavis.server.playout.messages import Tick, ms
from visavis.server.system.errors import ConfigError, DeviceError

CUSHION: Final[Tick] = ms(25)  # of sound in the sink when a packet is written
_MORE: Final[Tick] = ms(10)  # after each time that it was not enough,
_MOST: Final[Tick] = ms(85)  # up to this
_BUFFER: Final[Tick] = ms(200)  # that the sink may hold at most: no write waits
_CALM: Final = 15.0  # s without a gap after which it may be
_LESS: Final[Tick] = ms(2)  # by which it shrinks then
_OFF: Final[Tick] = ms(40)  # over the cushion: no drift, but a stall that was made up for
_DRY: Final[Tick] = ms(2)
_WAITING: Final = 8  # packets before the thread; what is more is dropped
_AGAIN: Final = 1.0  # s between two openings
_SMOOTH: Final = 0.2  # of each measurement of the delay


class VoiceOut:
    """`start`, `offer` from the event loop, `close` once. delay: from offer to sound, ticks.

    find: the name of the sink; raises DeviceError or ConfigError while there is none. told(why):
    called in the thread when it stops, and with "" when it goes. gaps: how often the sink ran dry.
    """

    def __init__(self, find: Callable[[], str], told: Callable[[str], None]) -> None:
        self._find, self._told = find, told
        self.delay = float(CUSHION)
        self.gaps = 0
        self.dropped: Tick = 0
        self.goes = False
        self._cushion = CUSHION
        self._packets: queue.Queue[Pcm | None] = queue.Queue(_WAITING)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="voice out", daemon=True)

    def start(self) -> None:
        """From now on; before, nothing is played."""
        self._thread.start()

    def offer(self, pcm: Pcm) -> None:
        """The next packet; never waits."""
        try:
            self._packets.put_nowait(pcm)
        except queue.Full:
            self.dropped += len(pcm)

    def close(self, patience: float = 1.0) -> None:
        """End the thread; it is waited for, but not for ever."""
        self._closed = True
        self._drain()
        self._packets.put_nowait(None)
        if self._thread.is_alive():
            self._thread.join(patience)

    def _drain(self) -> None:
        while True:
            try:
                self._packets.get_nowait()
            except queue.Empty:
                return

    def _newest(self) -> Pcm | None:
        """The next packet, waited for; of several that wait those are dropped that are old."""
        pcm = self._packets.get()
        while pcm is not None and self._packets.qsize() > 1:
            self.dropped += len(pcm)
            pcm = self._packets.get()
        return pcm

    def _run(self) -> None:
        why = ""
        while not self._closed:
            try:
                stream = Playing(self._find(), _BUFFER)
            except (DeviceError, ConfigError) as error:
                why = self._tell(why, str(error))
                self._pause()
                continue
            why = self._tell(why, "")
            try:
                self._play(stream)
            except DeviceError as error:
                why = self._tell(why, str(error))
            finally:
                self.goes = False
                stream.close()

    def _tell(self, before: str, why: str) -> str:
        if why != before:
            self._told(why)
        return why

    def _pause(self) -> None:
        until = time.monotonic() + _AGAIN
        while not self._closed and time.monotonic() < until:
            time.sleep(0.05)
            self._drain_but_end()

    def _drain_but_end(self) -> None:
        if not self._closed:
            self._drain()

    def _ran_dry(self) -> None:
        """More sound is to wait there from now on."""
        self.gaps += 1
        self._cushion = min(self._cushion + _MORE, _MOST)

    def _play(self, stream: Playing) -> None:
        """Until it is closed. Raises DeviceError."""
        drift, stretch, calm = Drift(), Stretch(), time.monotonic()
        # A sink that nobody used may sleep for two seconds more; then it takes what it has.
        stream.write(np.zeros(2 * _BUFFER, np.int16))
        stream.flush()
        stream.write(np.zeros(self._cushion, np.int16))
        self._drain_but_end()
        while (pcm := self._newest()) is not None:
            ahead = stream.latency()  # of what is written: for so long it does not run dry
            if ahead < _DRY:
                self._ran_dry()
                stream.write(np.zeros(self._cushion - ahead, np.int16))
                ahead, calm = self._cushion, time.monotonic()
                drift.restart()
            elif ahead > self._cushion + _OFF:
                left = pcm[ahead - self._cushion :]
                self.dropped += len(pcm) - len(left)
                ahead -= len(pcm) - len(left)
                pcm = left
                drift.restart()
            elif self._cushion > CUSHION and time.monotonic() - calm > _CALM:
                self._cushion, calm = self._cushion - _LESS, time.monotonic()
            stream.write(stretch.push(pcm, drift.longer(self._cushion - ahead, len(pcm))))
            self.delay += (ahead - self.delay) * (_SMOOTH if self.goes else 1.0)
            self.goes = True
