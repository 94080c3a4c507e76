"""The grammar of the command line; each command is a function in `commands`, loaded when called."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import fields
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from visavis.server.system import ending
from visavis.server.system.config import SOURCES, Config
from visavis.server.system.config_secrets import SECRETS
from visavis.server.system.errors import ConfigError

_USAGE, _FAILURE, _INTERRUPTED = 2, 1, 130  # exit statuses; the last as shells have it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 on success, 2 on bad use, 1 on failure."""
    if arguments is not None:
        return _run(arguments)
    ending.ends_with(_FAILURE)  # should this raise
    status = _run(None)
    ending.ends_with(status)
    return status


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    # Only the server logs: without a handler, Python prints messages bare of their fields.
    logging.getLogger("visavis").addHandler(logging.NullHandler())
    module, function = options.run.split(":")
    try:
        run = getattr(import_module(f"visavis.server.commands.{module}"), function)
        return int(run(options) or 0)
    except ConfigError as error:
        return _complain(error, _USAGE)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # as of `visavis voices | head`: who reads has had enough
        return _FAILURE
    except Exception as error:
        if isinstance(error, _faults()):
            return _complain(error, _FAILURE)
        raise


def _faults() -> tuple[type[Exception], ...]:
    """What a command may fail with; its text says what is wrong and what to do."""
    from visavis.engines.base import EngineError
    from visavis.models.errors import ModelError
    from visavis.models.fetch import FetchError
    from visavis.models.manifest import ManifestError
    from visavis.server.system.errors import DeviceError, NotFound

    return (EngineError, ModelError, ManifestError, FetchError, DeviceError, NotFound, OSError)


