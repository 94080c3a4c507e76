"""The commands beside `serve`: avatars, voices, models, doctor, token. They open no socket."""

from __future__ import annotations

import argparse
import datetime
import getpass
import json
import secrets
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from visavis.engines import load
from visavis.engines.base import PLAY_RATE, FaceState
from visavis.engines.direction import understand
from visavis.models import fetch, manifest
from visavis.models.avatar import Avatar, Consent, load_avatar, read_card
from visavis.models.errors import AvatarError
from visavis.server import config as settings
from visavis.server import offline
from visavis.server.config import Config
from visavis.server.errors import ConfigError
from visavis.server.studio import find_avatars

Run = Callable[[argparse.Namespace], int | None]
_FAILURE: Final = 1


def add_command(commands: Any, name: str, run: Run, text: str) -> argparse.ArgumentParser:
    """A command with its function; its help and its description are `text`."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def say_line(text: str) -> None:
    """One line to the standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def add_tools(commands: Any) -> None:
    """Every command of this file."""
    _add_say(commands)
    _add_avatar(commands)
    _add_models(commands)
    _json(add_command(commands, "voices", _voices, "list the voices"))
    _json(add_command(commands, "doctor", _doctor, "what is in force and what is missing"))
    add_command(commands, "token", _token, "make a token for `visavis serve`")
    add_command(commands, "warm", _warm, "compile and cache what a first start would wait for")


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def _config() -> Config:
    return settings.load({})


# --- say ----------------------------------------------------------------------------------------


def _add_say(commands: Any) -> None:
    parser = add_command(commands, "say", _say, "render a text as a video file")
    parser.add_argument("text", help="what to say; - reads it from the standard input")
    parser.add_argument("--avatar", help="default: the one of the settings")
    parser.add_argument("--voice", help="default: the one of the settings")
    parser.add_argument("--style", default="", help='in plain words: "warm and calm"')
    parser.add_argument("--size", type=int, default=512, help="width and height in pixels")
    parser.add_argument("-o", "--output", type=Path, required=True, help="an .mp4 file")
    parser.add_argument("--trace", type=Path, help="write one JSON line a picture to this file")


def _say(options: argparse.Namespace) -> None:
    config = _config()
    text = sys.stdin.read() if options.text == "-" else options.text
    if not text.strip():
        msg = "there is nothing to say"
        raise ConfigError(msg)
    avatar = load_avatar(_avatar_path(options.avatar or config.avatar))
    voice = options.voice or config.voice
    if voice not in {v.name for v in load.voices()}:
        msg = f"there is no voice {voice!r}: `visavis voices` names those there are"
        raise ConfigError(msg)
    script = offline.speak(text, load.tts(voice, config.home_path))
    motion = load.motion(0)
    if direction := understand(options.style).styles:
        motion.feel(0, understand(options.style).affect)
        say_line(f"style: {', '.join(direction)}")
    renderer = load.renderer(avatar, options.size, options.size)
    with ExitStack() as stack:
        bar = stack.enter_context(tqdm(total=script.frames, unit="picture", leave=False))
        trace = stack.enter_context(options.trace.open("w")) if options.trace else None
        offline.render(
            script, motion, renderer, options.output, trace,
            lambda share: _advance(bar, round(share * script.frames)),
        )  # fmt: skip
    say_line(f"made {options.output}: {len(script.pcm) / PLAY_RATE:.1f} s")


def _advance(bar: Any, done: int) -> None:
    bar.update(done - bar.n)


def _avatar_path(name: str) -> Path:
    path = find_avatars(_config().home_path).get(name)
    if path is None:
        msg = f"There is no avatar {name!r}: `visavis avatar list` names those there are."
        raise AvatarError("avatar-missing", msg)
    return path


# --- avatar -------------------------------------------------------------------------------------


def _add_avatar(commands: Any) -> None:
    text = "make, list and show avatars"
    parser = commands.add_parser("avatar", help=text, description=text)
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    create = add_command(actions, "create", _create, "make an avatar from one portrait photo")
    create.add_argument("photo", type=Path, help="JPEG, PNG or WebP; one face, seen from the front")
    create.add_argument("--name", required=True, help="lower-case letters, digits and hyphens")
    create.add_argument(
        "--consent",
        required=True,
        help="who allows this likeness to speak, in words: kept in the avatar file",
    )
    create.add_argument("--subject", default="the person in the photo", help="whose face it is")
    create.add_argument("--licence", default="all rights reserved", help="of the likeness")
    create.add_argument("--force", action="store_true", help="replace an avatar of that name")
    _json(add_command(actions, "list", _list, "list the avatars"))
    show = add_command(actions, "show", _show, "an avatar's record: licence, consent, warnings")
    show.add_argument("name")
    _json(show)


def _create(options: argparse.Namespace) -> None:
    from visavis.models.portrait import create_avatar

    folder = _config().home_path / "avatars"
    path = folder / f"{options.name}.avatar"
    if path.exists() and not options.force:
        msg = f"avatar {options.name} exists: choose another --name, or replace it with --force"
        raise ConfigError(msg)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    consent = Consent(options.subject, options.consent.strip(), getpass.getuser(), today)
    with tqdm(total=100, desc="making the avatar", unit="%", leave=False) as bar:

        def progress(what: str, share: float) -> None:
            bar.set_description(what)
            bar.update(round(100 * share) - bar.n)

        avatar = create_avatar(
            options.photo, options.name, consent, options.licence, progress=progress
        )
    folder.mkdir(parents=True, exist_ok=True)
    avatar.save(path)
    for warning in avatar.card.warnings:
        say_line(f"note: {warning}")
    say_line(f"made {path}")
    say_line(f"try it: visavis serve --avatar {options.name}")


