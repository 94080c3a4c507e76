"""Words compared with what was said: which were found again, which were lost. No sound."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# What a recogniser writes in figures or short, and a script in letters, or the other way round.
_SAME: Final = {
    "ok": "okay", "wifi": "wi fi", "checkin": "check in", "checkout": "check out",
    "i'm": "i am", "it's": "it is", "what's": "what is", "where's": "where is", "that's": "that is",
    "i'd": "i would", "we'd": "we would", "i'll": "i will", "we'll": "we will", "don't": "do not",
    "can't": "cannot", "we're": "we are", "there's": "there is", "how's": "how is",
    "0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six",
    "7": "seven", "8": "eight", "9": "nine", "10": "ten", "11": "eleven", "12": "twelve",
    "20": "twenty", "30": "thirty", "dr": "doctor", "mr": "mister", "goodbye": "good bye",
    "anymore": "any more", "grey": "gray", "harbour": "harbor", "jewellery": "jewelry",
    "alright": "all right",
    "o'clock": "oclock", "thankyou": "thank you",
}  # fmt: skip
# Sounds of hesitation, which a recogniser may leave out.
_FILLERS: Final = frozenset(("um", "uh", "er", "erm", "hmm", "mm", "mhm", "ah", "eh"))


def plain(text: str) -> list[str]:
    """Lower-case words, hesitations left out, the usual short forms written out."""
    text = text.lower().replace("\u2019", "'")  # a typographic apostrophe
    text = re.sub(r"(\d)\s*(a\.?m\.?|p\.?m\.?)\b", r"\1 \2", text)
    words = re.findall(r"[a-z0-9]+(?:'[a-z]+)?", text)
    written = " ".join(_SAME.get(word, word) for word in words)
    return [word for word in written.split() if word not in _FILLERS]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Counts of a minimal edit of what was said into what was written.

    lost: the words of `said` that were left out or replaced, in order.
    """

    said: int
    hits: int
    substituted: int
    deleted: int
    inserted: int
    lost: tuple[str, ...]

    @property
    def error(self) -> float:
        """Word error rate, in percent of the words said."""
        wrong = self.substituted + self.deleted + self.inserted
        return 100 * wrong / self.said if self.said else 0.0


def align(said: list[str], written: list[str]) -> Alignment:
    """Of all edits with the fewest changes, one with the most hits."""
    # best[j]: (changes, -hits) of said[:i] against written[:j]; back: what was done last.
    rows = [[(j, 0) for j in range(len(written) + 1)]]
    back = [["i"] * (len(written) + 1)]
    for i, word in enumerate(said, 1):
        row, steps = [(i, 0)], ["d"]
        for j, other in enumerate(written, 1):
            (cost, hits), same = rows[i - 1][j - 1], word == other
            choices = [
                ((cost + (not same), hits - same), "h" if same else "s"),
                ((rows[i - 1][j][0] + 1, rows[i - 1][j][1]), "d"),
                ((row[j - 1][0] + 1, row[j - 1][1]), "i"),
            ]
            value, step = min(choices, key=lambda choice: choice[0])
            row.append(value)
            steps.append(step)
        rows.append(row)
        back.append(steps)
    return _counted(said, len(written), back)


def _counted(said: list[str], j: int, back: list[list[str]]) -> Alignment:
    i, counts, lost = len(said), dict.fromkeys("hsdi", 0), []
    while i or j:
        step = back[i][j]
        counts[step] += 1
        if step in "sd":
            lost.append(said[i - 1])
        i, j = i - (step != "i"), j - (step != "d")
    return Alignment(
        len(said), counts["h"], counts["s"], counts["d"], counts["i"], tuple(reversed(lost))
    )


def lost_beyond(said: str, whole: str, heard: str) -> int:
    """Words lost beyond the recogniser's own error.

    Those of `said` that it finds in the whole recording, less those that the session found; a
    session that finds more loses none, and makes up for no other case.
    """
    truth = plain(said)
    return max(0, align(truth, plain(whole)).hits - align(truth, plain(heard)).hits)
