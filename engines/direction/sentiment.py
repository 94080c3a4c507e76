"""What a visitor's words and voice tell of how they feel -> the direction for the answer.

Of the words, cue phrases only, from data/wishes.toml: a sentence that complains politely, without
any of them, is taken for a plain one, and irony for what it says. Of the voice, whether it is
raised or soft (`tone`), where the operator has that heard. Of the conversation, what `mood` says.
No sound and no face here.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from visavis.engines.base import Mood
from visavis.engines.direction.director import PATH, Director
from visavis.engines.direction.mood import TOLD
from visavis.engines.direction.styles import NOTHING, Direction
from visavis.engines.ears.tone import RAISED
from visavis.engines.language.wording import normalise


@dataclass(frozen=True, slots=True)
class _Feeling:
    """One feeling: phrases with a blank before and after, so that they match whole words.

    raised: the answer to a raised voice.
    """

    name: str
    answer: Direction
    raised: Direction
    said: tuple[str, ...]
    unless: tuple[str, ...]


class Sentiment:
    """Reads one utterance at a time, in well under a millisecond."""

    def __init__(self, director: Director) -> None:
        table = tomllib.loads(PATH.read_text(encoding="utf-8"))
        self._raised = director.understand(table["voice"]["raised"])
        self._soft = director.understand(table["voice"]["soft"])
        self._course = tuple(
            (feeling, director.understand(wish)) for feeling, wish in table["course"].items()
        )
        self._feelings = tuple(
            _Feeling(
                name,
                director.understand(row["answer"]),
                director.understand(row["raised"]),
                _padded(row["say"]),
                _padded(row["unless"]),
            )
            for name, row in table["visitor"].items()
        )

    def feeling(self, text: str) -> str:
        """Its name in the table, "" when the words tell nothing."""
        found = self._read(text)
        return found.name if found else ""

    def answer(self, text: str, arousal: float = 0.0) -> Direction:
        """How to appear while answering these words, said in this voice (`Tone.arousal`).

        NOTHING when neither tells anything.
        """
        found = self._read(text)
        if arousal > RAISED:
            return found.raised if found else self._raised
        if found:
            return found.answer
        return self._soft if arousal < -RAISED else NOTHING

    def over(self, felt: Mood) -> Direction:
        """How to appear to who has felt so over the conversation, whatever was said just now."""
        for feeling, direction in self._course:
            if getattr(felt, feeling) >= TOLD:
                return direction
        return NOTHING

    def _read(self, text: str) -> _Feeling | None:
        said = f" {normalise(text)} "
        for feeling in self._feelings:
            told = any(phrase in said for phrase in feeling.said)
            if told and not any(phrase in said for phrase in feeling.unless):
                return feeling
        return None


def _padded(phrases: list[str]) -> tuple[str, ...]:
    return tuple(f" {normalise(phrase)} " for phrase in phrases)
