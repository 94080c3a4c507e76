"""What else reaches a microphone: the room's hiss, the avatar's own sound, noises people make."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from visavis.engines.base import PLAY_RATE, Floats
from visavis.server.playout.messages import PACKET, Tick, ms

HISS: Final = -66.0  # dBFS, RMS: a quiet room at a laptop


def hiss(length: Tick, seed: int, level: float = HISS) -> Floats:
    """(length,) of a room in which nobody speaks: noise that falls by 3 dB an octave."""
    size = 1 << (length - 1).bit_length()
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(size))
    hertz = np.maximum(np.fft.rfftfreq(size, 1 / PLAY_RATE), 50.0)
    noise = np.fft.irfft(spectrum / np.sqrt(hertz), size)[:length]
    return (noise * 10 ** (level / 20) / np.sqrt(np.mean(noise**2))).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Echo:
    """The loudspeaker at the microphone: `level` dB beside what is played, `delay` ms later.

    room: with its reflections (0.25 s until they are 60 dB down), else the bare sound.
    """

    level: float
    delay: float
    room: bool = True

    def at(self, played: Floats, at: Tick) -> Floats:
        """(PACKET,) from `at`; `played` holds what has left the loudspeaker so far."""
        response = _response(self.room)
        first = at - ms(self.delay) - len(response) + 1
        last = at - ms(self.delay) + PACKET
        heard = played[max(0, first) : max(0, last)]
        if last <= 0 or not heard.any():
            return np.zeros(PACKET, np.float32)
        heard = np.pad(heard, (max(0, -first), max(0, last - len(played))))
        size = 1 << (len(heard) + len(response) - 1).bit_length()
        spectrum = np.fft.rfft(heard, size) * np.fft.rfft(response, size)
        whole = np.fft.irfft(spectrum, size)[len(response) - 1 :][:PACKET]
        return (whole * 10 ** (self.level / 20)).astype(np.float32)


@cache
def _response(room: bool) -> Floats:
    """A small room: the direct sound, some early reflections, a tail; energy 1."""
    if not room:
        return np.ones(1, np.float32)
    rng = np.random.default_rng(7)
    length = round(0.25 * PLAY_RATE)
    steps = np.arange(length)
    response = rng.standard_normal(length) * np.exp(-6.9 * steps / length) * 0.03
    response[0] = 1.0
    for at in rng.integers(ms(2), ms(25), 8):
        response[at] += rng.uniform(-0.5, 0.5)
    return (response / np.sqrt(np.sum(response**2))).astype(np.float32)


# --- noises people make, synthesized: no free package with recordings of them was found ----------


def cough(seed: int) -> Floats:
    """One to three bursts: an explosive opening, a noisy body with a throat's resonances, and
    sometimes a voiced end (Korpas et al. 1996 describe the three phases). Peak 1."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(int(rng.integers(1, 4))):
        burst = _shaped(rng, ms(rng.uniform(30, 60)), (600, 1500, 3000), attack=3, decay=25)
        body = _shaped(rng, ms(rng.uniform(120, 220)), (450, 1100, 2300), attack=10, decay=80) * 0.5
        voiced = np.zeros(0)
        if rng.random() < 0.6:
            voiced = (
                _voiced(rng, ms(rng.uniform(60, 120)), rng.uniform(150, 300), (500, 1200)) * 0.4
            )
        gap = np.zeros(ms(rng.uniform(90, 260)))
        parts += [burst, body, voiced, gap]
    sound = np.concatenate(parts)
    return (sound / np.abs(sound).max()).astype(np.float32)


def laugh(seed: int) -> Floats:
    """ "ha ha ha": four to eight voiced syllables at 4.5 to 5.5 a second, each after a breath
    (Bachorowski et al. 2001), falling in pitch and level. Peak 1."""
    rng = np.random.default_rng(seed)
    count, period = int(rng.integers(4, 9)), 1 / rng.uniform(4.5, 5.5)
    pitch, parts = rng.uniform(180, 320), []
    for index in range(count):
        breath = _shaped(rng, ms(60), (900, 1700, 2600), attack=20, decay=60) * 0.15
        vowel = _voiced(rng, ms(90), pitch * 0.96**index, (750, 1250, 2600)) * 0.9**index
        rest = max(1, round(period * PLAY_RATE) - len(breath) - len(vowel))
        parts += [breath, vowel, np.zeros(rest)]
    sound = np.concatenate(parts)
    return (sound / np.abs(sound).max()).astype(np.float32)


def hum(seed: int) -> Floats:
    """ "mm-hm": two nasal syllables, the second one higher. Peak 1."""
    rng = np.random.default_rng(seed)
    pitch = rng.uniform(95, 210)
    first = _voiced(rng, ms(rng.uniform(130, 190)), pitch, (250, 1000, 2200), tilt=2.0)
    second = _voiced(rng, ms(rng.uniform(180, 260)), pitch * 1.25, (250, 1000, 2200), tilt=2.0)
    breath = _shaped(rng, ms(50), (700, 1500), attack=15, decay=40) * 0.08
    sound = np.concatenate([first * 0.8, breath, second])
    return (sound / np.abs(sound).max()).astype(np.float32)


def _shaped(
    rng: np.random.Generator, length: int, formants: tuple[float, ...], attack: float, decay: float
) -> Floats:
    """Noise through resonances, rising and falling within so many ms."""
    sound = _resonant(rng.standard_normal(length), formants)
    steps = np.arange(length)
    sound *= np.minimum(1, steps / ms(attack)) * np.exp(-steps / ms(decay))
    return np.asarray(sound / max(np.abs(sound).max(), 1e-9), np.float32)


def _voiced(
    rng: np.random.Generator,
    length: int,
    hertz: float,
    formants: tuple[float, ...],
    tilt: float = 1.0,
) -> Floats:
    """A glottal source, its pitch wavering by 1 %, through resonances; harmonics fall by `tilt`."""
    waver = 1 + 0.01 * np.cumsum(rng.standard_normal(length)) / np.sqrt(length)
    phase = np.cumsum(2 * np.pi * hertz * waver / PLAY_RATE)
    source = sum(np.sin(n * phase) / n**tilt for n in range(1, int(5000 / hertz)))
    sound = _resonant(np.asarray(source), formants) * np.hanning(length) ** 0.5
    return np.asarray(sound / max(np.abs(sound).max(), 1e-9), np.float32)


def _resonant(source: Floats, formants: tuple[float, ...]) -> Floats:
    """Through peaks 120 Hz and a tenth of their frequency wide."""
    size = 1 << (2 * len(source)).bit_length()
    hertz = np.fft.rfftfreq(size, 1 / PLAY_RATE)
    gain = sum(1 / (1 + ((hertz - f) / (60 + f / 20)) ** 2) for f in formants)
    return np.asarray(np.fft.irfft(np.fft.rfft(source, size) * gain, size)[: len(source)])
