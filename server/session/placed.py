"""Where the sound of a pushed segment lies in time, and how much of it was heard."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from visavis.server.playout.messages import Tick


@dataclass(slots=True)
class Segment:
    """number: from 1. placed: stretches of its sound, (at, length), that were not heard in full.

    begins: its first sound; None: it has none so far. begun: that was told. complete: no more of
    it will come. passed: how much was heard, or left out, and is no longer among `placed`.
    """

    number: int
    placed: deque[tuple[Tick, Tick]] = field(default_factory=deque)
    begins: Tick | None = None
    begun: bool = False
    complete: bool = False
    passed: Tick = 0

    def place(self, at: Tick, length: Tick) -> None:
        """More of it, after what there is."""
        self.begins = at if self.begins is None else self.begins
        if self.placed and self.ends == at:
            first, before = self.placed.pop()
            self.placed.append((first, before + length))
        else:
            self.placed.append((at, length))

    @property
    def ends(self) -> Tick:
        """The tick after its last sound so far."""
        return sum(self.placed[-1]) if self.placed else 0

    def heard(self, until: Tick) -> Tick:
        """How much of it has sounded by `until`, which grows from call to call."""
        while len(self.placed) > 1 and sum(self.placed[0]) <= until:
            self.passed += self.placed.popleft()[1]
        return self.passed + sum(min(max(until - at, 0), n) for at, n in self.placed)
