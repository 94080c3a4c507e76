"""One process that does jobs, from its owner's side; `do` is called in a thread of its own."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from visavis.server.jobs.working import CRASHED, Ending, Lines, line
from visavis.server.system import confined, strict_json

log = logging.getLogger(__name__)

_SILENT: Final = 1800.0  # s without a word after which a process hangs
Told = Callable[[float, str], None]


class Seat:
    """Starts its process when there is a job, and anew when that has died.

    settings: of Config, for works.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = dict(settings)
        self._child: subprocess.Popen[bytes] | None = None
        self._said = Lines(-1)
        self._writing = threading.Lock()
        self._paused = False

    def do(self, work: str, request: Mapping[str, Any], folder: Path, told: Told) -> Ending:
        """One try. work: "module:function". told: how far it is, called in this thread."""
        try:
            child = self._ready()
        except OSError as error:
            return Ending("crashed", fault=f"No process: {error.strerror}.", code=CRASHED)
        order = {"work": work, "request": dict(request), "folder": str(folder)}
        self._say(line(**order, settings=self._settings))
        while said := _parsed(self._said.next(_SILENT)):
            if end := said.get("end"):
                if place := said.get("place"):
                    log.warning("a job failed", extra={"code": end["code"], "trace": place})
                return Ending(**end)
            told(float(said["done"]), str(said["note"]))
        return self._died(child)

    def pause(self, paused: bool) -> None:
        """Whether it waits, from the next word about progress on; another thread's call."""
        self._paused = paused
        self._say(b"pause\n" if paused else b"go\n")

    def cancel(self) -> None:
        """Ask it to end the job at hand; another thread's call."""
        self._say(b"cancel\n")

    def kill(self) -> None:
        """End the process, whatever it does; from any thread."""
        if child := self._child:
            confined.kill(child)

    def close(self) -> None:
        """End the process and wait for that; in the thread of `do`."""
        if self._child is not None:
            self._died(self._child)

    @property
    def pid(self) -> int | None:
        """Of its process; None: there is none."""
        return self._child.pid if self._child else None

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "visavis.server.jobs.child", str(os.getpid())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libraries print texts, which are in no log of ours
            start_new_session=True, bufsize=0,
        )  # fmt: skip
        assert self._child.stdout is not None
        self._said = Lines(self._child.stdout.fileno())
        if self._paused:
            self._say(b"pause\n")
        return self._child

    def _say(self, data: bytes) -> None:
        """Nobody hears it when the process has died, which `do` finds out."""
        with self._writing, contextlib.suppress(OSError, ValueError):
            if self._child is not None and self._child.stdin is not None:
                _write(self._child.stdin.fileno(), data)

    def _died(self, child: subprocess.Popen[bytes]) -> Ending:
        confined.kill(child)
        number = child.wait()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self._child = None
        how = signal.Signals(-number).name if number < 0 else f"status {number}"
        return Ending("crashed", fault=f"Its process ended ({how}).", code=CRASHED)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _parsed(said: bytes) -> dict[str, Any]:
    """A message; empty: it is none, so the process is to be ended."""
    try:
        found = strict_json.parse(said.decode())
    except (strict_json.NotJson, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
