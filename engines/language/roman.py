"""Roman numerals, where the words around them make them numbers: "World War II", "Henry VIII"."""

from __future__ import annotations

import re
from typing import Final

from visavis.engines.language import numerals
from visavis.engines.language.place import Place
from visavis.engines.language.wording import words

_VALUES: Final = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_FORM: Final = re.compile(r"(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")  # 1 to 89, and 90 to 99
_COUNTED: Final = words(
    """war chapter part act volume vol book section phase type class stage level title article
    appendix grade camp scene episode season version mark tier category bowl group zone terminal
    hall wing block platform unit figure fig table annex lesson round"""
)
_REIGNING: Final = words(
    """henry louis edward george james charles william elizabeth richard robert john paul benedict
    pius leo philip frederick wilhelm friedrich napoleon alexander nicholas peter catherine ivan
    francis franz joseph leopold ludwig otto gustav christian haakon harald olav juan carlos
    felipe alfonso ferdinand ramses ramesses ptolemy xerxes darius margaret margrethe albert
    baudouin rainier innocent gregory clement urban sixtus julius adrian emmanuel humbert
    umberto mary anne"""
)
_RANKS: Final = words("king queen pope emperor empress tsar kaiser sultan prince duke")
_ALONE: Final = frozenset({"I", "V", "X", "L", "C"})  # more often a letter, or oneself
_WORDS: Final = frozenset({"MIX", "CIV", "LIV", "XL", "XX", "XXX", "IV"})


def read(word: str, place: Place, *, ends: bool) -> str | None:
    """What is said for a word if it is a number here; `ends`: a mark or nothing follows it."""
    if not word.isupper() or not word or not _FORM.fullmatch(word) or not place.before:
        return None
    before = place.before.lower()
    if before in _COUNTED:
        # "Chapter I" and "World War I began", but "the part I like".
        certain = word != "I" or ends or place.earlier == "World"
        return numerals.cardinal(_value(word)) if certain and _capital(place.before) else None
    if before in _REIGNING and _capital(place.before):
        certain = (
            word != "I" or ends or place.earlier.lower() in _RANKS or not place.after.islower()
        )
        return f"the {numerals.ordinal(_value(word))}" if certain else None
    if word in _ALONE or word in _WORDS or not _capital(place.before):
        return None
    return numerals.cardinal(_value(word))


def _capital(word: str) -> bool:
    return word[:1].isupper()


def _value(word: str) -> int:
    values = [_VALUES[letter] for letter in word]
    following = [*values[1:], 0]
    return sum(-v if v < after else v for v, after in zip(values, following, strict=True))
