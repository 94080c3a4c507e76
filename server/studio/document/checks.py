"""What stands against a film of a project, before anything of it is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from visavis.engines.language import saying
from visavis.engines.language.brackets import unmarked, wishes
from visavis.engines.language.clauses import Clauses
from visavis.engines.language.languages import code_of
from visavis.engines.language.markup import plain
from visavis.server.studio.document.faults import Fault
from visavis.server.studio.document.length import pause, seconds
from visavis.server.studio.document.naming import PLACEHOLDER
from visavis.server.studio.document.project import Background, Project, Scene

LONGEST: Final = 120.0  # min of a film
_LONG: Final = 30.0  # min from which on somebody may have meant several
_NAMED: Final = 8  # words of a list that is told
_LONGEST_FILE: Final = 2 << 30  # bytes

_REMEMBERED: Final = 2000  # scenes
_PLACE: Final = re.compile(r"\{\{[^{}]{1,200}\}\}")
_EDGE: Final = re.compile(r"^\W+|\W+$")

Lines = Callable[[str], int]  # a scene's name -> its line, 0: unknown


@dataclass(frozen=True, slots=True)
class Known:
    """What an installation has.

    avatar: its name and the language that it is to speak -> why it may not, "": it may. voices:
    their names and languages. dropped: a direction -> its words that nobody understands. voice: as
    avatar, of voices that are somebody's own.
    """

    avatar: Callable[[str, str], str]
    voices: Mapping[str, str]
    dropped: Callable[[str], Sequence[str]]
    voice: Callable[[str, str], str] = lambda _name, _language: ""


def check(
    project: Project, folder: Path | None, known: Known, line: Lines = lambda _: 0
) -> tuple[Fault, ...]:
    """All that is wrong, the grave first. folder: with the project's files; None: not looked at."""
    found = list(_of_project(project, folder, known))
    for scene in project.scenes:
        at = line(scene.name)
        found += [
            Fault(fault.what, fault.fix, scene.name, at, fault.grave)
            for fault in _of_scene(scene, project, folder, known)
        ]
    return tuple(sorted(found, key=lambda fault: not fault.grave))


def unfilled(project: Project, line: Lines = lambda _: 0) -> tuple[Fault, ...]:
    """Places for a batch's cells, which one film would say and show as they stand."""
    found = []
    for scene in project.scenes:
        third = scene.lower_third
        texts = scene.text, scene.title or "", *((third.name, third.line) if third else ())
        if places := list(dict.fromkeys(_PLACE.findall(" ".join(texts)))):
            what = f"one film alone would say and show {_few(places)}"
            fix = "personalise it with a table, or write words there"
            found.append(Fault(what, fix, scene.name, line(scene.name), grave=False))
    return tuple(found)


def _of_project(project: Project, folder: Path | None, known: Known) -> Iterator[Fault]:
    if not project.scenes:
        yield Fault("there is nothing to film", "write what is to be said")
    minutes = seconds(project, folder) / 60
    if minutes > _LONG:
        what = f"the film would take about {minutes:.0f} minutes"
        fix = f"split the project: {LONGEST:.0f} at most" if minutes > LONGEST else "is that meant?"
        yield Fault(what, fix, grave=minutes > LONGEST)
    if project.music:
        yield from _missing(folder, project.music.file, "music")
    yield from _background(folder, project.background)
    yield from _direction(project.style, known)
    spoken = {code_of(language) for language in known.voices.values()}
    for language in project.languages:
        if code_of(language) not in spoken:
            yield Fault(f"no voice here speaks {language}", "see `visavis voices`", grave=False)
    said = " ".join(scene.text for scene in project.scenes).casefold()
    unused = [word for word in project.pronounce if word.casefold() not in said]
    if unused and PLACEHOLDER not in said:
        what = f"pronounce has what nobody says: {_few(unused)}"
        yield Fault(what, "write words as they stand in the text", grave=False)


def _of_scene(own: Scene, project: Project, folder: Path | None, known: Known) -> Iterator[Fault]:
    scene = project.complete(own)
    yield from _speaker(scene, known)
    yield from _direction(own.style, known)
    yield from _text(scene, project, known)
    for file, what in ((own.sound, "sound"), (own.beside.file if own.beside else "", "beside")):
        yield from _missing(folder, file, what)
    if own.background:
        yield from _background(folder, own.background)


