"""Who of the staff attends a session: who looks at it, and whether they have its answers.

While it is held no mind is asked and no command obeyed: what the visitor says is told, remembered
and left to the holder, whose own words are said as any others are (`Session.say`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from visavis.engines.base import Remark
from visavis.server.session import events
from visavis.server.session.history import History
from visavis.server.session.performing import Platform

ASKED: Final = "asked"  # the reason of a visitor who asks for a person in plain words

How = Literal["typing", "speaking"]


@dataclass(slots=True)
class Presence:
    """Whether a server offers its visitors a person, and how many of the staff are there now."""

    offered: bool = False
    members: int = 0


class Attendance:
    """Of one session. clear: ends what is said, and forgets what was to be gone on with."""

    def __init__(self, platform: Platform, history: History, clear: Callable[[], None]) -> None:
        self._platform, self._history, self._clear = platform, history, clear
        self.presence = Presence()  # in this server; who attends the session sets it
        self._watchers = 0
        self._how: How | None = None  # in which way the holder answers
        self._taken: int | None = None  # the turn of the words that were left to them last

    @property
    def held(self) -> bool:
        """Whether answers are left to a person."""
        return self._how is not None

    @property
    def by(self) -> events.Attended:
        """What the visitor is told of it."""
        if self._how is not None:
            return events.Attended("speaking" if self._how == "speaking" else "answering")
        return events.Attended("watching" if self._watchers else "nobody")

    def watch(self, on: bool) -> None:
        """One more looks at what is said, or one fewer."""
        before = self.by
        self._watchers = max(0, self._watchers + (1 if on else -1))
        self._changed(before)

    def hold(self, how: How = "typing") -> None:
        """Leave the answers to a person from now on, or let them answer in another way."""
        if not self.held:
            self._clear()
            self._taken = None
            self._platform.showing.attend("listening")
        before, self._how = self.by, how
        self._changed(before)

    def release(self) -> None:
        """The mind answers again; what was said meanwhile is part of what it is told."""
        before, self._how = self.by, None
        self._changed(before)

    def takes(self, text: str, *, typed: bool = False, again: bool = False) -> bool:
        """Whether these words of the visitor are left to the holder; then they have been told.

        again: what was taken last was not all they had to say, and is in these words.
        """
        if not self.held:
            return False
        if typed:
            self._clear()
        elif again and self._taken is not None:
            self._history.drop(self._taken)
            self._platform.tell(events.Transcribed(self._taken, "", final=True))
        self._taken = number = self._next()
        self._history.add([Remark(number, "visitor", text)])
        self._platform.tell(events.Transcribed(number, text, final=True))
        self._platform.showing.attend("listening")
        return True

    def spoke(self, text: str) -> None:
        """The holder has said this with their own voice, which was heard already."""
        number = self._next()
        self._history.add([Remark(number, "avatar", text, heard=text)])
        self._platform.tell(events.Caption(number, text, len(text)))
        self._platform.tell(events.ReplyEnded(number, "done", text))

    def _next(self) -> int:
        """A turn of its own, without a cut: a voice that is relayed goes on through it."""
        self._platform.timeline.turn += 1
        return self._platform.timeline.turn

    def _changed(self, before: events.Attended) -> None:
        if self.by != before:
            self._platform.tell(self.by)
