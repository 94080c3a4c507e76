"""Works for tests of the queue, and a queue for them."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from visavis.server.jobs.embedded import Embedded
from visavis.server.jobs.job import Job, State, Working
from visavis.server.jobs.queued import JobQueue
from visavis.server.system import priority
from visavis.server.system.config import Config

WORKS = {
    name: f"support.jobs:{name}"
    for name in ("write", "wait", "wrong", "full", "dies", "stubborn", "resumes", "odd", "copies")
}


def write(request: Mapping[str, Any], working: Working) -> Mapping[str, Any]:
    """A file with the request's text, and how this process is scheduled."""
    working.tell(0.5, "writes")
    (working.folder / "text.txt").write_text(request.get("text", ""))
    return {
        "files": {"txt": "text.txt"}, "pid": os.getpid(), "nice": os.nice(0),
        "policy": priority.policy(), "avatar": working.config.avatar,
    }  # fmt: skip


def wait(request: Mapping[str, Any], working: Working) -> Mapping[str, Any]:
    """Until a file is there; each step is told."""
    gate, told = Path(request["gate"]), 0
    while not gate.exists():
        told += 1
        working.tell(min(0.9, told / 1000), f"step {os.getpid()}")
        time.sleep(0.01)
    return {"pid": os.getpid()}


def stubborn(request: Mapping[str, Any], working: Working) -> Mapping[str, Any]:
    """Says a word, and never listens."""
    working.tell(0.1, "begun")
    time.sleep(600)
    return {}


def wrong(request: Mapping[str, Any], working: Working) -> Mapping[str, Any]:
    """Fails as it is asked to."""
    from visavis.engines.base import EngineError
    from visavis.server.system.errors import Unprocessable

    match request["how"]:
        case "engine":
            raise EngineError("The voice is gone.")
        case "problem":
            raise Unprocessable("There is no avatar 'x'.", "unknown-avatar")
        case _:
            raise ZeroDivisionError("what somebody wrote")


def full(request: Mapping[str, Any], working: Working) -> Mapping[str, Any]:
    """A disk without room, until a file is there."""
    if not Path(request["room"]).exists():
        raise OSError(28, "No space left on device")
    return {}


def dies(request: Mapping[str, Any], working: Working) -> Mapping[str, Any]:
    """Its process ends without a word, so many times."""
    tries = working.folder / "tries"
    tries.write_bytes(tries.read_bytes() + b"x" if tries.exists() else b"x")
    if len(tries.read_bytes()) <= request["times"]:
        os.kill(os.getpid(), 9)
    return {"tries": len(tries.read_bytes())}


def resumes(request: Mapping[str, Any], working: Working) -> Mapping[str, Any]:
    """Parts, one after another; what is whole is not made again, and each making is noted.

    The fourth one is begun, and waits for a file.
    """
    for part in range(request["parts"]):
        working.tell(part / request["parts"], f"part {part} {os.getpid()}")
        path = working.folder / f"part-{part}"
        if path.exists():
            continue
        with (working.folder / "made").open("a") as made:
            made.write(f"{part}\n")
        while part == 3 and not Path(request["gate"]).exists():
            working.tell(part / request["parts"], f"part {part} {os.getpid()}")
            time.sleep(0.02)
        path.with_suffix(".new").write_text(f"{part}")
        path.with_suffix(".new").rename(path)
    return {"parts": request["parts"]}


def copies(request: Mapping[str, Any], working: Working) -> Mapping[str, Any]:
    """The files of a folder, as results."""
    names = sorted(path.name for path in Path(request["folder"]).iterdir())
    for name in names:
        (working.folder / name).write_bytes((Path(request["folder"]) / name).read_bytes())
    return {"files": {name: name for name in names}, "from": request["folder"]}


def odd(request: Mapping[str, Any], working: Working) -> Mapping[str, Any]:
    """A result that is no JSON, after a print that is nobody's to read."""
    print("what somebody wrote")  # noqa: T201
    return {"odd": object()}


class Allowed:
    """As many as a function says."""

    def __init__(self, number: Callable[[], int]) -> None:
        self._number = number

    def measure(self) -> None:
        """It is known."""

    def __call__(self) -> int:
        return self._number()


@asynccontextmanager
async def queue(
    folder: Path, allowed: Callable[[], int] = lambda: 2, works: Mapping[str, str] = WORKS
) -> AsyncIterator[JobQueue]:
    """One that works, in a folder."""
    it = JobQueue(folder, Embedded(folder, works, {"avatar": Config().avatar}, Allowed(allowed)))
    await it.open()
    try:
        yield it
    finally:
        await it.close()


def runs(pid: int) -> bool:
    """Whether a process does."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


async def over(it: JobQueue, id: str) -> list[State]:
    """All that was told of a job until it was over."""
    return [state async for state in it.watch(id)]


async def _hold(folder: Path) -> None:
    """Say which process has a job that waits, and stay."""
    async with queue(folder) as it:
        await it.add(Job("a", "wait", {"gate": str(folder / "gate")}))
        async for state in it.watch("a"):
            if state.note.startswith("step"):
                print(state.note.split()[-1], flush=True)  # noqa: T201
                await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_hold(Path(sys.argv[1])))
