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
_RIM: Final = 256  # samples on both sides that a resampler needs
_BEFORE, _AFTER = 0.004, 0.12  # s over which the limiter goes down, and comes back

_STEP: Final = PLAY_RATE // 50  # samples, 20 ms, at which speech is looked for and gain is set
_SPEAKS: Final = -46.0  # dB below full scale, of a voice at VOICE
_HOLD: Final = 0.7  # s of silence between words in which music stays away
_DOWN, _UP = 0.3, 0.9  # s in which it goes, before the first word, and comes back after the last
_FADES: Final = 0.6, 2.5  # s at the film's beginning and end
_SEAM: Final = 1.2  # s over which music that is too short goes over into its beginning


def levelled(voice: Pcm) -> Pcm:
    """The same at VOICE, without a peak over _PEAK; silence stays silence."""
    return _limited(_at_voice(voice))


def mixed(voice: Pcm, music: Music | None, folder: Path) -> Pcm:
    """All of a film's sound, as long as `voice`: what is spoken in it, pauses included.

    music: its level is LUFS where nobody speaks. Raises Unprocessable for a file that cannot be
    used.
    """
    loud = _at_voice(voice)
    if music is None or not len(voice):
        return _limited(loud)
    tune = _read(folder, music.file)
    level = loudness(tune)
    if level <= SILENT:
        raise files.unusable(music.file, "there is only silence in it.")
    tune = _lasting(tune, len(voice))
    gain = _decibels(music.level - level) * _decibels(-music.ducked * _ducking(loud))
    gain *= _fading(len(gain))
    under = tune.astype(np.float32) * _fine(gain, len(tune))
    return _limited(loud + under)


def _read(folder: Path, name: str) -> Pcm:
    path = files.found(folder, name)
    try:
        return read_sound(path)
    except ConfigError as error:
        why = str(error).removeprefix(str(path)).removeprefix(" cannot be read as sound: ")
        raise files.unusable(name, f"{why.strip()}.") from error


def _at_voice(voice: Pcm) -> Floats:
    level = loudness(voice)
    more = min(VOICE - level, _MOST) if level > SILENT else 0.0
    return np.asarray(voice * np.float32(10 ** (more / 20)), np.float32)


def _decibels(level: float | Floats) -> Floats:
    return np.asarray(10 ** (np.asarray(level) / 20), np.float32)


def _ducking(voice: Floats) -> Floats:
    """(steps,) in [0, 1]: how far music is away, in each _STEP of a voice."""
    steps = -(-len(voice) // _STEP)
    padded = np.pad(voice, (0, steps * _STEP - len(voice))).reshape(steps, _STEP)
    level = 20 * np.log10(np.sqrt((padded**2).mean(1)) / 32768 + 1e-9)
    speaks = _closed(level > _SPEAKS, round(_HOLD * PLAY_RATE / _STEP))
    away = np.zeros(steps, np.float32)
    _sloped(speaks, _STEP / PLAY_RATE / _DOWN, _STEP / PLAY_RATE / _UP, away)
    return away * away * (3 - 2 * away)


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


def _fine(gain: Floats, length: int) -> Floats:
    """Of each sample."""
    middles = (np.arange(len(gain)) + 0.5) * _STEP
    return np.interp(np.arange(length), middles, gain).astype(np.float32)


def _lasting(tune: Pcm, length: int) -> Pcm:
    """Played over and over, the end of it going over into its beginning."""
    seam = min(round(_SEAM * PLAY_RATE), len(tune) // 3)
    if len(tune) >= length or not seam:
        return np.resize(tune, length)
    rise = np.sin(np.linspace(0, np.pi / 2, seam, dtype=np.float32))
    again = tune.astype(np.float32)
    again[-seam:] = again[-seam:] * rise[::-1] + again[:seam] * rise
    body = np.clip(np.round(again[seam:]), -32768, 32767).astype(np.int16)
    first = np.concatenate([tune[:seam], body])
    turns = max(-(-(length - len(first)) // len(body)), 0)
    return np.concatenate([first, *([body] * turns)])[:length]


def _limited(loud: Floats) -> Pcm:
    """Without peaks over _PEAK: turned down for a moment, before they come."""
    most = np.float32(32768 * 10 ** (_PEAK / 20))
    if len(loud) and float(np.abs(loud).max()) > 0.5 * most:  # between samples it is less than 2 x
        peaks = _peaks(loud)
        if float(peaks.max()) > most:
            gain = np.minimum(most / np.maximum(peaks, 1), 1).astype(np.float32)
            _held(gain, round(_BEFORE * PLAY_RATE), 1 / (_AFTER * PLAY_RATE))
            loud = loud * gain
    return np.clip(np.round(loud), -32768, 32767).astype(np.int16)


def _peaks(loud: Floats) -> Floats:
    """The highest between each sample and the next; in pieces, for it takes room."""
    peaks = np.abs(loud)
    for first in range(0, len(loud), _PIECE):
        begin = max(first - _RIM, 0)
        piece = loud[begin : first + _PIECE + _RIM]
        fine = np.abs(soxr.resample(piece, PLAY_RATE, _FINER * PLAY_RATE))
        fine = np.pad(fine, (0, max(_FINER * len(piece) - len(fine), 0)))[: _FINER * len(piece)]
        highest = fine.reshape(-1, _FINER).max(1)[first - begin :][:_PIECE]
        there = peaks[first : first + _PIECE]
        np.maximum(there, highest[: len(there)], out=there)
    return np.asarray(peaks, np.float32)


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
