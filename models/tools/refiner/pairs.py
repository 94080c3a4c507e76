"""The refiner's pairs as windows to learn from, and what is varied in them. numpy and OpenCV only.

A file of pairs (one person's, see bench/face/crowd.py) is an .npz: warp and truth (n, 768, 512)
uint8 I420, of one state each; corners (n, 3, 2) and amounts (n, AMOUNTS) as in
models/refine/windows.py; edges (n, 512, 512): 1 at the mouth, 2 at the lids, 0 elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.refine import windows

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

SPARE: Final = 4  # samples around a window, from which it is cut at another place each time
QUALITY: Final = (35, 85)  # of JPEG
COMPRESSED: Final = 0.4  # of the windows
NOISE: Final = 3.0  # most of its standard deviation, in units of 255
LIGHT: Final = (0.7, 1.3)  # gain of luma above black
SLOPE: Final = 0.3  # of the light from one side of a window to the other, at most
TINT: Final = (0.25, 0.3, 6.0)  # chroma: radians turned, share fuller or paler, shift
EDGES: Final = 3.0  # how much more an error at lips and lids counts than one elsewhere


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of one kind: warp, truth (n, 6, h, w) uint8, with SPARE samples around; harm: what
    compression does to the warp, int16; weight (n, 1, h, w); amounts (n, AMOUNTS)."""

    warp: Bytes
    truth: Bytes
    harm: npt.NDArray[np.int16]
    weight: Floats
    amounts: Floats


@dataclass(frozen=True, slots=True)
class Batch:
    """What the network looks at (n, 6, h, w), the same without harm, and what that should become;
    how much each error counts (n, 1, h, w), and the amounts."""

    given: Floats
    own: Floats
    true: Floats
    weight: Floats
    amounts: Floats


def read(paths: Sequence[Path]) -> tuple[Windows, Windows]:
    """The mouths and the eyes of some people; each a second time in the mirror, left eyes there
    alone."""
    mouths: list[Windows] = []
    eyes: list[Windows] = []
    for path in paths:
        with np.load(path) as data:
            person = {key: data[key] for key in data.files}
        harmed = [_compressed(own, k) for k, own in enumerate(person["warp"])]
        parts = [_cut(person, harmed, k) for k in range(len(windows.SIZES))]
        mouths += [parts[0], mirrored(parts[0])]
        eyes += [parts[1], mirrored(parts[2])]
    return joined(mouths), joined(eyes)


def joined(parts: Sequence[Windows]) -> Windows:
    return Windows(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("warp", "truth", "harm", "weight", "amounts")
        )
    )


def _compressed(own: Bytes, seed: int) -> Bytes:
    """An I420 picture through JPEG and back."""
    quality = int(np.random.default_rng(seed).integers(*QUALITY))
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(own, cv2.COLOR_YUV2BGR_I420), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    assert done
    back = np.asarray(cv2.imdecode(data, 1), np.uint8)
    return np.asarray(cv2.cvtColor(back, cv2.COLOR_BGR2YUV_I420), np.uint8)


def _cut(person: dict[str, npt.NDArray[np.generic]], harmed: list[Bytes], kind: int) -> Windows:
    rows, columns = (n + 4 * SPARE for n in list(windows.SIZES.values())[kind])
    value = min(kind, 1) + 1
    out: tuple[list[Bytes], ...] = ([], [], [], [])
    for own, true, harm, corner, mask in zip(
        person["warp"], person["truth"], harmed, person["corners"], person["edges"], strict=True
    ):
        at = corner[kind] - 2 * SPARE
        marked = np.concatenate([np.uint8(mask == value), np.zeros_like(mask[: len(mask) // 2])])
        for where, picture in zip(out, (own, true, harm, marked), strict=True):
            where.append(windows.cut(picture, at, (rows, columns)).astype(np.uint8))
    warp, truth, harm, marks = (np.stack(part) for part in out)
    return Windows(
        warp,
        truth,
        harm.astype(np.int16) - warp,
        1 + (EDGES - 1) * (marks[:, :1] == 1).astype(np.float32),
        np.asarray(person["amounts"], np.float32),
    )


def mirrored(part: Windows) -> Windows:
    """The same faces in a mirror."""

    swap = list(windows.MIRRORED)
    order, sign = windows.mirrored_amounts()
    return Windows(
        part.warp[..., ::-1][:, swap],
        part.truth[..., ::-1][:, swap],
        part.harm[..., ::-1][:, swap],
        part.weight[..., ::-1],
        part.amounts[:, order] * sign,
    )


def drawn(part: Windows, count: int, rng: np.random.Generator) -> Batch:
    """Some windows at random, each in another light, tint and place, some noisy or compressed."""
    chosen = rng.integers(len(part.warp), size=count)
    rows, columns = (n - 2 * SPARE for n in part.warp.shape[2:])
    down, across = rng.integers(2 * SPARE + 1, size=(2, count))

    def at(planes: npt.NDArray[np.generic]) -> Floats:
        cut = [
            planes[k, :, y : y + rows, x : x + columns]
            for k, y, x in zip(chosen, down, across, strict=True)
        ]
        return np.stack(cut).astype(np.float32)

    own, true = relit(at(part.warp), at(part.truth), rng)
    harm = at(part.harm) * (rng.random((count, 1, 1, 1)) < COMPRESSED)
    noise = rng.normal(0, 1, own.shape) * rng.uniform(0, NOISE, (count, 1, 1, 1))
    noise *= rng.random((count, 1, 1, 1)) < 0.5
    given = np.clip(own + harm + noise, 0, 255).astype(np.float32)
    return Batch(given, own, true, at(part.weight), part.amounts[chosen])


def relit(own: Floats, true: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Both pictures of each pair in the same other light and tint."""
    count, _, _, columns = own.shape
    gain = rng.uniform(*LIGHT, (count, 1, 1, 1))
    slope = rng.uniform(-SLOPE, SLOPE, (count, 1, 1, 1)) * np.linspace(-1, 1, columns)
    curve = rng.uniform(0.85, 1.2, (count, 1, 1, 1))
    angle, fuller, shift = (np.float64(v) for v in TINT)
    turn = rng.uniform(-angle, angle, count)
    full = rng.uniform(1 - fuller, 1 + fuller, count)
    moved = rng.normal(0, shift / 2, (count, 2, 1, 1))
    matrix = np.stack([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * full

    def lit(planes: Floats) -> Floats:
        luma = 219 * (np.clip(planes[:, :4] - 16, 0, 219) / 219) ** curve * gain * (1 + slope) + 16
        chroma = np.einsum("ijn,njhw->nihw", matrix, planes[:, 4:] - 128) * gain + 128 + moved
        return np.concatenate([luma, chroma], 1).astype(np.float32)

    return lit(own), lit(true)
