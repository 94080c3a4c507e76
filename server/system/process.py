"""An engine in a process of its own: what hangs is killed, and what crashes takes nobody along.

The calls go through a pipe, so functions and their arguments have to be picklable: functions of a
module, not lambdas. One call at a time, as in a `Worker`.
"""

from __future__ import annotations

import atexit
import itertools
import multiprocessing
import signal
from collections.abc import AsyncGenerator, Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any, Final, Generic, TypeVar

from visavis.engines.base import EngineError, EngineHung
from visavis.server.system.faults import fault
from visavis.server.system.flow import Worker
from visavis.server.system.priority import be_idle, begin, granted, paced

T = TypeVar("T")
R = TypeVar("R")

_SPAWN: Final = multiprocessing.get_context("spawn")  # a fork would copy threads' locks
_LOADED: Final = "loaded"
_REAPED: Final = 1.0  # s that a killed child may take to be gone
_LONGEST_START: Final = 300.0  # s to load an engine: beside a dozen busy programs a voice took 100

Reply = tuple[bool, Any]  # whether it went well, and the result or the fault in words


class EngineProcess(Generic[T]):
    """`make` is called in the child; calls are functions of what it returns.

    A child that dies or is killed is started anew by the next call. patient: it works only while
    nobody else wants the core.
    """

    def __init__(
        self, name: str, make: Callable[[], T], deadline: float | None, *, patient: bool = False
    ) -> None:
        self._name, self._make, self._patient = name, make, patient
        self._worker = Worker(name, deadline=deadline)  # waits for the child's answers
        self._numbers = itertools.count()
        self._child: Any = None
        self._pipe: Connection | None = None
        # multiprocessing ends children by a signal that ours do not hear, and waits for them.
        atexit.register(self._kill)

    async def load(self) -> None:
        """Start the child and wait until its engine is loaded. Raises EngineError."""
        await self._worker.load(self._started)

    async def call(self, work: Callable[..., R], *args: Any) -> R:
        """`work(engine, *args)`. Raises EngineError, also when the child dies, and EngineHung."""
        return await self._ask("call", work, args)  # type: ignore[no-any-return]

    async def stream(
        self, work: Callable[..., Iterator[R]], *args: Any, awaited: bool = False
    ) -> AsyncGenerator[R, None]:
        """The items of `work(engine, *args)`, one a call. awaited: see Worker.stream."""
        number = next(self._numbers)
        try:
            item = await self._ask("open", number, work, args, hurried=awaited)
            while item is not None:
                yield item[0]
                item = await self._ask("next", number)
        finally:
            if self._pipe is not None:
                await self._ask("drop", number)

    def close(self) -> None:
        """Kill the child."""
        self._kill()
        atexit.unregister(self._kill)
        self._worker.close()

    async def _ask(self, *request: Any, hurried: bool = False) -> Any:
        if self._pipe is None:  # it died: to load it anew may take longer than a call
            try:
                await self.load()
            except RuntimeError as error:  # of a thread that was ended
                raise EngineError(f"{self._name}: it was closed") from error
        try:
            # Whoever waits for the child does nothing, so it may always be at hand for its answer.
            wait = self._worker.call if self._patient else self._worker.hurry
            fine, result = await wait(self._exchange, request, hurried)
        except EngineHung:
            self._kill()
            raise
        if not fine:
            raise EngineError(f"{self._name}: {result}")
        return result

    def _exchange(self, request: tuple[Any, ...], hurried: bool) -> Reply:
        pipe = self._started()
        try:
            # Real time is granted after the first engines were loaded, so each request says it.
            pipe.send((granted() and not self._patient, hurried, request))
            reply: Reply = pipe.recv()
        except (OSError, EOFError) as error:
            if pipe is self._pipe:  # else it was killed already, and another child may run
                self._kill()
            raise EngineError(f"{self._name}: its process ended") from error
        return reply

    def _started(self) -> Connection:
        """The pipe to a child that is ready. Raises EngineError."""
        if self._pipe is not None:
            return self._pipe
        ours, theirs = _SPAWN.Pipe()
        self._child = _SPAWN.Process(
            target=_serve, args=(theirs, self._make, self._patient), name=self._name, daemon=True
        )
        try:
            self._child.start()
        except OSError as error:  # the system has no process or memory left for one
            self._child = None
            raise EngineError(f"{self._name}: {error.strerror}") from error
        theirs.close()
        try:
            fine, told = ours.recv() if ours.poll(_LONGEST_START) else (False, "it did not start")
        except EOFError:
            fine, told = False, "its process ended"
        if not fine:
            self._kill()
            raise EngineError(f"{self._name}: {told}")
        self._pipe = ours
        return ours

    def _kill(self) -> None:
        child, self._child, self._pipe = self._child, None, None
        if child is not None:
            child.kill()
            child.join(_REAPED)


def _serve(pipe: Connection, make: Callable[[], Any], patient: bool) -> None:
    """The child: answers until the pipe closes."""
    # A terminal's Ctrl+C, or a service's stop, reaches every process: but what is being said is to
    # be finished, and the pipe's end ends this one.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    begin()
    if patient:
        be_idle()
    try:
        engine = make()
    except Exception as error:  # noqa: BLE001 (told to the parent, whatever it is)
        pipe.send((False, fault(error)))
        return
    pipe.send((True, _LOADED))
    streams: dict[int, Iterator[Any]] = {}
    while True:
        try:
            may_hurry, hurried, request = pipe.recv()
        except EOFError:
            return
        # Until the answer is sent: the voice's thread does as much in one call.
        with paced(hurried=hurried, is_granted=may_hurry):
            try:
                reply: Reply = (True, _answer(engine, streams, *request))
            except Exception as error:  # noqa: BLE001 (the border, as in Worker.call)
                reply = (False, fault(error))
            pipe.send(reply)


def _answer(engine: Any, streams: dict[int, Iterator[Any]], kind: str, *rest: Any) -> Any:
    match kind, rest:
        case "call", (work, args):
            return work(engine, *args)
        case "open", (number, work, args):
            streams[number] = iter(work(engine, *args))
            return _answer(engine, streams, "next", number)
        case "next", (number,):
            for item in streams[number]:
                return (item,)
        case "drop", (number,):
            streams.pop(number, None)
    return None
