"""aiortc with our hooks: sender reports, feedback, threads and buffers while media flows."""

import asyncio
import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import aiortc.rtcrtpreceiver
import aiortc.rtcrtpsender
import av
import numpy as np
import pytest
from aiortc.rtp import (
    RTCP_PSFB_PLI,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSrPacket,
)
from support.rtc_pair import TICKS, Track, connected, sender

from visavis.server.rtc import hooks
from visavis.server.rtc import sender as rtc_sender
from visavis.server.rtc.sender import ntp_time


@pytest.fixture(autouse=True)
def installed():
    hooks.install()


@pytest.fixture
def reports(monkeypatch):
    """Sender reports and first RTP times by kind, as a receiver gets them."""
    seen: dict[str, list] = {"audio": [], "video": [], "first audio": [], "first video": []}
    receiver = aiortc.rtcrtpreceiver.RTCRtpReceiver
    rtcp, rtp = receiver._handle_rtcp_packet, receiver._handle_rtp_packet

    async def handle_rtcp(self, packet):
        if isinstance(packet, RtcpSrPacket):
            seen[self.track.kind].append(packet.sender_info)
        await rtcp(self, packet)

    async def handle_rtp(self, packet, arrival_time_ms):
        seen[f"first {self.track.kind}"].append(packet.timestamp)
        await rtp(self, packet, arrival_time_ms=arrival_time_ms)

    monkeypatch.setattr(receiver, "_handle_rtcp_packet", handle_rtcp)
    monkeypatch.setattr(receiver, "_handle_rtp_packet", handle_rtp)
    return seen


def plays_at(info, first_rtp: int, first_media: float, rate: int) -> float:
    """NTP seconds at which media time 0 plays, as a receiver concludes from one report."""
    elapsed = ((info.rtp_timestamp - first_rtp + (1 << 31)) % (1 << 32) - (1 << 31)) / rate
    return info.ntp_timestamp / 2**32 - elapsed - first_media


async def test_reports_map_both_tracks_to_one_clock_though_one_is_sent_late(reports):
    origin = ntp_time(1_700_000_000.25)
    begin = 480_000  # the session has run for 10 s
    tracks = (
        Track("audio", begin, ntp_origin=origin),
        Track("video", begin + 1920, late=0.2, ntp_origin=origin),
    )
    async with connected(*tracks) as pair:
        await pair.until("video", 12)
        assert len(reports["audio"]) >= 2  # within half a second, not after two
        assert len(reports["video"]) >= 2
    lookahead = 312  # samples that the Opus encoder looks ahead
    for info in reports["audio"]:
        zero = plays_at(info, reports["first audio"][0], (begin - lookahead) / TICKS, TICKS)
        assert zero == pytest.approx(origin / 2**32, abs=1e-4)
    for info in reports["video"]:
        zero = plays_at(info, reports["first video"][0], (begin + 1920) / TICKS, 90_000)
        assert zero == pytest.approx(origin / 2**32, abs=1e-4)


async def test_media_time_may_be_long_and_rtp_time_may_wrap(reports, monkeypatch):
    origin, begin = ntp_time(1_700_000_000), 3 * 86_400 * TICKS
    wrap = itertools.count(-3 * 86_400 * 90_000 - 3 * 3600, 7)  # in the third picture
    monkeypatch.setattr(aiortc.rtcrtpsender, "random32", lambda: next(wrap) % (1 << 32))
    audio = Track("audio", begin, ntp_origin=origin)
    video = Track("video", begin, ntp_origin=origin)
    async with connected(audio, video) as pair:
        await pair.until("video", 10)
    assert reports["first video"][0] > 1 << 31 > reports["video"][-1].rtp_timestamp
    for info in reports["video"]:
        zero = plays_at(info, reports["first video"][0], begin / TICKS, 90_000)
        assert zero == pytest.approx(origin / 2**32, abs=1e-4)


