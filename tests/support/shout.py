"""A dialogue in one file: it says the words back, louder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from visavis.engines.base import Exchange
from visavis.engines.settings import DialogueSettings


def load(settings: DialogueSettings) -> Shout:
    del settings
    return Shout()


class Shout:
    """Implements `Dialogue`."""

    def reply(self, text: str, history: Sequence[Exchange]) -> Iterator[str]:
        yield f"{text.upper()}!"
