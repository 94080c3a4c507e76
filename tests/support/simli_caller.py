"""The unmodified simli-ai, in a process of its own: with aiortc as it comes, not as we mend it.

Run with a server's address and key: each scenario that is named goes at the same time, and what
became of it is one line of JSON on the standard output.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import numpy as np
from simli import (  # type: ignore[import-untyped]
    CameraSetting,
    SimliClient,
    SimliConfig,
    SimliError,
)
from simli.events import SimliEvent  # type: ignore[import-untyped]

_LOUD: Final = 1500  # of 32768
_RATE: Final = 16_000


def tone(seconds: float) -> bytes:
    """A hum."""
    wave = 9000 * np.sin(2 * np.pi * 180 * np.arange(int(_RATE * seconds)) / _RATE)
    return wave.astype("<i2").tobytes()


class Caller:
    """One client: what it heard and saw, and what it was told, each with its time."""

    def __init__(self, url: str, key: str, **wanted: Any) -> None:
        config = SimliConfig(**{"faceId": "mira", "maxIdleTime": 20, **wanted})
        self.client = SimliClient(key, config, url, retry_count=1)
        self.events: list[tuple[str, float]] = []
        self.sound: list[tuple[float, int]] = []
        self.pictures: list[tuple[float, tuple[int, ...]]] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self.client.start()
        for event in (SimliEvent.SPEAK, SimliEvent.SILENT):
            self.client.registerEventCallback(event, self._noting(event))
        self._tasks = [asyncio.create_task(self._hear()), asyncio.create_task(self._see())]
        await self.until(lambda: (self.sound and self.pictures) or self.client.stopReason)

    def _noting(self, event: SimliEvent) -> Callable[[], Awaitable[None]]:
        async def note() -> None:
            self.events.append((event.value, time.monotonic()))

        return note

    async def _hear(self) -> None:
        async for frame in self.client.getAudioStreamIterator():
            loudest = int(np.abs(frame.to_ndarray().astype(np.int32)).max())
            self.sound.append((time.monotonic(), loudest))

    async def _see(self) -> None:
        async for picture in self.client.getVideoStreamIterator("gray"):
            self.pictures.append((time.monotonic(), picture.to_ndarray().shape))

    async def until(self, met: Callable[[], object], within: float = 10.0) -> None:
        async with asyncio.timeout(within):
            while not met():
                await asyncio.sleep(0.01)

    def loud(self, since: float) -> list[float]:
        return [at for at, loudest in self.sound if at >= since and loudest > _LOUD]

    async def ended(self) -> str:
        """Why the server ended it."""
        await self.until(lambda: self.client.stopReason is not None)
        return str(self.client.stopReason)

    async def stop(self) -> None:
        await self.client.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def told(self) -> list[str]:
        return [name for name, _ in self.events]


async def talk(call: Caller) -> dict[str, Any]:
    """Say two things, and wait for each."""
    positions = []
    for _ in range(2):
        began, told = time.monotonic(), len(call.events)
        await call.client.send(tone(0.6))
        await call.until(lambda: call.told[told:] == ["speak", "silent"])  # noqa: B023
        loud = call.loud(began)
        positions.append([loud[0] - began, loud[-1] - loud[0]])
    return {"events": call.told, "loud": positions, "picture": call.pictures[-1][1]}


async def skip(call: Caller) -> dict[str, Any]:
    """Send far more than is played, and take it back; then say something else."""
    began = time.monotonic()
    for _ in range(16):
        await call.client.send(tone(5.0))
    await call.until(lambda: call.loud(began))
    await asyncio.sleep(0.3)
    at = time.monotonic()
    await call.client.clearBuffer()
    await call.until(lambda: "silent" in call.told)
    await asyncio.sleep(0.5)
    late = [loud - at for loud in call.loud(at)]
    began = time.monotonic()
    await call.client.sendImmediate(tone(0.3))
    await call.until(lambda: call.told[-1] == "silent" and len(call.told) == 4)
    return {"events": call.told, "late": max(late, default=0.0), "again": bool(call.loud(began))}


async def done(call: Caller) -> dict[str, Any]:
    """Say that there is no more, and let all be heard."""
    began = time.monotonic()
    await call.client.send(tone(0.5)[:-1])  # an odd length
    await call.client.send("DONE")
    why = await call.ended()
    loud = call.loud(began)
    return {"why": why, "error": str(call.client.error), "heard": loud[-1] - loud[0]}


async def notices(call: Caller) -> dict[str, Any]:
    """Ask for what is not done here, which ends nothing."""
    await call.client.setCamera(CameraSetting(zoom=2.0), lerp_seconds=1.0)
    await call.client.setBackground(None)
    await call.client.send("something new")
    began = time.monotonic()
    await call.client.send(tone(0.2))
    await call.until(lambda: call.loud(began))
    return {"why": call.client.stopReason}


async def ended(call: Caller) -> dict[str, Any]:
    """Wait for the server to end it."""
    return {"why": await call.ended(), "error": str(call.client.error)}


async def vanish(call: Caller) -> dict[str, Any]:
    """Be there until this process is killed."""
    await call.until(lambda: call.pictures)
    print(json.dumps({"vanish": "is there"}), flush=True)  # noqa: T201 (what this program is for)
    await asyncio.sleep(60)
    return {}


SCENARIOS: Final[
    dict[str, tuple[Callable[[Caller], Awaitable[dict[str, Any]]], dict[str, Any]]]
] = {
    "talk": (talk, {}),
    "skip": (skip, {}),
    "done": (done, {}),
    "notices": (notices, {}),
    "idle": (ended, {"maxIdleTime": 1}),
    "length": (ended, {"maxSessionLength": 1}),
    "vanish": (vanish, {}),
    "wrong face": (ended, {"faceId": "nobody"}),
    "wrong format": (ended, {"audioInputFormat": "mulaw"}),
}


async def _played(name: str, url: str, key: str) -> None:
    scenario, wanted = SCENARIOS[name]
    call = Caller(url, key, **wanted)
    try:
        await call.start()
        became = await scenario(call)
    except SimliError as error:
        status = getattr(error, "status_code", 0)
        became = {"failed": type(error).__name__, "code": error.code.name, "status": status,
                  "message": error.message}  # fmt: skip
    except TimeoutError:
        became = {"timed out": call.told, "why": call.client.stopReason}
    finally:
        await call.stop()
    print(json.dumps({name: became}), flush=True)  # noqa: T201 (what this program is for)


async def _main(url: str, key: str, *names: str) -> None:
    await asyncio.gather(*(_played(name, url, key) for name in names))


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    asyncio.run(_main(*sys.argv[1:]))
