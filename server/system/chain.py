"""A log that cannot be changed unnoticed: JSON lines, each with the hash of the one before.

Files of a folder, one a day, named by the number of their first line. `head` tells, signed, which
line is the last one: without it a tail could be cut off, or all written anew. Several processes
write to one chain, by a lock. What a crash or a full disk did to it is told by lines of its own.

What this does not do: whoever has the installation's key, or can put back old files and the old
head together, can write another history. `audit_check` compares with a head that is kept elsewhere.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Protocol

from visavis.models.files import PRIVATE, private_folder, whole

Row = dict[str, Any]

NOTHING: Final = "0" * 64  # the hash before the first line
LONGEST: Final = 4096  # bytes of a line
HEAD: Final = "head.json"
EXPIRED: Final = "file-expired"
_LOCK: Final = "lock"
_FILE: Final = re.compile(r"(\d{10})\.(\d{4}-\d\d-\d\d)\.jsonl", re.ASCII)
_MOST: Final = 10**10  # lines, as many digits as a file's name has
_LARGEST: Final = 4 << 20  # bytes of a file
_TAIL: Final = 4 * LONGEST


class Signer(Protocol):
    """The installation's Ed25519 key. key: the public one in base64."""

    @property
    def key(self) -> str: ...

    def sign(self, data: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class End:
    """A line of the chain by its number, from 1, and its hash as hex."""

    number: int = 0
    digest: str = NOTHING


@dataclass(frozen=True, slots=True)
class Head:
    """The last line when it was signed. signature: hex; key: the public one; both may be empty."""

    number: int
    digest: str
    key: str
    signature: str

    def is_signed_by(self, key: str) -> bool:
        """Whether the signature holds, and is of this public key."""
        if not key or self.key != key:
            return False
        from cryptography.exceptions import InvalidSignature  # 20 ms that few commands need
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))
            public.verify(bytes.fromhex(self.signature), signed_text(End(self.number, self.digest)))
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class File:
    """One file of a chain: the number of its first line, and the day of it as ISO 8601."""

    path: Path
    first: int
    day: str


def folder_of(home: Path) -> Path:
    """Where the audit log of an installation lies."""
    return home / "audit"


def signed_text(end: End) -> bytes:
    """What is signed of a chain's end."""
    return f"visavis audit 1\n{end.number}\n{end.digest}\n".encode()


def digest_of(line: bytes) -> str:
    """Of a line without its end."""
    return hashlib.sha256(line).hexdigest()


def files(folder: Path) -> list[File]:
    """Those of a chain, the oldest first. Raises OSError."""
    names = os.listdir(folder) if folder.is_dir() else []
    found = (_FILE.fullmatch(name) for name in names)
    rows = [File(folder / f[0], int(f[1]), f[2]) for f in found if f is not None]
    return sorted(rows, key=lambda row: row.first)


