"""Projects written as scripts, for people and for a diff, and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from visavis.server.studio.document import forms
from visavis.server.studio.document.faults import ScriptError
from visavis.server.studio.document.naming import named
from visavis.server.studio.document.parts import FENCE, Part, escaped
from visavis.server.studio.document.patching import patched
from visavis.server.studio.document.project import (
    Background,
    Beside,
    Frame,
    LowerThird,
    Music,
    Project,
    Scene,
)
from visavis.server.studio.document.reading import Script, parse, read

_BARE: Final = re.compile("[A-Za-z0-9_-]+")


def write(project: Project) -> str:
    """A project as its script; what is as usual is left out. `reading.read` gives it back."""
    pieces = [_head(project), *_scenes(project)]
    return "".join(pieces).rstrip("\n") + "\n"


def rewritten(project: Project, before: str) -> str:
    """The same, where a script was there before: what did not change stays as it stood.

    So comments, the order of settings and the way in which lines are broken are kept, setting by
    setting and scene by scene, and a diff shows what was changed alone.
    """
    try:
        old = parse(before)
    except ScriptError:
        return write(project)
    if old.project == project:
        return before
    for patching in (True, False):
        text = "".join(_kept(project, old, patching=patching)).rstrip("\n") + "\n"
        if _means(text, project):
            return text
    return write(project)


def _means(text: str, project: Project) -> bool:
    try:
        return read(text) == project
    except ScriptError:
        return False


def as_json(project: Project) -> dict[str, Any]:
    """All fields, for the page and the API; `reading.from_json` gives the project back."""
    given = asdict(replace(project, pronounce=dict(project.pronounce)))
    return {key: list(each) if isinstance(each, tuple) else each for key, each in given.items()}


# --- the whole -----------------------------------------------------------------------------------


def _head(project: Project) -> str:
    settings = "\n".join(_project_lines(project))
    return f"{FENCE}\n{settings}\n{FENCE}\n\n" if settings else ""


def _scenes(project: Project) -> Iterator[str]:
    alone = len(project.scenes) == 1
    for number, scene in enumerate(project.scenes, 1):
        if alone and scene == Scene(named("", 1), scene.text) and scene.text:
            yield f"{escaped(scene.text)}\n"
        else:
            yield _scene(scene, number)


def _kept(project: Project, old: Script, *, patching: bool) -> Iterator[str]:
    """Each part as it stood, where it says the same. patching: changed lines alone elsewhere."""
    yield _kept_head(project, old, patching=patching)
    before = {
        scene.name: (scene, part) for scene, part in zip(old.project.scenes, old.parts, strict=True)
    }
    for number, scene in enumerate(project.scenes, 1):
        was, part = before.get(scene.name, (None, None))
        if was is None or part is None or (part.heading is None and number > 1):
            yield _scene(scene, number)
        elif was == scene:
            yield part.source if part is not old.parts[-1] else f"{part.source.rstrip()}\n\n"
        else:
            yield _kept_scene(scene, was, part, number, patching=patching)


def _kept_head(project: Project, old: Script, *, patching: bool) -> str:
    source, below = old.head.source, "" if old.parts else "\n"
    if replace(project, scenes=()) == replace(old.project, scenes=()):
        return f"{source.rstrip()}\n\n" if below and source.strip() else source
    if patching and source.strip():
        changed = patched(
            old.head.settings, [*_project_lines(old.project)], [*_project_lines(project)]
        )
        if changed is not None and changed.strip():
            return source.replace(old.head.settings, changed, 1) + below
    # Blank lines above a text without a heading are that part's.
    blank = bool(old.parts) and old.parts[0].source.startswith("\n")
    return _head(project).removesuffix("\n") if blank else _head(project)


def _kept_scene(scene: Scene, was: Scene, part: Part, number: int, *, patching: bool) -> str:
    """One that changed: its top, as far as it says the same, and its text."""
    text = f"{_gap(part)}{escaped(scene.text)}\n\n" if scene.text else "\n"
    if part.heading is None:
        return _scene(scene, number)
    if was == replace(scene, text=was.text):
        return part.top + text
    changed = None
    if patching and part.settings and scene.title == was.title:
        changed = patched(
            part.settings, [*_scene_lines(was, number)], [*_scene_lines(scene, number)]
        )
    if not changed or not changed.strip():
        return _scene(scene, number)
    return part.top.replace(part.settings, changed, 1) + text


def _gap(part: Part) -> str:
    """Blank lines between the top of a part and its text."""
    rest = part.source[len(part.top) :]
    return "\n" * (len(rest) - len(rest.lstrip("\n"))) if rest.strip() else "\n"


def _scene(scene: Scene, number: int) -> str:
    shown = scene.title if _says_name(scene, number) else scene.name
    settings = "".join(f"{line}\n" for line in _scene_lines(scene, number))
    block = f"{FENCE}\n{settings}{FENCE}\n" if settings else ""
    text = f"\n{escaped(scene.text)}\n" if scene.text else ""
    return f"# {shown}\n{block}{text}\n"


def _says_name(scene: Scene, number: int) -> bool:
    """Whether the title is a heading that names the scene as it is named."""
    title = scene.title
    plain = " ".join(title.split()) == title and not title.endswith("#")
    return title not in {"", scene.name} and plain and named(title, number) == scene.name


# --- settings ------------------------------------------------------------------------------------


def _project_lines(project: Project) -> Iterator[str]:
    lines = [*_own(project), *_shown(project), *_across_languages(project)]
    yield from lines
    if project.pronounce:
        if lines:
            yield ""
        yield "[pronounce]"
        for word, said in project.pronounce.items():
            yield _line(word, said)


def _own(project: Project) -> Iterator[str]:
    for key in ("title", "avatar", "voice", "language", "style"):
        if text := getattr(project, key):
            yield _line(key, text)


def _shown(project: Project) -> Iterator[str]:
    if project.frame != Frame():
        yield _line("frame", f"{project.frame.aspect} {project.frame.lines}p")
    if project.background != Background():
        yield _line("background", _background(project.background))
    if project.music is not None:
        yield _line("music", _music(project.music))
    if project.subtitles:
        yield _line("subtitles", True)


def _across_languages(project: Project) -> Iterator[str]:
    for key in ("languages", "glossary"):
        if texts := getattr(project, key):
            yield _line(key, list(texts))


def _scene_lines(scene: Scene, number: int) -> Iterator[str]:
    if scene.title and not _says_name(scene, number):
        yield _line("title", scene.title)
    for key in ("sound", "avatar", "voice", "language", "style"):
        if text := getattr(scene, key):
            yield _line(key, text)
    if scene.background is not None:
        yield _line("background", _background(scene.background))
    if scene.beside is not None:
        yield _line("beside", _beside(scene.beside))
    if scene.lower_third is not None:
        yield _line("lower_third", _lower_third(scene.lower_third))
    if scene.after != Scene("").after:
        yield _line("after", scene.after)
    if scene.rate != Scene("").rate:
        yield _line("rate", scene.rate)


def _background(background: Background) -> str | dict[str, Any]:
    short = background.value or background.kind
    return short if forms.background(short) == background else asdict(background)


def _beside(beside: Beside) -> str | dict[str, Any]:
    return _brief(beside, Beside(beside.file), "file")


def _lower_third(lower: LowerThird) -> str | dict[str, Any]:
    return _brief(lower, LowerThird(lower.name), "name")


def _music(music: Music) -> str | dict[str, Any]:
    return _brief(music, Music(music.file), "file")


def _brief(thing: Beside | LowerThird | Music, usual: Any, key: str) -> str | dict[str, Any]:
    """Its one text if all else is as usual, else what is not."""
    fields, same = asdict(thing), asdict(usual)
    own = {name: value for name, value in fields.items() if name == key or value != same[name]}
    return str(own[key]) if len(own) == 1 and own[key] else own


# --- TOML ----------------------------------------------------------------------------------------


def _line(key: str, value: Any) -> str:
    return f"{_key(key)} = {_value(value)}"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, list):
        return f"[{', '.join(_value(each) for each in value)}]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_line(key, each) for key, each in value.items()) + " }"
    return _text(value)


def _text(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
