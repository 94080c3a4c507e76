"""A program of somebody else's, run on a stranger's text: bounded and shut in, from both sides.

It finds no network, no file but the system's own programs and data, nothing to write to, none of
our variables, and an end of memory, processor time and output. It reads its standard input and
writes its standard output, and that is all.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from visavis.engines.base import EngineError
from visavis.server.system import sandbox

# Where a system keeps its programs; /usr/share has their data.
_PROGRAMS: Final = tuple(map(Path, ("/usr", "/bin", "/lib", "/lib64")))
_READABLE: Final = tuple(map(Path, ("/etc/ld.so.cache", "/etc/alternatives", "/dev/null")))
_VARIABLES: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
_NICE: Final = 10


@dataclass(frozen=True, slots=True)
class Bounds:
    """memory: bytes of each of its processes. processor: s of each. wall: s. output: bytes."""

    memory: int = 1 << 30
    processor: int = 60
    wall: float = 90.0
    output: int = 8 << 20


# --- its owner ----------------------------------------------------------------------------------


class Shut:
    """Runs programs so; see engines.settings.Run."""

    def __init__(self, bounds: Bounds = Bounds()) -> None:
        self._bounds = bounds

    def __call__(self, command: Sequence[str], given: bytes) -> bytes:
        """What it writes. Raises EngineError: it fails, is too slow, or writes too much."""
        name = Path(command[0]).name
        try:
            process = self._started(command)
        except OSError as error:
            raise EngineError(f"{name} cannot be started: {error.strerror}") from error
        late = threading.Event()
        timer = threading.Timer(self._bounds.wall, _kill_late, (process, late))
        timer.start()
        try:
            written = _talk(process, given, self._bounds.output)
        finally:
            _kill(process)
            status = process.wait()
            timer.cancel()
        return self._judged(name, written, status, late=late.is_set())

    def _started(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        limits = (str(self._bounds.memory), str(self._bounds.processor))
        return subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(os.getpid()), *limits, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a log is not for what may quote somebody's text
            env=sandbox.environment(os.environ),
            start_new_session=True,
        )

    def _judged(self, name: str, written: bytes, status: int, *, late: bool) -> bytes:
        if late:
            raise EngineError(f"{name} took longer than {self._bounds.wall:g} s: give it less text")
        if len(written) > self._bounds.output:
            raise EngineError(f"{name} wrote more than {self._bounds.output >> 20} MB")
        if status:
            raise EngineError(f"{name} failed (status {status})")
        return written


def _talk(process: subprocess.Popen[bytes], given: bytes, most: int) -> bytes:
    """Write and read at once, for either may wait for the other; one byte more than `most` ends."""
    assert process.stdin is not None
    assert process.stdout is not None
    writer = threading.Thread(target=_give, args=(process, given))
    writer.start()
    with process.stdout as output:
        written = output.read(most + 1)
    if len(written) > most:
        _kill(process)
    else:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1.0)  # it has closed its output: its status comes at once
    writer.join()
    return written


def _give(process: subprocess.Popen[bytes], given: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError), process.stdin as entry:  # it may end before it has read
        entry.write(given)


def _kill_late(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """All of it, from any thread; nothing where it was waited for, for its number may be reused."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


# --- the child ----------------------------------------------------------------------------------


def main() -> None:
    """Become the program: arguments are the owner's process id, its limits, and the command."""
    owner, memory, processor, *command = sys.argv[1:]
    sandbox.die_with(int(owner))
    os.nice(_NICE)
    sandbox.limit(int(memory), int(processor))
    sandbox.confine(_READABLE, _PROGRAMS)
    os.execve(command[0], command, _VARIABLES)


if __name__ == "__main__":
    main()
