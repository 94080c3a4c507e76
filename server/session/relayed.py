"""A voice that is relayed instead of answered, placed: on the timeline, and in the face."""

from __future__ import annotations

from typing import Final

from visavis.engines.base import Speech
from visavis.server.playout.messages import Clause, Spoken, Tick, ms
from visavis.server.playout.timeline import Timeline
from visavis.server.session.showing import Showing

_PAUSE: Final[Tick] = ms(2000)  # of the voice; the avatar is idle after it


class Relayed:
    """Of one session. voiced: the end of the last speech."""

    def __init__(self, timeline: Timeline, showing: Showing) -> None:
        self._timeline, self._showing = timeline, showing
        self.voiced: Tick = -_PAUSE

    def place(self, at: Tick, speech: Speech) -> None:
        """What plays at `at`; see `relaying.Place`."""
        self._timeline.put(Spoken(self._timeline.turn, at, Clause("", speech)))
        self._showing.speak(at, speech)
        if any(phoneme.symbol for phoneme in speech.phonemes):
            self.voiced = at + len(speech.pcm)
        self._showing.attend("speaking" if at < self.voiced + _PAUSE else "idle")
