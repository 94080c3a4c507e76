"""The face of a server somewhere else: its voice over a web socket, and in Pipecat's pipeline."""

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import numpy as np
import pytest
from pipecat.frames.frames import (
    InterruptionFrame,
    OutputImageRawFrame,
    SpeechOutputAudioRawFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.workers.runner import WorkerRunner
from support.doors import house
from support.serving import serving, watching

from visavis.doors.distant import DistantHouse
from visavis.doors.pipecat import VisavisVideoService
from visavis.remote import Refused, RemoteError
from visavis.server.commands.composition import SESSIONS

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TONE = (8000 * np.sin(np.arange(48_000) * 2 * np.pi * 440 / 48_000)).astype(np.int16)


async def ended(socket):
    return json.loads((await socket.receive(5)).data)


async def test_sound_is_spoken_and_each_segment_is_said_to_be_over():
    async with (
        serving() as client,
        watching(client, "?source=voice") as viewer,
        client.ws_connect(f"{viewer.location}/voice?rate=24000") as socket,
    ):
        await socket.send_bytes(TONE[:12_000].tobytes()[:-1])  # half a sample waits
        await socket.send_bytes(TONE[:12_000].tobytes()[-1:])
        await socket.send_str('{"type": "end"}')
        assert await ended(socket) == {
            "type": "segment_ended", "segment": 1, "position": 0.5, "interrupted": False,
        }  # fmt: skip
        for _ in range(5):
            await socket.send_bytes(TONE.tobytes())
        await asyncio.sleep(0.3)
        await socket.send_str('{"type": "clear"}')
        told, cleared = await ended(socket), await ended(socket)
        assert (told["segment"], told["interrupted"]) == (2, True)
        assert cleared["type"] == "cleared"
        assert cleared["at_ms"] > 0
        assert told["position"] < 1
        await socket.send_str("nonsense")
        assert (await ended(socket))["type"] == "error"
        await socket.send_bytes(TONE[:2400].tobytes())
        await socket.send_str('{"type": "end"}')
        assert (await ended(socket))["segment"] == 3


async def test_only_a_session_without_a_voice_takes_one_and_one_at_a_time():
    async with serving() as client:
        async with watching(client) as viewer:
            assert (await client.get(f"{viewer.location}/voice")).status == 409
        async with watching(client, "?source=voice") as viewer:
            address = f"{viewer.location}/voice"
            for rate in ("5", "x", "96000", "9" * 9):
                assert (await client.get(f"{address}?rate={rate}")).status == 400
            async with client.ws_connect(address):
                assert (await client.get(address)).status == 409
            await asyncio.sleep(0.1)
            async with client.ws_connect(address) as socket:
                await client.delete(viewer.location)
                assert (await socket.receive(5)).type in {
                    aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED,
                }  # fmt: skip
        assert (await client.get("/v1/sessions/none/voice")).status == 404


class Sink(FrameProcessor):
    def __init__(self):
        super().__init__()
        self.came = []

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        self.came.append((asyncio.get_running_loop().time(), frame))
        await self.push_frame(frame, direction)

    def loud(self):
        frames = [(at, f) for at, f in self.came if isinstance(f, SpeechOutputAudioRawFrame)]
        return [at for at, f in frames if np.abs(np.frombuffer(f.audio, np.int16)).max() > 2000]


@asynccontextmanager
async def piped(far):
    """(the face, what comes out behind it, the pipeline)."""
    face, sink = VisavisVideoService(far), Sink()
    worker = PipelineWorker(Pipeline([face, sink]), idle_timeout_secs=None)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    try:
        yield face, sink, worker
    finally:
        await worker.cancel()
        await asyncio.wait_for(running, 15)


async def test_a_pipeline_shows_the_face_of_a_server():
    async with (
        house() as server,
        DistantHouse.open(f"http://127.0.0.1:{server.port}") as far,
        piped(far) as (face, sink, worker),
    ):
        assert far.size == (128, 128)
        await worker.queue_frame(TTSAudioRawFrame(TONE[:24_000].tobytes(), 48_000, 1))
        await worker.queue_frame(TTSStoppedFrame())
        async with asyncio.timeout(15):
            while not any(isinstance(frame, TTSStoppedFrame) for _, frame in sink.came):
                await asyncio.sleep(0.02)
        loud = sink.loud()
        assert 0.4 < loud[-1] - loud[0] < 0.6
        stopped = [at for at, frame in sink.came if isinstance(frame, TTSStoppedFrame)]
        assert abs(stopped[0] - loud[-1]) < 0.3
        for _ in range(5):
            await worker.queue_frame(TTSAudioRawFrame(TONE.tobytes(), 48_000, 1))
        before = len(loud)
        async with asyncio.timeout(10):
            while len(sink.loud()) < before + 10:
                await asyncio.sleep(0.02)
        cut = asyncio.get_running_loop().time()
        await worker.queue_frame(InterruptionFrame())
        await asyncio.sleep(1)
        assert sink.loud()[-1] - cut < 0.1
        # Encoders leave out what does not change, as the fake picture does.
        assert sum(isinstance(f, OutputImageRawFrame) for at, f in sink.came if at > cut) > 2
        assert await face.direct("warm")


async def test_a_server_that_goes_is_an_error_of_the_pipeline():
    errors = []
    async with (
        house() as server,
        DistantHouse.open(f"http://127.0.0.1:{server.port}") as far,
        piped(far) as (_face, sink, worker),
    ):

        @worker.event_handler("on_pipeline_error")
        async def failed(_worker, frame):
            errors.append(frame.error)

        async with asyncio.timeout(10):
            while not any(isinstance(frame, OutputImageRawFrame) for _, frame in sink.came):
                await asyncio.sleep(0.02)
        await server.app[SESSIONS].close()
        async with asyncio.timeout(10):
            while not errors:
                await asyncio.sleep(0.02)
        assert "server is gone" in errors[0]


async def test_a_server_that_is_not_there_or_wants_a_token_says_so():
    with pytest.raises(RemoteError):
        async with DistantHouse.open("http://127.0.0.1:9"):
            pass
    async with house(token="a-token-of-this-server") as server:
        with pytest.raises(Refused):
            async with DistantHouse.open(f"http://127.0.0.1:{server.port}", token="wrong"):
                pass
        address = f"http://127.0.0.1:{server.port}"
        async with DistantHouse.open(address, token="a-token-of-this-server") as far:
            assert far.size == (128, 128)
