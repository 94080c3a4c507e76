"""Where the avatars of one server lie: those that came with visavis, and the operator's own."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from visavis.models.avatar.file import (
    SHIPPED,
    SUFFIX,
    check_name,
    list_avatars,
    read_card,
    read_preview,
)
from visavis.models.errors import AvatarError
from visavis.server.system.errors import NotFound

log = logging.getLogger(__name__)

_FOLDER: Final = "avatars"  # under the directory for state


@dataclass(frozen=True, slots=True)
class Found:
    """Avatar files by name; of those that cannot be used, why not; of the folder, if none can."""

    readable: dict[str, Path] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    closed: str = ""


class AvatarStore:
    """Avatars by name. Everything here reads files: not for the event loop."""

    def __init__(self, home: Path) -> None:
        self.folder = home / _FOLDER
        self._told: set[tuple[str, str]] = set()  # what the log has named

    def file(self, name: str) -> Path:
        """Where an avatar of the operator's lies, or would. Raises AvatarError for no name."""
        check_name(name)
        return self.folder / f"{name}{SUFFIX}"

    def find(self) -> Found:
        """What there is now; the operator's avatars may take the names of shipped ones."""
        readable, broken = list_avatars(SHIPPED)
        closed = ""
        try:
            own, own_broken = list_avatars(self.folder)
            readable.update(own)
            broken.update(own_broken)
        except OSError as error:
            closed = f"{self.folder} cannot be read: {error.strerror or 'unknown reason'}"
            self._tell("the folder of avatars cannot be read", str(self.folder), closed)
        for name, why in broken.items():
            self._tell("an avatar cannot be used", name, why)
        return Found(readable, broken, closed)

    def _tell(self, what: str, name: str, why: str) -> None:
        """Once each."""
        if (name, why) not in self._told:
            self._told.add((name, why))
            log.warning(what, extra={"avatar": name, "why": why})

    def path(self, name: str) -> Path:
        """The file of an avatar. Raises NotFound, which says why if it cannot be read."""
        found = self.find()
        if name in found.readable:
            return found.readable[name]
        if name in found.broken:
            raise NotFound(f"The avatar {name!r} cannot be used: {found.broken[name]}")
        raise NotFound(f"There is no avatar {name!r}: `visavis avatar list` names those there are.")

    def has(self, name: str) -> bool:
        """Whether an avatar of that name can be used."""
        return name in self.find().readable

    def voice(self, name: str) -> str:
        """The voice that belongs to an avatar; "": it has none. Raises NotFound."""
        try:
            return read_card(self.path(name)).voice
        except AvatarError as error:
            raise NotFound(f"The avatar {name!r} cannot be used: {error.message}") from error

    def preview(self, name: str) -> bytes:
        """An avatar's picture as WebP. Raises NotFound."""
        try:
            return read_preview(self.path(name))
        except AvatarError as error:  # it broke, or went, since it was looked for
            raise NotFound(f"The avatar {name!r} cannot be used: {error.message}") from error


def title(name: str) -> str:
    """An avatar's name as people write it: "anna-example" -> "Anna Example"."""
    return name.replace("-", " ").title()
