"""Runs the client's own tests, which need no browser, under node's test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
OLDEST_NODE = (20, 19)  # the first that takes a .js file with `import` in it for a module


def node_version() -> tuple[int, ...]:
    if shutil.which("node") is None:
        return (0, 0)
    run = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return tuple(int(part) for part in run.stdout.strip("v\n").split(".")[:2])


@pytest.mark.skipif(node_version() < OLDEST_NODE, reason="needs node 20.19 or newer")
def test_client_logic() -> None:
    tests = sorted(str(path) for path in HERE.glob("*.test.mjs"))
    run = subprocess.run(
        ["node", "--test", *tests], capture_output=True, text=True, timeout=50, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
