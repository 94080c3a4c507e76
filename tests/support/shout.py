"""A dialogue in one file: it says the words back, louder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from visavis.engines.base import Exchange


def load(home: Path, knowledge: Path | None) -> Shout:
    del home, knowledge
    return Shout()


class Shout:
    """Implements `Dialogue`."""

    def reply(self, text: str, history: Sequence[Exchange]) -> Iterator[str]:
        yield f"{text.upper()}!"
