"""Who this installation is: one key pair in its directory for state, made at first use.

The folder `keys` is its owner's alone. Other keys and certificates may lie beside this one.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from visavis.models.files import PRIVATE, private_folder, whole
from visavis.server.system.errors import ConfigError

FOLDER: Final = "keys"  # under the directory for state
KEY: Final = "installation.pem"  # PKCS #8, not encrypted
_LOCK: Final = ".lock"
_LONGEST: Final = 4096  # bytes of a key's file


class KeyFault(ConfigError):
    """There is no key and none can be made, or it cannot be read; the text names the fix."""


@dataclass(frozen=True, slots=True)
class Installation:
    """One key pair: it signs what is made here. public: 32 bytes; folder: where keys lie."""

    folder: Path
    public: bytes
    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, home: Path) -> Installation:
        """The one of a directory for state; the first to ask makes it. Raises KeyFault."""
        if found := cls.known(home):
            return found
        folder = home / FOLDER
        try:
            private_folder(folder)
            with locked(folder):
                if not (folder / KEY).exists():  # another process may have been quicker
                    _make(folder / KEY)
        except OSError as error:
            raise KeyFault(
                f"{folder} cannot be written to ({error.strerror or 'unknown reason'}), so this "
                "installation has no key to sign with: give it a directory for state that lasts "
                "(setting home, or VISAVIS_HOME)"
            ) from error
        found = cls.known(home)
        assert found is not None
        return found

    @classmethod
    def known(cls, home: Path) -> Installation | None:
        """The one that there is; None: none was made yet. Raises KeyFault if it cannot be read."""
        path = home / FOLDER / KEY
        try:
            with path.open("rb") as file:
                content = file.read(_LONGEST)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise KeyFault(f"{path} cannot be read: {error.strerror or 'unknown'}") from error
        private = _read(content, path)
        return cls(path.parent, private.public_key().public_bytes_raw(), private)

    @property
    def key(self) -> str:
        """The public key as text, for others to trust."""
        return base64.b64encode(self.public).decode()

    @property
    def number(self) -> int:
        """24 bits that stand for this installation where a key has no room."""
        return number(self.public)

    @property
    def name(self) -> str:
        """What it is called in what it signs."""
        return f"visavis-{self.number:06x}"

    def sign(self, message: bytes) -> bytes:
        """64 bytes. Whoever signs begins the message with words that say what it is."""
        return self._private.sign(message)


def number(public: bytes) -> int:
    """24 bits of a public key."""
    return int.from_bytes(hashlib.sha256(public).digest()[:3], "big")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time writes in a folder. Raises OSError."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def doubt(home: Path) -> str | None:
    """What is wrong with who may read the key, and the fix; None: nothing."""
    path = home / FOLDER / KEY
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return None
    return f"{path} is the key that signs here and others may read it: chmod 600 {path}"


def _make(path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    content = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with whole(path, PRIVATE) as file:
        file.write(content)


def _read(content: bytes, path: Path) -> Ed25519PrivateKey:
    """Raises KeyFault."""
    try:
        key = serialization.load_pem_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFault(
            f"{path} is not the key of an installation: put the one there from a backup, or move "
            "it away and have a new one made (what the old one signed must then be signed anew)"
        )
    return key
