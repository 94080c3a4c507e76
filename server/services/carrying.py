"""How many sessions this machine carries: drawn and encoded for a few seconds on all of its cores.

What it finds is kept by machine and version, so that the next start knows something at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from visavis.engines.base import I420, PLAY_RATE, EngineError
from visavis.models.files import private_folder, whole
from visavis.server.playout.messages import FRAME
from visavis.server.system import load
from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

SECONDS: Final = 3.0
_SETTLE: Final = 0.3  # s that are not counted: first pictures take longer
_LOOK: Final = 0.05  # s
_LONGEST: Final = (
    30.0  # s until a picture, and until the last ones, while others need the processor
)
_LAST: Final = 1.0  # s that the last ones may take when the server ends
_NICE: Final = 10
_PICTURES: Final = PLAY_RATE / FRAME  # a second, of one session
# What a session that talks costs beside drawing and encoding (synthesis, sound, packets, the event
# loop), as a share of those: see docs/figures.md, "Processes and admission".
_REST: Final = 0.7
_LEAST: Final = 1e-7  # s of a picture; pictures a second, and cores, are fewer than one in this
_KEPT: Final = 15  # results of other machines, sizes and renderers
# Of the cores that sessions may fill: what comes unevenly needs the rest. On two cores 10 sessions
# filled 0.68 and none was late, 12 filled 0.84 and 4.5 % of the pictures were.
_SHARE: Final = 0.72

Step = Callable[[int], int]  # draws and encodes the n-th pictures of some sessions: how many
Encoder = Callable[[], Callable[[I420, int], object]]  # makes who encodes pictures by number
Make = Callable[[int], Step]  # called in the thread, with its number


@dataclass(frozen=True, slots=True)
class Measured:
    """cost: processor s of one picture. pictures: a second, on all cores together.

    Both without the time in which others had the processor, for admission looks at that.
    """

    cost: float
    pictures: float
    cores: float

    @property
    def each(self) -> float:
        """Cores of one session that talks."""
        return self.cost * _PICTURES * (1 + _REST)

    @property
    def sessions(self) -> int:
        """That all talk at once.

        By processor time; and by how much came out, where most of the work is a GPU's.
        """
        by_time = self.cores * _SHARE / self.each
        return max(1, int(min(by_time, self.pictures * _SHARE / _PICTURES)))


async def measure(
    make: Make, cores: float, free: Callable[[], bool], seconds: float = SECONDS
) -> Measured | None:
    """None when somebody came meanwhile: `free` says so. Raises EngineError when nothing is drawn.

    The threads give way to everybody else's: it goes on for longer where those leave them no time
    for a first picture.
    """
    stop = threading.Event()
    counts = [_Count() for _ in range(max(1, round(cores)))]
    threads = [
        threading.Thread(target=_work, args=(n, make, each, stop), name="self-test", daemon=True)
        for n, each in enumerate(counts)
    ]
    for thread in threads:
        thread.start()
    began, patience = time.monotonic(), _LAST
    try:
        while any(thread.is_alive() for thread in threads):
            passed = time.monotonic() - began
            if passed >= _LONGEST or (passed >= seconds + _SETTLE and any(c.used for c in counts)):
                break
            if not free():
                patience = _LONGEST
                return None
            await asyncio.sleep(_LOOK)
        patience = _LONGEST
    finally:
        stop.set()
        await asyncio.to_thread(_join, threads, patience)
    return _result(counts, cores)


def _join(threads: list[threading.Thread], patience: float) -> None:
    """Wait for the pictures under way: what they are drawn with is given back after it."""
    until = time.monotonic() + patience
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


def _result(counts: list[_Count], cores: float) -> Measured:
    pictures, used = sum(c.pictures for c in counts), sum(c.used for c in counts)
    passed = max(c.passed for c in counts)
    if not pictures or passed <= 0 or used <= 0:
        raise EngineError("the self-test drew no picture")
    return Measured(used / pictures, pictures / passed, cores)


@dataclass(slots=True)
class _Count:
    """Of one thread, since it settled. s: used of the processor; passed, without waits for it."""

    pictures: int = 0
    used: float = 0.0
    passed: float = 0.0


def _work(number: int, make: Make, count: _Count, stop: threading.Event) -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)  # of the thread
    try:
        step = make(number)
        at, began = 0, time.monotonic()
        while not stop.is_set() and time.monotonic() - began < _SETTLE:
            step(at := at + 1)
        used, began = time.thread_time(), time.monotonic() - load.waited()
        while not stop.is_set():
            count.pictures += step(at := at + 1)
            count.used = time.thread_time() - used
            count.passed = time.monotonic() - load.waited() - began
    except Exception as error:  # noqa: BLE001 (the server goes on without the figure)
        log.warning("the self-test failed", extra={"fault": fault(error)})


# --- what is kept -------------------------------------------------------------------------------


def key(cores: float, size: tuple[int, int], drawing: str) -> str:
    """By what the result is kept: machine, version, size of the picture, who draws on what."""
    what = f"{load.model()} {cores:g} {version('visavis')} {size[0]}x{size[1]} {drawing} {_REST}"
    return hashlib.sha256(what.encode()).hexdigest()[:16]


def file(home: Path) -> Path:
    """Where it is kept."""
    return home / "cache" / "carries.json"


def kept(home: Path, by: str) -> Measured | None:
    """The result of an earlier start; None: there is none for this key, or it cannot be read."""
    return _read(home).get(by)


def last(home: Path) -> Measured | None:
    """The last result that was kept, whatever for."""
    return next(reversed(_read(home).values()), None)


def _read(home: Path) -> dict[str, Measured]:
    """Empty where there is none, or it is damaged."""
    try:
        found: Any = json.loads(file(home).read_text("utf-8"))
        results = {
            str(by): Measured(*(float(each[name]) for name in ("cost", "pictures", "cores")))
            for by, each in found.items()
        }
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ):
        return {}
    return {by: m for by, m in results.items() if _is_possible(m)}


def _is_possible(m: Measured) -> bool:
    """Of any machine: neither zero nor endless."""
    return all(_LEAST < figure < 1 / _LEAST for figure in (m.cost, m.pictures, m.cores))


def keep(home: Path, by: str, measured: Measured) -> None:
    """For the next start; lost where nothing can be written, of which the start has told."""
    path = file(home)
    with contextlib.suppress(OSError):
        private_folder(path.parent)
        others = [(k, m) for k, m in _read(home).items() if k != by][-_KEPT:]
        results = {k: asdict(m) for k, m in (*others, (by, measured))}
        with whole(path) as new:
            new.write(json.dumps(results).encode())
