"""A dialogue that says what it is given: for tests, and for people who speak through a face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from visavis.engines.base import Exchange
from visavis.engines.language.sentences import fragments
from visavis.engines.settings import DialogueSettings


def load(settings: DialogueSettings) -> EchoDialogue:
    """It needs none of them."""
    del settings
    return EchoDialogue()


class EchoDialogue:
    """Implements `Dialogue`."""

    obeys = False  # "Stop." is to be said as well

    def reply(self, text: str, history: Sequence[Exchange]) -> Iterator[str]:
        """Yield the text itself, sentence by sentence, runs of blanks as one."""
        del history
        yield from fragments(" ".join(text.split()))
