"""Refusals that must cost little."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import TypeVar

import pytest
from support.pace import within

E = TypeVar("E", bound=BaseException)


def refusal(kind: type[E], work: Callable[[], object], most: float) -> E:
    """The error that `work` must raise, within a second of this thread and `most` bytes."""
    began = time.thread_time()
    with pytest.raises(kind):
        work()
    took = time.thread_time() - began
    tracemalloc.start()  # by itself: to be watched makes small pieces several times as slow
    with pytest.raises(kind) as caught:
        work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert within(took, 1)
    assert peak < most
    return caught.value
