"""A turn's sound -> whether the visitor has finished: asked once a pause, beside the words.

Without the network, or where it fails or is slow, words and silence decide alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from visavis.engines.base import EngineError, Pcm, TurnEnd
from visavis.server.session.endpointing import FRAME_MS
from visavis.server.system.flow import Tasks
from visavis.server.system.served import Served

log = logging.getLogger(__name__)

_KEPT: Final = 8_000 // FRAME_MS  # frames: what the network hears


class TurnEnding:
    """One visitor's turn by its sound. `known()` is called when the network has answered.

    finished: the probability that the speaker has finished, as of this pause; None: not known.
    """

    def __init__(
        self, network: Served[TurnEnd] | None, tasks: Tasks, known: Callable[[], None]
    ) -> None:
        self._network, self._tasks, self._known = network, tasks, known
        self._frames: deque[Pcm] = deque(maxlen=_KEPT)
        self._task: asyncio.Task[None] | None = None
        self.finished: float | None = None

    def keep(self, frame: Pcm) -> None:
        """A frame of the turn, or from just before it."""
        self._frames.append(frame)

    def begin(self, frames: int) -> None:
        """A turn: it began so many frames ago, and what was before it is not part of it."""
        self._frames = deque(list(self._frames)[-frames:], maxlen=_KEPT)

    def ask(self) -> None:
        """At a pause: has the visitor finished? What was known of it stands until then."""
        if self._task is not None:
            self._task.cancel()
        if self._network is not None and self._frames:
            pcm = np.concatenate(self._frames)
            self._task = self._tasks.start(self._ask(self._network, pcm), name="turn-end")

    def drop(self) -> None:
        """The visitor goes on."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        self._task, self.finished = None, None

    async def _ask(self, network: Served[TurnEnd], pcm: Pcm) -> None:
        try:
            finished = await network.call(_finished, pcm)
        except EngineError as error:
            log.warning("the end of a turn is not told", extra={"fault": str(error)})
            return
        self.finished, self._task = finished, None
        self._known()


def _finished(network: TurnEnd, pcm: Pcm) -> float:
    return float(network.finished(pcm))
