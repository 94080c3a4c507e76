"""What a visitor tells the conversation itself, done: be silent, wait, go on, repeat, get somebody.

It comes before the mind, whichever that is, and is no part of what the mind is told was said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from visavis.engines.base import Remark
from visavis.engines.language.commands import Command, Commands, Kind
from visavis.server.session import events
from visavis.server.session.attendance import Attendance
from visavis.server.session.changeover import Changeover
from visavis.server.session.performing import Platform
from visavis.server.session.switching import Wish


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


class Obeying:
    """Of one session. commands: which ones there are; None: all that is said is for the mind.

    attendance: who has a session answers themselves, whatever was said. speaking: whether a reply
    is under way, or was broken off by what is said now.
    """

    def __init__(
        self,
        session: Obedient,
        commands: Commands | None,
        changeover: Changeover,
        attendance: Attendance,
        platform: Platform,
        speaking: Callable[[], bool],
    ) -> None:
        self._session, self._commands, self._changeover = session, commands, changeover
        self._attendance, self._speaking = attendance, speaking
        self._timeline, self._tell = platform.timeline, platform.tell

    def understands(self, text: str) -> bool:
        """Whether it is for the conversation, and not for a mind."""
        return self._command(text) is not None or self._wish(text) is not None

    def obeyed(self, text: str) -> bool:
        """Whether a visitor's words were a command; then it is done."""
        if (wish := self._wish(text)) is not None:
            self._tell_of(text, "language")
            self._changeover.to(wish.language)
            self._session.reply(wish.text)
            return True
        command = self._command(text)
        if command is None or not obey(self._session, command):
            return False
        self._tell_of(text, command.kind)
        return True

    def _command(self, text: str) -> Command | None:
        if self._commands is None or self._attendance.held:
            return None
        language = self._changeover.language
        return self._commands.read(text, speaking=self._speaking(), language=language)

    def _wish(self, text: str) -> Wish | None:
        return self._changeover.asked(text) if self._commands is not None else None

    def _tell_of(self, text: str, command: Kind) -> None:
        turn = self._timeline.turn
        self._tell(events.Transcribed(turn, text, final=True))
        self._tell(events.Commanded(turn, command))


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
