"""Pictures, sent to a camera by a thread of their own; a device that went away is waited for."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from visavis.engines.base import I420
from visavis.server.camera.pictures import Pictures
from visavis.server.system.errors import ConfigError, DeviceError

_WAITING: Final = 3  # pictures before the thread; what is more is dropped
_AGAIN: Final = 2.0  # s between two openings


class PictureOut:
    """`start`, `offer` from the event loop, `close` once.

    device: opened already. again: opens it anew, raises DeviceError or ConfigError. told(why):
    called in the thread when it stops, and with "" when it goes on.
    """

    def __init__(
        self, device: Pictures, again: Callable[[], Pictures], told: Callable[[str], None]
    ) -> None:
        self._again, self._told = again, told
        self.sent = self.dropped = 0
        self._device: Pictures | None = device
        self._pictures: queue.Queue[I420 | None] = queue.Queue(_WAITING)
        self._closed = False
        self._tried = 0.0
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> None:
        """From now on; before, pictures wait."""
        self._thread.start()

    def offer(self, picture: I420) -> None:
        """The next one; never waits, and nobody writes into it any more."""
        try:
            self._pictures.put_nowait(picture)
        except queue.Full:
            self.dropped += 1

    def close(self, patience: float = 1.0) -> None:
        """End the thread; it is waited for, but not for ever."""
        self._closed = True
        with suppress(queue.Full):  # it looks whether it is closed after each picture
            self._pictures.put_nowait(None)
        if self._thread.ident is None:  # it never began
            self._end()
        else:
            self._thread.join(patience)

    def _run(self) -> None:
        while (picture := self._pictures.get()) is not None and not self._closed:
            if self._device is None:
                self._reopen()
            if self._device is not None:
                self._send(self._device, picture)
        self._end()

    def _end(self) -> None:
        if self._device is not None:
            self._device.close()

    def _send(self, device: Pictures, picture: I420) -> None:
        try:
            device.send(picture)
            self.sent += 1
        except DeviceError as error:
            device.close()
            self._device, self._tried = None, time.monotonic()
            self._told(str(error))

    def _reopen(self) -> None:
        if time.monotonic() - self._tried < _AGAIN:
            return
        self._tried = time.monotonic()
        try:
            self._device = self._again()
        except (DeviceError, ConfigError):
            return
        self._told("")
