"""Fixtures for every test: whoever blocks the event loop fails."""

import pytest
from blockbuster import BlockBuster


@pytest.fixture(autouse=True)
def _no_blocking():
    """Sleeping, or reading a file or a socket inside the event loop, is an error in our code.

    Locks are left out: handing work to a thread takes one, for no time worth naming.
    """
    watch = BlockBuster("visavis.server")
    for name in ("threading.Lock.acquire", "threading.Lock.acquire_lock"):
        watch.functions.pop(name)
    watch.activate()
    yield
    watch.deactivate()
