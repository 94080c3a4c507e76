"""Written words to what is said for them in other languages than English.

Their voices read numbers, dates and signs themselves, in their own language, but for what
`native_readings` has. Here goes what they would read out though nobody says it: mark-up, emoji,
words in letters that they do not have.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

from visavis.engines.language import native_readings
from visavis.engines.language.languages import ENGLISH, LANGUAGES, Language, code_of
from visavis.engines.language.spoken import Written

_LONGEST: Final = 400  # characters of a word; nothing of more is said
# Signs that stand for words wherever they are written.
_SAID: Final = frozenset("€$£¥₹%‰&@+=°²³½¼¾§/#")
_MARKS: Final = frozenset(".,;:!?…'’-–—\"«»„“”()¿¡。，、；：！？｡､؟،؛۔।·・「」『』（）")
_UNREAD: Final = str.maketrans({"…": ".", "’": "'", "“": '"', "”": '"', "„": '"', "\u00ad": ""})
_DIGITS: Final = re.compile(r"\d")


def spell(text: str, language: str) -> tuple[Written, ...]:
    """Its words between blanks, in order, each with what is said for it; "" where nothing is."""
    spoken_in = _language(code_of(language))
    words = text.split()
    said = native_readings.read(words, spoken_in.code)
    return tuple(
        Written(word, _spoken(reading, spoken_in))
        for word, reading in zip(words, said, strict=True)
    )


def sayable(clause: str, language: str) -> tuple[str, tuple[str, ...]]:
    """A clause -> it without the words of other scripts, and those words."""
    spoken_in = _language(code_of(language))
    words = clause.split()
    left = tuple(word for word in words if _is_strange(word, spoken_in))
    kept = [word for word in words if word not in left] if left else words
    if not any(map(str.isalnum, "".join(kept))):
        return "", left
    return " ".join(kept), left


def _language(code: str) -> Language:
    return LANGUAGES.get(code, ENGLISH)


def _spoken(word: str, language: Language) -> str:
    if not any(map(str.isalnum, word)) and not _SAID.intersection(word):
        return ""
    if _is_strange(word, language):
        return ""
    said = "".join(char if _is_said(char, language) else " " for char in word.translate(_UNREAD))
    return " ".join(said.split())[:_LONGEST]


def _is_strange(word: str, language: Language) -> bool:
    """Whether it is written in letters that the language does not have."""
    letters = [char for char in word if char.isalpha()]
    return bool(letters) and not any(map(language.writes, letters))


def _is_said(char: str, language: Language) -> bool:
    if char.isalpha():
        return language.writes(char)
    return char in _SAID or char in _MARKS or _DIGITS.match(char) is not None or _combines(char)


@cache
def _combines(char: str) -> bool:
    """An accent, a vowel sign of Arabic or Hindi."""
    return unicodedata.category(char) in {"Mn", "Mc", "Lm"}
