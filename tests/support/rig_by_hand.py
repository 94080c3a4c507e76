"""A small avatar made by hand, without a photo: a bright disc on grey, a mouth, two eyes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from visavis.models import arkit
from visavis.models.avatar.file import Avatar, Card, Consent
from visavis.models.avatar.rig import BREATH, CONTROLS, Body, Grid, Light, Patch, Sprite, nodes
from visavis.models.bake import contour, layers

Floats = npt.NDArray[np.float32]

SIDE, MARGIN = 256, 16
CAMERA = np.array([128, 110, 1000], np.float32)
CONSENT = Consent("nobody: synthetic", "drawn by a test", "the test", "2026-01-01")
BLACK = (0, 0, 0)


def dome(at: Floats) -> Floats:
    """Depth of a head-like dome, px."""
    reach = ((at[..., 0] - 128) / 70) ** 2 + ((at[..., 1] - 120) / 85) ** 2
    depth = np.where(reach < 1, 60 * np.sqrt(np.maximum(1 - reach, 0)), 0)
    return np.asarray(depth, np.float32)


def grid(
    corner: tuple[float, float],
    pitch: float,
    shape: tuple[int, int],
    write: Callable[[Floats, Floats], None] | None = None,
) -> Grid:
    at = nodes(corner, pitch, shape)
    values = np.zeros((*shape, layers.CHANNELS), np.float32)
    values[..., -1] = dome(at)
    if write is not None:
        write(values, at)
    share = np.clip((205 - at[..., 1]) / 20, 0, 1).astype(np.float32)
    values[..., 3 * BREATH + 1] = np.where(at[..., 1] > 190, -6, 0)
    return layers.grid(values, share, corner, pitch, CAMERA)


def patch(
    centre: tuple[float, float], half: float, unit: str, travel: float, close: str | None = None
) -> Patch:
    """A slit `2 * half` wide whose lower sheet moves `travel` px down with `unit`."""
    x, y = centre
    corner, pitch = (float(x - half - 20), float(y - 30)), 4.0
    shape = (20, int((2 * half + 40) / pitch) + 1)
    line = np.stack([np.linspace(x - half, x + half, 17), np.full(17, float(y))], -1)

    def moves(values: Floats, at: Floats) -> None:
        inside = np.clip(1 - ((at[..., 0] - x) / half) ** 2, 0, 1)
        values[..., 3 * arkit.INDEX[unit] + 1] = travel * inside
        if close:
            values[..., 3 * arkit.INDEX[close] + 1] = -travel * inside

    cuts = [contour.lens(line.astype(np.float32), depth) for depth in (25.0, -25.0)]
    at = nodes(corner, 1.0, (int(19 * pitch) + 1, int((shape[1] - 1) * pitch) + 1))
    edges = np.stack([contour.stored(contour.signed_distance(at, cut)) for cut in cuts])
    picture = np.zeros((4, 4, 4), np.uint8)
    sprite = Sprite(picture, layers.card((x - 2.0, y - 2.0), (4, 4), 1.0, 50.0, CAMERA))
    upper, lower = grid(corner, pitch, shape), grid(corner, pitch, shape, moves)
    rim = (150, 60, 70, 2.5)
    return Patch(upper, lower, edges, (sprite,), BLACK, (0.0, 1.0, 0.0, 1.0), rim)


def avatar(name: str = "hand-made", consent: Consent = CONSENT) -> Avatar:
    """The whole of it, 256 px wide, complete enough to be saved, loaded and drawn."""
    whole = SIDE + 2 * MARGIN
    at = nodes((-MARGIN, -MARGIN), 1.0, (whole, whole))
    plate = np.full((whole, whole, 3), 90, np.uint8)
    photo = np.full((whole, whole, 3), 200, np.uint8)
    photo[::8] = 170
    disc = ((at[..., 0] - 128) / 70) ** 2 + ((at[..., 1] - 120) / 85) ** 2
    body = at[..., 1] > 215 + 0.05 * np.abs(at[..., 0] - 128)
    matte = np.where((disc < 1) | body, 255, 0).astype(np.uint8)
    count = int(np.ceil((whole - 1) / 8)) + 1
    base = grid((-float(MARGIN), -float(MARGIN)), 8.0, (count, count))
    relief = np.zeros((count, count, 3), np.float32)
    return Avatar(
        card=Card(name, "CC0-1.0", consent, "0" * 64, (), "tests"),
        side=SIDE,
        margin=MARGIN,
        photo=photo,
        matte=matte,
        plate=plate,
        base=base,
        patches={
            "mouth": patch((128, 160), 30, "jawOpen", 20, "mouthClose"),
            "eye_right": patch((100, 100), 14, "eyeWideRight", 6),
            "eye_left": patch((156, 100), 14, "eyeWideLeft", 6),
        },
        light=Light(np.zeros(3, np.float32), relief),
        body=Body(
            np.array([128, 150, -20], np.float32),
            np.array([128, 215, -20], np.float32),
            CAMERA,
            56.0,
        ),
    )


assert CONTROLS[BREATH] == "breath"
