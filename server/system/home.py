"""Whether the directory for state can be written to: most of what lies there need not be."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

_FOLDERS: Final = ("avatars", "cache", "recordings")
_ENOUGH: Final = 256 * 1024  # bytes: a disk may have room for an empty file only


def unwritable(folder: Path) -> str:
    """Why nothing can be written to a folder, or to where it would be made; empty: it can be."""
    place = folder
    try:
        while not place.exists():
            place = place.parent
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(_ENOUGH))
    except OSError as error:
        return f"{place} cannot be written to: {error.strerror or 'unknown reason'}"
    return ""


def faults(home: Path) -> list[str]:
    """All that cannot be written to in the directory for state, each place once."""
    found = (unwritable(folder) for folder in (home, *(home / name for name in _FOLDERS)))
    return list(dict.fromkeys(why for why in found if why))
