"""Files that hold a secret: read, written, and looked at for who else may read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from visavis.server.system.errors import ConfigError

_LONGEST: Final = 4096  # bytes of a token


def read(path: Path, setting: str) -> str:
    """The token in a file that `setting` names, without the space around it. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            token = file.read(_LONGEST + 1).decode("ascii").strip()
    except OSError as error:
        raise ConfigError(f"{setting} {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{setting} {path}: a token is plain ASCII text") from None
    if not token or len(token) > _LONGEST or not token.isprintable() or " " in token:
        raise ConfigError(f"{setting} {path}: it must hold one token and nothing else")
    return token


def write(path: Path, token: str) -> None:
    """A new file that its owner alone may read. Raises ConfigError where there is one already."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{path} exists already: remove it first, or name another file") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{token}\n")


def doubt(path: Path, what: str) -> str | None:
    """What is wrong with who may read `what` in a file, and the fix; None: nothing."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    if not mode & (stat.S_IRGRP | stat.S_IROTH):
        return None
    return f"{path} holds {what} and others on this machine may read it: chmod 600 {path}"
