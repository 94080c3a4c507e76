"""How soon running sessions end once the consent to their face was taken back.

    python -m bench revoking --sessions 4 --rounds 5

A real `visavis serve` with two workers, an avatar made for it, programs that talk with it, and
`visavis consent revoke` as an operator types it. Times are from the moment the command returned,
and from the moment it was typed; then it is tried to begin another session.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from bench.live.chromium import server
from visavis.remote import Ended, Face, Refused, RemoteError, connect

PHOTO: Final = Path("models/data/personas/tomas.webp")
OUT: Final = Path("out/bench")
COMMAND: Final = (
    sys.executable, "-c", "import sys; from visavis.server.cli import main; sys.exit(main())",
)  # fmt: skip
TALK: Final = "This is said for a while, so that the face speaks when it ends. " * 8
LONGEST: Final = 60.0  # s, what is promised


async def visavis(home: Path, *words: str) -> None:
    """A command, to its end."""
    environment = os.environ | {"VISAVIS_HOME": str(home)}
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *words, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=sys.stderr
    )
    if await process.wait():
        raise RuntimeError(f"visavis {words[0]} failed")


async def watched(face: Face) -> tuple[float, str]:
    """When its sound ended, s of perf_counter, and why."""
    at = 0.0
    try:
        async for _ in face.sound():
            at = time.perf_counter()
        await face.say("Are you there?")
    except Ended as error:
        return at, error.reason
    except RemoteError as error:
        return at, type(error).__name__
    return at, "it goes on"


async def one_round(address: str, home: Path, sessions: int) -> dict[str, Any]:
    """Sessions, the command, and a newcomer."""
    async with AsyncExitStack() as ends:
        faces = [await ends.enter_async_context(connect(address)) for _ in range(sessions)]
        for face in faces:
            await face.say(TALK)
        watching = [asyncio.create_task(watched(face)) for face in faces]
        await asyncio.sleep(3)
        typed = time.perf_counter()
        await visavis(home, "consent", "revoke", "bench")
        told = time.perf_counter()
        async with asyncio.timeout(2 * LONGEST):
            ended = await asyncio.gather(*watching)
    try:
        async with connect(address):
            refused = ""
    except Refused as error:
        refused = str(error)
    await visavis(home, "consent", "renew", "bench", "--consent", "once more")
    return {
        "seconds_from_return": [round(at - told, 2) for at, _ in ended],
        "seconds_from_typing": [round(at - typed, 2) for at, _ in ended],
        "reasons": sorted({why for _, why in ended}),
        "newcomer": refused,
    }


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """All rounds with one server."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        consent = ("--consent", "for a benchmark", "--subject", "a person of a benchmark")
        consent += ("--likeness", "it is the same synthetic face, named otherwise")
        await visavis(home, "avatar", "create", str(PHOTO), "--name", "bench", *consent)
        extra = ("--avatar", "bench", "--workers", "2", "--max-sessions", str(options.sessions))
        async with server(home, *extra, log=OUT / "revoking.log") as (address, _):
            rounds = [
                await one_round(address, home, options.sessions) for _ in range(options.rounds)
            ]
    worst = max(each for row in rounds for each in row["seconds_from_typing"])
    return {"sessions": options.sessions, "rounds": rounds, "worst_from_typing": worst}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    print(json.dumps(asyncio.run(run(parser.parse_args())), indent=2))
