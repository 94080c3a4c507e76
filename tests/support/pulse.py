"""A real PulseAudio of a test: no hardware, nobody else's settings, a socket in a folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_STARTS: Final = 10.0  # s
DAEMON: Final = "pulseaudio"


class Daemon:
    """`start` and `stop`, as often as one likes. sinks: null sinks that it begins with."""

    def __init__(self, folder: Path, sinks: tuple[str, ...]) -> None:
        self._folder, self._sinks = folder, sinks
        self.socket = folder / "native"
        self.server = f"unix:{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        modules = [f"module-native-protocol-unix socket={self.socket} auth-anonymous=1"]
        modules += [
            f"module-null-sink sink_name={sink} rate=48000 channels=1 channel_map=mono norewinds=1"
            for sink in self._sinks
        ]
        command = [
            DAEMON, "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
            "--high-priority=no", "--realtime=no", "--log-level=error", "--log-target=stderr",
            "--disable-shm=yes", *(f"--load={module}" for module in modules),
        ]  # fmt: skip
        place = str(self._folder)
        env = {**os.environ, "PULSE_RUNTIME_PATH": place, "XDG_RUNTIME_DIR": place, "HOME": place}
        env.pop("PULSE_SERVER", None)
        self.socket.unlink(missing_ok=True)
        with (self._folder / "daemon.log").open("ab") as log:
            self._process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        until = time.monotonic() + _STARTS
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "daemon.log").read_text()
            assert time.monotonic() < until, "PulseAudio did not start"
            time.sleep(0.02)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as line:
            return line.connect_ex(str(self.socket)) == 0

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(5)
            self._process = None


@contextmanager
def daemon(folder: Path, *sinks: str) -> Iterator[Daemon]:
    """Runs, and is what this process and its children speak to."""
    assert shutil.which(DAEMON), f"sudo apt install {DAEMON}"
    found = Daemon(folder, sinks)
    before = os.environ.get("PULSE_SERVER")
    found.start()
    os.environ["PULSE_SERVER"] = found.server
    try:
        yield found
    finally:
        found.stop()
        if before is None:
            del os.environ["PULSE_SERVER"]
        else:
            os.environ["PULSE_SERVER"] = before
