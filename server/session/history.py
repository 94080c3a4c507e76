"""What was said in a session, for the mind: the turns that are over, as it was really heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from visavis.engines.base import Remark, Role
from visavis.server.session.events import Line

_MOST: Final = 60  # remarks: some 20 turns


class History:
    """Remarks of whole turns, the oldest first; the oldest turns are let go."""

    def __init__(self) -> None:
        self.remarks: tuple[Remark, ...] = ()

    def lines(self) -> list[Line]:
        """What was said on both sides, as it was heard."""
        return [
            Line(each.turn, "visitor" if each.role == "visitor" else "avatar", text)
            for each in self.remarks
            if each.role != "tool" and (text := each.heard if each.role == "avatar" else each.text)
        ]

    def add(self, remarks: Sequence[Remark]) -> None:
        """A turn that is over."""
        self.remarks = (*self.remarks, *remarks)
        while len(self.remarks) > _MOST:
            self.drop(self.remarks[0].turn)

    def drop_last(self) -> None:
        """Take the last turn back: its question is asked again."""
        if self.remarks:
            self.drop(self.remarks[-1].turn)

    def drop_question(self, text: str) -> None:
        """Take the last turn back in which this was asked."""
        asked = (r.turn for r in reversed(self.remarks) if r.role == "visitor" and r.text == text)
        self.drop(next(asked, -1))

    def drop(self, turn: int) -> None:
        """Forget a turn."""
        self.remarks = tuple(remark for remark in self.remarks if remark.turn != turn)

    def forget(self, turn: int, role: Role) -> None:
        """One side's part of a turn."""
        self.remarks = tuple(r for r in self.remarks if (r.turn, r.role) != (turn, role))

    def correct(self, turn: int, heard: str) -> None:
        """Of the answer of a turn these words were heard, as somebody knows who plays it."""
        self.remarks = tuple(
            replace(r, heard=heard) if (r.turn, r.role) == (turn, "avatar") else r
            for r in self.remarks
        )
