"""Whether a text is written in another language than English: by its script and frequent words.

The words are data/languages.toml. A text of which little can be said is English.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

PATH: Final = Path(__file__).parents[1] / "data" / "languages.toml"

_LONGEST: Final = 400  # characters that are read: a text is in one language
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ELISION: Final = re.compile(r"^(?:[cdjlmnst]|qu|dell|all|nell|sull|dov)['’]")
_MARKED: Final = 0.6  # what a letter that English lacks counts for, beside a frequent word
_OTHERS: Final = 0.5  # share of another script's letters from which a text is foreign
_WIDE: Final = 3.0  # letters of ours that one of East Asia says as much as
_SURE: Final = 2.0  # frequent words that are enough beside none of English
_SHORT: Final = 1.3  # the same of a text of three words or less
_LEAD: Final = 1.5  # over the English words in it
# Words that English has taken as they are.
_LENT: Final = frozenset(
    (
        *("café", "cafés", "crème", "brûlée", "naïve", "résumé", "cliché", "château", "fiancé"),
        *(
            "fiancée",
            "piñata",
            "jalapeño",
            "jalapeños",
            "à",
            "crêpe",
            "crêpes",
            "entrée",
            "soufflé",
        ),
        *(
            "über",
            "façade",
            "décor",
            "déjà",
            "voilà",
            "purée",
            "sauté",
            "señor",
            "pâté",
            "rosé",
            "hôte",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class _Language:
    words: frozenset[str]
    letters: frozenset[str]


@cache
def _languages() -> tuple[_Language, Mapping[str, _Language]]:
    """English, and the others by name."""
    rows = tomllib.loads(PATH.read_text(encoding="utf-8"))
    read = {
        name: _Language(frozenset(row["words"].split()), frozenset(row.get("letters", "")))
        for name, row in rows.items()
    }
    return read.pop("en"), read


def is_foreign(text: str) -> bool:
    """Whether it is no English, as far as can be told; names and single words are."""
    text = unicodedata.normalize("NFC", text[:_LONGEST].lower())
    letters = [each for each in text if each.isalpha()]
    if not letters:
        return False
    weights = [_WIDE if each >= "\u1100" else 1.0 for each in letters if not _is_latin(each)]
    latin = len(letters) - len(weights)
    if sum(weights) > _OTHERS * (sum(weights) + latin):
        return True
    return _reads_foreign(text)


def own_words(text: str) -> dict[str, int]:
    """How many of its words are frequent in one language and in no other, by its code."""
    text = unicodedata.normalize("NFC", text[:_LONGEST].lower())
    english, others = _languages()
    counts: dict[str, int] = {}
    for word in _WORD.findall(text):
        for piece in _pieces(word.replace("’", "'")):
            having = [name for name, each in others.items() if piece in each.words]
            having += ["en"] if piece in english.words else []
            if len(having) == 1:
                counts[having[0]] = counts.get(having[0], 0) + 1
    return counts


def _is_latin(letter: str) -> bool:
    return letter < "\u0250" or "\u1e00" <= letter < "\u1f00"  # with marks, of Vietnamese too


def _reads_foreign(text: str) -> bool:
    words = [word.replace("’", "'") for word in _WORD.findall(text)]
    pieces = [piece for word in words for piece in _pieces(word)]
    if not pieces:
        return False
    english, others = _languages()
    known = sum(piece in english.words for piece in pieces)
    marks = sum(mark in text for mark in "¿¡")
    best = max(_evidence(pieces, language, english) for language in others.values()) + marks
    sure = _SHORT if len(pieces) <= 3 else _SURE
    return best >= sure and best > _LEAD * known


def _evidence(pieces: list[str], language: _Language, english: _Language) -> float:
    score = 0.0
    for piece in pieces:
        if piece in english.words or piece in _LENT:
            continue
        if piece in language.words:
            score += 1.0
        if not language.letters.isdisjoint(piece):
            score += _MARKED
    return score


def _pieces(word: str) -> list[str]:
    """ "l'ascenseur" is two words, "don't" one."""
    found = _ELISION.match(word)
    return [found[0][:-1], word[found.end() :]] if found else [word]
