"""Where one sentence may hold two questions: the ways in which it could be read as two.

It only proposes, from the words alone; whoever knows the answers decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from visavis.engines.language.wording import words

MOST: Final = 3  # questions of one text that are looked for
_LONGEST: Final = 60  # words of a text that is looked into

_SENTENCE: Final = re.compile(r"(?<=[.?!;。？！؟])\s*")
_JOINT: Final = re.compile(
    r"\s*,?\s+(?:and(?:\s+(?:also|then|secondly|by the way))?|as well as|plus|or|und(?:\s+auch)?"
    r"|y|e|et(?:\s+aussi)?|puis|so wie|sowie|además|también|وأيضا)\s+(?=\S)"
    r"|\s*[,，]\s*(?=(?:and|what|when|where|how|is|are|do|does|can|could|wann|wo|wie|kann|gibt|où"
    r"|quand|comment|est-ce|dónde|cuándo|cómo|hay|还有|另外|而且|那)\b)"
    r"|[，,]?(?:还有|另外|以及)",
    re.IGNORECASE,
)
_ALSO: Final = re.compile(r"^(?:and|also|then|plus|secondly|by the way|und|et|y)\b[\s,]*", re.I)
# What begins a question or a wish: a part that has it stands by itself.
_BEGINS: Final = words(
    """what when where which who whom whose why how whether if is are am was do does did can could
    may might must shall should will would have has i we my our there tell please wann wo wie was
    wer warum ist sind kann darf gibt haben ich wir où quand comment combien est quel quelle je nous
    y dónde cuándo cómo cuánto qué hay puedo tienen necesito quiero"""
)
_ASKING: Final = words("what when where which who whom whose why how whether if is are do does can")
_NAMING: Final = words("the a an my our some any two three another one no more der die das ein")
_SHARED: Final = 3  # words after the second thing that belong to both: "the pool and the bar open"


@dataclass(frozen=True, slots=True)
class Split:
    """Two questions: the readings of the first and of the second, likeliest first.

    clauses: both begin like a question or a wish of their own.
    """

    firsts: tuple[str, ...]
    seconds: tuple[str, ...]
    clauses: bool


def splits(text: str) -> Iterator[Split]:
    """The ways to read a text as two questions, those at the end of a sentence first."""
    if len(text.split()) > _LONGEST:
        return
    sentences = [part for part in _SENTENCE.split(text) if any(map(str.isalnum, part))]
    for at in range(1, len(sentences)):
        left, right = " ".join(sentences[:at]), " ".join(sentences[at:])
        right = _ALSO.sub("", right)
        if right:
            yield Split((left,), (right,), _is_clause(right) and _is_clause(left))
    if len(sentences) != 1:
        return
    for joint in _JOINT.finditer(text):
        left, right = text[: joint.start()].strip(), text[joint.end() :].strip()
        if any(map(str.isalnum, left)) and any(map(str.isalnum, right)):
            yield _joined(left, right)


def _joined(left: str, right: str) -> Split:
    if _is_clause(right):
        begun = () if _is_asking(right) else _with_start(left, right, (2, 3))
        return Split((left,), (right, *begun), _is_clause(left))
    firsts = [left]
    second = right.rstrip(".?!").split()
    size = 1 + (second[0].lower() in _NAMING)
    shared = second[size:]
    if 0 < len(shared) <= _SHARED:
        firsts.insert(0, f"{left} {' '.join(shared)}")
    return Split(tuple(firsts), (*_with_start(left, right, (2, 3, 4)), right), clauses=False)


def _with_start(left: str, right: str, sizes: tuple[int, ...]) -> tuple[str, ...]:
    """The second part begun as the first one: "we need" and "two more towels"."""
    said = left.split()
    named = next((n for n, word in enumerate(said) if n and word.lower() in _NAMING), 0)
    starts = dict.fromkeys(n for n in (named, *sizes) if 0 < n < len(said))
    return tuple(f"{' '.join(said[:n])} {right}" for n in [*starts][:3])


def _is_asking(part: str) -> bool:
    return part.split()[0].lower() in _ASKING


def _is_clause(part: str) -> bool:
    first = part.lower().split()
    return bool(first) and re.split(r"\W", first[0])[0] in _BEGINS
