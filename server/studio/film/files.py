"""The files that are made of a film that was shot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from visavis.engines.base import Pcm
from visavis.server.studio.film import joining
from visavis.server.studio.film.groups import Coding
from visavis.server.studio.film.joining import Shot
from visavis.server.studio.layers import cues, exports, previews
from visavis.server.studio.layers.cues import Said
from visavis.server.studio.layers.exports import Format

TEXTS: Final = ("srt", "vtt", "txt")
_PREVIEWS: Final = ("webp", "gif")
# An Ogg file's Content Credentials lie beside it, as a WebM's do: not under one name.
_NAMES: Final = {"ogg": "sound", "gif": "preview", "webp": "preview"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A film, as its files are made of it.

    shots: its groups, by coding. sound: (samples,) as it is heard. words: with their times, of the
    whole film. scenes: of each its title and what is said in it.
    """

    title: str
    size: tuple[int, int]
    shots: Mapping[Coding, Sequence[Shot]]
    sound: Pcm
    words: Sequence[Said]
    scenes: Sequence[tuple[str, str]]


def codings(formats: Sequence[Format], *, transparent: bool) -> tuple[Coding, ...]:
    """In which pictures are wanted. transparent: whether a scene of the film is."""
    clear: Coding = "vp9 with opacity" if transparent else "vp9"
    moving = [each for each in formats if each in ("mp4", "webm", *_PREVIEWS)]
    wanted: dict[Coding, None] = {}
    for each in moving:
        if each == "webm" or (each in _PREVIEWS and transparent):
            wanted[clear] = None
        else:
            wanted["h264"] = None
    return tuple(wanted)


def write(shown: Shown, format: Format, folder: Path) -> Path:
    """One file, unsigned. Raises OSError, FFmpegError, DamagedError."""
    path = folder / f"{_NAMES.get(format, 'film')}.{format}"
    if format in TEXTS:
        path.write_text(_text(shown, format), encoding="utf-8")
    elif format in exports.SOUNDS:
        exports.sound(shown.sound, path, format)
    elif format in ("mp4", "webm"):
        _film(shown, "h264" if format == "mp4" else _other(shown), path)
    elif format in ("webp", "gif"):
        source = _source(shown, folder)
        previews.preview(source, path, format)
    return path


def _text(shown: Shown, format: Format) -> str:
    if format == "txt":
        return cues.transcript(shown.title, shown.scenes)
    lines = cues.cut(shown.words)
    return cues.srt(lines) if format == "srt" else cues.vtt(lines)


def _source(shown: Shown, folder: Path) -> Path:
    """A film to take the preview from; its signature is of no use there."""
    coding: Coding = next(iter(shown.shots))
    if any(each.startswith("vp9") for each in shown.shots):
        coding = _other(shown)
    path = folder / ("source.mp4" if coding == "h264" else "source.webm")
    if not path.exists():
        _film(shown, coding, path)
    return path


def _other(shown: Shown) -> Coding:
    return next(each for each in shown.shots if each != "h264")


def _film(shown: Shown, coding: Coding, path: Path) -> None:
    joining.join(path, coding, shown.size, shown.shots[coding], _blocks(shown.sound))


def _blocks(sound: Pcm) -> Iterator[Pcm]:
    for at in range(0, len(sound), 48_000):
        yield sound[at : at + 48_000]