async def test_a_track_without_origin_reports_the_time_of_sending(reports):
    async with connected(), asyncio.timeout(10):
        while not reports["video"]:
            await asyncio.sleep(0.01)
    now = ntp_time(time.time())
    assert all(abs(now - info.ntp_timestamp) < 30 << 32 for info in reports["video"])


async def test_the_round_trip_is_still_measured(reports):
    origin = ntp_time(1_700_000_000)
    async with connected(
        Track("audio", ntp_origin=origin), Track("video", ntp_origin=origin)
    ) as pair:
        await pair.until("audio", 5)
        own = sender(pair, "audio")
        seen = reports["audio"][-1]
        held = 0.010
        await asyncio.sleep(0.04)
        report = RtcpReceiverInfo(
            ssrc=own._ssrc, fraction_lost=0, packets_lost=0, highest_sequence=0, jitter=0,
            lsr=(seen.ntp_timestamp >> 16) & 0xFFFFFFFF, dlsr=int(held * 65536),
        )  # fmt: skip
        await own._handle_rtcp_packet(RtcpRrPacket(ssrc=1, reports=[report]))
        stats = [s for s in (await own.getStats()).values() if s.type == "remote-inbound-rtp"]
        assert 0.02 < stats[0].roundTripTime < 1.0


async def test_a_pli_brings_a_keyframe_and_a_remb_a_bitrate():
    async with connected() as pair:
        await pair.until("video", 10)
        own = sender(pair, "video")
        assert not pair.frames["video"][-1].key_frame
        await own._handle_rtcp_packet(RtcpPsfbPacket(RTCP_PSFB_PLI, 1, own._ssrc))
        await pair.until("video", 30)
        assert sum(frame.key_frame for frame in pair.frames["video"][10:]) == 1
        fci = aiortc.rtp.pack_remb_fci(2_500_000, [own._ssrc])
        await own._handle_rtcp_packet(RtcpPsfbPacket(aiortc.rtp.RTCP_PSFB_APP, 1, 0, fci))
        await pair.until("video", len(pair.frames["video"]) + 3)
        assert own._get("encoder").target_bitrate == pytest.approx(2_500_000, rel=0.01)


async def test_a_blocked_default_executor_does_not_stop_the_pictures():
    gate = threading.Event()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as pool:
        loop.set_default_executor(pool)
        blocked = loop.run_in_executor(None, gate.wait, 20)
        try:
            async with connected() as pair:
                await pair.until("video", 5)
                await pair.until("audio", 5)
        finally:
            gate.set()
            await blocked


def test_audio_level_is_that_of_aiortc():
    rng = np.random.default_rng(3)
    for scale in (0, 1, 50, 3000, 12_000):
        noise = (rng.standard_normal((1, 960)) * scale).clip(-32768, 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(noise, "s16", "mono")
        assert rtc_sender.audio_level(frame) == aiortc.rtp.compute_audio_level_dbov(frame)


async def test_the_receiver_uses_our_buffers_and_decoders():
    async with connected() as pair:
        await pair.until("audio", 2)
        for receiver in pair.client.getReceivers():
            buffer = receiver._RTCRtpReceiver__jitter_buffer
            assert type(buffer).__module__ == "visavis.server.rtc.jitter"


async def test_a_picture_is_shown_before_the_next_one_is_sent():
    slow = Track("video")
    slow.step = TICKS  # one picture a second: without the marker bit it would take one more
    async with connected(Track("audio"), slow) as pair:
        await pair.until("video", 1)
        assert slow.count == 1


async def test_a_sender_without_a_track_waits_for_one():
    async with connected() as pair:
        video = sender(pair, "video")
        track = video.track
        await pair.until("video", 3)
        video.replaceTrack(None)
        await asyncio.sleep(0.1)
        seen = len(pair.frames["video"])
        video.replaceTrack(track)
        await pair.until("video", seen + 5)
