"""The grammar of trust: tokens, keys, signatures, consents, the audit log, marks in films."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from visavis.server.grammar import add, add_actions, add_json
from visavis.server.system.config import SOURCES


def add_detect(commands: Any) -> None:
    """Whether a film was made here, by its marks."""
    text = "say whether films or sounds were made by visavis, by their marks; needs no network"
    detect = add(commands, "detect", "detect:detect", text)
    detect.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a film or a sound")
    add_json(detect)


def add_token(commands: Any) -> None:
    """Tokens and secrets of callers."""
    text = "make a token or a secret for `visavis serve`, or a visitor's signed token"
    parser = add(commands, "token", "token:token", text)
    parser.add_argument(
        "--file", type=Path, help="write it to this new file, for you alone to read"
    )
    parser.add_argument(
        "--role", choices=("visitor", "staff", "operator", "metrics"),
        help="whose token: a visitor's is signed with token_secret, the others are secrets",
    )  # fmt: skip
    parser.add_argument(
        "--show",
        metavar="TOKEN",
        help="say what a visitor's token is for; - reads it from the input",
    )
    group = parser.add_argument_group(
        "of a visitor's token, all but --ttl without bound if left out"
    )
    group.add_argument("--ttl", metavar="TIME", help="it expires after, 24h at most (default: 10m)")
    group.add_argument("--avatar", action="append", help="which it is for; again for several")
    group.add_argument("--source", choices=SOURCES)
    group.add_argument("--language", metavar="TAG", help="of its sessions, such as de")
    group.add_argument("--length", metavar="TIME", help="of each session at most, such as 5m")
    group.add_argument("--sessions", type=int, help="at a time (default: the setting's)")
    group.add_argument("--origin", action="append", help="of pages that may use it")
    group.add_argument("--subject", metavar="NAME", help="whose it is, for quotas and coming back")
    group.add_argument("--once", action="store_true", help="it begins one session")


def add_voice(commands: Any) -> None:
    """Voices of one's own."""
    actions = add_actions(commands, "voice", "voices of one's own, of a recording and a consent")
    text = "make a voice of a person's recording, with their consent"
    make = add(actions, "make", "voice:make", text)
    make.add_argument("name")
    make.add_argument("recording", type=Path, help="8 to 60 s of the person, speaking alone")
    make.add_argument("--subject", required=True, metavar="PERSON", help="whose voice it is")
    make.add_argument("--consent", required=True, metavar="WORDS", help="what they agreed to")
    make.add_argument("--given-by", default="", metavar="PERSON", help="who agreed (the subject)")
    make.add_argument(
        "--kind", choices=("tuned", "served"), default="tuned",
        help="tuned: a voice of ours, more like theirs; served: by your speech server",
    )  # fmt: skip
    make.add_argument("--language", default="en", metavar="TAG", help="that it speaks (en)")
    make.add_argument("--text", default="", help="what is said in the recording, for a server")
    make.add_argument("--until", default="", metavar="DAY", help='or "never" (a year from now)')
    make.add_argument("--uses", default="", help="live, videos, camera (live,videos)")
    make.add_argument("--languages", default="", help="that it may speak, as codes (any)")
    add_json(add(actions, "list", "voice:list_all", "list them, and how it stands with each"))
    show = add(actions, "show", "voice:show", "show the record of one; 1 if it is not in force")
    show.add_argument("name")
    add_json(show)
    revoke = add(actions, "revoke", "voice:revoke", "take the consent to one back")
    revoke.add_argument("name")
    revoke.add_argument("--reason", default="", help="for your own eyes")
    delete = add(actions, "delete", "voice:delete", "delete one, and what a server keeps of it")
    delete.add_argument("name")


def add_keys(commands: Any) -> None:
    """The keys that sign films."""
    actions = add_actions(commands, "keys", "the keys that sign films and recordings")
    add_json(add(actions, "show", "keys:show", "show the keys, and who vouches for them"))
    add(actions, "make", "keys:make", "make those that are not there yet, self-signed")
    renew = add(actions, "renew", "keys:renew", "make a new key for films, by the same authority")
    renew.add_argument(
        "--authority", action="store_true",
        help="by a new one, if the old one was stolen: what was signed before is trusted no more",
    )  # fmt: skip
    bring = add(actions, "import", "keys:bring", "sign with a key and certificates of your own")
    bring.add_argument("chain", type=Path, help="PEM certificates, the signer's own first")
    bring.add_argument("key", type=Path, help="PEM private key, without a passphrase")


