"""Scripts and JSON read into projects. Everything that is wrong is told at once, with its line."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from visavis.server.studio.document import forms
from visavis.server.studio.document.faults import Fault, ScriptError
from visavis.server.studio.document.naming import is_name, named
from visavis.server.studio.document.parts import Part, cut
from visavis.server.studio.document.project import Project, Scene
from visavis.server.studio.document.values import Values, tidied

LARGEST: Final = 2 << 20  # bytes of a script: 50,000 words are 0.3 MB
MOST_SCENES: Final = 1000

_AT: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
# What people write under [pronounce]: Gdańsk = "...", New York = "..."
_UNQUOTED: Final = re.compile(
    r"^([ \t]*)([^\W\d_][^\n=\"'\[\]{}#\\]{0,100}?)([ \t]*=)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Script:
    """A script as it stands: the project, the part of its settings, and the parts of its scenes."""

    project: Project
    head: Part
    parts: tuple[Part, ...]

    def line(self, scene: str) -> int:
        """The line in which a scene begins; 0 of one that is not there."""
        named_so = zip(self.project.scenes, self.parts, strict=True)
        return next((part.line for each, part in named_so if each.name == scene), 0)


def read(text: str) -> Project:
    """A script, see `parts`; a text without any settings is one scene. Raises ScriptError."""
    return parse(text).project


def parse(text: str) -> Script:
    """The same, with where everything stands. Raises ScriptError."""
    _check_size(text)
    faults: list[Fault] = []
    head, parts = cut(tidied(text), faults)
    project = forms.head(_values(head, "", faults))
    scenes = tuple(_scene(part, number, faults) for number, part in enumerate(parts, 1))
    _check_scenes(scenes, [part.line for part in parts], faults)
    if faults:
        raise ScriptError(sorted(faults, key=lambda fault: fault.line))
    return Script(replace(project, scenes=scenes), head, parts)


def from_json(given: Any) -> Project:
    """What `writing.as_json` gives, or parts of it. Raises ScriptError."""
    faults: list[Fault] = []
    if not isinstance(given, Mapping) or not isinstance(given.get("scenes", []), list):
        raise ScriptError([Fault("this is no project", 'send {"title": ..., "scenes": [...]}')])
    listed = given.get("scenes", [])
    own = {key: value for key, value in given.items() if key != "scenes"}
    project = forms.head(Values(own, _noting("", lambda _: 0, faults)))
    tables = [each for each in listed[: MOST_SCENES + 1] if isinstance(each, Mapping)]
    if len(tables) < len(listed[: MOST_SCENES + 1]):
        faults.append(
            Fault("scenes has what is no scene", 'write each as {"name": ..., "text": ...}')
        )
    scenes = tuple(_scene_of(table, number, faults) for number, table in enumerate(tables, 1))
    _check_scenes(scenes, [0] * len(scenes), faults)
    _check_size("".join(scene.text for scene in scenes))
    if faults:
        raise ScriptError(faults)
    return replace(project, scenes=scenes)


def _scene(part: Part, number: int, faults: list[Fault]) -> Scene:
    heading = part.heading or ""
    name = named(heading, number)
    shown = "" if heading == name else " ".join(heading.split())
    return forms.scene(_values(part, name, faults), name, part.text, shown)


def _scene_of(table: Mapping[str, Any], number: int, faults: list[Fault]) -> Scene:
    own = {key: value for key, value in table.items() if key not in {"name", "text"}}
    name, text = table.get("name") or f"scene-{number}", table.get("text") or ""
    if not isinstance(name, str) or not isinstance(text, str):
        faults.append(Fault(f"scene {number} has no text for its name or its words", "send texts"))
        name, text = f"scene-{number}", ""
    if not is_name(name):
        fix = f"call it {named(name, number)!r}"
        faults.append(Fault(f"scene {number} cannot be called so", fix))
        name = named(name, number)
    values = Values(own, _noting(name, lambda _: 0, faults))
    return forms.scene(values, name, tidied(text).strip())


def _values(part: Part, scene: str, faults: list[Fault]) -> Values:
    """The settings of a part, empty where they are no TOML."""

    def line(key: str) -> int:
        first = re.escape(key.split(".")[0])
        found = re.search(rf'^[ \t]*(?:\[[ \t]*)?["\']?{first}\b', part.settings, re.MULTILINE)
        above = part.settings[: found.start()].count("\n") if found else -1
        return part.settings_line + above

    try:
        given = _table(part.settings)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        faults.append(_broken(error, part, scene))
        given = {}
    return Values(given, _noting(scene, line, faults))


def _table(settings: str) -> dict[str, Any]:
    """TOML, and names of any letters without quotes. Raises TOMLDecodeError, RecursionError."""
    try:
        return tomllib.loads(settings)
    except tomllib.TOMLDecodeError:
        quoted = _UNQUOTED.sub(r'\1"\2"\3', settings)
        if quoted == settings:
            raise
        return tomllib.loads(quoted)


def _broken(error: Exception, part: Part, scene: str) -> Fault:
    found = _AT.search(str(error))
    within = int(found[1]) if found and found[1] else part.settings.count("\n") + 1
    fix = 'write each as name = "value", a line each'
    line = part.settings_line + within - 1
    return Fault("the settings cannot be read from here on", fix, scene, line)


def _noting(scene: str, line: Any, faults: list[Fault]) -> Any:
    def note(key: str, what: str, fix: str) -> None:
        faults.append(Fault(what, fix, scene, line(key)))

    return note


def _check_scenes(scenes: tuple[Scene, ...], lines: list[int], faults: list[Fault]) -> None:
    if len(scenes) > MOST_SCENES:
        fix = f"split the project: {MOST_SCENES} at most"
        faults.append(Fault(f"it has {len(scenes)} scenes", fix))
    seen: Counter[str] = Counter()
    for scene, line in zip(scenes, lines, strict=True):
        seen[scene.name] += 1
        if seen[scene.name] == 2:
            what = f"there is a scene {scene.name} already"
            faults.append(Fault(what, "give one of them another heading", scene.name, line))


def _check_size(text: str) -> None:
    size = len(text.encode(errors="replace"))
    if size > LARGEST:
        fix = f"split it: {LARGEST >> 20} MB at most"
        raise ScriptError([Fault(f"the script has {size / (1 << 20):.1f} MB", fix)])
