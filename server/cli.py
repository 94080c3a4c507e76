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

from visavis.server import cli_studio, cli_trust
from visavis.server.grammar import add, add_actions, add_json
from visavis.server.system import ending
from visavis.server.system.config import Config
from visavis.server.system.config_secrets import SECRETS
from visavis.server.system.config_trust import Trust
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
    from visavis.server.system.errors import DeviceError, Problem

    return (EngineError, ModelError, ManifestError, FetchError, DeviceError, Problem, OSError)


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
    _add_worker(commands)
    _add_say(commands)
    cli_studio.add_build(commands)
    cli_studio.add_import(commands)
    cli_studio.add_batch(commands)
    cli_studio.add_translate(commands)
    _add_camera(commands)
    _add_publish(commands)
    _add_avatar(commands)
    _add_models(commands)
    _add_engine(commands)
    add_json(add(commands, "voices", "voices:voices", "list the voices"))
    text = "show the settings in force and what is missing"
    doctor = add(commands, "doctor", "doctor:doctor", text)
    add_json(doctor)
    doctor.add_argument(
        "--privacy", action="store_true",
        help="what is kept where and how long, who may read it, and what leaves this machine",
    )  # fmt: skip
    cli_trust.add_voice(commands)
    cli_trust.add_consent(commands)
    cli_trust.add_audit(commands)
    _add_wipe(commands)
    ready = add(commands, "ready", "ready:ready", "ask whether the server here takes visitors")
    ready.add_argument("--config", type=Path, help="settings file (default: visavis.toml)")
    cli_trust.add_detect(commands)
    gaps = add(commands, "gaps", "gaps:gaps", "list what visitors asked and nobody could answer")
    add_json(gaps)
    gaps.add_argument("--forget", action="store_true", help="delete all of it instead")
    cli_trust.add_token(commands)
    cli_trust.add_keys(commands)
    cli_trust.add_verify(commands)
    warm = add(commands, "warm", "warm:warm", "prepare what a first start would wait for")
    warm.add_argument(
        "--answers",
        action="store_true",
        help="and synthesize the answers, which a server does by itself while nobody speaks",
    )
    return parser


def _add_serve(commands: Any) -> None:
    """One option for each setting."""
    parser = add(commands, "serve", "serve:run", "start the server and print the address to open")
    parser.add_argument("--config", type=Path, help="settings file (default: visavis.toml)")
    # All of it would be 130 lines, above what is wrong.
    parser.usage = "visavis serve [--config CONFIG] [--SETTING VALUE ...]"
    trust = parser.add_argument_group("trust")
    of_trust = {setting.name for setting in fields(Trust)}
    own = Config.__annotations__  # address, avatar, voice, ...: asked for before the rest
    for setting in sorted(fields(Config), key=lambda setting: setting.name not in own):
        if setting.name in SECRETS:  # still understood, to be refused with the fix
            parser.add_argument(f"--{setting.name.replace('_', '-')}", help=argparse.SUPPRESS)
            continue
        default = setting.default if setting.default != "" else "none"
        (trust if setting.name in of_trust else parser).add_argument(
            f"--{setting.name.replace('_', '-')}",
            type=type(setting.default),
            metavar=setting.name.upper(),
            help=f"{setting.metadata['help']} (default: {default})",
        )


def _add_worker(commands: Any) -> None:
    text = "do films and batches of servers elsewhere on this machine"
    parser = add(commands, "worker", "jobs:work", text)
    parser.add_argument("--config", type=Path, help="settings file (default: visavis.toml)")
    parser.add_argument(
        "--processes", type=int, metavar="NUMBER", help="at a time (default: the setting's)"
    )


