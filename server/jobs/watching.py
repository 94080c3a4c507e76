"""Those who look at jobs, and what each is still to be told; of one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from visavis.server.jobs.job import State


class Watcher:
    """What has changed since it last looked: of each job the latest state, in order."""

    def __init__(self) -> None:
        self._changed: dict[str, State] = {}
        self._there = asyncio.Event()
        self.ended = False

    def put(self, state: State) -> None:
        """It has changed."""
        self._changed.pop(state.id, None)
        self._changed[state.id] = state
        self._there.set()

    def end(self) -> None:
        """There is nothing more to tell."""
        self.ended = True
        self._there.set()

    async def changed(self, within: float) -> list[State]:
        """What has, empty after so many s without anything."""
        try:
            async with asyncio.timeout(within):
                await self._there.wait()
        except TimeoutError:
            return []
        self._there.clear()
        states, self._changed = list(self._changed.values()), {}
        return states


class Watchers:
    """By the id of the job or the group that they look at."""

    def __init__(self) -> None:
        self._by_name: dict[str, set[Watcher]] = {}

    @contextmanager
    def watcher(self, name: str) -> Iterator[Watcher]:
        """One more, as long as this lasts."""
        it = Watcher()
        self._by_name.setdefault(name, set()).add(it)
        try:
            yield it
        finally:
            self._by_name[name].discard(it)
            if not self._by_name[name]:
                del self._by_name[name]

    def end(self) -> None:
        """Nothing is told any more."""
        for it in {it for those in self._by_name.values() for it in those}:
            it.end()

    def tell(self, state: State, group: str) -> None:
        """All that look at this job."""
        for name in {state.id, group} - {""}:
            for it in self._by_name.get(name, ()):
                it.put(state)
