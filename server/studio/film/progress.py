"""How far a film is: what was drawn of what there will be, as far as that is known."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

from visavis.server.jobs.job import Working

_SPOKEN: Final = 0.06  # share of a scene that its speech is
_DRAWN: Final = 0.96  # share of a film that is not joining and signing
_LEAST: Final = 40  # characters that a scene counts for at least
_A_CHARACTER: Final = 1.8  # pictures, until a scene was spoken: 14 characters a second


class Progress:
    """Of one film. Told from any thread, tells in one."""

    def __init__(self, working: Working, texts: Sequence[str], times: int) -> None:
        """texts: of the scenes. times: how often each picture is made, in one coding each."""
        self._working, self._times = working, times
        self._lengths = [max(len(text), _LEAST) * _A_CHARACTER for text in texts]
        self._spoken = 0
        self._drawn = 0
        self._lock = threading.Lock()

    def speaking(self, share: float) -> None:
        """So much of the next scene is spoken, in [0, 1]. Raises Cancelled."""
        self.tell(f"speaking scene {self._spoken + 1} of {len(self._lengths)}", share)

    def spoken(self, pictures: int) -> None:
        """One more scene is, and has so many pictures."""
        guessed = self._lengths[self._spoken]
        self._lengths[self._spoken] = pictures
        self._spoken += 1
        for at in range(self._spoken, len(self._lengths)):  # who speaks slowly goes on so
            self._lengths[at] *= 1 + (pictures / guessed - 1) / (self._spoken + 1)
        self.tell(f"scene {self._spoken} of {len(self._lengths)}")

    def drawn(self, pictures: int) -> None:
        """So many more are."""
        with self._lock:
            self._drawn += pictures

    def tell(self, note: str = "", speaking: float = 0.0) -> None:
        """speaking: the share of the next scene that is spoken. Raises Cancelled."""
        whole = sum(self._lengths)
        next_scene = sum(self._lengths[self._spoken : self._spoken + 1])
        spoken = (sum(self._lengths[: self._spoken]) + speaking * next_scene) / whole
        done = _SPOKEN * spoken + (1 - _SPOKEN) * min(self._drawn / whole / self._times, 1.0)
        self._working.tell(round(_DRAWN * done, 4), note or "drawing the pictures")

    def joining(self) -> None:
        """All pictures are there. Raises Cancelled."""
        self._working.tell(_DRAWN, "joining and signing")
