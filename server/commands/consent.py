"""`visavis consent`: what people allowed, shown, given anew and taken back."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from typing import Any, Final

from visavis.models.avatar.file import Card, changed, read_card, write
from visavis.models.errors import AvatarError
from visavis.server.avatars.granting import granted
from visavis.server.avatars.revocations import Entry
from visavis.server.avatars.signatures import signer
from visavis.server.avatars.standing import utc
from visavis.server.avatars.store import AvatarStore
from visavis.server.commands.console import FAILURE, say_line, user
from visavis.server.commands.signing import own_file
from visavis.server.services.configured import avatars
from visavis.server.system import config_reading as settings
from visavis.server.system.audit import auditing
from visavis.server.system.errors import ConfigError
from visavis.server.system.spans import stamp

_REFERENCE: Final = re.compile(r"[0-9a-f]{16}")
_STATES: Final = {
    "": "in force",
    "consent-revoked": "taken back",
    "consent-expired": "over",
    "consent-clock": "the clock is wrong",
    "consent-unknown": "not known: the list of those taken back cannot be read",
}


def list_all(options: argparse.Namespace) -> None:
    """`consent list`."""
    store = avatars(settings.load({}))
    rows = [_row(store, name, card) for name, card in sorted(store.find().cards.items())]
    if options.json:
        say_line(json.dumps(rows))
        return
    for row in rows:
        say_line(
            f"{row['avatar']:16} {row['state']}; {_end(row['until'])}; {', '.join(row['uses'])}"
        )
    if store.revocations.fault:
        say_line(f"note: {store.revocations.fault}")


def show(options: argparse.Namespace) -> int:
    """`consent show`; 1 where it is not in force."""
    store = avatars(settings.load({}))
    card = _card(store, options.name)
    row = _row(store, options.name, card) | card.consent.as_json()
    if options.json:
        say_line(json.dumps(row))
    else:
        for key, value in row.items():
            text = ", ".join(value) if isinstance(value, list | tuple) else value
            say_line(f"{key:12} {text or '-'}")
    return 0 if row["state"] == _STATES[""] else FAILURE


def revoke(options: argparse.Namespace) -> None:
    """`consent revoke`: it is written down, and servers end what goes on. Raises ConfigError."""
    config = settings.load({})
    store = avatars(config)
    entry, name = _entry(store, options.name, options.reason), options.name
    store.revocations.add([entry])
    with auditing(config, "visavis consent revoke") as audit:
        audit.record("consent-revoked", avatar=name, reference=entry.reference, who=user())
    say_line(f"the consent to {name} is taken back: no session begins, running ones end in seconds")
    meant = [each for each, card in store.find().cards.items() if entry.means(card)]
    for other in sorted(set(meant) - {name}):
        say_line(f"and to {other}, which is of the same photo")
    say_line("the avatar's file, and films that were made of it, stay where they are")


def renew(options: argparse.Namespace) -> None:
    """`consent renew`: the record is another one. Raises AvatarError, ConfigError."""
    config = settings.load({})
    store = avatars(config)
    path = own_file(store, options.name)
    before = read_card(path)
    _check_known(store, options.name)
    consent = granted(
        before.consent.subject,
        options.consent,
        options.given_by or before.consent.given_by,
        utc(),
        until=options.until,
        uses=options.uses or ",".join(before.consent.uses),
        languages=options.languages or ",".join(before.consent.languages),
        likeness=before.consent.likeness,
    )
    card = replace(before, consent=consent)
    content = store.sealed(changed(path, card))
    if store.standing(before).code == "consent-revoked":  # told first: a full disk undoes nothing
        store.revocations.add([Entry("renewed", card.reference, "", card.name, consent.date)])
    write(path, content, (card.name, card.licence, consent))
    with auditing(config, "visavis consent renew") as audit:
        audit.record(
            "consent-changed", avatar=options.name, reference=card.reference, who=user(),
            uses=" ".join(consent.uses), until=consent.until or "never",
        )  # fmt: skip
    say_line(f"the consent to {options.name} is {card.reference}, {_end(consent.until)}")


def _check_known(store: AvatarStore, name: str) -> None:
    """No record is written over one that nobody vouches for. Raises AvatarError, ConfigError."""
    found = store.find()
    if store.revocations.fault:
        raise ConfigError(store.revocations.fault)
    if (code := found.codes.get(name, "")).startswith("avatar-"):
        raise AvatarError(code, found.broken[name])


def _end(until: str) -> str:
    return f"until {until}" if until else "without end"


def _card(store: AvatarStore, name: str) -> Card:
    """Raises ConfigError, AvatarError."""
    cards = store.find().cards
    if name in cards:
        return cards[name]
    return read_card(own_file(store, name))  # which says why it cannot be


def _entry(store: AvatarStore, name: str, reason: str) -> Entry:
    """name: an avatar's, or the reference of a consent. Raises ConfigError, AvatarError."""
    found = store.find()
    if store.revocations.fault:
        raise ConfigError(store.revocations.fault)
    at, reason, by = stamp(utc()), " ".join(reason.split())[:400], user()
    if name not in found.cards and _REFERENCE.fullmatch(name):
        return Entry("revoked", name, "", "", at, reason, by)
    card = _card(store, name)
    if store.standing(card).code == "consent-revoked":
        raise AvatarError("consent-revoked", f"The consent to {name} was taken back before.")
    return Entry("revoked", card.reference, card.photo_sha256, name, at, reason, by)


def _row(store: AvatarStore, name: str, card: Card) -> dict[str, Any]:
    consent, entry = card.consent, store.revocations.of(card)
    by = card.origin.signed_by
    return {
        "avatar": name,
        "state": _STATES[store.standing(card).code],
        "reference": card.reference,
        "until": consent.until,
        "uses": list(consent.uses),
        "languages": list(consent.languages),
        "signed_by": signer(by) if by else "",
        "revoked": entry.at if entry else "",
        "reason": entry.reason if entry else "",
    }
