"""Packets from a template are those that aiortc writes."""

from __future__ import annotations

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpSendParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket

from visavis.server.rtc import feedback, packets

URIS = {packets.MID: 3, packets.SEND_TIME: 2, packets.LEVEL: 14, feedback.EXTENSION: 4}


def parameters(uris):
    extensions = [RTCRtpHeaderExtensionParameters(id=i, uri=uri) for uri, i in uris.items()]
    return RTCRtpSendParameters(headerExtensions=extensions)


def by_aiortc(data, uris):
    known = HeaderExtensionsMap()
    known.configure(parameters(uris))
    return RtpPacket.parse(bytes(data), known)


@pytest.mark.parametrize("level", [False, True])
@pytest.mark.parametrize("left_out", [None, *URIS])
def test_aiortc_reads_what_was_written(level, left_out):
    uris = {uri: i for uri, i in URIS.items() if uri != left_out}
    assert packets.ids(parameters(uris)) == uris
    template = packets.Template(uris, "audio-1", 0xDEADBEEF, 96, level)
    data = template.packet(b"speech", 65_535, 4_000_000_000, last=True, level=42)
    if template.time_at:
        data[template.time_at : template.time_at + 3] = (0x123456).to_bytes(3, "big")
    if template.number_at:
        data[template.number_at : template.number_at + 2] = (789).to_bytes(2, "big")
    read = by_aiortc(data, uris)
    assert (read.ssrc, read.payload_type, read.marker) == (0xDEADBEEF, 96, 1)
    assert (read.sequence_number, read.timestamp) == (65_535, 4_000_000_000)
    assert read.payload == b"speech"
    says = read.extensions
    assert says.mid == (None if left_out == packets.MID else "audio-1")
    assert says.abs_send_time == (None if left_out == packets.SEND_TIME else 0x123456)
    assert says.transport_sequence_number == (None if left_out == feedback.EXTENSION else 789)
    tells = level and left_out != packets.LEVEL
    assert says.audio_level == ((False, 42) if tells else None)


def test_packets_of_a_frame_do_not_share_their_bytes():
    template = packets.Template(URIS, "0", 1, 96, False)
    one, other = (template.packet(b"x", n, 0, last=n == 2) for n in (1, 2))
    one[template.number_at] = 255
    assert other[template.number_at] == 0
    assert not by_aiortc(one, URIS).marker
    assert by_aiortc(other, URIS).marker


def test_nothing_is_negotiated_nothing_is_said():
    data = packets.Template({}, "0", 1, 96, True).packet(b"x", 1, 2, last=False)
    assert len(data) == packets.HEADER + 1
    assert by_aiortc(data, {}).payload == b"x"


def test_what_one_byte_cannot_say_is_left_to_aiortc():
    with pytest.raises(ValueError, match="two bytes"):
        packets.Template({packets.SEND_TIME: 15}, "0", 1, 96, False)
