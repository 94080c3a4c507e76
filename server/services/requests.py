"""Pictures that are asked for, in the order in which they are drawn. Knows no thread."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from visavis.engines.base import I420, Before, EngineError, EngineHung, FaceState, Puppet
from visavis.server.playout.clock import PERIOD
from visavis.server.session.finishing import Finished, as_drawn

Make = Callable[[], FaceState]


@dataclass(order=True, slots=True)
class Request:
    """One picture. Whoever asks later than a picture's time before it is due waits for its turn.

    Else a session that is late would be the first one always, and make the next one late. So
    nobody is overtaken by what is asked for a picture's time later: all are drawn at last.
    """

    rank: float = field(init=False)
    number: int  # who asked first goes first, when both rank the same
    asked: float  # s of clock.seconds(), as `due`
    due: float
    puppet: Puppet = field(compare=False)
    make: Make = field(compare=False)
    over: Before | None = field(compare=False)
    finish: Finished = field(compare=False)
    picture: asyncio.Future[I420] = field(compare=False)

    def __post_init__(self) -> None:
        self.rank = max(self.due, self.asked + PERIOD)

    def fail(self, error: EngineError) -> None:
        """Each caller gets an error of its own: one raised twice mixes up its tracebacks."""
        if not self.picture.done():
            own = (EngineHung if isinstance(error, EngineHung) else EngineError)(str(error))
            own.__cause__ = error
            self.picture.set_exception(own)


class Requests:
    """What waits to be drawn. `due`: when the first of it is; inf: nothing waits."""

    def __init__(self) -> None:
        self._heap: list[Request] = []
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._heap)

    def add(
        self, asked: float, due: float, puppet: Puppet, make: Make, over: Before | None,
        finish: Finished = as_drawn,
    ) -> Request:  # fmt: skip
        """Ask for one."""
        future: asyncio.Future[I420] = asyncio.get_running_loop().create_future()
        request = Request(next(self._numbers), asked, due, puppet, make, over, finish, future)
        heapq.heappush(self._heap, request)
        return request

    def take(self, most: int) -> list[Request]:
        """The next ones; those whose callers are gone are dropped."""
        taken: list[Request] = []
        while self._heap and len(taken) < most:
            request = heapq.heappop(self._heap)
            if not request.picture.done():
                taken.append(request)
        return taken

    def clear(self) -> Sequence[Request]:
        """Take them all."""
        left, self._heap = self._heap, []
        return left


class Gathering:
    """For how long a generator that draws many at once waits for more.

    window: s after the first one asked, at most. Never so long that one would be late for it, as
    far as the last calls tell.
    """

    def __init__(self, window: float) -> None:
        self._window = window
        self._until = math.inf
        self._calls: list[float] = []  # s, the last ones
        self._sooner = asyncio.Event()

    def asked(self, request: Request, *, enough: bool) -> None:
        """One more waits. enough: as many as can be drawn at once."""
        latest = request.due - (max(self._calls) if self._calls else self._window)
        until = min(request.asked + self._window, latest)
        if enough or until < self._until:
            self._until = -math.inf if enough else until
            self._sooner.set()

    async def wait(self, now: Callable[[], float]) -> None:
        """Return when it is time to draw."""
        while (left := self._until - now()) > 0:
            self._sooner.clear()
            if math.isinf(left):
                await self._sooner.wait()
                continue
            try:
                async with asyncio.timeout(left):
                    await self._sooner.wait()
            except TimeoutError:
                break

    def taken(self, *, left: bool) -> None:
        """A batch is drawn now. left: others wait, they have waited long enough."""
        self._until = -math.inf if left else math.inf
        if left:
            self._sooner.set()

    def took(self, seconds: float) -> None:
        """A call has ended."""
        self._calls = [*self._calls[-15:], seconds]
