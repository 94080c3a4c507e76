"""What films are made of, kept by what it was made from: a folder that is bounded.

A cache that cannot be kept costs time and nothing else. What a film uses is linked into the film's
own folder, so that it stays there whatever is let go here meanwhile.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from visavis.models.files import PRIVATE, not_kept, private_folder, whole

log = logging.getLogger(__name__)

FOLDER: Final = "studio-cache"  # of all films, under the directory for state
_LOW: Final = 0.9  # of the limit that is left after a tidying
_TIDY: Final = 64 * 1024 * 1024  # bytes written here between two looks at how much there is


class Kept:
    """Files named by keys, the least lately used let go above `limit` bytes. For any thread."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._limit = folder, limit
        self._lock = threading.Lock()
        self._written = _TIDY  # the first one looks

    def read(self, key: str) -> bytes | None:
        """What is kept under a key; None: nothing."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        _touch(path)
        return content

    def write(self, key: str, content: bytes) -> None:
        """Keep it. One that cannot be kept is not: it is made anew the next time."""
        path = self._path(key)
        try:
            private_folder(path.parent)
            with whole(path, PRIVATE) as file:
                file.write(content)
        except OSError as error:
            not_kept(self._folder, error)
            return
        self._grown(len(content))

    def link(self, key: str, to: Path) -> bool:
        """Have what is kept under a key at `to`, too; whether there was anything."""
        path = self._path(key)
        try:
            _linked(path, to)
        except OSError:
            return False
        _touch(path)
        return True

    def adopt(self, key: str, made: Path) -> None:
        """Keep a file that was made elsewhere and that nobody changes any more."""
        path = self._path(key)
        try:
            private_folder(path.parent)
            _linked(made, path)
        except OSError as error:
            not_kept(self._folder, error)
            return
        self._grown(made.stat().st_size)

    def drop(self, key: str) -> None:
        """It is damaged."""
        with suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    def tidy(self) -> int:
        """Let go of what was not used for longest. Returns the bytes that are left."""
        found = []
        for path in self._folder.glob("??/*"):
            with suppress(OSError):
                told = path.stat()
                found.append((told.st_mtime, told.st_size, path))
        total = sum(size for _, size, _ in found)
        if total <= self._limit:
            return total
        for _, size, path in sorted(found):
            with suppress(OSError):
                path.unlink()
                total -= size
            if total <= self._limit * _LOW:
                break
        return total

    def _grown(self, size: int) -> None:
        with self._lock:
            self._written += size
            due = self._written >= min(_TIDY, self._limit // 8)
            if due:
                self._written = 0
        if due:
            self.tidy()

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key


def _linked(there: Path, to: Path) -> None:
    """Where the file system has no links, or another one is asked for, it is copied whole."""
    to.unlink(missing_ok=True)
    try:
        os.link(there, to)
    except FileNotFoundError:
        raise
    except OSError:
        with there.open("rb") as source, whole(to, PRIVATE) as file:
            shutil.copyfileobj(source, file)


def _touch(path: Path) -> None:
    """It was used now."""
    now = time.time()
    with suppress(OSError):
        os.utime(path, (now, now))
