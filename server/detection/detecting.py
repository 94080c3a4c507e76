"""A file looked at in a process of its own, from the owner's side, which believes nothing of it."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

from visavis.engines.marking.evidence import LIMIT, Found
from visavis.engines.marking.payload import Payload, SessionClass
from visavis.server.detection.report import WHERE, Mark, Report
from visavis.server.system import confined

log = logging.getLogger(__name__)

_CHILD: Final = "visavis.server.detection.looking"
LONGEST: Final = 180.0  # s that a file may take, on a machine that has other things to do
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
        with confined.start(_CHILD, self._file, few_threads=True) as process:
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
        if process is not None:
            confined.kill(process)

    def _listen(self, process: subprocess.Popen[bytes]) -> Iterator[Step | Report]:
        assert process.stdout is not None
        if self._ended:
            self.kill()
        marks: list[Mark] = []
        for said in confined.lines(process.stdout, _LINES, _LINE):
            if "unshielded" in said:
                confined.note(said["unshielded"], "films are looked at with less protection")
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
                yield Step(confined.within(said.get("share"), 1.0))
        raise Undetectable(_LOST)


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
    seconds, heard = (confined.within(told.get(name), 1e9) for name in ("seconds", "heard"))
    return Report(marks, seconds, heard, round(confined.within(told.get("seen"), 1e6)), own)


def _text(value: object) -> str:
    return str(value)[:_TEXT]
