"""A film's sound: a voice at the loudness that is usual, and music that gives way to it.

All of it mono at PLAY_RATE.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soxr  # type: ignore[import-untyped]

from visavis.engines.base import PLAY_RATE, Pcm
from visavis.models.compiling import compiled
from visavis.server.recording.files import read_sound
from visavis.server.studio.document.project import Music
from visavis.server.studio.layers import files
from visavis.server.studio.layers.loudness import SILENT, loudness
from visavis.server.system.errors import ConfigError

Floats = npt.NDArray[np.float32]

VOICE: Final = -16.0  # LUFS: what podcasts and films on the web have
_PEAK: Final = -1.0  # dB below full scale that no peak is over, between samples, too
_MOST: Final = 24.0  # dB that a voice is made louder, at most
_FINER: Final = 4  # samples a sample at which peaks are looked for: BS.1770-5, annex 2
_PIECE: Final = 10 * PLAY_RATE  # samples at a time
_RIM: Final = 8192  # samples on both sides of them that a limiter and a resampler look at
_BEFORE, _AFTER = 0.004, 0.12  # s over which the limiter goes down, and comes back

_STEP: Final = PLAY_RATE // 50  # samples, 20 ms, at which speech is looked for and gain is set
_SPEAKS: Final = -46.0  # dB below full scale, of a voice at VOICE
_HOLD: Final = 0.7  # s of silence between words in which music stays away
_DOWN, _UP = 0.3, 0.9  # s in which it goes, before the first word, and comes back after the last
_FADES: Final = 0.6, 2.5  # s at the film's beginning and end
_SEAM: Final = 1.2  # s over which music that is too short goes over into its beginning


def levelled(voice: Pcm, out: Pcm | None = None) -> Pcm:
    """The same at VOICE, without a peak over _PEAK; silence stays silence. out: as in `mixed`."""
    return _written(voice, _more(voice), None, out)


def mixed(voice: Pcm, music: Music | None, folder: Path, out: Pcm | None = None) -> Pcm:
    """All of a film's sound, as long as `voice`: what is spoken in it, pauses included.

    music: its level is LUFS where nobody speaks. out: filled and returned, as long as voice; both
    may lie in files, for never more than some seconds of them are looked at. Raises Unprocessable
    for a file that cannot be used.
    """
    more = _more(voice)
    if music is None or not len(voice):
        return _written(voice, more, None, out)
    played, level = tune(folder, music.file)
    gain = _decibels(music.level - level) * _decibels(-music.ducked * _ducking(voice, more))
    gain *= _fading(len(gain))
    return _written(voice, more, _Under(played, gain), out)


def tune(folder: Path, name: str) -> tuple[Pcm, float]:
    """Music, and its loudness in LUFS. Raises Unprocessable for what cannot be used."""
    found = _read(folder, name)
    level = loudness(found)
    if level <= SILENT:
        raise files.unusable(name, "there is only silence in it.")
    return found, level


def _read(folder: Path, name: str) -> Pcm:
    path = files.found(folder, name)
    try:
        return read_sound(path)
    except ConfigError as error:
        why = str(error).removeprefix(str(path)).removeprefix(" cannot be read as sound: ")
        raise files.unusable(name, f"{why.strip()}.") from error


def _more(voice: Pcm) -> float:
    """What a voice is multiplied by to be at VOICE."""
    level = loudness(voice)
    return float(10 ** (min(VOICE - level, _MOST) / 20)) if level > SILENT else 1.0


def _decibels(level: float | Floats) -> Floats:
    return np.asarray(10 ** (np.asarray(level) / 20), np.float32)


def _ducking(voice: Pcm, more: float) -> Floats:
    """(steps,) in [0, 1]: how far music is away, in each _STEP of a voice."""
    squares = np.zeros(-(-len(voice) // _STEP))
    _squares(voice, _STEP, squares)
    level = 10 * np.log10(squares * more**2 / 32768**2 + 1e-12)
    speaks = _closed(level > _SPEAKS, round(_HOLD * PLAY_RATE / _STEP))
    away = np.zeros(len(squares), np.float32)
    _sloped(speaks, _STEP / PLAY_RATE / _DOWN, _STEP / PLAY_RATE / _UP, away)
    return away * away * (3 - 2 * away)


@compiled
def _squares(pcm: Pcm, step: int, out: npt.NDArray[np.float64]) -> None:
    """Put the mean square of each `step` samples into out."""
    for number in range(len(out)):
        total, first = 0.0, number * step
        for n in range(first, min(first + step, len(pcm))):
            total += float(pcm[n]) * float(pcm[n])
        out[number] = total / step


def _closed(speaks: npt.NDArray[np.bool_], most: int) -> npt.NDArray[np.bool_]:
    """The same with silences of up to `most` steps between words filled."""
    out = speaks.copy()
    where = np.flatnonzero(speaks)
    for before, after in pairwise(where):
        if 1 < after - before <= most:
            out[before:after] = True
    return out


@compiled
def _sloped(speaks: npt.NDArray[np.bool_], down: float, up: float, away: Floats) -> None:
    """1 where somebody speaks; rising before that by `down` a step, falling after it by `up`."""
    now = 0.0
    for n in range(len(speaks)):
        now = 1.0 if speaks[n] else max(now - up, 0.0)
        away[n] = now
    now = 0.0
    for n in range(len(speaks) - 1, -1, -1):
        now = 1.0 if speaks[n] else max(now - down, 0.0)
        away[n] = max(away[n], now)


def _fading(steps: int) -> Floats:
    """At a film's beginning and end."""
    at = (np.arange(steps, dtype=np.float32) + 0.5) * (_STEP / PLAY_RATE)
    whole = steps * _STEP / PLAY_RATE
    share = np.clip(np.minimum(at / _FADES[0], (whole - at) / min(_FADES[1], whole / 2)), 0, 1)
    return np.asarray(np.sin(share * np.pi / 2) ** 2, np.float32)


