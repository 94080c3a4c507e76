"""Phrases with choices and gaps, looked for anywhere in a text of any of our languages.

Texts and phrases are written alike: lower case, without accents, marks and contractions, one blank
between words. Where a script has no blanks, each character is a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from visavis.engines.language.wording import normalise

MOST: Final = 160  # words of a text that are read: its beginning and its end

_GAP: Final = r"(?: \S+){0,4}?"  # "~": a few words of any kind
# A choice, what must not follow, a set; whether it may be missing; a gap or an edge; a word.
_ELEMENT: Final = re.compile(
    r"(?:(?<!\S)\(([^()]+)\)|!\(([^()]+)\)|<(\w+)>)(\??)(?!\S)|(?<!\S)([~$^])(?!\S)"
    r"|(?<!\S)([^\s()<>~$^!?*|]+)(?!\S)"
)
_HAN: Final = re.compile(r"([\u3400-\u9fff])")
_ARABIC: Final = re.compile(r"[\u0600-\u06ff]")
_TOKEN: Final = re.compile(r"\w+")
_SAME: Final = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ـ": None, "ß": "ss", "’": "'"}
)
_ELIDED: Final = re.compile(r"\b([ldjmtsnc]|qu)'(?=\w)")  # "l'escalier"; no English "it's"
_ARTICLE: Final = re.compile(r"^[وف]?(?:ال|بال|لل|كال)(?=\w{3})")


def written(text: str) -> str:
    """A text as phrases are written, a blank before each word; "" if it has none."""
    text = _ELIDED.sub(r"\1 ", _plain(text))
    if _HAN.search(text) or _ARABIC.search(text):
        said = _TOKEN.findall(_HAN.sub(r" \1 ", text))
        said = [_ARTICLE.sub("", word) if _ARABIC.match(word) else word for word in said]
    else:
        said = normalise(text).split()
    if len(said) > MOST:
        said = said[: MOST // 2] + said[-MOST // 2 :]
    return "".join(f" {word}" for word in said)


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", text.lower()).translate(_SAME)
    return "".join(letter for letter in text if not unicodedata.combining(letter))


def pattern(phrases: Iterable[str], sets: Mapping[str, str] | None = None) -> re.Pattern[str]:
    """Of all these phrases at once, to be searched for in what `written` gives.

    In a phrase "(a|b)" is either, "(a|b)?" either or nothing, "!(a|b)" means that neither follows,
    "~" is up to four words, "^" and "$" begin and end a text, "<name>" is one of a set. Raises
    ValueError for one that is written otherwise.
    """
    each = [f"(?:{_expression(phrase, sets or {})})(?= |$)" for phrase in phrases]
    return re.compile("|".join(each) or r"(?!)")


def _expression(phrase: str, sets: Mapping[str, str]) -> str:
    if _ELEMENT.sub("", phrase).strip():
        raise ValueError(f"the phrase {phrase!r} is no phrase: choices within choices?")
    return "".join(_element(found, sets) for found in _ELEMENT.finditer(phrase))


def _element(found: re.Match[str], sets: Mapping[str, str]) -> str:
    either, unlike, name, maybe, edge, word = found.groups()
    if word:
        return _words(word)
    if edge:
        return _GAP if edge == "~" else edge
    choice = "|".join(map(_words, _alternatives(either or unlike or f"<{name}>", sets)))
    return f"(?!(?:{choice})(?: |$))" if unlike else f"(?:{choice}){maybe}"


def _alternatives(choice: str, sets: Mapping[str, str]) -> Iterator[str]:
    """The words of a choice, sets in it written out."""
    for each in choice.split("|"):
        before, bracket, rest = each.partition("<")
        name, _, after = rest.partition(">")
        members = sets[name].split("|") if bracket else [""]
        yield from (f"{before}{member}{after}" for member in members)


def _words(text: str) -> str:
    return "".join(f" {re.escape(word)}" for word in written(text).split())
