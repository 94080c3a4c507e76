"""What carries work between stages: engine threads, bounded channels, owned tasks. No media."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final, Generic, ParamSpec, TypeVar

from visavis.engines.base import EngineError, EngineHung
from visavis.server.system.faults import broken, fault, harmless, trace
from visavis.server.system.priority import make_media, paced
from visavis.server.system.thread import Thread

log = logging.getLogger(__name__)

_FILE_THREADS: Final = 4

T = TypeVar("T")
P = ParamSpec("P")


class Worker:
    """One named thread that serves an engine, one call at a time and first come first served.

    `media`: what it makes is due at a fixed time, so it goes ahead of the other engines.
    `deadline`: seconds for one call; None: it may take for ever. A call that takes longer is given
    up together with its thread, and those that wait go on in a new one.

    Never the default executor: aiortc encodes there, and a long call would starve it.
    """

    def __init__(self, name: str, *, media: bool = False, deadline: float | None = None) -> None:
        self._name, self._media, self._deadline = name, media, deadline
        self._turn = asyncio.Lock()  # calls wait here, not behind one that may hang
        self._thread = self._new_thread()

    async def load(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the thread, for as long as it takes.

        A call that has not begun is dropped on cancellation.
        """
        async with self._turn:
            return await self._run(lambda: function(*args, **kwargs))

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`load` within the deadline; an engine's fault of any kind is an EngineError.

        The fault is logged by its type and place only: its text may quote a visitor. Raises
        EngineHung after the deadline.
        """
        return await self._call(lambda: function(*args, **kwargs), hurried=False)

    async def hurry(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`call`, for which a visitor waits: it goes ahead of other processes."""
        return await self._call(lambda: function(*args, **kwargs), hurried=True)

    async def _call(self, work: Callable[[], T], *, hurried: bool) -> T:
        async with self._turn:
            try:
                async with asyncio.timeout(self._deadline) as limit:
                    return await self._run(work, hurried=hurried)
            except EngineError:
                raise
            except Exception as error:  # noqa: BLE001 (the border: whatever it is, it stops here)
                if limit.expired():
                    raise self._hung() from None
                raise broken(self._name, error) from None

    async def stream(
        self, make: Callable[[], Iterator[T]], *, awaited: bool = False
    ) -> AsyncGenerator[T, None]:
        """Iterate in the thread, one item a call, so that sessions take turns between items.

        `awaited`: a visitor waits for the first item, so it is made ahead of other processes.
        """
        iterator = await self._call(make, hurried=awaited)
        thread = self._thread
        try:
            item = await self._call(lambda: next(iterator, _END), hurried=awaited)
            while item is not _END:
                yield item  # type: ignore[misc]  # the sentinel is ruled out above
                item = await self.call(next, iterator, _END)
        finally:
            close = getattr(iterator, "close", None)
            if close is not None and thread is self._thread:  # else it hangs in the old one
                with suppress(RuntimeError):  # the worker was closed meanwhile
                    thread.submit(close)

    def close(self) -> None:
        """The thread ends after the running call, unwaited for; waiting calls are EngineErrors."""
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], T], *, hurried: bool = False) -> T:
        paced = work if self._media else partial(_paced, work, hurried)
        return await asyncio.get_running_loop().run_in_executor(self._thread, paced)

    def _hung(self) -> EngineHung:
        """Leave the thread to itself and begin another one."""
        self._thread.shutdown(wait=False)
        self._thread = self._new_thread()
        log.error("a call did not return in time", extra={"engine": self._name})
        return EngineHung(f"{self._name}: no answer within {self._deadline:g} s")

    def _new_thread(self) -> Thread:
        return Thread(self._name, make_media if self._media else None)


def file_threads() -> ThreadPoolExecutor:
    """An event loop's default executor, for reading files."""
    return ThreadPoolExecutor(_FILE_THREADS, "files")


_END = object()


def _paced(work: Callable[[], T], hurried: bool) -> T:
    with paced(hurried=hurried):
        return work()


class Channel(Generic[T]):
    """A queue bounded by the sum of its items' lengths (in ticks), for one reader.

    `put` waits while the bound is reached; an item longer than the bound passes when it is alone.
    """

    def __init__(self, bound: int, length: Callable[[T], int]) -> None:
        self._items: deque[T] = deque()
        self._bound, self._length, self._held = bound, length, 0
        self._changed = asyncio.Event()
        self._closed = False
        self._error: BaseException | None = None

    async def put(self, item: T) -> None:
        """Append an item once there is room."""
        while self._items and self._held + self._length(item) > self._bound:
            self._changed.clear()
            await self._changed.wait()
        self._items.append(item)
        self._held += self._length(item)
        self._changed.set()

    def close(self, error: BaseException | None = None) -> None:
        """No more items; the reader gets those that are left, then `error` if there is one."""
        self._closed, self._error = True, error
        self._changed.set()

    async def __aiter__(self) -> AsyncIterator[T]:
        while True:
            while self._items:
                item = self._items.popleft()
                self._held -= self._length(item)
                self._changed.set()
                yield item
            if self._closed:
                break
            self._changed.clear()
            await self._changed.wait()
        if self._error is not None:
            raise self._error


class Tasks:
    """Owns short-lived tasks: keeps them alive, logs those that fail, ends them all on `close`.

    A failure is logged by type and place only: its text may quote a visitor.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run `work` until it is done, cancelled, or `close` is called."""
        task = asyncio.create_task(_kept_in(work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        task.add_done_callback(lambda _: work.close())  # else one that never began is warned of
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            extra = {"task": task.get_name(), "fault": fault(error), "trace": trace(error)}
            log.error("a task failed", extra=extra)

    async def close(self) -> None:
        """Cancel what still runs and wait for its end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _kept_in(work: Coroutine[Any, Any, None]) -> None:
    """A task that throws SystemExit would take the event loop along."""
    try:
        await work
    except (SystemExit, KeyboardInterrupt) as error:
        raise harmless(error) from None
