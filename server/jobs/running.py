"""Runner: the seam to whatever does jobs, in processes here or on other machines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from visavis.server.jobs.job import Job
from visavis.server.jobs.working import Ending

Told = Callable[[float, str], None]  # how far it is, and what it does; called in the event loop


class Runner(Protocol):
    """Does jobs that a queue hands to it, each as often as it is asked to."""

    begins: bool  # whether a job begins with `run`, and not only with the first word about it

    async def open(self) -> None:
        """Get ready, if it is not yet; called before each look for jobs. Raises QueueError."""
        ...

    def room(self) -> int:
        """How many more may be begun now."""
        ...

    async def run(self, job: Job, told: Told) -> Ending:
        """One try; cancelled, it lets go of the job, which is begun anew."""
        ...

    async def settled(self, id: str) -> None:
        """What became of it is kept, so that the runner may forget it."""
        ...

    def cancel(self, id: str) -> None:
        """Nobody wants it any more: `run` returns soon."""
        ...

    def settle(self) -> None:
        """Called every second: others may want the machine more, or less."""
        ...

    async def fetch(self, id: str) -> Path:
        """Where its results lie on this machine now. Raises NotFound, QueueError."""
        ...

    async def forget(self, ids: list[str]) -> None:
        """Remove their results."""
        ...

    async def close(self) -> None:
        """Let go of all."""
        ...
