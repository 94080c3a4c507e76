"""SRT and WebVTT -> what was said, with its pauses; a long one begins another scene."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from visavis.server.studio.document.project import Project, Scene
from visavis.server.studio.document.writing import write
from visavis.server.studio.imports.imported import Imported, Names, broken

_TIMES: Final = re.compile(
    r"[ \t]*(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})[ \t]*-{1,2}>[ \t]*"
    r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})[^\n]{0,200}"
)
_TAGS: Final = re.compile(r"<[^<>\n]{0,200}>|\{\\[^{}\n]{0,200}\}")
# What deaf people are told of: it is not said, and a bracket would be a direction.
_SOUNDS: Final = re.compile(r"\[[^\[\]]{0,200}\]|♪[^♪]{0,500}♪|[♪♫]|\([A-Z][A-Z '-]{2,60}\)")
_SPEAKER: Final = re.compile(r"(?:^|(?<=\n))[ \t]*(?:-[ \t]*|>>[ \t]*)")
_PAUSE: Final = 0.8  # s between cues from which on it is one
_LONGEST: Final = 5.0  # s of a pause, and of the silence behind a scene
_SCENE: Final = 10.0  # s from which on another scene begins


@dataclass(frozen=True, slots=True)
class _Cue:
    begin: float
    end: float
    text: str


def imported(text: str) -> Imported:
    """A text as `text_of` gives it. Raises Unprocessable."""
    cues = list(_cues(text.split("\n")))
    if not cues:
        why = (
            "No subtitle is in the file: a time such as 00:00:01,000 --> 00:00:03,500 stands above"
        )
        raise broken(f"{why} each.")
    names, scenes, notes = Names(), list[Scene](), list[str]()
    for part, after in _parts(cues):
        scenes.append(Scene(names.name(""), _joined(part), after=after))
    whole = cues[-1].end - cues[0].begin
    notes.append(f"the subtitles took {whole:.0f} s: the voice takes its own time")
    return Imported(write(Project(scenes=tuple(scenes))), notes=tuple(notes))


def _cues(lines: list[str]) -> Iterator[_Cue]:
    """In the order of their times, those that say something."""
    starts = [at for at, line in enumerate(lines) if _TIMES.fullmatch(line)]
    found = []
    for number, at in enumerate(starts):
        until = starts[number + 1] if number + 1 < len(starts) else len(lines)
        body = lines[at + 1 : until]
        if number + 1 < len(starts) and body and body[-1].strip().isdecimal():
            body = body[:-1]  # the number of the next one
        begin, end = _seconds(lines[at])
        if text := _text("\n".join(_first_block(body))):
            found.append(_Cue(begin, max(begin, end), text))
    yield from sorted(found, key=lambda cue: cue.begin)


def _first_block(body: list[str]) -> list[str]:
    """Lines up to a blank one: below it stand notes, or rubbish."""
    kept: list[str] = []
    for line in body:
        if not line.strip() and kept:
            break
        if line.strip():
            kept.append(line)
    return kept


def _seconds(line: str) -> tuple[float, float]:
    found = _TIMES.fullmatch(line)
    assert found is not None
    parts = [int(part or 0) for part in found.groups()]
    ends = []
    for at in (0, 4):
        hours, minutes, seconds, rest = parts[at : at + 4]
        digits = len(found[at + 4])
        ends.append(hours * 3600 + minutes * 60 + seconds + rest / 10**digits)
    return ends[0], ends[1]


def _text(body: str) -> str:
    plain = html.unescape(_TAGS.sub("", body))
    plain = _SOUNDS.sub(" ", plain)
    return " ".join(_SPEAKER.sub("", plain).split())


def _parts(cues: list[_Cue]) -> Iterator[tuple[list[_Cue], float]]:
    """Cues of one scene each, and s of silence behind it."""
    part: list[_Cue] = []
    for cue in cues:
        gap = cue.begin - part[-1].end if part else 0.0
        if gap >= _SCENE:
            yield part, _LONGEST
            part = []
        part.append(cue)
    yield part, Scene("").after


def _joined(cues: list[_Cue]) -> str:
    """Sentences in lines of their own; what rolls, line by line, is said once."""
    pieces: list[str] = []
    before: _Cue | None = None
    for cue in cues:
        text = cue.text
        if before is not None:
            gap = cue.begin - before.end
            if text == before.text and gap < _PAUSE:
                before = cue
                continue
            if gap < _PAUSE and text.startswith(before.text):
                text = text[len(before.text) :].strip()
            if gap >= _PAUSE:
                pieces.append(f"[pause {round(min(gap, _LONGEST), 1):g}]")
        pieces.append(text)
        before = cue
    return re.sub(r"(?<=[.!?…。！？]) (?=\S)", "\n", " ".join(each for each in pieces if each))
