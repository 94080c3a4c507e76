"""Measure what an unmodified client for Simli gets of us, and print JSON.

    python -m bench simli [--rounds 12]

A real server and `simli-ai` in a process of its own, with aiortc as it comes, over loopback. Speech
of a voice of ours is sent as programs send it: whole sentences at once, or as fast as it is spoken,
in messages of 187.5 ms. In: when the message left that has the first sound. Out: when the client
had the first picture whose mouth moves more than an idle face's does (see signals.moving_after:
the head's own motion is taken off by the forehead's), and the first decoded packet that is loud.
The client's own audio buffer is part of it, 80 ms. Interruption: from SKIP to the last loud packet.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from bench.live.signals import moving_after, summary

_KEY: Final = "a key for this measurement alone"
_RATE: Final = 16_000
_MESSAGE: Final = 6000  # bytes, as the client cuts them
_LOUD: Final = 600  # of 32768
_MOUTH: Final = (0.39, 0.54, 0.22, 0.16)  # left, top, width, height: as in taps.js
_FOREHEAD: Final = (0.375, 0.13, 0.25, 0.16)
_TEXT: Final = "Are you arriving today, or only tomorrow morning?"
_WANTED: Final = {"picture": 150.0, "silence": 120.0}


async def run(rounds: int) -> dict[str, Any]:
    """Serve, call, and what came of it."""
    from bench.live.chromium import server  # a browser's library, which the client needs not

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        key = home / "key"
        key.write_text(_KEY.replace(" ", "-"))
        key.chmod(0o600)
        sound = home / "speech.raw"
        sound.write_bytes(await asyncio.to_thread(_speech, home))
        async with server(home, "--simli-key-file", str(key), "--max-sessions", "2") as (url, _):
            caller = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bench.live.simli", "--call",
                url.rstrip("/"), key.read_text(), str(sound), str(rounds),
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            output, _ = await caller.communicate()
            if caller.returncode:
                raise SystemExit("the client failed")
    return _judged(json.loads(output))


def _judged(result: dict[str, Any]) -> dict[str, Any]:
    picture = result["at once"]["picture"]["p50"]
    silence = result["skip"]["p50"]
    held = {"picture": picture < _WANTED["picture"], "silence": silence < _WANTED["silence"]}
    return {**result, "wanted": _WANTED, "holds": held}


def _speech(home: Path) -> bytes:
    """A sentence from its first loud sample on, 16 kHz."""
    import soxr

    from visavis.engines import load

    voice = load.tts("heart", home)
    pcm = np.concatenate([part.pcm for part in voice.synthesize(_TEXT)])
    low = soxr.resample(pcm.astype(np.float32), 48_000, _RATE)
    began = int(np.argmax(np.abs(low) > _LOUD))
    return np.asarray(np.clip(low[began:], -32768, 32767), "<i2").tobytes()


# --- the client, in its own process ---------------------------------------------------------------


class Call:
    """What a client sees and hears, with times in ms."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.mouth: list[tuple[float, float, float]] = []  # ms, motion of mouth, of forehead
        self.sound: list[tuple[float, int]] = []

    async def see(self) -> None:
        before: list[Any] | None = None
        async for picture in self.client.getVideoStreamIterator("gray"):
            at = _now()
            image = picture.to_ndarray()
            now = [_region(image, box) for box in (_MOUTH, _FOREHEAD)]
            if before is not None:
                moved = [float(np.abs(a - b).mean()) for a, b in zip(now, before, strict=True)]
                self.mouth.append((at, moved[0], moved[1]))
            before = now

    async def hear(self) -> None:
        async for frame in self.client.getAudioStreamIterator():
            self.sound.append((_now(), int(np.abs(frame.to_ndarray().astype(np.int32)).max())))

    def loud(self, since: float) -> list[float]:
        return [at for at, most in self.sound if at >= since and most > _LOUD]

    async def silent(self, seconds: float) -> None:
        """Until nothing was loud for so long."""
        await _until(lambda: bool(self.sound) and not self.loud(_now() - 1000 * seconds))


