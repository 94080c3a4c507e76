"""Viewers that count packets and do not decode, all in this process; prints JSON.

    python -m bench.live.viewers --address http://127.0.0.1:8765/ --count 4 --seconds 30

Each does what a browser does on the wire: ICE, DTLS, SRTP with authentication, receiver reports,
transport-wide feedback ten times a second, what was lost asked for again, a keyframe where that
did not help, a data channel through which its avatar is kept talking. Packets are taken where the
socket hands them over, so that a viewer costs little; what it costs is in the result.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import struct
import sys
import time
from pathlib import Path
from typing import Any, Final

import aiohttp
import aioice.ice
import aiortc.rtcpeerconnection
import numpy as np
import pylibsrtp
import uvloop
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.codecs import CODECS, HEADER_EXTENSIONS, depayload, is_rtx
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpHeaderExtensionParameters
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, RtcpRrPacket, RtcpRtpfbPacket, RtcpSrPacket
from aiortc.rtp import is_rtcp as rtcp

from bench.live.link import Proxy
from bench.live.microphone import Microphone
from bench.live.stream import TRANSPORT_CC, Feedback, Stream, skews
from bench.net import CASES
from visavis.remote.errors import Full
from visavis.remote.messages import SayText, encode
from visavis.remote.offering import Target, offered

_URGENT: Final = 4  # above the server's media: a viewer is another machine, and does not wait
_FEEDBACK: Final = 0.1  # s
_APART: Final = 0.25  # s from one viewer's offer to the next
_SPEED: Final = 16.0  # characters that a voice says in a second
_SILENT: Final = 12.0  # s after which an avatar that does not end is told to say the next thing


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be set."""
    parser.add_argument("--address", required=True)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30.0, help="that are measured")
    parser.add_argument("--warm-up", type=float, default=6.0)
    parser.add_argument("--codec", choices=("H264", "VP8"), default="H264")
    parser.add_argument("--microphone", choices=("off", "silence", "room"), default="off")
    parser.add_argument("--speaking", type=int, default=0, help="so many ask something aloud")
    parser.add_argument("--link", choices=tuple(CASES), help="a bad one, of bench.net")
    parser.add_argument("--quiet", action="store_true", help="avatars are not told to talk")
    parser.add_argument("--whep", metavar="AVATAR", help="all are players of this one, by WHEP")
    parser.add_argument("--token-file", type=Path, help="file that holds the server's token")
    parser.add_argument("--keep", type=Path, help="the first viewer's pictures, H.264 of Annex B")


def _like_a_browser() -> None:
    """aiortc offers transport-wide feedback, and leaves the receiving to us."""
    names = vars(aiortc.rtcpeerconnection)
    feedback = RTCRtcpFeedback(type="transport-cc")
    for codec in CODECS["video"]:
        if not is_rtx(codec):
            codec.rtcpFeedback.append(feedback)
    HEADER_EXTENSIONS["video"].append(RTCRtpHeaderExtensionParameters(id=4, uri=TRANSPORT_CC))
    names["CODECS"], names["HEADER_EXTENSIONS"] = CODECS, HEADER_EXTENSIONS

    async def receive(self: RTCRtpReceiver, parameters: Any) -> None:
        """Nothing: see Viewer.take."""

    RTCRtpReceiver.receive = receive  # type: ignore[method-assign]
    plain = aioice.ice.Connection.data_received

    def data_received(self: Any, data: bytes, component: int) -> None:
        viewer = self.__dict__.get("viewer")
        if viewer is None or not 127 < data[0] < 192:
            plain(self, data, component)
        else:
            viewer.take(data)

    aioice.ice.Connection.data_received = data_received  # type: ignore[method-assign]


