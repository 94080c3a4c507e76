"""What kind of thing an English question asks for, and whether a text has such a thing to tell.

Read off the words that a normalised question begins with: "how heavy is the safe" asks for a
measure, "are the bananas organic" for a quality of something that is taken for known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from visavis.engines.language.wording import words


class Kind(StrEnum):
    """Of a question; `OTHER`: it is no question by its words, as most wishes are none."""

    PRICE = "price"
    TIME = "time"
    PERSON = "person"
    MEASURE = "measure"
    WHICH = "which"
    QUALITY = "quality"
    THERE = "there"
    HAVING = "having"
    LEAVE = "leave"
    PLACE = "place"
    WAY = "way"
    WHAT = "what"
    OTHER = "other"


_LEAD: Final = r"^(?:(?:and|but|so|or) )*"
_BY: Final = r"(?:(?:at|by|for|from|in|on|since|till|to|until|with) )?"
# The first that is found holds.
_KINDS: Final = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            Kind.PRICE,
            r"\bhow much (?:is|are|do|does|did|would|will|for|to|we|you)\b"
            r"|\b(?:cost|costs|charge|price|fee|expensive|owe)\b",
        ),
        (
            Kind.TIME,
            rf"{_LEAD}{_BY}(?:when|(?:what|which) (?:time|day|oclock))\b"
            r"|\bhow (?:late|early)\b|\bwhat oclock\b",
        ),
        (Kind.PERSON, rf"{_LEAD}{_BY}(?:who|whose|whom)\b"),
        (
            Kind.MEASURE,
            r"\bhow (?:many|big|old|heavy|tall|wide|deep|fast|high|long|large|strong|hot|warm|cold"
            r"|often|thick|loud|small|far|hard)\b",
        ),
        (
            Kind.WHICH,
            rf"{_LEAD}{_BY}(?:what|which) (?:(?:is|are|was) the \w+ (?:of|in|at)\b|(?!(?:is|are|do"
            r"|does|can|could|if|about|would|to|should|must|will|else)\b)\w)",
        ),
        (
            Kind.QUALITY,
            rf"{_LEAD}(?:is|are|was|were|does|do|did|has|have|will|can|could)"
            r" (?:the|your|this|these|those)\b",
        ),
        (Kind.THERE, rf"{_LEAD}(?:is|are|was|were) there\b"),
        (Kind.HAVING, rf"{_LEAD}(?:do|have) you\b"),
        (
            Kind.LEAVE,
            rf"{_LEAD}(?:can|could|may|might|am|must|shall|should|do|will)"
            r" (?:i|we|my|our|one|somebody|someone|anybody)\b",
        ),
        (Kind.PLACE, rf"{_LEAD}where\b"),
        (Kind.WAY, rf"{_LEAD}how\b"),
        (Kind.WHAT, rf"{_LEAD}(?:what|why)\b"),
    )
)
_MEASURED: Final = re.compile(r"\bhow (\w+)")
_MONEY: Final = words(
    "euro euros cost costs price prices free fee charge charges charged pay paid included money"
    " extra bill cent"
)
_NUMBER: Final = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_CLOCK: Final = re.compile(
    r"\b(?:noon|midnight|morning|afternoon|evening|night|hours?|minutes?|open|opens|opened|closes?"
    r"|closed|days?|daily|always|mon|tues|wednes|thurs|fri|satur|sun)(?:day|days)?\b"
    r"|\b(?:weekends?|weekdays?|week|oclock|clock|until|when)\b"
    rf"|\b(?:at|from|until|till|to|before|after|by|between|past) (?:{_NUMBER})\b"
)


@dataclass(frozen=True, slots=True)
class Form:
    """Of a question. measured: "heavy" of "how heavy", of a measure alone."""

    kind: Kind
    measured: str = ""


def form(normal: str) -> Form:
    """Of a normalised question."""
    for kind, pattern in _KINDS:
        if pattern.search(normal):
            found = _MEASURED.search(normal) if kind is Kind.MEASURE else None
            return Form(kind, found[1] if found else "")
    return Form(Kind.OTHER)


class Telling:
    """What kinds of things an entry tells: its normalised questions and the answer to them."""

    def __init__(self, questions: Sequence[str], answer: str) -> None:
        self._forms = frozenset(map(form, questions))
        self._kinds = frozenset(each.kind for each in self._forms)
        self._money = not _MONEY.isdisjoint(" ".join((*questions, answer)).split())
        # Of the answer alone: "is the morning meal included?" tells no time.
        self._clock = Kind.TIME in self._kinds or bool(_CLOCK.search(answer))

    def has(self, asked: Form) -> bool:
        """Whether it has anything of the kind; True of kinds of which words say nothing."""
        if asked.kind is Kind.PRICE:
            return self._money
        if asked.kind is Kind.TIME:
            return self._clock
        if asked.kind is Kind.PERSON:
            return Kind.PERSON in self._kinds
        return asked.kind is not Kind.MEASURE or asked in self._forms

    def is_asked_like(self, asked: Form) -> bool:
        """Whether one of its own questions is of that kind."""
        return asked.kind is not Kind.OTHER and asked.kind in self._kinds
