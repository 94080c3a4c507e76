"""`visavis build`: projects in folders -> films, of which only what changed is made anew; and
`visavis import`: somebody's file -> a project.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from visavis.engines import load
from visavis.models.errors import AvatarError
from visavis.models.files import whole
from visavis.server.avatars.store import AvatarStore
from visavis.server.commands.console import FAILURE, say_line
from visavis.server.services.configured import avatars
from visavis.server.studio import building
from visavis.server.studio.building import OUT, SCRIPT, Plan, Record
from visavis.server.studio.document import checks, length
from visavis.server.studio.document.faults import Fault
from visavis.server.studio.document.naming import named
from visavis.server.studio.document.project import Scene
from visavis.server.studio.film.making import make
from visavis.server.studio.imports import importing
from visavis.server.studio.knowing import known
from visavis.server.studio.layers.exports import FORMATS, Format
from visavis.server.system import config_reading as settings
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError, NotFound
from visavis.server.voices.store import OwnVoices

_SEEN: Final = ("mark", "disclosure", "disclosure_text", "sign", "avatar", "voice")
_TOLD: Final = 30  # faults of a project
_NAMED: Final = 6  # scenes


def build(options: argparse.Namespace) -> int:
    """`build`. Raises ConfigError, Problem, EngineError, ModelError, OSError."""
    builder = _Builder(settings.load({}), options)
    status = 0
    for folder in building.found(options.project):
        for plan in building.plans(folder, options.language):
            status |= builder.build(plan)
    return status


@dataclass(slots=True)
class _Here:
    """What a film is made in, by this program: jobs.job.Working."""

    folder: Path
    config: Config
    bar: Any

    def tell(self, done: float, note: str = "") -> None:
        """Shows it."""
        self.bar.n = round(done * self.bar.total, 1)
        self.bar.set_postfix_str(note, refresh=False)
        self.bar.refresh()


class _Builder:
    """For all films of one command. Loads what several need once."""

    def __init__(self, config: Config, options: argparse.Namespace) -> None:
        self._config, self._options = config, options
        self._store = avatars(config)
        self._formats = _formats(options.formats)
        self._cast = _cast(self._store, config.avatar)
        self._known = known(self._store, config.avatar, config.home_path, _dropped(config))

    def build(self, plan: Plan) -> int:
        """One film, unless it is there already. Returns the exit status."""
        faults = checks.check(plan.project, plan.folder, self._known, plan.script.line)
        faults += checks.unfilled(plan.project, plan.script.line)
        grave = [fault for fault in faults if fault.grave]
        _tell(plan, faults)
        seconds = length.seconds(plan.project, plan.folder)
        if grave or self._options.check:
            say_line(f"{plan.path}: about {seconds:.0f} s{', cannot be made' if grave else ''}")
            return FAILURE if grave else 0
        out = self._options.output or plan.folder / OUT
        made = building.prints(plan, self._formats, self._cast, _seen(self._config))
        record = Record.of(out)
        before = record.prints(plan.name)
        changed = made.changed(before)
        if made.same(before) and not self._options.again:
            say_line(f"{plan.name}: nothing changed")
            return 0
        if before is not None and changed:
            say_line(f"{plan.name}: changed is {_few(changed)}, of {len(made.scenes)} scenes")
        self._make(plan, out, record, made)
        return 0

    def _make(self, plan: Plan, out: Path, record: Record, prints: building.Prints) -> None:
        with building.working(out, plan.name) as work:
            with tqdm(total=100, unit="%", leave=False, bar_format=_BAR) as bar:
                bar.set_description_str(plan.name)
                here = _Here(work, self._config, bar)
                made = make(plan.project, plan.folder, self._formats, here, self._config)
            files = building.keep(made.files, work, out, plan.name)
            record.put(plan.name, prints, files)
        for note in made.notes:
            say_line(f"note: {note}")
        known = made.found / max(made.found + made.drawn, 1)
        say_line(
            f"made {out / files[0]}: {made.seconds:.1f} s, {known:.0%} of it was there already"
        )


_BAR: Final = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"


def import_script(options: argparse.Namespace) -> None:
    """`import`. Raises ConfigError, Problem, OSError."""
    folder = options.output or Path(named(options.file.stem, 1))
    script = folder / SCRIPT
    if script.exists() and not options.force:
        raise ConfigError(f"{script} exists already: name another folder (-o), or give --force")
    with options.file.open("rb") as file:
        made = importing.imported(options.file.name, file)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in made.files.items():
        with whole(folder / name) as target:
            target.write(content)
    with whole(script) as target:
        target.write(made.text.encode())
    for note in made.notes:
        say_line(f"note: {note}")
    say_line(f"made {script}; `visavis build {folder}` makes a film of it")


def _formats(words: str) -> tuple[Format, ...]:
    """Raises ConfigError."""
    wanted = list(dict.fromkeys(words.replace(",", " ").split()))
    if unknown := [each for each in wanted if each not in FORMATS]:
        raise ConfigError(f"there is no format {unknown[0]!r}: {', '.join(FORMATS)}")
    return tuple(each for each in FORMATS if each in wanted)


def _dropped(config: Config) -> Callable[[str], Sequence[str]]:
    """Words of a direction that nobody understands; who does is loaded with the first one."""

    @cache
    def director() -> Any:
        return load.director(config.home_path)

    def dropped(wish: str) -> Sequence[str]:
        told: Sequence[str] = director().understand(wish).dropped
        return told

    return dropped


def _cast(store: AvatarStore, usual: str) -> Callable[[Scene], str]:
    """Hashes of the faces of scenes, and of voices that are somebody's own."""
    own = OwnVoices(store)

    @cache
    def of(path: Path) -> str:
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:  # which the checks have told
            return ""

    def cast(scene: Scene) -> str:
        face = voice = ""
        with suppress(NotFound, AvatarError):  # which the checks have told, too
            face = of(store.path(scene.avatar or usual))
            voice = of(own.file(scene.voice)) if scene.voice else ""
        return f"{face} {voice}"

    return cast


def _seen(config: Config) -> dict[str, Any]:
    return {name: getattr(config, name) for name in _SEEN}


def _tell(plan: Plan, faults: Sequence[Fault]) -> None:
    for fault in faults[:_TOLD]:
        say_line(f"{plan.path}: {'' if fault.grave else 'note: '}{fault}")
    if (more := len(faults) - _TOLD) > 0:
        say_line(f"{plan.path}: and {more} more")


def _few(names: Sequence[str]) -> str:
    told = ", ".join(names[:_NAMED])
    return f"{told} and {len(names) - _NAMED} more" if len(names) > _NAMED else told
