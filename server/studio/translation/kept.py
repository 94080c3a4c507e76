"""Translations beside their script: `script.de.md`, and what is known of each text of it.

A translation is a script that people read and edit like any other. `script.de.json` beside it says
of each text which source it was made from and who has read it; where they edited the script by
hand, their words count, and are taken for checked. Everything here reads and writes files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from visavis.engines.language.languages import LANGUAGES, code_of, is_right_to_left
from visavis.models.files import PRIVATE, whole
from visavis.server.studio.document import writing
from visavis.server.studio.document.project import Project, Scene
from visavis.server.studio.document.reading import LARGEST, read
from visavis.server.studio.translation.fitting import reworded
from visavis.server.studio.translation.pairs import (
    ENGLISH,
    FIELDS,
    STATES,
    Key,
    Pair,
    State,
    Text,
    Translation,
    applied,
    texts,
)
from visavis.server.system import strict_json
from visavis.server.system.errors import NotFound, Unprocessable

_TAG: Final = re.compile(r"[a-z]{2,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?", re.ASCII)
_FILE: Final = re.compile(r"script\.([A-Za-z-]{2,11})\.md")
_ABSENT: Final = "translation-missing"


@dataclass(frozen=True, slots=True)
class Standing:
    """A translation as it lies there, beside the script as it is now.

    project: the translated script; by: who translated it, "" where nobody says.
    """

    language: str
    project: Project
    pairs: tuple[Pair, ...]
    by: str = ""
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For the page and the API."""
        return {
            "language": self.language,
            "direction": direction(self.language),
            "by": self.by,
            "pairs": [pair.as_json() for pair in self.pairs],
            "notes": list(self.notes),
        }


def tag(language: str) -> str:
    """A BCP 47 tag as it is written here: "PT-br" -> "pt-BR". Raises Unprocessable."""
    plain = language.strip().replace("_", "-").lower()
    if not _TAG.fullmatch(plain) or code_of(plain) not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        msg = f"{language[:20]!r} is no language that can be spoken here: choose one of {known}."
        raise Unprocessable(msg, "language-invalid")
    first, *more = plain.split("-")
    return "-".join([first, *(part.title() if len(part) == 4 else part.upper() for part in more)])


def direction(language: str) -> str:
    """In which it is written, as HTML has it."""
    return "rtl" if is_right_to_left(language) else "ltr"


def script_name(language: str) -> str:
    """The file of a translation, in the project's folder."""
    return f"script.{language}.md"


def note_name(language: str) -> str:
    """The file of what is known of its texts."""
    return f"script.{language}.json"


def languages(folder: Path) -> tuple[str, ...]:
    """Those there are translations in."""
    found = (_FILE.fullmatch(path.name) for path in folder.glob("script.*.md"))
    return tuple(sorted(each[1] for each in found if each and _is_tag(each[1])))


def _is_tag(text: str) -> bool:
    try:
        return tag(text) == text
    except Unprocessable:
        return False


def standing(project: Project, folder: Path, language: str) -> Standing:
    """What lies there. Raises NotFound, ScriptError."""
    try:
        text = (folder / script_name(language)).read_bytes()[:LARGEST].decode(errors="replace")
    except FileNotFoundError:
        msg = (
            f"There is no translation into {language}: make one (`visavis translate`, or the "
            "studio's page)."
        )
        raise NotFound(msg, _ABSENT) from None
    made = read(text)
    note = _note(folder / note_name(language))
    known = {(row.get("scene"), row.get("field")): row for row in _rows(note)}
    targets = {each.key: each.text for each in texts(made)}
    rates = {scene.name: scene.rate for scene in made.scenes}
    pairs = tuple(
        _pair(each, targets.get(each.key, ""), known.get(each.key, {}), rates)
        for each in texts(project)
    )
    by = note.get("by")
    return Standing(language, made, pairs, by if isinstance(by, str) else "", _told(note))


def save(project: Project, folder: Path, translation: Translation | Standing) -> Standing:
    """Write it down and read it again. project: the source. Raises OSError."""
    path = folder / script_name(translation.language)
    before = path.read_text(errors="replace") if path.is_file() else ""
    made = translation.project
    text = writing.rewritten(made, before) if before else writing.write(made)
    note = {
        "by": translation.by,
        "notes": list(translation.notes),
        "pairs": [pair.as_json() for pair in translation.pairs],
    }
    _put(path, text)
    _put(
        folder / note_name(translation.language),
        json.dumps(note, indent=1, ensure_ascii=False) + "\n",
    )
    return standing(project, folder, translation.language)


