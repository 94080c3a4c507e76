"""Keys and certificates that sign films, in the folder `keys` of the directory for state."""

from __future__ import annotations

import datetime
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from visavis.models.files import PRIVATE, whole
from visavis.server.provenance import certificates
from visavis.server.provenance.certificates import Authority, CertificateFault, Pair
from visavis.server.system.installation import FOLDER, Installation, locked

KEY: Final = "films-key.pem"
CHAIN: Final = "films-chain.pem"
AUTHORITY: Final = "authority.pem"  # to be given to whoever shall trust what is signed here
AUTHORITY_KEY: Final = "authority-key.pem"
_SECRET: Final = (KEY, AUTHORITY_KEY)
_LONGEST: Final = 64 * 1024  # bytes of a file


@dataclass(frozen=True, slots=True)
class Keyring:
    """pair: signs films. is_own: its certificate was made here, and nobody else vouches for it."""

    folder: Path
    pair: Pair
    is_own: bool

    @classmethod
    def of(cls, home: Path) -> Keyring:
        """The one of a directory for state; the first to ask makes it.

        Raises KeyFault, CertificateFault.
        """
        if found := cls.known(home):
            return found
        installation = Installation.of(home)
        try:
            with locked(installation.folder):
                if not (installation.folder / CHAIN).exists():  # another may have been quicker
                    _make(installation)
        except OSError as error:
            raise _unwritable(installation.folder, error) from error
        found = cls.known(home)
        assert found is not None
        return found

    @classmethod
    def known(cls, home: Path) -> Keyring | None:
        """The one that there is; None: none was made yet. Raises CertificateFault."""
        folder = home / FOLDER
        chain, key = _read(folder / CHAIN), _read(folder / KEY)
        if chain is None:
            return None
        if key is None:
            raise CertificateFault(
                f"{folder / KEY} is missing: put it back, or `visavis keys renew` makes another"
            )
        pair, own = Pair(key, chain), authority(home)
        certificates.read_chain(chain)
        return cls(folder, pair, own is not None and own in chain)

    def fault(self, now: datetime.datetime) -> str:
        """Why it cannot sign at this time; empty: it can. Raises CertificateFault."""
        if not self.pair.belongs:
            return f"{self.folder / KEY} does not belong to {CHAIN}: `visavis keys renew`"
        return certificates.validity(self.pair.certificate, now)


def renew(home: Path, *, authority: bool = False) -> Keyring:
    """A new key and certificate, by the authority as before. Raises KeyFault, CertificateFault.

    authority: by a new one, in place of one that was stolen or of somebody else's certificate.
    What was signed before is trusted no more, then.
    """
    installation = Installation.of(home)
    if authority:
        (installation.folder / AUTHORITY).unlink(missing_ok=True)
    known = Keyring.known(home) if (installation.folder / KEY).exists() and not authority else None
    if known is not None and not known.is_own:
        raise CertificateFault(
            "the certificate in use was brought along: have its authority renew it and "
            "`visavis keys import` the new one, or go back to your own: `keys renew --authority`"
        )
    try:
        with locked(installation.folder):
            _make(installation)
    except OSError as error:
        raise _unwritable(installation.folder, error) from error
    return Keyring.of(home)


def bring(home: Path, pair: Pair) -> Keyring:
    """Sign with somebody's own key and chain from now on. Raises KeyFault, CertificateFault."""
    certificates.checked(pair, _now())
    installation = Installation.of(home)
    try:
        with locked(installation.folder):
            _put(installation.folder, pair)
    except OSError as error:
        raise _unwritable(installation.folder, error) from error
    return Keyring.of(home)


def authority(home: Path) -> bytes | None:
    """The certificate that vouches for those made here, as PEM; None: there is none."""
    return _read(home / FOLDER / AUTHORITY)


def doubts(home: Path) -> list[str]:
    """Keys that others may read, each with the fix."""
    found = []
    for name in _SECRET:
        path = home / FOLDER / name
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            found.append(f"{path} signs films and others may read it: chmod 600 {path}")
    return found


def _make(installation: Installation) -> None:
    """A pair, and an authority where there is none whose certificate holds. Raises OSError."""
    folder, now = installation.folder, _now()
    certificate, key = _read(folder / AUTHORITY), _read(folder / AUTHORITY_KEY)
    if certificate is None or key is None or _ended(certificate, now):
        made = certificates.made_authority(installation.name, now)
        _write(folder / AUTHORITY_KEY, made.key)
        _write(folder / AUTHORITY, made.certificate)
    else:
        made = Authority(key, certificate)
    _put(folder, certificates.made_pair(installation.name, made, now))


def _ended(certificate: bytes, now: datetime.datetime) -> bool:
    """Raises CertificateFault where it has not begun: a clock was set back."""
    found = certificates.read_chain(certificate)[0]
    if now < found.not_valid_before_utc:
        raise CertificateFault(certificates.validity(found, now))
    return now > found.not_valid_after_utc


def _put(folder: Path, pair: Pair) -> None:
    # The key first: a chain is what says that there is a pair.
    (folder / CHAIN).unlink(missing_ok=True)
    _write(folder / KEY, pair.key)
    _write(folder / CHAIN, pair.chain)


def _write(path: Path, content: bytes) -> None:
    with whole(path, PRIVATE) as file:
        file.write(content)


def _read(path: Path) -> bytes | None:
    """None: there is no such file. Raises CertificateFault."""
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CertificateFault(f"{path} cannot be read: {error.strerror or 'unknown'}") from error


def _unwritable(folder: Path, error: OSError) -> CertificateFault:
    return CertificateFault(f"{folder} cannot be written to: {error.strerror or 'unknown reason'}")


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
