"""The attendants of one process: one for each of its conversations, and their rows together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from visavis.server.http.opening import Sessions
from visavis.server.http.wishes import Lender
from visavis.server.rtc.held import Held
from visavis.server.session.attendance import Presence
from visavis.server.staff.attendant import Attendant
from visavis.server.staff.rows import Row
from visavis.server.system.audit import Audit
from visavis.server.system.errors import NotFound
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics

_TOGETHER: Final = 0.2  # s in which what changes is told at once


class Roster:
    """Of one process, over its sessions. publish: told the rows when one has changed."""

    def __init__(
        self,
        sessions: Sessions,
        lender: Lender,
        presence: Presence,
        metrics: Metrics,
        audit: Audit | None = None,
    ) -> None:
        self._audit = audit
        self._lender, self.presence, self._metrics = lender, presence, metrics
        self._attendants: dict[str, Attendant] = {}
        self._tasks = Tasks()
        self._timer: asyncio.TimerHandle | None = None
        self.publish: Callable[[Sequence[Row]], None] = lambda rows: None
        sessions.listeners.append(self._entered)

    @property
    def rows(self) -> list[Row]:
        """Of all conversations there are."""
        return [attendant.row for attendant in self._attendants.values()]

    def of(self, name: str) -> Attendant:
        """That session's. Raises NotFound."""
        attendant = self._attendants.get(name)
        if attendant is None:
            raise NotFound("There is no such session; it may have ended.")
        return attendant

    async def close(self) -> None:
        """The process ends."""
        if self._timer is not None:
            self._timer.cancel()
        closing = [attendant.close() for attendant in self._attendants.values()]
        self._attendants.clear()
        await asyncio.gather(*closing, return_exceptions=True)
        await self._tasks.close()

    def _entered(self, conversation: Held) -> None:
        """A conversation has entered another state."""
        if not self.presence.offered:
            return
        name = conversation.session.name
        if conversation.state == "over":
            if (gone := self._attendants.pop(name, None)) is not None:
                self._tasks.start(gone.close(), name="staff leave")
        elif name not in self._attendants:
            self._attendants[name] = Attendant(
                conversation, self.presence, self._lender.mouth, self.changed, self._metrics,
                self._audit,
            )  # fmt: skip
        self.changed()

    def changed(self) -> None:
        """Something of a row is different: tell of it soon, with what else changes meanwhile."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TOGETHER, self._tell)

    def _tell(self) -> None:
        self._timer = None
        rows = self.rows
        self._metrics.staff_waiting.set(sum(r.wanted is not None for r in rows))
        self._metrics.staff_held.set(sum(bool(r.how) for r in rows))
        for attendant in self._attendants.values():
            attendant.show()
        self.publish(rows)
