"""A film signed by this installation, in whatever thread asks for it; and why it could not be."""

from __future__ import annotations

import datetime
import io
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

from visavis.models.files import whole
from visavis.server.provenance import binding, claims, sdk
from visavis.server.provenance.binding import BrokenFile, Taken
from visavis.server.provenance.claims import Film
from visavis.server.provenance.keyring import Keyring
from visavis.server.provenance.sdk import Photo, SdkFault
from visavis.server.system.errors import ConfigError
from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

Mode = Literal["auto", "on", "off"]
OFF: Final = "signing is off (setting sign)"
_SMALL: Final = 64 * 1024 * 1024  # bytes of a sound or a picture that the SDK writes anew in memory


@dataclass(frozen=True, slots=True)
class Outcome:
    """why: the film is not signed, and for this reason; empty: it is. notes: what is said of it.

    beside: the file that holds the manifest of a film that cannot; None: it is in the film.
    """

    why: str = ""
    notes: tuple[str, ...] = ()
    beside: Path | None = None


Sign = Callable[[Path], Outcome]


class Signatory:
    """Signs with the key of a directory for state, which is made when it is first needed.

    authority: address of a time-stamp authority (RFC 3161); empty: films have this machine's time.
    """

    def __init__(self, home: Path, mode: Mode = "auto", authority: str = "") -> None:
        self.home, self._mode, self._authority = home, mode, authority
        self.now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC)

    def fault(self) -> str:
        """Why nothing could be signed now; empty: it could. Makes the key where there is none."""
        if self._mode == "off":
            return OFF
        if why := sdk.missing():
            return why
        try:
            return Keyring.of(self.home).fault(self.now())
        except ConfigError as error:
            return str(error)

    def required(self) -> None:
        """Raises ConfigError where films must be signed, and cannot be."""
        if self._mode == "on" and (why := self.fault()):
            raise ConfigError(f"sign is on, and {why}")

    def sign(self, path: Path, film: Film) -> Outcome:
        """Sign a finished file. It is as it was where this fails; nothing is raised."""
        if why := self.fault():
            return Outcome(why)
        try:
            return self._signed(path, film)
        except (BrokenFile, Taken) as error:
            why = str(error)
        except OSError as error:
            why = error.strerror or type(error).__name__
        except (SdkFault, ConfigError) as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001 (the film is there, and whoever made it is told)
            why = fault(error)
        log.warning("a film could not be signed", extra={"file": str(path), "why": why})
        return Outcome(f"{path} could not be signed: {why}")

    def _signed(self, path: Path, film: Film) -> Outcome:
        """Raises BrokenFile, Taken, SdkFault, ConfigError, OSError."""
        keyring = Keyring.of(self.home)
        photo = sdk.passed_on(film.photo) if film.photo else None
        notes = []
        if film.photo and photo is None:
            notes.append("the photo's own Content Credentials are damaged, and were left out")
        known = film if photo else replace(film, photo=b"")
        try:
            self._put(path, known, keyring, photo, self._authority)
        except SdkFault:
            if not self._authority:
                raise
            log.warning("no time stamp could be had", extra={"file": str(path)})
            notes.append(
                "no time stamp could be had (sign_timestamp_url): it has this machine's time alone"
            )
            self._put(path, known, keyring, photo, "")
        return Outcome("", tuple(notes), binding.beside(path))

    def _put(
        self, path: Path, film: Film, keyring: Keyring, photo: Photo | None, authority: str
    ) -> None:
        suffix = path.suffix.lower()
        if sdk.has_manifest(path):
            raise Taken("it has Content Credentials already, which stay as they are")
        said = claims.definition(
            film, path.name, suffix, version("visavis"), self.now(), timed=bool(authority)
        )
        if suffix in binding.EMBEDDED and path.stat().st_size <= _SMALL:
            source, made = io.BytesIO(path.read_bytes()), io.BytesIO()
            sdk.embedded(source, made, suffix, said, keyring.pair, photo, authority)
            with whole(path, path.stat().st_mode & 0o777) as file:
                file.write(made.getbuffer())
            return
        said["assertions"].append(binding.hashed(path))
        binding.add(path, sdk.signed(said, keyring.pair, photo, authority))
