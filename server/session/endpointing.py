"""When a visitor's turn begins, pauses and ends, by voice activity and evidence. No audio."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from visavis.engines.language.phrases import closed, dangling

FRAME_MS: Final = 20
Change = Literal["started", "paused", "resumed"]

# Voiced frames, of so many, with which a turn goes on: after a pause, and after its end.
_AGAIN: Final = 2, 4
_ANEW: Final = 3, 5


# What each finding adds to the log odds that a turn is over: logistic regression over 780 finished
# and broken-off utterances (`docs/figures.md`), rounded. What a question mark takes away: voices
# that break off are often written as short questions.
_DANGLING: Final = -3.4
_OPEN: Final = -1.8
_ASKED: Final = -1.1
_SOUND: Final = 0.35  # times those of the sound: the network was not trained on every voice
_SURE: Final = 0.75  # of its answer is a mind that may give it at once
_KNOWN: Final = 1.7
_UNSAID: Final = 1.7  # where the mind does not say how sure it is

_OVER: Final = 1.2  # from here on a known question is answered after the least silence
# Else how long a silence ends a turn, by the odds: a finished sentence is answered within 1.2 s,
# and a hesitation of 0.9 s is not broken into.
_ODDS: Final = (-3.0, -1.5, 0.0, 1.0, 2.0)
_SILENCES: Final = (1500, 1050, 900, 550, 350)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the end of a turn at a pause.

    text: the words so far. finished: the probability by their sound, None: not known. sure: how
    sure the mind is of its answer, None: it does not say, or not yet.
    """

    text: str
    finished: float | None = None
    sure: float | None = None

    @property
    def known(self) -> bool:
        """Whether the mind is sure enough to answer at once."""
        return self.sure is not None and self.sure >= _SURE

    @property
    def odds(self) -> float:
        """Log odds, so to speak, that the turn is over; about 0 where nothing is known."""
        if dangling(self.text):
            odds = _DANGLING
        elif not closed(self.text):
            odds = _OPEN
        else:
            odds = _ASKED if self.text.rstrip().endswith("?") else 0.0
        if self.finished is not None:
            p = min(max(self.finished, 0.02), 0.98)
            odds += _SOUND * math.log(p / (1.0 - p))
        if self.sure is None:
            return odds + _UNSAID
        return odds + self.sure + (_KNOWN if self.known else 0.0)


@dataclass(frozen=True, slots=True)
class Endpointing:
    """Thresholds in milliseconds of voice or of silence."""

    onset: int = 80  # voice within twice that time, before speech counts as begun
    onset_over_reply: int = 140  # the same while the avatar speaks: echo and coughs are short
    pause: int = 60  # silence after which the words so far are transcribed
    again: int = 200  # after which the sound is asked once more: a longer pause tells more
    least: int = 160  # silence that ends a turn which is surely over
    settled: int = 1500  # silence after which nothing that is said belongs to the turn before
    unheard: int = 6_000  # silence after which words that have not come are given up
    longest: int = 25_000  # whisper hears 30 s at most

    def silence_for(self, found: Evidence) -> int:
        """How long a silence ends the turn: `least` to 1500 ms."""
        odds = found.odds
        whole = closed(found.text) and not dangling(found.text)
        if whole and found.known and odds >= _OVER:
            return self.least
        return round(float(np.interp(odds, _ODDS, _SILENCES)))


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