def parsed(line: bytes) -> Row | None:
    """A line's object, be it what we wrote or anything else; None: it is no JSON object."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def number_of(row: Mapping[str, Any] | None, name: str = "n") -> int | None:
    """The number of a line in it; None: there is none."""
    number = row.get(name) if row is not None else None
    is_one = isinstance(number, int) and not isinstance(number, bool) and 0 <= number < _MOST
    return number if is_one else None


def read_head(folder: Path) -> Head | None:
    """None: there is none. Raises OSError, ValueError for one that cannot be read."""
    try:
        text = (folder / HEAD).read_bytes()[:LONGEST]
    except FileNotFoundError:
        return None
    head = head_of(parsed(text))
    if head is None:
        raise ValueError(f"{folder / HEAD} is damaged")
    return head


def head_of(row: Row | None) -> Head | None:
    """What an object says; None: it is no head."""
    number = number_of(row, "number")
    texts = [row.get(name) for name in ("digest", "key", "signature")] if row else []
    if number is None or not all(isinstance(text, str) for text in texts):
        return None
    return Head(number, *map(str, texts))


@contextmanager
def locked(folder: Path, *, to_write: bool = False) -> Iterator[None]:
    """While nobody writes, or nobody else does; a reader goes without where there is no lock.

    Raises OSError.
    """
    flags = os.O_RDWR | os.O_CREAT if to_write else os.O_RDONLY
    try:
        handle = os.open(folder / _LOCK, flags | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
    except FileNotFoundError:
        if to_write:
            raise
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if to_write else fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


class Chain:
    """One process's hand on the chain of a folder. signer: None: heads are not signed."""

    def __init__(
        self, folder: Path, signer: Signer | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._folder, self.signer, self._now = folder, signer, now
        self._written = End()  # by this process

    def append(self, rows: Sequence[Mapping[str, Any]]) -> End:
        """Write them all, or none: raises OSError. On the disk when this returns.

        A row gets its number as `n` and the hash of the line before as `prev`.
        """
        private_folder(self._folder)
        with locked(self._folder, to_write=True):
            return self._append(rows)

    def expire(self, before: str) -> int:
        """Delete the files of days before one (ISO 8601); how many lines. Raises OSError.

        The newest file stays. A line of each that goes says up to where, so that what is left can
        still be told from what was cut off.
        """
        if not self._folder.is_dir():
            return 0
        with locked(self._folder, to_write=True):
            found, count = files(self._folder), 0
            for file, following in pairwise(found):
                if file.day >= before:
                    break
                last = _last([file]).end
                self._append([self.row(EXPIRED, last=last.number, digest=last.digest)])
                file.path.unlink()
                count += following.first - file.first
        return count

    def _append(self, rows: Sequence[Mapping[str, Any]]) -> End:
        found = files(self._folder)
        last = _last(found)
        head, why = _head(self._folder)
        told = [*self._told(last, head), *([self.row(why)] if why else []), *rows]
        number = max(last.end.number, self._written.number, head.number if head is not None else 0)
        lines, end = _linked(told, End(number, last.end.digest))
        data = b"".join(lines)
        if last.unended is not None:
            with _appending(last.unended) as handle:
                _write(handle, b"\n")
        with _appending(self._place(found, number + 1, len(data))) as handle:
            _write(handle, data)
            self._sign(end)
        self._written = end
        return end

    def _told(self, last: Last, head: Head | None) -> Iterator[Row]:
        """What is found amiss, as rows: said once, for the next head covers it."""
        end, key = last.end, self.signer.key if self.signer is not None else ""
        if last.broken:
            yield self.row("tail-broken", bytes=last.broken)
        if head is None:
            if self._written.number > end.number:
                yield self.row("lines-missing", first=end.number + 1, last=self._written.number)
            return
        if key and not head.is_signed_by(key):
            yield self.row("head-foreign" if head.key else "head-unsigned")
        if head.number > end.number:
            yield self.row("lines-missing", first=end.number + 1, last=head.number)
        elif head.number < end.number:
            yield self.row("lines-unsigned", first=head.number + 1, last=end.number)
        elif head.digest != end.digest:
            yield self.row("line-changed", first=end.number)

    def row(self, what: str, **fields: Any) -> Row:
        """One of this moment: `at` by the wall clock, `up` by one that never jumps, of `boot`."""
        at = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds")
        up = round(time.clock_gettime(time.CLOCK_BOOTTIME), 3)
        return {"at": at.replace("+00:00", "Z"), "up": up, "boot": _BOOT, "what": what, **fields}

    def _place(self, found: list[File], number: int, size: int) -> Path:
        day = datetime.fromtimestamp(self._now(), UTC).date().isoformat()
        if found and found[-1].day == day:
            with suppress(FileNotFoundError):
                if found[-1].path.stat().st_size + size <= _LARGEST:
                    return found[-1].path
        return self._folder / f"{number:010d}.{day}.jsonl"

    def _sign(self, end: End) -> None:
        key = signature = ""
        if self.signer is not None:
            key = self.signer.key
            signature = self.signer.sign(signed_text(end)).hex()
        row = {"number": end.number, "digest": end.digest, "key": key, "signature": signature}
        with whole(self._folder / HEAD, PRIVATE) as file:
            file.write(json.dumps(row).encode())


def _boot() -> str:
    """A short name for this run of the system; empty where it is not told."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii")[:8]
    except OSError:
        return ""


_BOOT: Final = _boot()  # read while modules are imported: an event loop waits for no file


@dataclass(frozen=True, slots=True)
class Last:
    """How a chain ends. broken: bytes of a last line that is none; unended: a file to end first."""

    end: End
    broken: int = 0
    unended: Path | None = None


def _head(folder: Path) -> tuple[Head | None, str]:
    """None, and why that is amiss, if it is."""
    try:
        head = read_head(folder)
    except ValueError:
        return None, "head-broken"
    return head, "head-missing" if head is None and files(folder) else ""


def _last(found: list[File]) -> Last:
    """Of the newest file with anything in it. What is no row counts as a line."""
    for file in reversed(found):
        with file.path.open("rb") as opened:
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(0, size - _TAIL))
            *lines, rest = opened.read().split(b"\n")
        if rest:
            lines.append(rest)
        if lines:
            number, broken = _number_of(lines, file.first)
            end = End(number, digest_of(lines[-1]))
            return Last(end, len(lines[-1]) if broken else 0, file.path if rest else None)
    return Last(End())


def _number_of(lines: list[bytes], first: int) -> tuple[int, bool]:
    """Of the last one, and whether it is none; those after one that can be read are counted."""
    for back, line in enumerate(reversed(lines)):
        if (number := number_of(parsed(line))) is not None:
            return number + back, back > 0
    return first + len(lines) - 1, True


def _linked(rows: Sequence[Mapping[str, Any]], end: End) -> tuple[list[bytes], End]:
    lines = []
    for row in rows:
        numbered = {"n": end.number + 1, **row, "prev": end.digest}
        line = json.dumps(numbered, separators=(",", ":")).encode()
        lines.append(line + b"\n")
        end = End(end.number + 1, digest_of(line))
    return lines, end


@contextmanager
def _appending(path: Path) -> Iterator[int]:
    """A file to append to: whatever goes wrong, nothing of it is there afterwards."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(path, flags, PRIVATE)
    try:
        size = os.fstat(handle).st_size
        try:
            yield handle
        except BaseException:
            with suppress(OSError):  # then the next one tells of a broken tail
                os.ftruncate(handle, size)
            raise
    finally:
        os.close(handle)


def _write(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]
    os.fdatasync(handle)
