"""The languages that can be spoken with visitors, and what differs between them.

A language is named by its primary subtag of BCP 47: "de", "zh". Voices and settings may say more
("de-AT", "zh-Hans"); `code_of` takes it off.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Language:
    """name: in English. espeak: espeak-ng's voice. blanks: whether words stand between blanks.

    scripts: besides Latin, as the names of their letters begin in Unicode. marked: whether whisper
    base ends its sentences with a mark (of twelve questions: in German 9 to 10, Mandarin and Arabic
    0 to 1); where not, a sentence without one may be whole.
    """

    code: str
    name: str
    espeak: str
    scripts: tuple[str, ...] = ()
    blanks: bool = True
    marked: bool = True

    def writes(self, letter: str) -> bool:
        """Whether it is written with such a letter; a voice that reads it can say it."""
        return unicodedata.name(letter, "").startswith(("LATIN", *self.scripts))


_KANA: Final = ("CJK", "HIRAGANA", "KATAKANA")
# Recognition and voices were measured in the first nine (docs/figures.md); the others are what
# whisper base and espeak-ng both know well enough to be tried.
LANGUAGES: Final[Mapping[str, Language]] = {
    language.code: language
    for language in (
        Language("en", "English", "en-us"),
        Language("es", "Spanish", "es"),
        Language("fr", "French", "fr"),
        Language("de", "German", "de"),
        Language("it", "Italian", "it"),
        Language("pt", "Portuguese", "pt-br"),
        Language("zh", "Mandarin", "cmn", ("CJK",), blanks=False, marked=False),
        Language("ar", "Arabic", "ar", ("ARABIC",), marked=False),
        Language(
            "ja", "Japanese", "ja", ("CJK", "HIRAGANA", "KATAKANA"), blanks=False, marked=False
        ),
        Language("nl", "Dutch", "nl"),
        Language("pl", "Polish", "pl"),
        Language("ru", "Russian", "ru", ("CYRILLIC",)),
        Language("uk", "Ukrainian", "uk", ("CYRILLIC",)),
        Language("tr", "Turkish", "tr"),
        Language("sv", "Swedish", "sv"),
        Language("da", "Danish", "da"),
        Language("no", "Norwegian", "nb"),
        Language("fi", "Finnish", "fi"),
        Language("cs", "Czech", "cs"),
        Language("el", "Greek", "el", ("GREEK",)),
        Language("hu", "Hungarian", "hu"),
        Language("ro", "Romanian", "ro"),
        Language("ca", "Catalan", "ca"),
        Language("ko", "Korean", "ko", ("HANGUL",)),
        Language("hi", "Hindi", "hi", ("DEVANAGARI",)),
        Language("vi", "Vietnamese", "vi"),
        Language("id", "Indonesian", "id"),
    )
}
ENGLISH: Final = LANGUAGES["en"]
_ALIASES: Final[Mapping[str, str]] = {"nb": "no", "nn": "no", "cmn": "zh", "yue": "zh"}

_LEFTWARD: Final = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_LEFTWARD_SCRIPTS: Final = frozenset({"arab", "hebr", "syrc", "thaa", "nkoo"})


def code_of(tag: str) -> str:
    """A BCP 47 tag -> its language as it is named here: "de-AT" -> "de", "nb" -> "no"."""
    first = tag.replace("_", "-").split("-")[0].lower()
    return _ALIASES.get(first, first)


def is_english(tag: str) -> bool:
    """Whether English readings, phrases and heuristics hold; "" is English too."""
    return code_of(tag) in ("", "en")


def is_right_to_left(tag: str) -> bool:
    """Whether a language is written from right to left; a script that is named decides."""
    scripts = {part.lower() for part in tag.replace("_", "-").split("-")[1:] if len(part) == 4}
    if scripts:
        return bool(scripts & _LEFTWARD_SCRIPTS)
    return code_of(tag) in _LEFTWARD
