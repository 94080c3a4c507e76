"""What is said where a visitor's speech was not understood: in another language, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from visavis.engines.dialogue.danger import danger
from visavis.engines.dialogue.smalltalk import FOREIGN, UNCLEAR
from visavis.server.playout.messages import Heard

Why = Literal["foreign", "unclear"]


@dataclass(frozen=True, slots=True)
class Sorry:
    """Why nothing was understood, and what to say of it."""

    why: Why
    text: str


_FOREIGN: Final = Sorry("foreign", FOREIGN)
_UNCLEAR: Final = Sorry("unclear", UNCLEAR)


class Regret:
    """Of one visitor. "I did not catch that" is said once in a row: a second time it is noise."""

    def __init__(self) -> None:
        self._asked = False  # to say it again, and nothing was understood since

    def at(self, heard: Heard) -> Sorry | None:
        """What to say to this turn; None: it was understood, or silence is the better answer."""
        if danger(heard.text) is not None:  # whichever language that was taken for
            return None
        if heard.text or heard.foreign:
            self._asked = False
            return _FOREIGN if heard.foreign else None
        if not heard.unclear or self._asked:
            return None
        self._asked = True
        return _UNCLEAR
