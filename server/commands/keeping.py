"""What an installation keeps for its operator, how long, and how it is deleted.

Nothing of it is there unless the operator switched it on; nothing else of visitors is kept at all.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from visavis.server.jobs import configured
from visavis.server.jobs.distributed import FETCHED
from visavis.server.jobs.embedded import RESULTS
from visavis.server.jobs.ledger import FILE, Ledger
from visavis.server.jobs.stores import remove, store
from visavis.server.recording import kept as recordings
from visavis.server.services.gaps import Gaps
from visavis.server.studio.batches import preparing
from visavis.server.studio.batches.keeping import Batches
from visavis.server.studio.film.keeping import FOLDER as FILM_PARTS
from visavis.server.system.audit import Audit
from visavis.server.system.audit_check import rows
from visavis.server.system.chain import Chain, files, folder_of
from visavis.server.system.config import Config
from visavis.server.system.errors import QueueError
from visavis.server.system.faults import fault
from visavis.server.system.installation import Installation
from visavis.server.system.spans import Span

log = logging.getLogger(__name__)

_INTERVAL: Final = 3600.0  # s between two looks at what is too old


@dataclass(frozen=True, slots=True)
class Amount:
    """How much there is. left: how many of these stay, for they are being written."""

    count: int = 0
    size: int = 0  # bytes
    left: int = 0


class Kind(Protocol):
    """One kind of what is kept. days: its age limit, 0: none; of: what is counted."""

    days: int
    of: str
    place: Path

    def count(self, span: Span, session: str = "") -> Amount:
        """Raises OSError."""
        ...

    def delete(self, span: Span, session: str = "") -> Amount:
        """What is gone. Raises OSError."""
        ...


class Recordings:
    """Files that sessions were recorded to."""

    of = "files"

    def __init__(self, home: Path, days: int) -> None:
        self.place, self.days = home / "recordings", days

    def count(self, span: Span, session: str = "") -> Amount:
        """See Kind."""
        found = recordings.found(self.place, span, session)
        closed = [row for row in found if not row.open]
        return Amount(len(closed), sum(row.size for row in closed), len(found) - len(closed))

    def delete(self, span: Span, session: str = "") -> Amount:
        """See Kind."""
        found = recordings.found(self.place, span, session)
        gone = recordings.delete(found)
        return Amount(len(gone), sum(row.size for row in gone), len(found) - len(gone))


class Questions:
    """What nobody could answer; without who asked, so a session has none."""

    of = "questions"

    def __init__(self, home: Path, days: int) -> None:
        self._gaps, self.days = Gaps(home, days), days
        self.place = home / "gaps"

    def count(self, span: Span, session: str = "") -> Amount:
        """See Kind."""
        return Amount(0 if session else self._gaps.count(span))

    def delete(self, span: Span, session: str = "") -> Amount:
        """See Kind."""
        return Amount(0 if session else self._gaps.wipe(span))


class AuditLines:
    """Whole days of the audit log, and only the oldest ones: its chain has no holes."""

    of = "lines"

    def __init__(self, home: Path, days: int) -> None:
        self._home, self.days = home, days
        self.place = folder_of(home)

    def count(self, span: Span, session: str = "") -> Amount:
        """See Kind."""
        before = self._before(span, session)
        days = {file.path.name: file.day for file in files(self.place)[:-1]}
        if not before or not days:
            return Amount()
        names = (place.partition(":")[0] for place, _ in rows(self.place))
        return Amount(sum(days.get(name, before) < before for name in names))

    def delete(self, span: Span, session: str = "") -> Amount:
        """See Kind."""
        before = self._before(span, session)
        known = Installation.known(self._home)
        return Amount(Chain(self.place, known).expire(before) if before else 0)

    @staticmethod
    def _before(span: Span, session: str) -> str:
        """The first day that stays; empty: all of them."""
        if session or span.since is not None:
            return ""
        return (span.until or datetime.now(UTC)).astimezone(UTC).date().isoformat()


class Jobs:
    """Films and other work that is over, with what was asked for; those under way stay."""

    of = "jobs"

    def __init__(self, config: Config) -> None:
        self.place, self.days = config.home_path / configured.FOLDER, config.jobs_days
        self._results = config.jobs_results

    def count(self, span: Span, session: str = "") -> Amount:
        """See Kind."""
        ids = self._ids(span, session)
        found = [path for id in ids for path in (self.place / RESULTS / id).rglob("*")]
        return Amount(len(ids), sum(path.stat().st_size for path in found if path.is_file()))

    def delete(self, span: Span, session: str = "") -> Amount:
        """See Kind."""
        if not (ids := self._ids(span, session)):
            return Amount()
        with closing(Ledger(self.place)) as ledger:
            gone = [each for id in ids for each in ledger.forget(id)]
            Batches(self.place / preparing.FOLDER).tidy(lambda batch: bool(ledger.group(batch)))
        try:
            results = store(self._results, self.place / RESULTS)
            for id in gone:
                results.remove(id)
                remove(self.place / FETCHED / id)
            results.sweep(self.days * 86_400.0 or math.inf)
        except QueueError as error:
            raise OSError(error.detail) from error
        return Amount(len(gone))

    def _ids(self, span: Span, session: str) -> list[str]:
        if session or not (self.place / FILE).exists():
            return []
        since = span.since.timestamp() if span.since else 0.0
        until = span.until.timestamp() if span.until else math.inf
        try:
            with closing(Ledger(self.place)) as ledger:
                return ledger.over(since, until)
        except QueueError as error:
            raise OSError(error.detail) from error


class FilmParts:
    """Clauses and pictures that films share, by when they were last used."""

    of = "files"

    def __init__(self, home: Path, days: int) -> None:
        self.place, self.days = home / FILM_PARTS, days

    def count(self, span: Span, session: str = "") -> Amount:
        """See Kind."""
        found = self._found(span, session)
        return Amount(len(found), sum(path.stat().st_size for path in found))

    def delete(self, span: Span, session: str = "") -> Amount:
        """See Kind."""
        found = self._found(span, session)
        for path in found:
            path.unlink(missing_ok=True)
        return Amount(len(found))

    def _found(self, span: Span, session: str) -> list[Path]:
        if session:
            return []
        files = (path for path in self.place.glob("*/??/*") if path.is_file())
        return [p for p in files if span.has(datetime.fromtimestamp(p.stat().st_mtime, UTC))]


def kinds(config: Config) -> dict[str, Kind]:
    """All of them, by the names that the operator uses."""
    home = config.home_path
    return {
        "recordings": Recordings(home, config.recordings_days),
        "questions": Questions(home, config.keep_questions_days),
        "audit": AuditLines(home, config.audit_days),
        "jobs": Jobs(config),
        "studio-cache": FilmParts(home, config.jobs_days),
    }


def expired(config: Config, now: datetime | None = None) -> Mapping[str, Amount]:
    """Delete what is older than the settings let it be. Raises OSError."""
    now, gone = now or datetime.now(UTC), {}
    for name, kind in kinds(config).items():
        if kind.days:
            gone[name] = kind.delete(Span(until=now - timedelta(days=kind.days)))
    return gone


class _Clock:
    """Whether the wall clock has jumped since this was made: then no age can be trusted."""

    def __init__(self) -> None:
        self._apart = self._now()

    def jumped(self) -> bool:
        """By over an hour, either way."""
        return abs(self._now() - self._apart) > _INTERVAL

    @staticmethod
    def _now() -> float:
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


async def watch(config: Config, audit: Audit) -> None:
    """Do that now and every hour, as long as the server runs."""
    clock = _Clock()
    while True:
        if clock.jumped():
            log.warning("the clock jumped: nothing is deleted by its age until the next start")
        else:
            await _expire(config, audit)
        await asyncio.sleep(_INTERVAL)


async def _expire(config: Config, audit: Audit) -> None:
    try:
        gone = await asyncio.to_thread(expired, config)
    except OSError as error:
        log.warning("what is too old cannot be deleted", extra={"fault": fault(error)})
        return
    for name, amount in gone.items():
        if amount.count:
            log.info("deleted by its age", extra={"kind": name, "count": amount.count})
            audit.record("kept-deleted", kind=name, count=amount.count, why="age")
