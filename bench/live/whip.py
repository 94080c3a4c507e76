"""A voice by WHIP in, the face by WHEP out: how much later sound and mouth are seen; prints JSON.

    python -m bench whip --phrases 40

A real `visavis serve` on loopback. The voice is an open vowel that closes four times a second, in
phrases of 1.2 s with pauses of 1.3 s. Sound: from the moment at which the speaker's track hands
over the first loud packet to that at which the player's decoder has it. Mouth: to the first picture
in which the mouth moves by more than in 99 of 100 pictures while it is silent, and to the first in
which it moves by more than it ever does then. No jitter buffer of a browser is in it, which adds 40
to 60 ms to both, nor a network.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import aiohttp
import av
import numpy as np
import uvloop
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

from bench.live.chromium import server
from bench.machine import Share
from visavis.server.rtc import connection as rtc
from visavis.server.rtc import hooks
from visavis.server.rtc.reach import Reach, using

RATE: Final = 48_000
PACKET: Final = 960
PHRASE: Final = 60  # packets
PAUSE: Final = 65
LOUD: Final = 1500  # of 32768
# Where a mouth is in an avatar's picture, as shares of its height and width.
MOUTH: Final = ((0.60, 0.76), (0.36, 0.64))
WITHIN: Final = 1.0  # s in which a phrase must be seen


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be set."""
    parser.add_argument("--phrases", type=int, default=40)


class Voice(MediaStreamTrack):
    """Phrases and pauses; began: when each phrase's first packet was handed over."""

    kind = "audio"

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count, self.at, self.start = count, 0, 0.0
        self.began: list[float] = []
        self.ended = asyncio.Event()

    async def recv(self) -> av.AudioFrame:
        """The next packet, at its time."""
        self.start = self.start or time.monotonic()
        await asyncio.sleep(max(0.0, self.start + self.at * PACKET / RATE - time.monotonic()))
        place = self.at % (PHRASE + PAUSE) - PAUSE
        if place == 0:
            self.began.append(time.monotonic())
            if len(self.began) > self.count:
                self.ended.set()
        sound = vowel(place) if place >= 0 else np.zeros(PACKET, np.int16)
        frame = av.AudioFrame.from_ndarray(sound[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.at * PACKET, Fraction(1, RATE)
        self.at += 1
        return frame


def vowel(packet: int) -> Any:
    """An open "a" of 120 Hz and its formants, interrupted by a closed mouth four times a second."""
    t = (packet * PACKET + np.arange(PACKET)) / RATE
    wave = np.zeros(PACKET)
    for number in range(1, 30):
        f = 120.0 * number
        gain = sum(a * np.exp(-(((f - c) / w) ** 2)) for c, w, a in _FORMANTS)
        wave += gain * np.sin(2 * np.pi * f * t)
    loud = np.where((t * 4) % 1 < 0.75, 1.0, 0.05)
    return (9000 * wave * loud).clip(-32000, 32000).astype(np.int16)


_FORMANTS: Final = ((730, 120, 1.0), (1090, 140, 0.6), (2440, 200, 0.25))


class Watcher:
    """What a player gets: when sound was loud, and how much the mouth moved in each picture."""

    def __init__(self) -> None:
        self.loud: list[float] = []
        self.moved: list[tuple[float, float]] = []
        self._before: Any = None

    async def hear(self, track: MediaStreamTrack) -> None:
        """Until it ends."""
        was = 0.0
        while True:
            frame = await track.recv()
            now = time.monotonic()
            if np.abs(frame.to_ndarray()).max() > LOUD:
                if now - was > 0.5:
                    self.loud.append(now)
                was = now

    async def see(self, track: MediaStreamTrack) -> None:
        """Until it ends."""
        while True:
            frame = await track.recv()
            now = time.monotonic()
            grey = frame.to_ndarray()[: frame.height].astype(np.int16)
            box = grey[_span(MOUTH[0], frame.height), _span(MOUTH[1], frame.width)]
            if self._before is not None:
                self.moved.append((now, float(np.abs(box - self._before).mean())))
            self._before = box


def _span(share: tuple[float, float], size: int) -> slice:
    return slice(int(share[0] * size), int(share[1] * size))


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Speak and watch."""
    hooks.install()
    with tempfile.TemporaryDirectory() as home:
        extra = ("--whep", "on", "--whip", "on", "--max-sessions", "1")
        async with server(Path(home), *extra, log=Path("out/bench/whip.log")) as (address, _):
            return await _measured(address.rstrip("/"), options.phrases)


async def _measured(address: str, count: int) -> dict[str, Any]:
    player, speaker = (RTCPeerConnection(rtc.configuration()) for _ in range(2))
    watcher, voice, tasks = Watcher(), Voice(count), []

    @player.on("track")
    def got(track: MediaStreamTrack) -> None:
        work = watcher.hear if track.kind == "audio" else watcher.see
        tasks.append(asyncio.ensure_future(work(track)))

    for kind in ("audio", "video"):
        player.addTransceiver(kind, direction="recvonly")
    speaker.addTransceiver(voice, direction="sendonly")
    machine = Share()
    async with aiohttp.ClientSession() as http:
        await _joined(http, player, f"{address}/whep/mira")
        await _joined(http, speaker, f"{address}/whip/mira")
        await voice.ended.wait()
    for task in tasks:
        task.cancel()
    await rtc.close(player)
    await rtc.close(speaker)
    return {**_judged(voice.began[1:count], watcher), "machine": machine.so_far()}


async def _joined(http: aiohttp.ClientSession, pc: RTCPeerConnection, url: str) -> None:
    with using(Reach(("127.0.0.1",))):
        await pc.setLocalDescription(await pc.createOffer())
    headers = {"Content-Type": "application/sdp"}
    async with http.post(url, data=pc.localDescription.sdp, headers=headers) as response:
        text = await response.text()
        assert response.status == 201, text
    await pc.setRemoteDescription(RTCSessionDescription(text, "answer"))


def _judged(began: list[float], watcher: Watcher) -> dict[str, Any]:
    """Of phrases that began then: how much later sound and mouth were there."""
    still = [m for at, m in watcher.moved if _is_pause(at, began)]
    threshold = float(np.percentile(still, 99)) if still else 0.0
    sound = [_first(b, watcher.loud) for b in began]
    moves = [at for at, m in watcher.moved if m > threshold]
    mouth = [_first(b, moves) for b in began]
    most = max(still, default=0.0)
    wide = [_first(b, [at for at, m in watcher.moved if m > most]) for b in began]
    return {
        "phrases": len(began),
        "sound_ms": _told(sound),
        "mouth_ms": _told(mouth),
        "mouth_beyond_all_stillness_ms": _told(wide),
        "threshold": round(threshold, 2),
        "still_p50": round(float(np.median(still)), 2) if still else None,
        "moves_p95": round(float(np.percentile([m for _, m in watcher.moved], 95)), 2),
    }


def _is_pause(at: float, began: list[float]) -> bool:
    """Whether the mouth must be at rest: the end of a pause."""
    return any(-0.5 < at - b < 0 for b in began)


def _first(begin: float, times: list[float]) -> float | None:
    return next((t - begin for t in times if 0 < t - begin < WITHIN), None)


def _told(values: list[float | None]) -> dict[str, Any]:
    there = [1000 * v for v in values if v is not None]
    told = {f"p{p}": round(float(np.percentile(there, p))) for p in (5, 50, 95)} if there else {}
    return {**told, "missed": len(values) - len(there)}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    arguments(parser)
    print(json.dumps(uvloop.run(run(parser.parse_args()))), flush=True)


if __name__ == "__main__":
    main()
