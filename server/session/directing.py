"""What directions have made of a session: the styles in force, and the face that shows them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from visavis.engines.direction.styles import ActiveStyles, Direction
from visavis.server.session.events import Directed
from visavis.server.session.guide import Guide
from visavis.server.session.showing import Showing


class Directing:
    """Of one session. spoken: what holds, beside that, for the words that sound now."""

    def __init__(
        self, guide: Guide, showing: Showing, spoken: Callable[[], Sequence[Direction]]
    ) -> None:
        self._guide, self._showing, self._spoken = guide, showing, spoken
        self.active = ActiveStyles()
        self._understanding = asyncio.Lock()  # whoever needs the styles waits for what came before

    async def direct(self, prompt: str) -> Directed:
        """Take a direction in plain words; what was understood of it."""
        async with self._understanding:
            direction = await self._guide.understand(prompt)
            self.active = self.active.directed(direction)
        self.appear()
        for movement in direction.movements:
            self._showing.move(movement)
        return self.told(direction.styles, direction.dropped)

    async def settled(self) -> ActiveStyles:
        """The styles in force, once the directions that came before are understood."""
        async with self._understanding:
            return self.active

    def appear(self) -> None:
        """Show the styles in force with what holds for the words that are being spoken."""
        self._showing.feel(self.active.directed(*self._spoken()).demeanour)

    def told(self, styles: tuple[str, ...], dropped: tuple[str, ...]) -> Directed:
        """What was understood and what was not; then also what there is."""
        known = self._guide.names if dropped or not styles else ()
        return Directed(styles, dropped, known)
