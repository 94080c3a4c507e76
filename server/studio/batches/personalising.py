"""A project and one row of a table -> that person's project."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

from visavis.engines.language.languages import LANGUAGES, code_of
from visavis.server.studio.batches import templates
from visavis.server.studio.batches.templates import EmptyCell, TemplateError
from visavis.server.studio.document import forms
from visavis.server.studio.document.project import Background, Beside, Frame, Project, Scene

# Columns that say how a row is filmed, not only what is said in it.
OWN: Final = ("language", "voice", "avatar", "style", "background")
SAID: Final = "_said"  # behind a column's name: how its words are spelled for the voice
_TAG: Final = re.compile("[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")
_FIXED: Final = frozenset(
    {(Scene, "name"), (Background, "kind"), (Beside, "side"), (Frame, "aspect")}
)
_BRACKETS: Final = str.maketrans("[]", "()")  # a cell directs nobody
_PROJECT: Final = "the project"

Fill = Callable[[str, str], str]  # what place it is, in words; the text -> what it becomes


def personalised(project: Project, row: Mapping[str, str]) -> Project:
    """The project with a row's words in every text, and the row's language, voice and so on.

    row: cells by the keys of their columns. A scene whose text comes out empty is left out. Raises
    TemplateError where a text cannot be filled, or needs a cell that is empty.
    """

    def fill(place: str, text: str) -> str:
        try:
            filled = templates.fill(text, _words(row, place))
        except TemplateError as error:
            raise TemplateError(f"{place}: {error}") from error
        if filled.empty:
            raise EmptyCell(place, filled.empty)
        return filled.text

    return arranged(texts(project, fill), row)


def arranged(project: Project, row: Mapping[str, str]) -> Project:
    """What a row says beside words: its language, voice, avatar, style, background, spellings."""
    project = _in_language(project, row)
    if wanted := row.get("background"):
        project = replace(project, background=background(wanted))
    said = {
        row[name.removesuffix(SAID)]: spelled.translate(_BRACKETS)
        for name, spelled in row.items()
        if name.endswith(SAID) and spelled and row.get(name.removesuffix(SAID))
    }
    return replace(
        project,
        voice=row.get("voice") or project.voice,
        avatar=row.get("avatar") or project.avatar,
        style=row.get("style") or project.style,
        pronounce={**project.pronounce, **said},
    )


def background(words: str) -> Background:
    """As a script's short form has it; "Blur" is "blur". Raises TemplateError."""
    found = forms.background(words) or forms.background(words.lower())
    if found is None:
        raise TemplateError(f"{words!r} is no background: {forms.BACKGROUNDS}")
    return found


def texts(project: Project, fill: Fill) -> Project:
    """Every text of the project through `fill`; a scene without words and sound is left out."""
    filled = _each(replace(project, scenes=()), _PROJECT, fill)
    scenes = tuple(_each(scene, f"scene {scene.name}", fill) for scene in project.scenes)
    kept = tuple(
        scene
        for scene, was in zip(scenes, project.scenes, strict=True)
        if scene.text.strip() or scene.sound or not was.text.strip()
    )
    whole: Project = replace(filled, scenes=kept)
    return whole


def _each(thing: Any, place: str, fill: Fill) -> Any:
    """A dataclass with all of its texts filled, and of those within it."""
    changed: dict[str, Any] = {}
    for field in fields(thing):
        value = getattr(thing, field.name)
        where = f"{place}, {field.name.replace('_', ' ')}"
        if (type(thing), field.name) in _FIXED:
            continue
        if isinstance(value, str):
            changed[field.name] = fill(where, value)
        elif is_dataclass(value):
            changed[field.name] = _each(value, where, fill)
        elif isinstance(value, Mapping):
            changed[field.name] = {name: fill(where, words) for name, words in value.items()}
    if isinstance(thing, Background) and changed.get("value", thing.value) != thing.value:
        return background(changed["value"])  # only now is it known what it is
    return replace(thing, **changed)


def _words(row: Mapping[str, str], place: str) -> Mapping[str, str]:
    """A row's cells for one text: in what is spoken, a cell's brackets are no directions."""
    if not place.endswith(", text"):
        return row
    return {name: cell.translate(_BRACKETS) for name, cell in row.items()}


def language_of(words: str) -> str:
    """A tag of BCP 47, or a language's name in English -> the tag. Raises TemplateError."""
    named = [one.code for one in LANGUAGES.values() if one.name.casefold() == words.casefold()]
    tag = named[0] if named else words.replace("_", "-")
    if not _TAG.fullmatch(tag) or code_of(tag) not in LANGUAGES:
        told = ", ".join(f"{code} ({LANGUAGES[code].name})" for code in list(LANGUAGES)[:6])
        raise TemplateError(f"{words!r} is no language that is known: write {told} or another tag")
    return tag


def _in_language(project: Project, row: Mapping[str, str]) -> Project:
    """In the row's language; a voice of another one is not kept. Raises TemplateError."""
    if not row.get("language"):
        return project
    language = language_of(row["language"])
    if code_of(language) != (code_of(project.language) or "en"):
        scenes = tuple(
            scene if scene.language else replace(scene, voice="") for scene in project.scenes
        )
        project = replace(project, voice="", scenes=scenes)
    return replace(project, language=language)
