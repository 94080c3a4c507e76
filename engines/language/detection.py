"""Which language a visitor writes in, told among those that a conversation may be in.

By script first; among languages of one script by byte n-grams (py3langid, of the extra
visavis[languages]) with what is usual for a visitor: to go on in the language that they have used.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from functools import cache
from threading import Lock
from typing import Any, Final

import numpy as np

from visavis.engines.language.foreign import own_words
from visavis.engines.language.phrasebook import LANGUAGES

# Chosen on the texts of bench/languages.toml, on which they are then measured as well.
_STAYS: Final = 1.0  # log odds for the language that is spoken
_SELDOM: Final = 0.5  # against one that the avatar has no words of its own in: few visitors' is it
_WORD: Final = 0.3  # for each frequent word of a language that is one of no other
_LONGEST: Final = 400  # characters that are read: a text is in one language
_MOST: Final = 0.5  # share of the letters from which a script decides

# Languages by the script that is theirs alone, of those that can be spoken.
_SCRIPTS: Final[Mapping[str, frozenset[str]]] = {
    "HIRAGANA": frozenset(["ja"]),
    "KATAKANA": frozenset(["ja"]),
    "CJK": frozenset(["zh", "ja"]),
    "HANGUL": frozenset(["ko"]),
    "ARABIC": frozenset(["ar"]),
    "DEVANAGARI": frozenset(["hi"]),
    "GREEK": frozenset(["el"]),
    "CYRILLIC": frozenset(["ru", "uk"]),
}
_OURS: Final = frozenset().union(*_SCRIPTS.values())
_LOADING: Final = Lock()


def load() -> None:
    """Read what the first text would wait for: 0.3 s."""
    _identifier()
    own_words("")


def language_of(text: str, languages: Collection[str], spoken: str) -> str:
    """The code of the language of a text, one of `languages`; `spoken` where little can be told.

    spoken: in which the conversation is. 0.1 ms, and 0.3 s the first time.
    """
    text = unicodedata.normalize("NFC", text[:_LONGEST])
    left = _by_script(text, languages)
    if not left or left == {spoken}:
        return spoken
    if len(left) == 1:
        return next(iter(left))
    if left <= {"zh", "ja"}:  # no kana: of a whole sentence that is Chinese
        return spoken if spoken in left else "zh"
    odds = _odds(text, left)
    frequent = own_words(text)
    for each in odds:
        odds[each] += _WORD * frequent.get(each, 0) - _SELDOM * (each not in LANGUAGES)
        odds[each] += _STAYS * (each == spoken)
    return max(odds, key=lambda each: odds[each], default=spoken)


def _by_script(text: str, languages: Collection[str]) -> set[str]:
    """Those of the languages that are written in the script of most letters; none: no letters."""
    counts: dict[str, float] = {}
    for letter in filter(str.isalpha, text):
        script = unicodedata.name(letter, "OTHER").split(maxsplit=1)[0]
        counts[script] = counts.get(script, 0.0) + 1.0
    if not counts:
        return set()
    if "HIRAGANA" in counts or "KATAKANA" in counts:
        return {"ja"} & set(languages)
    most = max(counts, key=lambda each: counts[each])
    if counts[most] < _MOST * sum(counts.values()):
        return set()
    own = _SCRIPTS.get(most)
    return set(languages) & own if own is not None else set(languages) - _OURS


def _odds(text: str, languages: Collection[str]) -> dict[str, float]:
    """Log odds of each, softened by the length of the text; none where nothing can be told."""
    identifier = _identifier()
    if identifier is None:
        return {}
    rows = dict(identifier.rank(text.lower()))
    scale = max(1.0, np.sqrt(len(text.encode())))
    return {each: rows[each] / scale for each in languages if each in rows}


@cache
def _identifier() -> Any:
    """None where its package is left out."""
    with _LOADING:
        try:
            from py3langid.langid import (  # type: ignore[import-untyped]
                MODEL_FILE,
                LanguageIdentifier,
            )
        except ImportError:
            return None
        return LanguageIdentifier.from_model_file(MODEL_FILE)
