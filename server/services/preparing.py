"""Synthesizes ahead what the avatar may say: in idle time, in a process of its own, for a while.

A thread of the server would hold its interpreter up; the voice itself would keep a visitor waiting
for the clause that it has in hand. The process runs only when nothing else wants a core.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from visavis.engines import load
from visavis.engines.base import EngineError, Tts
from visavis.models.files import not_kept, whole
from visavis.server.services.prepared import SUFFIX, Repertoire, Shelf, Wanted, name
from visavis.server.services.speech_files import encoded
from visavis.server.system.faults import fault
from visavis.server.system.load import Machine
from visavis.server.system.metrics import Metrics
from visavis.server.system.process import EngineProcess
from visavis.server.system.served import TOO_MANY

log = logging.getLogger(__name__)

ROOM: Final = 256_000_000  # bytes of all files together, some two hours of speech
MEMORY: Final = 400 << 20  # bytes that must be free: the process takes half of them
_FIRST: Final = 5.0  # s after the start in which visitors come to a page that they waited for
_LOOK: Final = 0.2  # s
_EVERY: Final = 10.0  # s between looks for what is missing
_LATER: Final = 600.0  # s after which it tries again where it could not
_DEADLINE: Final = 60.0  # s for a line, of a process that gives way to everybody

Busy = Callable[[], bool]


class Preparing:
    """Makes what is missing on the shelves of the voices in use. `run` it while the server runs."""

    def __init__(
        self, home: Path, place: Path, repertoire: Repertoire, shelves: Callable[[], list[Shelf]],
        metrics: Metrics,
    ) -> None:  # fmt: skip
        self._home, self._place, self._metrics = home, place, metrics
        self._repertoire, self._shelves = repertoire, shelves
        self._unmakeable: set[Path] = set()
        self._child: EngineProcess[Tts] | None = None

    async def run(self, busy: Busy) -> None:
        """Until cancelled. busy: whether anybody speaks, or just did; nothing is begun then."""
        await asyncio.sleep(_FIRST)
        try:
            while True:
                await _idle(busy)
                pauses = [await self._prepare(shelf, busy) for shelf in self._shelves()]
                await asyncio.sleep(max(pauses, default=_EVERY))
        finally:
            self.close()

    def close(self) -> None:
        """End the process, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            child.close()

    async def _prepare(self, shelf: Shelf, busy: Busy) -> float:
        """What is missing on a shelf; s until it is worth a look again."""
        try:
            return await self._prepared(shelf, busy)
        except OSError as error:
            not_kept(self._place, error)
        except EngineError as error:
            extra = {"voice": shelf.voice, "fault": fault(error)}
            log.warning("answers could not be prepared", extra=extra)
        finally:
            self.close()
        return _LATER

    async def _prepared(self, shelf: Shelf, busy: Busy) -> float:
        """Raises EngineError, OSError."""
        missed = shelf.missed
        missing = await asyncio.to_thread(self._missing, shelf, missed)
        for line in set(missed).difference(missing):
            shelf.settle(line)
        if not missing:
            return _EVERY
        if await asyncio.to_thread(_free) < MEMORY:
            log.info("too little memory to prepare answers", extra={"voice": shelf.voice})
            return _LATER
        with sole(self._place) as is_sole:
            if is_sole:
                await self._make(shelf, missing, missed, busy)
        return _EVERY

    def _missing(self, shelf: Shelf, missed: Sequence[Wanted]) -> list[Wanted]:
        """In the order in which they are to be made: those that were asked for come first."""
        self._place.mkdir(parents=True, exist_ok=True)
        there = {Path(entry.path) for entry in os.scandir(self._place)} | self._unmakeable
        wanted = dict.fromkeys((*missed, *self._repertoire.plan))
        return [line for line in wanted if shelf.path(line) not in there]

    async def _make(
        self, shelf: Shelf, missing: Sequence[Wanted], asked: Sequence[Wanted], busy: Busy
    ) -> None:
        """Raises EngineError when the voice cannot be had, OSError when nothing can be written."""
        room = await asyncio.to_thread(Room, self._place)
        keep = {shelf.path(line).name for line in (*self._repertoire.plan, *asked)}
        if not await asyncio.to_thread(room.is_there, keep, anything=missing[0] in asked):
            return
        make = partial(load.tts, shelf.voice, self._home)
        self._child = EngineProcess(f"prepare-{shelf.voice}", make, _DEADLINE, patient=True)
        await self._child.load()
        made, failed = 0, list[Path]()  # those since one went well
        for line in missing:
            await _idle(busy)
            began = time.monotonic()
            if not await asyncio.to_thread(room.is_there, keep, anything=line in asked):
                break
            try:
                room.add(shelf.path(line), await self._child.call(written, line, shelf.path(line)))
                made += 1
                self._metrics.prepared.inc()
                self._unmakeable.update(failed)
                failed.clear()
            except EngineError:
                failed.append(shelf.path(line))
                if len(failed) == TOO_MANY:  # it is not the lines
                    raise
            shelf.settle(line)
            # Half of a core at most: where a container has a quota, giving way does not help.
            await asyncio.sleep(time.monotonic() - began)
        log.info("answers prepared", extra={"voice": shelf.voice, "lines": made})


