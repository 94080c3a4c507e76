"""Where all sessions' pictures are drawn: a few threads, and what is due first is drawn first."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from visavis.engines.base import (
    I420,
    EngineError,
    EngineHung,
    FaceState,
    Generator,
    Portrayal,
    Puppet,
)
from visavis.server.system.faults import broken, contained
from visavis.server.system.flow import Tasks, Worker
from visavis.server.system.served import Health

_DEADLINE: Final = 5.0  # s for one call of the generator


@dataclass(order=True, slots=True)
class _Request:
    due: float  # s of time.monotonic()
    number: int  # who asked first goes first, when both are due at the same time
    puppet: Puppet = field(compare=False)
    make: Callable[[], FaceState] = field(compare=False)
    picture: asyncio.Future[I420] = field(compare=False)


class DrawingPool:
    """Threads in front of one generator, which sees up to its `batch` of what waits at once.

    threads: by default one more than the machine has cores. Each begins with its first picture, so
    once `priority.go_first` was called, for it inherits how urgent the event loop is then.
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
        self._waiting: list[_Request] = []  # a heap
        self._numbers = itertools.count()
        self._tasks = Tasks()
        self._closed = False

    async def draw(self, puppet: Puppet, make: Callable[[], FaceState], due: float) -> I420:
        """The picture, that is wanted by `due` (s of time.monotonic()) and may come later.

        make: called in the thread that draws; an EngineError of it concerns this request alone.
        A request whose caller is cancelled is dropped. Raises EngineError.
        """
        if self._closed:
            raise _closing()
        picture: asyncio.Future[I420] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, _Request(due, next(self._numbers), puppet, make, picture))
        if self._idle:
            worker = self._idle.pop()  # the one used last: one session keeps to one thread
            self._tasks.start(self._serve(worker), name="drawing")
        return await picture

    def close(self) -> None:
        """Fail whatever waits; threads end after the call under way, unwaited for."""
        self._closed = True
        _fail(self._waiting, _closing())
        self._waiting.clear()
        for worker in self._workers:
            worker.close()

    async def _serve(self, worker: Worker) -> None:
        """Draw in this thread until nothing waits."""
        try:
            while batch := self._take():
                await self._draw(worker, batch)
        finally:
            self._idle.append(worker)

    def _take(self) -> list[_Request]:
        """What is due first, as much as the generator takes at once."""
        batch: list[_Request] = []
        while self._waiting and len(batch) < self._generator.batch:
            request = heapq.heappop(self._waiting)
            if not request.picture.done():  # else its caller is gone
                batch.append(request)
        return batch

    async def _draw(self, worker: Worker, batch: Sequence[_Request]) -> None:
        try:
            with self._health.watched():
                made = await worker.call(_drawn, self._generator, batch, batch[0].due)
            self._health.well()
            for request, picture in zip(batch, made, strict=True):
                if isinstance(picture, EngineError):
                    _fail([request], picture)
                elif not request.picture.done():
                    request.picture.set_result(picture)
        except EngineError as error:
            _fail(batch, error)
        except asyncio.CancelledError:  # closed before the call began
            _fail(batch, _closing())
            raise
        except Exception as error:  # noqa: BLE001 (whoever waits would wait for ever)
            _fail(batch, broken("render", error))


def _drawn(
    generator: Generator, batch: Sequence[_Request], deadline: float
) -> list[I420 | EngineError]:
    """In a drawing thread: each request's state, then all pictures at once."""
    states = [_state(request) for request in batch]
    portrayals = [
        Portrayal(request.puppet, state)
        for request, state in zip(batch, states, strict=True)
        if isinstance(state, FaceState)
    ]
    pictures = generator.draw(portrayals, deadline) if portrayals else []
    if len(pictures) != len(portrayals):
        message = f"the generator made {len(pictures)} pictures of {len(portrayals)}"
        raise EngineError(message)
    drawn = iter(pictures)
    return [state if isinstance(state, EngineError) else next(drawn) for state in states]


def _state(request: _Request) -> FaceState | EngineError:
    try:
        with contained("motion"):
            return request.make()
    except EngineError as error:
        return error


def _fail(requests: Sequence[_Request], error: EngineError) -> None:
    """Each caller gets an error of its own: one that is raised twice mixes up its tracebacks."""
    for request in requests:
        if not request.picture.done():
            own = (EngineHung if isinstance(error, EngineHung) else EngineError)(str(error))
            own.__cause__ = error
            request.picture.set_exception(own)


def _closing() -> EngineError:
    return EngineError("no more pictures are drawn: the server is shutting down")
