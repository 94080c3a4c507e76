"""Our face in a pipeline of Pipecat, before its own SmallWebRTC transport and a viewer over WebRTC.

    python -m bench.live.pipecat.face [--utterances N] [--interruptions N] [--segments N]
        [--minutes N] [--live] [--distant URL]

From sound that enters the service to the picture that matches it, where it leaves the service and
at the viewer; lips against sound there; from an interruption to silence; segments that come out.
Which picture a viewer has is found by its content among those that were drawn, so all is judged by
what was seen and heard. The voice is joe's, its sound given in real time and then all at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from aiohttp import web
from loguru import logger
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InterruptionFrame,
    OutputImageRawFrame,
    SpeechOutputAudioRawFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport
from pipecat.workers.runner import WorkerRunner

from bench.live.pipecat.judging import Given, Left, judged
from bench.live.pipecat.thumbs import thumb
from bench.live.signals import summary
from bench.machine import Share
from visavis.doors.distant import DistantHouse
from visavis.doors.faces import Faces
from visavis.doors.pipecat import VisavisVideoService
from visavis.engines import load
from visavis.engines.base import Pcm
from visavis.server.embedded.house import House
from visavis.server.system.config_reading import load as settings

RATE: Final = 24_000  # of the sound that is given
CHUNK: Final = RATE // 50
OUT: Final = Path("out/bench/pipecat")
TEXTS: Final = (
    "Breakfast is from seven until ten, in the garden room.",
    "Of course. May I ask for how many people?",
    "The pool is open all day, and towels are beside the door.",
    "My pleasure, have a wonderful evening.",
)


@dataclass
class Bot:
    """A pipeline that runs. left: what left the face; stopped: frames that said that it spoke."""

    worker: PipelineWorker
    left: Left = field(default_factory=Left)
    stopped: list[float] = field(default_factory=list)

    async def say(self, pcm: Pcm, *, paced: bool) -> Given:
        """One segment, and when which of its samples was given."""
        await self.worker.queue_frame(TTSStartedFrame())
        began, given = time.monotonic(), []
        for at in range(0, len(pcm), CHUNK):
            if paced:
                await asyncio.sleep(max(0, began + at / RATE - time.monotonic()))
            given.append(time.monotonic())
            await self.worker.queue_frame(TTSAudioRawFrame(pcm[at : at + CHUNK].tobytes(), RATE, 1))
        await self.worker.queue_frame(TTSStoppedFrame())
        return Given(pcm, RATE, np.array(given), CHUNK)


class Tap(FrameProcessor):
    """Between the face and the transport."""

    def __init__(self, bot: list[Bot]) -> None:
        super().__init__()
        self._bot = bot

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Note it, and pass it on."""
        await super().process_frame(frame, direction)
        now = time.monotonic()
        bot = self._bot[0]
        if isinstance(frame, OutputImageRawFrame):
            rgb = np.frombuffer(frame.image, np.uint8).reshape(frame.size[1], frame.size[0], 3)
            bot.left.pictures.append((frame.pts or 0, now, thumb(rgb)))
        elif isinstance(frame, SpeechOutputAudioRawFrame):
            bot.left.sound.append((frame.pts or 0, now, np.frombuffer(frame.audio, np.int16)))
        elif isinstance(frame, TTSStoppedFrame):
            bot.stopped.append(now)
        await self.push_frame(frame, direction)


@asynccontextmanager
async def bot(house: Faces, connection: SmallWebRTCConnection, *, live: bool) -> AsyncIterator[Bot]:
    """One conversation's pipeline, as docs/doors.md has it."""
    face = VisavisVideoService(house, sync_with_audio=not live)
    width, height = face.size
    transport = SmallWebRTCTransport(
        webrtc_connection=connection,
        params=TransportParams(
            audio_in_enabled=True, audio_out_enabled=True, audio_out_10ms_chunks=2,
            video_out_enabled=True, video_out_is_live=live,
            video_out_width=width, video_out_height=height, video_out_framerate=30,
        ),
    )  # fmt: skip
    known: list[Bot] = []
    parts = [transport.input(), face, Tap(known), transport.output()]
    params = PipelineParams(audio_out_sample_rate=48_000)
    known.append(Bot(PipelineWorker(Pipeline(parts), params=params)))
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(known[0].worker)
    running = asyncio.create_task(runner.run())
    try:
        yield known[0]
    finally:
        await known[0].worker.queue_frame(EndFrame())
        await asyncio.wait([running], timeout=15)


