"""A server on fake engines as a process of its own, from its first line to its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).parents[1]


@dataclass
class Child:
    """process: of `support.child`. lines: what it said so far; said, complained: all of it."""

    process: asyncio.subprocess.Process
    port: int
    lines: list[str] = field(default_factory=list)
    said: str = ""
    complained: str = ""


@asynccontextmanager
async def child(
    home: Path,
    fault: str = "nothing",
    *options: str,
    waits: bool = True,
    env: Mapping[str, str] | None = None,
) -> AsyncIterator[Child]:
    """One that has begun, and is ready if `waits`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.child", fault, "--home", str(home), *options,
        cwd=TESTS, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(env or {})},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        lines, port = list[str](), 0
        async with asyncio.timeout(40):
            while line := (await process.stdout.readline()).decode():
                lines.append(line)
                if (found := re.search(r":(\d+)/", line)) is None:
                    continue  # it only says that it loads
                port = int(found[1])
                if not waits or "ready" in line:
                    break
        assert port, (await process.stderr.read()).decode()
        yield Child(process, port, lines)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@dataclass(frozen=True)
class Standing:
    """A server for several tests."""

    process: subprocess.Popen[bytes]
    port: int
    home: Path

    def complained(self) -> str:
        """What it logged so far."""
        return (self.home / "log").read_text()


@contextmanager
def standing(home: Path, fault: str = "nothing", *options: str) -> Iterator[Standing]:
    """One that is ready, outside of any event loop."""
    command = [sys.executable, "-m", "support.child", fault, "--home", str(home), *options]
    with (home / "log").open("wb") as log, subprocess.Popen(
        command, cwd=TESTS, stdout=subprocess.PIPE, stderr=log
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            line = b""
            while b"ready" not in line:
                line = process.stdout.readline()
                assert line, (home / "log").read_text()
            found = re.search(rb":(\d+)/", line)
            assert found is not None
            yield Standing(process, int(found[1]), home)
        finally:
            process.kill()


async def ends(it: Child, number: int = signal.SIGTERM) -> tuple[float, int | None]:
    """Seconds from the signal to the end, and the exit status."""
    began = time.monotonic()
    it.process.send_signal(number)
    output, errors = await asyncio.wait_for(it.process.communicate(), 30)
    it.said, it.complained = output.decode(), errors.decode()
    return time.monotonic() - began, it.process.returncode


def children(pid: int) -> list[int]:
    """Process ids of a process' own children."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(word) for task in tasks for word in (task / "children").read_text().split()]


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    with contextlib.suppress(FileNotFoundError):
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False
