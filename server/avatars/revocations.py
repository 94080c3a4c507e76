"""Consents that were taken back: signed lists, one in the directory for state, one shared by many.

A list only grows. It names a consent by its reference and by its photo, so that copies of the file
are meant too; one that was given anew is taken out of that by its own reference. A list that cannot
be believed is told, and what it said last holds.
"""

from __future__ import annotations

import base64
import json
import os
import stat
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from visavis.models.avatar.consent import Likeness
from visavis.models.avatar.seal import verified
from visavis.models.files import PRIVATE, private_folder, whole
from visavis.server.avatars.signatures import Signatures, signer
from visavis.server.system import strict_json
from visavis.server.system.errors import ConfigError
from visavis.server.system.installation import FOLDER as KEYS
from visavis.server.system.installation import Installation, locked

FOLDER: Final = "consent"  # under the directory for state
FILE: Final = "revoked.json"
_BEGUN: Final = "revocations"
_FORMAT: Final = "visavis-revocations"
_CONTEXT: Final = b"visavis revocations 1\n"
_MOST: Final = 4 * 1024 * 1024  # bytes; an entry takes 300
_SETTLED: Final = 3.0  # s after which a file's times tell every change of it
_WHATS: Final = ("revoked", "renewed")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list. reference: of the consent; photo: SHA-256 of that or, of a
    voice, of its sample; "" in a renewal."""

    what: Literal["revoked", "renewed"]
    reference: str
    photo: str
    avatar: str  # what its file was called then
    at: str  # ISO 8601, UTC
    reason: str = ""  # for the operator's eyes
    by: str = ""

    def means(self, card: Likeness) -> bool:
        """Whether it is about this consent."""
        if card.reference == self.reference:
            return True
        return self.what == "revoked" and bool(self.photo) and card.source == self.photo


@dataclass(slots=True)
class _List:
    """One file as it was read last. fault: why it cannot be believed now, since s of monotonic.

    begun: a file beside the key that is there once the list was, so that a lost one is noticed.
    """

    path: Path
    expected: bool  # whether it must be there
    begun: Path | None = None
    identity: tuple[int, ...] | None = None
    entries: tuple[Entry, ...] = ()
    was_there: bool = False
    fault: str = ""
    since: float = 0.0

    @property
    def missed(self) -> str:
        """What to do where there is no file; empty: there need not be one."""
        words = f"{self.path} is missing: put it back from a backup"
        if self.begun is not None and self.begun.exists():
            return f"{words}, or if there is none delete {self.begun} and revoke anew"
        return words if self.expected or self.was_there else ""

    def revoked(self, card: Likeness) -> Entry | None:
        """The entry that revokes it; None: none does, or it was given anew."""
        found = None
        for entry in self.entries:
            if entry.means(card):
                found = entry if entry.what == "revoked" else None
        return found


@dataclass(slots=True)
class Revocations:
    """The lists of one installation. Reads files, but for `of` and `fault`: not for the loop.

    signatures: whose signatures count. shared: another list, of several machines; None: there is
    none.
    """

    home: Path
    signatures: Signatures
    shared: Path | None = None
    now: Callable[[], float] = time.monotonic
    _lists: list[_List] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        own = _List(self.home / FOLDER / FILE, expected=False, begun=self.home / KEYS / _BEGUN)
        shared = [_List(self.shared, expected=True)] if self.shared is not None else []
        self._lists = [own, *shared]

    def look(self) -> None:
        """Read what has changed."""
        with self._lock:
            for each in self._lists:
                self._look(each)

    def of(self, card: Likeness) -> Entry | None:
        """What revokes a consent, as of the last look."""
        return next((entry for each in self._lists if (entry := each.revoked(card))), None)

    @property
    def fault(self) -> str:
        """Why it cannot be known what was revoked; empty: it is."""
        return "; ".join(each.fault for each in self._lists if each.fault)

    @property
    def faulty(self) -> float:
        """How many s that has been so; 0: it is not."""
        since = [each.since for each in self._lists if each.fault]
        return max(0.001, self.now() - min(since)) if since else 0.0

    def add(self, entries: Sequence[Entry]) -> None:
        """Write them into every list; ConfigError for those that do not take them, after all."""
        key, faults = Installation.of(self.home), []
        for each in self._lists:
            try:
                self._add(each, entries, key)
            except ConfigError as error:
                faults.append(str(error))
            except OSError as error:
                why = error.strerror or "unknown reason"
                faults.append(f"{each.path} cannot be written: {why}")
        self.look()
        if faults:
            raise ConfigError("; ".join(faults))

    def _add(self, each: _List, entries: Sequence[Entry], key: Installation) -> None:
        folder = each.path.parent
        if not each.expected:
            private_folder(folder)
        with ExitStack() as stack:
            stack.enter_context(locked(folder))
            content = _content(each.path)
            if content is None and not each.expected and each.missed:
                raise ConfigError(each.missed)
            before = _read(content, each.path, self._counts()) if content is not None else ()
            written = _written((*before, *entries), key)
            mode = PRIVATE if not each.expected else 0o644
            with whole(each.path, mode) as file:
                file.write(written)
            if each.begun is not None:
                each.begun.touch(PRIVATE)

    def _look(self, each: _List) -> None:
        try:
            identity = _identity(each.path)
            if identity is not None and identity == each.identity and not each.fault:
                return
            content = _content(each.path)
            if content is None:
                self._missing(each)
                return
            each.entries = _grown(each, _read(content, each.path, self._counts()))
            each.identity, each.was_there, each.fault = identity, True, ""
        except ConfigError as error:
            self._fault(each, str(error))
        except OSError as error:
            self._fault(each, f"{each.path} cannot be read: {error.strerror or 'unknown reason'}")

    def _missing(self, each: _List) -> None:
        if why := each.missed:
            self._fault(each, why)
        else:
            each.fault = ""

    def _fault(self, each: _List, why: str) -> None:
        if not each.fault:
            each.since = self.now()
        each.fault = why

    def _counts(self) -> frozenset[str]:
        counting = self.signatures.counting()
        return counting.keys | {counting.own}


def _grown(each: _List, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Raises ConfigError for a list that lacks what was in it."""
    if entries[: len(each.entries)] != each.entries:
        raise ConfigError(f"{each.path} is an older list: put the newest one back")
    return entries


