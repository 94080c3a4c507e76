"""Settings of a project and its scenes out of tables, in the short forms of people and in full.

The full form of each is its fields, as JSON has it. The short form is one text: `background =
"#204060"`, `"blur"` or `"beach.jpg"`, `frame = "9:16 1080p"`, `music = "calm.mp3"`. A text with a
placeholder, `"{{picture}}"`, is taken as it is; who fills it in asks `background` once more.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, Final, TypeVar, get_args

from visavis.server.studio.document.naming import PLACEHOLDER, file_fault
from visavis.server.studio.document.project import (
    ASPECTS,
    LINES,
    Background,
    Behind,
    Beside,
    Frame,
    LowerThird,
    Music,
    Project,
    Scene,
    Side,
)
from visavis.server.studio.document.values import Values

T = TypeVar("T")

PICTURES: Final = (".jpg", ".jpeg", ".png", ".webp")
VIDEOS: Final = (".mp4", ".m4v", ".mov", ".mkv", ".webm")
SOUNDS: Final = (".wav", ".mp3", ".m4a", ".ogg", ".opus", ".flac", ".aac", *VIDEOS)
LONGEST_STYLE: Final = 500  # characters of a direction
LONGEST_AFTER: Final = 60.0  # s
RATES: Final = (0.5, 2.0)

_COLOUR: Final = re.compile("#[0-9a-fA-F]{6}")
_TAG: Final = re.compile("[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")  # of BCP 47, what we meet
_ALONE: Final[tuple[Behind, ...]] = ("own", "blur", "transparent")  # need no value
BACKGROUNDS: Final = (
    'write "own", "blur", "transparent", a colour as "#204060", or the file of a picture '
    f"({', '.join(PICTURES)}) or a video ({', '.join(VIDEOS)})"
)
_FRAMES: Final = (
    f'write it as "16:9 720p": of {", ".join(ASPECTS)} and {", ".join(map(str, LINES))}'
)


def head(values: Values) -> Project:
    """The project's own settings, without scenes."""
    made = Project(
        title=values.text("title"),
        avatar=values.text("avatar"),
        voice=values.text("voice"),
        language=_language(values, "language"),
        style=values.text("style", LONGEST_STYLE),
        frame=_frame(values),
        background=_background(values) or Background(),
        music=_music(values),
        subtitles=values.flag("subtitles"),
        languages=_languages(values),
        glossary=values.texts("glossary"),
        pronounce=values.pairs("pronounce"),
    )
    values.done()
    return made


def scene(values: Values, name: str, text: str, title: str = "") -> Scene:
    """One scene. title: of its heading, where it has no other."""
    made = Scene(
        name=name,
        text=text,
        title=values.text("title", default=title),
        sound=_file(values, "sound", SOUNDS),
        avatar=values.text("avatar"),
        voice=values.text("voice"),
        language=_language(values, "language"),
        style=values.text("style", LONGEST_STYLE),
        background=_background(values),
        beside=_beside(values),
        lower_third=_lower_third(values),
        after=values.number("after", Scene("").after, 0, LONGEST_AFTER),
        rate=values.number("rate", Scene("").rate, *RATES),
    )
    values.done()
    return made


def background(text: str) -> Background | None:
    """What its short form means; None: nothing."""
    for alone in _ALONE:
        if text == alone:
            return Background(alone)
    if _COLOUR.fullmatch(text):
        return Background("colour", text.lower())
    suffix = PurePosixPath(text).suffix.lower()
    if suffix in VIDEOS:
        return Background("video", text)
    if suffix in PICTURES or PLACEHOLDER in text:
        return Background("picture", text)
    return None


def frame(text: str) -> Frame | None:
    """The same: "9:16", "1080p" or both."""
    usual = Frame()
    aspect, lines = usual.aspect, usual.lines
    for part in text.split():
        if part in ASPECTS:
            aspect = next(each for each in ASPECTS if each == part)
        elif part.removesuffix("p") in map(str, LINES):
            lines = next(each for each in LINES if str(each) == part.removesuffix("p"))
        else:
            return None
    return Frame(aspect, lines)


def _either(
    values: Values, key: str, short: Callable[[str], T | None], full: Callable[[Values], T],
    fix: str,
) -> T | None:  # fmt: skip
    """A setting in its short form or in full; None: it is not there, or wrong."""
    given: Any = values.raw(key)
    if given is None or given == "":
        return None
    if (table := values.table(key)) is not None:
        made: T | None = full(table)
        table.done()
        return made
    made = short(" ".join(given.split())) if isinstance(given, str) else None
    if made is None:
        values.fault(key, "cannot be that", fix)
    return made


