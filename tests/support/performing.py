"""A session in real time on fake engines, and an outlet that plays it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from support.services import FakeServices

from visavis.server.rtc import hooks
from visavis.server.session.doors import Outlet
from visavis.server.session.session import Session


@asynccontextmanager
async def performing(services: FakeServices | None = None) -> AsyncIterator[Session]:
    """A session that lives."""
    fakes = services or FakeServices()
    hooks.install()
    engines = fakes.engines()
    session = Session("published", engines, fakes.metrics, engines.clock())
    running = asyncio.create_task(session.run())
    yield session
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    fakes.close()


@asynccontextmanager
async def playing(session: Session, outlet: Outlet) -> AsyncIterator[asyncio.Task[None]]:
    """It plays until the block is left."""
    task = session.add_outlet(outlet)
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(lines: Sequence[str], words: str) -> None:
    """A line with these words has come."""
    async with asyncio.timeout(10):
        while not any(words in line for line in lines):
            await asyncio.sleep(0.02)
