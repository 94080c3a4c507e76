"""OpenAI's Realtime wire by the official client: from a question's end to the first sound, and from
an interruption to silence. Over a web socket, and over WebRTC.

What is timed is what leaves and reaches the client's process, on this machine's own network.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import fractions
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt
import soxr
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from openai import AsyncOpenAI

from bench.live.chromium import server
from bench.live.questions import QUESTIONS
from bench.live.signals import summary
from bench.machine import Share
from visavis.engines import load

KEY: Final = "sk-a-key-for-a-bench-alone"
RATE: Final = 24_000
PACKET: Final = RATE // 50
LOUD: Final = 500  # of 32768: a sample of speech
SOUND: Final = "response.output_audio.delta"
ASKED: Final = "What can I do when it rains?"

Pcm = npt.NDArray[np.int16]


def spoken(count: int, home: Path) -> list[tuple[str, str, Pcm]]:
    """(question, words of its answer, its sound from the first to the last loud sample)."""
    voice, made = load.tts("joe", home), []
    for text, right in QUESTIONS[:count]:
        pcm = np.concatenate([piece.pcm for piece in voice.synthesize(text)])
        low = soxr.resample(pcm.astype(np.float32), 48_000, RATE).astype(np.int16)
        loud = np.flatnonzero(np.abs(low.astype(int)) > LOUD)
        made.append((text, right, low[loud[0] : loud[-1] + 1]))
    return made


class Client:
    """A connection of the official client, with what it was told and when."""

    def __init__(self, socket: Any) -> None:
        self.socket, self.told = socket, list[tuple[float, Any]]()
        self._news = asyncio.Event()

    async def read(self) -> None:
        async for event in self.socket:
            self.told.append((time.monotonic(), event))
            self._news.set()

    def of(self, kind: str) -> list[tuple[float, Any]]:
        return [each for each in self.told if each[1].type == kind]

    async def until(self, kind: str, within: float = 60.0) -> tuple[float, Any]:
        """The first of this kind."""
        async with asyncio.timeout(within):
            while not (found := self.of(kind)):
                self._news.clear()
                await self._news.wait()
        return found[0]

    async def speak(self, pcm: Pcm, after: float) -> float:
        """In real time, then silence; when the last sound was sent."""
        whole = np.concatenate([pcm, np.zeros(int(RATE * after), np.int16)])
        began, ended = time.monotonic(), 0.0
        for number, start in enumerate(range(0, len(whole), PACKET)):
            await asyncio.sleep(max(0.0, began + number / 50 - time.monotonic()))
            ended = ended or (time.monotonic() if start >= len(pcm) else 0.0)
            data = whole[start : start + PACKET].astype("<i2").tobytes()
            await self.socket.input_audio_buffer.append(audio=base64.b64encode(data).decode())
        return ended

    async def ask(self) -> None:
        """Typed words; returns with the first sound of the answer."""
        content = [{"type": "input_text", "text": ASKED}]
        item = {"type": "message", "role": "user", "content": content}
        await self.socket.conversation.item.create(item=item)
        self.told.clear()
        await self.socket.response.create()
        await self.until(SOUND)


@asynccontextmanager
async def connected(official: AsyncOpenAI) -> AsyncIterator[Client]:
    """A conversation that has begun."""
    async with official.realtime.connect(model="bench") as socket:
        client = Client(socket)
        reading = asyncio.create_task(client.read())
        await client.until("session.created")
        await asyncio.sleep(1.0)
        yield client
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def one(official: AsyncOpenAI, question: tuple[str, str, Pcm], over: Pcm) -> dict[str, Any]:
    """A spoken question, whose answer is cancelled; then a typed one that is spoken over. In ms."""
    _, right, pcm = question
    found: dict[str, Any] = {}
    async with connected(official) as client:
        ended = await client.speak(pcm, 2.0)
        found["first_sound"] = 1000 * ((await client.until(SOUND))[0] - ended)
        stopped = (await client.until("input_audio_buffer.speech_stopped"))[0]
        found["speech_stopped"] = 1000 * (stopped - ended)
        await asyncio.sleep(1.5)
        cancelled = time.monotonic()
        await client.socket.response.cancel()
        found["cancelled"] = 1000 * ((await client.until("response.done"))[0] - cancelled)
        await asyncio.sleep(0.3)
        last = client.of(SOUND)[-1][0]
        found["last_sound_after_cancel"] = max(0.0, 1000 * (last - cancelled))
        said = "".join(e.delta for _, e in client.of("response.output_audio_transcript.delta"))
        found["answered"] = right.lower() in said.lower()
        asked = time.monotonic()
        await client.ask()
        found["typed"] = 1000 * (client.of(SOUND)[0][0] - asked)
        await asyncio.sleep(1.0)
        began = time.monotonic()
        await client.speak(over, 0.3)
        told = client.of("response.done")
        found["spoken_over"] = 1000 * (told[0][0] - began) if told else None
    return found


class Silence(MediaStreamTrack):
    """A microphone that hears nothing."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._at, self._began = 0, time.monotonic()

    async def recv(self) -> av.AudioFrame:
        await asyncio.sleep(max(0.0, self._began + self._at / 48_000 - time.monotonic()))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), "s16", "mono")
        frame.sample_rate, frame.pts = 48_000, self._at
        frame.time_base = fractions.Fraction(1, 48_000)
        self._at += 960
        return frame


