"""A file looked at in a process of its own, from the owner's side, which believes nothing of it."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

from visavis.engines.marking.evidence import LIMIT, Found
from visavis.engines.marking.payload import Payload, SessionClass
from visavis.server.detection.report import WHERE, Mark, Report
from visavis.server.system import sandbox, strict_json

log = logging.getLogger(__name__)

LONGEST: Final = 180.0  # s that a file may take, on a machine that has other things to do
_FEW_THREADS: Final = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "2",
}  # fmt: skip
_LINES: Final = 200  # that a child says at most
_LINE: Final = 4 * 1024  # bytes of one
_TEXT: Final = 200  # characters of a text in it
_MARKS: Final = 20
_LOST: Final = "it could not be read to its end"


class Undetectable(Exception):
    """A file that cannot be looked at; the text says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """The share of the work that is done, in [0, 1]."""

    share: float


class Detection:
    """One file. own: the number of this installation, as far as there is one."""

    def __init__(self, file: IO[bytes], own: int | None) -> None:
        self._file, self._own = file, own
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False

    def run(self) -> Iterator[Step | Report]:
        """Steps, and at the end the report; blocks. Raises Undetectable, OSError."""
        self._file.seek(0)
        command = [sys.executable, "-P", "-m", "visavis.server.detection.looking", str(os.getpid())]
        with subprocess.Popen(
            command,
            stdin=self._file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a log is not for a child that may be taken over
            env=sandbox.environment(os.environ) | _FEW_THREADS,
            start_new_session=True,
        ) as process:
            self._process = process
            timer = threading.Timer(LONGEST, self.kill)
            timer.daemon = True
            timer.start()
            try:
                yield from self._listen(process)
            finally:
                timer.cancel()
                self.kill()

    def kill(self) -> None:
        """End it now, from any thread."""
        self._ended = True
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def _listen(self, process: subprocess.Popen[bytes]) -> Iterator[Step | Report]:
        assert process.stdout is not None
        if self._ended:
            self.kill()
        marks: list[Mark] = []
        for said in _lines(process.stdout):
            if "unshielded" in said:
                _note(said["unshielded"])
                continue
            if "refused" in said:
                if "fault" in said:
                    log.warning("a file was not looked at", extra={"fault": _text(said["fault"])})
                raise Undetectable(_text(said["refused"]))
            if "in" in said and len(marks) < _MARKS:
                marks += _mark(said)
            elif "done" in said:
                yield _reported(said["done"], tuple(marks), self._own)
                return
            else:
                yield Step(_within(said.get("share"), 1.0))
        raise Undetectable(_LOST)


_noted: set[str] = set()


def _note(missing: object) -> None:
    """Once for each protection that this system does not give."""
    for what, why in missing.items() if isinstance(missing, dict) else ():
        if what in (sandbox.FILES, sandbox.CALLS) and what not in _noted:
            _noted.add(what)
            extra = {"unprotected": what, "why": _text(why)}
            log.warning("films are looked at with less protection", extra=extra)


def _mark(said: dict[str, Any]) -> Iterator[Mark]:
    """What a line says of one; nothing where it says nonsense."""
    with contextlib.suppress(TypeError, ValueError):
        installation, day, kind = said["says"]
        agreement, chance = map(float, said["at"])
        payload = Payload(int(installation), int(day), SessionClass(int(kind)))
        if said["in"] in WHERE and chance <= LIMIT and 0 <= agreement <= 1:
            yield Mark(said["in"], Found(payload, agreement, chance))


def _reported(said: object, marks: tuple[Mark, ...], own: int | None) -> Report:
    told = said if isinstance(said, dict) else {}
    seconds, heard = (_within(told.get(name), 1e9) for name in ("seconds", "heard"))
    return Report(marks, seconds, heard, round(_within(told.get("seen"), 1e6)), own)


def _lines(output: IO[bytes]) -> Iterator[dict[str, Any]]:
    """What a child says, until it says what is none of its language."""
    for _ in range(_LINES):
        try:
            said = strict_json.parse(output.readline(_LINE).decode())
        except ValueError:
            return
        if not isinstance(said, dict):
            return
        yield said


def _text(value: object) -> str:
    return str(value)[:_TEXT]


def _within(value: object, most: float) -> float:
    return float(min(max(value, 0), most)) if isinstance(value, int | float) else 0.0