def _background(values: Values) -> Background | None:
    def full(table: Values) -> Background:
        kind, value = table.text("kind", default="own"), table.text("value")
        known = next((each for each in get_args(Behind) if each == kind), None)
        if known is None:
            table.fault("kind", "is not known", f"write one of {', '.join(get_args(Behind))}")
        elif known == "colour" and not _COLOUR.fullmatch(value) and PLACEHOLDER not in value:
            table.fault("value", "is no colour", 'write it as "#204060"')
        elif known in {"picture", "video"}:
            _check_file(table, "value", value)
        return Background(known or "own", value.lower() if known == "colour" else value)

    def short(text: str) -> Background | None:
        made = background(text)
        if made is not None and made.kind in {"picture", "video"}:
            _check_file(values, "background", text)
        return made

    return _either(values, "background", short, full, BACKGROUNDS)


def _frame(values: Values) -> Frame:
    def full(table: Values) -> Frame:
        usual = Frame()
        aspect, lines = table.text("aspect", default=usual.aspect), table.raw("lines")
        if aspect not in ASPECTS:
            table.fault("aspect", "is not known", f"write one of {', '.join(ASPECTS)}")
        if lines not in (None, *LINES):
            table.fault("lines", "cannot be that", f"write one of {', '.join(map(str, LINES))}")
        return Frame(
            next((each for each in ASPECTS if each == aspect), usual.aspect),
            next((each for each in LINES if each == lines), usual.lines),
        )

    return _either(values, "frame", frame, full, _FRAMES) or Frame()


def _beside(values: Values) -> Beside | None:
    def full(table: Values) -> Beside:
        side = table.text("side", default="right")
        if side not in get_args(Side):
            table.fault("side", "is not known", "write left or right")
        share = table.number("share", Beside("").share, 0.1, 0.9)
        file = _file(table, "file", PICTURES)
        return Beside(file, next((each for each in get_args(Side) if each == side), "right"), share)

    def short(text: str) -> Beside:
        return Beside(_checked(values, "beside", text, PICTURES))

    found = _either(values, "beside", short, full, "name the file of a picture")
    return found if found and found.file else None


def _lower_third(values: Values) -> LowerThird | None:
    def full(table: Values) -> LowerThird:
        return LowerThird(table.text("name"), table.text("line"))

    def short(text: str) -> LowerThird:
        return LowerThird(values.short("lower_third", text))

    found = _either(values, "lower_third", short, full, 'write a name, as "Anna Berg"')
    return found if found and (found.name or found.line) else None


def _music(values: Values) -> Music | None:
    usual = Music("")

    def full(table: Values) -> Music:
        level = table.number("level", usual.level, -60, 6)
        return Music(
            _file(table, "file", SOUNDS), level, table.number("ducked", usual.ducked, 0, 60)
        )

    def short(text: str) -> Music:
        return Music(_checked(values, "music", text, SOUNDS))

    found = _either(values, "music", short, full, "name the file of a sound")
    return found if found and found.file else None


def _language(values: Values, key: str) -> str:
    tag = values.text(key)
    if tag and not _TAG.fullmatch(tag) and PLACEHOLDER not in tag:
        values.fault(key, "is no language", 'write its tag, as "de" or "pt-BR"')
        return ""
    return tag


def _languages(values: Values) -> tuple[str, ...]:
    tags = values.texts("languages")
    for tag in tags:
        if not _TAG.fullmatch(tag):
            values.fault("languages", "has what is no language", 'write tags, as ["de", "fr"]')
    return tuple(tag for tag in tags if _TAG.fullmatch(tag))


def _file(values: Values, key: str, kinds: tuple[str, ...]) -> str:
    return _checked(values, key, values.text(key), kinds)


def _checked(values: Values, key: str, name: str, kinds: tuple[str, ...]) -> str:
    """The name of a file of these kinds, or ""."""
    if not name or not _check_file(values, key, name):
        return ""
    if PLACEHOLDER not in name and PurePosixPath(name).suffix.lower() not in kinds:
        values.fault(key, "names no file that can be used", f"take one of {', '.join(kinds)}")
        return ""
    return name


def _check_file(values: Values, key: str, name: str) -> bool:
    why = "" if PLACEHOLDER in name else file_fault(name)
    if why:
        values.fault(key, "is no file of the project", why)
    return not why
