"""How well the mood of a conversation is told from its words: JSON on standard output.

    python bench/mood.py [--errors]

first: written before the cues and weights, which were then chosen on it; second: written after.

Over the conversations of mood.toml. told: turns at which a person says that the visitor is
frustrated, satisfied or urgent, and at which we say so; false: of those that we say, the ones at
which nobody would. offers: conversations in which a person would offer to fetch somebody, at that
turn or before the end; false offers: conversations in which we do and nobody would.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from visavis.engines.base import Mood
from visavis.engines.direction.mood import TOLD, Turn, course, rises, warm

CONVERSATIONS: Final = Path(__file__).with_name("mood.toml")
FEELINGS: Final = {"f": "frustration", "s": "satisfaction", "u": "urgency"}


@dataclass(slots=True)
class Count:
    """Of one feeling: turns by what a person and what we say."""

    both: int = 0
    missed: int = 0
    false: int = 0
    errors: list[str] = field(default_factory=list)

    def told(self) -> dict[str, object]:
        """As it is written."""
        return {
            "turns": self.both + self.missed,
            "told": round(self.both / max(self.both + self.missed, 1), 3),
            "false": round(self.false / max(self.both + self.false, 1), 3),
        }


def turn(row: list[str]) -> Turn:
    """One turn as the file has it: "?" nothing was known, "/" spoken over."""
    text, answer = row[:2]
    return Turn(
        text,
        answer.rstrip("?").replace(" / ", " ")
        if answer.endswith(".?")
        else answer.replace(" / ", " "),
        0.0 if answer.endswith(".?") else 0.9,
        " / " in answer,
    )


def noticed(mood: Mood, letter: str) -> bool:
    """Whether a feeling is one that somebody else would notice."""
    return float(getattr(mood, FEELINGS[letter])) >= TOLD


def measure(which: str = "first") -> tuple[dict[str, Count], dict[str, object]]:
    """All conversations of a set."""
    rows = tomllib.loads(CONVERSATIONS.read_text("utf-8"))["conversation"]
    rows = [row["turns"] for row in rows if row.get("set", "first") == which]
    counts = {letter: Count() for letter in FEELINGS}
    wanted = offered = false = late = 0
    for conversation in rows:
        felt = course([turn(row) for row in conversation], "en")
        for row, mood in zip(conversation, felt, strict=True):
            for letter, count in counts.items():
                _count(count, letter in row[2], noticed(mood, letter), f"{row[0]}: {mood}")
        wants = next((n for n, row in enumerate(conversation) if len(row) > 3), None)
        offers = next((n for n in range(len(felt)) if rises(felt[: n + 1])), None)
        wanted += wants is not None
        offered += wants is not None and offers is not None
        late += wants is not None and offers is not None and offers > wants
        false += wants is None and offers is not None
        if (wants is None) != (offers is None):
            counts["f"].errors.append(f"offer {offers}, a person {wants}: {conversation[0][0]}")
    return counts, {
        "conversations": len(rows),
        "wanted": wanted,
        "offered": offered,
        "later": late,
        "false": false,
    }


def _count(count: Count, person: bool, ours: bool, what: str) -> None:
    count.both += person and ours
    count.missed += person and not ours
    count.false += ours and not person
    if person != ours:
        count.errors.append(f"{'missed' if person else 'false'} {what}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--errors", action="store_true", help="each turn that was told otherwise")
    arguments = parser.parse_args()
    warm()
    began = time.perf_counter()
    report: dict[str, object] = {}
    for which in ("first", "second"):
        counts, offers = measure(which)
        told: dict[str, object] = {FEELINGS[key]: count.told() for key, count in counts.items()}
        told["offers"] = offers
        if arguments.errors:
            told["errors"] = {FEELINGS[key]: count.errors for key, count in counts.items()}
        report[which] = told
    report["ms"] = round(1000 * (time.perf_counter() - began), 1)
    json.dump(report, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