def _speaker(scene: Scene, known: Known) -> Iterator[Fault]:
    language = "" if scene.sound else _language(scene, known)
    if not _open(scene.avatar, language) and (why := known.avatar(scene.avatar, language)):
        yield Fault(why, "choose another avatar, see `visavis avatar list`")
    if scene.sound or _open(scene.voice, scene.language) or not scene.voice:
        return
    if scene.voice not in known.voices:
        yield Fault(f"there is no voice {scene.voice!r}", "see `visavis voices`")
        return
    if why := known.voice(scene.voice, scene.language):
        yield Fault(why, "choose another voice, see `visavis voices`")
    speaks = known.voices[scene.voice]
    if scene.language and code_of(speaks) != code_of(scene.language):
        what = f"the voice {scene.voice} speaks {speaks}, and the text is {scene.language}"
        yield Fault(what, "choose another voice, see `visavis voices`", grave=False)


def _text(scene: Scene, project: Project, known: Known) -> Iterator[Fault]:
    if scene.sound:
        return
    if not scene.text:
        yield Fault("nothing is said in it", "write its words, name a recording, or remove it")
        return
    nothing, unsaid, asked = _said(
        scene.text, _language(scene, known), tuple(project.pronounce.items())
    )
    if nothing and PLACEHOLDER not in scene.text:
        yield Fault("no word of it can be said by the voice", "choose a voice of its language")
        return
    if unsaid:
        what = f"the voice leaves out what it cannot say: {_few(unsaid)}"
        yield Fault(what, "say under [pronounce] how they sound", grave=False)
    for wish in asked:
        if pause(wish) is None:
            yield from _direction(wish, known)


@lru_cache(_REMEMBERED)  # a page saves at each pause in typing, and most scenes stay as they are
def _said(
    text: str, language: str, pronounce: tuple[tuple[str, str], ...]
) -> tuple[bool, tuple[str, ...], tuple[str, ...]]:
    """Whether a voice of a language says nothing of a text, what it leaves out, and directions."""
    clauses, whole = Clauses(language), plain(text)
    said = unmarked(whole)
    for word, spelled in pronounce:
        said = said.replace(word, spelled)
    left: list[str] = []
    for clause in [*clauses.feed(said), *clauses.flush()]:
        left += saying.sayable(clause, language)[1]
    words = dict.fromkeys(_EDGE.sub("", word) for word in left)
    return saying.empty(text, language), tuple(words), tuple(dict.fromkeys(wishes(whole)))


def _language(scene: Scene, known: Known) -> str:
    """Of the text: its own, else its voice's, else English."""
    return scene.language or known.voices.get(scene.voice, "en")


def _direction(wish: str, known: Known) -> Iterator[Fault]:
    if not wish or PLACEHOLDER in wish:
        return
    if dropped := known.dropped(wish):
        what = f"nobody understands the direction {_few(dropped)}"
        yield Fault(what, "docs/directing.md says what can be asked for", grave=False)


def _background(folder: Path | None, background: Background) -> Iterator[Fault]:
    if background.kind in {"picture", "video"}:
        yield from _missing(folder, background.value, "background")


def _missing(folder: Path | None, file: str, what: str) -> Iterator[Fault]:
    if folder is None or _open(file) or not file:
        return
    try:
        size = (folder / file).stat().st_size if (folder / file).is_file() else -1
    except OSError:
        size = -1
    if size < 0:
        yield Fault(f"{what}: there is no file {file}", "put it into the project's folder")
    elif size == 0 or size > _LONGEST_FILE:
        why = "is empty" if size == 0 else f"has more than {_LONGEST_FILE >> 30} GB"
        yield Fault(f"{what}: the file {file} {why}", "put another one in its place")


def _open(*texts: str) -> bool:
    """Whether one of them is still to be filled in."""
    return any(PLACEHOLDER in text for text in texts)


def _few(words: Sequence[str]) -> str:
    told = ", ".join(words[:_NAMED])
    return f"{told} and {len(words) - _NAMED} more" if len(words) > _NAMED else told
