"""What every session of a server is to those who keep it, whoever carries it."""

from __future__ import annotations

from typing import Literal, Protocol

from visavis.server.rtc.legacy import Legacy
from visavis.server.rtc.terms import Terms
from visavis.server.session.session import Session
from visavis.server.system.bucket import Bucket

State = Literal["offered", "live", "resting", "over"]
COMMANDS = 25, 100  # over HTTP, (a second, at once), as on a data channel


class Held(Protocol):
    """A session that has a place: a visitor's Conversation, or a wire's Hosted.

    since: when its state began, s of time.monotonic(). commands: how many it takes over HTTP.
    """

    session: Session
    state: State
    since: float
    commands: Bucket

    @property
    def terms(self) -> Terms:
        """What all of its connections have in common."""
        ...

    @property
    def begun(self) -> bool:
        """Whether somebody was found who watches."""
        ...

    @property
    def late(self) -> int:
        """Pictures that did not come in time, so far."""
        ...

    @property
    def legacy(self) -> Legacy | None:
        """Once it is over: what somebody may go on with."""
        ...

    async def close(self, *, for_good: bool = False) -> None:
        """End it all; safe to call twice, and from within. for_good: nobody may go on with it."""
        ...

    async def take_leave(self, within: float) -> None:
        """The server ends: let a reply be finished within so many s, and close."""
        ...

    async def dismiss(self, words: str) -> None:
        """A member of staff ends it for good, and whoever is there is told these words."""
        ...
