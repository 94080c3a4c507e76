"""Where pictures go: a camera that other programs see, or a file of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from visavis.engines.base import I420, PLAY_RATE
from visavis.server.playout.messages import FRAME
from visavis.server.system.errors import DeviceError

FPS: Final = PLAY_RATE // FRAME
_Y4M: Final = ".y4m"


class Pictures(Protocol):
    """Used by one thread. Every call may block for some milliseconds."""

    name: str  # as other programs show it

    def send(self, picture: I420) -> None:
        """The next one. Raises DeviceError: the device is gone."""
        ...

    def close(self) -> None:
        """Safe to call twice."""
        ...


class Y4m:
    """A file of plain pictures (YUV4MPEG2), or a named pipe, for ffmpeg, mpv or a test.

    stamped: when each was written, s of time.monotonic(), as a comment of its frame.
    """

    def __init__(self, path: Path, width: int, height: int, *, stamped: bool = True) -> None:
        """Waits for a reader of a pipe. Raises DeviceError."""
        self.name, self._stamped = str(path), stamped
        try:
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            raise DeviceError(f"{path}: {error.strerror or 'cannot be written'}") from error
        self._write(f"YUV4MPEG2 W{width} H{height} F{FPS}:1 Ip A1:1 C420jpeg\n".encode())

    def send(self, picture: I420) -> None:
        """See Pictures."""
        stamp = f" Xat={time.monotonic():.4f}" if self._stamped else ""
        self._write(f"FRAME{stamp}\n".encode())
        self._write(np.ascontiguousarray(picture).data.cast("B"))

    def _write(self, data: bytes | memoryview) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError as error:
            raise DeviceError(f"{self.name}: {error.strerror}") from error

    def close(self) -> None:
        """See Pictures."""
        self._file.close()


def is_file(device: str) -> bool:
    """Whether it names a file of pictures, and no device."""
    return device.endswith(_Y4M)
