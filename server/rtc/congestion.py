"""What of all that one connection could send is sent: one budget that its senders share.

Times are seconds of any one clock, handed in; rates are bit/s of RTP payload.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from visavis.server.rtc.estimate import LEAST, Estimate, Flow
from visavis.server.rtc.feedback import Numbering
from visavis.server.system.metrics import Metrics


class Retransmissions:
    """Which lost packets are sent again: few enough, young enough, not twice in a round trip."""

    SHARE = 0.25  # of the rate ...
    DEPTH = 1.0  # ... saved up over so many seconds
    LEAST_DEPTH = 30_000  # bits: three packets
    OLD = 0.4  # s, and a round trip: after that a keyframe is the sooner help
    AGAIN = 0.1  # s at least before the same packet is sent once more

    def __init__(self) -> None:
        self._saved: float = self.LEAST_DEPTH
        self._at: float | None = None
        self._spent = Flow()
        self._again: dict[int, float] = {}  # sequence number -> when it was sent again

    def verdict(self, now: float, rate: int, rtt: float, packet: Lost) -> str:
        """ "sent", and it is counted as such; "pending", "old" or "budget": it is not to be."""
        self._save(now, rate)
        if now - self._again.get(packet.sequence, -1e9) < max(rtt, self.AGAIN):
            return "pending"
        if now - packet.sent_at > self.OLD + rtt:
            return "old"
        if packet.size * 8 > self._saved:
            return "budget"
        self._saved -= packet.size * 8
        self._spent.add(now, packet.size * 8)
        self._again[packet.sequence] = now
        if len(self._again) > 512:
            self._again = {s: at for s, at in self._again.items() if now - at < 1.0}
        return "sent"

    def rate(self, now: float) -> float:
        """bit/s over the last second."""
        return self._spent.rate(now)

    def _save(self, now: float, rate: int) -> None:
        earned = 0.0 if self._at is None else (now - self._at) * rate * self.SHARE
        most = max(self.LEAST_DEPTH, rate * self.SHARE * self.DEPTH)
        self._saved, self._at = min(most, self._saved + earned), now


@dataclass(frozen=True, slots=True)
class Lost:
    """A packet that the receiver asks for: sequence number, payload bytes, when it was sent."""

    sequence: int
    size: int
    sent_at: float


@dataclass(frozen=True, slots=True)
class Sound:
    """How speech is encoded: bit/s, and the loss in percent that its FEC is to cover."""

    bitrate: int
    loss: int


class Voice:
    """How speech is encoded on this link: less only where pictures have next to nothing left.

    A change makes a new encoder, so it comes at once when it must and back only after a while.
    """

    USUAL: Final = Sound(48_000, 5)
    STEPS: Final = ((150_000, 48_000), (80_000, 32_000), (60_000, 24_000), (0, 16_000))
    LOSSY: Final = 0.08  # of sound, from which FEC covers more
    BACK: Final = 10.0  # s that things must have been better

    def __init__(self) -> None:
        self._is: Sound = self.USUAL
        self._loss = 0.0
        self._better_since: float | None = None

    def report(self, lost: float) -> None:
        """The receiver lost this share of the sound, 0 .. 1."""
        self._loss += 0.5 * (lost - self._loss)

    def wanted(self, now: float, rate: int) -> Sound:
        """At this rate of pictures."""
        wanted = Sound(
            next(bits for least, bits in self.STEPS if rate >= least),
            20 if self._loss > self.LOSSY else 5,
        )
        if wanted == self._is:
            self._better_since = None
        elif wanted.bitrate < self._is.bitrate or wanted.loss > self._is.loss:
            self._is, self._better_since = wanted, None
        elif self._better_since is None:
            self._better_since = now
        elif now - self._better_since > self.BACK:
            self._is, self._better_since = wanted, None
        return self._is


class Observer(Protocol):
    """What an operator wants to know of it."""

    def budget(self, bits: float) -> None:
        """What this connection may send now, in bit/s; 0 when it is over."""
        ...

    def left_out(self) -> None:
        """A picture was left out because the link is thin."""
        ...

    def lost(self, verdict: str) -> None:
        """A packet was asked for again; see `Retransmissions.verdict`."""
        ...


class Unwatched:
    """An observer who does not look."""

    def budget(self, bits: float) -> None:
        """See Observer."""

    def left_out(self) -> None:
        """See Observer."""

    def lost(self, verdict: str) -> None:
        """See Observer."""


class Measured:
    """An observer who counts for the operator. The budget of all connections is one sum."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics, self._budget = metrics, 0.0

    def budget(self, bits: float) -> None:
        """See Observer."""
        self._metrics.budget.inc(bits - self._budget)
        self._budget = bits

    def left_out(self) -> None:
        """See Observer."""
        self._metrics.left_out.inc()

    def lost(self, verdict: str) -> None:
        """See Observer."""
        self._metrics.asked_again.labels(verdict).inc()


class Congestion:
    """What the senders of one connection share. Sound is sent whatever is left for pictures."""

    def __init__(self, observer: Observer | None = None) -> None:
        self.estimate, self.voice, self.numbering = Estimate(), Voice(), Numbering()
        self.retransmissions = Retransmissions()
        self.observer: Observer = observer or Unwatched()
        self.rtt = 0.1  # s, of the last report

    def pictures(self, now: float) -> int:
        """bit/s for an encoder of pictures: what retransmissions leave."""
        sound = self.sound(now).bitrate
        rate = self.estimate.beside(now, sound)
        self.observer.budget(rate + sound)
        return max(LEAST, round(rate - self.retransmissions.rate(now)))

    def sound(self, now: float) -> Sound:
        """How speech is to be encoded now."""
        return self.voice.wanted(now, self.estimate.rate(now))

    def again(self, now: float, packet: Lost) -> str:
        """Whether a lost packet of a picture is sent again, see `Retransmissions.verdict`."""
        rate = self.estimate.rate(now)
        verdict = self.retransmissions.verdict(now, rate, min(self.rtt, 1.0), packet)
        self.observer.lost(verdict)
        return verdict
