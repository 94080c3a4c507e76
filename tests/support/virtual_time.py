"""Tests in time that does not wait: a minute of conversation is instant."""

from __future__ import annotations

import asyncio
import functools
import inspect

import pytest

from visavis.server.playout import clock
from visavis.server.playout.virtual import VirtualLoop


def virtual_time(test):
    """Run an async test on a VirtualLoop."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        with (
            asyncio.Runner(loop_factory=VirtualLoop) as runner,
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr(clock, "monotonic", runner.get_loop().time)
            runner.run(test(*args, **kwargs))

    run.__signature__ = inspect.signature(test)
    return run
