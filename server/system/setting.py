"""How a setting is written down: its default, its words, and where a path in it leads."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Any, Final

from visavis.server.system.errors import ConfigError

PREFIX: Final = "VISAVIS_"  # of a setting in the environment


def path(text: str, key: str) -> Path:
    """Where a setting leads. Raises ConfigError where the user has no home."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ConfigError(
            f"{key} {text} cannot be found ({error}): set {PREFIX}{key.upper()}"
        ) from error


def setting(default: Any, text: str, *, count: bool = False) -> Any:
    """A field of the settings. count: a whole number, or the word auto."""
    return field(default=default, metadata={"help": text, "count": count})
