"""The self-test of a server that has its engines: once for each that draws, and kept."""

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
        self._carried: dict[str, carrying.Measured] = {}  # by what carrying.key says

    async def run(
        self, drawing: str, encoder: carrying.Encoder, free: Callable[[], bool]
    ) -> carrying.Measured | None:
        """What it finds, or an earlier one found of who draws now; None: somebody is there.

        drawing: who draws, on what. encoder: makes who encodes pictures, in order of their numbers.
        """
        cores = await asyncio.to_thread(lambda: Machine().cores)
        drawn = f"{drawing}{' refined' if self._defaults.refine else ''}"
        by = await asyncio.to_thread(carrying.key, cores, self._defaults.size, drawn)
        if by not in self._carried:
            kept = await asyncio.to_thread(carrying.kept, self._home, by)
            measured = kept or await self._measured(encoder, cores, free)
            if measured is None:
                return None
            self._carried[by] = measured
            if kept is None:
                await asyncio.to_thread(carrying.keep, self._home, by, measured)
        return self._carried[by]

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
