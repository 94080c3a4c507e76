"""How often and how large pictures are sent at a rate. Pure logic; rates in bit/s, times in s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FPS: Final = 25  # pictures a second that there are


@dataclass(frozen=True, slots=True)
class Step:
    """Every `every`th picture, at `scale` of its width and height."""

    scale: float
    every: int

    def needs(self, pixels: int) -> float:
        """bit/s of pictures that have so many pixels at full size."""
        return _ENOUGH * pixels * self.scale**2 * FPS / self.every


# Bits a pixel of a talking face at which x264 keeps 40 dB of PSNR and lips can be read; looked at
# with 50 to 150 kbit/s of 256 to 512 px, see docs/figures.md.
_ENOUGH: Final = 0.02
# Fluency is given up before size, down to a moment at which lips would no longer be read; size
# before it stands still, for a small keyframe is the sooner help on a link that loses some.
STEPS: Final = (
    Step(1.0, 1), Step(1.0, 2), Step(0.75, 2), Step(0.75, 4), Step(0.5, 4), Step(0.5, 8),
)  # fmt: skip


class Ladder:
    """Down at once where only pictures are left out; a change of size, which costs a keyframe, and
    the way up wait until the rate has been so for a while."""

    MARGIN: Final = 1.2  # a better step must be affordable by this much ...
    UP_AFTER: Final = 3.0  # ... for so many s
    DOWN_AFTER: Final = 1.0  # s for which a size must be too large

    def __init__(self) -> None:
        self.step = STEPS[0]
        self._since: float | None = None  # when another step came to be wanted
        self._last: float | None = None  # when a picture was taken

    def takes(self, at: float, rate: int, pixels: int) -> bool:
        """Whether the picture of media time `at` is to be sent; `step` says how large."""
        self._climb(at, rate, pixels)
        if (
            self._last is not None
            and 0 <= at - self._last < (self._every(rate, pixels) - 0.5) / FPS
        ):
            return False
        self._last = at
        return True

    def _every(self, rate: int, pixels: int) -> int:
        # Meanwhile, at the size that still is, as many as can be paid for.
        scale = self.step.scale
        steps = [Step(scale, every) for every in (1, 2, 4, 8) if every >= self.step.every]
        return next((s.every for s in steps if s.needs(pixels) <= rate), 8)

    def _climb(self, at: float, rate: int, pixels: int) -> None:
        index = STEPS.index(self.step)
        wanted = _affordable(rate, pixels)
        if wanted < index:
            wanted = max(wanted, _affordable(rate / self.MARGIN, pixels))
        if wanted == index:
            self._since = None
            return
        if self._since is None or at < self._since:
            self._since = at
        same_size = STEPS[wanted].scale == self.step.scale
        wait = self.UP_AFTER if wanted < index else 0.0 if same_size else self.DOWN_AFTER
        if at - self._since >= wait:
            self.step, self._since = STEPS[wanted], None


def _affordable(rate: float, pixels: int) -> int:
    return next((i for i, s in enumerate(STEPS) if s.needs(pixels) <= rate), len(STEPS) - 1)