class Listened:
    """When each packet came that is not silent. heard: set with the first."""

    def __init__(self, pc: RTCPeerConnection) -> None:
        self.loud, self.heard = list[float](), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        pc.on("track", self._begin)

    def _begin(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self._tasks.append(asyncio.create_task(self._listen(track)))

    async def _listen(self, track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            if np.abs(frame.to_ndarray().astype(int)).max() > LOUD:
                self.loud.append(time.monotonic())
                self.heard.set()

    def close(self) -> None:
        """Listen no more."""
        for task in self._tasks:
            task.cancel()


async def called(official: AsyncOpenAI) -> dict[str, Any]:
    """Over WebRTC: from the cancel to the last packet that is not silent, ms."""
    pc = RTCPeerConnection()
    pc.addTrack(Silence())
    pc.addTransceiver("video", direction="recvonly")
    channel, created = pc.createDataChannel("oai-events"), asyncio.Event()
    channel.on("message", lambda text: created.set())
    listened = Listened(pc)
    try:
        await pc.setLocalDescription(await pc.createOffer())
        answer = await official.realtime.calls.create(sdp=pc.localDescription.sdp)
        await pc.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        await created.wait()
        content = [{"type": "input_text", "text": ASKED}]
        item = {"type": "message", "role": "user", "content": content}
        channel.send(json.dumps({"type": "conversation.item.create", "item": item}))
        channel.send(json.dumps({"type": "response.create"}))
        await listened.heard.wait()
        await asyncio.sleep(1.0)
        cancelled = time.monotonic()
        channel.send(json.dumps({"type": "response.cancel"}))
        await asyncio.sleep(0.8)
        return {"silent_after_cancel": max(0.0, 1000 * (listened.loud[-1] - cancelled))}
    finally:
        listened.close()
        await pc.close()


async def run(questions: int, out: Path) -> dict[str, Any]:
    """All of it, on a server of its own."""
    home = out / "home"
    home.mkdir(parents=True, exist_ok=True)
    made, found, calls = await asyncio.to_thread(spoken, questions, home), [], []
    os.environ.update(VISAVIS_REALTIME_KEY=KEY)
    async with server(home, log=out / "realtime.log") as (address, _):
        share = Share()
        async with AsyncOpenAI(api_key=KEY, base_url=f"{address}v1", max_retries=0) as official:
            for number, question in enumerate(made):
                over = made[(number + 1) % len(made)][2]
                found.append(await one(official, question, over))
                calls.append(await called(official))
        machine = share.so_far()
    kinds = [kind for kind in found[0] if kind != "answered"]
    result = {kind: summary([each[kind] for each in found]) for kind in kinds}
    result["silent_after_cancel"] = summary([each["silent_after_cancel"] for each in calls])
    return {**result, "answered": sum(each["answered"] for each in found), "machine": machine}


def main() -> None:
    """Run alone: python -m bench realtime."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=10, help="how many are asked, 10 at most")
    out = Path("out/bench")
    result = asyncio.run(run(parser.parse_args().questions, out))
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
