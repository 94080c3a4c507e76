"""What a session asks of directions: to understand one, and what a visitor's mood calls for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from visavis.engines.base import UNTOLD, EngineError, Mood, Remark
from visavis.engines.direction.director import Director
from visavis.engines.direction.mood import mood
from visavis.engines.direction.sentiment import Sentiment
from visavis.engines.direction.styles import NOTHING, Direction
from visavis.server.system.faults import contained
from visavis.server.system.served import Served

log = logging.getLogger(__name__)


class Guide:
    """Directions in plain words, shared by all sessions."""

    def __init__(self, director: Director, reading: Served[Director], sentiment: Sentiment) -> None:
        """director: for what is quick; reading: the same one, for what takes time."""
        self._director, self._reading, self._sentiment = director, reading, sentiment

    @property
    def names(self) -> tuple[str, ...]:
        """All the styles that can be asked for."""
        return self._director.names

    def literal(self, wish: str) -> Direction:
        """What the words of the table say, at once."""
        return self._at_once(lambda: self._director.literal(wish))

    def felt(self, remarks: Sequence[Remark], text: str, language: str) -> Mood:
        """How a visitor feels at these words, after what was said before; "": after their last."""
        try:
            with self._reading.health.watched(), contained("mood"):
                return mood(remarks, text, language)
        except EngineError:
            return UNTOLD

    def answer(self, text: str, arousal: float, felt: Mood = UNTOLD) -> Direction:
        """How to appear while answering these words, said in this voice by who feels so."""
        now = self._at_once(lambda: self._sentiment.answer(text, arousal))
        return now if now != NOTHING else self._at_once(lambda: self._sentiment.over(felt))

    def _at_once(self, read: Callable[[], Direction]) -> Direction:
        """In the event loop; a reader that fails costs the direction, not the reply."""
        try:
            with self._reading.health.watched(), contained("direction"):
                return read()
        except EngineError:
            return NOTHING

    async def understand(self, wish: str) -> Direction:
        """At once where the wish uses words of the table. Never fails: at worst it drops words."""
        literal = self.literal(wish)
        if not literal.dropped or not self._director.embeds:
            return literal
        try:
            return await self._reading.call(_understand, wish)
        except EngineError as error:
            log.warning("a direction was read by its words only", extra={"fault": str(error)})
            return literal


def _understand(director: Director, wish: str) -> Direction:
    return director.understand(wish)
