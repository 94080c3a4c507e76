"""`visavis voice`: voices of one's own made of a recording, shown, taken back and deleted."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tqdm import tqdm

from visavis.engines.voices import recorded
from visavis.server.avatars.granting import granted
from visavis.server.avatars.standing import utc
from visavis.server.commands.console import FAILURE, say_line, user
from visavis.server.recording.files import read_sound
from visavis.server.services.configured import avatars
from visavis.server.system import config_reading as settings
from visavis.server.system.audit import auditing
from visavis.server.system.errors import ConfigError
from visavis.server.system.spans import stamp
from visavis.server.voices import making
from visavis.server.voices.making import Order
from visavis.server.voices.store import OwnVoices, as_json


def make(options: argparse.Namespace) -> None:
    """`voice make`. Raises ConfigError, AvatarError, EngineError."""
    config = settings.load({})
    voices = OwnVoices(avatars(config))
    consent = granted(
        options.subject, options.consent, options.given_by or options.subject, utc(),
        until=options.until, uses=options.uses, languages=options.languages,
    )  # fmt: skip
    pcm = read_sound(options.recording)
    order = Order(
        options.name, options.kind, options.language, consent, pcm,
        making.digest(_content(options.recording)), options.text,
    )  # fmt: skip
    making.check(voices, order)
    for fault in recorded.faults(pcm):
        say_line(f"note: {fault}")
    cloner = making.cloner(config, options.kind, options.language)
    with tqdm(total=100, leave=False) as bar:

        def told(share: float) -> None:
            bar.update(round(share * 100) - bar.n)

        card = making.make(voices, order, cloner, told)
    with auditing(config, "visavis voice make") as audit:
        audit.record(
            "voice-made", voice=card.name, kind=card.kind, reference=card.reference, who=user(),
            uses=" ".join(consent.uses), until=consent.until or "never",
        )  # fmt: skip
    say_line(f"made the voice {card.name}: `visavis say --voice {card.name} ...`")
    if card.kind == "tuned":
        say_line(
            f"a tuned voice, no clone: its likeness to the sample is {card.alike:.2f} "
            "(strangers have 0.6, one person twice 0.95)"
        )
        if making.could_be_nearer(card):
            say_line("with `pip install visavis[kokoro]` a voice made anew comes nearer")
    say_line(f"its consent is {card.reference}, {_end(consent.until)}")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def list_all(options: argparse.Namespace) -> None:
    """`voice list`."""
    voices = OwnVoices(avatars(settings.load({})))
    rows = [as_json(name, kept) for name, kept in sorted(voices.find().items())]
    if options.json:
        say_line(json.dumps(rows))
        return
    for row in rows:
        say_line(f"{row['name']:24} {row['language']:8} {row['state']}; {row['description']}")
    for name, why in sorted(voices.broken().items()):
        sys.stderr.write(f"{name} cannot be used: {why}\n")


def show(options: argparse.Namespace) -> int:
    """`voice show`; 1 where its consent is not in force."""
    voices = OwnVoices(avatars(settings.load({})))
    card = voices.card(options.name)
    kept = voices.find()[options.name]
    row = as_json(options.name, kept) | card.consent.as_json()
    if options.json:
        say_line(json.dumps(row))
    else:
        for key, value in row.items():
            text = ", ".join(value) if isinstance(value, list | tuple) else value
            say_line(f"{key:12} {text or '-'}")
    return FAILURE if kept.code else 0


def revoke(options: argparse.Namespace) -> None:
    """`voice revoke`: nobody uses it any more. Raises ConfigError, AvatarError, NotFound."""
    config = settings.load({})
    voices = OwnVoices(avatars(config))
    reason = " ".join(options.reason.split())[:400]
    entry = voices.revocation(options.name, stamp(utc()), reason, user())
    voices.revoke(entry)
    with auditing(config, "visavis voice revoke") as audit:
        audit.record(
            "consent-revoked", voice=options.name, reference=entry.reference, who=user()
        )  # fmt: skip
    say_line(f"the consent to the voice {options.name} is taken back: sessions end in seconds")
    say_line("its file stays, unusable, until `visavis voice delete`; films that were made stay")


def delete(options: argparse.Namespace) -> int:
    """`voice delete`: its file, and what a speech server keeps of it; 1 where that is not sure."""
    config = settings.load({})
    stays = OwnVoices(avatars(config)).delete(options.name)
    with auditing(config, "visavis voice delete") as audit:
        audit.record("voice-deleted", voice=options.name, who=user())
    say_line(f"deleted the voice {options.name}")
    if stays:
        say_line(f"note: {stays}")
    return FAILURE if stays else 0


def _end(until: str) -> str:
    return f"until {until}" if until else "without end"
