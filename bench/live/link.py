"""A bad link in software: a UDP proxy with a cap, a queue, loss, jitter and outages; it counts.

Sizes are what a wire carries: UDP payload, 8 bytes of UDP and 20 of IPv4.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

_HEADERS: Final = 28  # bytes of IPv4 and UDP
_ORDER: Final = 1e-6  # s between two that arrive together: timers of one time have no order
_SEED: Final = 5  # each run loses the same packets, as far as the same are sent

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Conditions:
    """Of both directions alike. A queue that is full drops what comes last."""

    cap: float | None = None  # bit/s
    queue: float = 0.3  # s of the cap that the queue holds
    delay: float = 0.0  # s, each way
    jitter: float = 0.0  # s that may come on top, evenly distributed; order is kept
    loss: float = 0.0  # share
    outage: float = 0.0  # s in which nothing passes, once
    dip: float = 0.0  # s after which the cap is lifted, and before which it does not hold


class Link:
    """One direction."""

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions
        self.is_down = False
        self.offered: dict[str, int] = defaultdict(int)  # bytes by kind
        self.passed: dict[str, int] = defaultdict(int)
        self.dropped: dict[str, int] = defaultdict(int)  # packets that found the queue full
        self.waits: list[float] = []  # s in the queue
        self.each_second: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._free_at = self._last = 0.0  # when the wire is free; when the last one arrives
        self._random = random.Random(_SEED)
        self._loop = asyncio.get_running_loop()
        self.began = self._loop.time()

    def carry(self, data: bytes, kind: str, deliver: Callable[[bytes], None]) -> None:
        """Let it arrive in time, or not at all."""
        now, size, link = self._loop.time(), len(data) + _HEADERS, self.conditions
        self.offered[kind] += size
        self.each_second[int(now - self.began)][kind] += size
        if self.is_down or self._random.random() < link.loss:
            return
        leaves = now
        if link.cap:
            wait = max(0.0, self._free_at - now)
            if wait > link.queue:
                self.dropped[kind] += 1
                return
            self.waits.append(wait)
            leaves = self._free_at = now + wait + size * 8 / link.cap
        self.passed[kind] += size
        arrives = leaves + link.delay + self._random.random() * link.jitter
        self._last = max(self._last + _ORDER, arrives)
        if self._last <= now:
            deliver(data)
        else:
            self._loop.call_at(self._last, deliver, data)

    def report(self, seconds: float) -> dict[str, Any]:
        """kbit/s by kind that came and that passed, and how long they queued."""

        def rate(sizes: dict[str, int]) -> dict[str, float]:
            return {k: round(v * 8 / seconds / 1000, 1) for k, v in sorted(sizes.items())}

        return {
            "offered_kbit_s": rate(self.offered),
            "passed_kbit_s": rate(self.passed),
            "dropped_by_the_queue": dict(self.dropped),
            "queued_ms": {
                f"p{p}": round(1000 * float(np.percentile(self.waits, p))) for p in (50, 95, 99)
            } if self.waits else {},
            "offered_each_second_kbit_s": [
                {k: round(v * 8 / 1000) for k, v in sorted(self.each_second[s].items())}
                for s in range(int(seconds))
            ],
        }  # fmt: skip


class Proxy:
    """Stands between a page and the media ports of a server."""

    def __init__(self, conditions: Conditions, at: float) -> None:
        self._wanted, self._at = conditions, at
        link = replace(conditions, cap=None) if conditions.dip else conditions
        self.down, self.up = Link(link), Link(link)
        self._kinds: dict[int, str] = {}  # RTP payload type -> kind
        self._sockets: list[asyncio.DatagramTransport] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    def begin(self) -> None:
        """The measurement begins: what happens once happens `at` seconds from now."""
        self._began = self._loop.time()
        for link in (self.down, self.up):
            link.began = self._began
            for sizes in (link.offered, link.passed, link.dropped, link.each_second):
                sizes.clear()
            link.waits.clear()
        if self._wanted.outage:
            self._later(self._at, self._break, True)
            self._later(self._at + self._wanted.outage, self._break, False)
        if self._wanted.dip:
            self._later(self._at, self._cap, self._wanted.cap)
            self._later(self._at + self._wanted.dip, self._cap, None)

    def _later(self, seconds: float, call: Callable[..., None], value: object) -> None:
        self._timers.append(self._loop.call_later(seconds, call, value))

    def _break(self, is_down: bool) -> None:
        self.down.is_down = self.up.is_down = is_down

    def _cap(self, cap: float | None) -> None:
        for link in (self.down, self.up):
            link.conditions = replace(link.conditions, cap=cap)

    async def stand_between(self, answer: str) -> str:
        """An SDP answer in which each candidate is a port of the proxy's own."""
        self._note_kinds(answer)
        fronts: dict[Address, int] = {}
        lines = []
        for line in answer.splitlines(keepends=True):
            if not line.startswith("a=candidate:"):
                lines.append(line)
                continue
            words = line.split(" ")
            server = (words[4], int(words[5]))
            if server not in fronts:
                fronts[server] = await self._front(server)
            words[4], words[5] = "127.0.0.1", str(fronts[server])
            lines.append(" ".join(words))
        return "".join(lines)

    def _note_kinds(self, answer: str) -> None:
        media = ""
        for line in answer.splitlines():
            if line.startswith("m="):
                media = {"audio": "sound"}.get(line[2:].split()[0], line[2:].split()[0])
            elif found := re.match(r"a=rtpmap:(\d+) (\w+)/", line):
                kind = "retransmissions" if found[2].lower() == "rtx" else media
                self._kinds[int(found[1])] = kind

    async def _front(self, server: Address) -> int:
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Front(self, server), local_addr=("127.0.0.1", 0)
        )
        self._sockets.append(transport)
        port: int = transport.get_extra_info("sockname")[1]
        return port

    async def back(self, server: Address, deliver: Callable[[bytes], None]) -> Any:
        """A socket from which the server hears one address of the page's."""
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Back(self, deliver), remote_addr=server
        )
        self._sockets.append(transport)
        return transport

    def kind(self, data: bytes) -> str:
        """RFC 7983's demultiplexing, and what the payload type says."""
        if not data or data[0] < 4:
            return "stun"
        if data[0] < 128:
            return "data"
        if 192 <= data[1] <= 223:
            return "rtcp"
        return self._kinds.get(data[1] & 0x7F, "video")

    def report(self) -> dict[str, Any]:
        """Both directions since `begin`."""
        seconds = self._loop.time() - self._began
        up = self.up.report(seconds)
        del up["offered_each_second_kbit_s"]
        return {"to_the_page": self.down.report(seconds), "to_the_server": up}

    def close(self) -> None:
        """Let go of every socket."""
        for timer in self._timers:
            timer.cancel()
        for transport in self._sockets:
            transport.close()


class _Front(asyncio.DatagramProtocol):
    def __init__(self, proxy: Proxy, server: Address) -> None:
        self._proxy, self._server = proxy, server
        self._backs: dict[Address, asyncio.Task[Any]] = {}

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if addr not in self._backs:

            def deliver(back: bytes) -> None:
                if not self._transport.is_closing():
                    self._transport.sendto(back, addr)

            self._backs[addr] = asyncio.ensure_future(self._proxy.back(self._server, deliver))
        back = self._backs[addr]
        if back.done():  # a check that comes before is repeated by ICE
            self._proxy.up.carry(data, self._proxy.kind(data), back.result().sendto)


class _Back(asyncio.DatagramProtocol):
    def __init__(self, proxy: Proxy, deliver: Callable[[bytes], None]) -> None:
        self._proxy, self._deliver = proxy, deliver

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._proxy.down.carry(data, self._proxy.kind(data), self._deliver)

    def error_received(self, exc: OSError) -> None:
        """The server has closed this port."""
