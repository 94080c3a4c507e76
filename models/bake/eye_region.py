"""A part of a photo around an eye: texels, px from the edges of the lids, and colours.

What `iris_disc` and `eyeball` have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.models.avatar.rig import Floats, Grid
from visavis.models.bake import layers
from visavis.models.bake.eyes import EyeShape

Mask = npt.NDArray[np.bool_]

STEP: Final = 0.5  # px between texels
LIMBUS: Final = (0.15, 1.5)  # radii of an iris, and px, that its soft edge reaches beyond it
RIM: Final = 1.0  # px at the edges of the lids that are dark with lashes
LASHED: Final = 0.20  # openings below an upper lid's edge where its lashes may hang


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the photo with texels STEP px apart. at (h, w, 2): positions; rgb (h, w, 3); up,
    low (h, w): px from the lids' edges, negative between them."""

    corner: Floats
    at: Floats
    rgb: Floats
    up: Floats
    low: Floats

    def card(
        self, box: tuple[slice, slice], depth: float, camera: Floats, shifts: Floats | None = None
    ) -> Grid:
        """The grid of a part of it."""
        rows, columns = box
        x, y = self.at[rows.start, columns.start]
        size = (rows.stop - rows.start, columns.stop - columns.start)
        return layers.card((float(x), float(y)), size, STEP, depth, camera, shifts)


def limbus(eye: EyeShape) -> float:
    """px over which the iris goes over into the white."""
    return LIMBUS[0] * eye.radius + LIMBUS[1]


def brightness(rgb: Floats) -> Floats:
    """Luma of colours (..., 3)."""
    return np.asarray(rgb @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)


def unmixed(mixed: Floats, behind: Floats, alpha: Floats) -> Floats:
    """The colour that over `behind` gives `mixed`."""
    own = behind + (mixed - behind) / np.maximum(alpha, 0.15)[..., None]
    return np.asarray(np.clip(own, 0, 255), np.float32)


def lashed(eye: EyeShape, region: Region) -> Floats:
    """(h, w) in [0, 1]: where lashes may hang, or the white is none of the eyeball's."""
    radial = np.linalg.norm(region.at - eye.centre, axis=-1) / eye.radius
    below = np.clip(1.5 + region.up / (LASHED * eye.aperture), 0, 1)
    hanging = below * np.clip((radial - 0.5) / 0.1, 0, 1) * np.clip((0.85 - radial) / 0.1, 0, 1)
    return np.asarray(np.maximum(hanging, np.clip((radial - 1.25) / 0.2, 0, 1)), np.float32)
