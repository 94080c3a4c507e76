"""What the loudspeaker plays, taken out of the microphone: else the face says what others say.

The reference is the monitor of the sink that the meeting plays into. Where the microphone does
not hear it, as with headphones, the sound passes untouched.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Literal

import numpy as np

from visavis.engines.base import PLAY_RATE, EchoCanceller, EngineError, Pcm
from visavis.engines.ears.echo_path import EchoPath, Verdict
from visavis.server.camera.steady import Clocked
from visavis.server.playout.messages import Tick, ms
from visavis.server.session.microphone import Resampler

# The reference is told a little later than it was played, so that it is there when it is needed;
# no loudspeaker and microphone are quicker than their buffers.
_LATE: Final[Tick] = ms(10)
_KEPT: Final[Tick] = ms(500)
_AUDIBLE: Final = 60.0  # RMS, -55 dBFS: what plays more quietly makes no echo to speak of

State = Literal["off", "silent", "listening", "echo", "none"]


class Reference:
    """What was played lately, by its ticks. `take` in one thread, `played` in another."""

    def __init__(self) -> None:
        self._clocked, self._lock = Clocked(), threading.Lock()
        self._sound = np.zeros(_KEPT, np.int16)
        self._end: Tick = 0

    def take(self, pcm: Pcm, heard: Tick) -> None:
        """See `capture.Take`."""
        at, made = self._clocked.push(pcm, heard)
        with self._lock:
            gap = at - self._end
            if not 0 <= gap < _KEPT:
                self._sound[:] = 0
                gap = 0
            self._sound = np.concatenate([self._sound, np.zeros(gap, np.int16), made])[-_KEPT:]
            self._end = at + len(made)

    def played(self, at: Tick, count: Tick) -> Pcm:
        """(count,) from `at`; silence where nothing was, or it is not told yet."""
        out = np.zeros(count, np.int16)
        with self._lock:
            began = self._end - _KEPT
            first, last = max(at, began), min(at + count, self._end)
            if first < last:
                out[first - at : last - at] = self._sound[first - began : last - began]
        return out


class Canceller:
    """One microphone. `state` says what was found; in the microphone's thread."""

    def __init__(self, reference: Reference, make: Callable[[], EchoCanceller]) -> None:
        """make: a canceller at PLAY_RATE."""
        self.reference, self._make = reference, make
        self._echo = make()
        self._path, self._near, self._far = EchoPath(), Resampler(), Resampler()
        self._verdict: Verdict = "unknown"
        self._left: tuple[Pcm, Pcm] = np.zeros(0, np.int16), np.zeros(0, np.int16)
        self.state: State = "silent"

    def clean(self, pcm: Pcm, at: Tick) -> Pcm:
        """Sound that was heard from `at` on, without what was played; as many samples.

        A canceller that fails is made anew, and what it was given is left out: silence is better
        than the voices of others.
        """
        far = self.reference.played(at - _LATE, len(pcm))
        self._judge(pcm, far)
        mic, far = (np.concatenate(two) for two in zip(self._left, (pcm, far), strict=True))
        whole = len(mic) - len(mic) % ms(10)
        self._left = mic[whole:], far[whole:]
        try:
            clean = self._echo.process(mic[:whole], far[:whole])
        except EngineError:
            self._echo, clean = self._make(), np.zeros(whole, np.int16)
        return mic[:whole] if self.state in {"silent", "none"} else clean

    def _judge(self, pcm: Pcm, far: Pcm) -> None:
        for near, played in zip(self._near.push(pcm), self._far.push(far), strict=True):
            self._verdict = self._path.push(near, played)
        loud = float(np.sqrt(np.mean(np.square(far, dtype=np.float64)))) if len(far) else 0.0
        if self._verdict != "unknown":
            self.state = self._verdict
        elif loud >= _AUDIBLE or self.state == "listening":
            self.state = "listening"


def canceller() -> EchoCanceller:
    """For 48 kHz, as a voice is played. Raises EngineError."""
    from visavis.engines import load

    return load.echo(PLAY_RATE)
