"""How the server uses an aiortc connection: configured, answered, watched, closed.

`hooks.install` comes first. No session logic.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Literal
from urllib.parse import unquote

from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import OperationError
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcicetransport import connection_kwargs
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from OpenSSL import SSL

from visavis.server.rtc import candidates, offers
from visavis.server.rtc.congestion import Congestion, Observer
from visavis.server.rtc.media import VISITOR, Media
from visavis.server.rtc.reach import Reach, local_addresses, using
from visavis.server.rtc.sender import MediaTimeSender
from visavis.server.system.errors import ConfigError, Malformed, Problem, Unprocessable
from visavis.server.system.faults import fault
from visavis.server.system.seldom import Seldom

log = logging.getLogger(__name__)

Codec = Literal["H264", "VP8"]

_CLOSE_WITHIN: Final = 5.0  # s
_GSTREAMER: Final = "a=rtcp-mux-only"  # of its webrtcbin (RFC 8858), and of no browser
_SECRET: Final = re.compile(r"(?P<scheme>turns?:)(?P<user>[^:@]+):(?P<secret>[^@]+)@(?P<rest>.+)")
_seldom: Final = Seldom(log)


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


def prefer(pc: RTCPeerConnection, codec: Codec = "H264", media: Media = VISITOR) -> None:
    """Answer with this video codec if the peer has it, else the other one; sound is Opus.

    A peer's own picture is not received: nobody looks at it, and decoding it would be a viewer's
    way to the processor. Call it after the tracks are added and before `setRemoteDescription`:
    later aiortc ignores it.
    """
    for transceiver in pc.getTransceivers():
        transceiver.setCodecPreferences(_ranked(transceiver, codec))
        if transceiver.kind == "video" or not media.takes:
            transceiver.direction = "sendonly"


def _restrict(pc: RTCPeerConnection, media: Media) -> None:
    """Of sections that are in the offer alone, take what is to be taken and nothing else."""
    for transceiver in pc.getTransceivers():
        if transceiver.sender.track is None:
            is_taken = transceiver.kind == "audio" and media.takes
            transceiver.direction = "recvonly" if is_taken else "inactive"


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
    observer: Observer | None = None, media: Media = VISITOR,
) -> str:  # fmt: skip
    """SDP offer -> SDP answer with all candidates, for a connection that has its tracks.

    reach: where we are reached; None: at all addresses but loopback. Where that is loopback alone,
    Firefox is also given this machine's other addresses. observer: is told what this connection
    may send. media: what it carries. Raises Malformed; Unprocessable when a track of ours has no
    section of its kind in the offer, or no codec that both sides know; Full when no port for media
    is left.
    """
    reach = reach or Reach()
    usable = offers.checked(offer, reach, media)
    prefer(pc, codec, media)
    congestion = share(pc)
    if observer is not None:
        congestion.observer = observer
    with using(replace(reach, hosts=_reachable(reach.hosts, offer))):
        try:
            await pc.setRemoteDescription(RTCSessionDescription(usable, "offer"))
            _restrict(pc, media)
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
    return offers.whole(str(pc.localDescription.sdp), offer, media)


async def offer(pc: RTCPeerConnection, reach: Reach, codec: Codec = "H264") -> str:
    """An SDP offer with all candidates, for a connection that has its transceivers."""
    for transceiver in pc.getTransceivers():
        transceiver.setCodecPreferences(_ranked(transceiver, codec))
    share(pc)
    with using(reach):
        await pc.setLocalDescription(await pc.createOffer())
    return str(pc.localDescription.sdp)


async def accept(pc: RTCPeerConnection, answer: str) -> None:
    """Take the answer to an offer of ours, from a server that the operator named.

    Raises Malformed.
    """
    try:
        await pc.setRemoteDescription(RTCSessionDescription(offers.bounded(answer), "answer"))
    except Problem:
        raise
    except Exception as error:
        _seldom.warning("answer", "an answer could not be used", fault=fault(error))
        raise Malformed("it is no usable SDP answer", "malformed-sdp") from error


def with_loopback() -> tuple[str, ...]:
    """All addresses of this machine."""
    return ("127.0.0.1", *local_addresses(use_ipv4=True, use_ipv6=True))


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
    known = transport._connection.remote_candidates
    for candidate in candidates.taken(lines, known, reach):
        await transport.addRemoteCandidate(candidate)


def _reachable(hosts: tuple[str, ...], offer: str) -> tuple[str, ...]:
    # Firefox has no loopback candidate, and its ICE (nICEr) pairs no other address with one: not
    # even a page of this machine would be reached. Nor would GStreamer's programs (libnice).
    # Whoever lacks the answer's ICE password and the DTLS certificate of the offer is not heard at
    # those addresses.
    if not any(line.startswith(("o=mozilla", _GSTREAMER)) for line in offer.splitlines()):
        return hosts
    if not hosts or not all(host.startswith("127.") for host in hosts):
        return hosts
    return (*hosts, *local_addresses(use_ipv4=True, use_ipv6=True))


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
