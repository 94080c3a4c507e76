"""The key of an installation: made once, kept for its owner alone, told when there is none."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from visavis.models.avatar.seal import verified
from visavis.server.system import installation
from visavis.server.system.installation import Installation, KeyFault

ASK = """
import sys
from pathlib import Path
from visavis.server.system.installation import Installation
print(Installation.of(Path(sys.argv[1])).key)
"""


def test_it_is_made_once_and_signs(tmp_path):
    home = tmp_path / "home"
    assert Installation.known(home) is None
    ours = Installation.of(home)
    again = Installation.of(home)
    assert (ours.public, ours.number, ours.name) == (again.public, again.number, again.name)
    assert 0 <= ours.number < 1 << 24
    assert verified(ours.public, again.sign(b"words"), b"words")
    assert not verified(ours.public, again.sign(b"words"), b"other words")
    assert (home / "keys").stat().st_mode & 0o777 == 0o700
    assert (home / "keys" / "installation.pem").stat().st_mode & 0o777 == 0o600
    assert installation.doubt(home) is None
    assert "repr" not in repr(ours)
    assert "Private" not in repr(ours)


def test_several_at_once_have_one_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: Installation.of(tmp_path).key, range(16)))
    assert len(keys) == 1


def test_several_processes_have_one_key(tmp_path):
    command = [sys.executable, "-c", ASK, str(tmp_path)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    keys = {child.communicate(timeout=50)[0] for child in children}
    assert len(keys) == 1
    assert keys.pop().strip()


@pytest.mark.parametrize("home", ["/dev/full/home", "/proc/home"])
def test_where_nothing_can_be_written_it_says_so(tmp_path, home):
    with pytest.raises(KeyFault, match="no key to sign with"):
        Installation.of(tmp_path / home)
    assert Installation.known(tmp_path / home) is None


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff" * 9000])
def test_a_damaged_key_is_told_and_not_replaced(tmp_path, content):
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "installation.pem").write_bytes(content)
    with pytest.raises(KeyFault, match="from a backup"):
        Installation.of(tmp_path)
    assert (folder / "installation.pem").read_bytes() == content


def test_a_key_that_others_may_read_is_told(tmp_path):
    Installation.of(tmp_path)
    (tmp_path / "keys" / "installation.pem").chmod(0o644)
    assert "chmod 600" in installation.doubt(tmp_path)
