"""Tests in time that does not wait: a minute of conversation is instant."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

import pytest

from visavis.server.playout import clock
from visavis.server.playout.virtual_loop import VirtualLoop

_P = ParamSpec("_P")


def virtual_time(test: Callable[_P, Coroutine[Any, Any, None]]) -> Callable[_P, None]:
    """Run an async test on a VirtualLoop."""

    @functools.wraps(test)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        with (
            asyncio.Runner(loop_factory=VirtualLoop) as runner,
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr(clock, "monotonic", runner.get_loop().time)
            runner.run(test(*args, **kwargs))

    return run
