"""What is said for what is written: our spoken forms against those of public test sets.

    python -m bench spoken

The cases lie in `tests/data/spoken_cases.tsv`, each with its source. A spoken form is right if a
listener could not tell it from one of the case's: capitals, hyphens and pauses aside,
  - "and" inside of a number or an amount may be there or not ("one hundred and five");
  - a zero may be "oh", minus "negative", a year in the two thousands "two thousand five" or
    "twenty oh five", a round number "seventeen hundred" or "one thousand seven hundred";
  - a date may name its day or its month first ("the fifth of May", "May fifth", "fifth May");
  - letters may stand together or apart ("PM", "p m"), and "ay" is the letter;
  - "a hundred" is "one hundred", "a half" "one half".
Whatever else is right is listed with the case.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from visavis.engines.language import dates, numerals
from visavis.engines.language.spoken import spell

CASES: Final = Path(__file__).parents[2] / "tests" / "data" / "spoken_cases.tsv"

_ONES: Final = tuple(map(numerals.cardinal, range(20)))
_TENS: Final = tuple(map(numerals.cardinal, range(20, 100, 10)))
_SCALES: Final = ("hundred", "thousand", "million", "billion", "trillion")
_MONTHS: Final = tuple(month.lower() for month in dates.MONTHS)
_NUMBER: Final = frozenset((*_ONES, *_TENS, *_SCALES))
_SAME: Final = {
    "oh": "zero",
    "o": "zero",
    "ay": "a",
    "nought": "zero",
    "negative": "minus",
    "misses": "missus",
    "metre": "meter",
    "metres": "meters",
}
_PARTS: Final = {"half", "third", "quarter", "quarters", "thirds", "fifths", "point"}
_AMOUNT: Final = {"dollar", "dollars", "euro", "euros", "pound", "pounds", "minutes", "minute"}


@dataclass(frozen=True, slots=True)
class Case:
    """One written form, its source, and what may be said for it."""

    source: str
    written: str
    right: tuple[str, ...]


def cases() -> list[Case]:
    """All of the file, in its order."""
    lines = CASES.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("# ")]
    return [Case(row[0], row[1], tuple(row[2].split(" | "))) for row in rows]


def said(written: str) -> str:
    """Our spoken form of a text."""
    return " ".join(word.spoken for word in spell(written) if word.spoken)


def right(case: Case, spoken: str) -> bool:
    """Whether a listener would take it for one of the case's forms."""
    return plain(spoken) in {plain(form) for form in case.right}


def plain(spoken: str) -> str:
    """A spoken form without what a listener does not mind; see the top of this file."""
    text = re.sub(r"[-–—/]", " ", spoken.lower().replace("o'clock", "oclock"))
    words = [_SAME.get(word, word) for word in re.findall(r"[^\W\d_]+|\d+", text.replace("'", ""))]
    words = _without_and(words)
    text = re.sub(r"\ba (?=hundred\b|half\b)", "one ", " ".join(_letters_together(words)))
    text = re.sub(r"\btwenty zero (\w+)\b", r"two thousand \1", text)
    text = re.sub(r"\b(\w+teen|eleven|twelve)( hundred)\b", _thousands, text)
    months, days = "|".join(_MONTHS), r"(?:\w+ )?\w+(?:st|nd|rd|th)"
    text = re.sub(rf"\b(?:the )?((?:twenty |thirty )?\w+) of ({months})\b", r"\2 \1", text)
    return re.sub(rf"\b(?:the )?((?:twenty |thirty )?{days}) ({months})\b", r"\2 \1", text)


def _thousands(found: re.Match[str]) -> str:
    number = _ONES.index(found[1])
    return f"one thousand {_ONES[number - 10]} hundred" if number > 10 else found[0]


def _without_and(words: list[str]) -> list[str]:
    """Without each "and" between two parts of a number or an amount."""
    kept = []
    for at, word in enumerate(words):
        before, after = words[at - 1 : at], words[at + 1 : at + 2]
        inside = before and after and (before[0] in _SCALES or before[0] in _AMOUNT)
        if word == "and" and inside and (after[0] in _NUMBER):
            continue
        kept.append(word)
    return kept


def _letters_together(words: list[str]) -> list[str]:
    """ "p m" -> "pm": runs of single letters as one word."""
    joined: list[str] = []
    run = False
    for word in words:
        letter = len(word) == 1 or (len(word) <= 4 and word in {"am", "pm"})
        if letter and run:
            joined[-1] += word
        else:
            joined.append(word)
        run = letter
    return joined


def main() -> None:
    """Print the score by source, and what a clause costs, as JSON; what is wrong to stderr."""
    table = cases()
    wrong = [case for case in table if not right(case, said(case.written))]
    every, missed = Counter(c.source for c in table), Counter(c.source for c in wrong)
    for case in wrong:
        print(f"{case.source}: {case.written!r} -> {said(case.written)!r}", file=sys.stderr)
    spans = [_milliseconds(case.written) for case in table]
    result = {
        "cases": len(table),
        "right": len(table) - len(wrong),
        "by_source": {source: [every[source] - missed[source], every[source]] for source in every},
        "clause_ms": {"median": round(statistics.median(spans), 3), "most": round(max(spans), 3)},
    }
    print(json.dumps(result))


def _milliseconds(written: str) -> float:
    began = time.perf_counter()
    spell(written)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
