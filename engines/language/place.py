"""Where a word stands: the neighbours that decide how it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from visavis.engines.language.units import CURRENCIES

GROUP: Final = r"\+?\(?\d{1,5}\)?\d{0,12}"
_GROUP: Final = re.compile(GROUP, re.ASCII)
_THOUSANDS: Final = re.compile(r"\d{1,3}", re.ASCII)
_LEADING: Final = re.compile(r"\+\(?\d|\(?0\d|\(\d", re.ASCII)
_ENOUGH: Final = 7  # digits of a telephone number


@dataclass(frozen=True, slots=True)
class Place:
    """The words around one, without their punctuation; "" where there is none.

    grouped: the word is one of several groups of digits of a telephone number. thousands: of one
    number, "12 000", how many groups come after it; -1: it is none. parted: a mark stands between
    it and the word before.
    """

    before: str = ""
    after: str = ""
    earlier: str = ""  # before the one before
    later: str = ""  # after the one after
    grouped: bool = False
    thousands: int = -1
    parted: bool = False


Reading = Callable[[re.Match[str], Place], str | None]


def places(cores: Sequence[str], marks: Sequence[str]) -> list[Place]:
    """The place of each word of a clause; `marks`: the pause after each, "" for none."""
    row = ["", "", *cores, "", ""]
    grouped: set[int] = set()
    thousands: dict[int, int] = {}
    for start, end in _runs(cores):
        if _is_thousands(cores, start, end):
            thousands.update((at, end - 1 - at) for at in range(start, end))
        elif _is_telephone(cores[start:end]):
            grouped.update(range(start, end))
    return [
        Place(row[n + 1], row[n + 3], row[n], row[n + 4],
              n in grouped, thousands.get(n, -1), n > 0 and marks[n - 1] != "")
        for n in range(len(cores))
    ]  # fmt: skip


def _runs(cores: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where several words in a row are groups of digits: "0800 123456"."""
    start = 0
    while start < len(cores):
        end = start
        while end < len(cores) and _GROUP.fullmatch(cores[end]):
            end += 1
        if end - start > 1:
            yield start, end
        start = max(end, start + 1)


def _is_thousands(cores: Sequence[str], start: int, end: int) -> bool:
    """Whether they are one number: "12 000", "1 250 500 €"."""
    first, *rest = cores[start:end]
    if end - start > 5 or not _THOUSANDS.fullmatch(first) or first.startswith("0"):
        return False
    sure = "000" in rest or (end < len(cores) and cores[end] in CURRENCIES)
    return sure and all(len(group) == 3 and group.isdecimal() for group in rest)


def _is_telephone(groups: Sequence[str]) -> bool:
    count = sum(char.isdecimal() for group in groups for char in group)
    if _LEADING.match(groups[0]):
        return count >= _ENOUGH - 1
    thousands = len(groups[0]) < 4 and all(len(group) == 3 for group in groups[1:])
    return _ENOUGH <= count <= 15 and not thousands
