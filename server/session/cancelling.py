"""When the echo canceller is asked: not where no echo is, nor where there is nothing to cancel.

It costs more than all other hearing together, and holds the interpreter's lock. A session with
headphones, or whose browser leaves no echo, does without it; what it would have heard lately is
kept, so that it knows the room soon when headphones are taken off.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from visavis.engines.base import EchoCanceller, EngineError, Pcm
from visavis.server.playout.clock import Clock
from visavis.server.session.renewing import Renewed
from visavis.server.system.metrics import Metrics

_FRAME_MS: Final = 20
# Frames after the avatar's last sound in which its echo may come: half a second, and a room.
_TAIL: Final = 1000 // _FRAME_MS
# Frames that are kept for a canceller that rests; it has learnt a room from them.
_KEPT: Final = 1500 // _FRAME_MS
_CAUGHT_UP: Final = 6  # of them heard with each new one: 0.3 s until it is up to date

Both = tuple[Pcm, Pcm]  # the microphone, and what was played at the same time


class Cancelling:
    """The canceller of one microphone. failed(resting): it was made anew, or rests after faults."""

    def __init__(
        self,
        make: Callable[[], EchoCanceller],
        clock: Clock,
        metrics: Metrics,
        failed: Callable[[bool], None],
    ) -> None:
        self._engine = Renewed("echo", make, clock, metrics, failed)
        self._behind: deque[Both] = deque(maxlen=_KEPT)  # what it has not heard yet
        self._silent = 0  # frames since the avatar was heard

    def clean(self, mic: Pcm, far: Pcm) -> Pcm | None:
        """The microphone without the avatar; None: not known, since it failed or has to catch up.

        (VAD_FRAME,) each, int16 at HEAR_RATE. Where nothing was played for a second there is
        nothing to cancel, and it is the microphone itself.
        """
        self._silent = 0 if far.any() else self._silent + 1
        if self._silent > _TAIL:
            self._behind.clear()
            return mic
        self._behind.append((mic, far))
        clean = None
        for _ in range(min(_CAUGHT_UP, len(self._behind))):
            clean = self._cleaned(*self._behind.popleft())
        return None if self._behind else clean

    def rest(self, mic: Pcm, far: Pcm) -> None:
        """There is no echo: remember what was heard, and do nothing."""
        self._silent = 0 if far.any() else self._silent + 1
        self._behind.append((mic, far))

    def _cleaned(self, mic: Pcm, far: Pcm) -> Pcm | None:
        return self._engine.call(lambda echo: _checked(echo.process(mic, far), mic), None)


def _checked(clean: Pcm, mic: Pcm) -> Pcm:
    if clean.shape != mic.shape or clean.dtype != mic.dtype:
        raise EngineError(f"echo canceller: {clean.shape} {clean.dtype} came back")
    return clean
