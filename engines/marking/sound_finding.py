"""The mark of `sound` looked for in a recording: whatever it went through, wherever it begins.

What a cell says is how much louder its first half is than its second, in dB, beside what the cells
around it say. Speech changes by more than a mark from one moment to the next, so each is weighed
by how restless its surroundings are, none may say much, and those of all periods are summed: noise
goes with the root of their number, a mark with the number. Where a period begins is found by the
cells that are always the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.base import HEAR_RATE
from visavis.engines.marking.evidence import LIMIT, Found, log10_false_alarm
from visavis.engines.marking.payload import CODED, Payload, decode, encode
from visavis.engines.marking.sound_pattern import (
    BANDS,
    CARRIED,
    COLUMNS,
    EDGES,
    KEY,
    SLOT,
    gathered,
    spread,
)

Floats = npt.NDArray[np.float32]

RATE: Final = HEAR_RATE  # of the sound that is searched
_STEPS: Final = 4  # places tried a slot
_HOP: Final = round(SLOT * RATE) // _STEPS
_COLUMN: Final = 2 * _STEPS  # places
PERIOD: Final = COLUMNS * _COLUMN  # places
_WINDOW: Final = 2 * round(SLOT * RATE)
_FFT: Final = 512
_ROWS: Final = 4096  # spectra at a time

_LOUDEST: Final = np.float32(8)  # of full scale: a decoder may give anything
_WHOLE: Final = 12.0  # s; what is longer is searched in parts as well, for its clock may be another
_PART: Final = 10.0
_TRIED: Final = 8  # beginnings of a period, the likeliest
_LIKELY: Final = 2.8  # standard deviations

_AGAIN: Final = 0.5  # of the slots before and after a cell, against a sound that swells or fades
_BESIDE: Final = 0.35  # of the bands below and above, against one that begins or ends
_CLIP: Final = 1.5  # as often as its surroundings a cell may say something
_FAINT: Final = 45.0  # dB under the loudest band of its moment
_SILENT: Final = 35.0  # dB under what is loud
_DEEP: Final = 65.0  # dB under the loudest moment: nothing is quieter


@dataclass(frozen=True, slots=True)
class _Folded:
    """All periods of a piece laid over one another: (PERIOD, BANDS)."""

    cells: npt.NDArray[np.float64]

    def at(self, place: int) -> npt.NDArray[np.float64]:
        """(COLUMNS, BANDS): what the cells say if a period begins there."""
        return np.roll(self.cells, -place, axis=0)[::_COLUMN]


def find(sound: Floats) -> list[Found]:
    """Every mark in (n,) float32 at RATE, the surest first; none: []. A second is the least."""
    says = _said(np.clip(np.nan_to_num(sound, posinf=0, neginf=0), -_LOUDEST, _LOUDEST))
    pieces = list(_pieces(len(says)))
    places = float(PERIOD * max(len(pieces), 1))
    found: dict[Payload, Found] = {}
    for begin, end in pieces:
        for mark in _searched(_folded(says[begin:end]), places):
            known = found.get(mark.payload)
            if known is None or mark.log10_false_alarm < known.log10_false_alarm:
                found[mark.payload] = mark
    return sorted(found.values(), key=lambda mark: mark.log10_false_alarm)


def _pieces(rows: int) -> Iterator[tuple[int, int]]:
    """All of it, and where that is long its parts, which overlap by half."""
    if rows <= 0:
        return
    yield 0, rows
    part = round(_PART * RATE / _HOP)
    if rows > _WHOLE * RATE / _HOP:
        for begin in range(0, rows - part // 2, part // 2):
            yield begin, min(begin + part, rows)


def _searched(folded: _Folded, places: float) -> Iterator[Found]:
    for place in _beginnings(folded):
        cells = folded.at(place)
        payload = decode(gathered(cells).astype(np.float32))
        if payload is None:
            continue
        evidence = _along(cells, spread(encode(payload)))
        chance = log10_false_alarm(evidence, places)
        if chance <= LIMIT:
            agreement = evidence / float(np.sqrt(COLUMNS * BANDS))
            yield Found(payload, min(agreement, 1.0), chance)


def _beginnings(folded: _Folded) -> list[int]:
    """The places at which a period begins most likely, the likeliest first."""
    scores = np.array([_along(folded.at(place), _SAME) for place in range(PERIOD)])
    best = np.argsort(-scores)[:_TRIED]
    return [int(place) for place in best if scores[place] > _LIKELY]


_SAME: Final = np.where(CARRIED == CODED, KEY, np.int8(0))


def _along(cells: npt.NDArray[np.float64], signs: npt.NDArray[np.int8]) -> float:
    """The evidence that these signs are in the cells, as `evidence` has it."""
    length = float(np.sqrt(np.sum(cells[signs != 0] ** 2)))
    return float(np.sum(cells * signs)) / length if length else 0.0


def _folded(says: Floats) -> _Folded:
    whole = -len(says) % PERIOD
    padded = np.pad(says, ((0, whole), (0, 0))).reshape(-1, PERIOD, BANDS)
    return _Folded(padded.sum(axis=0, dtype=np.float64))


def _said(sound: Floats) -> Floats:
    """(places, BANDS): what a cell that begins at each place would say; 0: nothing."""
    levels, heard = _levels(sound)
    if len(levels) <= 3 * _STEPS:
        return np.zeros((0, BANDS), np.float32)
    difference = levels[:-_STEPS] - levels[_STEPS:]
    before, here, after = (
        difference[: -2 * _STEPS],
        difference[_STEPS:-_STEPS],
        difference[2 * _STEPS :],
    )
    alone = np.asarray(here - _AGAIN * (before + after) / 2, np.float32)
    said = np.asarray(alone - _BESIDE * _neighbours(alone), np.float32)
    both = heard[_STEPS : -2 * _STEPS] & heard[2 * _STEPS : -_STEPS]
    return _weighed(said, both)


def _weighed(said: Floats, heard: npt.NDArray[np.bool_]) -> Floats:
    if not heard.any():
        return np.zeros_like(said)
    usual = float(np.median(np.abs(said[heard]))) + 1e-6
    size = np.minimum(np.abs(said), 4 * usual) * heard
    total, number = _around(size), _around(heard.astype(np.float32))
    restless = np.maximum(1.25 * total / np.maximum(number, 1.0), 0.5 * usual)
    return np.asarray(np.clip(said / restless, -_CLIP, _CLIP) / restless * heard, np.float32)


def _around(cells: Floats) -> Floats:
    """The sum of the cells around each: two columns before and after, a band below and above."""
    padded = np.pad(cells, ((2 * _COLUMN, 2 * _COLUMN), (1, 1)))
    rows, bands = cells.shape
    shifts = range(0, 4 * _COLUMN + 1, _COLUMN)
    columns = np.sum([padded[shift : shift + rows] for shift in shifts], axis=0)
    beside = columns[:, :bands] + columns[:, 1 : bands + 1] + columns[:, 2:]
    return np.asarray(beside - cells, np.float32)


def _neighbours(cells: Floats) -> Floats:
    """The mean of the bands below and above."""
    padded = np.pad(cells, ((0, 0), (1, 1)), mode="edge")
    return np.asarray((padded[:, :-2] + padded[:, 2:]) / 2, np.float32)


def _levels(sound: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """(places, BANDS) dB of the window that begins at each place, and whether it is heard."""
    if len(sound) < _WINDOW:
        return np.zeros((0, BANDS), np.float32), np.zeros((0, BANDS), np.bool_)
    blocks = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP]
    parts = [_energies(blocks[at : at + _ROWS]) for at in range(0, len(blocks), _ROWS)]
    energies = np.concatenate(parts)
    levels = 10 * np.log10(energies + 1e-12)
    total = 10 * np.log10(energies.sum(axis=1) + 1e-12)
    floor = float(total.max()) - _DEEP
    loud = total > np.percentile(total, 95) - _SILENT
    near = levels > levels.max(axis=1, keepdims=True) - _FAINT
    heard = loud[:, None] & near & (levels > floor + 3)
    return np.maximum(levels, floor).astype(np.float32), heard


def _energies(blocks: Floats) -> Floats:
    spectra = np.abs(np.fft.rfft(blocks * _HANN, _FFT)) ** 2
    return np.asarray(spectra @ _SUMS, np.float32)


_HANN: Final = np.hanning(_WINDOW).astype(np.float32)
_HERTZ: Final = np.fft.rfftfreq(_FFT, 1 / RATE)[:, None]
_SUMS: Final = ((np.array(EDGES[:-1]) <= _HERTZ) & (np.array(EDGES[1:]) > _HERTZ)).astype(
    np.float32
)
