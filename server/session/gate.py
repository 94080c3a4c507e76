"""Whether a visitor's sound is taken: the microphone's button, a little late."""

from __future__ import annotations

from typing import Final

from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import Tick, ms

_IN_FLIGHT: Final[Tick] = ms(250)  # sound on its way from the visitor when the button is released


class Gate:
    """Open until it is switched off, and then for what is still under way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._closes: Tick | None = None  # None: it stays open

    def closed(self, at: Tick) -> bool:
        """Whether what arrives at `at` was made after the button was released."""
        return self._closes is not None and at >= self._closes

    def switch(self, on: bool) -> None:
        """The button is pressed, or released."""
        if on:
            self._closes = None
        elif self._closes is None:  # a second release opens nothing again
            self._closes = self._clock.now() + _IN_FLIGHT
