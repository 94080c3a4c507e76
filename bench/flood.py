"""What live sessions lose while a crowd that finds no place connects again and again.

    python -m bench flood --seconds 300 [--rate 500] [--sessions 2]

A real `visavis serve` with tokens and two places, two viewers that talk with their avatars
(bench/live/viewers.py) and a crowd (bench/live/crowd.py), each in a process of its own on the same
machine. The same two viewers are measured before without the crowd.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import resource
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import aiohttp

from bench import processes, sessions
from bench.live.chromium import server
from bench.machine import Share

LOG: Final = Path("out/bench/flood.log")
_LOOK: Final = 15.0  # s between two looks at memory


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be set."""
    parser.add_argument("--rate", type=float, default=500.0, help="connects a minute")
    parser.add_argument("--seconds", type=float, default=300.0, help="of the crowd")
    parser.add_argument("--calm", type=float, default=60.0, help="s measured before it comes")
    parser.add_argument("--sessions", type=int, default=2, help="places, and viewers in them")
    parser.add_argument("--workers", default="1")


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Without the crowd, and with it."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for name in ("token", "secret"):
            (home / name).write_text(secrets.token_urlsafe(30))
        settings = (
            "--token-file", str(home / "token"), "--token-secret-file", str(home / "secret"),
            "--workers", options.workers, "--max-sessions", str(options.sessions),
        )  # fmt: skip
        async with server(home, *settings, log=LOG) as (address, pid):
            calm = await _measured(address, pid, home, options, options.calm, crowd=False)
            flood = await _measured(address, pid, home, options, options.seconds, crowd=True)
    return {"about": sessions.about(), "options": vars(options), "calm": calm, "flood": flood}


async def _measured(
    address: str, pid: int, home: Path, options: argparse.Namespace, seconds: float, *, crowd: bool
) -> dict[str, Any]:
    """Viewers for so many s, and the crowd beside them."""
    if not seconds:
        return {}
    viewers = await _started(
        "bench.live.viewers", "--address", address, "--count", str(options.sessions),
        "--seconds", str(seconds), "--token-file", str(home / "token"),
    )  # fmt: skip
    await _line(viewers, "begin", 120)
    token = (home / "token").read_text()
    before, machine, began = await _look(address, pid, token), Share(), time.perf_counter()
    held: list[dict[str, Any]] = []
    looks = asyncio.create_task(_watch(pid, held))
    coming = None
    if crowd:
        coming = await _started(
            "bench.live.crowd", "--address", address, "--rate", str(options.rate),
            "--seconds", str(max(1.0, seconds - 3)), "--secret-file", str(home / "secret"),
        )  # fmt: skip
    await _line(viewers, "end", seconds + 60)
    after, took = await _look(address, pid, token), time.perf_counter() - began
    share = machine.so_far()
    looks.cancel()
    told = json.loads(await coming.stdout.read()) if coming and coming.stdout else None
    assert viewers.stdin is not None
    assert viewers.stdout is not None
    viewers.stdin.write(b"\n")
    seen = json.loads(await viewers.stdout.read())
    await viewers.wait()
    return {
        "seconds": round(took, 1),
        "connected": seen["connected"],
        "cores": round((after["seconds"] - before["seconds"]) / took, 2),
        **sessions._late(before["metrics"], after["metrics"]),
        **sessions._summary(seen),
        "machine": share,
        "own_mb": [row["own_mb"] for row in held],
        "descriptors": [row["descriptors"] for row in held],
        "processor_s_by_thread": processes.spent_by_thread(before["threads"], after["threads"]),
        "crowd": told,
    }


async def _started(*command: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def _line(process: asyncio.subprocess.Process, wanted: str, within: float) -> None:
    await sessions._line(process, wanted, within)


async def _look(address: str, pid: int, token: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        text = await (await http.get(f"{address}metrics")).text()
    rows = [line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#"]
    return {
        "seconds": processes.seconds(pid),
        "threads": processes.by_thread(pid),
        "metrics": {name: float(value) for name, value in rows if "bucket" not in name},
    }


async def _watch(pid: int, held: list[dict[str, Any]]) -> None:
    while True:
        held.append(await asyncio.to_thread(_holdings, pid))
        await asyncio.sleep(_LOOK)


def _holdings(pid: int) -> dict[str, Any]:
    """By counters alone: to read `smaps` holds the server's memory, and it for 0.2 s with it."""
    pages, files = 0, 0
    for each in processes.family(pid):
        with contextlib.suppress(OSError):
            resident, shared = Path(f"/proc/{each}/statm").read_text().split()[1:3]
            pages += int(resident) - int(shared)
            files += len(list(Path(f"/proc/{each}/fd").iterdir()))
    return {"own_mb": round(pages * resource.getpagesize() / 1e6, 1), "descriptors": files}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    arguments(parser)
    print(json.dumps(asyncio.run(run(parser.parse_args()))), flush=True)


if __name__ == "__main__":
    main()
