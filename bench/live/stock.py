"""aiortc as it comes, sending a clip that was made before: what a session's price is set beside.

    python -m bench.live.stock --clip FILE.mp4 --mode vp8

No name of aiortc is replaced, and the event loop is asyncio's own. `vp8` and `h264` hand decoded
pictures and sound to aiortc's own encoders with their default settings; `encoded` hands over
packets of H.264 and Opus, made once: the least that can be sent at all.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from aiohttp import web
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

FPS, RATE, PACKET = 25, 48_000, 960
_VIDEO: Final = Fraction(1, 90_000)
_AUDIO: Final = Fraction(1, RATE)
_BITS: Final = 1_000_000  # a second, of the clip that is encoded once


class Clip:
    """Pictures and 20 ms pieces of sound of a file, in memory; or their packets."""

    def __init__(self, path: Path, encoded: bool) -> None:
        sounds: list[Any] = []
        with av.open(str(path)) as file:
            frames = (frame.reformat(format="yuv420p") for frame in file.decode(video=0))
            pictures = [frame.to_ndarray() for frame in frames]
        with av.open(str(path)) as file:
            resampler = av.AudioResampler("s16", "mono", RATE, PACKET)
            for heard in file.decode(audio=0):
                sounds += [piece.to_ndarray() for piece in resampler.resample(heard)]
        whole = min(len(pictures) // FPS, len(sounds) * PACKET // RATE)
        self.seconds = whole
        self.pictures: list[Any] = pictures[: whole * FPS]
        self.sounds: list[Any] = sounds[: whole * RATE // PACKET]
        if encoded:
            self.pictures, self.sounds = self._h264(), self._opus()

    def picture(self, number: int) -> Any:
        """A frame, or a packet."""
        each = self.pictures[number % len(self.pictures)]
        made: Any
        if isinstance(each, bytes):
            made = av.Packet(each)
        else:
            made = av.VideoFrame.from_ndarray(each, format="yuv420p")
        made.pts, made.time_base = number * 90_000 // FPS, _VIDEO
        return made

    def sound(self, number: int) -> Any:
        """The same of 20 ms of sound."""
        each = self.sounds[number % len(self.sounds)]
        made: Any
        if isinstance(each, bytes):
            made = av.Packet(each)
        else:
            made = av.AudioFrame.from_ndarray(each, format="s16", layout="mono")
            made.sample_rate = RATE
        made.pts, made.time_base = number * PACKET, _AUDIO
        return made

    def _h264(self) -> list[Any]:
        height, width = self.pictures[0].shape[0] * 2 // 3, self.pictures[0].shape[1]
        codec: Any = av.CodecContext.create("libx264", "w")
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        codec.bit_rate, codec.framerate, codec.time_base = _BITS, Fraction(FPS), Fraction(1, FPS)
        codec.profile = "Baseline"
        codec.options = {"tune": "zerolatency", "level": "3.1", "x264-params": "keyint=infinite"}
        made = []
        for number, each in enumerate(self.pictures):
            frame = av.VideoFrame.from_ndarray(each, format="yuv420p")
            frame.pts = number
            made.append(b"".join(bytes(packet) for packet in codec.encode(frame)))
        return made

    def _opus(self) -> list[Any]:
        codec: Any = av.CodecContext.create("libopus", "w")
        codec.sample_rate, codec.format, codec.layout = RATE, "s16", "mono"
        codec.bit_rate = 48_000
        made = []
        for number, each in enumerate(self.sounds):
            frame = av.AudioFrame.from_ndarray(each, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, number * PACKET, _AUDIO
            made += [bytes(packet) for packet in codec.encode(frame)]
        return made


class ClipTrack(MediaStreamTrack):
    """One track of a clip, for ever."""

    def __init__(self, clip: Clip, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self._make = clip.picture if kind == "video" else clip.sound
        self._step = 1 / FPS if kind == "video" else PACKET / RATE
        self._count, self._began = 0, 0.0

    async def recv(self) -> Any:
        """The next one, at its time."""
        self._began = self._began or time.monotonic()
        wait = self._began + self._count * self._step - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        self._count += 1
        return self._make(self._count - 1)


async def serve(clip: Clip) -> None:
    """Say the address once it can be called; until the input ends."""
    peers: set[RTCPeerConnection] = set()

    async def offer(request: web.Request) -> web.Response:
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        peers.add(pc)
        for kind in ("audio", "video"):
            pc.addTrack(ClipTrack(clip, kind))
        await pc.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
        await pc.setLocalDescription(await pc.createAnswer())
        return web.Response(
            status=201, text=pc.localDescription.sdp, headers={"Location": f"/{len(peers)}"}
        )

    app = web.Application()
    app.router.add_post("/v1/sessions", offer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    print(f"ready: open http://127.0.0.1:{port}/", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await asyncio.gather(*(pc.close() for pc in peers))
    await runner.cleanup()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path, required=True)
    parser.add_argument("--mode", choices=("vp8", "h264", "encoded"), required=True)
    options = parser.parse_args()
    asyncio.run(serve(Clip(options.clip, options.mode == "encoded")))


if __name__ == "__main__":
    main()