def _list(options: argparse.Namespace) -> None:
    found = find_avatars(_config().home_path)
    if options.json:
        say_line(json.dumps([{"name": name, "path": str(path)} for name, path in found.items()]))
        return
    for name, path in found.items():
        say_line(f"{name:16} {path}")
    if not found:
        say_line(
            "no avatars: make one with `visavis avatar create PHOTO --name NAME --consent ...`"
        )


def _show(options: argparse.Namespace) -> None:
    card = asdict(read_card(_avatar_path(options.name)))
    if options.json:
        say_line(json.dumps(card))
        return
    for key, value in card.items():
        rows = value.items() if isinstance(value, dict) else [("", value)]
        for inner, text in rows:
            say_line(f"{key} {inner}".strip().ljust(20) + f" {text}")


# --- voices and models --------------------------------------------------------------------------


def _voices(options: argparse.Namespace) -> None:
    voices = [asdict(voice) for voice in load.voices()]
    if options.json:
        say_line(json.dumps(voices))
        return
    for voice in voices:
        say_line(f"{voice['name']:8} {voice['language']:8} {voice['description']}")


def _add_models(commands: Any) -> None:
    text = "list, verify and fetch model files"
    parser = commands.add_parser("models", help=text, description=text)
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    _json(add_command(actions, "list", _models, "every model, its licence and where it comes from"))
    verify = add_command(actions, "verify", _verify, "read every model file and check its sha256")
    _json(verify)
    pull = add_command(actions, "pull", _pull, "fetch a model from its second source")
    pull.add_argument("name")


def _pulled() -> Path:
    return _config().home_path / "models"


def _models(options: argparse.Namespace) -> None:
    models = manifest.load(pulled=_pulled()).models
    if options.json:
        say_line(json.dumps({name: asdict(model) for name, model in models.items()}, default=str))
        return
    for name, model in models.items():
        source = f"{model.package} {model.version}" if model.package else "this repository"
        say_line(
            f"{name:18} {model.role:10} {model.size / 1e6:7.1f} MB  {model.licence:14} {source}"
        )


def _verify(options: argparse.Namespace) -> int:
    findings = list(tqdm(manifest.load(pulled=_pulled()).check(), leave=False, unit="model"))
    if options.json:
        say_line(json.dumps({f.model.name: f.error or "ok" for f in findings}))
    else:
        for finding in findings:
            say_line(f"{finding.model.name:18} {finding.error or 'ok'}")
    return _FAILURE if any(f.error for f in findings) else 0


def _pull(options: argparse.Namespace) -> None:
    with tqdm(unit="B", unit_scale=True, leave=False) as bar:

        def progress(file: str, done: int, total: int) -> None:
            bar.set_description(file)
            bar.total = total
            bar.update(done - bar.n)

        path = fetch.pull(options.name, _pulled(), progress=progress)
    say_line(f"{options.name} is in {path}")


# --- the rest -----------------------------------------------------------------------------------


def _doctor(options: argparse.Namespace) -> int:
    config = _config()
    shown = {**asdict(config), "token": "set" if config.token else ""}
    problems = [f.error for f in manifest.load(pulled=_pulled()).check() if f.error]
    if config.avatar not in find_avatars(config.home_path):
        problems.append(f"avatar {config.avatar!r} does not exist: see `visavis avatar list`")
    if config.voice not in {voice.name for voice in load.voices()}:
        problems.append(f"voice {config.voice!r} does not exist: see `visavis voices`")
    problems += _knowledge_problems(config)
    if options.json:
        say_line(json.dumps({"settings": shown, "problems": problems}))
        return _FAILURE if problems else 0
    for key, value in shown.items():
        say_line(f"{key:14} {value if value != '' else '-'}")
    for problem in problems:
        say_line(f"missing: {problem}")
    say_line("something is missing" if problems else "all is in place")
    return _FAILURE if problems else 0


def _knowledge_problems(config: Config) -> list[str]:
    from visavis.engines import knowledge

    if config.dialogue != "knowledge":
        return []
    try:
        knowledge.load(Path(config.knowledge) if config.knowledge else load.EXAMPLE)
    except knowledge.KnowledgeError as error:
        return [str(error)]
    return []


def _token(_options: argparse.Namespace) -> None:
    say_line(secrets.token_urlsafe(24))


def _warm(_options: argparse.Namespace) -> None:
    """Numba compiles the kernel, piper's network is cut, the knowledge is embedded: once."""
    config = _config()
    home = config.home_path
    avatars: dict[str, Path] = find_avatars(home)
    steps: list[tuple[str, Callable[[], object]]] = [
        ("the dialogue", lambda: load.dialogue("knowledge", None, home)),
        *((f"the voice {v.name}", lambda v=v: load.tts(v.name, home)) for v in load.voices()),
        ("the face", lambda: _draw_once(load_avatar(next(iter(avatars.values()))))),
    ]
    with tqdm(steps, desc="preparing", leave=False) as bar:
        for what, step in bar:
            bar.set_description(f"preparing {what}")
            step()


def _draw_once(avatar: Avatar) -> None:
    load.renderer(avatar, 512, 512).render(FaceState())
