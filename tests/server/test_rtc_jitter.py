"""The receive buffers: what order, loss, jitter and pauses do to sound and pictures."""

from fractions import Fraction

import av
import numpy as np
import pytest
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket

from visavis.engines.base import PLAY_RATE
from visavis.server.playout.messages import PACKET
from visavis.server.rtc import jitter as rtc_jitter
from visavis.server.rtc.jitter import OpusDecoder, PictureBuffer, Run, SoundBuffer

TWENTY_MS = bytes([15 << 3, 1, 2, 3])  # TOC: hybrid, full band, 20 ms


class Network:
    """Hands packets to a buffer at the times that a test chooses."""

    def __init__(self, first: int = 1000, first_time: int = 5000) -> None:
        self.now = 100.0
        self.buffer = SoundBuffer(lambda: self.now)
        self.first, self.first_time = first, first_time
        self.out: list[tuple[float, int, bytes | None, int]] = []  # (ms, packet, payload, samples)

    def arrive(self, number: int, at_ms: float, pause: int = 0, payload: bytes = TWENTY_MS) -> None:
        """Packet `number` of a 20 ms stream arrives; `pause`: samples of silence before it."""
        self.now = 100.0 + at_ms / 1000
        packet = RtpPacket(
            sequence_number=(self.first + number) & 0xFFFF,
            timestamp=(self.first_time + number * PACKET + pause) & 0xFFFFFFFF,
        )
        packet.payload = payload
        _, run = self.buffer.add(packet)
        for piece in run.pieces if isinstance(run, Run) else []:
            at = (run.timestamp + piece.offset - self.first_time + (1 << 31)) % (1 << 32)
            self.out.append((at_ms, (at - (1 << 31)) // PACKET, piece.payload, piece.samples))

    def numbers(self) -> list[int]:
        return [number for _, number, _, _ in self.out]

    def lost(self) -> list[int]:
        return [number for _, number, payload, _ in self.out if payload is None]


@pytest.fixture
def net():
    return Network()


def test_sound_in_order_is_passed_on_at_once(net):
    for i in range(50):
        net.arrive(i, i * 20)
    assert [(at, n) for at, n, _, _ in net.out] == [(i * 20, i) for i in range(50)]
    assert not net.lost()


def test_late_but_in_order_is_passed_on_at_once(net):
    for i in range(50):
        net.arrive(i, i * 20 + (60 if i % 7 == 0 else 55))
    assert net.numbers() == list(range(50))
    assert not net.lost()


def test_a_lost_packet_on_a_clean_network_is_concealed_when_the_next_one_comes(net):
    for i in range(20):
        if i != 10:
            net.arrive(i, i * 20)
    assert net.numbers() == list(range(20))
    assert net.lost() == [10]
    assert (220, 10, None, PACKET) in net.out
    assert next(at for at, n, _, _ in net.out if n == 19) == 380  # and nothing is late afterwards


def test_several_lost_packets_come_out_as_long_as_they_were(net):
    for i in (0, 1, 2, 8, 9):
        net.arrive(i, i * 20)
    assert [(n, samples) for _, n, payload, samples in net.out if payload is None] == [
        (3, 5 * PACKET)
    ]


def test_on_a_jittery_network_reordering_is_repaired(net):
    for i in range(100):  # every fifth packet is 70 ms late: overtaken by three others
        net.arrive(i, i * 20 + (0 if i % 5 else 3))
    order = sorted(((i * 20 + (70 if i % 5 == 0 else 0)), i) for i in range(100, 300))
    for at, i in order:
        net.arrive(i, at)
    settled = [n for n in net.lost() if n > 150]  # once the jitter is known
    assert settled == []
    assert [n for n in net.numbers() if n > 150] == list(range(151, 300))


def test_a_lost_packet_is_never_waited_for_longer_than_the_limit(net):
    for i in range(60):
        net.arrive(i, i * 20 + (400 if i % 3 == 0 else 0) if i < 40 else i * 20 + 400)
    for i in range(60, 79):  # what was held up comes at once
        net.arrive(i, 59 * 20 + 400)
    assert net.buffer.wait() == rtc_jitter.MOST_WAIT
    limit = 79 * 20 + 1000 * rtc_jitter.MOST_WAIT  # ms
    net.arrive(80, 80 * 20)
    net.arrive(81, limit - 1)
    assert net.numbers()[-1] == 78
    net.arrive(82, limit + 1)
    assert net.lost()[-1] == 79
    assert net.numbers()[-4:] == [79, 80, 81, 82]


def test_a_packet_that_comes_after_it_was_given_up_is_dropped(net):
    for i in (0, 1, 3, 2, 4):
        net.arrive(i, 20 * i + (60 if i == 2 else 0))
    assert net.numbers() == [0, 1, 2, 3, 4]
    assert net.lost() == [2]


def test_a_pause_of_the_sender_is_filled(net):
    net.arrive(0, 0)
    net.arrive(1, 420, pause=400 * 48)
    assert [(n, s) for _, n, payload, s in net.out if payload is None] == [(1, 400 * 48)]


def test_a_long_outage_is_left_as_a_hole(net):
    net.arrive(0, 0)
    net.arrive(200, 4000)
    assert net.numbers() == [0, 200]


def sound(net) -> float:
    """Seconds of sound that came out, concealed and not."""
    return sum(samples or PACKET for _, _, _, samples in net.out) / PLAY_RATE


def test_a_jump_of_the_time_is_no_loss(net):
    for i in range(600):  # 60 a second, each a second after the one before
        net.arrive(i, i * 1000 / 60, pause=i * (PLAY_RATE - PACKET))
    assert not net.lost()
    assert len(net.out) == 600
    assert not net.buffer.refused


def test_a_jump_that_is_no_longer_than_a_pause_is_one_only_if_time_passed(net):
    pause = 400 * 48
    for i in range(50):
        net.arrive(i, i * 20, pause=i * pause)
    assert not net.lost()
    for i in range(50, 60):
        net.arrive(i, 1000 + (i - 50) * 420, pause=i * pause)
    assert len(net.lost()) == 9


def test_what_is_lost_costs_no_more_than_a_microphone_makes(net):
    for i in range(600):  # 60 a second, of each 25 one comes
        net.arrive(i * 25, i * 1000 / 60)
    assert net.lost()
    assert sound(net) <= 10 * rtc_jitter.SHARE + rtc_jitter.BURST


def test_a_flood_is_taken_as_fast_as_a_microphone_makes_it(net):
    for i in range(10_000):
        net.arrive(i, i)
    assert 11.9 <= sound(net) <= 10 * rtc_jitter.SHARE + rtc_jitter.BURST
    assert net.buffer.refused / PLAY_RATE + sound(net) == pytest.approx(200)
    assert not net.lost()  # what was refused is not concealed either


def test_packets_of_120_ms_count_for_what_they_hold(net):
    payload = bytes([3 << 3 | 1, 1, 2, 3])  # two of 60 ms
    for i in range(600):
        net.arrive(6 * i, i * 1000 / 60, payload=payload)
    real = sum(payload is not None for _, _, payload, _ in net.out)
    assert real * 0.12 <= 10 * rtc_jitter.SHARE + rtc_jitter.BURST


def test_after_a_stall_a_second_is_taken_at_once(net):
    for i in range(10):
        net.arrive(i, i * 20)
    for i in range(10, 70):
        net.arrive(i, 5000)
    assert 50 <= len([number for number in net.numbers() if number >= 10]) <= 51


def test_a_packet_that_is_no_opus_is_not_decoded(net):
    net.arrive(0, 0)
    net.arrive(1, 20, payload=bytes([3 << 3 | 3, 63]))  # 63 frames of 60 ms
    net.arrive(2, 40)
    assert 1 not in [number for _, number, payload, _ in net.out if payload is not None]


def test_packets_from_the_future_wait_no_longer_than_others(net):
    net.arrive(0, 0)
    for i in range(2, 20):  # 1 never comes
        net.arrive(i, i * 20, pause=1 << 30)
    assert net.numbers()[-1] > 2
    assert len(net.buffer._held) <= 7


def test_what_waits_is_bounded_however_fast_it_comes(net):
    net.arrive(0, 0)
    for i in range(2, 3_000):
        net.arrive(i, 1 + i / 1000, pause=1 << 30)
    assert len(net.buffer._held) <= rtc_jitter._MOST_HELD


def test_a_time_that_runs_backwards_is_passed_on(net):
    for i in range(50):
        net.arrive(i, i * 20, pause=-2 * i * PACKET)
    assert len(net.out) == 50


def test_a_packet_that_comes_twice_is_taken_once(net):
    for i in range(50):
        net.arrive(i, i * 20)
        net.arrive(i, i * 20 + 1)
    assert net.numbers() == list(range(50))


def test_numbers_and_times_wrap_around():
    net = Network(first=0xFFFE, first_time=(1 << 32) - PACKET)
    for i in (0, 1, 2, 4, 5):
        net.arrive(i, i * 20)
    assert net.numbers() == [0, 1, 2, 3, 4, 5]
    assert net.lost() == [3]


def test_a_restarted_stream_begins_anew(net):
    net.arrive(0, 0)
    net.arrive(20_000, 20)
    net.arrive(20_001, 40)
    assert net.numbers() == [0, 20_000, 20_001]


@pytest.mark.parametrize(
    ("head", "samples"),
    [
        (bytes([1 << 3]), 960),  # SILK 20 ms
        (bytes([3 << 3]), 2880),  # SILK 60 ms
        (bytes([14 << 3]), 480),  # hybrid 10 ms
        (bytes([31 << 3]), 960),  # CELT 20 ms
        (bytes([28 << 3 | 1]), 240),  # CELT 2.5 ms, two frames
        (bytes([31 << 3 | 3, 3]), 2880),  # CELT 20 ms, three frames
    ],
)
def test_the_length_of_an_opus_packet(head, samples):
    assert rtc_jitter.opus_samples(head) == samples


def opus_packets(seconds: float = 1.0) -> list[bytes]:
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.format, codec.layout, codec.bit_rate = PLAY_RATE, "s16", "mono", 48_000
    count = int(seconds * 50)
    tone = (8000 * np.sin(2 * np.pi * 220 / PLAY_RATE * np.arange(count * PACKET))).astype(np.int16)
    packets = []
    for i in range(count):
        frame = av.AudioFrame.from_ndarray(tone[None, i * PACKET : (i + 1) * PACKET], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = (
            PLAY_RATE,
            i * PACKET,
            Fraction(1, PLAY_RATE),
        )
        packets += [bytes(p) for p in codec.encode(frame)]
    return packets


def test_the_decoder_conceals_a_loss_with_sound_of_its_length():
    packets = opus_packets()
    decode = OpusDecoder()
    for i in range(20):
        decode.decode(JitterFrame(packets[i], i * PACKET))
    pieces = [rtc_jitter.Piece(0, None, 1920), rtc_jitter.Piece(1920, packets[22])]
    frames = decode.decode(Run(20 * PACKET, pieces))
    assert [(f.pts, f.samples, f.sample_rate) for f in frames] == [
        (20 * PACKET, PACKET, PLAY_RATE),
        (21 * PACKET, PACKET, PLAY_RATE),
        (22 * PACKET, PACKET, PLAY_RATE),
    ]
    first = frames[0].to_ndarray().astype(float)
    assert frames[0].layout.name == "mono"
    assert first.std() > 2000  # the tone goes on; silence or noise would be below


def test_a_piece_that_is_no_opus_does_not_cost_the_others():
    packets, decode = opus_packets(), OpusDecoder()
    pieces = [
        rtc_jitter.Piece(0, packets[0]),
        rtc_jitter.Piece(960, bytes([3 << 3 | 3, 0, 1, 2])),  # no frame at all
        rtc_jitter.Piece(1920, packets[2]),
    ]
    assert [frame.pts for frame in decode.decode(Run(0, pieces))] == [0, 1920]


def picture(buffer: PictureBuffer, sequence: int, time: int, last: bool):
    packet = RtpPacket(sequence_number=sequence, timestamp=time, marker=int(last))
    packet._data = bytes([sequence & 0xFF])
    return buffer.add(packet)


def test_the_marker_bit_completes_a_picture():
    buffer = PictureBuffer()
    assert picture(buffer, 10, 0, last=False) == (False, None)
    pli, run = picture(buffer, 11, 0, last=True)
    assert not pli
    assert (run.timestamp, run.data) == (0, b"\x0a\x0b")


def test_a_packet_sent_again_completes_all_that_waited_for_it():
    buffer = PictureBuffer()
    picture(buffer, 1, 0, last=True)
    assert picture(buffer, 3, 3600, last=True) == (False, None)
    assert picture(buffer, 4, 7200, last=True) == (False, None)
    pli, run = picture(buffer, 2, 3600, last=False)
    assert not pli
    assert [(p.offset, p.payload) for p in run.pieces] == [(0, b"\x02\x03"), (3600, b"\x04")]


def test_a_picture_that_cannot_be_completed_asks_for_a_keyframe():
    now = 0.0
    buffer = PictureBuffer(lambda: now)
    picture(buffer, 1, 0, last=True)
    asked = []
    for i in range(3, 30):  # packet 2 is lost for good
        now += 0.040
        pli, run = picture(buffer, i, i * 3600, last=True)
        asked.append((pli, run is not None))
    given_up = asked.index((True, True))
    assert now > given_up * 0.040 >= rtc_jitter.PICTURE_WAIT - 0.05
    assert all(ready for _, ready in asked[given_up:])
    assert sum(pli for pli, _ in asked) == 1
