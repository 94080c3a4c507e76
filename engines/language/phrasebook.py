"""What the avatar says of its own, in the languages that it has words in: data, looked up by key.

The texts are data/phrasebook.*.toml, one file a language and in each the same tables, whose head
comments explain them. What a file lacks is said in English.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from visavis.engines.language.languages import code_of

FOLDER: Final = Path(__file__).parents[1] / "data"
ENGLISH: Final = "en"
# In which the avatar and its page have words of their own; it may answer in others.
LANGUAGES: Final = ("en", "es", "fr", "de", "zh", "ar")


def voiced(language: str) -> str:
    """The language in which `phrases` says what it says in this one: itself, or English."""
    return language if code_of(language) in LANGUAGES else ENGLISH


def phrases(key: str, language: str) -> tuple[str, ...]:
    """What is said, in turn, where `key` ("smalltalk.unknown") applies; at least one.

    language: BCP 47. English where the language has none. Raises KeyError for no key of English.
    """
    own = _phrases(code_of(language)) if code_of(language) in LANGUAGES else {}
    return own.get(key) or _phrases(ENGLISH)[key]


def phrase(key: str, language: str, turn: int = 0) -> str:
    """One of them: another one each turn. Raises KeyError."""
    said = phrases(key, language)
    return said[turn % len(said)]


def listed(names: Sequence[str], last: Literal["and", "or"], language: str) -> str:
    """At least one name as they are said: "a, b or c"."""
    *others, final = names
    if not others:
        return final
    first = others[0]
    for name in others[1:]:
        first = phrase("list.comma", language).format(first=first, last=name)
    return phrase(f"list.{last}", language).format(first=first, last=final)


@cache
def _phrases(language: str) -> Mapping[str, tuple[str, ...]]:
    """One file, by "table.name"."""
    path = FOLDER / f"phrasebook.{language}.toml"
    tables: Mapping[str, Mapping[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        f"{table}.{name}": (said,) if isinstance(said, str) else tuple(said)
        for table, rows in tables.items()
        for name, said in rows.items()
    }
