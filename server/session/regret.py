"""What is said where a visitor's speech was not understood: in another language, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from visavis.engines.dialogue.danger import danger
from visavis.engines.language.phrasebook import phrase
from visavis.server.playout.messages import Heard
from visavis.server.session.switching import Switching

Why = Literal["foreign", "unclear"]


@dataclass(frozen=True, slots=True)
class Sorry:
    """Why nothing was understood, and what to say of it."""

    why: Why
    text: str


class Regret:
    """Of one visitor. "I did not catch that" is said once in a row: a second time it is noise."""

    def __init__(self, switching: Switching) -> None:
        """switching: in which language, and which ones are understood."""
        self._switching = switching
        self._asked = False  # to say it again, and nothing was understood since

    def at(self, heard: Heard) -> Sorry | None:
        """What to say to this turn; None: it was understood, or silence is the better answer."""
        if danger(heard.text) is not None:  # whichever language that was taken for
            return None
        if heard.text or heard.foreign:
            self._asked = False
            return Sorry("foreign", self._switching.foreign()) if heard.foreign else None
        if not heard.unclear or self._asked:
            return None
        self._asked = True
        return Sorry("unclear", phrase("ears.unclear", self._switching.language))
