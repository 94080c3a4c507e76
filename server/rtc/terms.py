"""What all connections of one session have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from visavis.server.rtc.allowance import Limits
from visavis.server.rtc.congestion import Observer
from visavis.server.rtc.dialect import Dialect, Ours
from visavis.server.rtc.reach import Reach


@dataclass(frozen=True, slots=True)
class Terms:
    """ice: STUN and TURN addresses. reach: where media is received. network: makes who is told
    what one connection can carry. dialect: makes what is spoken on a visitor's data channel.
    background: what was asked for the face to stand before.
    """

    avatar: str
    voice: str
    ice: tuple[str, ...]
    reach: Reach
    limits: Limits
    network: Callable[[], Observer]
    dialect: Callable[[], Dialect] = Ours
    background: str = ""

    def shortened(self, length: int) -> Terms:
        """The same, for a session of so many s at most; 0: as long as any."""
        if not length or 0 < self.limits.length <= length:
            return self
        return replace(self, limits=replace(self.limits, length=float(length)))
