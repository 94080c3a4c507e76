"""What every command of the line speaks with."""

from __future__ import annotations

import sys
from typing import Any, Final

FAILURE: Final = 1  # exit status


def say_line(text: str) -> None:
    """One line to the standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def advance(bar: Any, done: int) -> None:
    """Bring a progress bar to `done` of its total."""
    bar.update(done - bar.n)
