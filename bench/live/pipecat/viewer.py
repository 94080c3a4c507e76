"""A viewer of a SmallWebRTC bot, in a process of its own: when what arrived, and what it was.

Run by `face.py` with an address and a file, until its standard input is closed. Times are of
time.monotonic(), which all processes of a machine share, and of a packet's arrival: this client's
jitter buffer comes after.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import cv2
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from aiortc.rtcrtpreceiver import RTCRtpReceiver

from bench.live.pipecat.thumbs import thumb


class Seen:
    """arrived: of each RTP time of a kind, from its first one on, when its last packet came."""

    def __init__(self) -> None:
        self.arrived: dict[str, dict[int, float]] = {"audio": {}, "video": {}}
        self.first: dict[str, int] = {}
        self.sound: list[tuple[int, Any]] = []  # (RTP time, samples at 48 kHz)
        self.pictures: list[tuple[int, Any]] = []
        self.told: list[tuple[float, str]] = []

    def watch_packets(self) -> None:
        """Note when packets come, before anything waits for others."""
        handle = RTCRtpReceiver._handle_rtp_packet

        async def noted(receiver: Any, packet: Any, arrival_time_ms: int) -> None:
            kind = receiver._RTCRtpReceiver__kind
            first = self.first.setdefault(kind, packet.timestamp)
            self.arrived[kind][(packet.timestamp - first) & 0xFFFFFFFF] = time.monotonic()
            await handle(receiver, packet, arrival_time_ms)

        RTCRtpReceiver._handle_rtp_packet = noted  # type: ignore[method-assign]

    async def read(self, track: MediaStreamTrack) -> None:
        """Until it ends."""
        keep: Callable[[Any], None] = self._hear if track.kind == "audio" else self._look
        while True:
            try:
                keep(await track.recv())
            except MediaStreamError:
                return

    def _hear(self, frame: Any) -> None:
        samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
        self.sound.append((frame.pts, samples.astype(np.int16)))

    def _look(self, frame: Any) -> None:
        rgb = cv2.cvtColor(frame.to_ndarray(format="yuv420p"), cv2.COLOR_YUV2RGB_I420)
        self.pictures.append((frame.pts, thumb(rgb)))

    def save(self, path: str) -> None:
        """As one .npz."""
        audio, video = self.arrived["audio"], self.arrived["video"]
        np.savez(
            path,
            sound_at=[audio.get(at, 0.0) for at, _ in self.sound],
            sound=np.array([samples for _, samples in self.sound]),
            picture_at=[video.get(at, 0.0) for at, _ in self.pictures],
            pictures=np.array([picture for _, picture in self.pictures]),
            told=np.array([json.dumps(each) for each in self.told]),
        )


async def view(address: str, path: str) -> None:
    """Connect as Pipecat's client does, and look until standard input ends."""
    seen, pc = Seen(), RTCPeerConnection()
    seen.watch_packets()
    readers: list[asyncio.Task[None]] = []
    pc.on("track", lambda track: readers.append(asyncio.create_task(seen.read(track))))
    pc.addTransceiver(AudioStreamTrack(), "sendrecv")  # a microphone that hears nothing
    pc.addTransceiver("video", "sendrecv")
    channel = pc.createDataChannel("chat")
    channel.on("message", lambda text: seen.told.append((time.monotonic(), text)))
    await pc.setLocalDescription(await pc.createOffer())
    offer = {"sdp": pc.localDescription.sdp, "type": "offer"}
    async with aiohttp.ClientSession() as http, http.post(address, json=offer) as response:
        answer = await response.json()
    await pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    while not ended.done():
        await asyncio.wait([ended], timeout=1)
        if channel.readyState == "open":
            channel.send(f"ping: {time.time()}")
    await pc.close()
    await asyncio.gather(*readers, return_exceptions=True)
    seen.save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("file")
    options = parser.parse_args()
    asyncio.run(view(options.address, options.file))
