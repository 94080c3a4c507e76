"""Where all sessions' pictures are drawn: in one order, by one generator.

A generator that draws one picture a call has a few threads, one that draws many at once gets all
that is due about now in one call, and one call at a time.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from visavis.engines.base import (
    I420,
    Before,
    EngineError,
    FaceState,
    Generator,
    Portrayal,
    Puppet,
    can_patch,
)
from visavis.server.playout.clock import seconds
from visavis.server.playout.messages import Fluency
from visavis.server.services.phases import Phases
from visavis.server.services.relief import Relief
from visavis.server.services.requests import Gathering, Make, Request, Requests
from visavis.server.session.finishing import Finished, as_drawn
from visavis.server.session.showing import Urgency
from visavis.server.system.faults import broken, contained
from visavis.server.system.flow import Tasks, Worker
from visavis.server.system.served import Health

_DEADLINE: Final = 5.0  # s for one call of the generator
# s that a picture waits for others, so that they are drawn together: sessions of one phase ask
# within a millisecond or two, and a picture is begun 50 ms before its time.
_WINDOW: Final = 0.004


class DrawingPool:
    """Threads in front of one generator, which sees up to its `batch` of what waits at once.

    threads: by default one more than the machine has cores. Each begins with its first picture, so
    once `priority.go_first` was called, which it asks for its own urgency.
    """

    def __init__(self, generator: Generator, health: Health, threads: int | None = None) -> None:
        # One more keeps the cores busy while pictures are handed over: four sessions on two busy
        # cores, flat out, are drawn in 4.3 to 5.1 ms a picture instead of 5.8 to 8.2.
        count = threads or (os.cpu_count() or 1) + 1
        self._generator, self._health = generator, health
        self._workers = tuple(
            Worker(f"drawing-{n}", media=True, deadline=_DEADLINE) for n in range(count)
        )
        self._idle = list(self._workers)
        self._waiting, self._gathering = Requests(), Gathering(_WINDOW)
        self._phases = Phases()
        self._sittings: set[PoolSitting] = set()
        self._cores = count - 1 or 1 if generator.batch == 1 else 1
        self.relief = self._new_relief()
        self._tasks = Tasks()
        self._closed = False

    def sit(self, puppet: Puppet) -> PoolSitting:
        """For one session; `end` it when it is over."""
        phase = self._phases.take(self._generator.batch)

        def end() -> None:
            self._sittings.discard(sitting)
            self._phases.free(phase)
            self.relief.left()
            self.left()

        sitting = PoolSitting(self, puppet, phase.at, end)
        self._sittings.add(sitting)
        self.relief.came(seconds())
        return sitting

    def left(self) -> None:
        """Somebody is not drawn any more. Who comes after the last one finds no step taken."""
        if not self._present():
            self.relief = self._new_relief()

    def _new_relief(self) -> Relief:
        return Relief(patches=can_patch(self._generator), cores=self._cores)

    async def draw(
        self, puppet: Puppet, make: Make, due: float, over: Before | None = None,
        finish: Finished = as_drawn,
    ) -> I420:  # fmt: skip
        """The picture, that is wanted by `due` (s of clock.seconds()) and may come later.

        make, finish: called in the thread that draws; an EngineError of theirs concerns this
        request alone.
        over: see Portrayal. A request whose caller is cancelled is dropped. Raises EngineError.
        """
        if self._closed:
            raise _closing()
        request = self._waiting.add(seconds(), due, puppet, make, over, finish)
        batch = self._generator.batch
        self._gathering.asked(request, enough=len(self._waiting) >= batch)
        if self._idle and (batch == 1 or len(self._idle) == len(self._workers)):
            worker = self._idle.pop()  # the one used last: one session keeps to one thread
            self._tasks.start(self._serve(worker), name="drawing")
        return await request.picture

    def close(self) -> None:
        """Fail whatever waits; threads end after the call under way, unwaited for."""
        self._closed = True
        _fail(self._waiting.clear(), _closing())
        self._gathering.taken(left=True)
        for worker in self._workers:
            worker.close()

    async def _serve(self, worker: Worker) -> None:
        """Draw in this thread until nothing waits, or another one draws it all at once."""
        try:
            while len(self._waiting):
                if self._generator.batch > 1:
                    if len(self._idle) + 1 < len(self._workers):
                        return
                    await self._gathering.wait(seconds)
                batch = self._waiting.take(self._generator.batch)
                self._gathering.taken(left=len(self._waiting) > 0)
                if batch:
                    await self._draw(worker, batch)
        finally:
            self._idle.append(worker)

    async def _draw(self, worker: Worker, batch: Sequence[Request]) -> None:
        deadline = min(request.due for request in batch)
        try:
            began = seconds()
            with self._health.watched():
                made, worked = await worker.call(_drawn, self._generator, batch, deadline)
            self._health.well()
            done = seconds()
            self._gathering.took(done - began)
            for request, picture in zip(batch, made, strict=True):
                self._hand_over(request, picture, done, worked / len(batch))
        except EngineError as error:
            _fail(batch, error)
        except asyncio.CancelledError:  # closed before the call began
            _fail(batch, _closing())
            raise
        except Exception as error:  # noqa: BLE001 (whoever waits would wait for ever)
            _fail(batch, broken("render", error))

    def _hand_over(
        self, request: Request, picture: I420 | EngineError, done: float, worked: float
    ) -> None:
        if isinstance(picture, EngineError):
            request.fail(picture)
            return
        if not request.picture.done():
            request.picture.set_result(picture)
        whole = request.over is None
        self.relief.drawn(
            request.asked, request.due, done, whole=whole, worked=worked, present=self._present
        )

    def _present(self) -> Counter[Urgency]:
        return Counter(s.urgency for s in self._sittings if s.urgency is not None)


class PoolSitting:
    """session.showing.Sitting in a pool. phase: for the session's clock."""

    def __init__(
        self, pool: DrawingPool, puppet: Puppet, phase: float, end: Callable[[], None]
    ) -> None:
        self.phase, self.end = phase, end
        self.urgency: Urgency | None = None
        self._pool, self._puppet = pool, puppet

    def fluency(self, urgency: Urgency) -> Fluency:
        """See Sitting."""
        self.urgency = urgency
        return self._pool.relief.fluency(urgency)

    def pause(self) -> None:
        """See Sitting."""
        self.urgency = None
        self._pool.left()

    def missed(self, count: int) -> None:
        """See Sitting."""
        self._pool.relief.missed(seconds(), count)

    async def draw(
        self, make: Make, due: float, over: Before | None = None, finish: Finished = as_drawn
    ) -> I420:
        """See Sitting."""
        return await self._pool.draw(self._puppet, make, due, over, finish)


