"""Sound of any rate, as programs and other systems have it, to what a session plays.

By a filter of our own: it is 0.5 to 3 ms late, while streams of soxr are 6 to 110, and what it
makes does not depend on how the sound was cut into pieces.
"""

from __future__ import annotations

from math import gcd
from typing import Final

import numpy as np

from visavis.engines.base import PLAY_RATE, Floats, Pcm
from visavis.server.system.errors import SoundError

LOWEST: Final = 8_000  # Hz
HIGHEST: Final = 48_000

_HALF: Final = 24  # samples of the filter on each side, at the rate that comes in
_CUTOFF: Final = 0.46  # of that rate: -6 dB; the rest is its slope, down to -80 dB at 0.52
_BETA: Final = 8.0  # of its Kaiser window
_BLOCK: Final = PLAY_RATE  # samples made in one go: bounds what a flood takes of memory


class Resampled:
    """One stream: PCM of 16 bits at `rate`, mono or interleaved stereo -> mono at PLAY_RATE.

    delay: s that what comes out is behind what was fed. Raises SoundError.
    """

    def __init__(self, rate: int, channels: int = 1) -> None:
        if not LOWEST <= rate <= HIGHEST:
            msg = f"sound of {rate} Hz cannot be spoken: send {LOWEST} to {HIGHEST} Hz"
            raise SoundError(msg)
        if channels not in (1, 2):
            msg = f"sound of {channels} channels cannot be spoken: send 1 or 2"
            raise SoundError(msg)
        common = gcd(rate, PLAY_RATE)
        self.rate, self.channels = rate, channels
        self._up, self._down = PLAY_RATE // common, rate // common
        self._taps = None if self._up == self._down else _taps(self._up)
        self.delay = 0.0 if self._taps is None else _HALF / rate
        self.reset()

    def reset(self) -> None:
        """Another stream begins."""
        self._odd = b""  # of a sample that is not complete
        self._fed, self._made = 0, 0  # samples in, samples out
        self._rest = np.zeros(_HALF - 1, np.float32)  # the first that the next sample needs, and on

    def feed(self, sound: bytes | bytearray | memoryview | Pcm) -> Pcm:
        """The next bytes (little-endian) or samples, however many -> (n,) int16.

        A sample that is not complete waits for its other bytes.
        """
        mono = self._mono(sound)
        self._fed += len(mono)
        return mono if self._taps is None else self._resample(mono)

    def flush(self) -> Pcm:
        """What is left when the sound is over; half a sample is dropped. Begins anew after that."""
        last = np.zeros(0, np.int16)
        if self._taps is not None:
            whole = -(-self._fed * self._up // self._down) - self._made
            last = self._resample(np.zeros(_HALF, np.int16))[: max(whole, 0)]
        self.reset()
        return last

    def _mono(self, sound: bytes | bytearray | memoryview | Pcm) -> Pcm:
        if isinstance(sound, np.ndarray):
            if sound.dtype != np.int16:
                msg = f"sound of {sound.dtype} cannot be spoken: send int16"
                raise SoundError(msg)
            sound = np.ascontiguousarray(sound).tobytes()
        data = self._odd + bytes(sound)
        whole = len(data) // (2 * self.channels) * 2 * self.channels
        self._odd = data[whole:]
        samples = np.frombuffer(data[:whole], "<i2").astype(np.int16, copy=False)
        if self.channels == 1:
            return samples
        both = samples.reshape(-1, 2).astype(np.int32)
        return np.asarray((both[:, 0] + both[:, 1]) >> 1, np.int16)

    def _resample(self, mono: Pcm) -> Pcm:
        blocks = [self._block(mono[at : at + _BLOCK]) for at in range(0, len(mono), _BLOCK)]
        return np.concatenate(blocks) if blocks else np.zeros(0, np.int16)

    def _block(self, mono: Pcm) -> Pcm:
        assert self._taps is not None
        audio = np.concatenate([self._rest, mono.astype(np.float32)])
        # Sample n lies between those before and after n * down / up, of which `first` is in front.
        first = self._made * self._down // self._up
        ready = (
            first + len(audio) - 2 * _HALF + 1
        )  # inputs that have all that they need behind them
        count = max(-(-ready * self._up // self._down) - self._made, 0)
        if not count:
            self._rest = audio
            return np.zeros(0, np.int16)
        at = (self._made + np.arange(count)) * self._down
        windows = np.lib.stride_tricks.sliding_window_view(audio, 2 * _HALF)
        made = np.einsum("ij,ij->i", windows[at // self._up - first], self._taps[at % self._up])
        self._made += count
        self._rest = audio[self._made * self._down // self._up - first :]
        return np.asarray(np.clip(np.rint(made), -32_768, 32_767), np.int16)


def _taps(up: int) -> Floats:
    """(up, 2 * _HALF): what is heard in each of `up` places between two samples."""
    place = np.arange(up)[:, None] / up
    at = np.arange(-_HALF + 1, _HALF + 1)[None] - place  # samples from there
    inside = np.clip(1.0 - (at / _HALF) ** 2, 0.0, None)
    taps = np.sinc(2 * _CUTOFF * at) * np.i0(_BETA * np.sqrt(inside))
    return np.asarray(taps / taps.sum(1, keepdims=True), np.float32)
