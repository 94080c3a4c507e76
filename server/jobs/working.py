"""What a job's process and its owner say to each other, and what a job ended with."""

from __future__ import annotations

import errno
import json
import os
import select
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from visavis.server.system.errors import Problem
from visavis.server.system.faults import fault

How = Literal["done", "failed", "cancelled", "full", "crashed", "released"]
LONGEST: Final = 16 << 20  # bytes of a line: a script has 2 MB, and JSON up to six times that
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_FAILED: Final = "job-failed"
BROKEN: Final = "job-broken"
CRASHED: Final = "job-crashed"
UNKNOWN: Final = "work-unknown"


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of one try. full: the disk has no room, so it is to go on when there is some.

    crashed: it ended without a word, and fault says how. released: whoever had it let go of it, as
    at the end of a program; it is begun anew.
    """

    how: How
    result: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    code: str = ""


def line(**said: Any) -> bytes:
    """One message."""
    return json.dumps(said).encode() + b"\n"


class Lines:
    """Messages from a pipe, whole ones."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._held = descriptor, b""

    def next(self, within: float) -> bytes:
        """Without its end; empty: it has closed, nothing came within so many s, or too much."""
        while b"\n" not in self._held:
            if not select.select([self._descriptor], [], [], within)[0]:
                return b""
            more = os.read(self._descriptor, 65536)
            self._held += more
            if not more or len(self._held) > LONGEST:
                return b""
        said, _, self._held = self._held.partition(b"\n")
        return said


def worded(error: Exception) -> Ending:
    """How a work that raised this ended: in its own words where those are for the user."""
    if isinstance(error, OSError) and error.errno in FULL:
        return Ending("full")
    if isinstance(error, Problem):
        return Ending("failed", fault=error.detail, code=error.code)
    if isinstance(error, _faults()):
        code = getattr(error, "code", "")
        return Ending("failed", fault=str(error), code=code if isinstance(code, str) else _FAILED)
    return Ending("failed", fault=f"It failed by a fault of the program: {fault(error)}.",
                  code=BROKEN)  # fmt: skip


def _faults() -> tuple[type[Exception], ...]:
    from visavis.engines.base import EngineError
    from visavis.models.errors import ModelError
    from visavis.models.fetch import FetchError
    from visavis.models.manifest import ManifestError
    from visavis.server.system.errors import ConfigError, DeviceError, SoundError

    return (EngineError, ModelError, ManifestError, FetchError, ConfigError, DeviceError,
            SoundError, OSError)  # fmt: skip