def _add_publish(commands: Any) -> None:
    parser = add(
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
    parser = add(commands, "say", "say:say", "make a video file of a text or a recording")
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
    parser = add(commands, "camera", "camera:camera", text)
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
    add_json(parser)


def _add_avatar(commands: Any) -> None:
    actions = add_actions(commands, "avatar", "make, list, show and check avatars")
    create = add(
        actions, "create", "avatar:create", "make an avatar from one portrait photo, or a clip"
    )
    create.add_argument(
        "photo",
        type=Path,
        help="JPEG, PNG or WebP; one face, seen from the front; or MP4 or WebM, 10 to 60 s",
    )
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
    create.add_argument(
        "--frame",
        default="auto",
        choices=("auto", "head", "bust", "wide"),
        help="how much of the photo is shown (default: head and shoulders where it has them)",
    )
    cli_trust.add_grant(create)
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
    shown = add(
        actions, "sentence", "presence:sentence", "show a sentence that proves somebody is present"
    )
    shown.add_argument("--language", default="en", help="of the sentence (default: en)")
    cli_trust.add_signatures(actions)
    add_json(add(actions, "list", "avatar:list_all", "list the avatars"))
    show = add(
        actions, "show", "avatar:show", "show an avatar's record: licence, consent, warnings"
    )
    show.add_argument("name")
    add_json(show)
    voice = add(actions, "voice", "avatar:voice", "show or set the voice that belongs to an avatar")
    voice.add_argument("name")
    voice.add_argument("voice", nargs="?", default="", help="see visavis voices")
    check = add(actions, "check", "avatar:check", "measure an avatar: what is good, what is weak")
    check.add_argument("name")
    check.add_argument(
        "--sheet",
        type=Path,
        nargs="?",
        const=Path(),
        metavar="FILE",
        help="also write a sheet of expressions: .png, .webp or .jpg (default: NAME-sheet.webp)",
    )
    add_json(check)


def _add_wipe(commands: Any) -> None:
    text = "delete what is kept of visitors: recordings and questions"
    parser = add(commands, "wipe", "wipe:wipe", text)
    parser.add_argument(
        "--what", nargs="+", choices=("recordings", "questions", "audit", "jobs", "studio-cache"),
        help="default: recordings and questions",
    )  # fmt: skip
    parser.add_argument("--older-than", default="", metavar="AGE", help="such as 7d, 12h, 4w")
    parser.add_argument("--since", default="", metavar="TIME", help="from this time (UTC) on")
    parser.add_argument("--until", default="", metavar="TIME", help="before this time (UTC)")
    parser.add_argument("--session", default="", metavar="ID", help="of this session alone")
    parser.add_argument("--all", action="store_true", help="of whatever age")
    parser.add_argument("--yes", action="store_true", help="without asking")


def _add_models(commands: Any) -> None:
    actions = add_actions(commands, "models", "list, verify and fetch model files")
    text = "list every model, its licence and where it comes from"
    add_json(add(actions, "list", "models:list_all", text))
    text = "read every model file and check its sha256"
    add_json(add(actions, "verify", "models:verify", text))
    text = "fetch a model from its second source, or one of piper's voices"
    pull = add(actions, "pull", "models:pull", text)
    pull.add_argument("name", help="as `models list` has it, or piper:de_DE-thorsten-medium")
    pull.add_argument(
        "--sha256",
        default="",
        metavar="HEX",
        help="of a voice's network, from somebody whom you trust; without it the sums that the "
        "repository tells are checked",
    )


def _add_engine(commands: Any) -> None:
    actions = add_actions(commands, "engine", "build, list and check TensorRT engines")
    text = "build the engine for this machine's GPU and the picture's size"
    build = add(actions, "build", "engine:build", text)
    add_json(add(actions, "list", "engine:list_all", "list the engines that were built"))
    text = "check whether the engine that the server would use is there, and whole"
    check = add(actions, "check", "engine:check", text)
    for parser in (build, check):
        parser.add_argument(
            "--target",
            default="",
            metavar="CAPABILITY",
            help="compute capability such as 8.9, in place of this machine's GPU (visavis[rtx])",
        )
        parser.add_argument("--width", type=int, help="pixels (default: the setting's)")
        parser.add_argument("--height", type=int, help="pixels (default: the setting's)")
        add_json(parser)
