"""A program of somebody else's reads what it is given, writes, and reaches nothing else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support.pace import soon

from visavis.engines.base import EngineError
from visavis.server.system import sandbox
from visavis.server.system.programs import Bounds, Shut

BASH = "/usr/bin/bash"
WHOLE = pytest.mark.skipif(bool(sandbox.examine()), reason="this system shuts nothing in")


def run(script: str, given: bytes = b"", bounds: Bounds | None = None) -> str:
    return Shut(bounds or Bounds())((BASH, "-c", script), given).decode()


def test_it_reads_and_writes_as_much_as_there_is() -> None:
    given = b"a line of text\n" * 50_000
    assert Shut()((BASH, "-c", "cat | cat"), given) == given


@WHOLE
def test_it_finds_no_file_no_variable_and_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_TOKEN", "of-the-house")
    (tmp_path / "secret").write_text("of-a-file")
    told = run(
        f"cat {tmp_path}/secret; ls {tmp_path} /root; env; echo x > {tmp_path}/made; "
        "exec 3<>/dev/tcp/127.0.0.1/9; echo $?; cat /etc/passwd; true"
    )
    assert "of-a-file" not in told
    assert "of-the-house" not in told
    assert "root:" not in told
    assert "secret" not in told
    assert not (tmp_path / "made").exists()


def test_it_ends_in_time_with_all_that_it_began() -> None:
    begun = time.monotonic()
    with pytest.raises(EngineError, match="took longer than 0.5 s"):
        run("sleep 60 & sleep 60", bounds=Bounds(wall=0.5))
    assert soon(time.monotonic() - begun, 20)


def test_what_goes_wrong_is_told() -> None:
    with pytest.raises(EngineError, match="wrote more than 1 MB"):
        run("yes", bounds=Bounds(output=1 << 20))
    with pytest.raises(EngineError, match=r"failed \(status 3\)"):
        run("exit 3")
