"""Markdown -> scenes: one a heading. What is not said of it (code, comments, tables' bars) is left
out; a picture of it stands beside the speaker once it is put into the project.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

from visavis.engines.language.markup import plain
from visavis.server.studio.document.forms import PICTURES
from visavis.server.studio.document.naming import file_fault
from visavis.server.studio.document.project import Beside, Project, Scene
from visavis.server.studio.document.writing import write
from visavis.server.studio.imports.imported import Imported, Names

_FRONT: Final = re.compile(r"---[ \t]*\n(.{0,65536}?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_TITLE: Final = re.compile(r"^title:[ \t]*(.{1,400})$", re.MULTILINE)
_HEADING: Final = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_UNDERLINE: Final = re.compile(r" {0,3}(=+|-+)[ \t]*")
_FENCE: Final = re.compile(r" {0,3}(```|~~~)")
_PICTURE: Final = re.compile(
    r"!\[[^\[\]\n]{0,300}\]\(\s?<?([^()\s<>]{1,500})>?(?:\s\"[^\"\n]{0,100}\")?\)"
)
_LONGEST: Final = 200  # characters of a heading that is shown


def imported(text: str) -> Imported:
    """A text as `text_of` gives it."""
    title, body = _front(text)
    lines = _lines(body)
    levels = Counter(level for level, _ in lines if level)
    # A single heading above all others is the title of the whole.
    top = min(levels) if levels else 0
    if top and levels[top] == 1 and len(levels) > 1 and _first(lines) == top:
        title = title or next(said for level, said in lines if level == top)
        lines = [(0 if level == top else level, "" if level == top else said)
                 for level, said in lines]  # fmt: skip
        top = min(level for level in levels if level != top)
    scenes, notes = _scenes(lines, top)
    project = Project(title=_short(title), scenes=tuple(scenes))
    return Imported(write(project), notes=tuple(notes))


def _front(text: str) -> tuple[str, str]:
    """The title in YAML at the top, and what stands below it."""
    found = _FRONT.match(text)
    if found is None:
        return "", text
    title = _TITLE.search(found[1])
    return (title[1].strip().strip("\"'") if title else ""), text[found.end() :]


def _lines(text: str) -> list[tuple[int, str]]:
    """Each line with the level of the heading that it is, 0 if it is none."""
    found: list[tuple[int, str]] = []
    fence = ""
    for line in text.split("\n"):
        opened = _FENCE.match(line)
        if opened and fence in ("", opened[1]):
            fence = "" if fence else opened[1]
        heading = None if fence or opened else _HEADING.match(line)
        under = None if fence else _UNDERLINE.fullmatch(line)
        if heading:
            found.append((len(heading[1]), line[heading.end() :].strip().rstrip("#").strip()))
        elif under and found and found[-1][0] == 0 and found[-1][1].strip():
            found[-1] = (1 if under[1][0] == "=" else 2, found[-1][1].strip())
        else:
            found.append((0, line))
    return found


def _first(lines: list[tuple[int, str]]) -> int:
    return next((level for level, _ in lines if level), 0)


def _scenes(lines: list[tuple[int, str]], top: int) -> tuple[list[Scene], list[str]]:
    parts: list[tuple[str, list[str]]] = [("", [])]
    for level, said in lines:
        if level and level == top:
            parts.append((said, []))
        else:
            parts[-1][1].append(f"{'#' * level} {said}" if level else said)
    names, scenes, notes = Names(), list[Scene](), list[str]()
    for heading, body in parts:
        text, beside = _said("\n".join(body))
        title = _short(plain(heading).strip().rstrip("."))
        if text or title:
            name = names.name(title)
            scenes.append(Scene(name, text or title, title=title, beside=beside))
            if beside:
                notes.append(f"put the picture {beside.file} of the scene {name} into the project")
    return scenes, notes


def _said(body: str) -> tuple[str, Beside | None]:
    """What is said, and the first picture that may lie in the project."""
    beside = None
    for found in _PICTURE.finditer(body):
        file = unquote(found[1]).removeprefix("./")
        if PurePosixPath(file).suffix.lower() in PICTURES and not file_fault(file):
            beside = beside or Beside(file)
    spoken = plain(_PICTURE.sub("", body))
    blocks = [" ".join(line.split()) for line in spoken.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(blocks)).strip(), beside


def _short(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
