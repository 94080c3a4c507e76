"""When the visitor's turn begins, pauses and ends, from voice activity. No audio, no clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

FRAME_MS: Final = 20
Change = Literal["started", "paused", "resumed"]

_RECENT: Final = 20  # frames that are looked back upon
_AGAIN, _AGAIN_WITHIN = 2, 4  # voiced frames, of so many, with which a turn goes on after a pause

# Whisper closes a sentence that sounds finished with one of these.
_CLOSED: Final = (".", "?", "!")
_DANGLING: Final = frozenset(
    (
        *("a", "an", "and", "are", "at", "but", "can", "could", "do", "for", "from", "how", "i"),
        *("in", "is", "my", "of", "on", "or", "so", "the", "to", "um", "uh", "what", "when"),
        *("where", "with", "would"),
    )
)


@dataclass(frozen=True, slots=True)
class Endpointing:
    """Thresholds in milliseconds of voice or of silence."""

    onset: int = 80  # voice within twice that time, before speech counts as begun
    onset_over_reply: int = 60  # the same while the avatar speaks: it is only held then
    pause: int = 120  # silence after which the words so far are transcribed
    end_closed: int = 380  # silence that ends a turn whose words make a finished sentence
    end: int = 600  # silence that ends any other turn
    end_held: int = 280  # silence that ends a turn over a reply that is held, and is to go on
    end_dangling: int = 1100  # the same when the last word asks for more: "to the", "and"
    longest: int = 25_000  # whisper hears 30 s at most

    def silence_for(self, text: str) -> int:
        """How long a silence ends a turn that reads `text` so far."""
        words = text.lower().rstrip(".?!, ").split()
        if words and (words[-1] in _DANGLING or text.rstrip().endswith((",", "..."))):
            return self.end_dangling
        return self.end_closed if text.rstrip().endswith(_CLOSED) else self.end


class Endpointer:
    """Counts 20 ms frames. `talking` from the start of a turn until `reset`."""

    def __init__(self, limits: Endpointing) -> None:
        self._limits = limits
        self._recent: deque[bool] = deque(maxlen=_RECENT)
        self.talking = False
        self._was_paused = False
        self.silence = 0  # ms since the last voice

    def push(self, voice: bool, over_reply: bool, *, near: bool = True) -> Change | None:
        """One frame; what it changes. near: no turn begins without it."""
        self._recent.append(voice)
        if self._was_paused:  # one frame alone is a click, not the next word
            voice = voice and sum(list(self._recent)[-_AGAIN_WITHIN:]) >= _AGAIN
        self.silence = 0 if voice else self.silence + FRAME_MS
        if not self.talking:
            if not near:
                return None
            return self._start(self._limits.onset_over_reply if over_reply else self._limits.onset)
        if voice and self._was_paused:
            self._was_paused = False
            return "resumed"
        if self.silence == self._limits.pause:
            self._was_paused = True
            return "paused"
        return None

    def _start(self, onset: int) -> Change | None:
        window = list(self._recent)[-2 * onset // FRAME_MS :]
        if sum(window) * FRAME_MS < onset:
            return None
        self.talking, self._was_paused = True, False
        return "started"

    def reset(self) -> None:
        """The turn is over."""
        self.talking, self._was_paused = False, False
        self._recent.clear()
