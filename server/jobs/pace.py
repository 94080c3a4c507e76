"""How long something will still take, by how fast it was lately."""

from __future__ import annotations

from collections import deque
from typing import Final

_SPAN: Final = 60.0  # s that count
_LEAST: Final = 2.0  # s before anything is said


class Pace:
    """Fed with shares done and the times of that."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque(maxlen=512)

    def left(self, done: float, now: float) -> float | None:
        """s from `now` on; None: nobody knows yet."""
        if self._seen and done < self._seen[-1][1]:  # begun anew
            self._seen.clear()
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] < now - _SPAN:
            self._seen.popleft()
        began, first = self._seen[0]
        if now - began < _LEAST or done <= first:
            return None
        return (1.0 - done) * (now - began) / (done - first)
