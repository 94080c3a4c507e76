"""How fluent faces may be while there is too little time to draw them all. Draws nothing itself.

One measure for all sessions of a process: how long pictures take, waiting included, and how many
come after their time. What is given up is given up in one order, first where it is missed least,
and by all sessions of a kind alike. It is given up quickly, and tried again soon: what was too
much for a moment (sessions that begin, another program) is mostly over within a second or two.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from visavis.server.playout.messages import TICK_RATE, Fluency
from visavis.server.session.showing import LEADS, LONGEST, Urgency

log = logging.getLogger(__name__)

Present = Mapping[Urgency, int]  # sessions that are drawn, by how urgent they are

# A mouth that is at rest needs no pictures of its own, so only those who speak have that step.
_ORDER: Final[tuple[tuple[Urgency, Fluency], ...]] = (
    ("unseen", "still"),
    ("idle", "half"),
    ("attentive", "half"),
    ("speaking", "mouth"),
    ("speaking", "half"),
    ("idle", "few"),
    ("attentive", "few"),
    ("speaking", "few"),
    ("idle", "still"),
    ("attentive", "still"),
    ("speaking", "still"),
)

_WINDOW: Final = 0.5  # s in which pictures are judged together ...
_FEW: Final = 3  # ... until there are so many ...
_LONG: Final = 3.0  # ... or so many s have passed
_SOON: Final = 0.03  # s; who asks later than this before the time is not made late by drawing
# s that a picture may take at least, however late it was asked for.
_GIVEN: Final = LEADS["full"] / TICK_RATE

# What whole pictures take on average, of what they may take, and how many of all come late, from
# which on a face is better off after the step: half of the pictures in time are worse than all of
# them with a twentieth missing.
_SLOW: Final[dict[Fluency, tuple[float, float]]] = {
    "mouth": (0.8, 0.03), "half": (1.0, 0.12), "few": (1.2, 0.25),
}  # fmt: skip
_SLOW_UNHEARD: Final = 0.8, 0.03  # the same, for steps of faces that do not speak
_STUCK: Final = 1.6, 0.5  # too much at once, but for few pictures; else only if it stays so ...
_PATIENCE: Final = 2  # ... for so many windows: a single stall is no reason
_BACKLOG: Final = 0.25  # s after a step down, until what was asked for before it is drawn
_FROZEN: Final = LONGEST / TICK_RATE  # s that a picture takes for which a face stands still ...
_UNWILLING: Final = 6  # ... windows in a row

# How many come late, at most, where a step back may be tried. It is likely to last where pictures
# take so little of what they may take after it, and so many fill so much of the cores; it cannot
# where they take more than they may.
_CALM: Final = 0.02
_EASY, _ROOM = 0.5, 0.7
_WARM: Final = 0.6  # of what a picture takes where they are few, with cold caches
_UNLIKELY: Final = 0.2  # of its time counts towards a step back that is not likely to last
_LOST: Final = 2.0  # of the time in which they were late
_HOLD: Final = 1.5, 12.0  # s of it, at first and at most: doubled when a step back did not last ...
_LASTS: Final = 2.0  # ... for so many s, halved when it did ...
_SETTLED: Final = 3.0  # ... but not if somebody came so few s before: it is new, and not too much
# Pictures a second, counted in whole ones: a mouth alone is about half of one.
_RATES: Final[dict[Fluency, float]] = {
    "full": 25.0, "mouth": 18.75, "half": 12.5, "few": 6.25, "still": 1.0,
}  # fmt: skip


@dataclass(slots=True)
class _Window:
    began: float
    pictures: int = 0
    late: int = 0
    whole: int = 0
    taken: float = 0.0  # s, by whole pictures together ...
    worked: float = 0.0  # ... of which they were drawn
    strain: float = 0.0  # of what they may take

    def is_over(self, now: float) -> bool:
        length = now - self.began
        return length >= _WINDOW and (self.pictures >= _FEW or length >= _LONG)

    @property
    def each(self) -> float:
        """s that a whole picture took."""
        return self.taken / max(self.whole, 1)

    @property
    def work(self) -> float:
        """s for which it kept a core."""
        return self.worked / max(self.whole, 1)

    @property
    def missed(self) -> float:
        """Share of the pictures that were late; a single one says nothing."""
        return self.late / self.pictures if self.late > 1 else 0.0

    def exceeds(self, strain: float, late: float) -> bool:
        return self.strain / max(self.whole, 1) > strain or self.missed > late


class Relief:
    """The step that all sessions of a process have taken together: how far down `_ORDER`.

    patches: whether a mouth can be drawn by itself; else that step is left out. cores: that many
    pictures are drawn at a time.
    """

    def __init__(self, *, patches: bool, cores: int = 1) -> None:
        self._cores = cores
        self._order = [step for step in _ORDER if patches or step[1] != "mouth"]
        self.level = 0
        self._window: _Window | None = None
        self._slow = 0  # windows in a row
        self._earned = 0.0  # s that count towards the next step back
        self._holds: dict[int, float] = {}  # s, by the level that is tried
        self._changed = self._raised = self._came = float("-inf")  # when

    def fluency(self, urgency: Urgency) -> Fluency:
        """How a session's pictures are drawn now."""
        return self._at(self.level, urgency)

    def hold(self, level: int) -> float:
        """s of time enough after which it goes back up to this level."""
        return self._holds.get(level, _HOLD[0])

    def came(self, now: float) -> None:
        """Another session is drawn from now on: what begins takes longer than what goes on."""
        self._came = now

    def left(self) -> None:
        """There is one less, and more time for the others: what did not last may do so now."""
        self._holds.clear()

    def drawn(
        self, asked: float, due: float, done: float, *, whole: bool, worked: float,
        present: Callable[[], Present],
    ) -> None:  # fmt: skip
        """A picture was made. worked: s, without waiting. present: who is drawn at all."""
        if asked < self._changed:
            return  # drawn as it was before
        window = self._window = self._window or _Window(asked)
        window.pictures += 1
        window.late += done > max(due, asked + _SOON)
        if whole:
            window.whole += 1
            window.taken += done - asked
            window.worked += worked
            window.strain += (done - asked) / max(due - asked, _GIVEN)
        if window.is_over(done):
            self._window = None
            self._judge(window, done, present())

    def missed(self, now: float, count: int) -> None:
        """So many pictures were not even asked for: the one before took too long."""
        if now < self._changed:
            return
        window = self._window = self._window or _Window(now)
        window.pictures += count
        window.late += count

    def _judge(self, window: _Window, now: float, present: Present) -> None:
        down, up = self._beside(+1, present), self._beside(-1, present)
        if down is not None and self._must(window, down, present):
            self._step(down, now)
        elif up is not None:
            self._earn(window, now - window.began, up, present)
            if self._earned >= self.hold(up):
                self._step(self._best(window, up, present), now)

    def _must(self, window: _Window, down: int, present: Present) -> bool:
        """Whether this step down is better than to go on."""
        changes = self._changes(down, present)
        is_frozen = any(step == "still" for who, step in changes.items() if who != "unseen")
        if is_frozen:
            is_slow = window.each >= _FROZEN
        else:
            enough = _SLOW[changes["speaking"]] if "speaking" in changes else _SLOW_UNHEARD
            is_slow = window.exceeds(*enough)
        self._slow = self._slow + 1 if is_slow else 0
        if is_frozen:
            return self._slow >= _UNWILLING
        is_stuck = "few" not in changes.values() and window.exceeds(*_STUCK)
        return is_stuck or self._slow >= _PATIENCE

    def _earn(self, window: _Window, seconds: float, up: int, present: Present) -> None:
        """What was drawn in these seconds, for or against a step up."""
        if window.missed > _CALM or window.each > self._given(up, present):
            self._earned = max(0.0, self._earned - _LOST * seconds)
        else:
            is_likely = self._is_likely(window, up, present)
            self._earned += seconds * (1.0 if is_likely else _UNLIKELY)

    def _is_likely(self, window: _Window, level: int, present: Present) -> bool:
        """Whether there is room for so many pictures, by what one takes here."""
        load = sum(n * _RATES[self._at(level, who)] for who, n in present.items())
        is_cold = all(self.fluency(who) in {"few", "still"} for who in present)
        work = window.work * (_WARM if is_cold else 1.0)
        has_room = load * work <= _ROOM * self._cores
        return has_room and window.each <= _EASY * self._given(level, present)

    def _best(self, window: _Window, up: int, present: Present) -> int:
        """How far up at once: as far as it is likely to last."""
        best = up
        while best and self._earned >= self.hold(best - 1):
            if not self._is_likely(window, best - 1, present):
                break
            best -= 1
        while best and all(self._at(best - 1, who) == self._at(best, who) for who in present):
            best -= 1  # nobody who is there sees a difference
        return best

    def _given(self, level: int, present: Present) -> float:
        """s that a picture may take at that level."""
        steps = self._changes(level, present).values()
        return min((LEADS[step] for step in steps), default=LEADS["full"]) / TICK_RATE

    def _at(self, level: int, urgency: Urgency) -> Fluency:
        taken = [fluency for who, fluency in self._order[:level] if who == urgency]
        return taken[-1] if taken else "full"

    def _changes(self, level: int, present: Present) -> dict[Urgency, Fluency]:
        """How those who are there and are drawn otherwise at that level are drawn."""
        found = {who: self._at(level, who) for who in present}
        return {who: fluency for who, fluency in found.items() if fluency != self.fluency(who)}

    def _beside(self, way: Literal[1, -1], present: Present) -> int | None:
        """The next level at which somebody who is there is drawn otherwise.

        Where there is none, it is the top; None: nothing more can be given up, or back.
        """
        level = self.level
        while 0 <= level + way <= len(self._order):
            level += way
            if self._changes(level, present):
                return level
        return 0 if way < 0 and self.level else None

    def _step(self, level: int, now: float) -> None:
        self._remember(level, now)
        words = "faces are drawn {} fluently".format("less" if level > self.level else "more")
        self.level = level
        log.info(words, extra={who: self._at(level, who) for who in get_args(Urgency)})

    def _remember(self, level: int, now: float) -> None:
        """A session that halves its load must not flutter: the way up takes longer each time."""
        if level < self.level:
            self._raised = now
        elif now - self._raised >= _LASTS:
            self._holds[self.level] = max(self.hold(self.level) / 2, _HOLD[0])
        elif now - self._came >= _SETTLED:
            self._holds[self.level] = min(2 * self.hold(self.level), _HOLD[1])
        self._changed, self._window = now + (_BACKLOG if level > self.level else 0.0), None
        self._slow, self._earned = 0, 0.0
