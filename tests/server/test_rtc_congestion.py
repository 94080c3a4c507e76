"""What is done about a thin link: estimate, budget of retransmissions, ladder, pacer, voice."""

import asyncio
import struct
from collections import deque
from itertools import pairwise

import aiortc.rtcrtpreceiver
import aiortc.rtp
import numpy as np
import pytest
from aiortc.rtp import RTCP_PSFB_APP, RTCP_RTPFB, RtcpPacket, RtcpPsfbPacket, RtcpRtpfbPacket
from support.rtc_pair import Pair, Track, sender
from support.throttle import Noisy, Throttle
from support.virtual_time import virtual_time

from visavis.server.rtc import estimate as rtc_estimate
from visavis.server.rtc import hooks
from visavis.server.rtc import packets as rtc_packets
from visavis.server.rtc.congestion import Congestion, Lost, Measured, Retransmissions, Voice
from visavis.server.rtc.delivery import Outgoing, stamped
from visavis.server.rtc.estimate import LEAST, MOST, START, Estimate, Flow, Queue
from visavis.server.rtc.feedback import Arrival, Numbering, TransportFeedback
from visavis.server.rtc.ladder import FPS, STEPS, Ladder
from visavis.server.rtc.pacer import Pacer
from visavis.server.system.metrics import Metrics

CALM, TALKING = 250_000, 700_000  # bit/s that pictures of a face have use for


@pytest.fixture(autouse=True)
def installed():
    hooks.install()


# --- the estimate --------------------------------------------------------------------------------


class Link:
    """A link with a queue, a sender that obeys an estimate, and a receiver that reports; no time
    passes but in steps of a picture."""

    DELAY = 0.03  # s, each way

    def __init__(
        self, capacity: float, *, tells: str = "packets", queue: float = 0.3, air: float = 0.0
    ) -> None:
        self.capacity, self.queue, self.tells = capacity, queue, tells
        self.air, self._rng = air, np.random.default_rng(5)  # share of packets lost by chance
        self.estimate, self.demand, self.is_down = Estimate(), TALKING, False
        self.now, self.wire_free = 100.0, 100.0
        self.rates: list[tuple[float, int]] = []
        self.waits: list[tuple[float, float]] = []
        self._on_the_way: deque[tuple[float, Arrival]] = deque()
        self._reports: deque[tuple[float, list[Arrival], float, int]] = deque()
        self._lost = self._count = 0
        self._report_at = self._loss_at = self.now

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self._picture()
            self._receive()
            self.now += 1 / FPS

    def _picture(self) -> None:
        rate = min(self.estimate.rate(self.now), self.demand)
        self.rates.append((self.now, self.estimate.rate(self.now)))
        for _ in range(2):
            size = rate // FPS // 16
            self.estimate.sent(self.now, size)
            self._count += 1
            wait = max(0.0, self.wire_free - self.now)
            self.waits.append((self.now, wait))
            if self.is_down or wait > self.queue:
                self._lost += 1
                continue
            self.wire_free = self.now + wait + size * 8 / self.capacity
            if self._rng.random() < self.air:
                self._lost += 1
                continue
            came = self.wire_free + self.DELAY
            # The receiver's clock is another one.
            self._on_the_way.append((came, Arrival(self.now, came - 5000.0, size * 8)))

    def _receive(self) -> None:
        if self.now >= self._report_at:
            self._report_at = self.now + 0.1
            got = []
            while self._on_the_way and self._on_the_way[0][0] <= self.now:
                got.append(self._on_the_way.popleft()[1])
            share, count = 0.0, 0
            if self.now >= self._loss_at:
                share, count = self._lost / max(1, self._count), self._count
                self._lost, self._count, self._loss_at = 0, 0, self.now + 1.0
            if not self.is_down:
                self._reports.append((self.now + self.DELAY, got, share, count))
        while self._reports and self._reports[0][0] <= self.now:
            _, got, share, count = self._reports.popleft()
            if count:
                self.estimate.loss(self.now, share, count)
            self.estimate.heard(self.now)
            if self.tells == "packets":
                self.estimate.feedback(self.now, got, 2 * self.DELAY)

    def between(self, start: float, end: float) -> list[int]:
        return [rate for at, rate in self.rates if start <= at < end]


@pytest.mark.parametrize("queue", [0.3, 1.7])
@pytest.mark.parametrize("capacity", [100_000, 250_000, 450_000])
def test_a_thin_link_is_used_and_its_queue_stays_short(capacity, queue):
    link = Link(capacity, queue=queue)
    link.run(30)
    settled = link.between(110, 130)
    assert 0.6 * capacity < sum(settled) / len(settled) < capacity
    waits = sorted(wait for at, wait in link.waits if at > 110)
    assert waits[len(waits) // 2] < 0.05
    assert waits[int(0.99 * len(waits))] < 0.2


def test_a_good_link_gets_all_that_a_face_has_use_for_within_seconds():
    link = Link(5_000_000)
    link.run(4)
    assert link.estimate.rate(link.now) > TALKING
    assert not link.estimate.is_thin(link.now)


def test_a_calm_face_does_not_starve_the_words_after_it():
    link = Link(5_000_000)
    link.demand = CALM
    link.run(60)
    assert link.estimate.rate(link.now) > TALKING


def test_less_is_sent_within_half_a_second_and_more_again_slowly():
    link = Link(5_000_000)
    link.run(10)
    link.capacity = 200_000
    link.run(0.5)
    assert link.estimate.rate(link.now) < 200_000
    link.run(10)
    link.capacity, free = 5_000_000, link.now
    link.run(30)
    steps = [b / a for a, b in pairwise(link.between(free, free + 30)[::FPS])]
    assert max(steps) < 1.1  # a second
    assert link.estimate.rate(link.now) > 450_000


def test_a_queue_that_stands_from_the_beginning_is_seen_once_it_was_shorter():
    queue = Queue()
    for at, delay in ((0.0, 0.3), (1.0, 0.05), (2.0, 0.2)):
        for _ in range(8):
            queue.add(at, delay - 1e6)
    assert queue.wait() == pytest.approx(0.15)


def test_a_moment_in_which_the_receiver_stands_still_is_no_queue():
    estimate = Estimate()
    for tenth in range(100):
        now = tenth / 10
        late = 0.15 if tenth == 50 else 0.0
        estimate.feedback(
            now, [Arrival(now, now + late + picture / 25, 8000) for picture in (0, 1)]
        )
    assert estimate._cut_at is None


def test_jitter_is_no_queue():
    queue, jitter = Queue(), (20, 65, 40, 70, 33, 58, 25, 61, 49, 68, 22, 44)
    for at in range(200):
        queue.add(at * 0.02, jitter[at % len(jitter)] / 1000)
        assert queue.wait() < rtc_estimate._SHORT


def test_a_receivers_clock_that_wraps_is_no_queue():
    queue = Queue()
    queue.add(0.0, 5.0)
    queue.add(1.0, 5.0 - 2**24 * 0.064)
    assert queue.wait() == 0.0


def test_what_the_air_loses_all_along_is_no_congestion():
    estimate = Estimate()
    for second in range(40):
        estimate.sent(second, 70_000)
        estimate.loss(second, 0.15 + 0.03 * (-1) ** second, 100)
        estimate.heard(second)
    assert estimate.rate(40) > 100_000  # though it was cut at first
    value = estimate.rate(40)
    estimate.sent(40, 70_000)
    estimate.loss(40, 0.5, 100)
    assert estimate.rate(40) < 0.8 * value


def test_a_cut_that_does_not_help_against_loss_is_taken_back():
    link = Link(5_000_000, air=0.15)
    link.demand = 600_000
    link.run(12)
    assert link.estimate.rate(link.now) > 600_000


@pytest.mark.parametrize("air", [0.0, 0.05])
def test_a_link_that_drops_instead_of_queueing_is_not_overrun(air):
    link = Link(150_000, queue=0.02, air=air)
    link.demand = 600_000
    link.run(60)
    rates = link.between(link.now - 40, link.now)
    assert max(rates) < 200_000
    assert 90_000 < sum(rates) / len(rates) < 150_000


def test_chance_is_no_congestion():
    estimate, rng = Estimate(), np.random.default_rng(3)
    for quarter in range(400):
        now = quarter / 4
        estimate.sent(now, 18_000)
        estimate.loss(now, rng.binomial(15, 0.05) / 15, 15)
        estimate.heard(now)
    assert estimate._cut_at is None


def test_loss_is_told_of_enough_packets():
    estimate = Estimate()
    estimate.sent(0.0, 40_000)
    estimate.loss(0.0, 1.0, 3)
    assert estimate.rate(0.0) == START
    estimate.loss(0.0, 1.0, 30)
    assert estimate.rate(0.0) == LEAST


def test_an_outage_is_no_loss_and_half_is_sent_after_it():
    link = Link(5_000_000)
    link.run(10)
    before = link.estimate.rate(link.now)
    link.is_down = True
    link.run(5)
    assert link.estimate.rate(link.now) == rtc_estimate._BLIND
    link.is_down = False
    link.run(2)
    assert link.estimate.rate(link.now) == pytest.approx(before / 2, rel=0.1)
    assert link.estimate.is_thin(link.now)  # a keyframe comes first: not in one burst


def told(sent: int, *estimates: int) -> Estimate:
    """By REMBs, one each second, while so many bit/s are sent."""
    found = Estimate()
    for second, each in enumerate(estimates):
        for picture in range(FPS):
            found.sent(second + picture / FPS, sent // FPS // 8)
        found.remb(second + 0.99, each)
    return found


@pytest.mark.parametrize(
    ("sent", "estimates", "expected"),
    [
        (1_800_000, (1_200_000,), START),  # what is sent is too much: but the value was less
        (290_000, (190_000,), 190_000),  # less arrives than is sent: congestion
        (200_000, (280_000,), START),  # a calm face: the estimate knows no better
        (290_000, (800_000,), 800_000),  # room
        (290_000, (90_000_000,), MOST),
        (290_000, (10_000,), LEAST),
        (290_000, (800_000, 500_000), 800_000),  # it falls, but not below what is sent
    ],
)
def test_a_remb_is_followed_as_far_as_it_is_evidence(sent, estimates, expected):
    assert told(sent, *estimates).rate(len(estimates)) == expected


def test_after_congestion_every_remb_is_followed_but_up_slowly():
    assert told(290_000, 190_000, 1_000_000).rate(2) < 1.09 * 190_000
    assert told(290_000, 190_000, 188_000).rate(2) == 188_000


def test_a_remb_is_ignored_once_packets_are_reported():
    estimate = Estimate()
    estimate.feedback(0.0, [Arrival(0.0, 0.0, 8000)])
    estimate.sent(0.0, 50_000)
    estimate.remb(0.1, 60_000)
    assert estimate.rate(0.1) >= START


def test_a_flow_that_has_just_begun_is_not_taken_for_a_thin_one():
    flow = Flow()
    for tenth in range(5):
        flow.add(tenth / 10, 10_000)
    assert flow.rate(0.5) == pytest.approx(100_000)
    assert flow.rate(3.0) == 0.0


# --- who gets what -------------------------------------------------------------------------------


def test_speech_that_begins_finds_its_room():
    congestion = Congestion()
    estimate = congestion.estimate
    estimate.sent(0.0, 36_000)
    for packet in range(50):
        estimate.sent_sound(packet / 50, 15)  # 6 kbit/s: silence
    estimate.remb(0.99, 190_000)
    assert estimate.rate(1.0) == 190_000
    assert congestion.pictures(1.0) == pytest.approx(190_000 - (48_000 - 6_000), rel=0.01)


def again(budget: Retransmissions, rate: int, seconds: float, each: float = 0.01) -> int:
    """Bits that are sent again when everything is asked for, packet by packet."""
    spent, now = 0, 0.0
    for number in range(int(seconds / each)):
        now = number * each
        if budget.verdict(now, rate, 0.05, Lost(number, 1000, now - 0.06)) == "sent":
            spent += 8000
    return spent


@pytest.mark.parametrize("rate", [80_000, 300_000, 2_000_000])
def test_retransmissions_have_a_share_of_the_rate(rate):
    share = again(Retransmissions(), rate, 20) / 20 / rate
    assert 0.15 < share < 0.3


def test_a_packet_is_sent_again_once_a_round_trip_and_only_while_it_is_young():
    budget = Retransmissions()
    assert budget.verdict(10.0, 300_000, 0.2, Lost(1, 1000, 9.9)) == "sent"
    assert budget.verdict(10.1, 300_000, 0.2, Lost(1, 1000, 9.9)) == "pending"
    assert budget.verdict(10.21, 300_000, 0.2, Lost(1, 1000, 9.9)) == "sent"
    assert budget.verdict(10.7, 300_000, 0.2, Lost(1, 1000, 9.9)) == "old"


def test_an_encoder_gets_what_retransmissions_leave():
    congestion = Congestion()
    assert congestion.again(0.0, Lost(1, 1250, -0.05)) == "sent"
    assert congestion.pictures(0.5) == pytest.approx(START - 20_000)  # over half a second
    assert congestion.pictures(2.0) == START


def test_the_voice_gives_way_last_and_comes_back_slowly():
    voice = Voice()
    assert voice.wanted(0.0, 300_000).bitrate == 48_000
    assert voice.wanted(1.0, 70_000).bitrate == 24_000
    assert voice.wanted(2.0, 300_000).bitrate == 24_000
    assert voice.wanted(9.0, 300_000).bitrate == 24_000
    assert voice.wanted(12.1, 300_000).bitrate == 48_000
    assert voice.wanted(13.0, LEAST).bitrate == 16_000


def test_more_loss_is_covered_where_sound_is_lost():
    voice = Voice()
    for _ in range(3):
        voice.report(0.15)
    assert voice.wanted(0.0, 300_000).loss == 20


def test_an_operator_sees_budget_and_what_it_cost():
    metrics = Metrics()
    first, second = Congestion(Measured(metrics)), Congestion(Measured(metrics))
    first.pictures(0.0)
    second.pictures(0.0)
    first.observer.left_out()
    first.again(0.0, Lost(1, 100, -9.0))
    second.observer.budget(0)
    text = metrics.text().decode()
    assert f"visavis_send_budget_bits {START + 48_000:.1f}" in text
    assert "visavis_frames_left_out_total 1.0" in text
    assert 'visavis_retransmissions_total{outcome="old"} 1.0' in text


# --- the ladder ----------------------------------------------------------------------------------


def shown(rates: list[tuple[float, int]], pixels: int = 512 * 512) -> list[tuple[float, float]]:
    """(time, scale) of the pictures that are taken at each rate for so many seconds."""
    ladder, taken, number = Ladder(), [], 0
    for seconds, rate in rates:
        for _ in range(int(seconds * FPS)):
            if ladder.takes(number / FPS, rate, pixels):
                taken.append((number / FPS, ladder.step.scale))
            number += 1
    return taken


@pytest.mark.parametrize(
    ("rate", "fps", "scale"),
    [(300_000, 25, 1.0), (150_000, 25, 1.0), (100_000, 12.5, 1.0), (80_000, 12.5, 1.0),
     (50_000, 12.5, 0.75), (30_000, 6.25, 0.75), (12_000, 6.25, 0.5)],
)  # fmt: skip
def test_pictures_at_a_rate(rate, fps, scale):
    late = [picture for picture in shown([(14, rate)]) if picture[0] >= 4]
    assert len(late) / 10 == pytest.approx(fps, rel=0.1)
    assert {each for _, each in late} == {scale}


def test_fewer_pictures_come_at_once_and_more_only_when_that_lasts():
    taken = [at for at, _ in shown([(4, 300_000), (4, 80_000), (1, 300_000), (4, 80_000)])]
    assert len([at for at in taken if 4 <= at < 5]) <= 13
    assert len([at for at in taken if 8 <= at < 9]) <= 13
    taken = [at for at, _ in shown([(4, 80_000), (8, 300_000)])]
    assert len([at for at in taken if 8 <= at < 9]) == 25


def test_a_size_does_not_flutter():
    wavering = [(0.5, 50_000), (0.5, 75_000)] * 20
    scales = [scale for _, scale in shown(wavering)]
    assert sum(a != b for a, b in pairwise(scales)) <= 1


def test_larger_pictures_step_down_sooner():
    taken = [at for at, _ in shown([(4, 300_000)], 720 * 1280) if at >= 2]
    assert len(taken) / 2 == pytest.approx(12.5, rel=0.1)
    assert STEPS[-1].needs(720 * 1280) < LEAST


# --- the pacer -----------------------------------------------------------------------------------


class Wire:
    """Notes when packets left."""

    def __init__(self, rate: float | None) -> None:
        self.rate, self.left, self.lost = rate, [], 0
        self.pacer = Pacer(self._send, lambda: self.rate, self._forget)

    async def _send(self, data: bytes) -> None:
        self.left.append((asyncio.get_running_loop().time(), data))

    def _forget(self) -> None:
        self.lost += 1


@virtual_time
async def test_on_a_good_link_nothing_waits():
    wire = Wire(None)
    for number in range(50):
        await wire.pacer.send(bytes([number]) * 1200)
    assert len({at for at, _ in wire.left}) == 1
    assert len(wire.left) == 50


@virtual_time
async def test_a_keyframe_is_spread_and_what_was_lost_goes_first():
    wire = Wire(200_000)
    for number in range(8):
        await wire.pacer.send(bytes([number]) * 1000)
    assert wire.pacer.backlog == pytest.approx(7 * 8000 / 200_000)
    await wire.pacer.send(b"\xff" * 1000, first=True)
    await asyncio.sleep(1)
    assert [data[0] for _, data in wire.left] == [0, 255, 1, 2, 3, 4, 5, 6, 7]
    gaps = [b - a for (a, _), (b, _) in pairwise(wire.left)][1:]
    assert all(gap == pytest.approx(8000 / 250_000, rel=0.01) for gap in gaps)
    assert wire.pacer.backlog == 0


@virtual_time
async def test_what_an_outage_held_up_is_thrown_away():
    wire = Wire(5_000)
    for _ in range(5):
        await wire.pacer.send(bytes(1000))
    await asyncio.sleep(5)
    assert len(wire.left) == 2
    assert wire.lost == 1
    assert wire.pacer.backlog == 0


@virtual_time
async def test_a_pacer_that_is_closed_leaves_no_task():
    wire = Wire(10_000)
    for _ in range(5):
        await wire.pacer.send(bytes(1000))
    await wire.pacer.close()
    assert len(asyncio.all_tasks()) == 1


# --- feedback on the wire ------------------------------------------------------------------------


def feedback(base: int, count: int, rest: bytes, reference: int = 1000) -> bytes:
    body = struct.pack("!LLHHL", 1, 2, base, count, reference << 8) + rest
    fill = -len(body) % 4
    body += bytes(fill - 1) + bytes([fill]) if fill else b""
    header = struct.pack("!BBH", 0x80 | (0x20 if fill else 0) | 15, RTCP_RTPFB, len(body) // 4)
    return header + body


def test_feedback_is_read_with_its_padding_and_beside_nacks():
    run, vector = struct.pack("!H", 0x2000 | 2), struct.pack("!H", 0xC000 | 0b10_00_01 << 8)
    data = feedback(0xFFFE, 5, run + vector + bytes([4, 8]) + struct.pack("!h", -4) + bytes([40]))
    nack = RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2, lost=[7])
    found, plain = RtcpPacket.parse(data + bytes(nack))
    assert isinstance(found, TransportFeedback)
    assert found.arrivals == [
        (0xFFFE, 64.001), (0xFFFF, 64.003), (0, 64.002), (2, 64.012),
    ]  # fmt: skip
    assert plain == nack


@pytest.mark.parametrize(
    "data",
    [
        feedback(0, 5, b"\x20\x05\x01"),  # deltas are missing
        feedback(0, 50, b"\x20\x05"),  # chunks are missing
        feedback(0, 0xFFFF, b"\x3f\xff" * 9),  # more than anybody sends
        struct.pack("!BBHLL", 0x8F, RTCP_RTPFB, 2, 1, 2),
    ],
)
def test_feedback_that_cannot_be_is_a_value_error(data):
    with pytest.raises(ValueError, match="feedback"):
        RtcpPacket.parse(data)


def test_each_packet_is_told_of_once_and_numbers_wrap():
    numbering = Numbering()
    numbers = [numbering.number(at, 100) for at in range(0x10002)]
    assert numbers[-3:] == [0xFFFF, 0, 1]
    assert numbering.resolve([(1, 7.0), (1, 7.0), (500, 7.0)]) == [Arrival(0x10001, 7.0, 800)]


def packet(extensions: aiortc.rtp.HeaderExtensions, ids: dict[str, int]) -> bytes:
    known = aiortc.rtp.HeaderExtensionsMap()
    for name, each in ids.items():
        setattr(known._HeaderExtensionsMap__ids, name, each)
    made = aiortc.rtp.RtpPacket(payload_type=97, sequence_number=5, ssrc=9, payload=b"picture")
    made.extensions = extensions
    return made.serialize(known)


def test_a_packet_is_stamped_when_it_leaves_and_not_changed_otherwise():
    ids = {"mid": 1, "abs_send_time": 3, "transport_sequence_number": 4}
    old = aiortc.rtp.HeaderExtensions(mid="1", abs_send_time=7, transport_sequence_number=0)
    new = aiortc.rtp.HeaderExtensions(mid="1", abs_send_time=0x123456, transport_sequence_number=99)
    assert stamped(packet(old, ids), {3: b"\x12\x34\x56", 4: b"\x00\x63"}) == packet(new, ids)
    assert stamped(packet(old, ids), {5: b"\x12"}) == packet(old, ids)
    bare = aiortc.rtp.HeaderExtensions()
    assert stamped(packet(bare, ids), {3: b"\x12\x34\x56"}) == packet(bare, ids)


# --- a pair --------------------------------------------------------------------------------------


async def test_transport_wide_feedback_is_answered_for_pictures_alone():
    pair = Pair()
    await pair.reply(await pair.offer())
    sound, picture = pair.answer.split("m=video")
    assert "transport-wide-cc" in picture
    assert "transport-cc" in picture
    assert "transport-wide-cc" not in sound
    await pair.until("video", 2)
    own = sender(pair, "video")
    assert isinstance(own.transport, Outgoing)
    assert own.transport._rtp_router.senders[own._rtx_ssrc] is own  # feedback may name either
    assert own.delivery.congestion is sender(pair, "audio").delivery.congestion
    assert own.delivery.congestion.numbering._next >= 2
    await pair.close()


async def test_packets_of_pictures_carry_their_number_and_the_time_at_which_they_left(monkeypatch):
    seen: dict[str, list] = {"audio": [], "video": []}
    plain = aiortc.rtcrtpreceiver.RTCRtpReceiver._handle_rtp_packet

    async def handle(self, packet, arrival_time_ms):
        seen[self.track.kind].append(packet.extensions)
        await plain(self, packet, arrival_time_ms=arrival_time_ms)

    monkeypatch.setattr(aiortc.rtcrtpreceiver.RTCRtpReceiver, "_handle_rtp_packet", handle)
    stamps = iter(range(1 << 14, 1 << 40, 1 << 14))
    monkeypatch.setattr(rtc_packets.clock, "current_ntp_time", lambda: next(stamps))
    pair = Pair()
    await pair.reply(await pair.offer())
    await pair.until("video", 4)
    await pair.close()
    numbers = [each.transport_sequence_number for each in seen["video"]]
    assert numbers[:4] == [0, 1, 2, 3]
    assert {each.transport_sequence_number for each in seen["audio"]} == {None}
    times = [each.abs_send_time for each in seen["video"]]
    assert all(a < b for a, b in pairwise(times[:4]))


async def test_sound_is_whole_and_a_remb_is_obeyed_on_a_link_of_300_kbit():
    pair = Pair(Track("audio"), Noisy("video"))
    await pair.reply(await pair.offer())
    link = Throttle(pair.server, 300_000)
    try:
        await pair.until("video", 1)
        own, loop = sender(pair, "video"), asyncio.get_running_loop()
        await asyncio.sleep(3)
        start = loop.time()
        await asyncio.sleep(2)
        assert not [kind for at, kind in link.dropped if at > start and kind == "audio"]
        assert link.rate("audio", start, start + 2) > 20_000
        assert link.rate("video", start, start + 2) < 300_000

        fci = aiortc.rtp.pack_remb_fci(90_000, [own._ssrc])
        await own._handle_rtcp_packet(RtcpPsfbPacket(RTCP_PSFB_APP, 1, 0, fci))
        await asyncio.sleep(0.5)
        told = loop.time()
        await asyncio.sleep(1)
        assert link.rate("video", told, told + 1) < 130_000
    finally:
        await pair.close()
