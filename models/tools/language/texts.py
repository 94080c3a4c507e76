"""Sentences in many languages, out of unpacked Debian packages, for espeak-ng to speak.

tuxpaint-stamps-default has one-line descriptions in some sixty languages, fortunes-* sayings.
English is what bench/dialogue_questions.toml asks. Only their sound is used.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

QUESTIONS: Final = Path(__file__).parents[3] / "bench" / "dialogue_questions.toml"

_OTHERS: Final = (
    *("de", "nl", "tr", "ja", "ar", "sv", "hi", "ko", "da", "fi", "el", "hu", "ro", "uk", "vi"),
    *("ca", "bg", "fa", "he", "id", "sr", "hr", "nb", "et", "lt"),
)
# Voice of espeak-ng -> (language of tuxpaint's files, sayings, their encoding).
LANGUAGES: Final[dict[str, tuple[str, str, str]]] = {
    "es": ("es", "fortunes/es/*", "latin-1"),
    "it": ("it", "fortunes/it*/*", "latin-1"),
    "pl": ("pl", "fortunes/pl/*", "latin-2"),
    "ru": ("ru", "fortunes/ru/*", "koi8-r"),
    "cs": ("cs", "fortunes/cs/*", "latin-2"),
    "pt": ("pt", "fortunes/brasil", "latin-1"),
    "cmn": ("zh_CN", "fortunes/chinese", "utf-8"),
    "yue": ("zh_TW", "", ""),
    "fr-fr": ("fr", "", ""),
    **{name: (name, "", "") for name in _OTHERS},
}
_MOST: Final = 80  # characters
_ODD: Final = re.compile(r"[<>|=*_@{}\[\]\\]|http|\d{3}")


def english() -> list[str]:
    """Every question of the bench."""
    asked = tomllib.loads(QUESTIONS.read_text(encoding="utf-8"))
    return sorted({text for text in _strings(asked) if " " in text and 12 < len(text) < _MOST})


def foreign(root: Path, voice: str, count: int, seed: int) -> list[str]:
    """Up to so many sentences. root: where the packages were unpacked."""
    language, sayings, encoding = LANGUAGES[voice]
    texts = _descriptions(root, language)
    if sayings:
        texts += _sayings(root, sayings, encoding)
    random.Random(seed).shuffle(texts)
    return texts[:count]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _strings(each)


def _descriptions(root: Path, language: str) -> list[str]:
    line = re.compile(rf"^{language}\.utf8=(.+)$", re.MULTILINE)
    files = sorted((root / "usr/share/tuxpaint/stamps").rglob("*.txt"))
    texts = {m[1] for f in files for m in line.finditer(f.read_text("utf-8", "replace"))}
    least = 6 if language.startswith("zh") else 18
    return sorted(text for text in texts if least <= len(text) <= _MOST)


def _sayings(root: Path, pattern: str, encoding: str) -> list[str]:
    texts = []
    for file in sorted((root / "usr/share/games").glob(pattern)):
        if file.is_file() and file.suffix not in {".dat", ".u8"}:
            for saying in _decoded(file.read_bytes(), encoding).split("\n%\n"):
                texts += [" ".join(s.split()) for s in re.split(r"(?<=[.!?。])\s*", saying)]
    least, most = (8, 28) if encoding == "utf-8" else (25, _MOST)
    return [text for text in texts if least <= len(text) <= most and not _ODD.search(text)]


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode(encoding, "replace")
