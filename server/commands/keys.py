"""`visavis keys`: who signs films here, shown, made, renewed, or brought along."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from visavis.server.commands import films
from visavis.server.commands.console import say_line
from visavis.server.provenance import keyring
from visavis.server.provenance.certificates import CertificateFault, Pair, common_name, fingerprint
from visavis.server.provenance.keyring import AUTHORITY, Keyring
from visavis.server.system import config_reading as settings
from visavis.server.system.audit import auditing
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError
from visavis.server.system.installation import Installation

_LARGEST = 64 * 1024  # bytes of a file that is brought along


def show(options: argparse.Namespace) -> None:
    """`keys show`. Raises ConfigError."""
    config = settings.load({})
    installation = Installation.known(config.home_path)
    found = Keyring.known(config.home_path)
    if options.json:
        say_line(json.dumps(_shown(config, installation, found)))
        return
    if installation is None:
        say_line("there are no keys yet: `visavis keys make` makes them, or the first use does")
    else:
        say_line(f"installation  {installation.name} (its number: {installation.number})")
        say_line(f"  public key  {installation.key}")
    if found is not None:
        _say_pair(found)
    say_line(f"films are signed by: {films.told(config)}")
    for doubt in films.doubts(config):
        say_line(f"careful: {doubt}")


def make(options: argparse.Namespace) -> None:
    """`keys make`: those that are not there. Raises ConfigError."""
    config = settings.load({})
    known = Keyring.known(config.home_path)
    found = Keyring.of(config.home_path)
    if known is not None:
        say_line("the keys are there already; `visavis keys renew` makes a new one for films")
    else:
        _note(config, found, "made")
    _say_pair(found)


def renew(options: argparse.Namespace) -> None:
    """`keys renew`. Raises ConfigError."""
    config = settings.load({})
    found = keyring.renew(config.home_path, authority=options.authority)
    _note(config, found, "renewed")
    _say_pair(found)
    if options.authority:
        say_line("films that were signed before are trusted no more where this certificate is")
    else:
        say_line("films that were signed before stay as good as they were")


def bring(options: argparse.Namespace) -> None:
    """`keys import`. Raises ConfigError."""
    config = settings.load({})
    pair = Pair(_content(options.key), _content(options.chain))
    try:
        found = keyring.bring(config.home_path, pair)
    except CertificateFault as error:
        raise ConfigError(f"{options.chain}, {options.key}: {error}") from error
    _note(config, found, "imported")
    _say_pair(found)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LARGEST)


def _note(config: Config, found: Keyring, how: str) -> None:
    with auditing(config, "visavis keys") as audit:
        audit.record("key-made", key=fingerprint(found.pair.certificate)[:16], kind=how)


def _say_pair(found: Keyring) -> None:
    leaf = found.pair.certificate
    say_line(f"films         {common_name(leaf.subject)}, {found.pair.algorithm}")
    say_line(
        f"  holds       {leaf.not_valid_before_utc:%Y-%m-%d} to {leaf.not_valid_after_utc:%Y-%m-%d}"
    )
    say_line(f"  SHA-256     {fingerprint(leaf)}")
    if found.is_own:
        say_line(
            "  vouched by  nobody else: it is self-signed. Whoever is to trust your films gets"
        )
        say_line(f"              {found.folder / AUTHORITY} (for `visavis verify --trust`)")
    else:
        say_line(f"  vouched by  {common_name(leaf.issuer)}")


def _shown(
    config: Config, installation: Installation | None, found: Keyring | None
) -> dict[str, Any]:
    told: dict[str, Any] = {"films": None, "installation": None}
    if installation is not None:
        told["installation"] = {
            "name": installation.name, "number": installation.number, "key": installation.key,
        }  # fmt: skip
    if found is not None:
        leaf = found.pair.certificate
        told["films"] = {
            "name": common_name(leaf.subject),
            "issuer": common_name(leaf.issuer),
            "self_signed": found.is_own,
            "algorithm": found.pair.algorithm,
            "sha256": fingerprint(leaf),
            "from": leaf.not_valid_before_utc.isoformat(),
            "until": leaf.not_valid_after_utc.isoformat(),
            "authority": str(found.folder / AUTHORITY) if found.is_own else "",
        }
    return {**told, "state": films.told(config), "doubts": films.doubts(config)}
