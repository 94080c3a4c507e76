"""Words of danger: somebody may be hurt, or hurt themselves or others. Told before any mind is asked.

By phrases alone (data/danger.toml): nothing to load, nothing that can fail, well under a millisecond.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, get_args

from visavis.engines.dialogue.knowledge_file import Entry
from visavis.engines.language.brackets import unmarked
from visavis.engines.language.patterns import pattern, written
from visavis.engines.language.phrasebook import phrase

PATH: Final = Path(__file__).parents[1] / "data" / "danger.toml"

# What is read first is what is answered, where a text tells of two: who thinks of suicide needs
# other words than who has been hurt. "emergency": of no kind that is told.
Kind = Literal["suicide", "self_harm", "violence", "fire", "medical", "emergency"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_ALONE: Final = frozenset({"suicide", "self_harm"})  # a general emergency entry is none for these
MANNER: Final = "[serious, calm]"  # in place of whatever mood was in force, a cheerful one too
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
    said = written(text)
    if not said:
        return None
    for words in _all():
        said = words.without_idioms(said)
    found = {kind for words in _all() if (kind := words.read(said)) is not None}
    return next((kind for kind in KINDS if kind in found), None)


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
    rows = tomllib.loads(PATH.read_text(encoding="utf-8"))
    return tuple(_Words(table) for table in rows.values())


def warm() -> None:
    """Read the phrases, so that the first visitor need not wait."""
    _all()


def answer(kind: Kind, language: str, rescue: Rescue, entries: Sequence[Entry] = ()) -> str:
    """What to say: the operator's own entry where the file has one, else our words.

    entries: of the file, in this language.
    """
    own = own_entry(kind, entries)
    if own is not None:
        return f"{MANNER} {unmarked(own.answers[0])}"
    said = [phrase(f"danger.{kind}", language)]
    if kind in _ALONE and rescue.crisis:
        said.append(phrase("danger.crisis", language))
    return filled(f"{MANNER} {' '.join(said)}", language, rescue)


def still(language: str, rescue: Rescue) -> str:
    """What to say instead of "I do not know", while a danger may not be over."""
    return filled(f"{MANNER} {phrase('danger.still', language)}", language, rescue)


def filled(text: str, language: str, rescue: Rescue) -> str:
    """With the operator's numbers and contact in the braces."""
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


def own_entry(kind: Kind, entries: Iterable[Entry]) -> Entry | None:
    """The entry that the file has for a danger: the one most of whose questions tell of it."""
    by_kind: dict[Kind, dict[str, int]] = {}
    known = {entry.id: entry for entry in entries}
    for entry in known.values():
        for question in entry.questions:
            if (told := danger(question)) is not None:
                counts = by_kind.setdefault(told, {})
                counts[entry.id] = counts.get(entry.id, 0) + 1
    kinds: list[Kind] = ["suicide"] if kind == "self_harm" else ["emergency"]
    for each in (kind, *(kinds if kind != "suicide" else ())):
        counts = by_kind.get(each, {})
        if counts:
            return known[max(counts, key=lambda name: counts[name])]
    return None
