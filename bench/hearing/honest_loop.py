"""Virtual time in which engines take as long as they work.

`VirtualLoop` lets an engine's call take no time at all. Here a call that begins at a virtual moment
ends as much later as its work would keep one core busy: the processor time of all its threads, as
measured. So an answer comes as late as it would with a core to itself, whatever else this machine
does meanwhile. Calls of one engine wait for each other; different engines' run side by side. What
runs in the event loop itself (echo canceller, voice activity) takes no time: 1 % of a core.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from visavis.server.playout.virtual_loop import VirtualLoop

T = TypeVar("T")

_TASKS: Final = Path("/proc/self/task")


@dataclass(slots=True)
class _Job:
    work: Callable[[], Any]
    delivered: asyncio.Future[Any]


@dataclass(slots=True)
class _Line:
    """The calls of one executor that wait, and whether one is under way."""

    busy: bool = False
    waiting: deque[_Job] = field(default_factory=deque)


class HonestLoop(VirtualLoop):
    """spent: seconds that calls took, by their thread's name.

    slower: how many times slower this machine is than the one whose time is wanted.
    """

    def __init__(self, slower: float = 1.0) -> None:
        super().__init__()
        self._slower = slower
        self.spent: dict[str, float] = {}
        self._lines: dict[Executor, _Line] = {}
        self._alone = threading.Lock()  # what the processor does is one call's

    def run_in_executor(  # type: ignore[override]  # the base's is generic in what it returns
        self, executor: Executor | None, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        """As usual; done when as much virtual time has passed as the work took."""
        job = _Job(lambda: func(*args), self.create_future())
        line = self._lines.setdefault(executor, _Line()) if executor is not None else _Line()
        line.waiting.append(job)
        self._next(executor, line)
        return job.delivered

    def _next(self, executor: Executor | None, line: _Line) -> None:
        while line.waiting and not line.busy:
            job = line.waiting.popleft()
            if job.delivered.cancelled():  # nobody wants it any more, and it had not begun
                continue
            line.busy = True
            self._begin(executor, line, job)

    def _begin(self, executor: Executor | None, line: _Line, job: _Job) -> None:
        cost = 0.0

        def measured() -> Any:
            nonlocal cost
            with self._alone:
                before = _worked()
                try:
                    return job.work()
                finally:
                    cost = _spent(before, _worked()) / self._slower
                    name = threading.current_thread().name
                    self.spent[name] = self.spent.get(name, 0.0) + cost

        def over(real: asyncio.Future[Any]) -> None:
            line.busy = False
            if not job.delivered.done():
                _hand_on(real, job.delivered)
            self._next(executor, line)

        real = super().run_in_executor(executor, measured)
        real.add_done_callback(lambda done: self.call_at(self.now + cost, over, done))


def _hand_on(real: asyncio.Future[Any], delivered: asyncio.Future[Any]) -> None:
    if real.cancelled():
        delivered.cancel()
    elif (error := real.exception()) is not None:
        delivered.set_exception(error)
    else:
        delivered.set_result(real.result())


def _worked() -> dict[str, int]:
    """Nanoseconds on a processor so far, by thread, the event loop's left out."""
    found = {}
    loop = str(threading.main_thread().native_id)
    for task in _TASKS.iterdir():
        if task.name == loop:
            continue
        try:
            found[task.name] = int((task / "schedstat").read_text().split()[0])
        except (OSError, IndexError):  # it ended meanwhile
            continue
    return found


def _spent(before: dict[str, int], after: dict[str, int]) -> float:
    """Seconds of processor time between the two."""
    return sum(spent - before.get(task, 0) for task, spent in after.items()) / 1e9


def run(work: Coroutine[Any, Any, T], slower: float = 1.0) -> T:
    """`asyncio.run` in this kind of time."""
    with asyncio.Runner(loop_factory=partial(HonestLoop, slower)) as runner:
        return runner.run(work)
