"""Trying again what a network broke off: after a pause that grows, with a line for the operator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # s
_STEADY: Final = 30.0  # s of a connection, after which the pauses begin anew


class Refused(Exception):
    """It would be refused again: the text says by whom, why, and what to do."""


class Broken(Exception):
    """It did not work, or does not any more; the text says why."""


async def until_refused(
    attempt: Callable[[], Awaitable[None]], say: Callable[[str], None], what: str
) -> None:
    """Run an attempt until it returns; `Broken` ones are begun anew. Raises Refused."""
    tries = 0
    while True:
        began = monotonic()
        try:
            await attempt()
        except Broken as error:
            if monotonic() - began > _STEADY:
                tries = 0
            pause = PAUSES[min(tries, len(PAUSES) - 1)]
            tries += 1
            say(f"{what}: {error}; trying again in {pause:g} s")
            await asyncio.sleep(pause)
        else:
            return
