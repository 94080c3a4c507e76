"""`visavis avatar`: avatars made, listed, shown and measured."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from tqdm import tqdm

from visavis.models.avatar.file import Avatar, Consent, changed, load_avatar, read_card, write
from visavis.models.bake.portrait import create_avatar
from visavis.models.clip import making
from visavis.models.clip.reading import is_clip
from visavis.models.errors import AvatarError
from visavis.models.files import private_folder
from visavis.server.avatars.comparing import given_anew
from visavis.server.avatars.granting import granted
from visavis.server.avatars.likeness import checked_words
from visavis.server.avatars.standing import utc
from visavis.server.avatars.store import AvatarStore
from visavis.server.commands import composition, examining, presence
from visavis.server.commands.chosen import avatar_path, check_voice
from visavis.server.commands.console import (
    FAILURE,
    advance,
    say_line,
    user,
)
from visavis.server.commands.signing import own_file
from visavis.server.services.configured import avatars
from visavis.server.system import config_reading as settings
from visavis.server.system import home
from visavis.server.system.audit import auditing
from visavis.server.system.errors import ConfigError
from visavis.server.system.installation import Installation


def _store() -> AvatarStore:
    return avatars(settings.load({}))


def create(options: argparse.Namespace) -> None:
    """`avatar create`. Raises ConfigError, ModelError."""
    store = _store()
    path = store.file(options.name)
    if path.exists() and not options.force:
        msg = f"avatar {options.name} exists: choose another --name, or replace it with --force"
        raise ConfigError(msg)
    if why := home.unwritable(path.parent):
        raise AvatarError("avatar-unwritable", f"{why}: the avatar would be lost")
    if options.voice:
        check_voice(options.voice, store.home)
    consent = granted(
        options.subject, options.consent, user(), utc(),
        until=options.until, uses=options.uses, languages=options.languages,
        likeness=checked_words(options.likeness),
    )  # fmt: skip
    if options.presence is not None:
        consent = presence.proven(options.photo, options.presence, consent)
    key = Installation.of(store.home)  # before the work: without one it would be lost
    compared = composition.comparing(settings.load({}), store)
    with contextlib.ExitStack() as ending:
        comparison = ending.enter_context(compared.begin()) if compared else None
        avatar = _baked(options, consent)
        if comparison is not None:
            presence.check_face(avatar, comparison)
    private_folder(path.parent)
    was_there = path.exists()
    avatar.save(path, key)
    if consent.proof or consent.likeness:
        given_anew(store, avatar.card)
    with auditing(settings.load({}), "visavis avatar create") as audit:
        audit.record(
            "avatar-changed" if was_there else "avatar-made", avatar=options.name, who=user()
        )
        audit.record(
            "consent-given", avatar=options.name, reference=avatar.card.reference, who=user(),
            uses=" ".join(consent.uses), until=consent.until or "never",
        )  # fmt: skip
    for warning in avatar.card.warnings:
        say_line(f"note: {warning}")
    say_line(f"made {path}")
    end = f"until {consent.until}" if consent.until else "without end"
    say_line(f"its consent is for {', '.join(consent.uses)}, {end}")
    say_line(f"try it: visavis serve --avatar {options.name}")


def _baked(options: argparse.Namespace, consent: Consent) -> Avatar:
    with tqdm(total=100, desc="making the avatar", unit="%", leave=False) as bar:

        def progress(what: str, share: float) -> None:
            bar.set_description(what)
            bar.update(round(100 * share) - bar.n)

        make = making.create_avatar if is_clip(_head(options.photo)) else create_avatar
        return make(
            options.photo, options.name, consent, options.licence, progress, options.voice,
            options.frame,
        )  # fmt: skip


def _head(path: Path) -> bytes:
    """A file's first bytes; none of one that cannot be read, which whoever reads it says."""
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError:
        return b""


def list_all(options: argparse.Namespace) -> None:
    """`avatar list`."""
    found = _store().find()
    if found.closed:
        sys.stderr.write(f"note: {found.closed}\n")
    if options.json:
        rows = [
            {"name": name, "path": str(path), "until": found.cards[name].consent.until}
            for name, path in found.readable.items()
        ]
        rows += [{"name": name, "broken": why} for name, why in found.broken.items()]
        say_line(json.dumps(rows))
        return
    for name, path in found.readable.items():
        until = found.cards[name].consent.until
        say_line(f"{name:16} {path}{f'  (until {until})' if until else ''}")
    for name, why in found.broken.items():
        say_line(f"{name:16} cannot be used: {why}")
    if not found.readable:
        say_line(
            "no avatars: make one with `visavis avatar create PHOTO --name NAME --consent ...`"
        )


def show(options: argparse.Namespace) -> None:
    """`avatar show`."""
    store = _store()
    cards = store.find().cards  # of those that may not be used, too
    found = cards.get(options.name) or read_card(avatar_path(store, options.name))
    card = asdict(found) | {"reference": found.reference}
    if options.json:
        say_line(json.dumps(card))
        return
    for key, value in card.items():
        rows = value.items() if isinstance(value, dict) else [("", value)]
        for inner, text in rows:
            text = ", ".join(text) if isinstance(text, list | tuple) else text
            say_line(f"{key} {inner}".strip().ljust(20) + f" {text}")


def check(options: argparse.Namespace) -> int:
    """`avatar check`; 1 where something is bad."""
    avatar = load_avatar(avatar_path(_store(), options.name))
    if avatar.clip is not None:
        sys.stderr.write("note: its portrait is measured, and nothing of its clip\n")
        avatar = replace(avatar, clip=None)
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


def voice(options: argparse.Namespace) -> None:
    """`avatar voice`: the one that belongs to it. Raises ConfigError, AvatarError, NotFound."""
    store = _store()
    _, card = store.usable(options.name)
    if not options.voice:
        say_line(card.voice or f"{options.name} has no voice of its own")
        return
    path = own_file(store, options.name)
    check_voice(options.voice, store.home)
    write(path, store.sealed(changed(path, replace(card, voice=options.voice))))
    with auditing(settings.load({}), "visavis avatar voice") as audit:
        audit.record("avatar-changed", avatar=options.name, who=user(), why="voice")
    say_line(f"{options.name} speaks with the voice {options.voice} where nobody names another one")
