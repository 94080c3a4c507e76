"""Which camera, or which file, a `--device` is."""

from __future__ import annotations

from pathlib import Path

from visavis.server.camera.loopback import Loopback
from visavis.server.camera.pictures import Pictures, Y4m, is_file
from visavis.server.system.errors import ConfigError


def opened(device: str, width: int, height: int) -> Pictures:
    """device: /dev/video10, a .y4m file, or "" for the first loopback device.

    Raises ConfigError, DeviceError.
    """
    if is_file(device):
        return Y4m(Path(device), width, height)
    if device and not device.startswith("/dev/"):
        msg = (
            f"--device {device}: give a device such as /dev/video10, or a file that ends with .y4m"
        )
        raise ConfigError(msg)
    return Loopback(device, width, height)