def _complain(error: Exception, status: int) -> int:
    sys.stderr.write(f"visavis: {error}\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="visavis",
        description="A live, talking face on a conversation, from one portrait photo.",
    )
    parser.add_argument("--version", action="version", version=f"visavis {version('visavis')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_say(commands)
    _add_camera(commands)
    _add_publish(commands)
    _add_avatar(commands)
    _add_models(commands)
    _add_engine(commands)
    _add_json(_add(commands, "voices", "voices:voices", "list the voices"))
    text = "show the settings in force and what is missing"
    doctor = _add(commands, "doctor", "doctor:doctor", text)
    _add_json(doctor)
    doctor.add_argument(
        "--privacy", action="store_true",
        help="what is kept where and how long, who may read it, and what leaves this machine",
    )  # fmt: skip
    _add_consent(commands)
    _add_audit(commands)
    _add_wipe(commands)
    ready = _add(commands, "ready", "ready:ready", "ask whether the server here takes visitors")
    ready.add_argument("--config", type=Path, help="settings file (default: visavis.toml)")
    text = "say whether films or sounds were made by visavis, by their marks; needs no network"
    detect = _add(commands, "detect", "detect:detect", text)
    detect.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a film or a sound")
    _add_json(detect)
    gaps = _add(commands, "gaps", "gaps:gaps", "list what visitors asked and nobody could answer")
    _add_json(gaps)
    gaps.add_argument("--forget", action="store_true", help="delete all of it instead")
    _add_token(commands)
    _add_keys(commands)
    _add_verify(commands)
    warm = _add(commands, "warm", "warm:warm", "prepare what a first start would wait for")
    warm.add_argument(
        "--answers",
        action="store_true",
        help="and synthesize the answers, which a server does by itself while nobody speaks",
    )
    return parser


def _add(commands: Any, name: str, run: str, text: str) -> argparse.ArgumentParser:
    """A command and where its function is; its help and its description are `text`."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def _add_actions(commands: Any, name: str, text: str) -> Any:
    parser = commands.add_parser(name, help=text, description=text)
    return parser.add_subparsers(title="actions", required=True, metavar="ACTION")


def _add_serve(commands: Any) -> None:
    """One option for each setting."""
    parser = _add(commands, "serve", "serve:run", "start the server and print the address to open")
    parser.add_argument("--config", type=Path, help="settings file (default: visavis.toml)")
    for setting in fields(Config):
        if setting.name in SECRETS:  # still understood, to be refused with the fix
            parser.add_argument(f"--{setting.name.replace('_', '-')}", help=argparse.SUPPRESS)
            continue
        default = setting.default if setting.default != "" else "none"
        parser.add_argument(
            f"--{setting.name.replace('_', '-')}",
            type=type(setting.default),
            metavar=setting.name.upper(),
            help=f"{setting.metadata['help']} (default: {default})",
        )


def _add_publish(commands: Any) -> None:
    parser = _add(
        commands, "publish", "publish:publish",
        "send a live face to a WHIP server, as RTMP or SRT, or into a file",
    )  # fmt: skip
    parser.add_argument(
        "text", nargs="?", default="",
        help="what to say; - says lines of the standard input as they come; without it the face "
        "is there and listens, until Ctrl+C",
    )  # fmt: skip
    parser.add_argument("--audio", type=Path, help="a recording to speak in place of a text")
    parser.add_argument("--whip", metavar="URL", help="WHIP endpoint to publish to")
    parser.add_argument("--token", metavar="TOKEN", help="for it; others here can read it")
    parser.add_argument("--token-file", type=Path, help="file that holds the token instead")
    parser.add_argument("--rtmp", metavar="URL", help="rtmp:// or rtmps:// address to stream to")
    parser.add_argument("--srt", metavar="URL", help="srt:// address, where PyAV was built with it")
    parser.add_argument("--record", type=Path, metavar="FILE", help="an .mp4 or .webm file")
    parser.add_argument(
        "--bitrate", type=int, default=1500, help="kbit/s of RTMP and SRT pictures (default: 1500)"
    )
    parser.add_argument("--avatar", help="avatar (default: the setting)")
    parser.add_argument("--voice", help="voice (default: the setting)")
    parser.add_argument(
        "--url", help="a running server, with whep on, whose avatar is sent in place of one here"
    )
    parser.add_argument("--url-token-file", type=Path, help="file that holds its players' token")
    parser.add_argument("--stay", action="store_true", help="go on after all was said")


def _add_say(commands: Any) -> None:
    parser = _add(commands, "say", "say:say", "make a video file of a text or a recording")
    parser.add_argument(
        "text",
        nargs="?",
        default="",
        help="what to say; - reads it from the standard input; directions in brackets, as in "
        '"[smiles] Welcome. [slowly, serious] Please note", are not spoken',
    )
    parser.add_argument(
        "--audio",
        type=Path,
        metavar="FILE",
        help="speak this recording (10 minutes at most) instead of a text",
    )
    parser.add_argument("--avatar", help="default: the setting's")
    parser.add_argument("--voice", help="default: the setting's")
    parser.add_argument(
        "--style", default="", help='a direction in plain words: "warm, but not so fast"'
    )
    parser.add_argument(
        "--size", type=int, default=512, help="width and height in pixels (default: 512)"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="an .mp4 file")
    parser.add_argument(
        "--trace",
        type=Path,
        help="write every state of the face to this file, one JSON line a picture",
    )


def _add_camera(commands: Any) -> None:
    text = "put a face that says what you say into a video call: virtual camera and microphone"
    parser = _add(commands, "camera", "camera:camera", text)
    parser.add_argument("--avatar", help="default: the setting's")
    parser.add_argument("--mic", default="", metavar="NAME", help="default: the system's default")
    parser.add_argument("--text", action="store_true", help="say typed words instead, a line each")
    parser.add_argument("--voice", help="of typed words (default: the setting's)")
    parser.add_argument(
        "--url",
        default="",
        metavar="SERVER",
        help="the face of a server elsewhere, such as https://face.example; VISAVIS_TOKEN is its "
        "token",
    )
    parser.add_argument(
        "--device",
        default="",
        metavar="DEVICE",
        help="the camera, such as /dev/video10, or a file that ends with .y4m (default: the first "
        "of v4l2loopback)",
    )
    parser.add_argument(
        "--square",
        action="store_true",
        help="pictures as square as the face's (default: wide, as meetings have them)",
    )
    parser.add_argument(
        "--sink",
        default="",
        help="play the voice into this sink of yours (default: a virtual microphone is made)",
    )
    parser.add_argument(
        "--no-echo", action="store_true", help="do not take out what the loudspeaker plays"
    )
    parser.add_argument(
        "--away", default="", metavar="WORDS", help='shown while you are away: "Back in a moment"'
    )
    parser.add_argument("--list", action="store_true", help="list microphones, sinks and cameras")
    parser.add_argument(
        "--doctor", action="store_true", help="say what is missing, and the command that mends it"
    )
    _add_json(parser)


def _add_token(commands: Any) -> None:
    text = "make a token or a secret for `visavis serve`, or a visitor's signed token"
    parser = _add(commands, "token", "token:token", text)
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


def _add_avatar(commands: Any) -> None:
    actions = _add_actions(commands, "avatar", "make, list, show and check avatars")
    create = _add(actions, "create", "avatar:create", "make an avatar from one portrait photo")
    create.add_argument("photo", type=Path, help="JPEG, PNG or WebP; one face, seen from the front")
    create.add_argument(
        "--name", required=True, help="lower-case letters a to z, digits and hyphens"
    )
    create.add_argument(
        "--consent",
        required=True,
        help="who allows this face to speak, in words: kept in the avatar file",
    )
    create.add_argument(
        "--subject",
        default="the person in the photo",
        help="whose face it is (default: the person in the photo)",
    )
    create.add_argument(
        "--licence",
        default="all rights reserved",
        help="of the likeness (default: all rights reserved)",
    )
    create.add_argument(
        "--voice", default="", help="that speaks for it where nobody names one: see visavis voices"
    )
    _add_grant(create)
    create.add_argument("--force", action="store_true", help="replace an avatar of that name")
    create.add_argument(
        "--likeness",
        default="",
        metavar="WORDS",
        help="what you say of a face that is like another avatar's: kept in the avatar file",
    )
    create.add_argument(
        "--presence",
        type=Path,
        metavar="VIDEO",
        help="WebM or MP4 of the person who reads the sentence of `visavis avatar sentence`",
    )
    shown = _add(
        actions, "sentence", "presence:sentence", "show a sentence that proves somebody is present"
    )
    shown.add_argument("--language", default="en", help="of the sentence (default: en)")
    _add_signatures(actions)
    _add_json(_add(actions, "list", "avatar:list_all", "list the avatars"))
    show = _add(
        actions, "show", "avatar:show", "show an avatar's record: licence, consent, warnings"
    )
    show.add_argument("name")
    _add_json(show)
    voice = _add(
        actions, "voice", "avatar:voice", "show or set the voice that belongs to an avatar"
    )
    voice.add_argument("name")
    voice.add_argument("voice", nargs="?", default="", help="see visavis voices")
    check = _add(actions, "check", "avatar:check", "measure an avatar: what is good, what is weak")
    check.add_argument("name")
    check.add_argument(
        "--sheet",
        type=Path,
        nargs="?",
        const=Path(),
        metavar="FILE",
        help="also write a sheet of expressions: .png, .webp or .jpg (default: NAME-sheet.webp)",
    )
    _add_json(check)


def _add_keys(commands: Any) -> None:
    actions = _add_actions(commands, "keys", "the keys that sign films and recordings")
    _add_json(_add(actions, "show", "keys:show", "show the keys, and who vouches for them"))
    _add(actions, "make", "keys:make", "make those that are not there yet, self-signed")
    renew = _add(actions, "renew", "keys:renew", "make a new key for films, by the same authority")
    renew.add_argument(
        "--authority", action="store_true",
        help="by a new one, if the old one was stolen: what was signed before is trusted no more",
    )  # fmt: skip
    bring = _add(actions, "import", "keys:bring", "sign with a key and certificates of your own")
    bring.add_argument("chain", type=Path, help="PEM certificates, the signer's own first")
    bring.add_argument("key", type=Path, help="PEM private key, without a passphrase")


def _add_verify(commands: Any) -> None:
    text = "say who signed a film, a picture or an avatar, and whether it was changed"
    verify = _add(commands, "verify", "verify:verify", text)
    verify.add_argument("file", type=Path)
    verify.add_argument(
        "--trust", type=Path, metavar="FILE",
        help="PEM certificates whose signers you trust (default: this installation's own)",
    )  # fmt: skip
    _add_json(verify)
    text = "sign a recording whose making was cut off, by the note that lies beside it"
    _add(commands, "sign", "verify:sign", text).add_argument("file", type=Path)


def _add_signatures(actions: Any) -> None:
    sign = _add(actions, "sign", "signing:sign", "sign an avatar's file whose record is true")
    sign.add_argument("name")
    text = "take in an avatar's file that another installation made"
    bring = _add(actions, "import", "signing:bring", text)
    bring.add_argument("file", type=Path)
    bring.add_argument("--name", default="", help="what it is called here (default: as there)")
    bring.add_argument(
        "--trust", action="store_true", help="whatever else who signed it signs counts here, too"
    )
    bring.add_argument("--force", action="store_true", help="replace an avatar of that name")
    text = "list the installations whose avatars are used here, add one, remove one"
    trust = _add(actions, "trust", "signing:trust", text)
    trust.add_argument(
        "whose", nargs="?", default="", help="a public key, or a file or an avatar that it signed"
    )
    trust.add_argument("--called", default="", metavar="NAME", help="what you call it")
    trust.add_argument("--remove", action="store_true", help="not any more")
    _add_json(trust)


def _add_grant(parser: argparse.ArgumentParser) -> None:
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


def _add_consent(commands: Any) -> None:
    text = "show what people allowed, give it anew, take it back"
    actions = _add_actions(commands, "consent", text)
    _add_json(_add(actions, "list", "consent:list_all", "list the consents to all avatars"))
    show = _add(actions, "show", "consent:show", "show one; the exit status is 0 if it is in force")
    show.add_argument("name", metavar="avatar")
    _add_json(show)
    text = "take a consent back: sessions with that face end, and none begins any more"
    revoke = _add(actions, "revoke", "consent:revoke", text)
    revoke.add_argument("name", metavar="avatar", help="or the reference of a consent")
    revoke.add_argument("--reason", default="", help="kept in the list, and shown to nobody else")
    renew = _add(actions, "renew", "consent:renew", "write down that it was given anew")
    renew.add_argument("name", metavar="avatar")
    renew.add_argument("--consent", required=True, help="what was agreed to now, in words")
    renew.add_argument("--given-by", default="", help="who agreed (default: as before)")
    _add_grant(renew)


def _add_audit(commands: Any) -> None:
    actions = _add_actions(commands, "audit", "check, show and take out what was noted")
    text = "read all of it: 0 it is whole, 1 it was changed, 3 that cannot be told"
    verify = _add(actions, "verify", "audit:verify", text)
    verify.add_argument(
        "--head", default="", metavar="NUMBER:DIGEST", help="what `audit head` printed once"
    )
    verify.add_argument("--file", type=Path, help="check this export instead")
    verify.add_argument(
        "--key", default="", metavar="BASE64", help="public key (default: this installation's)"
    )
    _add_json(verify)
    _add(actions, "head", "audit:head", "print the last line's number and hash, to keep elsewhere")
    show = _add(actions, "show", "audit:show", "print what was noted, the oldest first")
    show.add_argument("--since", default="", metavar="TIME", help="7d, 12h, or 2026-11-29T21:30")
    show.add_argument("--what", nargs="+", metavar="DEED", help="such as session-opened")
    _add_json(show)
    export = _add(actions, "export", "audit:export", "write all of it to one file")
    export.add_argument("output", type=Path)


def _add_wipe(commands: Any) -> None:
    text = "delete what is kept of visitors: recordings and questions"
    parser = _add(commands, "wipe", "wipe:wipe", text)
    parser.add_argument(
        "--what", nargs="+", choices=("recordings", "questions", "audit"),
        help="default: recordings and questions",
    )  # fmt: skip
    parser.add_argument("--older-than", default="", metavar="AGE", help="such as 7d, 12h, 4w")
    parser.add_argument("--since", default="", metavar="TIME", help="from this time (UTC) on")
    parser.add_argument("--until", default="", metavar="TIME", help="before this time (UTC)")
    parser.add_argument("--session", default="", metavar="ID", help="of this session alone")
    parser.add_argument("--all", action="store_true", help="of whatever age")
    parser.add_argument("--yes", action="store_true", help="without asking")


def _add_models(commands: Any) -> None:
    actions = _add_actions(commands, "models", "list, verify and fetch model files")
    text = "list every model, its licence and where it comes from"
    _add_json(_add(actions, "list", "models:list_all", text))
    text = "read every model file and check its sha256"
    _add_json(_add(actions, "verify", "models:verify", text))
    text = "fetch a model from its second source, or one of piper's voices"
    pull = _add(actions, "pull", "models:pull", text)
    pull.add_argument("name", help="as `models list` has it, or piper:de_DE-thorsten-medium")
    pull.add_argument(
        "--sha256",
        default="",
        metavar="HEX",
        help="of a voice's network, from somebody whom you trust; without it the sums that the "
        "repository tells are checked",
    )


def _add_engine(commands: Any) -> None:
    actions = _add_actions(commands, "engine", "build, list and check TensorRT engines")
    text = "build the engine for this machine's GPU and the picture's size"
    build = _add(actions, "build", "engine:build", text)
    _add_json(_add(actions, "list", "engine:list_all", "list the engines that were built"))
    text = "check whether the engine that the server would use is there, and whole"
    check = _add(actions, "check", "engine:check", text)
    for parser in (build, check):
        parser.add_argument(
            "--target",
            default="",
            metavar="CAPABILITY",
            help="compute capability such as 8.9, in place of this machine's GPU (visavis[rtx])",
        )
        parser.add_argument("--width", type=int, help="pixels (default: the setting's)")
        parser.add_argument("--height", type=int, help="pixels (default: the setting's)")
        _add_json(parser)
