"""How a visitor feels over a whole conversation, by their words alone: no sound and no face here.

What is said (data/feelings.toml) counts, and what happens to it, which words alone do not tell:
being asked the same again, being told that nothing is known, being cut off. Each kind of evidence
has a weight; what was felt before decays with each turn. Evidence e and a feeling f come together
as 1 - (1 - f) (1 - e), so that it never leaves [0, 1].
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from visavis.engines.base import UNTOLD, Mood, Remark
from visavis.engines.dialogue.danger import danger
from visavis.engines.language.brackets import unmarked
from visavis.engines.language.languages import code_of
from visavis.engines.language.patterns import pattern, written
from visavis.engines.language.phrasebook import ENGLISH
from visavis.engines.language.wording import STOP, stem

PATH: Final = Path(__file__).parents[1] / "data" / "feelings.toml"
_TABLES: Final[Mapping[str, Mapping[str, Any]]] = tomllib.loads(PATH.read_text(encoding="utf-8"))

TOLD: Final = 0.33  # from here on a feeling is one that somebody else would notice
_KEPT: Final = 0.62  # of a feeling, from one turn to the next
_KEPT_URGENCY: Final = 0.75  # whoever has a train to catch has it still
_PLAIN: Final = 0.6  # words that say it
_UNEASY: Final = 0.34  # words that may
_AGAIN: Final = 0.42  # the same question again, which was answered
_ASKED_AGAIN: Final = 0.42  # again after "I do not know"
_UNKNOWN: Final = 0.2  # nothing was known, and something else is asked
_CUT: Final = 0.3  # they spoke over an answer, to set it right
_RIGHTED: Final = 0.3  # "No, I asked about": the last answer was none
_SAME: Final = 0.34  # they were told the same twice
_EASED: Final = 0.5  # of frustration and urgency after "Fine." or "Thanks."
_SOFTENED: Final = 0.4  # of a feeling when the opposite one is told
_LOOKED: Final = 8  # turns: of what was felt before them less than a fortieth is left
_WHOLE: Final = 0.9  # of an answer's letters: less was heard of one that was cut off
_CLEAR: Final = 0.45  # frustration at which somebody is offered
_STIRRED: Final = 0.19  # evidence of it that is a rise
_ALIKE: Final = 0.6  # of the words that carry a subject: the same question
_RELATED: Final = 0.3  # still the same subject


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a visitor. answer: as it was written; sure: of it, 0 if nothing was known.

    cut: whether they spoke before it was over.
    """

    text: str
    answer: str = ""
    sure: float | None = None
    cut: bool = False


def turns(history: Iterable[Remark]) -> list[Turn]:
    """What a visitor said of late, and what became of it; not what the avatar said by itself."""
    rows: dict[int, Turn] = {}
    for remark in history:
        if remark.role == "visitor":
            rows[remark.turn] = Turn(remark.text)
        elif remark.role == "avatar" and remark.turn in rows:
            answer = unmarked(remark.text)
            cut = len(remark.heard) < _WHOLE * len(answer)
            rows[remark.turn] = Turn(rows[remark.turn].text, answer, remark.sure, cut)
    return list(rows.values())[-_LOOKED:]


def course(said: Sequence[Turn], language: str) -> list[Mood]:
    """The mood after each of these turns' words; the last one's answer is still to come."""
    moods: list[Mood] = []
    now = UNTOLD
    for at, turn in enumerate(said):
        now = _after(now, _evidence(turn, said[:at], _words(language)))
        moods.append(now)
    return moods


def mood(history: Iterable[Remark], text: str, language: str) -> Mood:
    """The mood at a visitor's words, after what was said before. Well under a millisecond a turn.

    "": as it was after their last words.
    """
    said = turns(history)
    felt = course([*said, Turn(text)] if text else said, language)
    return felt[-1] if felt else UNTOLD


def rises(felt: Sequence[Mood]) -> bool:
    """Whether frustration has risen twice in a row, and is now one that anybody would notice."""
    *earlier, before, now = (each.frustration for each in (UNTOLD, UNTOLD, *felt))
    stirred = (_gained(earlier[-1], before), _gained(before, now))
    return now >= _CLEAR and min(stirred) >= _STIRRED


