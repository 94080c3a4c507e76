"""The process that does jobs, one after another, whenever nothing else wants the machine.

Its owner is `seat`, which writes orders to its standard input and reads what it says.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final

from visavis.models.files import private_folder
from visavis.server.jobs.job import Cancelled, Work
from visavis.server.jobs.working import BROKEN, LONGEST, Ending, line, worded
from visavis.server.system import confined, sandbox, strict_json
from visavis.server.system.config import Config
from visavis.server.system.faults import trace
from visavis.server.system.priority import be_idle, begin

WAITS: Final = "waits: conversations come first"
_APART: Final = 0.25  # s between two words about progress


class Told:
    """What the owner has said of the job at hand, and what is said to it."""

    def __init__(self, output: IO[bytes]) -> None:
        self._output, self._writing = output, threading.Lock()
        self._may_go, self._unwanted = threading.Event(), threading.Event()
        self._may_go.set()
        self.orders: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def listen(self) -> None:
        """Until the owner is gone; then this process is, too, whatever it does."""
        try:
            for said in iter(lambda: sys.stdin.buffer.readline(LONGEST), b""):
                self._hear(said.strip())
        finally:  # also where an order cannot be read: else both would wait for the other
            os._exit(0)

    def _hear(self, said: bytes) -> None:
        match said:
            case b"pause":
                self._may_go.clear()
            case b"go":
                self._may_go.set()
            case b"cancel":
                self._unwanted.set()
                self._may_go.set()
            case order:
                self._unwanted.clear()
                self.orders.put(strict_json.parse(order.decode()))

    def say(self, **said: Any) -> None:
        """To the owner."""
        with self._writing:
            self._output.write(line(**said))
            self._output.flush()

    def check(self, wait: Callable[[], None]) -> None:
        """Wait while it is to; `wait` is called before that. Raises Cancelled."""
        if not self._may_go.is_set():
            wait()
            self._may_go.wait()
        if self._unwanted.is_set():
            raise Cancelled


class Here:
    """Working, in this process."""

    def __init__(self, folder: Path, config: Config, told: Told) -> None:
        self.folder, self.config = folder, config
        self._told = told
        self._last, self._note = 0.0, ""

    def tell(self, done: float, note: str = "") -> None:
        """See Working."""
        done = min(max(done, 0.0), 1.0)
        note = note or self._note
        self._told.check(lambda: self._told.say(done=done, note=WAITS))
        now = time.monotonic()
        if now - self._last >= _APART or note != self._note:
            self._last, self._note = now, note
            self._told.say(done=done, note=note)


def work_of(name: str) -> Work:
    """From "module:function". Raises ImportError, AttributeError."""
    module, _, function = name.partition(":")
    found: Work = getattr(import_module(module), function)
    return found


def perform(name: str, request: Mapping[str, Any], working: Here) -> tuple[Ending, str]:
    """Do it; how it ended, and where it failed, for a log."""
    try:
        private_folder(working.folder)
        return Ending("done", result=work_of(name)(request, working)), ""
    except Cancelled:
        return Ending("cancelled"), ""
    except Exception as error:  # noqa: BLE001 (the border: whatever it is, its owner is told)
        return worded(error), trace(error)


def main() -> None:
    """Until the owner has no more jobs. Arguments: the owner's process id."""
    sandbox.die_with(int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM):  # a terminal's, for the server, which ends this
        signal.signal(number, signal.SIG_IGN)
    begin()
    be_idle()
    told = Told(confined.own_output())
    threading.Thread(target=told.listen, name="owner", daemon=True).start()
    while True:
        order = told.orders.get()
        working = Here(Path(order["folder"]), Config(**order["settings"]), told)
        ending, place = perform(order["work"], order["request"], working)
        try:
            told.say(end=asdict(ending), place=place)
        except (TypeError, ValueError):
            told.say(end=asdict(Ending("failed", fault="Its result is no JSON.", code=BROKEN)))


if __name__ == "__main__":
    main()
