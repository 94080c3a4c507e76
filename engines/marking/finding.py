"""A mark found in pictures of any size: where it lies, what it says, and how sure that is.

Pilots alone decide where and how large the pattern is; the data of the place are then the evidence.
Their signs are independent of the pilots', so only the places that were read count as tries.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.engines.base import EngineError
from visavis.engines.marking import pattern
from visavis.engines.marking.evidence import LIMIT, Found, log10_false_alarm
from visavis.engines.marking.pattern import TILE
from visavis.engines.marking.payload import decode, encode

Luma = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

SMALLEST, LARGEST = 2.6, 28.0  # px of a cell
_FEWEST: Final = 36  # cells along a picture's shorter side, at least
_RATIO: Final = 1.012  # from one size to the next: a third of a cell off, 30 cells from the middle
_SAMPLES: Final = 3  # a cell's side, where it is looked at
_SIDE: Final = TILE * _SAMPLES
# What was best for pictures of faces after 300 kbit/s, and after that small and at 500 once more.
_WIDE: Final = 0.33  # cells: what is smoother than this is the picture's own
_NOISE: Final = 0.6  # of luma: how much of what is left is nothing, at least
_MOST: Final = 1.5  # deviations: what is more is an edge
_LEAST: Final = 0.2  # as _NOISE, of what that is divided by its variance
_CLEAR: Final = 7.0  # deviations of a place that is read at once
_FAINT: Final = 4.2  # deviations of pilots that agree so little that the data cannot be read
_READ: Final = 8  # places at most, of clear ones, and of the likeliest of all
_STEPS: Final = ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a pattern may be: px of a cell's side, px of a tile's corner; score in deviations.

    window: top, bottom, left, right in px, what of the picture is looked at.
    """

    score: float
    cell: float
    x: float
    y: float
    window: tuple[int, int, int, int]


def find(
    frames: Sequence[Luma], smallest: float = SMALLEST, largest: float = LARGEST
) -> Found | None:
    """The mark in some pictures of one recording, best 20 or more spread over 4 s.

    frames: (height, width) uint8 luma, all of one size, of any range. smallest, largest: px that a
    cell may have. None: no mark that noise could not be taken for. Raises EngineError.
    """
    mean = _mean(frames)
    largest = min(largest, min(mean.shape) / _FEWEST)
    places: list[_Place] = []
    read = 0
    for place in _places(mean, smallest, largest):
        places.append(place)
        if place.score >= _CLEAR and read < _READ:
            read += 1
            if found := _read(mean, _nearer(mean, place)):
                return found
    others = (_read(mean, _nearer(mean, place)) for place in _likeliest(places))
    return next(filter(None, others), None)


def _mean(frames: Sequence[Luma]) -> Floats:
    """What moves becomes smooth, and the mark stays."""
    if not frames or any(one.ndim != 2 or one.shape != frames[0].shape for one in frames):
        raise EngineError("a mark is looked for in pictures (height, width) of one size")
    total = np.zeros(frames[0].shape, np.float32)
    for one in frames:
        total += one
    return np.asarray(total / len(frames), np.float32)


def _places(mean: Floats, smallest: float, largest: float) -> Iterator[_Place]:
    """The likeliest of every size and window; first the sizes near that of a whole recording."""
    template = _template()
    steps = range(max(0, math.floor(math.log(largest / smallest, _RATIO)) + 1))
    whole = pattern.cell(mean.shape[1], mean.shape[0])
    sizes = (smallest * _RATIO**step for step in steps)
    for cell in sorted(sizes, key=lambda cell: abs(math.log(cell / whole))):
        yield from _of_size(mean, cell, template)


def _template() -> npt.NDArray[np.complex64]:
    pilots = np.kron(pattern.pilots(), np.ones((_SAMPLES, _SAMPLES))).astype(np.float32)
    return np.asarray(np.conj(np.fft.rfft2(pilots)), np.complex64)


