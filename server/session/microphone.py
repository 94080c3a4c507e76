"""Microphone packets -> the visitor's own sound in frames: resampling, and the avatar taken out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import soxr  # type: ignore[import-untyped]

from visavis.engines.base import (
    HEAR_RATE,
    PLAY_RATE,
    VAD_FRAME,
    EchoCanceller,
    Pcm,
)
from visavis.engines.ears.echo_path import EchoPath, Verdict
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import Tick, ms
from visavis.server.playout.timeline import Timeline
from visavis.server.session.cancelling import Cancelling
from visavis.server.system.metrics import Metrics

_ECHO: Final[Tick] = ms(400)  # after which the avatar's own sound comes back at the latest
_LATELY: Final = 100  # frames: 2 s
_HARDLY: Final = 10  # of them in which the avatar sounded: its echo hides no word
_AUDIBLE: Final = 100  # of int16: less of it makes no echo to speak of
_LEARNING: Final[Tick] = ms(1000)  # that a new echo canceller takes to know the room


class Resampler:
    """48 kHz mono in pieces of any size -> 20 ms frames at 16 kHz."""

    def __init__(self) -> None:
        self._stream = soxr.ResampleStream(PLAY_RATE, HEAR_RATE, 1, dtype="int16", quality="QQ")
        self._left = np.zeros(0, np.int16)

    def push(self, pcm: Pcm) -> list[Pcm]:
        """The whole frames that `pcm` completes."""
        held = np.concatenate([self._left, self._stream.resample_chunk(pcm)])
        whole = len(held) - len(held) % VAD_FRAME
        self._left = held[whole:]
        return [held[i : i + VAD_FRAME] for i in range(0, whole, VAD_FRAME)]


class Microphone:
    """One visitor's microphone. `failed(resting)`: its echo canceller was made anew, or rests.

    Where no echo is heard the sound passes as it is: a canceller that knows no echo yet takes the
    visitor's own voice out. Where there may be one and the canceller fails, the visitor is not
    heard while the avatar speaks.
    """

    def __init__(
        self,
        clock: Clock,
        timeline: Timeline,
        echo: Callable[[], EchoCanceller],
        metrics: Metrics,
        failed: Callable[[bool], None],
    ) -> None:
        self._clock, self._timeline, self._failed = clock, timeline, failed
        self._echo = Cancelling(echo, clock, metrics, self._echo_failed)
        self._unsure_until: Tick = 0  # the echo canceller is new
        self._path = EchoPath()
        self._near, self._far = Resampler(), Resampler()
        self._sounded: deque[bool] = deque(maxlen=_LATELY)  # the avatar, in each frame

    @property
    def verdict(self) -> Verdict:
        """What is known of an echo; "none" for want of a proof alone is told as unknown."""
        if self._path.verdict == "none" and not self._path.surely_none:
            return "unknown"
        return self._path.verdict

    @property
    def hears_no_echo(self) -> bool:
        """Whether as far as anybody knows the avatar is hardly heard in it, so that it is right.

        Words are looked for in it then, as it came; a reply is not held for it.
        """
        return self._path.unlikely or sum(self._sounded) <= _HARDLY

    def take(self, packet: Pcm, now: Tick) -> Iterator[tuple[Pcm, Pcm]]:
        """The frames that a packet completes, without the avatar and as they came.

        (VAD_FRAME,) at HEAR_RATE each. packet: 48 kHz mono that arrived at `now`.
        """
        played = self._timeline.audio(now - len(packet), len(packet))
        near, far = self._near.push(packet), self._far.push(played)
        for frame, reference in zip(near, far, strict=True):
            self._sounded.append(int(np.abs(reference).max()) > _AUDIBLE)
            yield self._clean(frame, reference, now), frame

    def begin_anew(self) -> None:
        """Something failed half-way, or it is another device: both sides start together again."""
        self._near, self._far = Resampler(), Resampler()
        self._path = EchoPath()

    def _clean(self, mic: Pcm, far: Pcm, now: Tick) -> Pcm:
        """The microphone without the avatar; silence where the avatar would hear itself."""
        if self._path.push(mic, far) == "none":
            self._echo.rest(mic, far)
            return mic
        clean = self._echo.clean(mic, far)
        unsure = clean is None or now < self._unsure_until
        if unsure and self._timeline.audible(now - _ECHO):
            return np.zeros_like(mic)
        return mic if clean is None else clean

    def _echo_failed(self, resting: bool) -> None:
        self._unsure_until = self._clock.now() + _LEARNING
        self._failed(resting)
