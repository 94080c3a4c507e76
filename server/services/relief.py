"""How fluent faces may be while there is too little time to draw them all. Draws nothing itself.

One measure for all sessions of a process: how long pictures take, waiting included, and how many
come after their time. What is given up is given up in one order, first where it is missed least,
and by all sessions of a kind alike.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, Literal, get_args

from visavis.server.playout.messages import TICK_RATE, Fluency
from visavis.server.session.showing import LEAD, Urgency

log = logging.getLogger(__name__)

# A mouth that is at rest needs no pictures of its own, so only those who speak have that step.
_ORDER: Final[tuple[tuple[Urgency, Fluency], ...]] = (
    ("unseen", "still"),
    ("idle", "half"),
    ("attentive", "half"),
    ("speaking", "mouth"),
    ("speaking", "half"),
    ("idle", "still"),
    ("attentive", "still"),
    ("speaking", "still"),
)

_WINDOW: Final = 0.5  # s in which pictures are judged together ...
_FEW: Final = 3  # ... until there are so many ...
_LONG: Final = 3.0  # ... or so many s have passed
_SOON: Final = 0.03  # s; who asks later than this before the time is not made late by drawing
_GIVEN: Final = (
    LEAD / TICK_RATE
)  # s that a picture may take at least, however late it was asked for
# What whole pictures take on average, of what they may take, and how many of all come late.
_SLOW: Final = 0.6, 0.02  # too much of either, if it stays so for `_PATIENCE` windows
_PATIENCE: Final = 2  # a single stall is no reason
_STUCK: Final = 1.6, 0.5  # too much at once
# What they take in s, and how many come late, where there is time again ...
_QUICK: Final = 0.016, 0.01  # ... if it stays so for as long as `hold`

_HOLD: Final = 5.0, 60.0  # s, at first and at most: doubled when a step back up did not last ...
_LASTS: Final = 10.0  # ... for so many s
_CALM: Final = 60.0  # s that a step back up must have lasted for this to be forgotten

Verdict = Literal["stuck", "slow", "fair", "quick"]


@dataclass(slots=True)
class _Window:
    began: float
    pictures: int = 0
    late: int = 0
    whole: int = 0
    taken: float = 0.0  # s, by whole pictures together
    strain: float = 0.0  # of what they may take

    def is_over(self, now: float) -> bool:
        length = now - self.began
        return length >= _WINDOW and (self.pictures >= _FEW or length >= _LONG)

    def verdict(self) -> Verdict:
        late = self.late / self.pictures if self.late > 1 else 0.0
        whole = max(self.whole, 1)
        strain = self.strain / whole
        if strain > _STUCK[0] or late > _STUCK[1]:
            return "stuck"
        if strain > _SLOW[0] or late > _SLOW[1]:
            return "slow"
        return "quick" if self.taken / whole < _QUICK[0] and late <= _QUICK[1] else "fair"


class Relief:
    """The step that all sessions of a process have taken together: how far down `_ORDER`.

    patches: whether a mouth can be drawn by itself; else that step is left out.
    """

    def __init__(self, *, patches: bool) -> None:
        self._order = [step for step in _ORDER if patches or step[1] != "mouth"]
        self.level = 0
        self.hold = _HOLD[0]  # s for which it must be quick before the next step up
        self._window: _Window | None = None
        self._slow = 0  # windows in a row
        self._quick_since: float | None = None
        self._changed = self._raised = float("-inf")  # when: any step, the last step up

    def fluency(self, urgency: Urgency) -> Fluency:
        """How a session's pictures are drawn now."""
        return self._at(self.level, urgency)

    def _at(self, level: int, urgency: Urgency) -> Fluency:
        taken = [fluency for who, fluency in self._order[:level] if who == urgency]
        return taken[-1] if taken else "full"

    def drawn(
        self, asked: float, due: float, done: float, *, whole: bool,
        present: Callable[[], Collection[Urgency]],
    ) -> None:  # fmt: skip
        """A picture was made. present: how urgent those are that are drawn at all."""
        if asked < self._changed:
            return  # drawn as it was before
        window = self._window = self._window or _Window(asked)
        window.pictures += 1
        window.late += done > max(due, asked + _SOON)
        if whole:
            window.whole += 1
            window.taken += done - asked
            window.strain += (done - asked) / max(due - asked, _GIVEN)
        if window.is_over(done):
            self._window = None
            self._judge(window.verdict(), window.began, done, present)

    def missed(self, now: float, count: int) -> None:
        """So many pictures were not even asked for: the one before took too long."""
        window = self._window = self._window or _Window(now)
        window.pictures += count
        window.late += count

    def _judge(
        self, verdict: Verdict, began: float, now: float, present: Callable[[], Collection[Urgency]]
    ) -> None:
        self._slow = self._slow + 1 if verdict in {"slow", "stuck"} else 0
        if verdict != "quick":
            self._quick_since = None
        elif self._quick_since is None:
            self._quick_since = began
        if verdict == "stuck" or self._slow >= _PATIENCE:
            self._step(+1, now, present())
        elif self.level and self._quick_since is not None and now - self._quick_since >= self.hold:
            self._step(-1, now, present())

    def _step(self, way: Literal[1, -1], now: float, present: Collection[Urgency]) -> None:
        """To the next level at which somebody who is there is drawn otherwise."""
        level = self.level
        while 0 <= level + way <= len(self._order):
            level += way
            if any(self._at(level, who) != self._at(self.level, who) for who in present):
                break
        else:
            if way > 0:
                return  # nothing that could be given up
        self._remember(way, now)
        self.level = level
        words = "faces are drawn less fluently" if way > 0 else "faces are drawn more fluently"
        log.info(words, extra={who: self._at(level, who) for who in get_args(Urgency)})

    def _remember(self, way: Literal[1, -1], now: float) -> None:
        """A session that halves its load must not flutter: the way up takes longer each time."""
        lasted = now - self._raised
        if way < 0:
            self._raised = now
        elif lasted < _LASTS:
            self.hold = min(2 * self.hold, _HOLD[1])
        elif lasted > _CALM:
            self.hold = _HOLD[0]
        self._changed, self._window = now, None
        self._slow, self._quick_since = 0, None
