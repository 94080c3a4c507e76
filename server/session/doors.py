"""The two seams of a session with the world: what comes in, and what goes out.

A session lives without either. A new way in or out (a camera, a recorder, another protocol) is one
class here implemented elsewhere, handed to `Session.add_inlet` or `Session.add_outlet`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from visavis.engines.base import I420
from visavis.models.pictures import double
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import Tick
from visavis.server.playout.timeline import Reader
from visavis.server.session.events import CardShown, Event
from visavis.server.system.faults import fault
from visavis.server.system.flow import Tasks

if TYPE_CHECKING:
    from visavis.server.session.session import Session


log = logging.getLogger(__name__)


# What a viewer missed: (ticks, what). A "picture", "speech" or "silence" was left out after a
# stall; in a "gap" no sound was sent for so long.
Missed = Literal["picture", "speech", "silence", "gap"]
Miss = Callable[[Tick, Missed], None]


@dataclass(frozen=True, slots=True)
class Playout:
    """What an outlet plays from: everything of one session that is heard and seen.

    still: what is seen until the first picture comes, (height * 3 // 2, width). sound_sent and
    picture_sent are told by the outlet that a visitor watches: the tick of what was handed over,
    the tick at which it was, and whether there was a new picture in time; missed: what was not.
    double: px of height of the picture, where all of them are double: see `seen`.
    """

    clock: Clock
    reader: Reader
    still: I420
    sound_sent: Callable[[Tick, Tick], None]
    picture_sent: Callable[[Tick, Tick, bool], None]
    missed: Miss
    double: int = 0

    @property
    def busy(self) -> float:
        """Share of a picture's px that take bits as those of a face do: a matte takes few."""
        return double.BUSY if self.double else 1.0

    def seen(self, image: I420) -> I420:
        """A picture for who knows nothing of mattes: of a double one the person before black."""
        return double.opaque(image, self.double) if self.double else image


class Inlet(Protocol):
    """Where sound, words or commands come from."""

    async def feed(self, session: Session) -> None:
        """Call `session.listen`, `ask`, `say`, ... until there is no more, or cancelled."""
        ...


class Outlet(Protocol):
    """Who plays a session: sound, pictures and events. There may be several at a time."""

    def tell(self, event: Event) -> None:
        """Something happened; called in the event loop and must not block."""
        ...

    async def play(self, playout: Playout) -> None:
        """Read `playout` as its clock goes, until there is nothing more to do, or cancelled."""
        ...


class Outlets:
    """Those of one session. make: what one more plays from.

    looked: told whether one of them, as far as is known, shows the pictures to anybody.
    """

    def __init__(
        self, tasks: Tasks, make: Callable[[], Playout], looked: Callable[[bool], None]
    ) -> None:
        self._tasks, self._make, self._looked = tasks, make, looked
        self._all: list[Outlet] = []
        self._unseen: list[Outlet] = []
        self.card: CardShown | None = None  # the last one

    def watch(self, outlet: Outlet, *, seen: bool) -> None:
        """Whether anybody sees the pictures there; until this is told, somebody does."""
        if outlet in self._all:
            others = [each for each in self._unseen if each is not outlet]
            self._unseen = others if seen else [*others, outlet]
            self._look()

    def _look(self) -> None:
        self._looked(not self._all or any(each not in self._unseen for each in self._all))

    def add(self, outlet: Outlet) -> asyncio.Task[None]:
        """It is told what happens from now on, and plays in the task."""
        self._all.append(outlet)
        self._look()
        return self._tasks.start(self._play(outlet), name="outlet")

    def tell(self, event: Event) -> None:
        """Each of them; one that fails is no reason not to tell the others."""
        if isinstance(event, CardShown):
            self.card = event
        for outlet in list(self._all):
            try:
                outlet.tell(event)
            except Exception as error:  # noqa: BLE001 (whoever it is, the others are told)
                extra = {"outlet": type(outlet).__name__, "fault": fault(error)}
                log.error("an outlet failed", extra=extra)  # noqa: TRY400

    async def _play(self, outlet: Outlet) -> None:
        playout = self._make()
        try:
            await outlet.play(playout)
        finally:
            playout.reader.close()
            self._all.remove(outlet)
            self._unseen = [each for each in self._unseen if each is not outlet]
            self._look()