def _gained(before: float, now: float) -> float:
    """The evidence that led from one frustration to the next."""
    return 1 - (1 - now) / (1 - before * _KEPT)


def agrees(text: str, language: str) -> bool:
    """Whether a text says yes, and nothing else."""
    return _words(language).yes.search(written(text)) is not None


@dataclass(frozen=True, slots=True)
class _Evidence:
    frustration: float
    satisfaction: float
    urgency: float
    eased: bool


def _after(before: Mood, now: _Evidence) -> Mood:
    eased = _EASED if now.eased else 1.0
    frustration = _joined(before.frustration * _KEPT * eased, now.frustration)
    satisfaction = _joined(before.satisfaction * _KEPT, now.satisfaction)
    if now.satisfaction > now.frustration:
        frustration *= _SOFTENED
    elif now.frustration > 0:
        satisfaction *= _SOFTENED
    told = 1 - (1 - now.frustration) * (1 - now.satisfaction) * (1 - now.urgency)
    return Mood(
        frustration,
        satisfaction,
        _joined(before.urgency * _KEPT_URGENCY * eased, now.urgency),
        _joined(before.confidence * _KEPT, told),
    )


def _joined(before: float, evidence: float) -> float:
    return 1 - (1 - before) * (1 - evidence)


def _evidence(turn: Turn, before: Sequence[Turn], words: _Words) -> _Evidence:
    said = words.unless.sub(" ,", written(turn.text))
    pleased = _PLAIN if words.pleased.search(said) else 0.0
    urgent = _PLAIN if words.urgent.search(said) else 0.0
    found = [_PLAIN] if words.frustrated.search(said) else []
    uneasy = sum(1 for _ in words.uneasy.finditer(said))
    found += [_UNEASY] * min(uneasy, 2)
    if not pleased and before:
        found += _suffered(said, before, words)
    left = 1.0
    for weight in found:
        left *= 1 - weight
    eased = left == 1.0 and words.eased.match(said) is not None
    return _Evidence(1 - left, pleased, urgent, eased)


def _suffered(said: str, before: Sequence[Turn], words: _Words) -> Iterator[float]:
    """What happened to them just before, and shows in what they say now."""
    last = before[-1]
    alike = _alike(said, written(last.text))
    unknown = last.sure == 0.0
    if alike >= _ALIKE or (unknown and alike >= _RELATED):
        yield _ASKED_AGAIN if unknown else _AGAIN
    elif unknown:
        yield _UNKNOWN
    if words.restarting.match(said):
        yield _CUT if last.cut else _RIGHTED
    same = len(before) > 1 and last.answer and last.answer == before[-2].answer
    if same and not unknown and danger(last.text) is None:  # what to do in danger is said again
        yield _SAME


def _alike(said: str, earlier: str) -> float:
    """How much of the shorter text's subject is in both, in [0, 1]."""
    one, other = _subject(said), _subject(earlier)
    if not one or not other:
        return 0.0
    return len(one & other) / min(len(one), len(other))


def _subject(said: str) -> set[str]:
    return {stem(word) for word in said.split() if word not in STOP and word != ","}


class _Words:
    """Phrases of one language."""

    def __init__(self, rows: Mapping[str, Sequence[str]]) -> None:
        self.unless, self.frustrated = pattern(rows["unless"]), pattern(rows["frustrated"])
        self.uneasy, self.pleased = pattern(rows["uneasy"]), pattern(rows["pleased"])
        self.urgent, self.yes = pattern(rows["urgent"]), pattern(rows["yes"])
        self.eased = pattern(rows["eased"])
        self.restarting: re.Pattern[str] = pattern(rows["restarting"])


@cache
def _read(language: str) -> _Words:
    return _Words(_TABLES[language])


def _words(language: str) -> _Words:
    """Those of a language; English where it has none."""
    own = code_of(language)
    return _read(own if own in _TABLES else ENGLISH)


def warm() -> None:
    """Read all phrases, so that the first visitor need not wait."""
    for language in _TABLES:
        _read(language)
