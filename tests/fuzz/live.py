"""A server on fakes for targets that speak to one, and what must hold of it after every input."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from aiohttp import ClientSession
from support.doors import house

T = TypeVar("T")


class Faults(logging.Handler):
    """What the program says went wrong: records of errors, and exceptions that nobody took."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self._found.append(self.format(record))

    def untaken(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An event loop's exception handler."""
        self._found.append(f"{context.get('message')}: {context.get('exception')!r}")

    @contextmanager
    def none(self) -> Iterator[None]:
        """Raises AssertionError at the end of the block with what was said in it."""
        self._found.clear()
        logging.getLogger().addHandler(self)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(self)
        assert not self._found, "\n".join(self._found)


class Live:
    """A server behind its real door, in an event loop that runs while it is used."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self.faults.untaken)
        self._house = house(max_sessions=64)
        self.port = self._loop.run_until_complete(self._house.__aenter__()).port
        self.client = self._loop.run_until_complete(self._session())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it, and look whether anything went wrong beside it."""
        with self.faults.none():
            return self._loop.run_until_complete(work)

    async def _session(self) -> ClientSession:
        return ClientSession(f"http://127.0.0.1:{self.port}")

    def close(self) -> None:
        """Shut the server down."""
        self._loop.run_until_complete(self.client.close())
        self._loop.run_until_complete(self._house.__aexit__(None, None, None))
        self._loop.close()