@asynccontextmanager
async def address(connections: asyncio.Queue[SmallWebRTCConnection]) -> AsyncIterator[str]:
    """Where a viewer offers."""

    async def offer(request: web.Request) -> web.Response:
        given = await request.json()
        connection = SmallWebRTCConnection()
        await connection.initialize(sdp=given["sdp"], type=given["type"])
        connections.put_nowait(connection)
        return web.json_response(connection.get_answer())

    app = web.Application()
    app.router.add_post("/api/offer", offer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    yield f"http://127.0.0.1:{port}/api/offer"
    await runner.cleanup()


@asynccontextmanager
async def viewed(house: Faces, name: str, *, live: bool) -> AsyncIterator[tuple[Bot, Path]]:
    """A bot that somebody watches; what they saw is in the file when the block is left."""
    connections: asyncio.Queue[SmallWebRTCConnection] = asyncio.Queue()
    file = OUT / f"{name}.npz"
    async with address(connections) as url:
        viewer = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.live.pipecat.viewer", url, str(file),
            stdin=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with bot(house, await connections.get(), live=live) as talking:
            await asyncio.sleep(3)
            yield talking, file
            assert viewer.stdin is not None
            viewer.stdin.close()
            await asyncio.wait_for(viewer.wait(), 30)


def sentences(voice: str) -> list[Pcm]:
    """Each text as (n,) int16 at RATE."""
    import soxr

    tts = load.tts(voice, Path("out/bench/home"))
    spoken = [np.concatenate([s.pcm for s in tts.synthesize(text)]) for text in TEXTS]
    return [np.asarray(soxr.resample(pcm, 48_000, RATE), np.int16) for pcm in spoken]


async def spoken(house: Faces, texts: list[Pcm], count: int, *, paced: bool, live: bool) -> Any:
    """Utterances, one after the other."""
    name = "paced" if paced else "whole"
    given = []
    async with viewed(house, name, live=live) as (talking, file):
        for number in range(count):
            pcm = texts[number % len(texts)]
            given.append(await talking.say(pcm, paced=paced))
            await asyncio.sleep(1.2 + (0 if paced else len(pcm) / RATE))
    return judged(given, talking.left, file)


async def interrupted(house: Faces, texts: list[Pcm], count: int, *, live: bool) -> Any:
    """ms from an interruption to the last packet at the viewer that is loud."""
    at = []
    async with viewed(house, "interrupted", live=live) as (talking, file):
        for number in range(count):
            await talking.say(texts[number % len(texts)], paced=False)
            await asyncio.sleep(0.9 + 0.05 * (number % 7))
            at.append(time.monotonic())
            await talking.worker.queue_frame(InterruptionFrame())
            await asyncio.sleep(0.8)
    seen = np.load(file)
    loud = seen["sound_at"][np.abs(seen["sound"].astype(int)).max(1) > 300]
    near = [loud[(loud > t - 0.3) & (loud < t + 0.7)] for t in at]
    silent = [
        max(0.0, float(each.max() - t)) * 1000 if len(each) else None
        for each, t in zip(near, at, strict=True)
    ]
    return {"interruption_to_silence_at_viewer_ms": summary(silent)}


async def segments(house: Faces, texts: list[Pcm], count: int, *, live: bool) -> Any:
    """Short segments, all given at once: how many were said to be over, and their sound."""
    async with viewed(house, "segments", live=live) as (talking, file):
        pcm = texts[1][: RATE // 2]
        for _ in range(count):
            await talking.say(pcm, paced=False)
        await asyncio.sleep(count * len(pcm) / RATE + 3)
    came = np.concatenate([samples for _, _, samples in talking.left.sound])
    whole = sum(bool(samples.any()) for _, _, samples in talking.left.sound)
    return {
        "given": count,
        "said_to_be_over": len(talking.stopped),
        "seconds_given": round(count * len(pcm) / RATE, 2),
        "seconds_that_left": round(len(came) / 48_000, 2),
        "loud_packets_that_left": whole,
        "file": str(file),
    }


async def long(house: Faces, texts: list[Pcm], minutes: float, *, live: bool) -> Any:
    """A conversation of so long, a sentence every 15 s: what arrives in each minute."""
    async with viewed(house, "long", live=live) as (talking, file):
        began = time.monotonic()
        while (at := time.monotonic() - began) < 60 * minutes:
            await talking.say(texts[int(at) % len(texts)], paced=False)
            await asyncio.sleep(15)
    seen = np.load(file)
    whole = range(int(minutes))
    minute = (seen["picture_at"] - began) // 60
    loud = np.abs(seen["sound"].astype(int)).max(1) > 300
    spoken_in = (seen["sound_at"][loud] - began) // 60
    return {
        "minutes": minutes,
        "pictures_a_minute": [int((minute == each).sum()) for each in whole],
        "seconds_of_speech_a_minute": [round((spoken_in == e).sum() / 50, 1) for e in whole],
    }


def faces(url: str) -> AbstractAsyncContextManager[Faces]:
    """In this process, or of the server there."""
    if url:
        return DistantHouse.open(url)
    return House.open(settings({"avatar": "mira", "home": "out/bench/home"}))


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """All of it, in one process."""
    OUT.mkdir(parents=True, exist_ok=True)
    texts, machine, live = sentences("joe"), Share(), options.live
    result: dict[str, Any] = {"live": live}
    began = time.monotonic()
    async with faces(options.distant) as house:
        result["opened_in_s"] = round(time.monotonic() - began, 2)
        if options.utterances:
            for paced in (True, False):
                name = "in_real_time" if paced else "at_once"
                count = options.utterances
                result[name] = await spoken(house, texts, count, paced=paced, live=live)
        if options.interruptions:
            count = options.interruptions
            result["interruptions"] = await interrupted(house, texts, count, live=live)
        if options.segments:
            result["segments"] = await segments(house, texts, options.segments, live=live)
        if options.minutes:
            result["long"] = await long(house, texts, options.minutes, live=live)
    return {**result, "machine": machine.so_far()}


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=int, default=8)
    parser.add_argument("--interruptions", type=int, default=10)
    parser.add_argument("--segments", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=0, help="of one more conversation")
    parser.add_argument("--distant", default="", help="address of a server that has the face")
    parser.add_argument("--live", action="store_true", help="a transport whose pictures are live")
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    print(json.dumps(asyncio.run(run(parser.parse_args())), indent=2))


if __name__ == "__main__":
    main()