class Viewer:
    """One peer of the server."""

    def __init__(self, number: int, options: argparse.Namespace, texts: list[str]) -> None:
        self.number, self._options = number, options
        self.streams = {"audio": Stream("audio"), "video": Stream("video")}
        self.refused: tuple[int, float | None] | None = None  # status, Retry-After in s
        self.connected, self.retransmitted, self.asked = asyncio.Event(), 0, [0, 0]  # NACK, PLI
        self.events: dict[str, int] = {}
        self._texts, self._said = texts, 0
        self._spoken_at = 0.0
        self._pc = RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        self._payloads: dict[int, tuple[str, str]] = {}  # payload type -> kind, codec
        self._numbers = 0  # id of the transport-wide number's header extension
        self._feedback = Feedback()
        self._tasks: list[asyncio.Task[None]] = []
        self._kept = options.keep.open("wb") if options.keep and not number else None
        self._proxy = Proxy(CASES[options.link], 15.0) if options.link else None
        self._ssrc = random.getrandbits(32)

    async def connect(self, http: aiohttp.ClientSession) -> None:
        """Offer, and be connected, or told why not."""
        pc = self._pc
        speaks = self.number < self._options.speaking
        microphone = Microphone("voice" if speaks else self._options.microphone)
        if self._options.microphone == "off" and not speaks:
            pc.addTransceiver("audio", "recvonly")
        else:
            pc.addTrack(microphone)
        pc.addTransceiver("video", "recvonly")
        self._prefer()
        channel = pc.createDataChannel("visavis")
        channel.on("message", lambda text: self._heard(channel, text))
        await pc.setLocalDescription(await pc.createOffer())
        offer = pc.localDescription.sdp
        if self._proxy is not None:
            offer = "".join(
                line for line in offer.splitlines(keepends=True)
                if not line.startswith("a=candidate")
            )  # fmt: skip
        try:
            answer = await self._answered(http, offer)
        except Full as error:
            self.refused = error.status, error.retry_after
            return
        if self._proxy is not None:
            answer = await self._proxy.stand_between(answer)
        self._read(answer)
        dtls = pc.getTransceivers()[0].receiver.transport
        self._dtls = dtls
        await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        secured = asyncio.Event()
        dtls.on("statechange", lambda: dtls.state == "connected" and secured.set())
        async with asyncio.timeout(15):
            while dtls.state != "connected":
                await secured.wait()
        dtls.transport._connection.viewer = self
        self.connected.set()
        self._tasks = [asyncio.create_task(self._report()), asyncio.create_task(self._tell())]
        if not self._options.quiet and not self._options.whep:
            self._tasks.append(asyncio.create_task(self._urge(channel)))
        elif not self._options.quiet and not self.number:
            self._tasks.append(asyncio.create_task(self._command(http)))

    def _prefer(self) -> None:
        for transceiver in self._pc.getTransceivers():
            if transceiver.kind == "video":
                known = aiortc.RTCRtpReceiver.getCapabilities("video").codecs
                name = f"video/{self._options.codec}"
                wanted = [c for c in known if c.mimeType == name]
                rtx = [c for c in known if c.mimeType == "video/rtx"]
                transceiver.setCodecPreferences(wanted + rtx)

    def _read(self, answer: str) -> None:
        kind = ""
        for line in answer.splitlines():
            if line.startswith("m="):
                kind = line[2:].split()[0]
            elif found := re.match(r"a=rtpmap:(\d+) (\w+)/", line):
                self._payloads[int(found[1])] = kind, found[2]
            elif TRANSPORT_CC in line and kind == "video":
                self._numbers = int(re.findall(r"extmap:(\d+)", line)[0])

    # --- what comes -------------------------------------------------------------------------------

    def take(self, data: bytes) -> None:
        """SRTP or SRTCP, as the socket hands it over."""
        now = time.time()
        try:
            if rtcp(data):
                self._reports(self._dtls._rx_srtp.unprotect_rtcp(data), now)
            else:
                self._packet(self._dtls._rx_srtp.unprotect(data), now)
        except (pylibsrtp.Error, ValueError):
            self.events["unreadable"] = self.events.get("unreadable", 0) + 1

    def _packet(self, data: bytes, now: float) -> None:
        first, second, sequence, at, ssrc = struct.unpack_from("!BBHLL", data)
        kind, codec = self._payloads.get(second & 0x7F, ("", ""))
        if not kind:
            return
        place = 12 + 4 * (first & 15)
        if first & 0x10:
            end = place + 4 + 4 * struct.unpack_from("!H", data, place + 2)[0]
            if kind == "video":
                self._number(data, place + 4, end, now)
            place = end
        payload = data[place : len(data) - data[-1]] if first & 0x20 else data[place:]
        stream = self.streams[kind]
        if codec == "rtx":
            self.retransmitted += 1
            if len(payload) > 2:
                stream.missing.pop(struct.unpack_from("!H", payload)[0], None)
            return
        stream.ssrc = ssrc
        for lost in stream.take(sequence, at, now, payload, codec):
            stream.missing[lost] = 0.0, 0
        if self._kept is not None and kind == "video":
            self._kept.write(depayload(_H264, payload))

    def _number(self, data: bytes, place: int, end: int, now: float) -> None:
        while place < end:
            head = data[place]
            if head >> 4 == self._numbers and self._numbers:
                self._feedback.take(struct.unpack_from("!H", data, place + 1)[0], now)
                return
            place += (head & 15) + 2 if head else 1

    def _reports(self, data: bytes, now: float) -> None:
        for packet in RtcpPacket.parse(data):
            if isinstance(packet, RtcpSrPacket):
                for stream in self.streams.values():
                    if stream.ssrc == packet.ssrc:
                        stream.heard(packet.sender_info, now)

    # --- what it tells ----------------------------------------------------------------------------

    async def _tell(self) -> None:
        """Feedback, and what is asked for again."""
        while True:
            await asyncio.sleep(_FEEDBACK)
            now, face = time.time(), self.streams["video"]
            with contextlib.suppress(ConnectionError):
                if feedback := self._feedback.packet(self._ssrc, face.ssrc):
                    await self._dtls._send_rtp(feedback)
                again, is_lost = face.wanted(now)
                if again:
                    self.asked[0] += len(again)
                    nack = RtcpRtpfbPacket(1, self._ssrc, face.ssrc, again)
                    await self._dtls._send_rtp(bytes(nack))
                if is_lost:
                    self.asked[1] += 1
                    await self._dtls._send_rtp(bytes(RtcpPsfbPacket(1, self._ssrc, face.ssrc)))

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(0.5 + random.random())
            now = time.time()
            found = [s.report(now) for s in self.streams.values()]
            reports = [r for r in found if r is not None]
            if reports:
                with contextlib.suppress(ConnectionError):
                    await self._dtls._send_rtp(bytes(RtcpRrPacket(self._ssrc, reports)))

    def _heard(self, channel: Any, text: str) -> None:
        message = json.loads(text)
        kind = message["type"]
        self.events[kind] = self.events.get(kind, 0) + 1
        if self._options.quiet:
            return
        if kind == "ready" or kind == "reply_ended":
            self._say(channel)
        elif kind == "caption":
            self._spoken_at = time.time()

    def _say(self, channel: Any) -> None:
        self._spoken_at = time.time()
        text = self._texts[(self.number * 7 + self._said) % len(self._texts)]
        self._said += 1
        channel.send(encode(SayText(text)))

    async def _answered(self, http: aiohttp.ClientSession, offer: str) -> str:
        """Raises Full."""
        if not self._options.whep:
            file = self._options.token_file
            token = await asyncio.to_thread(file.read_text) if file else ""
            return (await offered(http, Target(self._options.address, token.strip()), offer)).sdp
        url = f"{self._options.address}whep/{self._options.whep}"
        headers = {"Content-Type": "application/sdp"}
        async with http.post(url, data=offer, headers=headers) as response:
            response.raise_for_status()
            return await response.text()

    async def _command(self, http: aiohttp.ClientSession) -> None:
        """An operator has the shared avatar talk on."""
        url = f"{self._options.address}v1/sessions/whep-{self._options.whep}/say"
        while True:
            text = self._texts[self._said % len(self._texts)]
            self._said += 1
            await (await http.post(url, json={"text": text})).read()
            await asyncio.sleep(len(text) / _SPEED)

    async def _urge(self, channel: Any) -> None:
        """An avatar that has lost its reply must not be silent for good."""
        while True:
            await asyncio.sleep(1.0)
            if channel.readyState == "open" and time.time() - self._spoken_at > _SILENT:
                self._say(channel)

    async def close(self) -> None:
        """Leave."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._pc.close()
        if self._proxy is not None:
            self._proxy.close()
        if self._kept is not None:
            self._kept.close()

    def summary(self, since: float, until: float) -> dict[str, Any]:
        """What it saw and heard."""
        found: dict[str, Any] = {k: s.summary(since, until) for k, s in self.streams.items()}
        face = self.streams["video"]
        found["keyframes"], found["asked"] = face.keyframes, self.asked
        found["retransmitted"], found["messages"] = self.retransmitted, self.events
        spent = sum(s.bytes for s in self.streams.values())
        found["kbit_s_since_it_came"] = round(spent * 8 / 1000 / max(1e-3, until - self._since))
        skew = 1000 * skews(self.streams["audio"], face, since, until)
        found["skew_ms"] = percentiles(skew)
        if self._proxy is not None:
            link = self._proxy.report()
            found["link"] = {
                "dropped": link["to_the_page"]["dropped_by_the_queue"],
                "passed_kbit_s": link["to_the_page"]["passed_kbit_s"],
            }
        return found

    @property
    def _since(self) -> float:
        return self.streams["audio"].came[0] if self.streams["audio"].came else 0.0


_H264: Final = next(c for c in CODECS["video"] if c.mimeType == "video/H264")


def percentiles(values: Any) -> dict[str, float]:
    """p1 to p99, and the share within +-40."""
    if not len(values):
        return {}
    found = {f"p{p}": round(float(np.percentile(values, p)), 1) for p in (1, 5, 50, 95, 99)}
    found["p95_of_the_amount"] = round(float(np.percentile(np.abs(values), 95)), 1)
    found["share_within_40"] = round(float(np.mean(np.abs(values) <= 40)), 4)
    return found


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """All of them. Says `begin` and `end` on a line each when the measurement does."""
    _like_a_browser()
    is_urgent = _go_first()
    texts = Path(__file__).with_name("talk.txt").read_text().strip().split("\n")
    viewers = [Viewer(n, options, texts) for n in range(options.count)]
    async with aiohttp.ClientSession() as http:
        coming = []
        for viewer in viewers:
            coming.append(asyncio.create_task(viewer.connect(http)))
            await asyncio.sleep(_APART)
        await asyncio.gather(*coming)
        live = [viewer for viewer in viewers if viewer.connected.is_set()]
        await asyncio.sleep(options.warm_up)
        for viewer in live:
            if viewer._proxy is not None:
                viewer._proxy.begin()
        since, spent = time.time(), time.process_time()
        print("begin", flush=True)
        await asyncio.sleep(options.seconds)
        until, spent = time.time(), time.process_time() - spent
        print("end", flush=True)
        input_ = await asyncio.to_thread(sys.stdin.readline)  # the parent has looked at the server
        del input_
        result = [viewer.summary(since, until) for viewer in live]
        every = np.concatenate(
            [1000 * skews(v.streams["audio"], v.streams["video"], since, until) for v in live]
            or [np.zeros(0)]
        )
        await asyncio.gather(*(viewer.close() for viewer in viewers))
    return {
        "offered": options.count,
        "connected": len(live),
        "refused": [viewer.refused for viewer in viewers if viewer.refused],
        "processor_ms_a_session_second": round(
            1000 * spent / (until - since) / max(1, len(live)), 1
        ),
        "scheduled_in_real_time": is_urgent,
        "skew_ms": percentiles(every),
        "viewers": result,
    }


def _go_first() -> bool:
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_URGENT))
        return True
    return False


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    arguments(parser)
    print(json.dumps(uvloop.run(run(parser.parse_args()))), flush=True)


if __name__ == "__main__":
    main()
