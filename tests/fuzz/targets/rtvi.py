"""What Pipecat's clients send: messages on their channel, candidates, offers with a screen."""

from __future__ import annotations

import json
from typing import Final

from visavis.server import protocol
from visavis.server.system.errors import Malformed
from visavis.server.wires.rtvi import Rtvi
from visavis.server.wires.smallwebrtc import WAYS, _asked, _fragment
from visavis.server.wires.spare_sections import spared

MOST: Final = 3_000
TOKENS: Final = (
    '{"label":"rtvi-ai","id":"a","type":"client-ready","data":{"version":"2.1.0"}}',
    '{"label":"rtvi-ai","id":"a","type":"send-text","data":{"content":"hello"}}',
    '{"label":"rtvi-ai","id":"a","type":"client-message","data":{"t":"direct","d":{"prompt":"w"}}}',
    '{"type":"signalling","message":{"type":"trackStatus","receiver_index":0,"enabled":true}}',
    '{"sdp":"v=0","type":"offer","pc_id":"a.b"', '"request_data":{"avatar":"mira"}', "ping: 1",
    "v=0\r\n", "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\n", "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n",
    "a=group:BUNDLE 0 1 2\r\n", "a=mid:1\r\n", "a=rtpmap:96 VP8/90000\r\n",
    "candidate:1 1 udp 1 127.0.0.1 5000 typ host ufrag ab", "null", "[", "{", "\\ud800", "1e999",
)  # fmt: skip


def close() -> None:
    """Nothing is open."""


def check(data: bytes) -> None:
    """Whatever comes is refused with words, or answered in JSON; offers are of linear cost."""
    text = data.decode("utf-8", "replace")
    rtvi = Rtvi()
    for line in text.split("\n")[:8]:
        try:
            answers = rtvi.read(line).answers
        except protocol.ProtocolError as error:
            assert str(error)
            continue
        for answer in answers:
            assert isinstance(json.loads(answer.encode()), dict)
    for way in WAYS:
        assert isinstance(way.session(None, data), str)  # type: ignore[arg-type]  # only the body
    offer = spared(text)
    assert offer.completed("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n")
    _refused_or_read(text)


def _refused_or_read(text: str) -> None:
    try:
        _fragment({"candidate": text})
        fields = json.loads(text)
        if isinstance(fields, dict):
            _asked(fields, "en")
    except (Malformed, ValueError, RecursionError) as error:
        assert str(error)