def _of_size(mean: Floats, cell: float, template: npt.NDArray[np.complex64]) -> Iterator[_Place]:
    height, width = mean.shape
    columns, rows = (max(1, round(side / cell * _SAMPLES)) for side in (width, height))
    way = cv2.INTER_AREA if cell > _SAMPLES else cv2.INTER_LINEAR
    sampled = np.asarray(cv2.resize(mean, (columns, rows), interpolation=way), np.float32)
    down, across = -(-rows // _SIDE), -(-columns // _SIDE)
    padded = np.zeros((down * _SIDE, across * _SIDE), np.float32)
    padded[:rows, :columns] = _whitened(sampled)
    blocks = padded.reshape(down, _SIDE, across, _SIDE).transpose(0, 2, 1, 3)
    spectra = np.fft.rfft2(blocks).astype(np.complex64) * template
    for top, bottom, left, right in _windows(down, across):
        match = np.fft.irfft2(spectra[top:bottom, left:right].sum(axis=(0, 1)), (_SIDE, _SIDE))
        deviation = float(match.std())
        if deviation == 0:
            continue
        y, x = np.unravel_index(int(match.argmax()), match.shape)
        tile = cell * TILE
        yield _Place(
            float(match.max()) / deviation,
            cell,
            float(x) / columns * width,
            float(y) / rows * height,
            (round(top * tile), min(round(bottom * tile), height),
             round(left * tile), min(round(right * tile), width)),
        )  # fmt: skip


def _whitened(sampled: Floats) -> Floats:
    """What is left of a picture without what is smooth: the less, the more there is around it.

    First px for px, then for what is as large as a cell: each is divided by the variance of it.
    """
    left = sampled - cv2.GaussianBlur(sampled, (0, 0), _WIDE * _SAMPLES)
    deviation = _deviation(left, 3, _NOISE)
    even = np.clip(left / deviation, -_MOST, _MOST) / deviation
    around = _deviation(cv2.blur(even, (_SAMPLES, _SAMPLES)), 5, _LEAST)
    return np.asarray(even / around**2, np.float32)


def _deviation(values: Floats, cells: int, least: float) -> Floats:
    """Of the values so many cells around each."""
    side = cells * _SAMPLES
    return np.asarray(np.sqrt(cv2.blur(values * values, (side, side)) + least**2), np.float32)


def _windows(down: int, across: int) -> Iterator[tuple[int, int, int, int]]:
    """Of tiles: all of them, and every 2 x 2, for a picture may fill but a part."""
    sizes = {(down, across), (min(2, down), min(2, across))}
    for high, wide in sizes:
        for top in range(down - high + 1):
            for left in range(across - wide + 1):
                yield top, top + high, left, left + wide


def _likeliest(places: list[_Place]) -> list[_Place]:
    """So many as are read, and of those that are nearly the same the first."""
    kept: list[_Place] = []
    for place in sorted(places, key=lambda place: -place.score):
        if all(abs(math.log(place.cell / other.cell)) > 0.02 or other.window != place.window
               for other in kept):  # fmt: skip
            kept.append(place)
        if len(kept) == _READ:
            break
    return kept


def _nearer(mean: Floats, place: _Place) -> _Place:
    """The same, moved and stretched a little to where its pilots are clearest."""
    best = replace(place, score=_clearness(mean, place))
    for part in (1 / 3, 1 / 6):
        for _ in range(2):
            before = best
            for stretch, right, down in _STEPS:
                moved = _moved(best, 1 + part * 0.02 * stretch, part * right, part * down)
                score = _clearness(mean, moved)
                if score > best.score:
                    best = replace(moved, score=score)
            if best is before:
                break
    whole = replace(best, window=(0, mean.shape[0], 0, mean.shape[1]))
    score = _clearness(mean, whole)
    return replace(whole, score=score) if score > best.score else best


def _moved(place: _Place, stretch: float, right: float, down: float) -> _Place:
    """right, down: cells. It is stretched from the middle of what is looked at."""
    top, bottom, left, across = place.window
    middle_x, middle_y, cell = (left + across) / 2, (top + bottom) / 2, place.cell * stretch
    return replace(
        place,
        cell=cell,
        x=middle_x + (place.x - middle_x) * stretch + right * cell,
        y=middle_y + (place.y - middle_y) * stretch + down * cell,
    )


def _clearness(mean: Floats, place: _Place) -> float:
    """How well the pilots agree, in deviations."""
    pilots = pattern.pilots()
    seen = _observed(mean, place) * pilots
    return float(seen.sum() / (np.linalg.norm(seen) + 1e-9))


def _observed(mean: Floats, place: _Place) -> Floats:
    """(TILE, TILE): how much lighter each cell is than what is around it, of all tiles together."""
    top, bottom, left, right = place.window
    step, tile = place.cell / _SAMPLES, place.cell * TILE
    first_x, first_y = (
        corner + math.floor((edge - corner) / tile) * tile
        for corner, edge in ((place.x, left), (place.y, top))
    )
    across, down = (
        math.ceil((edge - first) / tile) for edge, first in ((right, first_x), (bottom, first_y))
    )
    x, y = (
        first + (np.arange(tiles * _SIDE, dtype=np.float32) + 0.5) * step
        for first, tiles in ((first_x, across), (first_y, down))
    )
    left_over = _whitened(_sampled(mean, x, y, place.cell))
    left_over[(y < top) | (y > bottom)] = 0
    left_over[:, (x < left) | (x > right)] = 0
    cells = left_over.reshape(down, TILE, _SAMPLES, across, TILE, _SAMPLES)
    return np.asarray(cells.sum(axis=(0, 2, 3, 5)), np.float32)


def _sampled(mean: Floats, x: Floats, y: Floats, cell: float) -> Floats:
    """The picture at x, y: px from its corner, in order and evenly spaced."""
    height, width = mean.shape
    share = min(1.0, (_SAMPLES + 1) / cell)  # first made small, or fine detail would be mistaken
    columns, rows = round(width * share), round(height * share)
    if share < 1:
        mean = np.asarray(cv2.resize(mean, (columns, rows), interpolation=cv2.INTER_AREA))
    scale_x, scale_y = columns / width, rows / height
    warp = np.array(
        [
            [(x[1] - x[0]) * scale_x, 0, x[0] * scale_x - 0.5],
            [0, (y[1] - y[0]) * scale_y, y[0] * scale_y - 0.5],
        ]
    )
    return np.asarray(
        cv2.warpAffine(
            mean, warp, (len(x), len(y)),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )  # fmt: skip


def _read(mean: Floats, place: _Place) -> Found | None:
    """What is said at a place, its pilots being clear as they can be."""
    if place.score < _FAINT:
        return None
    said, sums = pattern.data(_observed(mean, place))
    payload = decode(sums)
    if payload is None:
        return None
    size = float(np.linalg.norm(said))
    evidence = float(said @ pattern.carried(encode(payload))) / (size + 1e-9)
    false_alarm = log10_false_alarm(evidence, 2 * _READ)
    if false_alarm > LIMIT:
        return None
    return Found(payload, evidence / math.sqrt(len(said)), false_alarm)
