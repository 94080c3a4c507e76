"""A job: work that takes its time, what is asked of it, and how far it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol

Status = Literal["queued", "running", "done", "failed", "cancelled"]
OVER: Final[frozenset[Status]] = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked for.

    id: unique; the same id twice is one job. kind: which work it is, see `works`. request: JSON.
    priority: 0 to 9, higher is sooner. group: jobs that are looked at and cancelled together, "":
    it stands alone. label: a few words for people.
    """

    id: str
    kind: str
    request: Mapping[str, Any]
    priority: int = 5
    group: str = ""
    label: str = ""


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
    a crash, so what is whole in it need not be made again.
    """

    folder: Path

    def tell(self, done: float, note: str = "") -> None:
        """How far it is. Raises Cancelled when nobody wants it any more."""
        ...


class Cancelled(Exception):
    """Nobody wants the job any more."""


# request, working -> result. A work may be begun again after a crash: the same request gives the
# same files. What the user can mend is raised as one of `_FAULTS` of the command line.
Work = Callable[[Mapping[str, Any], Working], Mapping[str, Any]]


class Queue(Protocol):
    """Jobs are kept until they are forgotten, over restarts, too."""

    async def add(self, job: Job) -> State:
        """Raises QueueError when it cannot be kept."""
        ...

    async def state(self, id: str) -> State | None:
        """None: there is no such job."""
        ...

    async def group(self, group: str) -> tuple[State, ...]:
        """Of its jobs, in the order in which they were added."""
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
