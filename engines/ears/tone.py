"""How a visitor's voice sounds beside their own usual voice: raised, as always, or soft. No words.

Three cues of arousal that studies of speech agree on (Scherer 2003, Juslin & Laukka 2003): a louder
voice, a higher one, and a brighter one, since vocal effort lifts the treble (Traunmueller &
Eriksson 2000). Each is compared with what this visitor did before, so neither the microphone's
gain nor who they are matters; none of them alone counts as a raised voice, because a visitor may
lean in, a browser levels loudness out, and a question ends high.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from visavis.engines.base import HEAR_RATE, VAD_FRAME, Pcm
from visavis.engines.curves import Doubles

RAISED: Final = 0.5  # arousal from which on a voice is raised; soft below its negative

# What is a clear change of level (dB), pitch (semitones) and brightness (dB), how much it then
# counts, and how much each cue counts at most: less than RAISED.
_CLEAR: Final = np.array([6.0, 3.5, 4.5])
_WEIGHTS: Final = np.array([0.3, 0.4, 0.3])
_MOST: Final = 0.42
_LEARNING: Final = 0.3  # share of an utterance in what is usual after it, at least
_ENOUGH: Final = 15  # pitched frames, 0.3 s, of an utterance that can be judged
_LONGEST: Final = 1_500  # frames that are kept: 30 s

_FFT: Final = 1024
_LAGS: Final = slice(HEAR_RATE // 450, HEAR_RATE // 65 + 1)
_PERIODIC: Final = 0.5  # likeness of one period to the next, of 1
_NEARLY: Final = 0.88
_PEAK: Final = 6  # samples, half of a peak
_HERTZ: Final = np.fft.rfftfreq(_FFT, 1 / HEAR_RATE)
_DARK: Final = (_HERTZ > 80) & (_HERTZ < 1_000)
_BRIGHT: Final = (_HERTZ >= 1_000) & (_HERTZ < 4_000)
_HANN: Final = np.hanning(2 * VAD_FRAME + 1)[:-1]
_WINDOW: Final = np.fft.irfft(np.abs(np.fft.rfft(_HANN, _FFT)) ** 2)[: _LAGS.stop]


class Tone:
    """One visitor's voice, 0.1 ms a frame."""

    def __init__(self) -> None:
        self._before = np.zeros(VAD_FRAME)
        # level, pitch, brightness of pitched frames
        self._frames: deque[Doubles] = deque(maxlen=_LONGEST)
        self._usual = np.zeros(3)
        self._learnt = 0  # utterances

    @property
    def pitched(self) -> int:
        """Frames of this utterance in which a voice has a pitch: coughs and noise have few."""
        return len(self._frames)

    def begin(self) -> None:
        """Another utterance."""
        self._frames.clear()

    def feed(self, frame: Pcm) -> None:
        """(VAD_FRAME,) at HEAR_RATE in which the visitor speaks."""
        samples = frame.astype(np.float64)
        heard = _cues(np.concatenate([self._before, samples]))
        self._before = samples
        if heard is not None:
            self._frames.append(heard)

    def arousal(self) -> float:
        """Of the utterance so far, in [-1, 1]; 0 for the first, which there is nothing to compare
        with, and for one that is too short. Held back while little is known of the voice."""
        if not self._learnt or len(self._frames) < _ENOUGH:
            return 0.0
        cues = _WEIGHTS * (self._summary() - self._usual) / _CLEAR
        sure = self._learnt / (self._learnt + 1)
        return float(np.clip(sure * np.clip(cues, -_MOST, _MOST).sum(), -1.0, 1.0))

    def learn(self) -> None:
        """The utterance is over: it becomes part of what is usual."""
        if len(self._frames) >= _ENOUGH:
            self._learnt += 1
            share = max(1 / self._learnt, _LEARNING)
            self._usual = self._usual + share * (self._summary() - self._usual)
        self._frames.clear()

    def _summary(self) -> Doubles:
        return np.asarray(np.median(self._frames, axis=0))


def _cues(samples: Doubles) -> Doubles | None:
    """(40 ms,) -> level in dB, pitch in semitones, brightness in dB; None where none is pitched."""
    power = np.abs(np.fft.rfft((samples - samples.mean()) * _HANN, _FFT)) ** 2
    dark, bright = float(power[_DARK].sum()), float(power[_BRIGHT].sum())
    period = _period(power)
    if period is None or not dark or not bright:
        return None
    level = 10.0 * np.log10(dark + bright)
    return np.array([level, -12.0 * np.log2(period), 10.0 * np.log10(bright / dark)])


def _period(power: Doubles) -> float | None:
    """Samples; None in noise. Autocorrelation over that of the window (Boersma 1993)."""
    likeness = np.fft.irfft(power)[: _LAGS.stop] / _WINDOW
    if likeness[0] <= 0.0:
        return None
    near = likeness[_LAGS] / likeness[0]
    # Two periods are as alike as one: the first peak that is nearly the highest.
    first = int((near > _NEARLY * near.max()).argmax())
    peak = first + int(near[first : first + _PEAK].argmax())
    return float(_LAGS.start + peak) if near[peak] > _PERIODIC else None
