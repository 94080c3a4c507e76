"""Refusals that must cost little."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import TypeVar

import pytest

E = TypeVar("E", bound=BaseException)


def refusal(kind: type[E], work: Callable[[], object], most: float) -> E:
    """The error that `work` must raise, within a second of this thread and `most` bytes."""
    tracemalloc.start()
    began = time.thread_time()
    with pytest.raises(kind) as caught:
        work()
    took, (_, peak) = time.thread_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 1
    assert peak < most
    return caught.value
