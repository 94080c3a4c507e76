"""Long work that lets others measure in between."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def shared(lock: Path | None) -> Iterator[None]:
    """Hold a file's lock together with others, so that who needs a quiet machine can wait."""
    if lock is None:
        yield
        return
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield
