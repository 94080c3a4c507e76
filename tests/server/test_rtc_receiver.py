"""The receiver: what of a peer's media is taken, and that nothing of it ends the receiving."""

import asyncio
import queue
import threading
import time

import aiortc.rtcrtpreceiver
import pytest
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket
from support.flood import opus
from support.pace import soon
from support.rtc_pair import Track, connected

from visavis.server.rtc import connection as rtc
from visavis.server.rtc import hooks, jitter, receiver
from visavis.server.rtc.receiver import BoundedReceiver, of_track

OPUS = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48_000, channels=2, payloadType=96)
PCMU = RTCRtpCodecParameters(mimeType="audio/PCMU", clockRate=8_000, channels=1, payloadType=0)


@pytest.fixture(autouse=True)
def installed():
    hooks.install()


def decoded(*runs):
    """What the thread of a receiver makes of these."""
    loop, frames, failed = asyncio.get_running_loop(), asyncio.Queue(), threading.Event()
    given = queue.Queue()
    for run in (*runs, None):
        given.put(run)
    thread = threading.Thread(target=receiver.decode, args=(loop, given, frames, failed))
    thread.start()
    return thread, frames, failed


async def until_ended(frames):
    got = []
    async with asyncio.timeout(5):
        while (frame := await frames.get()) is not None:
            got.append(frame)
    return got


async def test_the_thread_survives_whatever_a_packet_does(monkeypatch, caplog):
    made, voice = jitter.decoder(OPUS), opus()

    class Odd:
        def decode(self, encoded):
            if encoded.timestamp == 960:
                raise MemoryError("what the visitor said")
            return made.decode(encoded)

    monkeypatch.setattr(aiortc.rtcrtpreceiver, "get_decoder", lambda codec: Odd())
    runs = [(OPUS, JitterFrame(voice[n], n * 960)) for n in range(3)]
    thread, frames, failed = decoded(*runs)
    assert [frame.pts for frame in await until_ended(frames)] == [0, 1920]
    assert failed.is_set()
    assert not caplog.records
    thread.join()


async def test_another_codec_gets_another_decoder():
    runs = [(OPUS, JitterFrame(opus()[0], 0)), (PCMU, JitterFrame(bytes(160), 960))]
    thread, frames, _ = decoded(*runs)
    assert [frame.samples for frame in await until_ended(frames)] == [960, 160]
    thread.join()


async def test_frames_that_nobody_reads_are_bounded():
    voice = opus()
    runs = [(OPUS, JitterFrame(voice[n % 50], n * 960)) for n in range(2 * receiver._UNHEARD)]
    thread, frames, _ = decoded(*runs)
    async with asyncio.timeout(5):
        while thread.is_alive():
            await asyncio.sleep(0.01)
    await asyncio.sleep(0)
    assert frames.qsize() == receiver._UNHEARD + 1  # and the end
    thread.join()


async def test_a_loop_that_is_closed_ends_the_thread():
    loop = asyncio.new_event_loop()
    loop.close()
    given = queue.Queue()
    given.put(None)
    receiver.decode(loop, given, asyncio.Queue(), threading.Event())


def test_sound_is_decoded_where_it_comes():
    frames, failed = asyncio.Queue(), threading.Event()
    here = receiver.DecodedHere(frames, failed)
    receiver.decode(None, here, frames, failed)  # its thread has nothing to do
    voice = opus()
    for run in [(OPUS, JitterFrame(voice[n], n * 960)) for n in range(2)]:
        here.put(run)
    here.put((PCMU, JitterFrame(bytes(160), 1920)))
    assert [frames.get_nowait().samples for _ in range(frames.qsize())] == [960, 960, 160]
    for n in range(2 * receiver._UNHEARD):
        here.put((OPUS, JitterFrame(voice[n % 50], n * 960)))
    assert frames.qsize() == receiver._UNHEARD
    here.put(None)
    assert frames.qsize() == receiver._UNHEARD + 1  # and the end
    assert not failed.is_set()


def test_what_cannot_be_decoded_where_it_comes_is_lost_alone(monkeypatch, caplog):
    class Odd:
        def decode(self, encoded):
            raise MemoryError("what the visitor said")

    monkeypatch.setattr(aiortc.rtcrtpreceiver, "get_decoder", lambda codec: Odd())
    frames, failed = asyncio.Queue(), threading.Event()
    receiver.DecodedHere(frames, failed).put((OPUS, JitterFrame(opus()[0], 0)))
    assert failed.is_set()
    assert frames.empty()
    assert not caplog.records


def sound_receiver(pair) -> BoundedReceiver:
    return next(r for r in pair.client.getReceivers() if r.track.kind == "audio")


async def test_few_sources_are_taken_and_the_others_forgotten():
    async with connected() as pair:
        await pair.until("audio", 5)
        taking, told = sound_receiver(pair), []
        taking.refused = lambda samples, packets: told.append(packets)
        router = taking.transport._rtp_router
        before = len(router.ssrc_table)
        for source in range(1, 101):
            packet = RtpPacket(payload_type=96, sequence_number=source, timestamp=0)
            packet.ssrc, packet.payload = source, b"\x78"
            router.ssrc_table[source] = taking
            await taking._handle_rtp_packet(packet, arrival_time_ms=0)
        assert len(router.ssrc_table) - before < receiver._SOURCES
        assert sum(told) == 100 - (receiver._SOURCES - 1)
        assert len(taking._get("remote_streams")) == receiver._SOURCES
        before = len(pair.frames["audio"])
        await pair.until("audio", before + 5)  # and who spoke before is still heard


async def test_packets_are_taken_so_many_a_second():
    async with connected() as pair:
        await pair.until("audio", 5)
        taking, told = sound_receiver(pair), []
        taking.refused = lambda samples, packets: told.append((samples, packets))
        source, began = next(iter(taking._sources)), time.monotonic()
        for n in range(1000):
            packet = RtpPacket(payload_type=96, sequence_number=n, timestamp=n * 960)
            packet.ssrc, packet.payload = source, opus()[0] if n == 0 else packet.payload or b"\x78"
            await taking._handle_rtp_packet(packet, arrival_time_ms=0)
        passed = time.monotonic() - began
        taken = 1000 - sum(packets for _, packets in told)
        assert receiver._BURST - 20 <= taken <= receiver._BURST + receiver._PACKETS * passed + 1
        assert taking.track._queue.qsize() <= receiver._UNHEARD


async def test_a_report_that_cannot_be_written_does_not_hold_up_the_end(monkeypatch, caplog):
    async def unwritable(self, packet):
        raise ValueError("what the visitor said")

    async with connected() as pair:
        await pair.until("audio", 5)
        monkeypatch.setattr(BoundedReceiver, "_send_rtcp", unwritable)
        await asyncio.sleep(1.6)
        began = time.monotonic()
        await rtc.close(pair.client)
        assert soon(time.monotonic() - began, 1)
    assert "receiver reports ended" in caplog.text
    assert "visitor" not in caplog.text


async def test_who_receives_a_track_is_known():
    async with connected() as pair:
        await pair.until("audio", 1)
        taking = sound_receiver(pair)
        assert of_track(pair.client, taking.track) is taking
        assert of_track(pair.client, Track("audio")) is None


def test_libopus_says_nothing_in_the_log(caplog):
    codec = jitter.decoder(OPUS)
    for head in range(256):
        codec.decode(JitterFrame(bytes([head]) * 40, 0))
    assert not caplog.records
