"""When a sheet is seen, and how it comes and goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from visavis.server.studio.layers.sheets import WHOLE, Sheet

_IN: Final = 0.5  # s
_OUT: Final = 0.3


@dataclass(frozen=True, slots=True)
class Shown:
    """A sheet from `begin` to `end`, s; None: to the end of the scene, however long it is.

    rise: px that it comes up from below while it appears; a sheet without `eased` is there at once.
    """

    sheet: Sheet
    begin: float
    end: float | None
    rise: int = 0
    eased: bool = True

    def at(self, at: float) -> tuple[int, int]:
        """Share of its opacity, to WHOLE, and px that it is lower than its place, even."""
        if at < self.begin or (self.end is not None and at >= self.end):
            return 0, 0
        if not self.eased:
            return WHOLE, 0
        come = min((at - self.begin) / _IN, 1.0)
        settled = 1 - (1 - come) ** 3
        left = 1.0 if self.end is None else min((self.end - at) / _OUT, 1.0)
        share = min(1.6 * come, 1.0) * left * left * (3 - 2 * left)
        return round(WHOLE * share), 2 * round(self.rise * (1 - settled) / 2)
