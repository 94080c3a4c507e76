"""The self-test of a server that has its engines: once a start for each that draws, and kept.

What an earlier start found holds at once, and only until this one finds the time: the same kind of
processor is two and a half times slower on another day, where a machine is shared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from visavis.engines.base import Generator
from visavis.server.avatars.store import AvatarStore
from visavis.server.services import carrying
from visavis.server.services.defaults import Defaults
from visavis.server.services.puppets import Puppets
from visavis.server.services.rehearsal import rehearsal
from visavis.server.system.load import Machine


class SelfTest:
    """How many sessions this machine carries, drawn with the generator that sessions have."""

    def __init__(
        self, home: Path, defaults: Defaults, avatars: AvatarStore, generator: Generator,
        puppets: Puppets,
    ) -> None:  # fmt: skip
        self._home, self._defaults, self._avatars = home, defaults, avatars
        self._generator, self._puppets = generator, puppets
        # By what carrying.key says; `_kept`: what an earlier start found.
        self._carried: dict[str, carrying.Measured] = {}
        self._kept: dict[str, carrying.Measured] = {}

    async def run(
        self, drawing: str, encoder: carrying.Encoder, free: Callable[[], bool]
    ) -> carrying.Measured | None:
        """What it finds of who draws now, first what an earlier start found; None: somebody is
        there.

        drawing: who draws, on what. encoder: makes who encodes pictures, in order of their numbers.
        """
        cores = await asyncio.to_thread(lambda: Machine().cores)
        drawn = f"{drawing}{' refined' if self._defaults.refine else ''}"
        by = await asyncio.to_thread(carrying.key, cores, self._defaults.size, drawn)
        if by in self._carried:
            return self._carried[by]
        if by not in self._kept:
            kept = await asyncio.to_thread(carrying.kept, self._home, by)
            if kept is not None:
                self._kept[by] = kept
                return kept
        measured = await self._measured(encoder, cores, free)
        if measured is None:
            return self._kept.get(by)
        self._carried[by] = measured
        await asyncio.to_thread(carrying.keep, self._home, by, measured)
        return measured

    async def _measured(
        self, encoder: carrying.Encoder, cores: float, free: Callable[[], bool]
    ) -> carrying.Measured | None:
        if not free():
            return None
        name = await asyncio.to_thread(self._avatars.standing_in, self._defaults.avatar)
        path = await asyncio.to_thread(self._avatars.path, name)
        loan = await self._puppets.lend(path)
        try:
            make = rehearsal(self._generator, loan.puppet, encoder, self._defaults.finishes)
            return await carrying.measure(make, cores, free)
        finally:
            loan.end()
