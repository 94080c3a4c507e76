"""The camera of a portrait: lens, exposure, film; and the path tracer behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bpy  # type: ignore[import-not-found]
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter  # type: ignore[import-untyped]

from .head import Floats
from .mesh import link

DISTANCE: Final = 13.3  # camera to eyes, dm: where 85 mm put a head and shoulders on full frame
FRAME: Final = 4.1  # width of the picture at the eyes, dm
BELOW_EYES: Final = 0.42  # of the picture's middle, dm
SHALLOW: Final = 0.11  # radius of the aperture, dm: f/3.9 at 85 mm; eyes sharp, ears soft


@dataclass(frozen=True, slots=True)
class Film:
    """How the picture is developed. Exposure in stops, white in kelvin, the rest shares."""

    exposure: float = 0.0
    look: str = "AgX - Medium High Contrast"
    white: float = 6500.0
    saturation: float = 1.04  # AgX pales what is bright more than cameras do
    grain: float = 1.0
    vignette: float = 0.16
    bloom: float = 0.05
    softness: float = 0.45  # px, of the lens and the sensor's filter


def add_camera(eyes: Floats, aperture_radius: float) -> None:
    """A level camera in front of the eyes, focused on them; radius 0 keeps all sharp."""
    data = bpy.data.cameras.new("camera")
    data.sensor_width = 36.0
    data.lens = 36.0 * DISTANCE / FRAME
    thing = link("camera", data)
    thing.location = (0.0, eyes[1] - DISTANCE, eyes[2] - BELOW_EYES)
    thing.rotation_euler = (math.pi / 2, 0, 0)
    data.dof.use_dof = aperture_radius > 0
    data.dof.focus_distance = DISTANCE - 0.12  # the cornea, not the ball's centre
    if aperture_radius > 0:
        data.dof.aperture_fstop = data.lens * 1e-3 / (2 * aperture_radius)
    bpy.context.scene.camera = thing


def _sampling(samples: int, seed: int) -> None:
    cycles = bpy.context.scene.cycles
    cycles.device = "CPU"
    cycles.samples, cycles.seed = samples, seed
    cycles.use_adaptive_sampling = True
    cycles.adaptive_threshold = 0.02
    cycles.adaptive_min_samples = 12
    # Albedo and normals, themselves denoised first, guide: pores stay where light is smoothed.
    cycles.use_denoising = True
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    cycles.denoising_prefilter = "ACCURATE"
    cycles.sample_clamp_indirect = 6.0
    cycles.transparent_max_bounces = 12
    cycles.max_bounces, cycles.diffuse_bounces = 5, 2
    cycles.glossy_bounces, cycles.transmission_bounces = 3, 5
    cycles.caustics_reflective = cycles.caustics_refractive = False
    bpy.context.scene.cycles_curves.shape = "RIBBONS"


def _development(film: Film) -> None:
    view = bpy.context.scene.view_settings
    view.view_transform = "AgX"
    view.look = film.look
    view.exposure = 0.62 + film.exposure
    view.use_white_balance = film.white != 6500.0
    view.white_balance_temperature = film.white


def render(
    path: Path,
    size: int,
    samples: int,
    seed: int,
    window: Sequence[float] = (),
    film: Film | None = None,
) -> None:
    """Path-trace the scene into a PNG, or an EXR by suffix.

    `window` (left, right, bottom, top in [0, 1]) renders only a part at full scale. A film
    develops the PNG as a camera would; without one it stays as clean as it was traced.
    """
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    _sampling(samples, seed)
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    if window:
        scene.render.use_border = scene.render.use_crop_to_border = True
        names = ("border_min_x", "border_max_x", "border_min_y", "border_max_y")
        for name, value in zip(names, window, strict=True):
            setattr(scene.render, name, value)
    linear = path.suffix == ".exr"
    scene.render.image_settings.file_format = "OPEN_EXR" if linear else "PNG"
    _development(film or Film())
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    if film and not linear:
        left, _, _, top = window or (0.0, 1.0, 0.0, 1.0)
        picture = np.asarray(Image.open(path).convert("RGB"))
        corner = (round((1 - top) * size), round(left * size))
        Image.fromarray(developed(picture, film, size, corner, seed)).save(path)


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
    glare = np.clip(light - 0.72, 0, 1)
    light = light + film.bloom * 3 * gaussian_filter(glare, (14 * scale, 14 * scale, 0))
    light = gaussian_filter(light, (film.softness * scale, film.softness * scale, 0))
    rows = (np.arange(height) + corner[0]) / size - 0.5
    columns = (np.arange(width) + corner[1]) / size - 0.5
    off = rows[:, None] ** 2 + columns[None] ** 2
    light *= (1 - film.vignette * (off / 0.5) ** 1.2)[..., None]
    grey = light @ np.array([0.2126, 0.7152, 0.0722])
    light = grey[..., None] + film.saturation * (light - grey[..., None])
    light = light + film.grain * _grain(size, seed, scale)[
        corner[0] : corner[0] + height, corner[1] : corner[1] + width
    ] * (0.35 + 1.6 * np.sqrt(np.clip(grey, 0, 1)) * (1 - np.clip(grey, 0, 1)))[..., None]
    return np.asarray(np.clip(light * 255 + 0.5, 0, 255), np.uint8)


def _grain(size: int, seed: int, scale: float) -> Floats:
    """Noise (size, size, 3): mostly of brightness, a little of colour, barely coarser than px."""
    rng = np.random.default_rng(seed)
    grey = gaussian_filter(rng.normal(0, 1, (size, size, 1)), (0.55, 0.55, 0))
    hue = gaussian_filter(rng.normal(0, 1, (size, size, 3)), (0.9, 0.9, 0))
    return np.asarray((0.011 * grey + 0.006 * hue) * min(scale, 1.0))
