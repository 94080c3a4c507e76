"""A peer's ICE candidates as it writes them (RFC 8839 5.1): read, judged, bounded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from aioice import Candidate
from aiortc import RTCIceCandidate

from visavis.server.rtc.reach import Reach, embedded
from visavis.server.system.errors import Malformed, Unprocessable

MOST: Final = 30  # of a session, offered and trickled; browsers have 2 to 15
_LOWEST_PORT: Final = 1024  # below are services, never a browser or a NAT before it (RFC 4787 4.2)
_WRITTEN: Final = re.compile(
    r"candidate:(?P<foundation>[a-zA-Z0-9+/]{1,32}) (?P<component>\d{1,5}) "
    r"(?P<transport>\S{1,16}) (?P<priority>\d{1,10}) (?P<host>\S{1,253}) (?P<port>\d{1,5}) "
    r"typ (?P<kind>\w{1,16})(?P<more>( \S+)*) ?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Written:
    """One candidate. line: `candidate:...`, without what only describes it."""

    line: str
    foundation: str
    transport: str
    component: int
    priority: int
    host: str
    port: int
    kind: str

    def is_usable(self, reach: Reach) -> bool:
        """Whether it is worth a check, and one may be sent there. Names are never resolved."""
        return (
            self.component == 1  # RTP and RTCP share it
            and self.transport == "udp"
            and self.kind in {"host", "srflx", "relay"}
            and _LOWEST_PORT <= self.port < 1 << 16
            and "%" not in self.host  # a zone of another machine's
            and reach.may_contact(self.host)
            and (reach.is_loopback or not embedded(ip_address(self.host)).is_loopback)
        )


def read(text: str) -> Written:
    """`candidate:...` -> its parts. Raises ValueError."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        msg = "not an ICE candidate"
        raise ValueError(msg)
    return Written(
        found[0][: found.start("more")],
        found["foundation"],
        found["transport"].lower(),
        int(found["component"]),
        int(found["priority"]),
        found["host"],
        int(found["port"]),
        found["kind"],
    )


def taken(lines: list[str], known: Sequence[Candidate], reach: Reach) -> list[RTCIceCandidate]:
    """Trickled lines -> those that are new and of use. known: what the agent has of the peer.

    Raises Malformed, or Unprocessable when a session has had too many: then none is taken.
    """
    if len(lines) > MOST:
        raise _too_many()
    try:
        written = [read(line) for line in lines]
    except ValueError as error:
        msg = "not an ICE candidate"
        raise Malformed(msg, "malformed-candidate") from error
    had = {(c.host, c.port) for c in known if c.type != "prflx"}
    new = [c for c in best(written, reach) if (c.host, c.port) not in had]
    if len(had) + len(new) > MOST:
        raise _too_many()
    return [
        RTCIceCandidate(c.component, c.foundation, c.host, c.port, c.priority, c.transport, c.kind)
        for c in new
    ]


def _too_many() -> Unprocessable:
    msg = f"{MOST} candidates of a session are tried: this one has had them"
    return Unprocessable(msg, "too-many-candidates")


def best(written: list[Written], reach: Reach) -> list[Written]:
    """Those that are usable, each address once, most likely first; `MOST` at most."""
    first: dict[tuple[str, int], Written] = {}
    for candidate in sorted(written, key=lambda c: c.priority, reverse=True):
        if candidate.is_usable(reach):
            first.setdefault((candidate.host, candidate.port), candidate)
    return list(first.values())[:MOST]
