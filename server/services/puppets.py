"""Avatars prepared for drawing: each once, lent to sessions, kept while its file stays the same."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import Gauge

from visavis.engines.base import I420, EngineError, FaceState, Generator, Puppet, draw_one
from visavis.models.avatar.backdrop import ORIGINAL, Backdrop
from visavis.models.avatar.file import Avatar, Card, load_avatar
from visavis.server.system.faults import fault
from visavis.server.system.flow import Tasks, Worker

log = logging.getLogger(__name__)

_OTHERS: Final = 4  # before another background, that nobody has and that are kept


@dataclass(frozen=True, slots=True)
class _Version:
    """One state of one file: a name can come to mean another file, and a file another face.

    backdrop: what it is prepared before.
    """

    path: Path
    changed: tuple[int, ...]
    backdrop: Backdrop


@dataclass(frozen=True, slots=True)
class _Prepared:
    puppet: Puppet
    still: I420
    card: Card


@dataclass(slots=True, eq=False)
class _Entry:
    preparing: asyncio.Task[_Prepared]
    lent: int = 0  # to sessions, and to those who wait for it


class Loan:
    """A prepared avatar in the hands of one session. still: its neutral face."""

    def __init__(self, puppet: Puppet, still: I420, card: Card, end: Callable[[], None]) -> None:
        self.puppet, self.still, self.card = puppet, still, card
        self._end: Callable[[], None] | None = end

    def end(self) -> None:
        """Give it back: nothing is drawn with it after that. May be called twice."""
        end, self._end = self._end, None
        if end is not None:
            end()


class Puppets:
    """Lends puppets by avatar file. Preparing happens in `worker`, one avatar at a time.

    One that nobody has on loan is released when its file changed or is gone; files are looked
    at whenever something is lent or comes back. Of those before another background than the
    photo's, which anybody may ask for, only the last few are kept.
    """

    def __init__(
        self, generator: Generator, worker: Worker,
        vouch: Callable[[Card, Path], None] = lambda card, path: None,
        clips: Gauge | None = None,
    ) -> None:  # fmt: skip
        """vouch: raises AvatarError for what was read and may not be used. clips: shows `clips`."""
        self._generator, self._worker, self._vouch = generator, worker, vouch
        self._entries: dict[_Version, _Entry] = {}
        if clips is not None:
            clips.set_function(lambda: self.clips)
        self._tasks = Tasks()

    @property
    def clips(self) -> int:
        """How many of those prepared are made of a clip, and so drawn by the CPU."""
        done = [e.preparing for e in self._entries.values() if e.preparing.done()]
        return sum(not p.cancelled() and not p.exception() and p.result().card.clip for p in done)

    async def lend(self, path: Path, backdrop: Backdrop = ORIGINAL) -> Loan:
        """Whoever asks meanwhile waits for the same preparation; one that failed is forgotten.

        Raises AvatarError, EngineError.
        """
        version = _Version(path, await asyncio.to_thread(_changed, path), backdrop)
        entry = self._entries.get(version) or self._begin(version)
        entry.lent += 1
        try:
            prepared = await asyncio.shield(entry.preparing)
        except BaseException:
            self._take_back(version, entry)
            raise
        back = partial(self._take_back, version, entry)
        return Loan(prepared.puppet, prepared.still, prepared.card, back)

    def _begin(self, version: _Version) -> _Entry:
        entry = _Entry(asyncio.create_task(self._prepare(version), name="prepare"))
        self._entries[version] = entry
        self._tasks.start(self._tidy(), name="tidy")
        return entry

    async def _prepare(self, version: _Version) -> _Prepared:
        try:
            avatar = await self._worker.load(load_avatar, version.path)
            await self._worker.load(self._vouch, avatar.card, version.path)
            before = replace(avatar, backdrop=version.backdrop)
            return await self._worker.call(_prepared, self._generator, before)
        except BaseException:
            del self._entries[version]
            raise

    def _take_back(self, version: _Version, entry: _Entry) -> None:
        entry.lent -= 1
        if not entry.lent:
            if self._entries.get(version) is entry:
                self._entries[version] = self._entries.pop(version)  # the last that was of use
            self._tasks.start(self._tidy(), name="tidy")

    async def _tidy(self) -> None:
        """Release what nobody has and nobody will ask for."""
        for version, entry in list(self._entries.items()):
            if not self._unused(version, entry):
                continue
            if not (self._spare(version) or await self._outdated(version)):
                continue
            # Looking takes time, in which it may have been lent, or released by another look.
            if self._unused(version, entry):
                del self._entries[version]
                await self._release(entry.preparing.result().puppet)

    def _unused(self, version: _Version, entry: _Entry) -> bool:
        kept = self._entries.get(version) is entry
        return kept and not entry.lent and entry.preparing.done()

    def _spare(self, version: _Version) -> bool:
        """Whether there are enough before other backgrounds that were used since."""
        others = [
            each for each, entry in self._entries.items()
            if each.backdrop != ORIGINAL and self._unused(each, entry)
        ]  # fmt: skip
        return version in others[:-_OTHERS]

    async def _outdated(self, version: _Version) -> bool:
        return await asyncio.to_thread(_changed, version.path) != version.changed

    async def _release(self, puppet: Puppet) -> None:
        try:
            await self._worker.call(self._generator.release, puppet)
        except EngineError as error:
            extra = {"fault": fault(error)}
            log.error("a prepared avatar could not be released", extra=extra)  # noqa: TRY400


def _changed(path: Path) -> tuple[int, ...]:
    """What every change of the file changes, its times set back too; empty when there is none,
    which reading it will complain about.
    """
    try:
        state = path.stat()
    except OSError:
        return ()
    return (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def _prepared(generator: Generator, avatar: Avatar) -> _Prepared:
    puppet = generator.prepare(avatar)
    try:
        return _Prepared(puppet, draw_one(generator, puppet, FaceState()), avatar.card)
    except BaseException:
        generator.release(puppet)
        raise
