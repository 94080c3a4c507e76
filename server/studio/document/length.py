"""How long a film will be, estimated from its words."""

from __future__ import annotations

import re
import wave
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from visavis.engines.language.brackets import Bracket, BracketReader
from visavis.engines.language.languages import code_of
from visavis.engines.language.markup import plain
from visavis.server.studio.document.project import Project, Scene

# Characters in a second of speech, blanks among them, of the voices that are there by themselves:
# English of the voice "heart" over four texts, 17.0 to 17.9; others of espeak-ng, over one.
# Japanese and Korean are what people read aloud, for espeak-ng spells their letters.
_SPEEDS: Final[Mapping[str, float]] = {
    "en": 17.4, "de": 14.7, "es": 15.1, "fr": 18.6, "ru": 16.2, "uk": 16.2, "ar": 9.3,
    "zh": 3.6, "ja": 6.0, "ko": 6.0,
}  # fmt: skip
_USUAL: Final = 15.5
_NAME: Final = "Anna Sofia"  # what a placeholder is taken for: two words
LONGEST_PAUSE: Final = 30.0  # s
_PLAIN_PAUSE: Final = 0.5  # s, of a `[pause]` that says none
_AROUND: Final = 1.3  # s before the first word of a film and after its last
# bytes a second, of files that are not looked into here
_BYTES: Final[Mapping[str, float]] = {".flac": 60_000, ".wav": 96_000, ".mp4": 250_000}
_COMPRESSED: Final = 16_000.0

_PLACEHOLDER: Final = re.compile(r"\{\{[^{}]{0,200}\}\}")
_PAUSE: Final = re.compile(r"pause(?:\s+([0-9]{1,6}(?:[.,][0-9]{0,3})?)\s*(ms|s)?)?", re.IGNORECASE)


def seconds(project: Project, folder: Path | None = None) -> float:
    """s of the film. folder: where its recordings lie; None: nobody knows how long they are."""
    if not project.scenes:
        return 0.0
    whole = sum(of_scene(project.complete(scene), folder) for scene in project.scenes)
    return round(whole + _AROUND, 1)


def of_scene(scene: Scene, folder: Path | None = None) -> float:
    """s of one that is complete, with the silence behind it."""
    if scene.sound:
        return _of_file(folder / scene.sound if folder else None) + scene.after
    return of_text(scene.text, scene.language) / scene.rate + scene.after


@lru_cache(2000)
def of_text(text: str, language: str = "en") -> float:
    """s in which a text is said, its pauses with it."""
    spoken, pauses = _spoken(text)
    speed = _SPEEDS.get(code_of(language) or "en", _USUAL)
    return len(" ".join(spoken.split())) / speed + pauses


def pause(wish: str) -> float | None:
    """s of a bracket that asks for a silence; None: it is a direction."""
    found = _PAUSE.fullmatch(wish.strip())
    if found is None:
        return None
    if found[1] is None:
        return _PLAIN_PAUSE
    seconds = float(found[1].replace(",", "."))
    return min(seconds / 1000 if (found[2] or "").lower() == "ms" else seconds, LONGEST_PAUSE)


def _spoken(text: str) -> tuple[str, float]:
    reader = BracketReader()
    words, pauses = [], 0.0
    whole = plain(_PLACEHOLDER.sub(_NAME, text))
    for piece in [*reader.feed(whole), *reader.flush()]:
        if isinstance(piece, Bracket):
            pauses += pause(piece.wish) or 0.0
        else:
            words.append(piece.text)
    return "".join(words), pauses


def _of_file(path: Path | None) -> float:
    """Of a recording, which may be a stranger's, so that no decoder is asked."""
    if path is None or not path.is_file():
        return 0.0
    if path.suffix.lower() == ".wav":
        try:
            with wave.open(str(path), "rb") as file:
                return file.getnframes() / max(file.getframerate(), 1)
        except (wave.Error, EOFError, OSError):
            pass
    return path.stat().st_size / _BYTES.get(path.suffix.lower(), _COMPRESSED)
