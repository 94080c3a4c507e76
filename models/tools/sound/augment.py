"""Sequences for the training of the sound-viseme network: clips joined, then made to sound other.

Everything acts on the power of mel bands, where noise adds, a room smears and a telephone cuts, so
no two batches are alike and none takes longer than the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

_GAP: Final = (5, 60)  # frames of silence between clips
_ALONE: Final = 0.12  # share of clips that come without silence, cut into the one before


@dataclass(frozen=True, slots=True)
class Corpus:
    """Clips of many voices, frame by frame, as `bench/sound/sound_corpus.py` writes them.

    power: (n, bands) float32, the mel power of clean speech. kinds: (n,) class of each frame.
    jaw: (n,) jawOpen. starts: (clips + 1,) where each clip begins. voices: (clips,) its voice.
    weights: (voices,) how often each is to be heard. names: of the classes. silence: its class.
    """

    power: Floats
    kinds: Integers
    jaw: Floats
    starts: Integers
    voices: Integers
    weights: npt.NDArray[np.float64]
    names: tuple[str, ...]
    groups: Floats  # (classes, 15): which viseme of the usual set each belongs to
    centres: Floats  # (bands,) Hz
    floor: float
    centre: float
    scale: float

    @property
    def silence(self) -> int:
        return self.names.index("sil")

    def scaled(self, power: Floats) -> Floats:
        """As the front end gives it to the network."""
        return np.asarray((np.log(power + self.floor) + self.centre) / self.scale, np.float32)


def read(path: Path) -> Corpus:
    """A corpus file. Raises OSError, KeyError."""
    with np.load(path) as file:
        floor, centre, scale = (float(file[name]) for name in ("floor", "centre", "scale"))
        logs = file["mel"].astype(np.float32) * scale - centre
        return Corpus(
            np.maximum(np.exp(logs) - floor, 0.0).astype(np.float32),
            file["kinds"].astype(np.int64),
            file["jaw"].astype(np.float32),
            file["starts"],
            file["voices"].astype(np.int64),
            file["weights"],
            tuple(file["names"].tolist()),
            file["groups"],
            file["centres"],
            floor,
            centre,
            scale,
        )


class Sequences:
    """Batches without end, the same for the same seed."""

    def __init__(self, corpus: Corpus, seed: int, batch: int, frames: int) -> None:
        self._corpus = corpus
        self._rng = np.random.default_rng(seed)
        self._batch, self._frames = batch, frames
        count = len(corpus.weights)
        self._clips = [np.flatnonzero(corpus.voices == voice) for voice in range(count)]

    def next(self) -> tuple[Floats, Integers, Floats]:
        """(batch, frames, bands) input, (batch, frames) classes, (batch, frames) jaw."""
        rows = [self._joined() for _ in range(self._batch)]
        power = np.stack([row[0] for row in rows])
        power = self._disturbed(power)
        kinds, jaw = np.stack([row[1] for row in rows]), np.stack([row[2] for row in rows])
        return self._corpus.scaled(power), kinds, jaw

    def _joined(self) -> tuple[Floats, Integers, Floats]:
        """Clips of one voice, one after the other, from somewhere in the first."""
        corpus, rng = self._corpus, self._rng
        voice = rng.choice(len(corpus.weights), p=corpus.weights)
        power = np.zeros((self._frames, corpus.power.shape[1]), np.float32)
        kinds = np.full(self._frames, corpus.silence)
        jaw = np.zeros(self._frames, np.float32)
        at = -int(rng.integers(0, 150))
        while at < self._frames:
            clip = rng.choice(self._clips[voice])
            first, last = int(corpus.starts[clip]), int(corpus.starts[clip + 1])
            first += max(0, -at)
            at = max(at, 0)
            last = min(last, first + self._frames - at)
            if last > first:
                span = slice(at, at + last - first)
                power[span] = corpus.power[first:last]
                kinds[span], jaw[span] = corpus.kinds[first:last], corpus.jaw[first:last]
                at += last - first
            at += 0 if rng.random() < _ALONE else int(rng.integers(*_GAP))
        return power, kinds, jaw

    def _disturbed(self, power: Floats) -> Floats:
        rng, batch = self._rng, len(power)
        power = self._warped(power)
        level = _speech_level(power)
        power = power / level[:, None, None]  # speech at 0 dB
        reverberant = rng.random(batch) < 0.4
        power[reverberant] = self._in_room(power[reverberant])
        power *= self._channel(batch)
        noisy = rng.random(batch) < 0.55
        power[noisy] += self._noise(power, noisy)
        power *= self._band(batch)
        heard = np.where(rng.random(batch) < 0.8, rng.normal(-24.0, 6.0, batch), level_db(level))
        return np.asarray(power * _from_db(heard)[:, None, None], np.float32)

    def _warped(self, power: Floats) -> Floats:
        """Other vocal tracts: the frequency axis stretched by 0.84 to 1.2."""
        centres = np.log(self._corpus.centres)
        bands = np.arange(len(centres), dtype=np.float64)
        factors = np.exp(self._rng.normal(0.0, 0.075, len(power)).clip(-0.17, 0.18))
        for row, factor in enumerate(factors):
            source = np.interp(centres - np.log(factor), centres, bands)
            low = np.minimum(source.astype(np.int64), len(bands) - 2)
            share = (source - low).astype(np.float32)
            power[row] = power[row][:, low] * (1 - share) + power[row][:, low + 1] * share
        return power

    def _in_room(self, power: Floats) -> Floats:
        """A tail of decaying power behind every frame (Polack's model of late reverberation)."""
        rng, batch = self._rng, len(power)
        time = rng.uniform(0.15, 0.7, batch)  # s to fall by 60 dB
        decay = (10.0 ** (-6.0 * 0.01 / time)).astype(np.float32)[:, None]
        direct = _from_db(rng.uniform(2.0, 18.0, batch))[:, None]  # over the tail
        gain = (1.0 - decay) / direct
        tail = np.zeros_like(power[:, 0])
        wet = np.empty_like(power)
        for frame in range(power.shape[1]):
            wet[:, frame] = power[:, frame] + gain * tail
            tail = decay * (tail + power[:, frame])
        return wet

    def _channel(self, batch: int) -> Floats:
        """A microphone's or loudspeaker's colour: a tilt and two soft waves over the bands."""
        rng = self._rng
        x = np.linspace(-1.0, 1.0, self._corpus.power.shape[1])
        colour = rng.normal(0.0, 3.0, (batch, 1)) * x
        for waves in (1.0, 2.5):
            phase = rng.uniform(0.0, 2 * np.pi, (batch, 1))
            colour = colour + rng.normal(0.0, 2.0, (batch, 1)) * np.sin(np.pi * waves * x + phase)
        return _from_db(colour)[:, None]

    def _noise(self, power: Floats, chosen: npt.NDArray[np.bool_]) -> Floats:
        """Coloured noise that comes and goes a little, or the babble of the other sequences."""
        rng = self._rng
        count, frames, bands = int(chosen.sum()), power.shape[1], power.shape[2]
        below = rng.uniform(3.0, 38.0, count)  # dB under the speech
        colour = np.cumsum(rng.normal(0.0, 1.2, (count, bands)), 1)
        colour += rng.uniform(-18.0, 6.0, (count, 1)) * np.linspace(0.0, 1.0, bands)
        shape = _from_db(colour)
        shape /= shape.mean(1, keepdims=True)
        # a band of noise fluctuates: chi-square with twice as many degrees as bins in the window
        steady = rng.gamma(2.0, 0.5, (count, frames, bands)).astype(np.float32) * shape[:, None]
        swell = np.exp(rng.normal(0.0, 0.5, (count, frames // 20 + 2)))
        times = np.arange(frames) / 20.0
        steady *= np.stack([np.interp(times, np.arange(len(s)), s) for s in swell])[..., None]
        babble = sum(power[rng.permutation(len(power))[:count]] for _ in range(4)) / 4.0
        mixed = np.where(rng.random(count)[:, None, None] < 0.25, babble, steady)
        return np.asarray(mixed * _from_db(-below)[:, None, None], np.float32)

    def _band(self, batch: int) -> Floats:
        """A telephone, a dull line, or nothing, behind everything else."""
        rng, centres = self._rng, self._corpus.centres
        kind = rng.choice(3, batch, p=[0.7, 0.18, 0.12])[:, None]
        low = np.where(kind == 1, rng.uniform(150.0, 350.0, (batch, 1)), 0.0)
        high = np.where(kind == 1, rng.uniform(3200.0, 3900.0, (batch, 1)), 9e3)
        high = np.where(kind == 2, rng.uniform(3400.0, 6500.0, (batch, 1)), high)
        octaves = np.maximum(np.log2(np.maximum(low, 1.0) / centres), np.log2(centres / high))
        return _from_db(-60.0 * np.clip(octaves * 4.0, 0.0, 1.0))[:, None]


def _speech_level(power: Floats) -> Floats:
    """(batch,) mean band power of the louder half of the frames that sound."""
    loud = power.mean(2)
    limit = np.quantile(loud, 0.6, axis=1, keepdims=True)
    chosen = np.where(loud >= limit, loud, 0.0).sum(1) / np.maximum((loud >= limit).sum(1), 1)
    return np.asarray(np.maximum(chosen, 1e-9), np.float32)


def level_db(power: Floats) -> Floats:
    """Power to dB."""
    return np.asarray(10.0 * np.log10(power), np.float32)


def _from_db(decibels: npt.NDArray[np.floating]) -> Floats:
    return np.asarray(10.0 ** (np.asarray(decibels) / 10.0), np.float32)
