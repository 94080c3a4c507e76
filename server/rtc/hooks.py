"""aiortc mended from outside, and the few ways in which the server uses it. No session logic.

`install` puts the hooks in place once for the process; importing does nothing. What is mended:

    RTCRtpSender            own encoders, own threads, reports in media time, and no more than
                            the network carries (sender.py)
    JitterBuffer, decoders  sound without prefetch and without holes (jitter.py)
    RTCRtpReceiver, threads one sound, as fast as a microphone makes it (receiver.py)
    sockets, receive loop   strangers are not heard, no datagram ends a session (ingress.py)
    ICE agent               few candidates, slow checks, the operator's addresses (agent.py)
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

import asyncio
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Literal
from urllib.parse import unquote

import aiortc.rtcicetransport
import aiortc.rtcpeerconnection
import aiortc.rtcrtpreceiver
import aiortc.rtcsctptransport
from aioice import ice, stun
from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.codecs import CODECS, HEADER_EXTENSIONS, is_rtx
from aiortc.codecs.base import Decoder
from aiortc.exceptions import OperationError
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter
from aiortc.rtcicetransport import RTCIceCandidate, RTCIceGatherer, connection_kwargs
from aiortc.rtcrtpparameters import (
    RTCRtcpFeedback,
    RTCRtpCodecCapability,
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
)
from aiortc.rtcsctptransport import RTCSctpTransport
from aiortc.rtp import RtcpRtpfbPacket
from OpenSSL import SSL

from visavis.server.rtc import (
    association,
    candidates,
    channels,
    feedback,
    ingress,
    jitter,
    offers,
    receiver,
)
from visavis.server.rtc.agent import Agent
from visavis.server.rtc.congestion import Congestion, Observer
from visavis.server.rtc.reach import Reach, current, using
from visavis.server.rtc.sender import MediaTimeSender, ntp_time
from visavis.server.system.errors import ConfigError, Malformed, Problem, Unprocessable
from visavis.server.system.faults import fault
from visavis.server.system.seldom import Seldom

__all__ = [
    "add_candidates", "answer", "close", "configuration", "install", "ntp_time",
    "packets_received", "prefer", "said_goodbye",
]  # fmt: skip

Codec = Literal["H264", "VP8"]

# 8 lost checks, each 0.5 s of waiting and 0.6 s (0.8 to 1.2 times) of pause: 8 to 10 s. RFC 7675
# asks for 5 s and 30 s. So many, because 2 % of loss must not end a session by chance.
_CONSENT_FAILURES: Final = 8
_CONSENT_INTERVAL: Final = 0.6  # s
_CLOSE_WITHIN: Final = 5.0  # s
_SCTP: Final = aiortc.rtcsctptransport
_SCTP_UNTIL: Final = (
    "aiortc checks the lengths and numbers of SCTP chunks, and keeps to the window it advertised"
)
_SECRET: Final = re.compile(r"(?P<scheme>turns?:)(?P<user>[^:@]+):(?P<secret>[^@]+)@(?P<rest>.+)")

log = logging.getLogger(__name__)
_seldom = Seldom(log)
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

_all_addresses = ice.get_host_addresses


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


def configuration(servers: Iterable[str] = ()) -> RTCConfiguration:
    """STUN and TURN addresses (RFC 7064, 7065) -> configuration. None: no server, ever.

    A TURN address carries its account: `turn:name:secret@host:port?transport=udp`, both parts
    percent-encoded. Raises ConfigError.
    """
    parsed = [_server(url) for url in servers]
    return RTCConfiguration(iceServers=parsed)


def _server(url: str) -> RTCIceServer:
    account = _SECRET.fullmatch(url)
    if account:
        server = RTCIceServer(
            account["scheme"] + account["rest"],
            unquote(account["user"]),
            unquote(account["secret"]),
        )
    else:
        server = RTCIceServer(url)
    try:
        is_usable = bool(connection_kwargs([server]))
    except ValueError:
        is_usable = False
    if not is_usable:
        shown = url.rpartition("@")[2]  # never the secret
        msg = f"ice_servers: {shown} is no stun: or turn: address that aiortc can use"
        raise ConfigError(msg)
    return server


def prefer(pc: RTCPeerConnection, codec: Codec = "H264") -> None:
    """Answer with this video codec if the peer has it, else the other one; sound is Opus.

    A peer's own picture is not received: nobody looks at it, and decoding it would be a viewer's
    way to the processor. Call it after the tracks are added and before `setRemoteDescription`:
    later aiortc ignores it.
    """
    for transceiver in pc.getTransceivers():
        transceiver.setCodecPreferences(_ranked(transceiver, codec))
        if transceiver.kind == "video":
            transceiver.direction = "sendonly"


def _ranked(transceiver: RTCRtpTransceiver, codec: Codec) -> list[RTCRtpCodecCapability]:
    known = RTCRtpSender.getCapabilities(transceiver.kind).codecs
    if transceiver.kind == "audio":
        return [c for c in known if c.name == "opus"]
    order = {codec.lower(): 0, "rtx": 2}
    # Of the H.264 profiles, constrained baseline (42e01f) first: it is what we send.
    return sorted(
        known,
        key=lambda c: (
            order.get(c.name.lower(), 1),
            c.parameters.get("profile-level-id") != "42e01f",
        ),
    )


async def answer(
    pc: RTCPeerConnection, offer: str, reach: Reach | None = None, codec: Codec = "H264",
    observer: Observer | None = None,
) -> str:  # fmt: skip
    """SDP offer -> SDP answer with all candidates, for a connection that has its tracks.

    reach: where we are reached; None: at all addresses but loopback. Where that is loopback alone,
    Firefox is also given this machine's other addresses. observer: is told what this connection
    may send. Raises Malformed; Unprocessable when a track of ours has no section of its kind in the
    offer, or no codec that both sides know; Full when no port for media is left.
    """
    reach = reach or Reach()
    usable = offers.checked(offer, reach)
    prefer(pc, codec)
    congestion = share(pc)
    if observer is not None:
        congestion.observer = observer
    with using(replace(reach, hosts=_reachable(reach.hosts, offer))):
        try:
            await pc.setRemoteDescription(RTCSessionDescription(usable, "offer"))
            await pc.setLocalDescription(await pc.createAnswer())
        except (Problem, OSError):
            raise
        except OperationError as error:
            msg = "the offer has no codec in common: it needs Opus, and H.264 or VP8"
            raise Unprocessable(msg, "no-codec") from error
        except Exception as error:
            _seldom.warning("offer", "an offer could not be answered", fault=fault(error))
            msg = "the body is no usable SDP offer"
            raise Malformed(msg, "malformed-sdp") from error
    return str(pc.localDescription.sdp)


def share(pc: RTCPeerConnection) -> Congestion:
    """Let all senders of a connection go by one estimate of what the network carries."""
    senders = [sender for sender in pc.getSenders() if isinstance(sender, MediaTimeSender)]
    shared = senders[0].delivery.congestion if senders else Congestion()
    for sender in senders:
        sender.delivery.congestion = shared
    return shared


async def add_candidates(pc: RTCPeerConnection, fragment: str, reach: Reach) -> None:
    """Trickled candidates, an SDP fragment as RFC 8840 has it; those of no use are left out.

    All media is bundled, so that it does not matter which section they are for. Raises Malformed,
    or Unprocessable when a session has had too many: then none is taken.
    """
    lines = [line[2:] for line in fragment.splitlines() if line.startswith("a=candidate:")]
    transport = pc.getTransceivers()[0].receiver.transport.transport
    known = {(c.ip, c.port) for c in transport.getRemoteCandidates() if c.type != "prflx"}
    if len(lines) > candidates.MOST:
        raise _too_many()
    try:
        written = [candidates.read(line) for line in lines]
    except ValueError as error:
        msg = "not an ICE candidate"
        raise Malformed(msg, "malformed-candidate") from error
    new = [c for c in candidates.best(written, reach) if (c.host, c.port) not in known]
    if len(known) + len(new) > candidates.MOST:
        raise _too_many()
    for c in new:
        await transport.addRemoteCandidate(
            RTCIceCandidate(
                c.component, c.foundation, c.host, c.port, c.priority, c.transport, c.kind
            )
        )


def _too_many() -> Unprocessable:
    msg = f"{candidates.MOST} candidates of a session are tried: this one has had them"
    return Unprocessable(msg, "too-many-candidates")


def _reachable(hosts: tuple[str, ...], offer: str) -> tuple[str, ...]:
    # Firefox has no loopback candidate, and its ICE (nICEr) pairs no other address with one: not
    # even a page of this machine would be reached. Whoever lacks the answer's ICE password and the
    # DTLS certificate of the offer is not heard at those addresses.
    if not any(line.startswith("o=mozilla") for line in offer.splitlines()):
        return hosts
    if not hosts or not all(host.startswith("127.") for host in hosts):
        return hosts
    return (*hosts, *_all_addresses(use_ipv4=True, use_ipv6=True))


def _addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    # A machine without a network still has a page and a server of its own.
    hosts = current().hosts or _all_addresses(use_ipv4, use_ipv6)
    return list(hosts) or ["127.0.0.1"]


class _NoMdns:
    async def resolve(self, hostname: str) -> str | None:
        return None


async def _no_mdns(subscriber: object) -> Any:
    return _NoMdns()


def packets_received(pc: RTCPeerConnection) -> int:
    """Packets of sound, feedback and data that came from the peer so far; no ICE checks."""
    # Not getStats(): that is a coroutine, and asks every sender and receiver.
    reports = [stats for t in _transports(pc) for stats in t._get_stats().values()]
    return sum(stats.packetsReceived for stats in reports)


def said_goodbye(pc: RTCPeerConnection) -> bool:
    """Whether the peer has closed the connection (close_notify, RFC 5246 7.2.1), not been lost.

    aiortc's states do not tell: both end as "closed".
    """
    return any(
        transport._ssl is not None and transport._ssl.get_shutdown() & SSL.RECEIVED_SHUTDOWN
        for transport in _transports(pc)
    )


def _transports(pc: RTCPeerConnection) -> set[RTCDtlsTransport]:
    return {transceiver.receiver.transport for transceiver in pc.getTransceivers()}


async def close(pc: RTCPeerConnection) -> None:
    """Close, whatever state it is in; leaves no task, thread or socket. Safe to call twice.

    A caller that is cancelled does not stop it half way. Raises TimeoutError after 5 s.
    """
    for sender in pc.getSenders():
        if sender.track is not None:
            sender.track.stop()  # aiortc leaves the track of a sender that never started alive
    closing = asyncio.ensure_future(pc.close())
    async with asyncio.timeout(_CLOSE_WITHIN):
        await asyncio.shield(closing)
