"""Offers and trickled candidates, through the addresses that take them."""

from __future__ import annotations

from typing import Final

from aiortc import RTCSessionDescription

from fuzz.live import Live

MOST: Final = 8_000
TOKENS: Final = (
    "v=0\r\n", "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\n", "m=video 9 UDP/TLS/RTP/SAVPF 97\r\n",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", "c=IN IP4 0.0.0.0\r\n", "a=mid:0\r\n",
    "a=sendrecv\r\n", "a=recvonly\r\n", "a=inactive\r\n", "a=ice-ufrag:abcd\r\n", "a=ice-lite\r\n",
    "a=ice-pwd:0123456789012345678901\r\n", "a=setup:actpass\r\n", "a=setup:holdconn\r\n",
    "a=fingerprint:sha-256 ", "a=rtpmap:96 opus/48000/2\r\n", "a=rtpmap:97 H264/90000\r\n",
    "a=rtpmap:98 VP8/90000\r\n", "a=rtpmap:99 rtx/90000\r\n", "a=fmtp:99 apt=97\r\n",
    "a=fmtp:97 profile-level-id=42e01f;packetization-mode=1\r\n", "a=rtcp-mux\r\n",
    "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\n", "a=candidate:1 1 tcp 1 ::1 9 typ ",
    "a=group:BUNDLE 0 1 2\r\n", "a=sctp-port:5000\r\n", "a=max-message-size:0\r\n", "a=ssrc:1 ",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n", "a=rtcp-fb:97 nack pli\r\n",
    "a=msid:a b\r\n", "a=end-of-candidates\r\n", "a=ssrc-group:FID 1 2\r\n", "a=rtcp:9 ", ":", "/",
)  # fmt: skip

_SDP: Final = {"Content-Type": "application/sdp"}
_FRAGMENT: Final = {"Content-Type": "application/trickle-ice-sdpfrag"}
_LIVE: Final = Live()
close = _LIVE.close


def check(data: bytes) -> None:
    """An offer is answered by an SDP, or refused in words; so is what is trickled after it.

    What follows a NUL is trickled into the session of what stands before it.
    """
    offer, _, fragment = data.partition(b"\0")
    _LIVE.run(_offer(offer, fragment))


async def _offer(offer: bytes, fragment: bytes) -> None:
    client = _LIVE.client
    async with client.post("/v1/sessions", data=offer, headers=_SDP) as response:
        text = await response.text()
        assert response.status < 500, (response.status, text)
        if response.status != 201:
            assert response.content_type == "application/problem+json"
            return
        address = response.headers["Location"]
    RTCSessionDescription(text, "answer")
    async with client.patch(address, data=fragment, headers=_FRAGMENT) as response:
        assert response.status < 500, (response.status, await response.text())
    async with client.delete(address) as response:
        assert response.status in {200, 404}
