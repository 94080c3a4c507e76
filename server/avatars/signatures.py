"""Whose signatures on avatar files count here: ours, those that the operator trusts, visavis' own.

Unsigned files of earlier versions: those that lay here when this installation got its key are
known by their hashes (`keys/adopted`). Before there is a key nothing was signed, and they count.
"""

from __future__ import annotations

import base64
import logging
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from visavis.models import manifest
from visavis.models.avatar.file import SHIPPED, SUFFIX, Card, read_card
from visavis.models.errors import AvatarError
from visavis.models.files import PRIVATE, whole
from visavis.server.system import installation
from visavis.server.system.errors import ConfigError
from visavis.server.system.installation import FOLDER, Installation, KeyFault, locked

log = logging.getLogger(__name__)

_TRUSTED: Final = "trusted"  # a key and a name a line
_ADOPTED: Final = "adopted"  # a SHA-256 and a name a line
_MOST: Final = 256 * 1024  # bytes of either
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{43}=")


@dataclass(frozen=True, slots=True)
class Counting:
    """What counts at a moment. own: our public key, empty: there is none; keys: others' that do.

    adopted: SHA-256 of unsigned files that do; None: any does, as there was never a key.
    """

    own: str
    keys: frozenset[str]
    adopted: frozenset[str] | None

    def check(self, card: Card, path: Path) -> None:
        """Raises AvatarError: "avatar-changed", "avatar-unsigned", "avatar-untrusted"."""
        origin, name = card.origin, path.stem
        if origin.sha256 in shipped():
            return
        if path.parent == SHIPPED:
            message = f"{path.name} is not the one that came with visavis: install visavis anew."
            raise AvatarError("avatar-changed", message)
        if origin.signed_by and origin.signed_by not in (self.own, *self.keys):
            message = (
                f"{path.name} was signed by another installation ({signer(origin.signed_by)}). "
                f"Look at it with `visavis avatar show {name}`; if you trust who made it: "
                f"`visavis avatar trust {name}`."
            )
            raise AvatarError("avatar-untrusted", message)
        if not origin.signed_by and self.adopted is not None and origin.sha256 not in self.adopted:
            message = (
                f"{path.name} is not signed: it comes from an earlier version, or its signature "
                f"was taken off. Look at it with `visavis avatar show {name}`; if its record is "
                f"true: `visavis avatar sign {name}`."
            )
            raise AvatarError("avatar-unsigned", message)


class Signatures:
    """Those that count in one directory for state. Reads files: not for the event loop.

    keys: public keys that do by the settings.
    """

    def __init__(self, home: Path, keys: tuple[str, ...] = ()) -> None:
        self._home, self._folder, self._keys = home, home / FOLDER, keys

    def counting(self) -> Counting:
        """What counts now."""
        lines = self._lines(_ADOPTED)
        bare = None
        if lines is not None or self._has_key():
            bare = frozenset(line.partition(" ")[0] for line in lines or ())
        return Counting(self.own, frozenset(self.trusted()) | frozenset(self._keys), bare)

    @property
    def own(self) -> str:
        """Our public key; empty: there is none yet, or it cannot be read, which others tell."""
        try:
            found = Installation.known(self._home)
        except KeyFault:
            return ""
        return found.key if found else ""

    def trusted(self) -> dict[str, str]:
        """Others' keys, and what the operator calls them."""
        rows = (line.partition(" ") for line in self._lines(_TRUSTED) or ())
        return {key: name.strip() for key, _, name in rows if _KEY.fullmatch(key)}

    def trust(self, key: str, name: str) -> None:
        """From now on this key's signatures count. Raises ConfigError, KeyFault."""
        check_key(key)
        rows = self.trusted() | {key: " ".join(name.split())[:100] or signer(key)}
        self._write(_TRUSTED, (f"{each} {called}" for each, called in rows.items()))

    def distrust(self, key: str) -> bool:
        """They do not any more; False: they did not. Raises ConfigError, KeyFault."""
        rows = self.trusted()
        if key not in rows:
            return False
        del rows[key]
        self._write(_TRUSTED, (f"{each} {called}" for each, called in rows.items()))
        return True

    def adopt(self, folder: Path) -> None:
        """Know the unsigned files of an earlier version, once, when there is a key."""
        if not self.own or self._lines(_ADOPTED) is not None:
            return
        found = {card.origin.sha256: path.stem for path, card in _cards(folder) if _is_bare(card)}
        try:
            with locked(self._folder):
                if self._lines(_ADOPTED) is None:
                    _put(self._folder / _ADOPTED, (f"{k} {name}" for k, name in found.items()))
        except OSError as error:
            why = error.strerror or type(error).__name__
            if found:
                log.warning("unsigned avatars cannot be adopted", extra={"why": why})
            return
        if found:
            names = ", ".join(sorted(found.values()))
            log.info("avatars of an earlier version were adopted", extra={"avatars": names})

    def _has_key(self) -> bool:
        """Whether there is one, be it one that cannot be read."""
        try:
            return Installation.known(self._home) is not None
        except KeyFault:
            return True

    def _lines(self, name: str) -> list[str] | None:
        """Of a file; None: there is none that can be read."""
        try:
            with (self._folder / name).open("rb") as file:
                return file.read(_MOST).decode("utf-8", "replace").splitlines()
        except OSError:
            return None

    def _write(self, name: str, lines: Iterable[str]) -> None:
        Installation.of(self._home)  # makes the folder, and says why it cannot
        try:
            with locked(self._folder):
                _put(self._folder / name, lines)
        except OSError as error:
            why = error.strerror or "unknown reason"
            raise ConfigError(f"{self._folder / name} cannot be written: {why}") from error


def check_key(key: str) -> None:
    """Raises ConfigError."""
    if not _KEY.fullmatch(key):
        raise ConfigError(f"{key[:60]!r} is no public key: it has 44 letters and ends with =")


def shipped() -> frozenset[str]:
    """SHA-256 of the avatars that came with visavis, as its manifest has them."""
    models = manifest.load().models.values()
    return frozenset(file.sha256 for m in models if m.role == "persona" for file in m.files)


def signer(key: str) -> str:
    """What an installation with this public key is called."""
    return f"visavis-{installation.number(base64.b64decode(key)):06x}"


def _is_bare(card: Card) -> bool:
    return not card.origin.signed_by and card.origin.sha256 not in shipped()


def _cards(folder: Path) -> Iterable[tuple[Path, Card]]:
    try:
        paths = [folder / name for name in sorted(os.listdir(folder)) if name.endswith(SUFFIX)]
    except OSError:
        return
    for path in paths:
        try:
            yield path, read_card(path)
        except AvatarError:  # what cannot be read is told by who lists it
            continue


def _put(path: Path, lines: Iterable[str]) -> None:
    with whole(path, PRIVATE) as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
