"""A folder for one run, and what a killed one leaves behind."""

import signal
import stat
import subprocess
import sys

import pytest

from visavis.server.system.run_folder import run_folder

_KILLED = """
import os, signal
from visavis.server.system.run_folder import run_folder
with run_folder() as folder:
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)  # it remembers the one before
    return tmp_path


def test_it_is_private_and_gone_at_the_end(place):
    with run_folder() as folder:
        assert folder.parent == place
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not list(place.iterdir())


def test_what_a_killed_run_left_is_removed_by_the_next_one_and_nothing_else(place):
    (place / "visavis-file").touch()
    (place / "visavis-new").mkdir()  # somebody who has no lock yet
    (place / "visavis-link").symlink_to(place / "visavis-new")
    with run_folder() as other:
        ran = subprocess.run([sys.executable, "-c", _KILLED], stdout=subprocess.PIPE, text=True)
        assert ran.returncode == -signal.SIGKILL
        left = ran.stdout.strip()
        with run_folder() as folder:
            found = {path.name for path in place.iterdir()}
    assert left.rpartition("/")[2] not in found
    assert found == {"visavis-file", "visavis-new", "visavis-link", other.name, folder.name}
