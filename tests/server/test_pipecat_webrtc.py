"""The face in a pipeline with Pipecat's own SmallWebRTC transport, and a viewer over WebRTC."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from pipecat.frames.frames import InterruptionFrame, TTSAudioRawFrame, TTSStoppedFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport
from pipecat.workers.runner import WorkerRunner
from support.services import FakeServices

from visavis.doors.pipecat import VisavisVideoService
from visavis.server.embedded.house import House
from visavis.server.system.config import Config

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TONE = (8000 * np.sin(np.arange(48_000) * 2 * np.pi * 440 / 48_000)).astype(np.int16)


class Viewer:
    """loud: when sound came; pictures: how many."""

    def __init__(self):
        self.pc = RTCPeerConnection()
        self.loud, self.pictures, self.size = [], 0, None
        self.readers = []
        self.pc.on("track", lambda t: self.readers.append(asyncio.create_task(self.read(t))))
        self.pc.addTransceiver(AudioStreamTrack(), "sendrecv")
        self.pc.addTransceiver("video", "sendrecv")
        self.channel = self.pc.createDataChannel("chat")

    async def read(self, track):
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if track.kind == "video":
                self.pictures, self.size = self.pictures + 1, (frame.width, frame.height)
            elif np.abs(frame.to_ndarray().astype(int)).max() > 2000:
                self.loud.append(asyncio.get_running_loop().time())

    async def until(self, what):
        async with asyncio.timeout(10):
            while not what():
                await asyncio.sleep(0.01)

    async def close(self):
        await self.pc.close()
        await asyncio.gather(*self.readers, return_exceptions=True)


@asynccontextmanager
async def talking(home):
    """(a viewer, the bot's worker)."""
    viewer, connection = Viewer(), SmallWebRTCConnection()
    await viewer.pc.setLocalDescription(await viewer.pc.createOffer())
    await connection.initialize(viewer.pc.localDescription.sdp, "offer")
    face = VisavisVideoService(home)
    width, height = face.size
    params = TransportParams(
        audio_in_enabled=True, audio_out_enabled=True, audio_out_10ms_chunks=2,
        audio_out_end_silence_secs=0, video_out_enabled=True,
        video_out_width=width, video_out_height=height,
    )  # fmt: skip
    transport = SmallWebRTCTransport(connection, params)
    parts = Pipeline([transport.input(), face, transport.output()])
    worker = PipelineWorker(parts, params=PipelineParams(audio_out_sample_rate=48_000))
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    answer = connection.get_answer()
    await viewer.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    try:
        yield viewer, worker
    finally:
        await worker.cancel()
        await asyncio.wait_for(running, 15)
        await viewer.close()


async def test_a_viewer_sees_a_face_hears_it_and_interrupts_it_in_two_sessions_of_a_process():
    services = FakeServices()
    home = House(Config(avatar="mira", width=128, height=128), services, services.metrics)
    for _session in range(2):
        async with talking(home) as (viewer, worker):
            await viewer.until(lambda viewer=viewer: viewer.pictures > 10)
            assert viewer.size == (128, 128)
            assert not viewer.loud
            for _ in range(8):
                await worker.queue_frame(TTSAudioRawFrame(TONE.tobytes(), 48_000, 1))
            await worker.queue_frame(TTSStoppedFrame())
            await viewer.until(lambda viewer=viewer: len(viewer.loud) > 10)
            await worker.queue_frame(InterruptionFrame())
            cut, seen = asyncio.get_running_loop().time(), viewer.pictures
            await asyncio.sleep(0.6)
            # 0.03 s where nobody else works; the viewer's own buffer holds 80 ms more.
            assert viewer.loud[-1] - cut < 0.3
            await viewer.until(lambda viewer=viewer, seen=seen: viewer.pictures > seen + 3)
    assert services.lent == 0
    services.close()


async def test_a_viewer_that_vanishes_ends_nothing_but_itself():
    services = FakeServices()
    home = House(Config(avatar="mira", width=128, height=128), services, services.metrics)
    async with talking(home) as (viewer, worker):
        await viewer.until(lambda: viewer.pictures > 3)
        await worker.queue_frame(TTSAudioRawFrame(TONE.tobytes(), 48_000, 1))
        await viewer.close()  # in the middle of a word
        await worker.queue_frame(TTSAudioRawFrame(TONE.tobytes(), 48_000, 1))
        await asyncio.sleep(0.3)
    assert services.lent == 0
    async with talking(home) as (viewer, worker):
        await worker.queue_frame(TTSAudioRawFrame(TONE.tobytes(), 48_000, 1))
        await viewer.until(lambda: len(viewer.loud) > 10)
    services.close()