def add_verify(commands: Any) -> None:
    """Who signed a file, and the signature of a recording that was cut off."""
    text = "say who signed a film, a picture or an avatar, and whether it was changed"
    verify = add(commands, "verify", "verify:verify", text)
    verify.add_argument("file", type=Path)
    verify.add_argument(
        "--trust", type=Path, metavar="FILE",
        help="PEM certificates whose signers you trust (default: this installation's own)",
    )  # fmt: skip
    add_json(verify)
    text = "sign a recording whose making was cut off, by the note that lies beside it"
    add(commands, "sign", "verify:sign", text).add_argument("file", type=Path)


def add_audit(commands: Any) -> None:
    """The log of what was done."""
    actions = add_actions(commands, "audit", "check, show and take out what was noted")
    text = "read all of it: 0 it is whole, 1 it was changed, 3 that cannot be told"
    verify = add(actions, "verify", "audit:verify", text)
    verify.add_argument(
        "--head", default="", metavar="NUMBER:DIGEST", help="what `audit head` printed once"
    )
    verify.add_argument("--file", type=Path, help="check this export instead")
    verify.add_argument(
        "--key", default="", metavar="BASE64", help="public key (default: this installation's)"
    )
    add_json(verify)
    add(actions, "head", "audit:head", "print the last line's number and hash, to keep elsewhere")
    show = add(actions, "show", "audit:show", "print what was noted, the oldest first")
    show.add_argument("--since", default="", metavar="TIME", help="7d, 12h, or 2026-11-29T21:30")
    show.add_argument("--what", nargs="+", metavar="DEED", help="such as session-opened")
    add_json(show)
    export = add(actions, "export", "audit:export", "write all of it to one file")
    export.add_argument("output", type=Path)


def add_consent(commands: Any) -> None:
    """What people allowed."""
    text = "show what people allowed, give it anew, take it back"
    actions = add_actions(commands, "consent", text)
    add_json(add(actions, "list", "consent:list_all", "list the consents to all avatars"))
    show = add(actions, "show", "consent:show", "show one; the exit status is 0 if it is in force")
    show.add_argument("name", metavar="avatar")
    add_json(show)
    text = "take a consent back: sessions with that face end, and none begins any more"
    revoke = add(actions, "revoke", "consent:revoke", text)
    revoke.add_argument("name", metavar="avatar", help="or the reference of a consent")
    revoke.add_argument("--reason", default="", help="kept in the list, and shown to nobody else")
    renew = add(actions, "renew", "consent:renew", "write down that it was given anew")
    renew.add_argument("name", metavar="avatar")
    renew.add_argument("--consent", required=True, help="what was agreed to now, in words")
    renew.add_argument("--given-by", default="", help="who agreed (default: as before)")
    add_grant(renew)


def add_grant(parser: argparse.ArgumentParser) -> None:
    """What a consent is for."""
    parser.add_argument(
        "--until", default="", metavar="DAY",
        help="last day of the consent, as 2027-01-31, or never (default: a year from now)",
    )  # fmt: skip
    parser.add_argument(
        "--uses", default="", help="live, videos, camera, with commas (default: live,videos)"
    )
    parser.add_argument(
        "--languages", default="", help="that it may speak, as en,de (default: any)"
    )


def add_signatures(actions: Any) -> None:
    """Actions of `avatar`: whose files count here."""
    sign = add(actions, "sign", "signing:sign", "sign an avatar's file whose record is true")
    sign.add_argument("name")
    text = "take in an avatar's file that another installation made"
    bring = add(actions, "import", "signing:bring", text)
    bring.add_argument("file", type=Path)
    bring.add_argument("--name", default="", help="what it is called here (default: as there)")
    bring.add_argument(
        "--trust", action="store_true", help="whatever else who signed it signs counts here, too"
    )
    bring.add_argument("--force", action="store_true", help="replace an avatar of that name")
    text = "list the installations whose avatars are used here, add one, remove one"
    trust = add(actions, "trust", "signing:trust", text)
    trust.add_argument(
        "whose", nargs="?", default="", help="a public key, or a file or an avatar that it signed"
    )
    trust.add_argument("--called", default="", metavar="NAME", help="what you call it")
    trust.add_argument("--remove", action="store_true", help="not any more")
    add_json(trust)
