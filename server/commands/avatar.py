"""`visavis avatar`: avatars made, listed, shown and measured."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import getpass
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from visavis.models.avatar.file import Avatar, Consent, load_avatar, read_card
from visavis.models.bake.portrait import create_avatar
from visavis.models.errors import AvatarError
from visavis.models.files import PRIVATE_FOLDER
from visavis.server.avatars.store import AvatarStore
from visavis.server.commands import composition, examining, presence
from visavis.server.commands.console import FAILURE, advance, avatar_path, say_line
from visavis.server.system import config_reading as settings
from visavis.server.system import home
from visavis.server.system.errors import ConfigError


def _store() -> AvatarStore:
    return AvatarStore(settings.load({}).home_path)


def create(options: argparse.Namespace) -> None:
    """`avatar create`. Raises ConfigError, ModelError."""
    path = _store().file(options.name)
    if path.exists() and not options.force:
        msg = f"avatar {options.name} exists: choose another --name, or replace it with --force"
        raise ConfigError(msg)
    if why := home.unwritable(path.parent):
        raise AvatarError("avatar-unwritable", f"{why}: the avatar would be lost")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    consent = Consent(
        options.subject, options.consent.strip(), _user(), today, likeness=options.likeness.strip()
    )
    if options.presence is not None:
        consent = presence.proven(options.photo, options.presence, consent)
    compared = composition.comparing(settings.load({}), _store())
    with contextlib.ExitStack() as ending:
        comparison = ending.enter_context(compared.begin()) if compared else None
        avatar = _baked(options, consent)
        if comparison is not None:
            presence.check_face(avatar, comparison)
    path.parent.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
    avatar.save(path)
    for warning in avatar.card.warnings:
        say_line(f"note: {warning}")
    say_line(f"made {path}")
    say_line(f"try it: visavis serve --avatar {options.name}")


def _baked(options: argparse.Namespace, consent: Consent) -> Avatar:
    with tqdm(total=100, desc="making the avatar", unit="%", leave=False) as bar:

        def progress(what: str, share: float) -> None:
            bar.set_description(what)
            bar.update(round(100 * share) - bar.n)

        return create_avatar(
            options.photo, options.name, consent, options.licence, progress=progress
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number only
        return f"user {os.getuid()}"


def list_all(options: argparse.Namespace) -> None:
    """`avatar list`."""
    found = _store().find()
    if found.closed:
        sys.stderr.write(f"note: {found.closed}\n")
    if options.json:
        rows = [{"name": name, "path": str(path)} for name, path in found.readable.items()]
        rows += [{"name": name, "broken": why} for name, why in found.broken.items()]
        say_line(json.dumps(rows))
        return
    for name, path in found.readable.items():
        say_line(f"{name:16} {path}")
    for name, why in found.broken.items():
        say_line(f"{name:16} cannot be used: {why}")
    if not found.readable:
        say_line(
            "no avatars: make one with `visavis avatar create PHOTO --name NAME --consent ...`"
        )


def show(options: argparse.Namespace) -> None:
    """`avatar show`."""
    card = asdict(read_card(avatar_path(_store(), options.name)))
    if options.json:
        say_line(json.dumps(card))
        return
    for key, value in card.items():
        rows = value.items() if isinstance(value, dict) else [("", value)]
        for inner, text in rows:
            say_line(f"{key} {inner}".strip().ljust(20) + f" {text}")


def check(options: argparse.Namespace) -> int:
    """`avatar check`; 1 where something is bad."""
    avatar = load_avatar(avatar_path(_store(), options.name))
    with tqdm(total=100, unit="%", leave=False) as bar:

        def progress(what: str, share: float) -> None:
            bar.set_description(f"measuring {what}")
            advance(bar, round(100 * share))

        report = examining.examine(avatar, progress)
    figures = {"worst": report.worst, **asdict(report)}
    for line in [json.dumps(figures)] if options.json else examining.in_words(report):
        say_line(line)
    if options.sheet is not None:
        path = options.sheet if options.sheet.name else Path(f"{options.name}-sheet.webp")
        examining.write_sheet(avatar, path)
        sys.stderr.write(f"made {path}\n")
    return FAILURE if report.worst == "bad" else 0
