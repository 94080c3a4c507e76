"""What a visitor tells the conversation itself, done: be silent, wait, go on, repeat, get somebody.

It comes before the mind, whichever that is, and is no part of what the mind is told was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from visavis.engines.base import Remark
from visavis.engines.language.commands import Command


class Obedient(Protocol):
    """What a command may do to a session."""

    def halt(self) -> bool:
        """Be silent at once, and keep the rest; whether anything was being said."""
        ...

    def go_on(self) -> bool:
        """Say the rest of what was halted; False: there is none."""
        ...

    def repeat(self) -> bool:
        """Say the last answer once more; False: there is none."""
        ...

    def reply(self, text: str) -> None:
        """Say a few words that nobody need remember."""
        ...

    def steer(self, prompt: str) -> None:
        """Take a direction, for what is said from now on."""
        ...

    def want_staff(self) -> bool:
        """Ask for a person; whether one may come."""
        ...


def obey(session: Obedient, command: Command) -> bool:
    """Do it; False: there is nothing to do it with, and the mind may know what was meant."""
    match command.kind:
        case "go-on":
            return session.go_on()
        case "repeat":
            return session.repeat()
        case "manner":
            session.steer(command.direction)
            if not (session.halt() and session.go_on()):
                session.reply(command.answer)
        case "staff":
            return session.want_staff()
        case "stop" | "pause":
            if not session.halt() and command.answer:
                session.reply(command.answer)
    return True


def last_answer(remarks: Sequence[Remark]) -> str:
    """What the avatar said last, in full; "" if it has said nothing.

    An answer that was halted and gone on with is one answer.
    """
    said = [r.text for r in remarks if r.role == "avatar" and r.heard]
    whole = ""
    while said and (not whole or said[-1].endswith(whole)):
        whole = said.pop()
    return whole
