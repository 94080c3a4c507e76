"""What a session asks of directions: to understand one, and what a visitor's words call for."""

from __future__ import annotations

import logging

from visavis.engines.base import EngineError
from visavis.engines.direction.director import Director
from visavis.engines.direction.sentiment import Sentiment
from visavis.engines.direction.styles import Direction
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
        return self._director.literal(wish)

    def answer(self, text: str, arousal: float) -> Direction:
        """How to appear while answering these words, said in this voice."""
        return self._sentiment.answer(text, arousal)

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
