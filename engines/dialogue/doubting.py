"""How sure it is that an entry answers a question that the file has in other words.

What a near miss gives away are words of which the entry has nothing: "is the pool chlorinated" lies
farther from the pool than "is the pool". A paraphrase is the other way round: without "vacate", "by
when must we vacate the room" would say less of checking out. So each word that the entry lacks is
left out once, and what that changes is weighed, along with how well the question fits as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MOST: Final = 4  # words that are left out, each for a part of an embedding

# By logistic regression with L2, in three folds over bench/dialogue_tuning.toml and the `tune` sets
# of bench/dialogue_questions.toml. A sixth of the log odds: 0.5 is the least that is answered,
# and a question in other words that is known well comes to some 0.95.
_BIAS: Final = 0.153
_SCORE: Final = 0.41
_LEAD: Final = 0.88
_SHARE: Final = 0.10
_WORD: Final = -0.023  # for each that the entry lacks
_AWAY: Final = -1.36  # by how much all that lead away do so together
_NEW: Final = -1.08  # by how much one that no entry has leads away
_TOWARDS: Final = 0.79  # by how much the word that leads to the entry most does
_LEADS: Final = (-0.3, 0.5)  # beyond them a lead tells no more
_FARTHEST: Final = 0.5
_AT_MOST: Final = 0.1  # more than the fit as a whole: words alone make nothing known


@dataclass(frozen=True, slots=True)
class Lacking:
    """A word of a question that an entry has not.

    change: by how much the question is nearer to the entry without it. new: no entry has it.
    """

    word: str
    change: float
    new: bool


def certainty(score: float, lead: float, share: float, lacking: Sequence[Lacking]) -> float:
    """About 1 for what is known for sure; 0.5 is the least that is worth an answer.

    score: how near the entry is, its lead over what is beyond the avatar weighed in. share: of the
    question's words, by rarity, that the entry has.
    """
    away = min(_FARTHEST, sum(max(0.0, each.change) for each in lacking))
    new = max((each.change for each in lacking if each.new), default=0.0)
    towards = max((-each.change for each in lacking), default=0.0)
    least, most = _LEADS
    weighed = (
        _BIAS
        + _SCORE * score
        + _LEAD * max(least, min(lead, most))
        + _SHARE * share
        + _WORD * len(lacking)
        + _AWAY * away
        + _NEW * max(0.0, new)
        + _TOWARDS * max(0.0, towards)
    )
    return min(weighed, score + _AT_MOST)
