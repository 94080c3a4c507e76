"""A visitor who sends what no microphone makes: `python -m support.flood ADDRESS KIND SECONDS`.

In a process of its own, so that what it costs to attack does not count as what it costs to bear it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction

import av
import numpy as np
from aiohttp import ClientSession
from aiortc import MediaStreamTrack, RTCSessionDescription
from aiortc.rtp import RtpPacket
from support.serving import SDP, Viewer

from visavis.server.rtc import hooks

RNG = random.Random(1)
TWENTY = 960
TICKS = 48_000

# (sequence number, RTP time, payload, source or None for the peer's own)
Made = tuple[int, int, bytes, int | None]


class Silent(MediaStreamTrack):
    """A microphone that sends nothing by itself."""

    kind = "audio"

    async def recv(self) -> av.AudioFrame:
        await asyncio.Event().wait()
        raise AssertionError


def opus(milliseconds: int = 20, channels: str = "mono") -> list[bytes]:
    """A second of a humming voice."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.format, codec.layout = TICKS, "s16", channels
    codec.options = {"frame_duration": str(milliseconds)}
    codec.open()
    size, packets = codec.frame_size, []
    for first in range(0, TICKS, size):
        at = np.arange(first, first + size) / TICKS
        wave = (9000 * np.sin(2 * np.pi * 150 * at) * (1 + np.sin(2 * np.pi * 4 * at)) / 2).astype(
            np.int16
        )
        packed = np.repeat(wave, 2) if channels == "stereo" else wave
        frame = av.AudioFrame.from_ndarray(packed[None], "s16", channels)
        frame.sample_rate, frame.pts, frame.time_base = TICKS, first, Fraction(1, TICKS)
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return packets


def stream(
    payload: Callable[[int], bytes], step: int = TWENTY, skip: int = 1, back: int = 0
) -> Iterator[Made]:
    """Packets in order whose RTP time grows by `step`, less `back` at every second one."""
    at = 0
    for n in range(1 << 20):
        at += step
        yield n * skip, at - back * (n % 2), payload(n), None


def with_a_hole(packets: Iterator[Made]) -> Iterator[Made]:
    """The second packet never comes, and all after it are from the future."""
    for number, at, payload, source in packets:
        if number != 1:
            yield number, at + (number > 1) * (1 << 30), payload, source


def twice(packets: Iterator[Made]) -> Iterator[Made]:
    for packet in packets:
        yield from (packet, packet)


def from_everywhere(packets: Iterator[Made]) -> Iterator[Made]:
    for number, at, payload, _ in packets:
        yield number, at, payload, RNG.getrandbits(32)


def attacks() -> dict[str, tuple[int, Iterator[Made]]]:
    """By name: packets a second, and the packets."""
    voice, long, wide = opus(), opus(120), opus(20, "stereo")

    def valid(n: int) -> bytes:
        return voice[n % len(voice)]

    return {
        "speech": (50, stream(valid)),
        "jumps": (60, stream(valid, step=TICKS)),
        "half-jumps": (60, stream(valid, step=TICKS // 2)),
        "losses": (60, stream(valid, step=TICKS // 2, skip=25)),
        "random": (300, stream(lambda n: RNG.randbytes(RNG.randint(1, 1200)))),
        "long": (60, stream(lambda n: long[n % len(long)], step=6 * TWENTY)),
        "tiny": (300, stream(lambda n: bytes([RNG.getrandbits(8)]))),
        "huge": (300, stream(lambda n: voice[0][:1] + RNG.randbytes(1199))),
        "stereo": (100, stream(lambda n: wide[n % len(wide)])),
        "backwards": (100, stream(valid, back=1 << 31)),
        "scattered": (100, stream(valid, skip=5_000)),
        "hole": (500, with_a_hole(stream(valid))),
        "twice": (1000, twice(stream(valid))),
        "sources": (300, from_everywhere(stream(valid))),
        "flood": (1000, stream(valid)),
    }


async def attack(address: str, kind: str, seconds: float) -> int:
    """Begin a session and send; how many packets were sent."""
    hooks.install()
    per_second, packets = attacks()[kind]
    viewer, sent = Viewer(Silent()), 0
    async with ClientSession(address) as client:
        response = await client.post("/v1/sessions", data=await viewer.offer(), headers=SDP)
        answer = await response.text()
        await viewer.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await viewer.wait_for("ready")
        sys.stdout.write("began\n")
        sys.stdout.flush()
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):  # the server is done
            while (passed := time.monotonic() - began) < seconds:
                while sent < passed * per_second:
                    await send(viewer, next(packets))
                    sent += 1
                await asyncio.sleep(0.004)
        await viewer.close()
    return sent


async def send(viewer: Viewer, made: Made) -> None:
    """One packet of sound, encrypted as it should be."""
    sender = viewer.pc.getSenders()[0]
    number, at, payload, source = made
    transceiver = viewer.pc.getTransceivers()[0]
    packet = RtpPacket(
        payload_type=transceiver._codecs[0].payloadType or 96,
        sequence_number=number & 0xFFFF,
        timestamp=at & 0xFFFFFFFF,
    )
    packet.ssrc = sender._ssrc if source is None else source
    packet.payload = payload
    await sender.transport._send_rtp(packet.serialize())


if __name__ == "__main__":
    count = asyncio.run(attack(sys.argv[1], sys.argv[2], float(sys.argv[3])))
    sys.stdout.write(f"{count}\n")