def _drawn(
    generator: Generator, batch: Sequence[Request], deadline: float
) -> tuple[list[I420 | EngineError], float]:
    """In a drawing thread: each request's state, all pictures at once, what is put into each.

    And s for which all that took the thread.
    """
    began = seconds()
    states = [_state(request) for request in batch]
    portrayals = [
        Portrayal(request.puppet, state, request.over)
        for request, state in zip(batch, states, strict=True)
        if isinstance(state, FaceState)
    ]
    pictures = _pictures(generator, portrayals, deadline) if portrayals else []
    if len(pictures) != len(portrayals):
        message = f"the generator made {len(pictures)} pictures of {len(portrayals)}"
        raise EngineError(message)
    drawn = iter(pictures)
    made = [
        state if isinstance(state, EngineError) else _finished(request, next(drawn))
        for request, state in zip(batch, states, strict=True)
    ]
    return made, seconds() - began


def _pictures(
    generator: Generator, portrayals: Sequence[Portrayal], deadline: float
) -> Sequence[I420 | EngineError]:
    """A face that cannot be drawn concerns its own session, not all those of the batch.

    Raises EngineError where none can be.
    """
    try:
        return generator.draw(portrayals, deadline)
    except EngineError:
        if len(portrayals) == 1:
            raise
    found = [_alone(generator, one, deadline) for one in portrayals]
    errors = [each for each in found if isinstance(each, EngineError)]
    if len(errors) == len(found):
        raise errors[0]
    return found


def _alone(generator: Generator, one: Portrayal, deadline: float) -> I420 | EngineError:
    try:
        (picture,) = generator.draw([one], deadline)
    except EngineError as error:
        return error
    return picture


def _finished(request: Request, picture: I420 | EngineError) -> I420 | EngineError:
    if isinstance(picture, EngineError):
        return picture
    try:
        return request.finish(picture)
    except EngineError as error:
        return error


def _state(request: Request) -> FaceState | EngineError:
    try:
        with contained("motion"):
            return request.make()
    except EngineError as error:
        return error


def _fail(requests: Sequence[Request], error: EngineError) -> None:
    for request in requests:
        request.fail(error)


def _closing() -> EngineError:
    return EngineError("no more pictures are drawn: the server is shutting down")
