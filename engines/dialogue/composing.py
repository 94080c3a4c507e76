"""Several answers as one, joined as a person would say them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from visavis.engines.language.brackets import unmarked
from visavis.engines.language.phrasebook import phrase
from visavis.engines.language.sentences import sentences

WORDS: Final = 80  # of all answers together: half a minute; more is a monologue
_KEPT: Final = 2  # sentences of each answer that stay however long it is


def joined(first: str, others: Sequence[tuple[str, str]], language: str) -> str:
    """An answer, and others with their subjects: "... And the gym: it never closes."."""
    told = [first, *(answer for _, answer in others)]
    first, *rest = shortened(told)
    calm = "[neutral] "
    for (subject, _), answer in zip(others, rest, strict=True):
        said = phrase("knowledge.also", language).format(
            subject=subject, answer=unbracketed(answer)
        )
        cue = leading(answer) or (calm if "[" in first else "")
        first = f"{first} {cue}{said}"
    return first


def shortened(answers: Sequence[str]) -> list[str]:
    """Without the last sentences of the longest, as long as all are too long together."""
    parts = [sentences(answer) for answer in answers]
    while sum(len(unmarked(" ".join(part)).split()) for part in parts) > WORDS:
        long = max((part for part in parts if len(part) > _KEPT), key=_words, default=None)
        if long is None:
            break
        long.pop()
    return [" ".join(part) for part in parts]


def _words(part: list[str]) -> int:
    return len(" ".join(part).split())


def leading(answer: str) -> str:
    """The direction that an answer begins with, and a blank; empty if there is none."""
    end = answer.find("]")
    return f"{answer[: end + 1]} " if answer.startswith("[") and end > 0 else ""


def unbracketed(answer: str) -> str:
    """An answer without the direction that it begins with."""
    return answer[len(leading(answer).rstrip()) :].lstrip()
