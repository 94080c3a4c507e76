"""Built engines on disk: one file each, named by what it fits, refused unless it is whole.

A file is a line of JSON (format, what it fits, size, sha256), then the engine. What is missing,
stale or corrupt is told apart by its `Fault`, and never handed to a library: a TensorRT engine is
code, and a damaged one may do anything.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from visavis.models.files import whole

FOLDER: Final = "engines"
SUFFIX: Final = ".engine"
_FORMAT: Final = "visavis-engine-2"
_LOCK: Final = ".building"
_HEADER: Final = 4096  # bytes at most


@dataclass(frozen=True, slots=True)
class Key:
    """What an engine fits, and nothing else.

    part: an engine, or the kernels that RTX compiled for one. library, version: of TensorRT.
    target: a GPU's name, or a compute capability where the library builds for those. driver: ""
    where an engine does not depend on it. graph: digest of the graph and its capacities. refine:
    the refiner is in it.
    """

    part: str
    library: str
    version: str
    target: str
    driver: str
    graph: str
    width: int
    height: int
    refine: bool = False

    @property
    def name(self) -> str:
        """Of its file."""
        digest = hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()
        return f"{self.width}x{self.height}-{digest[:16]}{SUFFIX}"

    @property
    def place(self) -> tuple[object, ...]:
        """What is the same before and after an update: one key takes the place of another."""
        return self.part, self.library, self.target, self.width, self.height, self.refine


class Fault(Exception):
    """Why a file cannot be used; its text names the file and what is wrong with it."""


class Missing(Fault):
    """There is no file."""


class Stale(Fault):
    """The file fits something else: another GPU, driver, library or graph."""


class Corrupt(Fault):
    """The file is not what was written."""


@dataclass(frozen=True, slots=True)
class Found:
    """One file of the folder: what it says that it fits, or what is wrong with it."""

    path: Path
    size: int
    key: Key | None
    fault: str


def store(folder: Path, key: Key, engine: bytes) -> Path:
    """Write it whole or not at all, in place of any that it follows; its path. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / key.name
    header = asdict(key) | {
        "format": _FORMAT,
        "size": len(engine),
        "sha256": hashlib.sha256(engine).hexdigest(),
    }
    with whole(path) as file:
        file.write(json.dumps(header).encode() + b"\n")
        file.write(engine)
    for old in _followed(folder, key):
        old.path.unlink(missing_ok=True)
    return path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other process builds for this folder, and keep them waiting. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # falls with its process
        yield


def read(folder: Path, key: Key) -> bytes:
    """The engine that fits. Raises Missing, Stale, Corrupt, OSError."""
    path = folder / key.name
    try:
        found, engine = _parsed(path)
    except Missing:
        for old in _followed(folder, key):
            raise _stale(old.path, old.key, key) from None
        raise
    if found != key:
        raise _stale(path, found, key)
    return engine


def listed(folder: Path) -> list[Found]:
    """Every file of the folder, read through; those that go meanwhile are left out."""
    found = (_found(path) for path in sorted(folder.glob(f"*{SUFFIX}")))
    return [each for each in found if each is not None]


def _followed(folder: Path, key: Key) -> list[Found]:
    """Files whose place that key takes."""
    found = listed(folder)
    return [each for each in found if each.key not in {None, key} and _same_place(each, key)]


def _same_place(found: Found, key: Key) -> bool:
    return found.key is not None and found.key.place == key.place


def _stale(path: Path, found: Key | None, key: Key) -> Stale:
    was, now = asdict(found) if found else {}, asdict(key)
    changed = [name for name in now if was.get(name) != now[name]]
    return Stale(f"{path}: built for another {', '.join(changed)}")


def _found(path: Path) -> Found | None:
    try:
        size = path.stat().st_size
    except OSError:  # gone meanwhile, or a link to nothing
        return None
    try:
        return Found(path, size, _parsed(path)[0], "")
    except (Fault, OSError) as error:
        return Found(path, size, None, str(error))


def _parsed(path: Path) -> tuple[Key, bytes]:
    """What a file says that it fits, and its engine. Raises Missing, Corrupt, OSError."""
    try:
        with path.open("rb") as file:
            line = file.readline(_HEADER)
            header, key = _header(path, line)
            size = os.fstat(file.fileno()).st_size - len(line)
            if size != header["size"]:  # before it is read: it may be larger than memory
                message = f"{path}: {size} bytes where {header['size']} were written"
                raise Corrupt(message)
            engine = file.read()
    except FileNotFoundError as error:
        message = f"{path}: not built yet"
        raise Missing(message) from error
    if hashlib.sha256(engine).hexdigest() != header["sha256"]:
        message = f"{path}: its content is not what was written"
        raise Corrupt(message)
    return key, engine


def _header(path: Path, line: bytes) -> tuple[dict[str, Any], Key]:
    try:
        header = json.loads(line)
        if header["format"] != _FORMAT:
            raise _other_format(path, header["format"])
        key = Key(**{f.name: header[f.name] for f in fields(Key)})
        whole_number = type(header["size"]) is int
        str(header["sha256"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"{path}: it does not begin as an engine file does"
        raise Corrupt(message) from error
    if not whole_number:
        message = f"{path}: it does not say how long it is"
        raise Corrupt(message)
    return header, key


def _other_format(path: Path, found: object) -> Stale:
    return Stale(f"{path}: its format is {found!r:.40}, not {_FORMAT}")
