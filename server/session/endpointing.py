"""When the visitor's turn begins, pauses and ends, from voice activity. No audio, no clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

from visavis.engines.language.phrases import closed, dangling

FRAME_MS: Final = 20
Change = Literal["started", "paused", "resumed"]

# Voiced frames, of so many, with which a turn goes on: after a pause, and after its end.
_AGAIN: Final = 2, 4
_ANEW: Final = 3, 5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the end of a turn at a pause.

    text: the words so far. finished: the probability by their sound, None: not known. awaited:
    whether it soon will be. sure: how sure the mind is of its answer, None: it does not say, or
    not yet.
    """

    text: str
    finished: float | None = None
    awaited: bool = False
    sure: float | None = None


@dataclass(frozen=True, slots=True)
class Endpointing:
    """Thresholds in milliseconds of voice or of silence."""

    onset: int = 80  # voice within twice that time, before speech counts as begun
    onset_over_reply: int = 140  # the same while the avatar speaks: echo and coughs are short
    pause: int = 60  # silence after which the words so far are transcribed
    least: int = 160  # silence that ends a turn whose end nothing speaks against
    end_closed: int = 380  # silence that ends a turn whose words make a finished sentence
    end: int = 600  # silence that ends any other turn
    end_dangling: int = 1100  # the same when the last word asks for more: "to the", "and"
    most: int = 1500  # of a hesitation
    settled: int = 1500  # silence after which nothing that is said belongs to the turn before
    unheard: int = 6_000  # silence after which words that have not come are given up
    longest: int = 25_000  # whisper hears 30 s at most

    def silence_for(self, found: Evidence) -> int:
        """How long a silence ends the turn."""
        return self.end_dangling if dangling(found.text) else (
            self.end_closed if closed(found.text) else self.end
        )


class Endpointer:
    """Counts 20 ms frames. `talking` from the start of a turn until `reset`."""

    def __init__(self, limits: Endpointing) -> None:
        self._limits = limits
        self._recent: deque[bool] = deque(maxlen=2 * limits.onset_over_reply // FRAME_MS)
        self.talking = False
        self._was_paused = False
        self._again = _AGAIN
        self.silence = 0  # ms since the last voice
        self.voice = 0  # ms of voice without a pause

    def push(self, voice: bool, over_reply: bool) -> Change | None:
        """One frame; what it changes."""
        self._recent.append(voice)
        if self._was_paused:  # one frame alone is a click, not the next word
            enough, within = self._again
            voice = voice and sum(list(self._recent)[-within:]) >= enough
        self.silence = 0 if voice else self.silence + FRAME_MS
        self.voice = self.voice + FRAME_MS if voice else self.voice
        if not self.talking:
            return self._start(self._limits.onset_over_reply if over_reply else self._limits.onset)
        if voice and self._was_paused:
            self._was_paused, self._again = False, _AGAIN
            return "resumed"
        if self.silence == self._limits.pause:
            self._was_paused, self.voice = True, 0
            return "paused"
        return None

    def linger(self) -> None:
        """The turn is over, unless the visitor goes on; that takes more than a click."""
        self._recent.clear()
        self._was_paused, self._again = True, _ANEW

    def _start(self, onset: int) -> Change | None:
        window = list(self._recent)[-2 * onset // FRAME_MS :]
        if sum(window) * FRAME_MS < onset:
            return None
        self.talking, self._was_paused = True, False
        return "started"

    def reset(self) -> None:
        """The turn is over."""
        self.talking, self._was_paused, self._again = False, False, _AGAIN
        self.voice = 0
        self._recent.clear()
