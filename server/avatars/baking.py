"""One avatar made in a process of its own, seen from both sides: what a child does, and its owner.

Not for live pictures' sake: beside a session, three bakes made 3 of 1,900 pictures late, and two in
a nice thread of the server as many. But a process can be ended at any moment, gives its memory back
(1 GB for a photo of 50 megapixels), and falls over a hostile picture without taking the server
along. Request and photo arrive on its standard input; each line of its output is one JSON object.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from visavis.models.avatar.file import Consent
from visavis.models.errors import ModelError

NICE: Final = 10
MEMORY: Final = 4 * 1024**3  # bytes of address space
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# Shares of the steps that portrait.create_avatar tells, and how far the time is then: measured.
_STEPS: Final = (0.0, 0.3, 0.5, 0.7, 0.85, 1.0)
_TIMES: Final = (0.10, 0.47, 0.63, 0.72, 0.82, 0.93)
_LOST: Final = "The avatar could not be made: its process ended. The server's log may say more."


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made: an avatar of this name as the file `path`, which must not exist yet."""

    name: str
    path: Path
    consent: Consent
    licence: str


@dataclass(frozen=True, slots=True)
class Step:
    """What is being done, and the share of the whole that is done, in [0, 1]."""

    what: str
    share: float


@dataclass(frozen=True, slots=True)
class Baked:
    """The file is written; what will look bad, in plain words."""

    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no avatar: a stable code, and words that name the fix."""

    code: str
    message: str


Event = Step | Baked | Refused


class Bake:
    """The owner's side: a plain iterator for a Worker's thread, which may be killed from any."""

    def __init__(self, order: Order, photo: bytes) -> None:
        self._order, self._photo = order, photo
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    def run(self) -> Iterator[Event]:
        """Steps, then Baked or Refused; when killed it just ends."""
        folder = self._order.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".bake-") as place:
                yield from self._bake(Path(place) / "new.avatar")
        except OSError as error:
            reason = error.strerror or "unknown reason"
            yield Refused("avatar-unwritable", f"The avatar cannot be written: {reason}.")

    def _bake(self, made: Path) -> Iterator[Event]:
        command = [sys.executable, "-m", "visavis.server.avatars.baking"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | _ONE_THREAD
        ) as process:
            self._process = process
            try:
                for event in self._talk(process, replace(self._order, path=made)):
                    yield self._kept(made) or event if isinstance(event, Baked) else event
            finally:
                process.kill()

    def _kept(self, made: Path) -> Refused | None:
        """Put the file in its place, or say why not."""
        path = self._order.path
        if path.exists():
            return Refused("name-taken", f"There is an avatar {self._order.name!r} already.")
        made.replace(path)
        return None

    def kill(self) -> None:
        """End it now; nothing of it stays."""
        self._killed = True
        if self._process is not None:
            self._process.kill()

    def _talk(self, process: subprocess.Popen[bytes], order: Order) -> Iterator[Event]:
        assert process.stdin is not None
        assert process.stdout is not None
        # A broken pipe: it is gone, and its output ends, which says so.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(_written(order) + b"\n" + self._photo)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        if self._killed:
            process.kill()
        for line in process.stdout:
            event = _read(line)
            yield event
            if not isinstance(event, Step):
                return
        if not self._killed:
            yield Refused("bake-failed", _LOST)


def _written(order: Order) -> bytes:
    return json.dumps(asdict(order) | {"path": str(order.path)}).encode()


def _read(line: bytes) -> Event:
    said: dict[str, Any] = json.loads(line)
    if "code" in said:
        return Refused(said["code"], said["message"])
    if "warnings" in said:
        return Baked(tuple(said["warnings"]))
    return Step(said["what"], said["share"])


# --- the child ----------------------------------------------------------------------------------


def main() -> None:
    """Read one order, make its avatar, say how it goes."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    request: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    photo = sys.stdin.buffer.read()
    # What libraries print must not come between the lines.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    consent = Consent(**request.pop("consent"))
    order = Order(**request | {"path": Path(request["path"]), "consent": consent})
    try:
        _say(output, {"warnings": _make(order, photo, output)})
    except ModelError as error:
        _say(output, {"code": error.code, "message": error.message})
    except MemoryError:
        message = "Too large: the picture needs too much memory. Save a smaller copy."
        _say(output, {"code": "image-too-large", "message": message})


def _make(order: Order, photo: bytes, output: IO[bytes]) -> tuple[str, ...]:
    _say(output, {"what": "warming up", "share": 0.0})
    # 1 s of imports, after the first sign of life
    from visavis.models.bake.portrait import create_avatar

    avatar = create_avatar(
        photo, order.name, order.consent, order.licence,
        lambda what, share: _say(output, {"what": what, "share": _in_time(share)}),
    )  # fmt: skip
    avatar.save(order.path)
    return avatar.card.warnings


def _in_time(share: float) -> float:
    """The bake's own share of steps done -> of the time: reading and matting take the longest."""
    return float(np.interp(share, _STEPS, _TIMES))


def _say(output: IO[bytes], what: dict[str, Any]) -> None:
    output.write(json.dumps(what).encode() + b"\n")
    output.flush()


if __name__ == "__main__":
    main()
