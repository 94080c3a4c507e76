"""One RTP stream as a receiver sees it, counted and not decoded; what it reports about it."""

from __future__ import annotations

import struct
from array import array
from typing import Any, Final

import numpy as np
from aiortc.rtp import RtcpReceiverInfo, RtcpSenderInfo

TRANSPORT_CC: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
_GRID: Final = {"audio": 960, "video": 3600}  # RTP clock from one packet or picture to the next
RATE: Final = {"audio": 48_000, "video": 90_000}
_AGAIN: Final = 0.1  # s after which a packet is asked for once more ...
_TIMES: Final = 5  # ... so often, then a keyframe


class Stream:
    """Of one SSRC. Times of arrival in s of time.time()."""

    def __init__(self, kind: str) -> None:
        self.kind, self.ssrc = kind, 0
        self.packets, self.bytes, self.keyframes = 0, 0, 0
        self.media, self.came = array("q"), array("d")  # of each picture, or packet of sound
        self.reports: list[tuple[int, float]] = []  # RTP time, s since 1970, of sender reports
        self.missing: dict[int, tuple[float, int]] = {}  # number -> asked at, how often
        self.first: int | None = None
        self._highest, self._time, self._keyframe_at = -1, 0, -1
        self._jitter, self._transit = 0.0, 0.0
        self._reported = (0, 0)  # expected, received at the last report
        self._lsr, self._lsr_at = 0, 0.0

    def take(self, sequence: int, time: int, now: float, payload: bytes, mime: str) -> list[int]:
        """A packet came; numbers of those that were left out before it."""
        self.packets += 1
        self.bytes += len(payload)
        number = _unwrap(sequence, self._highest, 16) if self.first is not None else sequence
        if self.first is None:
            self.first, self._highest = number, number - 1
        self.missing.pop(number & 0xFFFF, None)
        gap = range(self._highest + 1, number) if number - self._highest < 500 else range(0)
        self._highest = max(self._highest, number)
        self._time = at = _unwrap(time, self._time, 32) if self.media else time
        self._note(at, now)
        if self.kind == "video" and at != self._keyframe_at and is_key(payload, mime):
            self.keyframes, self._keyframe_at = self.keyframes + 1, at
        return [lost & 0xFFFF for lost in gap]

    def _note(self, at: int, now: float) -> None:
        transit = now * RATE[self.kind] - at
        if self._transit:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit
        if self.media and self.media[-1] == at:
            self.came[-1] = now
        elif not self.media or at > self.media[-1]:
            self.media.append(at)
            self.came.append(now)

    def wanted(self, now: float) -> tuple[list[int], bool]:
        """What is asked for again, and whether a keyframe is."""
        again = [n for n, (at, _) in self.missing.items() if now - at > _AGAIN]
        lost = [n for n in again if self.missing[n][1] >= _TIMES]
        for number in again:
            self.missing[number] = now, self.missing[number][1] + 1
        for number in lost:
            del self.missing[number]
        return [n for n in again if n in self.missing], bool(lost)

    def heard(self, report: RtcpSenderInfo, now: float) -> None:
        """A sender report."""
        self._lsr, self._lsr_at = (report.ntp_timestamp >> 16) & 0xFFFFFFFF, now
        if self.media:
            at = _unwrap(report.rtp_timestamp, self._time, 32)
            self.reports.append((at, report.ntp_timestamp / 2**32 - 2_208_988_800))

    def report(self, now: float) -> RtcpReceiverInfo | None:
        """For a receiver report."""
        if self.first is None:
            return None
        expected = self._highest - self.first + 1
        more, got = expected - self._reported[0], self.packets - self._reported[1]
        self._reported = expected, self.packets
        lost = max(0, more - got)
        return RtcpReceiverInfo(
            ssrc=self.ssrc,
            fraction_lost=min(255, lost * 256 // more) if more > 0 else 0,
            packets_lost=max(0, expected - self.packets),
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=int(self._jitter),
            lsr=self._lsr,
            dlsr=int((now - self._lsr_at) * 65536) & 0xFFFFFFFF if self._lsr else 0,
        )

    # --- afterwards -------------------------------------------------------------------------------

    def delays(self, since: float, until: float) -> tuple[Any, Any]:
        """Media time in s since 1970, as reports say, and how much later it came, in s."""
        media, came = np.array(self.media, np.float64), np.array(self.came)
        origin = float(np.median([ntp - at / RATE[self.kind] for at, ntp in self.reports]))
        chosen = (came >= since) & (came < until)
        shown = media[chosen] / RATE[self.kind] + origin
        return shown, came[chosen] - shown

    def summary(self, since: float, until: float) -> dict[str, Any]:
        """What came in this time: missing, late, and the longest time without."""
        media, came = np.array(self.media, np.int64), np.array(self.came)
        chosen = (came >= since) & (came < until)
        media, came = media[chosen], came[chosen]
        if len(media) < 2:
            return {"received": len(media)}
        grid = _GRID[self.kind]
        expected = int((media[-1] - media[0]) // grid) + 1
        behind = came - media / RATE[self.kind]
        late = int((behind - np.median(behind) > grid / RATE[self.kind]).sum())
        gaps = np.diff(came)
        return {
            "received": len(media),
            "per_second": round((len(media) - 1) / (came[-1] - came[0]), 2),
            "missing": expected - len(media),
            "later_than_one_step": late,
            "bad_percent": round(100 * (expected - len(media) + late) / expected, 2),
            "gap_ms": {
                "p50": _ms(np.percentile(gaps, 50)), "p99": _ms(np.percentile(gaps, 99)),
                "longest": _ms(gaps.max()),
            },
            "gaps_over_100_ms": int((gaps > 0.1).sum()),
        }  # fmt: skip


def skews(voice: Stream, face: Stream, since: float, until: float) -> Any:
    """s by which each picture came later than the sound of its moment."""
    if not voice.reports or not face.reports:
        return np.zeros(0)
    (heard, sound), (shown, picture) = (s.delays(since, until) for s in (voice, face))
    if len(heard) < 2:
        return np.zeros(0)
    within = (shown >= heard[0]) & (shown <= heard[-1])
    return picture[within] - np.interp(shown[within], heard, sound)


def _ms(seconds: float) -> float:
    return round(1000 * float(seconds), 1)


def _unwrap(value: int, near: int, bits: int) -> int:
    half, whole = 1 << (bits - 1), 1 << bits
    return near + ((value - near + half) % whole) - half


def is_key(payload: bytes, mime: str) -> bool:
    """Whether a payload begins a keyframe (RFC 6184, RFC 7741)."""
    if len(payload) < 4:
        return False
    if mime == "H264":
        kind = payload[0] & 31
        if kind == 24:  # several in one: SPS and PPS come before each
            kind = payload[3] & 31
            return kind in (5, 7)
        if kind == 28:
            return bool(payload[1] & 0x80) and payload[1] & 31 == 5
        return kind in (5, 7)
    if not payload[0] & 0x10 or payload[0] & 7:
        return False
    at = 1
    if payload[0] & 0x80:
        extended = payload[1]
        at = 2
        if extended & 0x80:
            at += 2 if payload[2] & 0x80 else 1
        at += bool(extended & 0x40) + bool(extended & 0x30)
    return len(payload) > at and not payload[at] & 1


class Feedback:
    """Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01)."""

    def __init__(self) -> None:
        self._came: dict[int, float] = {}
        self._newest, self._next, self._count = 0, -1, 0

    def take(self, number: int, now: float) -> None:
        """A packet of this transport-wide number came."""
        self._newest = number = _unwrap(number, self._newest, 16) if self._next >= 0 else number
        if self._next < 0:
            self._next = number
        self._came[number] = now

    def packet(self, ssrc: int, media: int) -> bytes | None:
        """RTCP of what came since the last one."""
        if not self._came:
            return None
        base = min(self._next, *self._came)
        last = max(self._came)
        reference = int(self._came[min(self._came)] / 0.064)
        at, symbols, deltas = reference * 256, [], b""
        for number in range(base, last + 1):
            came = self._came.get(number)
            if came is None:
                symbols.append(0)
                continue
            ticks = round(came * 4000)
            delta, at = ticks - at, ticks
            is_small = 0 <= delta < 256
            symbols.append(1 if is_small else 2)
            deltas += struct.pack("!B" if is_small else "!h", max(-32768, min(32767, delta)))
        self._came.clear()
        self._next, self._count = last + 1, (self._count + 1) & 0xFF
        return _feedback(ssrc, media, base, symbols, deltas, reference, self._count)


def _feedback(
    ssrc: int, media: int, base: int, symbols: list[int], deltas: bytes, reference: int, count: int
) -> bytes:
    chunks = b""
    for start in range(0, len(symbols), 7):
        chunk = 0xC000
        for place, symbol in enumerate(symbols[start : start + 7]):
            chunk |= symbol << (12 - 2 * place)
        chunks += struct.pack("!H", chunk)
    body = struct.pack(
        "!LLHHL", ssrc, media, base & 0xFFFF, len(symbols), (reference & 0xFFFFFF) << 8 | count
    )
    body += chunks + deltas
    padding = -len(body) % 4
    if padding:
        body += bytes(padding - 1) + bytes([padding])
    first = 0x80 | (0x20 if padding else 0) | 15
    return struct.pack("!BBH", first, 205, len(body) // 4) + body
