"""The language that a browser prefers, of those that are spoken here (RFC 9110, 12.5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import ENGLISH

_MOST: Final = 500  # characters of the header that are read


def preferred(accepted: str, languages: Sequence[str]) -> str:
    """The code of the first of a caller's languages that is one of these; else English, or any.

    accepted: the header Accept-Language; "" where there is none.
    """
    wished = [_wish(each) for each in accepted[:_MOST].split(",")]
    for _, tag in sorted(wished, key=lambda wish: -wish[0]):  # in their order where weights agree
        if code_of(tag) in languages:
            return code_of(tag)
    return ENGLISH if ENGLISH in languages or not languages else languages[0]


def _wish(item: str) -> tuple[float, str]:
    """ "de-AT;q=0.8" -> (0.8, "de-AT"); a weight that is none counts as no wish."""
    tag, *parameters = (part.strip() for part in item.split(";"))
    weights = [each[2:] for each in parameters if each.lower().startswith("q=")]
    try:
        weight = float(weights[0]) if weights else 1.0
    except ValueError:
        weight = 0.0
    return (weight, tag) if weight > 0 else (0.0, "")
