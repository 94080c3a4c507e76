"""What languages are called, and whether a visitor asks for one: "Sprechen Sie Deutsch?".

The names and sentences are data/tongues.toml. A text asks for a language as a whole or not at all,
in whichever language it is written: who asks for another one may well ask in that.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from visavis.engines.language import phrasebook
from visavis.engines.language.languages import LANGUAGES, code_of
from visavis.engines.language.phrasebook import ENGLISH, listed

PATH: Final = Path(__file__).parents[1] / "data" / "tongues.toml"
ALL: Final = "all"  # what `asked` gives for "which languages do you speak?"

_MARKS: Final = 160  # characters of a text that can be such a wish at all
_NAME: Final = "{language}"
# What may stand around it, in each language: greetings and hesitation.
_AROUND: Final = re.compile(
    r"^(?:(?:hello|hi|hey|excuse me|sorry|um|uh|well|okay|ok|yes|yeah|hallo|ja|guten tag|"
    r"entschuldigung|hola|si|perdon|disculpe|bonjour|bonsoir|oui|pardon|excusez moi|euh|"
    r"مرحبا|عفوا|نعم|السلام عليكم|你好|您好|请问)\s*)+"
)
_CONTRACTIONS: Final = (
    *(("let's", "let us"), ("can't", "cannot"), ("don't", "do not")),
    *(("i'd ", "i would "), ("we'd ", "we would ")),
)
_TASHKEEL: Final = re.compile("[\u064b-\u065f\u0670\u0640]")
_ALIKE: Final = str.maketrans("أإآٱىةؤئ", "اااايهوي")


def load() -> None:
    """Read all that is said here and in the phrasebook, so that nobody waits for a file later."""
    _grammars()
    for each in phrasebook.LANGUAGES:
        phrasebook.phrases("apology.failed", each)


def name_of(language: str, spoken: str = ENGLISH) -> str:
    """What a language is called in another one, as in "let us speak German".

    language, spoken: BCP 47. English where the other has no name for it.
    """
    code, rows = code_of(language), _rows()
    names: Mapping[str, str] = rows.get(code_of(spoken), rows[ENGLISH])["names"]
    known = LANGUAGES.get(code)
    return names.get(code) or (known.name if known is not None else language)


def names_of(languages: Iterable[str], spoken: str) -> str:
    """Several of them in a row: "German, French and English"."""
    return listed([name_of(each, spoken) for each in languages], "and", spoken)


def asked(text: str) -> str | None:
    """The language that a whole text asks for, as a code, or ALL; None: it asks for none."""
    if len(text) > _MARKS:
        return None
    whole = plain(text)
    # Without blanks: where words begin tells nothing more here, and Chinese has none.
    for said in dict.fromkeys("".join(each.split()) for each in (whole, _AROUND.sub("", whole))):
        for grammar in _grammars():
            if (found := grammar.read(said)) is not None:
                return found
    return None


def plain(text: str) -> str:
    """Lower case, without marks and accents, an Arabic letter in one form; blanks are single."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    for short, written_out in _CONTRACTIONS:
        text = text.replace(short, written_out)
    text = _TASHKEEL.sub("", text).translate(_ALIKE)
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    words = re.sub(r"[^\w]+|_", " ", unicodedata.normalize("NFC", bare))
    return " ".join(words.split())


class _Grammar:
    """The sentences of one language, over the names that languages have in all of them."""

    def __init__(self, say: Sequence[str], every: Sequence[str], names: Mapping[str, str]) -> None:
        """names: of languages, plain and without blanks -> code."""
        choice = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
        self._names = names
        self._one = [re.compile(_expression(row, choice)) for row in say]
        self._all = [re.compile(_expression(row, choice)) for row in every]

    def read(self, said: str) -> str | None:
        """What `asked` says of a plain text without blanks."""
        for pattern in self._one:
            if found := pattern.fullmatch(said):
                return self._names[found["name"]]
        return ALL if any(pattern.fullmatch(said) for pattern in self._all) else None


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(PATH.read_text(encoding="utf-8"))


def _rows() -> Mapping[str, Mapping[str, Any]]:
    """By the language that they are written in."""
    return {language: row for language, row in _table().items() if language != "endonyms"}


@cache
def _grammars() -> tuple[_Grammar, ...]:
    names: dict[str, str] = {}
    for code, name in _table()["endonyms"].items():
        names[_joined(name)] = code
    for row in _rows().values():
        for code, name in row["names"].items():
            names.setdefault(_joined(name), code)
        for code, others in row["also"].items():
            for name in others:
                names.setdefault(_joined(name), code)
    return tuple(_Grammar(row["say"], row["all"], names) for row in _rows().values())


def _joined(name: str) -> str:
    return "".join(plain(name).split())


def _expression(row: str, choice: str) -> str:
    """A sentence of the table as a pattern of texts without blanks."""
    return "".join(row.split()).replace(_NAME, f"(?P<name>{choice})")
