"""What was said in a session, for the mind: the turns that are over, as it was really heard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from visavis.engines.base import Remark

_MOST: Final = 60  # remarks: some 20 turns


class History:
    """Remarks of whole turns, the oldest first; the oldest turns are let go."""

    def __init__(self) -> None:
        self.remarks: tuple[Remark, ...] = ()

    def add(self, remarks: Sequence[Remark]) -> None:
        """A turn that is over."""
        self.remarks = (*self.remarks, *remarks)
        while len(self.remarks) > _MOST:
            self.drop(self.remarks[0].turn)

    def drop_last(self) -> None:
        """Take the last turn back: its question is asked again."""
        if self.remarks:
            self.drop(self.remarks[-1].turn)

    def drop(self, turn: int) -> None:
        """Forget a turn."""
        self.remarks = tuple(remark for remark in self.remarks if remark.turn != turn)
