"""v4l2loopback: a kernel module whose devices are cameras to one program and files to another."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from visavis.engines.base import I420
from visavis.server.camera.pictures import FPS
from visavis.server.camera.sound_server import EXTRA
from visavis.server.system.errors import ConfigError, DeviceError

MODULE: Final = "v4l2loopback"
PACKAGE: Final = "v4l2loopback-dkms"
NUMBER: Final = 10  # /dev/video10: away from real cameras, which begin at 0
LABEL: Final = "visavis camera"
OPTIONS: Final = f'video_nr={NUMBER} card_label="{LABEL}" exclusive_caps=1'
LOAD: Final = f"sudo modprobe {MODULE} {OPTIONS}"

_SYSTEM: Final = Path("/sys/devices/virtual/video4linux")
_CAPTURING: Final = "capture"  # of `state`: somebody writes, so that it can be read


@dataclass(frozen=True, slots=True)
class Node:
    """One device of the module. busy: another program writes to it."""

    path: str
    label: str
    busy: bool
    writable: bool


def nodes(system: Path = _SYSTEM) -> list[Node]:
    """Those that there are, by number."""
    return sorted(_nodes(system), key=lambda node: int(node.path.removeprefix("/dev/video")))


def _nodes(system: Path) -> Iterator[Node]:
    for folder in system.glob("video[0-9]*"):
        state = folder / "state"
        if not state.exists():  # only those of this module have it
            continue
        path = f"/dev/{folder.name}"
        label = (folder / "name").read_text().strip()
        busy = state.read_text().strip() == _CAPTURING
        yield Node(path, label, busy, os.access(path, os.W_OK))


class Loopback:
    """pictures.Pictures over pyvirtualcam."""

    def __init__(self, device: str, width: int, height: int) -> None:
        """device: "": the first that is free. Raises ConfigError, DeviceError."""
        try:
            import pyvirtualcam  # type: ignore[import-untyped]
        except ImportError:
            raise ConfigError(f"the package pyvirtualcam is missing: {EXTRA}") from None
        chosen = device or _first()
        try:
            self._camera: Any = pyvirtualcam.Camera(
                width, height, FPS, fmt=pyvirtualcam.PixelFormat.I420, device=chosen
            )
        except (RuntimeError, OSError, ValueError) as error:
            raise DeviceError(_why(chosen, str(error))) from None
        self.name = chosen

    def send(self, picture: I420) -> None:
        """See Pictures."""
        try:
            self._camera.send(picture)
        except (RuntimeError, OSError) as error:
            raise DeviceError(f"{self.name} takes no pictures any more: {error}") from None

    def close(self) -> None:
        """See Pictures."""
        self._camera.close()


def _first() -> str:
    """Raises DeviceError."""
    found = nodes()
    if not found:
        raise DeviceError(f"there is no virtual camera: {LOAD} (see `visavis camera --doctor`)")
    free = [node.path for node in found if not node.busy and node.writable]
    if not free:
        names = ", ".join(f"{node.path} {'in use' if node.busy else 'closed'}" for node in found)
        raise DeviceError(f"no virtual camera is free ({names}): see `visavis camera --doctor`")
    return free[0]


def _why(device: str, said: str) -> str:
    """In our words, with the fix."""
    path = shlex.quote(device)
    if not Path(device).exists():
        return f"{device} does not exist: {LOAD}, or name another with --device"
    if not os.access(device, os.W_OK):
        return f"{device} may not be written: sudo usermod -aG video $USER, and log in anew"
    if any(node.path == device and node.busy for node in nodes()):
        return f"{device} is in use by another program: fuser -v {path} says which"
    return f"{device} is no virtual camera of {MODULE}, or is in use: {said.splitlines()[0]}"
