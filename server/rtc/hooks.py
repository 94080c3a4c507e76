"""aiortc mended from outside, and the few ways in which the server uses it. No session logic.

`install` puts the hooks in place once for the process; importing does nothing. What is mended:

    RTCRtpSender            own encoders, own threads, reports in media time, and no more than
                            the network carries (sender.py)
    JitterBuffer, decoders  sound without prefetch and without holes (jitter.py)
    CODECS, HEADER_EXTENSIONS, RtcpRtpfbPacket
                            transport-wide feedback (feedback.py)
    default ICE servers     none, instead of a public STUN host
    consent checks          a dead peer is noticed in 8 to 10 s, not 30
    host addresses          only those asked for, 127.0.0.1 among them
    mDNS                    never asked: it held up an answer for a second

aiortc and aioice are pinned exactly in pyproject.toml; tests/server/test_rtc.py tests each.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from urllib.parse import unquote

import aiortc.rtcpeerconnection
import aiortc.rtcrtpreceiver
from aioice import ice
from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.codecs import CODECS, HEADER_EXTENSIONS, is_rtx
from aiortc.exceptions import OperationError
from aiortc.rtcicetransport import RTCIceGatherer, connection_kwargs
from aiortc.rtcrtpparameters import (
    RTCRtcpFeedback,
    RTCRtpCodecCapability,
    RTCRtpHeaderExtensionParameters,
)
from aiortc.rtp import RtcpRtpfbPacket

from visavis.server.rtc import feedback, jitter
from visavis.server.rtc.congestion import Congestion, Observer
from visavis.server.rtc.sender import MediaTimeSender, ntp_time
from visavis.server.system.errors import ConfigError, Malformed, Unprocessable

__all__ = [
    "add_candidate", "answer", "close", "configuration", "install", "ntp_time", "prefer",
]  # fmt: skip

Codec = Literal["H264", "VP8"]

# 8 lost checks, each 0.5 s of waiting and 0.6 s (0.8 to 1.2 times) of pause: 8 to 10 s. RFC 7675
# asks for 5 s and 30 s. So many, because 2 % of loss must not end a session by chance.
_CONSENT_FAILURES: Final = 8
_CONSENT_INTERVAL: Final = 0.6  # s
_CLOSE_WITHIN: Final = 5.0  # s
_SECRET: Final = re.compile(r"(?P<scheme>turns?:)(?P<user>[^:@]+):(?P<secret>[^@]+)@(?P<rest>.+)")
_UNUSABLE: Final = (
    ValueError, KeyError, IndexError, AttributeError, TypeError, AssertionError,
)  # fmt: skip  # what aiortc's parser lets out

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

_hosts: ContextVar[tuple[str, ...]] = ContextVar("hosts", default=())
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
            jitter.decoder,
            "lost sound is concealed: a microphone's timeline must not shrink (aiortc #543)",
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
    )


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

    Call it after the tracks are added and before `setRemoteDescription`: later aiortc ignores it.
    """
    for transceiver in pc.getTransceivers():
        transceiver.setCodecPreferences(_ranked(transceiver, codec))


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
    pc: RTCPeerConnection, offer: str, hosts: Sequence[str] = (), codec: Codec = "H264",
    observer: Observer | None = None,
) -> str:  # fmt: skip
    """SDP offer -> SDP answer with all candidates, for a connection that has its tracks.

    hosts: the local addresses to be reached at, such as ("127.0.0.1",); empty: all but loopback.
    Firefox is also given this machine's others, where hosts holds loopback alone.
    observer: is told what this connection may send.
    Raises Malformed, or Unprocessable when a track of ours has no section of its kind in the
    offer, or no codec that both sides know.
    """
    prefer(pc, codec)
    congestion = share(pc)
    if observer is not None:
        congestion.observer = observer
    try:
        await pc.setRemoteDescription(RTCSessionDescription(_usable(offer), "offer"))
    except OperationError as error:
        msg = "the offer has no codec in common: it needs Opus, and H.264 or VP8"
        raise Unprocessable(msg, "no-codec") from error
    except _UNUSABLE as error:
        msg = "the body is no usable SDP offer"
        raise Malformed(msg, "malformed-sdp") from error
    if any(transceiver.mid is None for transceiver in pc.getTransceivers()):
        msg = "the offer leaves out sound or picture: offer to receive both"
        raise Unprocessable(msg, "no-media")
    with _gathering_on(_reachable(hosts, offer)):
        await pc.setLocalDescription(await pc.createAnswer())
    return str(pc.localDescription.sdp)


def share(pc: RTCPeerConnection) -> Congestion:
    """Let all senders of a connection go by one estimate of what the network carries."""
    senders = [sender for sender in pc.getSenders() if isinstance(sender, MediaTimeSender)]
    shared = senders[0].delivery.congestion if senders else Congestion()
    for sender in senders:
        sender.delivery.congestion = shared
    return shared


def _usable(offer: str) -> str:
    # The peer's own checks reveal every address of its that we do not know yet, so candidates
    # never end: aioice would give up on an offer whose only candidates are mDNS names.
    lines = offer.splitlines(keepends=True)
    if not any(line.startswith("m=") for line in lines):
        msg = "no media section"
        raise ValueError(msg)
    return "".join(line for line in lines if not line.startswith("a=end-of-candidates"))


async def add_candidate(pc: RTCPeerConnection, candidate: str, mid: str) -> None:
    """Trickle: one `candidate:...` line of the peer's for media section `mid`. Raises Malformed."""
    try:
        parsed = aiortc.sdp.candidate_from_sdp(candidate.removeprefix("candidate:"))
        parsed.sdpMid = mid
        await pc.addIceCandidate(parsed)
    except _UNUSABLE as error:
        msg = "not an ICE candidate"
        raise Malformed(msg, "malformed-candidate") from error


def _reachable(hosts: Sequence[str], offer: str) -> tuple[str, ...]:
    # Firefox has no loopback candidate, and its ICE (nICEr) pairs no other address with one: not
    # even a page of this machine would be reached. Whoever lacks the answer's ICE password and the
    # DTLS certificate of the offer is not heard at those addresses.
    if not any(line.startswith("o=mozilla") for line in offer.splitlines()):
        return tuple(hosts)
    if not hosts or not all(host.startswith("127.") for host in hosts):
        return tuple(hosts)
    return (*hosts, *_all_addresses(use_ipv4=True, use_ipv6=True))


@contextmanager
def _gathering_on(hosts: Sequence[str]) -> Iterator[None]:
    # Tasks made inside inherit it: aiortc gathers in `asyncio.gather`.
    token = _hosts.set(tuple(hosts))
    try:
        yield
    finally:
        _hosts.reset(token)


def _addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    # A machine without a network still has a page and a server of its own.
    hosts = _hosts.get() or _all_addresses(use_ipv4, use_ipv6)
    return list(hosts) or ["127.0.0.1"]


class _NoMdns:
    async def resolve(self, hostname: str) -> str | None:
        return None


async def _no_mdns(subscriber: object) -> Any:
    return _NoMdns()


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