def _identity(path: Path) -> tuple[int, ...] | None:
    """What every change of a file changes; None: there is none, or the last one is too fresh."""
    try:
        state = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if time.time() - max(state.st_mtime, state.st_ctime) < _SETTLED:
        return None
    return (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def _content(path: Path) -> bytes | None:
    """Raises OSError, ConfigError."""
    try:
        # Others may write the folder of a shared list: to open a pipe would wait for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(f"{path} is no file: put it back from a backup")
            content = file.read(_MOST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if len(content) > _MOST:
        raise ConfigError(f"{path} is larger than 4 MB, so no list: put it back from a backup")
    return content


def _written(entries: Sequence[Entry], key: Installation) -> bytes:
    rows = [asdict(each) for each in entries]
    signature = base64.b64encode(key.sign(_message(rows))).decode()
    said = {"format": _FORMAT, "entries": rows, "key": key.key, "signature": signature}
    return json.dumps(said, indent=1).encode()


def _message(rows: Any) -> bytes:
    return _CONTEXT + json.dumps(rows, sort_keys=True, separators=(",", ":")).encode()


def _read(content: bytes, path: Path, counting: frozenset[str]) -> tuple[Entry, ...]:
    """Raises ConfigError for what cannot be believed. counting: public keys that do."""
    try:
        key, rows, signature = _parts(content)
        entries = tuple(_entry(row) for row in rows)
        is_whole = verified(
            base64.b64decode(key, validate=True),
            base64.b64decode(signature, validate=True),
            _message(rows),
        )
    except (ValueError, TypeError, KeyError) as error:
        message = f"{path} is no list of revocations, or is damaged: put it back from a backup"
        raise ConfigError(message) from error
    if not is_whole:
        raise ConfigError(f"{path} was changed after it was signed: put it back from a backup")
    if key not in counting:
        raise ConfigError(
            f"{path} was signed by another installation ({signer(key)}): if it is one of yours, "
            f"`visavis avatar trust {key}`"
        )
    return entries


def _parts(content: bytes) -> tuple[str, list[Any], str]:
    """Key, rows and signature. Raises ValueError, TypeError, KeyError."""
    said = strict_json.parse(content.decode())
    if said["format"] != _FORMAT:
        raise ValueError("another format")
    return said["key"], said["entries"], said["signature"]


def _entry(row: dict[str, Any]) -> Entry:
    """Raises ValueError, TypeError."""
    entry = Entry(**row)
    if entry.what not in _WHATS or not all(isinstance(each, str) for each in row.values()):
        raise ValueError("no entry")
    return entry