async def _until(met: Callable[[], bool]) -> None:
    while not met():  # noqa: ASYNC110 (what it asks of is filled by a client's iterators)
        await asyncio.sleep(0.01)


def _now() -> float:
    return time.monotonic() * 1000


def _region(image: Any, box: tuple[float, float, float, float]) -> Any:
    height, width = image.shape
    left, top = int(box[0] * width), int(box[1] * height)
    cut = image[top : top + int(box[3] * height), left : left + int(box[2] * width)]
    return cv2.resize(cut, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)


async def call(url: str, key: str, speech: bytes, rounds: int) -> dict[str, Any]:
    """The figures of one client, and the first ones of a second session."""
    from simli import SimliClient, SimliConfig

    result: dict[str, Any] = {}
    for session in ("", "second session"):
        client = SimliClient(key, SimliConfig("mira", maxIdleTime=300), url, retry_count=1)
        began = _now()
        await client.start()
        seen = Call(client)
        tasks = [asyncio.create_task(seen.see()), asyncio.create_task(seen.hear())]
        await _until(lambda: bool(seen.mouth))  # noqa: B023
        first = _now() - began
        await asyncio.sleep(3)
        if session:
            result[session] = await _at_once(seen, speech, max(3, rounds // 4))
        else:
            result |= {
                "first picture": round(first),
                "at once": await _at_once(seen, speech, rounds),
                "as spoken": await _as_spoken(seen, speech, rounds, now=False),
                "as spoken, PLAY_IMMEDIATE": await _as_spoken(seen, speech, rounds, now=True),
                "skip": await _skip(seen, speech, rounds),
            }
        await client.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return result


async def _at_once(seen: Call, speech: bytes, rounds: int) -> dict[str, Any]:
    pictures, sounds = [], []
    for _ in range(rounds):
        await seen.silent(2.0)
        at = _now()
        await seen.client.send(speech)
        await asyncio.sleep(1.0)
        moved = moving_after(seen.mouth, at)
        pictures.append(None if moved is None else moved - at)
        sounds.append(next((loud - at for loud in seen.loud(at)), None))
    return {"picture": summary(pictures), "sound": summary(sounds)}


async def _as_spoken(seen: Call, speech: bytes, rounds: int, *, now: bool) -> dict[str, Any]:
    """As fast as it is spoken, in messages of 187.5 ms. now: the first with PLAY_IMMEDIATE."""
    pictures, sounds = [], []
    for _ in range(rounds):
        await seen.silent(2.0)
        at = _now()
        for index in range(0, len(speech), _MESSAGE):
            due = at + index / 2 / _RATE * 1000
            await asyncio.sleep(max(0.0, (due - _now()) / 1000))
            send = seen.client.sendImmediate if now and not index else seen.client.send
            await send(speech[index : index + _MESSAGE])
        moved = moving_after(seen.mouth, at)
        pictures.append(None if moved is None else moved - at)
        sounds.append(next((loud - at for loud in seen.loud(at)), None))
    return {"picture": summary(pictures), "sound": summary(sounds)}


async def _skip(seen: Call, speech: bytes, rounds: int) -> dict[str, Any]:
    late = []
    for index in range(rounds):
        await seen.silent(1.0)
        began = _now()
        await seen.client.send(speech * 10)
        await _until(lambda: bool(seen.loud(began)))  # noqa: B023
        await asyncio.sleep(0.5 + 0.07 * index)
        at = _now()
        await seen.client.clearBuffer()
        await asyncio.sleep(0.6)
        late.append(max((loud - at for loud in seen.loud(at)), default=0.0))
    return summary(late)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--call", nargs=4, metavar=("URL", "KEY", "SPEECH", "ROUNDS"))
    options = parser.parse_args()
    if options.call:
        url, key, path, rounds = options.call
        result = asyncio.run(call(url, key, Path(path).read_bytes(), int(rounds)))
    else:
        result = asyncio.run(run(options.rounds))
    json.dump(result, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
