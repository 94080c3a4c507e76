"""Words of danger: somebody may be hurt, or hurt themselves or others.

By phrases alone (data/danger.toml), so there is no model to load, and nothing that can fail or
hang; well under a millisecond.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, get_args

from visavis.engines.dialogue import smalltalk
from visavis.engines.dialogue.entries import Entry, Knowledge
from visavis.engines.language.brackets import unmarked
from visavis.engines.language.languages import code_of
from visavis.engines.language.patterns import pattern, written
from visavis.engines.language.phrasebook import LANGUAGES, phrase

PATH: Final = Path(__file__).parents[1] / "data" / "danger.toml"
# Read here, not at the first question: that is asked in an event loop.
_TABLES: Final[Mapping[str, Mapping[str, Any]]] = tomllib.loads(PATH.read_text(encoding="utf-8"))

# What is read first is what is answered, where a text tells of two: who thinks of suicide needs
# other words than who has been hurt. "emergency": of no kind that is told.
Kind = Literal["suicide", "self_harm", "violence", "fire", "medical", "emergency"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_ALONE: Final = frozenset({"suicide", "self_harm"})  # a general emergency entry is none for these
# In place of whatever mood was in force, a cheerful one too.
MANNER: Final = "[serious, slightly slow]"
_SHORT: Final = 5  # digits of a number that is said one by one


@dataclass(frozen=True, slots=True)
class Rescue:
    """Who helps, as the operator has it. numbers: of telephones, as they are dialled.

    crisis: for who thinks of suicide; empty: the emergency number. contact: whom to tell in the
    house, as it is said ("the front desk"); empty: a member of the staff, in the language spoken.
    """

    emergency: str = "112"
    crisis: str = ""
    contact: str = ""


def danger(text: str) -> Kind | None:
    """What danger a text tells of, in any of our languages; None: of none."""
    said = without_idioms(text)
    if not said:
        return None
    found = {kind for words in _all() if (kind := words.read(said)) is not None}
    return next((kind for kind in KINDS if kind in found), None)


def without_idioms(text: str) -> str:
    """A text as phrases are written, with a comma for what only sounds like danger."""
    said = written(text)
    for words in _all() if said else ():
        said = words.without_idioms(said)
    return said


class _Words:
    """Those of one language."""

    def __init__(self, rows: Mapping[str, Any]) -> None:
        sets = rows.get("sets", {})
        self._idioms = pattern(rows["idiom"]["say"], sets)
        self._kinds: list[tuple[Kind, re.Pattern[str]]] = [
            (kind, pattern(rows["danger"].get(kind, ()), sets)) for kind in KINDS
        ]

    def without_idioms(self, said: str) -> str:
        """With a mark in their place, which no phrase has: what is around them stays apart."""
        return self._idioms.sub(" ,", said)

    def read(self, said: str) -> Kind | None:
        """The first kind of danger that is told of."""
        return next((kind for kind, told in self._kinds if told.search(said)), None)


@cache
def _all() -> tuple[_Words, ...]:
    return tuple(_Words(table) for table in _TABLES.values())


def warm() -> None:
    """Read the phrases and our words, so that the first visitor need not wait."""
    _all()
    for language in LANGUAGES:
        phrase("danger.still", language)


def answer(kind: Kind, language: str, rescue: Rescue, own: Mapping[Kind, str]) -> str:
    """What to say: the operator's own entry where the file has one, else our words.

    own: of the operator's file in this language, see `own_answers`.
    """
    if kind in own:
        return f"{MANNER} {own[kind]}"
    said = [phrase(f"danger.{kind}", language)]
    if kind in _ALONE and rescue.crisis:
        said.append(phrase("danger.crisis", language))
    return _filled(f"{MANNER} {' '.join(said)}", language, rescue)


def still(language: str, rescue: Rescue) -> str:
    """What to say instead of "I do not know", while a danger may not be over."""
    return _filled(f"{MANNER} {phrase('danger.still', language)}", language, rescue)


def _filled(text: str, language: str, rescue: Rescue) -> str:
    values = {
        "emergency": spoken(rescue.emergency),
        "crisis": spoken(rescue.crisis),
        "contact": rescue.contact or phrase("danger.contact", language),
    }
    for key, value in values.items():
        text = text.replace("{" + key + "}", value)
    return text


def spoken(number: str) -> str:
    """A number as it is read out: "112" -> "1 1 2", "0800 111 0 111" -> "0 8 0 0, 1 1 1, ..."."""
    groups = re.findall(r"\+?\d+", number)
    return ", ".join(" ".join(group) for group in groups) or number


def own_answers(knowledge: Knowledge, language: str) -> Mapping[Kind, str]:
    """What a file says, in a language, to each danger of which its own questions tell.

    Without its directions. A general entry, for an emergency, stands in for a kind that has none
    of its own, but not where somebody may hurt themselves: an entry for that tells of little
    else. Takes 0.3 ms a question.
    """
    found: dict[Kind, tuple[int, str]] = {}
    knowledge = knowledge.in_language(code_of(language))
    for entry in knowledge.entries:
        if entry.borrowed:  # the file says it in another language only, and we say it in this one
            continue
        told = [kind for each in entry.questions if (kind := danger(each)) is not None]
        alone = sum(kind in _ALONE for kind in told)
        # Where to find the stairs and an ambulance is no answer to somebody who wants to die.
        meant = {kind for kind in told if kind not in _ALONE or 2 * alone > len(told)}
        for kind in meant:
            best = found.get(kind, (0, ""))
            found[kind] = max(best, (told.count(kind), _plain(entry, knowledge)), key=_count)
    own = {kind: text for kind, (_, text) in found.items()}
    general = {"emergency", "suicide"} & own.keys()
    for kind in KINDS:
        stands_in: Kind = "suicide" if kind in _ALONE else "emergency"
        if kind not in own and stands_in in general:
            own[kind] = own[stands_in]
    return own


def _plain(entry: Entry, knowledge: Knowledge) -> str:
    return unmarked(smalltalk.fill(entry.answers[0], knowledge))


def _count(row: tuple[int, str]) -> int:
    return row[0]
