"""How films are signed, by the settings: for every command that makes or looks at one."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from visavis.server.commands.console import say_line
from visavis.server.provenance import keyring, sdk
from visavis.server.provenance.certificates import common_name
from visavis.server.provenance.claims import Film
from visavis.server.provenance.films import FilmSigning
from visavis.server.provenance.keyring import Keyring
from visavis.server.provenance.signing import OFF, Outcome, Signatory
from visavis.server.system import home
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError
from visavis.server.system.installation import FOLDER


def signatory(config: Config) -> Signatory:
    """Raises ConfigError where films must be signed, and cannot be."""
    mode = config.sign
    assert mode in ("auto", "on", "off")
    made = Signatory(config.home_path, mode, config.sign_timestamp_url)  # type: ignore[arg-type]
    made.required()
    return made


def carried(config: Config, film: Film) -> Film:
    """With the marks and the label that every picture and sound of this program gets."""
    marks = ("picture", "sound") if config.mark == "on" else ()
    label = config.disclosure_text if config.disclosure == "on" else ""
    return replace(film, marks=marks, label=label)


def signing(
    config: Config, film: Film, file: Callable[[], Path] | None = None, *, notes: bool = True
) -> FilmSigning:
    """Of one film. file: where its avatar lies, if it is here. Raises ConfigError."""
    return FilmSigning(signatory(config), film, file, notes)


def say_outcome(path: Path, outcome: Outcome) -> None:
    """Whether a film is signed, in a line or two."""
    if outcome.why:
        say_line(f"note: not signed: {outcome.why}")
        return
    for each in outcome.notes:
        say_line(f"note: {each}")
    beside = f"; {outcome.beside.name} beside it goes with it" if outcome.beside else ""
    say_line(f"signed (`visavis verify {path}`){beside}")


def problem(config: Config) -> str:
    """What is wrong where films must be signed; empty: nothing, or they need not be."""
    why = _fault(config) if config.sign == "on" else ""
    return f"sign is on, and {why}" if why else ""


def told(config: Config) -> str:
    """Who signs films, or why nobody does. Makes nothing."""
    if why := _fault(config):
        return f"nobody: {why}"
    found = Keyring.known(config.home_path)
    if found is None:
        return "a key that the first film makes, self-signed (`visavis keys make` makes it now)"
    leaf = found.pair.certificate
    by = "self-signed: nobody else vouches for it" if found.is_own else common_name(leaf.issuer)
    return f"{common_name(leaf.subject)} ({by}), until {leaf.not_valid_after_utc:%Y-%m-%d}"


def notes(config: Config) -> list[str]:
    """What will be wrong with the certificate soon."""
    try:
        found = Keyring.known(config.home_path)
        if found is None or config.sign == "off":
            return []
        left = found.pair.certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    except ConfigError:
        return []  # told by `told`
    if left > datetime.timedelta(days=30):
        return []
    return [f"the certificate that signs films ends in {max(left.days, 0)} days: renew it"]


def doubts(config: Config) -> list[str]:
    """Keys that others may read."""
    return keyring.doubts(config.home_path)


def _fault(config: Config) -> str:
    if config.sign == "off":
        return OFF
    if why := sdk.missing():
        return why
    try:
        found = Keyring.known(config.home_path)
        if found is None:
            return home.unwritable(config.home_path / FOLDER)
        return found.fault(datetime.datetime.now(datetime.UTC))
    except ConfigError as error:
        return str(error)
