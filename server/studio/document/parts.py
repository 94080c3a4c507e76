"""The text of a script cut into its parts: settings of the project, and one part a scene.

    +++
    title = "Welcome"
    +++

    # Our rooms
    +++
    style = "confident"
    +++

    [smiles] Good morning. ...

A line `# ...` begins a scene; what stands before the first one is a scene too. A line of the text
that would be one, or a line `+++`, has a backslash before it. Lines count from 1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from visavis.server.studio.document.faults import Fault

FENCE: Final = "+++"
_SPECIAL: Final = re.compile(r"\\*(?:#(?:[ \t].*)?|\+\+\+[ \t]*)")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the script.

    line: its first. heading: None where there is none. top: its lines up to the text, as they
    stand; settings: TOML in them, which begins in settings_line. text: what is said, unescaped.
    source: all its lines as they stand, each with its end.
    """

    line: int
    heading: str | None
    top: str
    settings: str
    settings_line: int
    text: str
    source: str


def cut(script: str, faults: list[Fault]) -> tuple[Part, tuple[Part, ...]]:
    r"""A script, with \n alone, -> the part of the project's settings, and the scenes'."""
    lines = script.split("\n")
    first = _begins(lines, 0)
    settings, end = _settings(lines, first, faults)
    head = Part(1, None, _joined(lines[:end]), settings, first + 2, "", _joined(lines[:end]))
    starts = [at for at in range(end, len(lines)) if _heading(lines[at]) is not None]
    bounds = [end, *starts, len(lines)]
    scenes = [
        _scene(lines, start, until, faults) for start, until in pairwise(bounds) if start != until
    ]
    if scenes and scenes[0].heading is None and not scenes[0].text:
        head = replace(head, source=head.source + scenes[0].source)
        scenes = scenes[1:]  # blank lines before the first heading
    return head, tuple(scenes)


def escaped(text: str) -> str:
    """A scene's text, such that no line of it is anything else."""
    lines = text.split("\n")
    return "\n".join(f"\\{line}" if _SPECIAL.fullmatch(line) else line for line in lines)


def _scene(lines: Sequence[str], start: int, until: int, faults: list[Fault]) -> Part:
    heading = _heading(lines[start])
    below = start if heading is None else start + 1
    settings, at, settings_line = "", below, 0
    first = _begins(lines[:until], below)
    if heading is not None and first < until and _is_fence(lines[first]):
        settings, at = _settings(lines[:until], first, faults)
        settings_line = first + 2
    return Part(
        start + 1,
        heading,
        _joined(lines[start:at]),
        settings,
        settings_line,
        _unescaped(lines[at:until]),
        _joined(lines[start:until]) if until < len(lines) else "\n".join(lines[start:until]),
    )


def _heading(line: str) -> str | None:
    """What a heading says; None: the line is none. "# Our rooms #" is one, too."""
    if line[:1] != "#" or line[1:2] not in {"", " ", "\t"}:
        return None
    said = line[1:].strip()
    bare = said.rstrip("#")
    return bare.strip() if bare[-1:] in {"", " ", "\t"} else said


def _is_fence(line: str) -> bool:
    return line.rstrip(" \t") == FENCE


def _begins(lines: Sequence[str], at: int) -> int:
    """The next line that is not blank."""
    while at < len(lines) and not lines[at].strip():
        at += 1
    return at


def _settings(lines: Sequence[str], at: int, faults: list[Fault]) -> tuple[str, int]:
    """The settings in a block that begins at a line, "" if none does, and the line behind it."""
    if at >= len(lines) or not _is_fence(lines[at]):
        return "", 0
    for end in range(at + 1, len(lines)):
        if _is_fence(lines[end]):
            return "\n".join(lines[at + 1 : end]), end + 1
    fix = f"put a line {FENCE} below the last of them"
    faults.append(Fault("the settings that begin here do not end", fix, line=at + 1))
    return "", at + 1


def _unescaped(lines: Sequence[str]) -> str:
    text = (line[1:] if line[:1] == "\\" and _SPECIAL.fullmatch(line) else line for line in lines)
    return "\n".join(text).strip()


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
