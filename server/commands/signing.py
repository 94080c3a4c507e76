"""`visavis avatar sign, import and trust`: whose signature on an avatar's file counts here."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Final

from visavis.models.avatar import archive
from visavis.models.avatar.file import SUFFIX, Card, read_card, write
from visavis.models.errors import AvatarError
from visavis.models.files import private_folder
from visavis.server.avatars.signatures import shipped, signer
from visavis.server.avatars.store import AvatarStore
from visavis.server.commands.console import say_line, user
from visavis.server.services.configured import avatars
from visavis.server.system import config_reading as settings
from visavis.server.system.audit import auditing
from visavis.server.system.errors import ConfigError

_KEY: Final = re.compile(r"[A-Za-z0-9+/]{43}=")


def sign(options: argparse.Namespace) -> None:
    """`avatar sign`: the file is from now on this installation's. Raises AvatarError, KeyFault."""
    config = settings.load({})
    store = avatars(config)
    path = own_file(store, options.name)
    card = read_card(path)
    tell(card)
    write(path, store.sealed(archive.read(path)))
    with auditing(config, "visavis avatar sign") as audit:
        audit.record("avatar-changed", avatar=options.name, who=user(), why="signed")
    say_line(f"signed {path}")


def bring(options: argparse.Namespace) -> None:
    """`avatar import`: a file of another installation. Raises AvatarError, ConfigError."""
    config = settings.load({})
    store = avatars(config)
    card = read_card(options.file)
    path = store.file(options.name or card.name)
    if path.exists() and not options.force:
        msg = f"avatar {path.stem} exists: choose another --name, or replace it with --force"
        raise ConfigError(msg)
    tell(card)
    _check_known(store, options, card)
    private_folder(path.parent)
    write(path, archive.read(options.file))
    with auditing(config, "visavis avatar import") as audit:
        audit.record("avatar-made", avatar=path.stem, who=user(), why="imported")
    say_line(f"imported {path}")
    if why := store.find().broken.get(path.stem):
        say_line(f"note: {why}")


def trust(options: argparse.Namespace) -> None:
    """`avatar trust`: what another installation signed counts here. Raises ConfigError."""
    store = avatars(settings.load({}))
    if not options.whose:
        _list(store, as_json=options.json)
        return
    key = _key_of(store, options.whose)
    if options.remove:
        known = store.signatures.distrust(key)
        say_line(f"{signer(key)} is {'not trusted any more' if known else 'none that is trusted'}")
        return
    store.signatures.trust(key, options.called)
    say_line(f"what {signer(key)} signed counts here from now on")


def own_file(store: AvatarStore, name: str) -> Path:
    """The file of an avatar that is the operator's to change. Raises ConfigError, AvatarError."""
    path = store.file(name)
    if path.exists():
        return path
    if name in store.find().readable:
        raise ConfigError(f"{name} came with visavis and stays as it is")
    raise ConfigError(f"there is no avatar {name!r}: `visavis avatar list` names those there are")


def tell(card: Card) -> None:
    """Whose face it is, and what was agreed to."""
    consent = card.consent
    say_line(f"{card.name}: the face of {consent.subject}; given by {consent.given_by}")
    say_line(f"  on {consent.date}: {consent.statement}")
    by = card.origin.signed_by
    say_line(f"  signed by {signer(by) if by else 'nobody'}; consent {card.reference}")


def _check_known(store: AvatarStore, options: argparse.Namespace, card: Card) -> None:
    """Raises ConfigError, AvatarError."""
    by = card.origin.signed_by
    counting = store.signatures.counting()
    if card.origin.sha256 in shipped() or (by in (counting.own, *counting.keys) and by):
        return
    if not by:
        message = (
            f"{options.file} is not signed. If its record is true, put it into {store.folder} and "
            f"sign it: `visavis avatar sign {card.name}`."
        )
        raise AvatarError("avatar-unsigned", message)
    if not options.trust:
        message = (
            f"{options.file} was signed by {signer(by)}, which is not trusted here: if you know "
            "who made it, say --trust."
        )
        raise AvatarError("avatar-untrusted", message)
    store.signatures.trust(by, "")


def _key_of(store: AvatarStore, whose: str) -> str:
    """Of a key, an avatar's name, or a file. Raises ConfigError, AvatarError."""
    if _KEY.fullmatch(whose):
        return whose
    path = Path(whose) if whose.endswith(SUFFIX) else own_file(store, whose)
    if key := read_card(path).origin.signed_by:
        return key
    raise ConfigError(f"{path} is not signed: `visavis avatar sign` signs it")


def _list(store: AvatarStore, *, as_json: bool) -> None:
    own, others = store.signatures.own, store.signatures.trusted()
    if as_json:
        say_line(json.dumps({"own": own, "trusted": others}))
        return
    say_line(f"this installation: {signer(own)} {own}" if own else "this installation has no key")
    for key, called in others.items():
        say_line(f"trusted: {signer(key)} {key}  {called}")
