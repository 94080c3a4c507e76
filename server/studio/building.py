"""Projects in folders made into films beside them, and only what changed made anew.

A film of which nothing changed is not begun; of one of which a scene changed, film/ makes that
scene's sentences and takes the others from where they are kept. A record beside the films says what
each was made of.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from visavis.engines.base import EngineError
from visavis.models.files import whole
from visavis.server.studio.document.faults import ScriptError
from visavis.server.studio.document.naming import named
from visavis.server.studio.document.project import Project, Scene
from visavis.server.studio.document.reading import LARGEST, Script, parse
from visavis.server.studio.document.writing import as_json
from visavis.server.studio.translation import kept
from visavis.server.system import strict_json
from visavis.server.system.errors import ConfigError

SCRIPT: Final = "script.md"
OUT: Final = "out"  # of a project's folder: where its films lie

_TRANSLATED: Final = re.compile(r"script\.([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3})\.md")
_MADE: Final = "film"  # what the maker calls its files
_WORK: Final = ".making"
_RECORD: Final = ".made.json"
_FORM: Final = 1  # of the record: older ones count as none
_PIECE: Final = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """One film that is to be. name: of its files. language: "" of the script itself."""

    folder: Path
    path: Path
    name: str
    language: str
    script: Script

    @property
    def project(self) -> Project:
        """What the script says."""
        return self.script.project


@dataclass(frozen=True, slots=True)
class Prints:
    """What a film is made of. scenes: their hashes by name; whole: of all else."""

    whole: str
    scenes: Mapping[str, str]

    def same(self, before: Prints | None) -> bool:
        """Whether nothing changed, the order of the scenes neither."""
        if before is None or before.whole != self.whole:
            return False
        return list(before.scenes.items()) == list(self.scenes.items())

    def changed(self, before: Prints | None) -> tuple[str, ...]:
        """Names of scenes that are new or not what they were."""
        if before is None or before.whole != self.whole:
            return tuple(self.scenes)
        return tuple(name for name, each in self.scenes.items() if before.scenes.get(name) != each)


@dataclass(slots=True)
class Record:
    """What the films of a folder were made of, and which files each has."""

    path: Path
    films: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, out: Path) -> Record:
        """That of a folder; an empty one where there is none, or it cannot be read."""
        path = out / _RECORD
        try:
            given = strict_json.parse(path.read_text("utf-8"))
        except (OSError, ValueError):
            given = None
        if not isinstance(given, dict) or given.get("form") != _FORM:
            return cls(path)
        films = given.get("films")
        return cls(path, films if isinstance(films, dict) else {})

    def prints(self, name: str) -> Prints | None:
        """Of the film of that name, if all its files are there."""
        film = self.films.get(name)
        files = film.get("files") if isinstance(film, dict) else None
        if not isinstance(film, dict) or not isinstance(files, list) or not files:
            return None
        if not all((self.path.parent / str(file)).is_file() for file in files):
            return None
        scenes = film.get("scenes")
        return Prints(str(film.get("whole")), scenes if isinstance(scenes, dict) else {})

    def put(self, name: str, prints: Prints, files: Sequence[str]) -> None:
        """It is made. Raises OSError."""
        self.films[name] = {**asdict(prints), "files": list(files)}
        with whole(self.path) as file:
            told = {"form": _FORM, "films": self.films}
            file.write(json.dumps(told, ensure_ascii=False, indent=1).encode() + b"\n")


def found(path: Path) -> list[Path]:
    """The folders of projects: this one, or those below it; of a script, its own.

    Raises ConfigError where there is none.
    """
    if path.is_file():
        if path.name != SCRIPT:
            raise ConfigError(f"{path} is no project: `visavis import {path}` makes one of it")
        return [path.parent]
    if (path / SCRIPT).is_file():
        return [path]
    below = sorted(script.parent for script in path.glob(f"**/{SCRIPT}") if _is_shown(script, path))
    if not below:
        raise ConfigError(f"{path} holds no {SCRIPT}: write one, or make one with `visavis import`")
    return below


def plans(folder: Path, languages: Sequence[str] | None = None) -> list[Plan]:
    """The films of a project: of its script, and of each of its translations.

    languages: of which alone; "" is the script's own. Raises ScriptError, ConfigError, OSError.
    """
    name = named(folder.resolve().name, 1)
    scripts = {"": folder / SCRIPT}
    for path in sorted(folder.glob("script.*.md")):
        if translated := _TRANSLATED.fullmatch(path.name):
            scripts[translated[1]] = path
    wanted = list(scripts) if languages is None else list(languages)
    made = []
    for tag in wanted:
        if tag not in scripts:
            why = f"`visavis translate {folder} {tag}` makes it"
            raise ConfigError(f"{folder} has no script.{tag}.md: {why}")
        suffix = f".{tag}" if tag else ""
        made.append(Plan(folder, scripts[tag], f"{name}{suffix}", tag, _script(scripts, tag)))
    return made


def _script(scripts: Mapping[str, Path], tag: str) -> Script:
    """As it is filmed: a translation's words in today's script. Raises ScriptError, Problem."""
    script = _read(scripts[tag])
    if not tag:
        return script
    today = _read(scripts[""])
    made, _notes = kept.in_language(today.project, scripts[tag].parent, tag)
    stood = {
        scene.name: part
        for each in (today, script)
        for scene, part in zip(each.project.scenes, each.parts, strict=True)
    }
    return Script(made, script.head, tuple(stood[scene.name] for scene in made.scenes))


def prints(
    plan: Plan, formats: Sequence[str], cast: Callable[[Scene], str], settings: Mapping[str, Any]
) -> Prints:
    """What its film is made of now. cast: a complete scene -> a hash of who is seen and heard.

    settings: of the installation, as far as they are seen or heard. Raises OSError.
    """
    project, files = plan.project, _Files(plan.folder)
    own = as_json(replace(project, scenes=()))
    used = [project.music.file] if project.music else []
    told = [version("visavis"), own, sorted(formats), dict(settings), files.hashes(used)]
    return Prints(
        _hash(*told), {s.name: _of_scene(project.complete(s), files, cast) for s in project.scenes}
    )


def keep(made: Mapping[str, str], work: Path, out: Path, name: str) -> list[str]:
    """Put a film's finished files where they belong; their names. Raises EngineError, OSError."""
    kept = []
    for path in sorted(work.iterdir()):
        if path.is_file() and path.name.startswith(_MADE):
            target = f"{name}{path.name.removeprefix(_MADE)}"
            path.replace(out / target)
            kept.append(target)
    if len(kept) < len(set(made.values())):
        raise EngineError(f"{name}: a file of the film was not made")
    shutil.rmtree(work, ignore_errors=True)
    return kept


