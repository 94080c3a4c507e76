"""Fixtures for every test: whoever blocks the event loop fails."""

import logging
import os

import pytest
from blockbuster import BlockBuster

# Real servers would synthesize a whole hotel beside every test; what does has tests of its own.
os.environ.setdefault("VISAVIS_PREPARE_ANSWERS", "off")


@pytest.fixture(scope="session")
def warm_home(tmp_path_factory):
    """A home for all who read its caches: embedded tables and voices are made by whoever is first.

    What is made from nothing has tests of its own.
    """
    return tmp_path_factory.mktemp("warm-home")


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


@pytest.fixture(autouse=True)
def _logging_as_before():
    """A server that was run here logs to where it was run: a later test would find it closed."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="module")
def one_torch_thread():
    """Small operations wait for one another's threads where others want the processor too."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
