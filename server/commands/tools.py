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
from visavis.engines.base import PLAY_RATE
from visavis.engines.direction.director import Director
from visavis.engines.language.brackets import wishes
from visavis.models import fetch, manifest
from visavis.models.avatar.file import Avatar, Consent, load_avatar, read_card
from visavis.models.errors import AvatarError
from visavis.server.commands import offline, recordings
from visavis.server.services.studio import find_avatars
from visavis.server.system import config as settings
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError

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
    parser.add_argument(
        "text", nargs="?", default="",
        help="what to say; - reads it from the standard input; directions in brackets, as in "
        '"[smiles] Welcome. [slowly, serious] Please note", are not spoken',
    )  # fmt: skip
    parser.add_argument(
        "--audio", type=Path, metavar="FILE", help="speak this recording instead of a text"
    )
    parser.add_argument("--avatar", help="default: the one of the settings")
    parser.add_argument("--voice", help="default: the one of the settings")
    parser.add_argument("--style", default="", help='in plain words: "warm, but not so fast"')
    parser.add_argument("--size", type=int, default=512, help="width and height in pixels")
    parser.add_argument("-o", "--output", type=Path, required=True, help="an .mp4 file")
    parser.add_argument("--trace", type=Path, help="write one JSON line a picture to this file")


def _say(options: argparse.Namespace) -> None:
    config = _config()
    avatar = load_avatar(_avatar_path(options.avatar or config.avatar))
    director = load.director(config.home_path)
    script = _recorded(options, director) if options.audio else _written(options, config, director)
    if styles := director.understand(options.style).styles:
        say_line(f"style: {', '.join(styles)}")
    if script.dropped:
        say_line(f"note: not understood: {', '.join(script.dropped)}")
        say_line(f"what can be asked for: {', '.join(director.names)}")
    motion = load.motion(0)
    renderer = load.renderer(avatar, options.size, options.size)
    with ExitStack() as stack:
        bar = stack.enter_context(tqdm(total=script.frames, unit="picture", leave=False))
        trace = stack.enter_context(options.trace.open("w")) if options.trace else None
        offline.render(
            script, motion, renderer, options.output, trace,
            lambda share: _advance(bar, round(share * script.frames)),
        )  # fmt: skip
    say_line(f"made {options.output}: {len(script.pcm) / PLAY_RATE:.1f} s")


def _written(options: argparse.Namespace, config: Config, director: Director) -> offline.Script:
    text = sys.stdin.read() if options.text == "-" else options.text
    if not text.strip():
        msg = "there is nothing to say"
        raise ConfigError(msg)
    voice = options.voice or config.voice
    if voice not in {v.name for v in load.voices()}:
        msg = f"there is no voice {voice!r}: `visavis voices` names those there are"
        raise ConfigError(msg)
    return offline.speak(text, load.tts(voice, config.home_path), director, options.style)


def _recorded(options: argparse.Namespace, director: Director) -> offline.Script:
    if options.text:
        msg = "give either a text or --audio FILE"
        raise ConfigError(msg)
    wanted = director.understand(options.style)
    return recordings.script(recordings.read(options.audio), load.sound_visemes(), wanted)


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
    examine = add_command(actions, "check", _check, "measure an avatar: what is good, what is weak")
    examine.add_argument("name")
    examine.add_argument(
        "--sheet", type=Path, nargs="?", const=Path(), metavar="FILE",
        help="also write a sheet of expressions: .png, .webp or .jpg (default: NAME-sheet.webp)",
    )  # fmt: skip
    _json(examine)


def _create(options: argparse.Namespace) -> None:
    from visavis.models.bake.portrait import create_avatar

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


def _check(options: argparse.Namespace) -> int:
    from visavis.server.commands import examining

    avatar = load_avatar(_avatar_path(options.name))
    with tqdm(total=100, unit="%", leave=False) as bar:

        def progress(what: str, share: float) -> None:
            bar.set_description(f"measuring {what}")
            _advance(bar, round(100 * share))

        report = examining.examine(avatar, progress)
    figures = {"worst": report.worst, **asdict(report)}
    for line in [json.dumps(figures)] if options.json else examining.in_words(report):
        say_line(line)
    if options.sheet is not None:
        path = options.sheet if options.sheet.name else Path(f"{options.name}-sheet.webp")
        examining.write_sheet(avatar, path)
        sys.stderr.write(f"made {path}\n")
    return _FAILURE if report.worst == "bad" else 0


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
    say_line(f"New avatars from the page: {_who_creates(config)}")
    for problem in problems:
        say_line(f"missing: {problem}")
    say_line("something is missing" if problems else "all is in place")
    return _FAILURE if problems else 0


def _who_creates(config: Config) -> str:
    if not config.may_create:
        return "nobody (create_avatars is off)"
    return "everybody who has the token" if config.token else "everybody at this machine"


def _knowledge_problems(config: Config) -> list[str]:
    from visavis.engines.dialogue import knowledge_file as knowledge

    if config.dialogue != "knowledge":
        return []
    try:
        known = knowledge.load(Path(config.knowledge) if config.knowledge else load.EXAMPLE)
    except knowledge.KnowledgeError as error:
        return [str(error)]
    answers = (answer for entry in known.entries for answer in entry.answers)
    return _bracket_problems({wish for answer in answers for wish in wishes(answer)}, config)


def _bracket_problems(found: set[str], config: Config) -> list[str]:
    words = Director()
    if not any(words.literal(wish).dropped for wish in found):
        return []
    director = load.director(config.home_path)
    return [
        f"a direction for [{wish}]: {', '.join(dropped)} is not understood"
        for wish in sorted(found)
        if (dropped := director.understand(wish).dropped)
    ]


def _token(_options: argparse.Namespace) -> None:
    say_line(secrets.token_urlsafe(24))


def _warm(_options: argparse.Namespace) -> None:
    """Numba compiles the kernel, piper's network is cut, the knowledge is embedded: once."""
    config = _config()
    home = config.home_path
    avatars: dict[str, Path] = find_avatars(home)
    steps: list[tuple[str, Callable[[], object]]] = [
        ("the dialogue", lambda: load.dialogue("knowledge", None, home)),
        ("the styles", lambda: load.director(home)),
        *((f"the voice {v.name}", lambda v=v: load.tts(v.name, home)) for v in load.voices()),
        ("the face", lambda: _draw_once(load_avatar(next(iter(avatars.values()))))),
    ]
    with tqdm(steps, desc="preparing", leave=False) as bar:
        for what, step in bar:
            bar.set_description(f"preparing {what}")
            step()


def _draw_once(avatar: Avatar) -> None:
    load.warm(load.renderer(avatar, 512, 512))