class _Under:
    """Music, over and over, its end going over into its beginning. gain: of each _STEP."""

    def __init__(self, tune: Pcm, gain: Floats) -> None:
        seam = min(round(_SEAM * PLAY_RATE), len(tune) // 3)
        self._first, self._gain = tune[:seam], gain
        again = tune[seam:].astype(np.float32)
        if seam:
            rise = np.sin(np.linspace(0, np.pi / 2, seam, dtype=np.float32))
            again[-seam:] = again[-seam:] * rise[::-1] + tune[:seam] * rise
        self._again = np.clip(np.round(again), -32768, 32767).astype(np.int16)

    def part(self, begin: int, end: int) -> Floats:
        """Samples of the film."""
        at = np.arange(begin, end)
        seam = len(self._first)
        tune = self._again[(at - seam) % len(self._again)].astype(np.float32)
        if begin < seam:
            tune[: seam - begin] = self._first[begin:end]
        middles = (np.arange(len(self._gain)) + 0.5) * _STEP
        return np.asarray(tune * np.interp(at, middles, self._gain), np.float32)


def _written(voice: Pcm, more: float, under: _Under | None, out: Pcm | None) -> Pcm:
    """In pieces: what a limiter does to a sample hangs on those around it alone."""
    made = np.zeros(len(voice), np.int16) if out is None else out
    for first in range(0, len(voice), _PIECE):
        last = min(first + _PIECE, len(voice))
        begin, end = max(first - _RIM, 0), min(last + _RIM, len(voice))
        loud = voice[begin:end] * np.float32(more)
        if under is not None:
            loud += under.part(begin, end)
        limited = _limited(loud)[first - begin : last - begin]
        made[first:last] = np.clip(np.round(limited), -32768, 32767)
    return made


def _limited(loud: Floats) -> Floats:
    """Without peaks over _PEAK: turned down for a moment, before they come."""
    most = np.float32(32768 * 10 ** (_PEAK / 20))
    if float(np.abs(loud).max()) <= 0.5 * most:  # between samples it is less than twice as high
        return loud
    fine = np.abs(soxr.resample(loud, PLAY_RATE, _FINER * PLAY_RATE))
    fine = np.pad(fine, (0, max(_FINER * len(loud) - len(fine), 0)))[: _FINER * len(loud)]
    peaks = np.maximum(fine.reshape(-1, _FINER).max(1), np.abs(loud))
    gain = np.minimum(most / np.maximum(peaks, 1), 1).astype(np.float32)
    _held(gain, round(_BEFORE * PLAY_RATE), 1 / (_AFTER * PLAY_RATE))
    return np.asarray(loud * gain, np.float32)


@compiled
def _held(gain: Floats, before: int, back: float) -> None:
    """Go down over `before` samples ahead of each low, and come back by `back` a sample."""
    now = np.float32(1.0)
    for n in range(len(gain)):
        now = min(gain[n], now + np.float32(back))
        gain[n] = now
    step = np.float32(1.0 / before)
    now = np.float32(1.0)
    for n in range(len(gain) - 1, -1, -1):
        now = min(gain[n], now + step)
        gain[n] = now
