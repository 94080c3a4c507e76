"""Who did what with this installation, for its operator: noted at once, written by a thread.

Deeds, names, numbers and times of ours. Never what a visitor says or is called, and never their
address. `chain` keeps them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Protocol, get_args

from visavis.server.system.chain import Chain, End, folder_of
from visavis.server.system.config import Config
from visavis.server.system.faults import fault
from visavis.server.system.installation import Installation, KeyFault
from visavis.server.system.metrics import Metrics
from visavis.server.system.seldom import Seldom

log = logging.getLogger(__name__)
_seldom: Final = Seldom(log)  # it is tried again every few seconds

Deed = Literal[
    "server-started",
    "server-stopped",
    "avatar-made",
    "avatar-changed",
    "avatar-deleted",
    "session-opened",
    "session-closed",
    "staff-took-over",
    "staff-gave-back",
    "staff-said",
    "staff-spoke",
    "recording-begun",
    "recording-ended",
    "publishing-begun",
    "publishing-ended",
    "video-made",
    "kept-deleted",
    "consent-given",
    "consent-changed",
    "consent-revoked",
    "consent-refused",
    "voice-made",
    "voice-deleted",
    "key-made",
    "token-made",
    "token-refused",
    "lines-missed",
]
DEEDS: Final[tuple[Deed, ...]] = get_args(Deed)
Value = str | int | float | bool

# Every field there is, so that none comes to hold what a visitor said.
FIELDS: Final = {
    "avatar": "name of an avatar",
    "voice": "name of a voice of one's own",
    "door": "how a session was come into: page, whep, simli, camera, ...",
    "source": "where its words come from: dialogue, microphone or voice",
    "session": "id of a session, as in the server's log",
    "seconds": "how long it was",
    "file": "name of a recording, without its folder",
    "who": "user of this machine who ran a command, or the name of a token",
    "role": "role of a token",
    "reference": "of a consent",
    "uses": "that a consent allows",
    "until": "day on which something ends",
    "presence": "whether a person showed that they are there: shown or not shown",
    "likeness": "whether a record explains one: explained or none",
    "why": "a word of ours",
    "key": "a public key's short name",
    "kind": "one of a few words of ours",
    "count": "how many",
    "since": "time from which on",
    "first": "number of a line",
    "last": "number of a line",
    "workers": "processes of a server",
    "version": "of the program",
}
_LONGEST: Final = 200  # characters of a value
_MOST: Final = 1000  # rows that wait for a disk
_PACE: Final = 0.5  # s between two times that rows are written
_AGAIN: Final = 5.0  # s after which a disk is tried again
_PATIENCE: Final = 2.0  # s that the end waits for the disk


class Audit(Protocol):
    """Where deeds are noted; never waits, never raises for a disk."""

    def record(self, what: Deed, **fields: Value) -> None:
        """Note a deed. fields: of FIELDS; raises ValueError for others, a fault of ours."""
        ...


class Unaudited:
    """For programs without a directory for state."""

    def record(self, what: Deed, **fields: Value) -> None:
        """Nothing but the check."""
        _checked(fields)

    def close(self) -> None:
        """Nothing."""


class AuditLog:
    """The log of one installation, as one process writes to it.

    by: which program. Rows that a disk has no room for wait, 1000 of them; how many more there
    were, a line says once there is room.
    """

    def __init__(self, home: Path, by: str, metrics: Metrics | None = None) -> None:
        self._home, self._by, self._metrics = home, by, metrics
        self._chain = Chain(folder_of(home))
        self._rows: list[dict[str, Any]] = []
        self._missed, self._since = 0, ""
        self._end: End | None = None
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ends = False

    def record(self, what: Deed, **fields: Value) -> None:
        """Note a deed, from any thread; on the disk within half a second."""
        row = self._chain.row(what, by=self._by, **_checked(fields))
        with self._wake:
            if len(self._rows) < _MOST:
                self._rows.append(row)
            else:
                self._miss(row)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="audit", daemon=True)
                self._thread.start()
            self._wake.notify()

    def _miss(self, row: dict[str, Any]) -> None:
        self._missed += 1
        self._since = self._since or row["at"]
        if self._metrics is not None:
            self._metrics.audit_missed.inc()

    def close(self) -> None:
        """Write what waits, as far as that can be within 2 s."""
        with self._wake:
            self._ends = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(_PATIENCE)
        if self._rows:
            log.error("lines of the audit log are lost", extra={"count": len(self._rows)})
        if self._end is not None:  # the journal is another place, which helps who compares
            extra = {"line": self._end.number, "digest": self._end.digest}
            log.info("the audit log's last line", extra=extra)

    def _work(self) -> None:
        while self._awaited():
            wrote = self._flush()
            if self._ends and not wrote:
                return
            self._pause(_PACE if wrote else _AGAIN)

    def _awaited(self) -> bool:
        """Wait for rows; False at the end."""
        with self._wake:
            self._wake.wait_for(lambda: self._rows or self._ends)
            return bool(self._rows)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with self._wake:
            self._wake.wait_for(lambda: self._ends, until - time.monotonic())

    def _flush(self) -> bool:
        """Write what waits; False: it cannot be written now."""
        with self._wake:
            rows, missed, since = list(self._rows), self._missed, self._since
        told = [self._chain.row("lines-missed", by=self._by, count=missed, since=since)]
        unsigned = self._find_key()
        try:
            self._end = self._chain.append([*rows, *(told if missed else [])])
        except OSError as error:
            self._wait_for_room(error.strerror or type(error).__name__, len(rows))
            return False
        except Exception as error:  # noqa: BLE001 (whatever lies there, the thread goes on)
            self._wait_for_room(fault(error), len(rows))
            return False
        with self._wake:
            del self._rows[: len(rows)]
            self._missed -= missed
            self._since = self._since if self._missed else ""
        if unsigned:
            _seldom.warning("key", "the audit log is not signed", why=unsigned)
        self._tell_waiting(0)
        return True

    def _find_key(self) -> str:
        """In the thread, for it may have to be made; why there is none."""
        if self._chain.signer is None:
            try:
                self._chain.signer = Installation.of(self._home)
            except KeyFault as error:
                return str(error)
        return ""

    def _wait_for_room(self, why: str, waiting: int) -> None:
        _seldom.warning("disk", "the audit log cannot be written", why=why, waiting=waiting)
        self._tell_waiting(waiting)

    def _tell_waiting(self, rows: int) -> None:
        if self._metrics is not None:
            self._metrics.audit_waiting.set(rows)


def audit_log(config: Config, by: str, metrics: Metrics | None = None) -> AuditLog | Unaudited:
    """As the settings want it; whoever makes it closes it. Raises ConfigError as `auditing`."""
    if config.audit == "off":
        return Unaudited()
    return AuditLog(config.home_path, by, metrics)


@contextmanager
def auditing(config: Config, by: str, metrics: Metrics | None = None) -> Iterator[Audit]:
    """Notes what a program does, where the settings want it; written at the end of the block.

    by: which program. Raises ConfigError where the user has no home and none is set.
    """
    made = audit_log(config, by, metrics)
    try:
        yield made
    finally:
        made.close()


def _checked(fields: dict[str, Value]) -> dict[str, Value]:
    if unknown := fields.keys() - FIELDS.keys():
        raise ValueError(f"no field of an audit line: {', '.join(sorted(unknown))}")
    return {k: v if isinstance(v, (int, float)) else str(v)[:_LONGEST] for k, v in fields.items()}
