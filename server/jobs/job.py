"""A job: work that takes its time, what is asked of it, and how far it is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from visavis.server.system.config import Config

Status = Literal["queued", "running", "done", "failed", "cancelled"]
OVER: Final[frozenset[Status]] = frozenset({"done", "failed", "cancelled"})
ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)  # also the name of a folder


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked for.

    id: unique, as ID has it; the same id twice is one job. kind: which work it is, see `works`.
    request: JSON. priority: 0 to 9, higher is sooner. group: jobs that are looked at and cancelled
    together, "": it stands alone. label: a few words for people. webhook: address that is told
    when it is over, once for all jobs of a group; "": nobody.
    """

    id: str
    kind: str
    request: Mapping[str, Any]
    priority: int = 5
    group: str = ""
    label: str = ""
    webhook: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """How far a job is.

    done: share, 0 to 1. left: s that it will still take, None: nobody knows. note: what it does
    now, in words. result: JSON, once it is done; files in it are names within the job's results.
    fault: why it failed, in words for the user, and code: a problem's, see docs/api.md. tries: how
    often it was begun. at: Unix time in s of the last change.
    """

    id: str
    status: Status
    done: float = 0.0
    left: float | None = None
    note: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    code: str = ""
    tries: int = 0
    at: float = 0.0


class Working(Protocol):
    """What a work has while it runs, in a process of its own, in a thread without an event loop.

    folder: where it writes its results; of the job alone, still there when it is begun anew after
    a crash, so what is whole in it need not be made again. config: of the machine that works. The
    process does one job after another, so engines that a module keeps are loaded once.
    """

    folder: Path
    config: Config

    def tell(self, done: float, note: str = "") -> None:
        """How far it is; cheap, so that it can be called for each picture.

        It waits while conversations are to have the machine, so hold no lock across it. Raises
        Cancelled when nobody wants the job any more.
        """
        ...


class Cancelled(Exception):
    """Nobody wants the job any more."""


# request, working -> result. A work may be begun again after a crash: the same request gives the
# same files. What the user can mend is raised as one of `faults` of the command line or as a
# Problem; a disk without room as OSError (ENOSPC), and then the job waits until there is some.
Work = Callable[[Mapping[str, Any], Working], Mapping[str, Any]]


class Queue(Protocol):
    """Jobs are kept until they are forgotten, over restarts, too."""

    async def add(self, *jobs: Job) -> tuple[State, ...]:
        """All of them or none. One that failed or was cancelled is begun anew, any other stays.

        Raises QueueError when they cannot be kept.
        """
        ...

    async def job(self, id: str) -> Job | None:
        """What was asked for; None: there is no such job."""
        ...

    async def state(self, id: str) -> State | None:
        """None: there is no such job."""
        ...

    async def group(self, group: str) -> tuple[State, ...]:
        """Of its jobs, in the order in which they were added."""
        ...

    async def jobs(self, kind: str) -> Sequence[tuple[Job, State]]:
        """All of a kind that stand alone, the latest first."""
        ...

    def watch(self, id: str) -> AsyncIterator[State]:
        """Each change, the present state first, until it is over. id: a job's, or a group's."""
        ...

    async def cancel(self, id: str) -> None:
        """A job or a group; what is over stays as it is."""
        ...

    async def forget(self, id: str) -> None:
        """A job or a group that is over, with its results."""
        ...

    async def results(self, id: str) -> Path:
        """The folder of its results on this machine. Raises NotFound."""
        ...

    async def close(self) -> None:
        """No more jobs are begun; what runs is begun anew by whoever comes next."""
        ...
