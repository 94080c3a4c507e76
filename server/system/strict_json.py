"""JSON from outside, read strictly: what one reader takes and another refuses is refused here."""

from __future__ import annotations

import json
import math
from typing import Any


class NotJson(ValueError):
    """The text is not JSON as RFC 8259 has it; says nothing of what it was."""


def parse(text: str) -> Any:
    """One JSON value: numbers are finite, names in an object differ. Raises NotJson.

    Python alone takes NaN, Infinity and 1e999, lets the last of two equal names win, and raises
    ValueError for an integer of over 4,300 digits, RecursionError for many brackets.
    """
    try:
        return json.loads(
            text, parse_constant=_refused, parse_float=_finite, object_pairs_hook=_object
        )
    except (ValueError, RecursionError):
        raise NotJson("not JSON") from None  # the cause quotes the text


def _refused(constant: str) -> Any:
    raise NotJson(constant)


def _finite(digits: str) -> float:
    if not math.isfinite(value := float(digits)):
        raise NotJson("too large a number")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise NotJson("one name twice")
    return fields
