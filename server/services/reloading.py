"""Dialogues are made anew when the files that they are made of have changed; sessions go on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final

from visavis.engines.base import Renewable
from visavis.server.system.faults import fault
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import InThread

log = logging.getLogger(__name__)

Told = Callable[[object, object], Awaitable[None]]

LOOK: Final = 1.0  # s between looks; a change is taken up once it lies still for as long


@dataclass(slots=True)
class _Watched:
    """One dialogue: where it runs, what it was last made of or refused, and what lies there."""

    runner: InThread[Any]
    known: Hashable
    seen: Hashable


class Reloading:
    """Looks at the files of dialogues in use, and puts a new dialogue in the old one's place.

    A reply that has begun ends as it began. What cannot be read is refused: its mistakes are
    logged by file and line, once, and the old dialogue stays.
    """

    def __init__(self, metrics: Metrics, look: float = LOOK) -> None:
        """look: s."""
        self._metrics, self._every = metrics, look
        self._watched: list[_Watched] = []
        self._told: list[Told] = []

    def watch(self, runner: InThread[Any]) -> None:
        """Keep that engine as its files are; one that is made of none stays as it is."""
        if isinstance(runner.engine, Renewable):
            made_of = runner.engine.made_of
            self._watched.append(_Watched(runner, made_of, made_of))

    def tell(self, told: Told) -> None:
        """`told(old, new)` is awaited whenever one was replaced."""
        self._told.append(told)

    async def run(self) -> None:
        """Until cancelled."""
        worker = Worker("reloading")  # the dialogue's own answers visitors meanwhile
        try:
            while True:
                await asyncio.sleep(self._every)
                for watched in list(self._watched):
                    await self._look(watched, worker)
        finally:
            worker.close()

    async def _look(self, watched: _Watched, worker: Worker) -> None:
        engine = watched.runner.engine
        if not isinstance(engine, Renewable):
            return
        now = await worker.call(engine.edition)
        still, watched.seen = now == watched.seen, now
        if now == watched.known or not still:  # nothing new, or it is still being written
            return
        watched.known = now
        try:
            new = await worker.load(engine.renewed)
        except Exception as error:  # noqa: BLE001 (whatever it is, the old one goes on)
            self._metrics.knowledge_renewals.labels("refused").inc()
            extra = {"fault": fault(error)}
            log.warning("a changed file of answers was refused", extra=extra)
            return
        watched.runner.replace(new)
        self._metrics.knowledge_renewals.labels("taken").inc()
        log.info("a changed file of answers was taken up")
        for told in self._told:
            await told(engine, new)
