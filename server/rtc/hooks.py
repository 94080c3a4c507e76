"""aiortc mended from outside. No session logic; the server uses it through `connection.py`.

`install` puts the hooks in place once for the process; importing does nothing. What is mended:

    RTCRtpSender            own encoders, own threads, reports in media time, and no more than
                            the network carries (sender.py)
    JitterBuffer, decoders  sound without prefetch and without holes (jitter.py)
    RTCRtpReceiver, threads one sound, as fast as a microphone makes it (receiver.py)
    the way out of RTP      short (packets.py)
    sockets, receive loop   strangers are not heard, no datagram ends a session (ingress.py)
    ICE agent               few candidates, slow checks, the operator's addresses (agent.py)
    DTLS                    peers with an RSA certificate, such as GStreamer's, are understood
    SCTP, its messages      none can hold up everybody, or end it (association.py, channels.py)
    CODECS, HEADER_EXTENSIONS, RtcpRtpfbPacket
                            transport-wide feedback (feedback.py)
    default ICE servers     none, instead of a public STUN host
    consent checks          a dead peer is noticed in 8 to 10 s, not 30
    host addresses          only those asked for, 127.0.0.1 among them
    mDNS                    never asked: it held up an answer for a second
    channels' messages      one that cannot be read ends nothing (channels.py)

aiortc and aioice are pinned exactly in pyproject.toml; tests/server/test_rtc.py tests each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_address
from typing import Any, Final

import aiortc.rtcicetransport
import aiortc.rtcpeerconnection
import aiortc.rtcrtpreceiver
import aiortc.rtcsctptransport
from aioice import ice, stun
from aiortc import (
    RTCRtpReceiver,
)
from aiortc.codecs import CODECS, HEADER_EXTENSIONS, is_rtx
from aiortc.codecs.base import Decoder
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsTransport,
    RtpRouter,
    SRTPProtectionProfile,
)
from aiortc.rtcicetransport import RTCIceGatherer
from aiortc.rtcrtpparameters import (
    RTCRtcpFeedback,
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
)
from aiortc.rtcsctptransport import RTCSctpTransport
from aiortc.rtp import RtcpRtpfbPacket
from OpenSSL import SSL

from visavis.server.rtc import (
    association,
    channels,
    feedback,
    ingress,
    jitter,
    packets,
    receiver,
)
from visavis.server.rtc.agent import Agent
from visavis.server.rtc.reach import current, local_addresses
from visavis.server.rtc.sender import MediaTimeSender

# 8 lost checks, each 0.5 s of waiting and 0.6 s (0.8 to 1.2 times) of pause: 8 to 10 s. RFC 7675
# asks for 5 s and 30 s. So many, because 2 % of loss must not end a session by chance.
_CONSENT_FAILURES: Final = 8
_CONSENT_INTERVAL: Final = 0.6  # s
_SCTP: Final = aiortc.rtcsctptransport
_SCTP_UNTIL: Final = (
    "aiortc checks the lengths and numbers of SCTP chunks, and keeps to the window it advertised"
)

# Pictures alone are numbered: for sound the page's microphone would be numbered too, and would wait
# for reports that we do not make.
_codecs: Final = {
    "audio": CODECS["audio"],
    "video": [
        codec if is_rtx(codec) else replace(
            codec, rtcpFeedback=[*codec.rtcpFeedback, RTCRtcpFeedback(type="transport-cc")]
        )
        for codec in CODECS["video"]
    ],
}  # fmt: skip
_extensions: Final = {
    "audio": HEADER_EXTENSIONS["audio"],
    "video": [
        *HEADER_EXTENSIONS["video"],
        RTCRtpHeaderExtensionParameters(id=4, uri=feedback.EXTENSION),  # 4: no other has it
    ],
}


@dataclass(frozen=True, slots=True)
class Hook:
    """One name of aiortc or aioice that is replaced, and the change there that would end it."""

    owner: Any
    name: str
    ours: Any
    until: str


def install() -> None:
    """Put every hook in place; does nothing the second time.

    Raises RuntimeError when aiortc or aioice no longer have a name that is to be replaced.
    """
    for hook in hooks():
        if not hasattr(hook.owner, hook.name):
            moved = f"{hook.owner.__name__}.{hook.name} has moved"
            raise RuntimeError(f"{moved}: the hooks are for aiortc 1.16.0, aioice 0.13.0")
        setattr(hook.owner, hook.name, hook.ours)


def hooks() -> tuple[Hook, ...]:
    """All of them."""
    return (
        Hook(
            aiortc.rtcpeerconnection,
            "RTCRtpSender",
            MediaTimeSender,
            "an encoder may be handed to a sender (aiortc #711, #1026), it encodes outside of the "
            "default executor, sender reports carry the time of the media, not of the sending, and "
            "what is sent, retransmissions too, is paced by what the receiver reports",
        ),
        Hook(
            aiortc.rtcrtpreceiver,
            "JitterBuffer",
            jitter.jitter_buffer,
            "received sound is not prefetched, and a lost packet is given up after a time "
            "(aiortc #543); pictures end at the RTP marker",
        ),
        Hook(
            aiortc.rtcrtpreceiver,
            "get_decoder",
            _decoder,
            "lost sound is concealed: a microphone's timeline must not shrink (aiortc #543); and "
            "what cannot be decoded neither ends the thread nor writes a line a packet",
        ),
        *_guards(),
        Hook(
            aiortc.rtcpeerconnection,
            "RTCRtpReceiver",
            receiver.BoundedReceiver,
            "a receiver bounds packets, sources and queues, and ends whatever it was sent",
        ),
        Hook(
            aiortc.rtcrtpreceiver,
            "decoder_worker",
            receiver.decode,
            "the decoder's thread survives any exception and makes no task for each frame",
        ),
        Hook(
            aiortc.rtcpeerconnection,
            "CODECS",
            _codecs,
            "aiortc negotiates transport-wide feedback, and its senders go by it",
        ),
        Hook(aiortc.rtcpeerconnection, "HEADER_EXTENSIONS", _extensions, "the same"),
        Hook(RtcpRtpfbPacket, "parse", staticmethod(feedback.parse), "the same"),
        Hook(
            RTCIceGatherer,
            "getDefaultIceServers",
            staticmethod(list),
            "no public STUN host is asked unless somebody names it",
        ),
        Hook(
            ice,
            "CONSENT_FAILURES",
            _CONSENT_FAILURES,
            "aioice's Connection takes how soon a dead peer is noticed (RFC 7675) as an argument",
        ),
        Hook(ice, "CONSENT_INTERVAL", _CONSENT_INTERVAL, "the same"),
        Hook(
            ice,
            "get_host_addresses",
            _addresses,
            "aioice's Connection takes the addresses to gather on, or a filter (aioice #2, #57)",
        ),
        Hook(
            ice,
            "get_or_create_mdns_protocol",
            _no_mdns,
            "resolving a .local candidate no longer holds up the answer, or can be switched off",
        ),
        Hook(
            RTCCertificate,
            "_create_ssl_context",
            _ssl_context,
            "aiortc offers ciphers for RSA certificates, too (GStreamer's webrtcbin has one)",
        ),
        Hook(
            RTCSctpTransport,
            "_data_channel_receive",
            channels.receive,
            "a text that is not UTF-8, or a DCEP message out of place, does not end the transport",
        ),
    )


def _guards() -> tuple[Hook, ...]:
    """What keeps strangers, and a hostile peer, from the connection and from everybody else."""
    return (
        Hook(
            ice,
            "StunProtocol",
            ingress.Gate,
            "aioice drops what is empty, and data from an address that is in no validated pair, "
            "and leaves requests without its password unanswered",
        ),
        Hook(
            stun,
            "parse_message",
            ingress.parse_message,
            "parse_message raises ValueError for whatever is no STUN message",
        ),
        Hook(
            aiortc.rtcicetransport,
            "Connection",
            Agent,
            "aioice bounds candidates, pairs (RFC 8445 6.1.2.5) and learned addresses, paces its "
            "checks, and takes the ports and addresses to gather on (aioice #2, #57)",
        ),
        Hook(
            RTCDtlsTransport,
            "_recv_next",
            ingress.recv_next,
            "an exception of a parser or a handler no longer ends aiortc's receive loop",
        ),
        Hook(
            RTCDtlsTransport,
            "_send_rtp",
            packets.send_rtp,
            "a packet does not pass four coroutines on its way to the socket",
        ),
        Hook(
            RtpRouter,
            "route_rtp",
            ingress.route_rtp,
            "the router bounds the sources that a peer may make up",
        ),
        Hook(
            RTCRtpReceiver,
            "_send_rtcp",
            ingress.send_rtcp,
            "a report with a value that does not fit no longer ends the task that reports",
        ),
        *(
            Hook(owner, ours.__name__ if owner is _SCTP else f"_{ours.__name__}", ours, _SCTP_UNTIL)
            for owner, ours in (
                (_SCTP, association.decode_params),
                (RTCSctpTransport, association.receive_data_chunk),
                (RTCSctpTransport, association.receive_forward_tsn_chunk),
                (RTCSctpTransport, association.receive_sack_chunk),
            )
        ),
    )


def _decoder(codec: RTCRtpCodecParameters) -> Decoder:
    return jitter.decoder(codec, partial(ingress.faulty, "undecodable"))


_plain_context = RTCCertificate._create_ssl_context
# aiortc's own, and the same for peers whose certificate is RSA (RFC 8827 6.5 has ECDSA first).
_CIPHERS: Final = b":".join(
    b"ECDHE-%s-%s" % (key, rest)
    for key in (b"ECDSA", b"RSA")
    for rest in (b"AES128-GCM-SHA256", b"CHACHA20-POLY1305", b"AES128-SHA", b"AES256-SHA")
)


def _ssl_context(
    certificate: RTCCertificate, srtp_profiles: list[SRTPProtectionProfile]
) -> SSL.Context:
    context = _plain_context(certificate, srtp_profiles)
    context.set_cipher_list(_CIPHERS)
    return context


def _addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    # A machine without a network still has a page and a server of its own.
    hosts = current().hosts or local_addresses(use_ipv4, use_ipv6)
    return sorted(hosts, key=_far) or ["127.0.0.1"]


def _far(address: str) -> tuple[bool, bool]:
    """What is reached from most places first: some peers (GStreamer's) take the first alone."""
    parsed = ip_address(address.partition("%")[0])
    return parsed.is_loopback, parsed.version == 6


class _NoMdns:
    async def resolve(self, hostname: str) -> str | None:
        return None


async def _no_mdns(subscriber: object) -> Any:
    return _NoMdns()
