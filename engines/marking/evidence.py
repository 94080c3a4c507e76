"""How sure it is that a mark is there: what was found, and the law of false alarms.

Of n observations x and the n signs w that a mark would have put into them, the evidence is
t = w . x / |x|. The signs are keyed and pseudo-random, so whatever x is, if it was made without the
key then w . x is a sum of terms with random signs, and P(t >= T) <= exp(-T**2 / 2) (Hoeffding 1963,
theorem 2). Nothing is assumed of pictures or sounds. All 2**40 words at all places that are read
are taken as tries, by the union bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from visavis.engines.marking.payload import MESSAGE, Payload

# log10 of the false alarms that one look lets through: a recording is looked at up to ten times,
# and of a million without a mark fewer than one is to look as if it had one.
LIMIT: Final = -7.0


@dataclass(frozen=True, slots=True)
class Found:
    """A mark. log10_false_alarm: of the probability that a look without one finds so much.

    agreement in [0, 1]: how much of what was observed is the mark (1: nothing else).
    """

    payload: Payload
    agreement: float
    log10_false_alarm: float

    @property
    def confidence(self) -> float:
        """1 less that probability."""
        return 1.0 - float(10.0**self.log10_false_alarm)


def log10_false_alarm(evidence: float, places: float) -> float:
    """log10 of the bound, at most 0. evidence: t; places: how many were searched."""
    if evidence <= 0:
        return 0.0
    bound = math.log10(places) + MESSAGE * math.log10(2) - evidence**2 / 2 / math.log(10)
    return min(0.0, bound)
