"""The camera of a portrait, and the path tracer behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bpy  # type: ignore[import-not-found]
import numpy as np
from PIL import Image

from .film import Film, developed
from .head import Floats
from .mesh import link

DISTANCE: Final = 13.3  # camera to eyes, dm: where 85 mm put a head and shoulders on full frame
FRAME: Final = 4.1  # width of the picture at the eyes, dm
BELOW_EYES: Final = 0.42  # of the picture's middle, dm
SHALLOW: Final = 0.06  # radius of the aperture, dm: f/7 at 85 mm; eyes and hair sharp


@dataclass(frozen=True, slots=True)
class Framing:
    """How a picture is cut: `wide` over FRAME, and the person's place right and up of it, dm."""

    wide: float = 1.0
    right: float = 0.0
    up: float = 0.0


WHOLE: Final = Framing()


def add_camera(eyes: Floats, aperture_radius: float, framing: Framing) -> None:
    """A level camera in front of the eyes, focused on them; radius 0 keeps all sharp."""
    data = bpy.data.cameras.new("camera")
    data.sensor_width = 36.0
    data.lens = 36.0 * DISTANCE / (framing.wide * FRAME)
    # The lens is shifted, not turned: the room behind stays upright.
    data.shift_x, data.shift_y = (-s / (framing.wide * FRAME) for s in (framing.right, framing.up))
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
