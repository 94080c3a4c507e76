"""`visavis serve` on fake engines as a program: `python -m support.child FAULT options`.

One process, unless the options say `--workers 2`: then the workers have the fault.

FAULT: what goes wrong in it: nothing, engine (an answer never comes), loading (never ends), loop
(closing blocks the event loop), part (closing never ends), files (a thread that reads files hangs),
moving (none: pictures that differ, where a still is sent but rarely).
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from support.services import FakeServices

from visavis.engines.base import I420, Portrayal
from visavis.server import cli
from visavis.server.commands import parent, single
from visavis.server.http.app import Basics


class Hanging(FakeServices):
    """Services with a fault."""

    def __init__(self, fault: str) -> None:
        super().__init__(answer=(lambda _text: _hang()) if fault == "engine" else str)
        self._fault = fault
        if fault == "moving":
            generator: Any = self.generator
            generator.draw = _different()

    async def open(self) -> None:
        """Load for ever, or hang a file thread."""
        loop = asyncio.get_running_loop()
        if self._fault == "loading":
            await self.workers["stt"].load(_hang)
        if self._fault == "files":
            loop.run_in_executor(None, _hang)

    def close(self) -> None:
        """Block the event loop."""
        if self._fault == "loop":
            _hang()
        super().close()


def _different() -> Callable[[Sequence[Portrayal], float], list[I420]]:
    count = itertools.count()

    def draw(portrayals: Sequence[Portrayal], deadline: float) -> list[I420]:
        picture = np.full((192, 128), 128, np.uint8)
        picture[:128] = 40 + next(count) % 150
        return [picture for _ in portrayals]

    return draw


def _hang() -> str:
    time.sleep(600)
    return ""


async def _closing_for_ever(_basics: Basics) -> None:
    await asyncio.Event().wait()


def main() -> int:
    """As `visavis serve`."""
    fault, *options = sys.argv[1:]
    module: Any = single
    module.services = lambda *_: Hanging(fault)
    workers: Any = parent
    workers.WORKER = (sys.executable, "-m", "support.worker", fault)
    if fault == "part":
        basics: Any = Basics
        basics.close = _closing_for_ever
    return cli.main(["serve", "--port", "0", "--workers", "1", *options])


if __name__ == "__main__":
    raise SystemExit(main())
