"""What every command of the line speaks with. Imports nothing that takes time."""

from __future__ import annotations

import getpass
import os
import re
import sys
from typing import Any, Final

FAILURE: Final = 1  # exit status
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def say_line(text: str) -> None:
    """One line to the standard output, at once; what that cannot write is escaped.

    Names of files may hold any byte. Records and certificates are strangers' words: they could end
    the line, move the cursor or turn the direction, and so write what only we say.
    """
    encoding = sys.stdout.encoding or "utf-8"
    text = _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()


def user() -> str:
    """Who runs a command: the name of this machine's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number only
        return f"user {os.getuid()}"


def advance(bar: Any, done: float) -> None:
    """Bring a progress bar to `done` of its total."""
    bar.update(done - bar.n)
