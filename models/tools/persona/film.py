"""What lens and sensor add to a traced picture. Needs no Blender."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Film:
    """How the picture is developed. Exposure in stops, white in kelvin, the rest shares."""

    exposure: float = 0.0
    look: str = "AgX - Medium High Contrast"
    white: float = 6500.0
    gain: float = 1.1  # of the shadows; highlights roll off to the same white
    contrast: float = 0.4  # of an S over AgX, which is flat beside a camera's picture
    saturation: float = 0.98
    grain: float = 1.0
    vignette: float = 0.16
    bloom: float = 0.05
    softness: float = 0.45  # px, of the lens and the sensor's filter


def blurred(light: Floats, sigma: float) -> Floats:
    """A Gaussian blur of (h, w, k) by `sigma` px, the edge repeated outwards."""
    reach = int(np.ceil(3 * sigma))
    weight = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    for axis in (0, 1):
        pad = [(reach, reach) if k == axis else (0, 0) for k in range(3)]
        wide = np.pad(light, pad, "edge")
        span = light.shape[axis]
        light = sum(
            w * np.take(wide, range(k, k + span), axis) for k, w in enumerate(weight / weight.sum())
        )
    return np.asarray(light)


def toned(light: Floats, film: Film) -> Floats:
    """The curve of a camera's picture over display values in [0, 1]."""
    lifted = light * film.gain / (1 + (film.gain - 1) * light)
    curve = lifted * lifted * (3 - 2 * lifted)
    return np.asarray(lifted + film.contrast * (curve - lifted))


def developed(
    picture: npt.NDArray[np.uint8], film: Film, size: int, corner: tuple[int, int], seed: int
) -> npt.NDArray[np.uint8]:
    """What lens and sensor add to a picture (h, w, 3), a part of a square one of `size` px.

    corner: row and column of the part's first pixel. Veil of highlights, softness, vignetting,
    colour, and grain that is strongest in the lower middle tones, as a sensor's.
    """
    height, width = picture.shape[:2]
    scale = size / 1024
    light = picture.astype(np.float64) / 255
    light = toned(light, film)
    glare = np.clip(light - 0.72, 0, 1)
    light = light + film.bloom * 3 * blurred(glare, 14 * scale)
    light = blurred(light, film.softness * scale)
    rows = (np.arange(height) + corner[0]) / size - 0.5
    columns = (np.arange(width) + corner[1]) / size - 0.5
    off = rows[:, None] ** 2 + columns[None] ** 2
    light *= (1 - film.vignette * (off / 0.5) ** 1.2)[..., None]
    grey = light @ np.array([0.2126, 0.7152, 0.0722])
    light = grey[..., None] + film.saturation * (light - grey[..., None])
    light = (
        light
        + film.grain
        * _grain(size, seed, scale)[corner[0] : corner[0] + height, corner[1] : corner[1] + width]
        * (0.35 + 1.6 * np.sqrt(np.clip(grey, 0, 1)) * (1 - np.clip(grey, 0, 1)))[..., None]
    )
    return np.asarray(np.clip(light * 255 + 0.5, 0, 255), np.uint8)


def _grain(size: int, seed: int, scale: float) -> Floats:
    """Noise (size, size, 3): mostly of brightness, a little of colour, barely coarser than px."""
    rng = np.random.default_rng(seed)
    grey = blurred(rng.normal(0, 1, (size, size, 1)), 0.55)
    hue = blurred(rng.normal(0, 1, (size, size, 3)), 0.9)
    return np.asarray((0.011 * grey + 0.006 * hue) * min(scale, 1.0))
