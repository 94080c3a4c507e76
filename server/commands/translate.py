"""`visavis translate`: a script put into other languages, to be read before it is filmed."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

from tqdm import tqdm

from visavis.server.commands.console import say_line
from visavis.server.studio.document.project import Project
from visavis.server.studio.document.reading import LARGEST, read
from visavis.server.studio.translation import kept
from visavis.server.studio.translation.kept import Standing
from visavis.server.studio.translation.making import make
from visavis.server.system import config_reading as settings
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError

_SCRIPT: Final = "script.md"
_NONE: Final = 'say into which languages, or name them in the script: languages = ["es", "fr"]'


def translate(options: argparse.Namespace) -> None:
    """`translate`. Raises ConfigError, EngineError, ModelError, Problem, OSError."""
    config = settings.load({})
    path = _script(options.project)
    project = _read(path)
    wanted = [kept.tag(each) for each in options.languages or project.languages]
    if not wanted:
        raise ConfigError(_NONE)
    made = [_made(project, path.parent, each, config, options) for each in wanted]
    if options.json:
        say_line(json.dumps([each.as_json() for each in made], ensure_ascii=False))


def _made(
    project: Project, folder: Path, language: str, config: Config, options: argparse.Namespace
) -> Standing:
    if options.check:
        there = kept.standing(project, folder, language)
    else:
        with tqdm(total=100, unit="%", leave=False, disable=options.json or None) as bar:

            def tell(done: float, note: str) -> None:
                bar.set_description(note)
                bar.update(round(done * 100) - bar.n)

            made = make(project, folder, language, config, tell, anew=options.anew)
        there = kept.save(project, folder, made)
    if not options.json:
        _tell(there, folder, show=options.show)
    return there


def _tell(there: Standing, folder: Path, *, show: bool) -> None:
    counts = dict.fromkeys(("checked", "machine", "stale"), 0)
    for pair in there.pairs:
        counts[pair.state] += 1
        if show:
            where = f"{pair.scene or 'film'}, {pair.field}, {pair.state}"
            rate = f", rate {pair.rate:g}" if pair.field == "text" else ""
            for line in ("", where + rate, *_lines(pair.source), *_lines(pair.target)):
                say_line(line)
    by = f" by {there.by}" if there.by else ""
    say_line(
        f"{folder / kept.script_name(there.language)}: {len(there.pairs)} texts{by}, "
        f"{counts['checked']} checked, {counts['machine']} to be "
        f"read, {counts['stale']} out of date"
    )
    for note in there.notes:
        say_line(f"note: {note}")


def _lines(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def _script(given: Path) -> Path:
    """A project's folder, or its script."""
    return given / _SCRIPT if given.is_dir() else given


def _read(path: Path) -> Project:
    """Raises ConfigError, ScriptError."""
    try:
        return read(path.read_bytes()[: LARGEST + 1].decode())
    except FileNotFoundError:
        raise ConfigError(f"there is no script {path}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text") from None