def remove(folder: Path, language: str) -> None:
    """Raises NotFound."""
    path = folder / script_name(language)
    if not path.is_file():
        raise NotFound(f"There is no translation into {language}.", _ABSENT)
    path.unlink()
    (folder / note_name(language)).unlink(missing_ok=True)


def reviewed(
    there: Standing, project: Project, changes: Mapping[Key, tuple[str, State]]
) -> Standing:
    """With what somebody wrote or checked. project: the source. Raises Unprocessable."""
    held = {pair.key: pair for pair in there.pairs}
    if unknown := [key for key in changes if key not in held]:
        scene, field = unknown[0]
        msg = f"The script has no {field} of scene {scene!r}: load the translation again."
        raise Unprocessable(msg, "pair-unknown")
    own = {each.key: each.language for each in texts(project)}
    pairs = tuple(
        _changed(pair, changes.get(pair.key), own[pair.key], there.language) for pair in there.pairs
    )
    return replace(there, pairs=pairs, project=_with(there.project, project, pairs))


def in_language(project: Project, folder: Path, language: str) -> tuple[Project, tuple[str, ...]]:
    """The project as it is filmed in a language, and what a person should know of it.

    The script decides on everything but words: pictures, backgrounds and the order of scenes are
    those of today; words, voices, rates and spellings are the translation's. Raises NotFound,
    Unprocessable.
    """
    wanted, own = tag(language), project.language or ENGLISH
    absent = not (folder / script_name(wanted)).is_file()
    if wanted == own or (absent and code_of(wanted) == code_of(own)):
        return project, ()
    there = standing(project, folder, wanted)
    if lacking := [pair.scene for pair in there.pairs if not pair.target.strip()]:
        named = ", ".join(dict.fromkeys(scene or "the title" for scene in lacking))
        msg = f"The translation into {wanted} lacks {named}: translate it again."
        raise Unprocessable(msg, _ABSENT)
    stale = dict.fromkeys(
        pair.scene or "the title" for pair in there.pairs if pair.state == "stale"
    )
    notes = tuple(f"{name}: changed since it was translated into {wanted}." for name in stale)
    return _with(there.project, project, there.pairs), notes


# --- inside --------------------------------------------------------------------------------------


def _with(made: Project, source: Project, pairs: Sequence[Pair]) -> Project:
    """The source with the words of pairs and what else is the translation's."""
    own = {scene.name: scene for scene in made.scenes}
    put = applied(source, made.language, pairs, lambda _voice, _avatar, _language: "")
    scenes = tuple(_spoken_as(scene, own.get(scene.name)) for scene in put.scenes)
    return replace(put, scenes=scenes, voice=made.voice, pronounce=made.pronounce)


def _spoken_as(scene: Scene, made: Scene | None) -> Scene:
    return scene if made is None else replace(scene, voice=made.voice, style=made.style)


def _pair(text: Text, target: str, row: Mapping[str, Any], rates: Mapping[str, float]) -> Pair:
    """A text as it is now, beside what its translation says and what is known of that."""
    source, noted = row.get("source"), row.get("target")
    state: State = "checked"
    if noted == target and row.get("state") in STATES:
        state = row["state"]
    if not target.strip() or (isinstance(source, str) and source != text.text):
        state = "stale"
    fit = _number(row.get("fit"))
    rate = rates.get(text.scene, 1.0) if text.field == "text" else 1.0
    return Pair(text.scene, text.field, text.text, target, state, fit, rate)


def _changed(pair: Pair, change: tuple[str, State] | None, source: str, language: str) -> Pair:
    if change is None:
        return pair
    target, state = change
    made = pair if target == pair.target else reworded(pair, target, source, language)
    return replace(made, state="stale" if not target.strip() else state)


def _note(path: Path) -> Mapping[str, Any]:
    try:
        value = strict_json.parse(path.read_bytes()[:LARGEST].decode())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _rows(note: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    rows = note.get("pairs")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("field") in FIELDS:
            yield row


def _told(note: Mapping[str, Any]) -> tuple[str, ...]:
    notes = note.get("notes")
    return tuple(each for each in notes if isinstance(each, str)) if isinstance(notes, list) else ()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0.05 < value < 20 else 1.0


def _put(path: Path, text: str) -> None:
    with whole(path, PRIVATE) as file:
        file.write(text.encode(errors="ignore"))
