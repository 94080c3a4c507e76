"""What is in all pictures and all sound of a session that anybody has.

Into pictures it is put after they were drawn, into sound where the timeline is read.
"""

from __future__ import annotations

from collections.abc import Callable

from visavis.engines.base import I420, Finish, SoundFinish
from visavis.engines.settings import Labelled
from visavis.server.playout.messages import Tick
from visavis.server.system.faults import contained

Finished = Callable[[I420], I420]  # of a picture as it was drawn


def as_drawn(image: I420) -> I420:
    """A picture into which nothing is put."""
    return image


class Finishing:
    """All of it, in order. Of one session, and in the thread that draws.

    sound: for the session's timeline. label: what is seen of it, and where; None: nothing is.
    """

    def __init__(
        self, *each: Finish, sound: SoundFinish | None = None, label: Labelled | None = None
    ) -> None:
        self._each, self.sound, self.label = each, sound, label

    def of(self, image: I420, at: Tick) -> I420:
        """A copy with all of it in: the picture as it was drawn is drawn on (`Before`).

        With nothing to put in it is the picture itself. Raises EngineError: no picture goes out
        without.
        """
        if not self._each:
            return image
        finished = image.copy()
        with contained("finish"):
            for each in self._each:
                each.finish(finished, at)
        return finished
