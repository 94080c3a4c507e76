"""Files that are written whole or not at all, and caches that need not be written."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

log = logging.getLogger(__name__)

PRIVATE: Final = 0o600  # personal data
PRIVATE_FOLDER: Final = 0o700
_SHARED: Final = 0o644

_told: set[Path] = set()


@contextmanager
def whole(path: Path, mode: int = _SHARED) -> Iterator[IO[bytes]]:
    """A new file that takes the place of `path` at the end, unless an error comes first.

    Others see the old file or the new one, whoever else writes it. mode: its permissions. Raises
    OSError.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)  # a temporary file starts private to its user
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def private_folder(folder: Path) -> None:
    """There from now on; what of its path was missing is its owner's alone. Raises OSError."""
    for missing in reversed([each for each in folder.parents if not each.exists()]):
        missing.mkdir(PRIVATE_FOLDER, exist_ok=True)
    folder.mkdir(PRIVATE_FOLDER, exist_ok=True)


def not_kept(folder: Path, error: OSError) -> None:
    """Note, once for each folder, that a cache cannot be kept: the next start takes longer."""
    if folder not in _told:
        _told.add(folder)
        why = error.strerror or type(error).__name__
        log.info("a cache cannot be kept", extra={"folder": str(folder), "why": why})
