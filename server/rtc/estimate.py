"""How much the network carries, by what the receiver reports. Pure logic.

Times are seconds of any one clock, handed in; rates are bit/s of RTP payload of pictures,
retransmissions included, as in a REMB.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from statistics import median
from typing import Final

from visavis.server.rtc.feedback import Arrival

START: Final = 300_000  # 44 dB of PSNR already; a thin link survives it
LEAST: Final = 50_000
MOST: Final = 3_000_000

_FELL: Final = 0.97  # a REMB lower than this part of the one before is a finding
_GROWTH: Final = 1.08  # a second, draft-ietf-rmcat-gcc-02 5.5 ...
_NEAR_GROWTH: Final = 1.03  # ... and near what was too much the last time
_FIRST_GROWTH: Final = 2.0  # a second, while nothing was ever found wrong ...
_FIRST_MOST: Final = 2_000_000  # ... up to here: more is of no use for 512 x 512
_USED: Final = 0.7  # part of the rate that must be used to show that there is room for more
_REMEMBERED: Final = 30.0  # s after a congestion in which the link is taken for thin
_THIN: Final = 500_000  # a rate below this stays thin
_SILENCE: Final = 3.0  # s without RTCP, which comes every 0.5 to 1.5 s: the link is down
_BLIND: Final = 150_000  # is sent then: what comes through first tells that it is back
_SLEEP: Final = 1.5  # s without RTCP, after which reports of loss tell of an outage, so long

_LONG: Final = 0.06  # s that packets may queue before less is sent ...
_LASTS: Final = 0.1  # ... for so long: a browser that stands still for a moment is no queue, ...
_SHORT: Final = 0.03  # ... and within which more may be tried
_BACK_OFF: Final = 0.85  # of what arrives is sent then, draft-ietf-rmcat-gcc-02 5.5 ...
_DRAIN: Final = 0.7  # ... and of a long queue, to be rid of it
_VERY_LONG: Final = 0.15  # s
_LATELY: Final = 0.4  # s over which arrivals are measured where a queue grows fast
_GROWS: Final = 0.05  # s by which a queue is longer than at the last cut: that was not enough
_SETTLE: Final = 0.4  # s, and a round trip, until it shows what sending less has done
_FRESH: Final = 0.2  # s of which the fastest packet tells of the queue: jitter is none ...
_PACKETS: Final = 3  # ... and so many at least
_BASE: Final = 60  # s of which the fastest packet tells what the way takes without a queue
_ANOTHER_CLOCK: Final = 100.0  # s of delay that no queue makes: the receiver's clock wrapped

# Loss: draft-ietf-rmcat-gcc-02 6 takes more than 10 % for congestion. We subtract what was lost all
# along, for the air's own loss does not go away when less is sent.
_EXCESS: Final = 0.08
_FLOOD: Final = 0.3  # from here on what arrived is what the link carries
_CLEAN: Final = 0.02  # up to here is none
_EVIDENCE: Final = 20  # packets that a share of lost ones is told of at least, ...
_JUDGED: Final = 1.0  # ... and s, unless they are a flood
_REPORTS: Final = 10
# Of r bit/s a link that carries c loses s = 1 - c/r; once less is sent by s/2, 0.59 s at most.
_PERSISTS: Final = 0.7  # of the loss before: sending less did not help, so it is the air's own


class Flow:
    """bit/s over the last second, or another window."""

    def __init__(self, window: float = 1.0) -> None:
        self._window = window  # s
        self._bits: deque[tuple[float, int]] = deque()
        self._sum = 0
        self._began: float | None = None

    def add(self, now: float, bits: int) -> None:
        """So much passed now."""
        self._began = now if self._began is None else self._began
        self._bits.append((now, bits))
        self._sum += bits
        self._forget(now)

    def rate(self, now: float) -> float:
        """Of a flow that has just begun: since then, but over 0.2 s at least."""
        self._forget(now)
        since = self._window if self._began is None else now - self._began
        return self._sum / min(self._window, max(0.2, since))

    def _forget(self, now: float) -> None:
        while self._bits and now - self._bits[0][0] >= self._window:
            self._sum -= self._bits.popleft()[1]


class Queue:
    """How long packets wait on the way: the fastest of the last few against the fastest of all."""

    def __init__(self) -> None:
        self._delays: deque[tuple[float, float]] = deque()
        self._fastest: deque[tuple[int, float]] = deque(maxlen=_BASE)  # of each second

    def add(self, now: float, delay: float) -> None:
        """A packet took so long, by two clocks that differ by anything that stays."""
        if self._fastest and abs(delay - self._fastest[-1][1]) > _ANOTHER_CLOCK:
            self._delays.clear()
            self._fastest.clear()
        self._delays.append((now, delay))
        while len(self._delays) > _PACKETS and now - self._delays[0][0] > _FRESH:
            self._delays.popleft()
        second = int(now)
        if self._fastest and self._fastest[-1][0] == second:
            delay = min(delay, self._fastest.pop()[1])
        self._fastest.append((second, delay))

    def wait(self) -> float:
        """s, when packets came last."""
        if not self._delays:
            return 0.0
        recent = min(delay for _, delay in self._delays)
        return recent - min(delay for _, delay in self._fastest)


class Estimate:
    """What the network carries.

    By transport-wide feedback where there is any: less when packets queue, more when they do not
    and what is sent shows it; a calm face shows nothing. Else by REMB, which is at most 1.5 times
    what arrived (libwebrtc's AimdRateControl): only one that falls, and below what is sent, tells
    of congestion. And by loss, in both cases. Once there was congestion the link is thin.
    """

    def __init__(self) -> None:
        self.queue = 0.0  # s that packets wait on the way
        self._value: float = START
        self._sent, self._sound = Flow(), Flow()
        self._arrived, self._arrived_lately = Flow(), Flow(_LATELY)
        self._cut_queue = 0.0  # s that packets waited at the last cut
        self._queue = Queue()
        self._long_since: float | None = None  # the queue
        self._sound_then = 0.0  # bit/s of sound when the value was found
        self._cut_at: float | None = None
        self._cut_from: float = MOST  # what was too much then
        self._grown_at: float | None = None
        self._heard_at: float | None = None
        self._back_at: float | None = None  # when RTCP came again after a while
        self._is_told = False  # by transport-wide feedback
        self._last_remb: int | None = None
        self._lost = self._expected = 0.0
        self._judged_at: float | None = None
        # A connection begins as a clean one: loss at once is congestion until it proves steady.
        self._losses: deque[float] = deque([0.0] * (_REPORTS // 2), maxlen=_REPORTS)
        self._blamed: tuple[float, float] | None = None  # loss that was cut for, the rate before

    def rate(self, now: float) -> int:
        """bit/s to be sent now."""
        return round(min(self._value, _BLIND) if self.is_down(now) else self._value)

    def is_down(self, now: float) -> bool:
        """Whether the receiver has gone silent."""
        return self._heard_at is not None and now - self._heard_at > _SILENCE

    def is_thin(self, now: float) -> bool:
        """Whether what is sent at once would queue: pictures are paced then."""
        if self._cut_at is None:
            return self.is_down(now)
        return now - self._cut_at < _REMEMBERED or self.rate(now) < _THIN

    def beside(self, now: float, sound: int) -> int:
        """`rate`, so that sound may begin to take `sound` bit/s without pushing anything out.

        The rate was found beside the sound of that moment, and sound takes a fifth in silence of
        what it takes in speech.
        """
        if not self.is_thin(now):
            return self.rate(now)
        return max(LEAST, round(self.rate(now) - max(0.0, sound - self._sound_then)))

    def sent(self, now: float, size: int) -> None:
        """`size` bytes of a picture were sent, for the first time or again."""
        self._sent.add(now, size * 8)

    def sent_sound(self, now: float, size: int) -> None:
        """`size` bytes of sound were sent."""
        self._sound.add(now, size * 8)

    def heard(self, now: float) -> None:
        """RTCP has come. After an outage half of what was sent before is tried."""
        if self.is_down(now):
            self._cut(now, self._value / 2)
            self._last_remb = None
        if self._heard_at is not None and now - self._heard_at > _SLEEP:
            self._back_at = now
        self._heard_at = now

    def feedback(self, now: float, arrivals: Sequence[Arrival], rtt: float = 0.1) -> None:
        """Transport-wide feedback: these packets came."""
        self._is_told = True
        for packet in arrivals:
            self._arrived.add(now, packet.bits)
            self._arrived_lately.add(now, packet.bits)
            self._queue.add(now, packet.came - packet.left)
        if not arrivals:
            return
        self.queue = self._queue.wait()
        if self.queue > _LONG:
            self._long_since = now if self._long_since is None else self._long_since
            if now - self._long_since >= _LASTS:
                self._drain(now, rtt)
            return
        self._long_since = None
        if self.queue < _SHORT and self._sent.rate(now) > _USED * self._value:
            self._grow(now)
        else:
            self._grown_at = now

    def _drain(self, now: float, rtt: float) -> None:
        if not self._is_settled(now, rtt) and self.queue < self._cut_queue + _GROWS:
            return
        if self.queue > _VERY_LONG:
            self._cut(now, _DRAIN * self._arrived_lately.rate(now))
        else:
            self._cut(now, _BACK_OFF * self._arrived.rate(now))

    def _is_settled(self, now: float, rtt: float = 0.1) -> bool:
        return self._cut_at is None or now - self._cut_at > _SETTLE + rtt

    def remb(self, now: float, estimate: int) -> None:
        """The receiver estimates that at most `estimate` bit/s reach it."""
        before, self._last_remb = self._last_remb, estimate
        if self._is_told:
            return
        fell = before is None or estimate < _FELL * before
        if fell and estimate < 0.9 * self._sent.rate(now):
            self._cut(now, estimate)
        elif self.is_thin(now):
            self._grow(now, estimate)
        elif estimate > self._value:
            self._value = min(estimate, MOST)

    def loss(self, now: float, lost: float, packets: int) -> None:
        """Of `packets` the receiver lost this share, 0 .. 1."""
        sleeping = self._heard_at is not None and now - self._heard_at > _SLEEP
        if sleeping or (self._back_at is not None and now - self._back_at < _SLEEP):
            return  # it tells of an outage
        self._lost += lost * packets
        self._expected += packets
        if self._expected < _EVIDENCE:
            return
        share, usual, count = self._lost / self._expected, median(self._losses), self._expected
        if share < _FLOOD and self._judged_at is not None and now - self._judged_at < _JUDGED:
            return
        self._lost, self._expected, self._judged_at = 0.0, 0.0, now
        self._losses.append(share)
        if self._was_air(share):
            return
        chance = 2 * math.sqrt(max(usual, _CLEAN) / count)  # two standard deviations
        if share - usual > _EXCESS + chance:
            self._lose(now, share)
        elif share <= _CLEAN and self._cut_at is None:
            self._grow(now)

    def _was_air(self, share: float) -> bool:
        """Whether the last cut for loss was for nothing: it is taken back then."""
        blamed, self._blamed = self._blamed, None
        if blamed is None or not self._is_told or self.queue > _SHORT:
            return False
        before, value = blamed
        if not _PERSISTS * before <= share < _FLOOD:
            return False
        self._losses.extend([share] * _REPORTS)
        self._value = max(self._value, value)
        return True

    def _lose(self, now: float, share: float) -> None:
        if not self._is_settled(now):
            return
        self._blamed = share, self._value
        sending = min(self._value, max(LEAST, self._sent.rate(now)))
        left = sending * (1 - share if share > _FLOOD else 1 - 0.5 * share)
        self._cut(now, max(left, _DRAIN * self._arrived_lately.rate(now)))

    def _cut(self, now: float, value: float) -> None:
        self._cut_from = max(LEAST, min(self._value, self._sent.rate(now)))
        self._value = max(LEAST, min(value, self._value))
        self._cut_at = self._grown_at = now
        self._cut_queue = self.queue
        self._sound_then = self._sound.rate(now)

    def _grow(self, now: float, most: float = MOST) -> None:
        since = 0.0 if self._grown_at is None else min(1.0, now - self._grown_at)
        self._grown_at = now
        self._sound_then = self._sound.rate(now)
        if self._cut_at is None:
            factor, most = _FIRST_GROWTH, min(most, max(_FIRST_MOST, self._value))
        elif self._value < 0.8 * self._cut_from or self._value > self._cut_from:
            factor = _GROWTH
        else:
            factor = _NEAR_GROWTH
        self._value = max(LEAST, min(self._value * factor**since, most, MOST))
