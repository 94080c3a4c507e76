"""A child process that touches bytes of a stranger, from both sides.

Its owner starts it, believes nothing that it says, and ends it; the child takes its first steps
here. What it gives up before it touches anything is in `sandbox`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from visavis.server.system import sandbox, strict_json

log = logging.getLogger(__name__)

NICE: Final = 10
# Each thread may take 72 MB of address space, and OpenCV starts one a core; two are as fast.
FEW_THREADS: Final = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "2",
}  # fmt: skip

_noted: set[tuple[str, str]] = set()


# --- its owner ----------------------------------------------------------------------------------


def start(
    module: str, source: int | IO[bytes], *words: str, few_threads: bool = False
) -> subprocess.Popen[bytes]:
    """Run `main` of a module of ours with `source` as its standard input. Raises OSError.

    It dies with the thread that starts it, and so with the server: see sandbox.die_with. words: its
    further arguments. Its standard error leads nowhere: a log is not for a child that may be taken
    over.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, str(os.getpid()), *words],
        stdin=source,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=sandbox.environment(os.environ) | (FEW_THREADS if few_threads else {}),
        start_new_session=True,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    """It and whatever it started, from any thread; nothing if it was waited for already."""
    if process.returncode is None:  # so its number is still its own
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def lines(output: IO[bytes], most: int, longest: int) -> Iterator[dict[str, Any]]:
    """What a child says, until it says what is none of its language. longest: bytes of a line."""
    for _ in range(most):
        try:
            said = strict_json.parse(output.readline(longest).decode())
        except ValueError:
            return
        if not isinstance(said, dict):
            return
        yield said


def within(value: object, most: float) -> float:
    """A number from 0 to `most`, whatever was said: to read -1 bytes is to read all there are."""
    return float(min(max(value, 0), most)) if isinstance(value, int | float) else 0.0


def note(missing: object, warning: str) -> None:
    """Log `warning` once for each protection that this system does not give, as the child says."""
    for what, why in missing.items() if isinstance(missing, dict) else ():
        if what in (sandbox.FILES, sandbox.CALLS) and (warning, what) not in _noted:
            _noted.add((warning, what))
            log.warning(warning, extra={"unprotected": what, "why": str(why)[:500]})


# --- the child ----------------------------------------------------------------------------------


def begin() -> None:
    """First of all in it: end with the owner, whose process id is the first argument; be nice."""
    sandbox.die_with(int(sys.argv[1]))
    os.nice(NICE)


def own_output() -> IO[bytes]:
    """Its standard output for itself alone: what libraries print must not come between lines."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return output


def shut_in(*readable: Path) -> dict[str, str]:
    """Give up all but reading Python, what visavis is made of, and `readable`; see sandbox.confine.

    Whatever is imported or compiled later must lie there.
    """
    parts = sandbox.installed("visavis.models", "visavis.engines", "visavis.server")
    return sandbox.confine((*parts, *readable))


def say(output: IO[bytes], what: dict[str, Any]) -> None:
    """One line to the owner."""
    output.write(json.dumps(what).encode() + b"\n")
    output.flush()
