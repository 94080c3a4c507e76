"""A spoken question by the official client to a real server, with its real ear, mind and voice.

Slow: 60 s.
"""

import asyncio
import base64
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import soxr
from openai import AsyncOpenAI
from support.realtime_client import KEY

from visavis.engines import load

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PACKET = 480  # samples at 24 kHz: 20 ms


@pytest.fixture(scope="module")
def server(warm_home):
    """The address of one that is ready."""
    env = {**os.environ, "VISAVIS_HOME": str(warm_home), "VISAVIS_REALTIME_KEY": KEY}
    run = "from visavis.server.cli import main; raise SystemExit(main())"
    command = [sys.executable, "-c", run, "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            line = b""
            while b"ready" not in line:
                line = process.stdout.readline()
                assert line, "the server ended"
            yield f"http://127.0.0.1:{re.search(rb':([0-9]+)/', line)[1].decode()}/v1"
        finally:
            process.terminate()
            process.wait(20)


def said(text, home):
    """By a voice that is not the avatar's, at 24 kHz, to its last sound."""
    voice = load.tts("joe", home)
    pcm = np.concatenate([piece.pcm for piece in voice.synthesize(text)])
    pcm = soxr.resample(pcm.astype(np.float32), 48_000, 24_000).astype("<i2")
    return pcm[: np.flatnonzero(np.abs(pcm.astype(int)) > 500)[-1] + 1]


class Ear:
    """What a client was told, with the loop's time; and its microphone."""

    def __init__(self, socket):
        self.socket, self.told, self.news = socket, [], asyncio.Event()
        self.loop = asyncio.get_running_loop()

    async def read(self):
        async for event in self.socket:
            self.told.append((self.loop.time(), event))
            self.news.set()

    async def until(self, kind, within=60):
        async with asyncio.timeout(within):
            while not (found := [(t, e) for t, e in self.told if e.type == kind]):
                self.news.clear()
                await self.news.wait()
        return found[-1]

    async def speak(self, pcm, after=2.0):
        """In real time; when the last sound was sent."""
        at, ends = self.loop.time(), 0.0
        whole = np.concatenate([pcm, np.zeros(int(24_000 * after), "<i2")])
        for start in range(0, len(whole), PACKET):
            ends = ends or (self.loop.time() if start >= len(pcm) else 0.0)
            audio = base64.b64encode(whole[start : start + PACKET].tobytes()).decode()
            await self.socket.input_audio_buffer.append(audio=audio)
            at += 0.02
            await asyncio.sleep(max(0, at - self.loop.time()))
        return ends


async def test_a_question_is_understood_and_its_answer_can_be_heard(server, warm_home):
    question = await asyncio.to_thread(said, "Do you have a swimming pool?", warm_home)
    more = await asyncio.to_thread(said, "When do I have to check out?", warm_home)
    async with (
        AsyncOpenAI(api_key=KEY, base_url=server) as client,
        client.realtime.connect(model="gpt-realtime") as socket,
    ):
        ear = Ear(socket)
        reading = asyncio.create_task(ear.read())
        await ear.until("session.created")
        spoke = await ear.speak(question)
        _, done = await ear.until("response.done")
        words = (await ear.until("conversation.item.input_audio_transcription.completed"))[1]
        assert "swimming pool" in words.transcript.lower()
        deltas = [(t, e) for t, e in ear.told if e.type == "response.output_audio.delta"]
        print(f"end of speech to first delta: {1000 * (deltas[0][0] - spoke):.0f} ms")  # noqa: T201
        assert deltas[0][0] - spoke < 3.0
        pcm = np.frombuffer(b"".join(base64.b64decode(e.delta) for _, e in deltas), "<i2")
        heard = soxr.resample(pcm.astype(np.float32), 24_000, 16_000).astype(np.int16)
        stt = await asyncio.to_thread(load.stt, warm_home)
        understood = await asyncio.to_thread(stt.transcribe, heard)
        assert "degrees" in understood.text
        assert done.response.status == "completed"
        # Spoken over: the response is cancelled, the new question answered.
        await socket.conversation.item.create(item={
            "type": "message", "role": "user",
            "content": [{"type": "input_text", "text": "What can I do when it rains?"}],
        })  # fmt: skip
        ear.told.clear()
        await socket.response.create()
        began = (await ear.until("response.output_audio.delta"))[0]
        await asyncio.sleep(0.8)
        assert ear.loop.time() - began > 0.7
        await ear.speak(more)
        await ear.until("input_audio_buffer.speech_started")
        ended = next(e for _, e in ear.told if e.type == "response.done").response
        assert ended.status_details.reason == "turn_detected"
        words = (await ear.until("conversation.item.input_audio_transcription.completed"))[1]
        assert "check out" in words.transcript.lower().replace("-", " ")
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