async def _idle(busy: Busy) -> None:
    while busy():  # noqa: ASYNC110 (it is read off many sessions' clocks, which tell nobody)
        await asyncio.sleep(_LOOK)


def _free() -> int:
    return Machine().load().memory


def written(tts: Tts, line: Wanted, path: Path) -> int:
    """Synthesize a line and put it in its place whole; its bytes. Raises EngineError, OSError."""
    content = encoded(tuple(tts.synthesize(line.text, line.prosody)))
    with whole(path) as file:
        file.write(content)
    return len(content)


def prepare_now(
    tts: Tts, by: str, plan: Sequence[Wanted], place: Path, room: int | None = None
) -> Iterator[bool]:
    """Make what is missing of a plan, one line a step: whether it was made now.

    by: the voice's edition. Ends where there is no more room. Raises EngineError, OSError.
    """
    place.mkdir(parents=True, exist_ok=True)
    left, keep = Room(place, room), {name(tts.voice.name, by, line) for line in plan}
    for line in plan:
        path = place / name(tts.voice.name, by, line)
        if path.exists():
            yield False
            continue
        if not left.is_there(keep, anything=False):
            return
        left.add(path, written(tts, line, path))
        yield True


@contextmanager
def sole(place: Path) -> Iterator[bool]:
    """Whether no other process prepares now; until the block ends none will. Raises OSError."""
    with (place / "lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


@dataclass(slots=True)
class _Kept:
    path: Path
    size: int
    used: float  # s since the epoch


class Room:
    """The files of all voices, and how many may be there. Not for the event loop."""

    def __init__(self, place: Path, most: int | None = None) -> None:
        self._most = ROOM if most is None else most
        self._kept: list[_Kept] = []
        for entry in os.scandir(place):
            if entry.name.endswith(SUFFIX):
                known = entry.stat()
                self._kept.append(_Kept(Path(entry.path), known.st_size, known.st_mtime))
        self._kept.sort(key=lambda kept: kept.used)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(kept.size for kept in self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, path: Path, size: int) -> None:
        """A file was written, just now."""
        self._kept.append(_Kept(path, size, float("inf")))

    def is_there(self, keep: Collection[str], *, anything: bool) -> bool:
        """Whether another file may be written, once those that were used longest ago are gone.

        keep: names of files that go only if `anything` may.
        """
        size = self.size
        for kept in list(self._kept):
            if size < self._most:
                break
            if anything or kept.path.name not in keep:
                kept.path.unlink(missing_ok=True)
                self._kept.remove(kept)
                size -= kept.size
        return size < self._most
