"""How fast this machine is just now: limits in seconds are those of one machine, tests run on many.

A limit on a quantity of work says that nobody wrote something quadratic; it must neither hold on a
fast machine only nor be so wide that it holds for everything.
"""

from __future__ import annotations

import os
import time

# Seconds that `_work` takes on the two cores of 2026 that the limits were written on.
_USUAL = 0.006


def _work() -> None:
    """What our own code does most: small integers, small dictionaries, slices of bytes."""
    found: dict[int, bytes] = {}
    data = bytes(range(256)) * 64
    for at in range(40_000):
        found[at & 1023] = data[at & 16_383 : (at & 16_383) + 8]


def pace() -> float:
    """How many times slower than usual this thread is now, at least 1: the best of three looks."""
    took = []
    for _ in range(3):
        began = time.thread_time()
        _work()
        took.append(time.thread_time() - began)
    return max(1.0, min(took) / _USUAL)


def within(took: float, usual: float) -> bool:
    """Whether work that took so many seconds stays under a limit for the usual machine."""
    return took < usual or took < usual * pace()


def crowd() -> float:
    """How many runnable threads share a core, over the last minute; at least 1."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def soon(waited: float, usual: float) -> bool:
    """Whether a wait for other threads or processes stays under a limit for the usual machine.

    It is a time on the wall's clock: who waits is also held up by everybody else who runs.
    """
    return waited < usual or waited < usual * pace() * crowd()
