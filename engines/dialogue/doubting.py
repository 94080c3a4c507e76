"""How sure it is that an entry answers a question that the file has in other words.

What a near miss gives away are words of which the entry has nothing: "is the pool chlorinated" lies
farther from the pool than "is the pool". A paraphrase is the other way round: without "vacate", "by
when must we vacate the room" would say less of checking out. So each word that the entry lacks is
left out once, and what that changes is weighed, along with how well the question fits as a whole.
And by its kind: an entry that has no price does not answer how much it is, and one that lacks a
word of "are the bananas organic" or "which router do you use" seldom says anything of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from visavis.engines.language.asking import Kind, Telling, form

MOST: Final = 4  # words that are left out, each for a part of an embedding

# Log odds, by models/tools/doubts.py from paraphrases and near misses of the example and of three
# other files, all in bench/: dialogue_tuning.toml, the `tune` sets of dialogue_questions.toml and
# dialogue_elsewhere.toml.
WEIGHTS: Final = {
    "one": -0.73,
    "score": 1.19,
    "lead": 3.36,
    "margin": 1.88,
    "share": -0.40,
    "lacking": -0.11,
    "away": -8.12,
    "new": -10.20,
    "towards": 4.55,
    "talk": -1.57,
    "own": 0.47,
    "alike": 0.59,
    "price": -4.12,
    "person": -2.07,
    "measure": -2.79,
    "which": -2.18,
    "quality": -1.57,
    "there": -1.43,
    "leave": -1.12,
}
# A sixth of the log odds: 0.5 is the least that is answered, and a question in other words that is
# known well comes to some 0.95. A little more is answered than is likelier right than wrong.
_SCALE: Final = 1 / 6
EAGER: Final = 0.2
_LEADS: Final = (-0.3, 0.5)  # beyond them a lead tells no more
_FARTHEST: Final = 0.5
_CLEAREST: Final = 0.4
# How much more than the fit as a whole, by its margin: words alone make nothing known. In a small
# file all fits are low, and what is meant stands out all the same.
_MORE: Final = 0.05
_AT_MOST: Final = 0.25
_NEAR: Final = 0.3  # what fits is near, though not known: its subject is worth naming
_OF_KIND: Final = {
    Kind.WHICH: "which", Kind.QUALITY: "quality",
    Kind.THERE: "there", Kind.HAVING: "there", Kind.LEAVE: "leave",
}  # fmt: skip
_MISSING: Final = {Kind.PRICE: "price", Kind.PERSON: "person", Kind.MEASURE: "measure"}
_OWN: Final = frozenset({"i", "we", "my", "our", "me", "us"})


@dataclass(frozen=True, slots=True)
class Lacking:
    """A word of a question that an entry has not.

    change: by how much the question is nearer to the entry without it. new: no entry has it.
    """

    word: str
    change: float
    new: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of a question and the entry that is nearest to it.

    score: how near, its lead over what is beyond the avatar weighed in. lead: that lead. margin:
    the one over the next entry that could be meant. share: of the question's words, by rarity, that
    the entry has. talk: whether the entry is small talk.
    """

    score: float
    lead: float
    margin: float
    share: float
    lacking: Sequence[Lacking]
    talk: bool = False


def certainty(normal: str, found: Evidence, telling: Telling) -> float:
    """About 1 for what is known for sure; 0.5 is the least that is worth an answer.

    A doubt leaves what fits at 0.3 or above. normal: the question, normalised. telling: what kinds
    of things the entry tells.
    """
    seen = features(normal, found, telling)
    odds = sum(WEIGHTS[name] * value for name, value in seen.items())
    most = found.score + min(_AT_MOST, _MORE + seen["margin"])
    return max(min(0.5 + _SCALE * (odds + EAGER), most), min(found.score, _NEAR))


def features(normal: str, found: Evidence, telling: Telling) -> dict[str, float]:
    """What is weighed, by its name in WEIGHTS."""
    least, most = _LEADS
    changes = [each.change for each in found.lacking]
    asked = form(normal)
    seen = {
        "one": 1.0,
        "score": found.score,
        "lead": max(least, min(found.lead, most)),
        "margin": min(found.margin, _CLEAREST),
        "share": found.share,
        "lacking": float(len(changes)),
        "away": min(_FARTHEST, sum(max(0.0, change) for change in changes)),
        "new": max((max(0.0, each.change) for each in found.lacking if each.new), default=0.0),
        "towards": max((max(0.0, -change) for change in changes), default=0.0),
        "talk": float(found.talk),
        "own": float(not _OWN.isdisjoint(normal.split())),
        "alike": float(telling.is_asked_like(asked)),
    }
    seen |= dict.fromkeys((*_MISSING.values(), *_OF_KIND.values()), 0.0)
    if asked.kind in _MISSING and not telling.has(asked):
        seen[_MISSING[asked.kind]] = 1.0
    if asked.kind in _OF_KIND and changes:
        seen[_OF_KIND[asked.kind]] = 1.0
    return seen
