"""A server on fakes in a process of its own, to be stopped: `python -m support.frozen`."""

from __future__ import annotations

import asyncio
import sys

from support.services import FakeServices
from support.serving import serving

from visavis.server.system import lag


async def serve() -> None:
    """Print the address, and serve until the standard input ends."""
    services = FakeServices()
    async with serving(services) as client:
        watching = asyncio.create_task(lag.watch(services.metrics))
        sys.stdout.write(f"http://127.0.0.1:{client.server.port}\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        watching.cancel()


if __name__ == "__main__":
    asyncio.run(serve())
