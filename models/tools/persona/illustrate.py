"""A render painted over: flat washes with edges, tinted shadows and drawn lines.

What makes it a drawing is decided in the picture, so that it bakes and moves as any portrait does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates  # type: ignore[import-untyped]
from scipy.signal import fftconvolve  # type: ignore[import-untyped]

Floats = npt.NDArray[np.float64]

SECTORS: Final = 8
GREY: Final = np.array([0.299, 0.587, 0.114])
INK: Final = np.array([0.20, 0.10, 0.12])
SHADOW: Final = np.array([0.42, 0.30, 0.52])  # what light leaves out is violet, not black
LIGHT: Final = np.array([1.0, 0.93, 0.80])


def _sectors(radius: int) -> list[Floats]:
    """Smooth pie slices of a disc, each summing to 1 (Papari et al. 2007, generalized Kuwahara)."""
    reach = 2 * radius
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    turn = np.arctan2(y, x)
    bell = np.exp(-(x**2 + y**2) / (2 * (radius * 0.6) ** 2))
    made = []
    for k in range(SECTORS):
        away = np.angle(np.exp(1j * (turn - 2 * np.pi * k / SECTORS)))
        slice_ = bell * (np.abs(away) <= np.pi / SECTORS * 1.2)
        slice_ = gaussian_filter(slice_, 0.25 * radius)
        made.append(slice_ / slice_.sum())
    return made


def washed(picture: Floats, radius: int, sharpness: float = 8.0) -> Floats:
    """The picture (h, w, 3) in [0, 1] as brush strokes: a pixel takes its calmest side's mean."""
    pad = 3 * radius
    wide = np.pad(picture, ((pad, pad), (pad, pad), (0, 0)), mode="reflect")
    total, weights = np.zeros_like(wide), np.zeros(wide.shape[:2])
    for kernel in _sectors(radius):
        mean = np.stack([fftconvolve(wide[..., c], kernel, mode="same") for c in range(3)], 2)
        square = np.stack(
            [fftconvolve(wide[..., c] ** 2, kernel, mode="same") for c in range(3)], 2
        )
        spread = np.sqrt(np.clip(square - mean**2, 0, None)).sum(2)
        weight = 1 / (1 + (255 * spread / 12) ** sharpness)
        weight += 1e-6
        total += weight[..., None] * mean
        weights += weight
    return np.asarray((total / weights[..., None])[pad:-pad, pad:-pad])


def lines(picture: Floats, width: float = 1.5, keen: float = 0.985) -> Floats:
    """How dark (h, w) in [0, 1] a pen would draw each place (Winnemoeller 2011, XDoG)."""
    grey = gaussian_filter(picture @ GREY, 0.6)
    near, far = gaussian_filter(grey, width), gaussian_filter(grey, 1.6 * width)
    edge = near - keen * far
    ink = np.where(edge < 0.0, 1 - np.exp(90 * edge), 0.0)
    return np.asarray(np.clip(gaussian_filter(ink, 0.7) * 1.25, 0, 1))


def _steps(light: Floats, count: int, softness: float) -> Floats:
    """Values in [0, 1] drawn towards `count` levels, with soft edges between them."""
    at = light * count
    floor = np.floor(at)
    rise = 1 / (1 + np.exp(-(at - floor - 0.5) / softness))
    return np.asarray((floor + rise) / count)


def _paper(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """The tooth of watercolour paper (h, w) around 0."""
    fine = gaussian_filter(rng.normal(0, 1, shape), 1.1)
    broad = gaussian_filter(rng.normal(0, 1, shape), 9.0)
    return np.asarray(fine / fine.std() * 0.012 + broad / broad.std() * 0.014)


def _shaken(picture: Floats, rng: np.random.Generator) -> Floats:
    """Edges of a hand: the picture displaced by less than a pixel and a half."""
    shape = picture.shape[:2]
    shift = [gaussian_filter(rng.normal(0, 1, shape), 9.0) for _ in range(2)]
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    at = [y + 1.2 * shift[0] / shift[0].std(), x + 1.2 * shift[1] / shift[1].std()]
    done = [map_coordinates(picture[..., c], at, order=1, mode="nearest") for c in range(3)]
    return np.stack(done, 2)


def illustrated(picture: npt.NDArray[np.uint8], seed: int) -> npt.NDArray[np.uint8]:
    """A render (h, w, 3) of about 1024 px as an illustration of the same size."""
    rng = np.random.default_rng(seed)
    scale = picture.shape[0] / 1024
    source = picture.astype(float) / 255
    radius = max(round(5 * scale), 2)
    paint = washed(washed(source, radius), max(round(3 * scale), 2))
    grey = paint @ GREY
    target = _steps(np.clip(grey * 1.08, 0, 1), 7, 0.13)
    lit = 0.35 * grey + 0.65 * target
    paint = paint * ((lit + 0.02) / (grey + 0.02))[..., None]
    grey = (paint @ GREY)[..., None]
    paint = grey + 1.28 * (paint - grey)
    dark = np.clip(1 - grey / 0.45, 0, 1) * 0.30
    paint = paint * (1 - dark) + dark * (0.25 + grey) * SHADOW
    bright = np.clip((grey - 0.55) / 0.45, 0, 1) * 0.25
    paint = paint * (1 - bright) + bright * LIGHT
    paint = _shaken(paint, rng)
    ink = lines(gaussian_filter(source, (0.8, 0.8, 0)), 1.5 * scale)[..., None]
    ink *= 0.75
    paint = np.clip(paint, 0, 1) * (1 - ink) + ink * INK
    paint = paint * (1 + 1.6 * _paper(paint.shape[:2], rng)[..., None])
    return np.asarray(np.clip(paint * 255 + 0.5, 0, 255), np.uint8)


def painted_over(path: Path, seed: int) -> None:
    """The same for a PNG file, in place."""
    Image.fromarray(illustrated(np.asarray(Image.open(path).convert("RGB")), seed)).save(path)