@contextmanager
def working(out: Path, name: str) -> Iterator[Path]:
    """A folder in which a film is made, for this program alone; kept until it is whole.

    Raises ConfigError while another one makes it, OSError.
    """
    work = out / _WORK / name
    work.mkdir(parents=True, exist_ok=True)
    with (out / f"{_WORK}-{name}.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"{out / name} is being made by another program already") from None
        try:
            yield work
        finally:
            Path(lock.name).unlink(missing_ok=True)
            _remove_empty(out / _WORK)


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # another film is being made, or one is to be gone on with
        return


def _is_shown(script: Path, top: Path) -> bool:
    return not any(part.startswith(".") for part in script.relative_to(top).parts)


def _read(path: Path) -> Script:
    """Raises ScriptError, ConfigError, OSError."""
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    try:
        return parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8: save it as such") from None
    except ScriptError as error:
        told = "\n  ".join(str(fault) for fault in error.faults)
        raise ConfigError(f"{path}:\n  {told}") from None


def _of_scene(scene: Scene, files: _Files, cast: Callable[[Scene], str]) -> str:
    used = [scene.sound, scene.beside.file if scene.beside else ""]
    if scene.background and scene.background.kind in {"picture", "video"}:
        used.append(scene.background.value)
    return _hash(asdict(scene), files.hashes(used), cast(scene))


class _Files:
    """Hashes of files, each read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, str] = {}

    def hashes(self, names: Sequence[str]) -> list[str]:
        return [self._hash(name) for name in names if name]

    def _hash(self, name: str) -> str:
        if name not in self._known:
            digest = hashlib.sha256()
            with (self._folder / name).open("rb") as file:
                while piece := file.read(_PIECE):
                    digest.update(piece)
            self._known[name] = digest.hexdigest()
        return self._known[name]


def _hash(*parts: Any) -> str:
    told = json.dumps(parts, sort_keys=True, default=str).encode()
    return hashlib.sha256(told).hexdigest()[:32]
