"""Lids that close over an eyeball whose iris turns: one patch for each eye.

The head's own lid units are replaced near the eye: there the measured lid margins say how far a
lid has to travel, so that a blink closes exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from visavis.models import arkit
from visavis.models.avatar.rig import Bytes, Floats, Patch, nodes
from visavis.models.bake import contour, layers
from visavis.models.bake import landmarks as lm

PITCH: Final = 3.0  # px between nodes
CLEAN: Final = 0.5  # px of the eyeball, dark with lashes and shadow, that do not turn with it
OVERLAP: Final = 2.2  # px that a closed upper lid covers of the lower one,
FULL_OVERLAP: Final = 2.0  # where the open lids gape by as many px,
RUN_OUT: Final = 0.30  # and as many widths from a corner, at which it is a share of that
THIN: Final = 0.35
RISES: Final = 0.20  # apertures that the lower lid rises in its middle as they shut
# Of the depth at which shut lids meet in the middle, how far their corners come down with them: the
# outer one slides, the inner one is held by its tendon. Without it the shut line ends in hooks.
SINKS: Final = (0.60, 0.30)
SINKING: Final = (0.30, 0.24)  # widths along and across over which the skin around goes along
LASHES: Final = 0.14  # of the way from margin to brow that moves as one piece
CREASE: Final = 0.85  # of that way where the lid's movement has ended
WHITE_RIM: Final = 0.12  # iris radii of white above the iris of eyes torn open
LEAST_WIDE: Final = 0.05  # apertures that an upper lid rises all the same
# Travel of the upper and the lower margin, in apertures, at coefficient 1; down is positive.
TRAVEL: Final = {
    "eyeBlink": (1.0, 0.0),  # exactly shut, see _course
    "eyeSquint": (0.14, -0.24),
    "eyeWide": (-0.22, 0.05),
    "eyeLookDown": (0.50, 0.10),
    "eyeLookUp": (-0.42, -0.05),
    "eyeLookIn": (0.0, 0.0),
    "eyeLookOut": (0.0, 0.0),
}


@dataclass(frozen=True, slots=True)
class EyeShape:
    """One eye on the photo. upper, lower (33, 2): lid margins, left to right; across, down: unit
    vectors; brow: px from the eye's chord up to the brow; aperture: px between the margins."""

    name: str  # Left or Right, the subject's own
    upper: Floats
    lower: Floats
    centre: Floats
    radius: float
    across: Floats
    down: Floats
    brow: float
    aperture: float

    @property
    def width(self) -> float:
        return float(np.linalg.norm(self.upper[-1] - self.upper[0]))

    @property
    def opening(self) -> Floats:
        """(66, 2): the outline of what is seen of the eyeball."""
        return np.concatenate([self.upper, self.lower[::-1]])


def shape(face: lm.Face, name: str) -> EyeShape:
    """The measured shape of the subject's "Left" or "Right" eye."""
    eye = face.eye_left if name == "Left" else face.eye_right
    upper, lower = (contour.curve(edge, 33) for edge in (eye.upper, eye.lower))
    across = upper[-1] - upper[0]
    across = across / np.linalg.norm(across)
    down = np.array([-across[1], across[0]], np.float32)
    brow_points = face.points[list(lm.BROW_LEFT if name == "Left" else lm.BROW_RIGHT)[5:], :2]
    chord = (upper[0] + upper[-1]) / 2
    brow = float(np.median((chord - brow_points) @ down))
    aperture = float(((lower - upper) @ down)[8:25].max())
    return EyeShape(name, upper, lower, eye.centre, eye.radius, across, down, brow, aperture)


def box(eye: EyeShape) -> tuple[tuple[float, float], tuple[int, int]]:
    """Corner and node counts (rows, columns) of the patch."""
    middle = (eye.upper[0] + eye.upper[-1]) / 2
    half = eye.width * 0.80 + 10
    top, bottom = middle[1] - eye.brow - 8, middle[1] + eye.aperture * 2.6 + 18
    corner = (float(np.floor(middle[0] - half)), float(np.floor(top)))
    columns = int(np.ceil(2 * half / PITCH)) + 1
    return corner, (int(np.ceil((bottom - corner[1]) / PITCH)) + 1, columns)


@dataclass(frozen=True, slots=True)
class _Course:
    """Margins as heights below the line between the corners, along it: px at `along` (n,)."""

    along: Floats
    upper: Floats
    lower: Floats
    shut: Floats  # where both meet
    sinks: tuple[float, float]  # px that the left and the right corner come down as they do

    def sunk(self, along: Floats, below: Floats) -> Floats:
        """px down of skin at a corner of shut lids, whichever lid it is of."""
        width = float(self.along[-1])
        far = np.square(below / (SINKING[1] * width))
        out = np.zeros(np.broadcast_shapes(along.shape, below.shape), np.float32)
        for corner, depth in zip((0.0, width), self.sinks, strict=True):
            away = np.square((along - corner) / (SINKING[0] * width)) + far
            out += depth * np.exp(-2 * away)
        return out

    def overlap(self, along: Floats, gap: Floats) -> Floats:
        """px that a shut upper lid covers of the lower one: fewer near the corners, or its line
        would turn up there."""
        width = float(self.along[-1])
        near = contour.eased(np.minimum(along, width - along) / (RUN_OUT * width))
        share = THIN + (1 - THIN) * near
        return np.asarray(OVERLAP * share * contour.eased(gap / FULL_OVERLAP), np.float32)

    def at(self, line: Floats, along: Floats) -> Floats:
        """One of them elsewhere; 0 beyond the corners."""
        return np.interp(along, self.along, line, left=0, right=0).astype(np.float32)


def _course(eye: EyeShape) -> _Course:
    """Lids meet in an even curve near the lower margin: a notch in it would be seen."""
    along = np.linspace(0, eye.width, 65).astype(np.float32)
    upper, lower = (
        np.interp(along, *_sorted(edge - eye.upper[0], eye)) for edge in (eye.upper, eye.lower)
    )
    lower = np.maximum(lower, upper)
    t = 2 * along / eye.width - 1
    basis = np.stack([1 - t**2, (1 - t**2) * t], 1)
    weights = np.linalg.lstsq(basis, lower, rcond=None)[0]
    shut = basis @ weights - RISES * eye.aperture * (1 - t**2)
    depth = max(float(shut[len(shut) // 2]) + OVERLAP, 0.0)
    outer, inner = (depth * share for share in SINKS)
    sinks = (inner, outer) if eye.name == "Left" else (outer, inner)
    shut = shut + t**2 * (sinks[0] * (1 - t) + sinks[1] * (1 + t)) / 2
    above, below, meet = (np.asarray(line, np.float32) for line in (upper, lower, shut))
    return _Course(along, above, below, meet, sinks)


def _sorted(away: Floats, eye: EyeShape) -> tuple[Floats, Floats]:
    """px along and below of points, from left to right."""
    along, below = away @ eye.across, away @ eye.down
    order = np.argsort(along)
    return along[order], below[order]


def _near(eye: EyeShape, at: Floats) -> Floats:
    """(h, w) in [0, 1]: where the lid units come from here and not from the head."""
    middle = (eye.upper[0] + eye.upper[-1]) / 2
    x = (at - middle) @ eye.across / (eye.width * 0.66)
    y = (at - middle) @ eye.down
    y = np.where(y < 0, y / (eye.brow * 0.95), y / (eye.aperture * 1.5 + 6))
    return 1 - contour.eased((np.sqrt(x * x + y * y) - 0.75) / 0.3)


def _lid_shifts(eye: EyeShape, at: Floats, values: Floats, upper: bool) -> None:
    """Write the lid units of one sheet into channels of `values` (h, w, CHANNELS), in place."""
    course = _course(eye)
    away = at - eye.upper[0]
    along, below = away @ eye.across, away @ eye.down
    level, shut = course.at(course.upper if upper else course.lower, along), course.shut
    gap = course.at(course.lower - course.upper, along)
    reach = max(eye.brow - eye.aperture / 2, 6.0) if upper else eye.aperture * 1.5 + 6
    distance = (level - below if upper else below - level) / reach
    profile = 1 - contour.eased((distance - LASHES) / (CREASE - LASHES))
    near = _near(eye, at)[..., None]
    for unit, travel in {**TRAVEL, "eyeWide": _widened(eye)}.items():
        k = 3 * arkit.INDEX[unit + eye.name]
        amount = travel[0] if upper else travel[1]
        close = gap * amount
        if unit == "eyeBlink":
            close = course.at(shut, along) - level - course.sunk(along, level)
            close[(along < 0) | (along > course.along[-1])] = 0
            close += upper * course.overlap(along, gap)
        elif upper:
            close = np.sqrt(gap * eye.aperture) * amount
        sunk = course.sunk(along, below) if unit == "eyeBlink" else np.float32(0)
        shift = (profile * close + sunk)[..., None] * eye.down
        values[..., k : k + 2] += (shift - values[..., k : k + 2]) * near
        values[..., k + 2] *= 1 - near[..., 0]


def _widened(eye: EyeShape) -> tuple[float, float]:
    """The travel of "eyeWide": no further than until a thin rim of white shows above the iris.

    Lids that already uncover the whole iris hardly part: white all round is a stare.
    """
    above, below = (
        float(np.interp(eye.centre @ eye.across, edge @ eye.across, edge @ eye.down))
        for edge in (eye.upper, eye.lower)
    )
    middle = float(eye.centre @ eye.down)
    hidden = above - (middle - eye.radius), (middle + eye.radius) - below
    up, down = ((px + WHITE_RIM * eye.radius) / eye.aperture for px in hidden)
    most = TRAVEL["eyeWide"]
    return float(np.clip(-up, most[0], -LEAST_WIDE)), float(np.clip(down, 0, most[1]))


def sheets(eye: EyeShape, values: Floats, at: Floats, sheet: str) -> Floats:
    """Channels (h, w, CHANNELS) of one sheet, "upper" or "lower"."""
    upper = sheet == "upper"
    region = cut(eye, upper)
    inside = contour.signed_distance(at, region) < 0
    opening = contour.signed_distance(at, eye.opening) < 1.5
    base = layers.fill(values, ~opening)
    _lid_shifts(eye, at, base, upper)
    return layers.fill(base, ~inside)


def covered(patch: Patch, side: str) -> Patch:
    """An eye that hair, a patch or dark glasses hide: nothing there blinks or looks."""
    units = [arkit.INDEX[name] for name in arkit.NAMES if name in {u + side for u in TRAVEL}]
    grids = [replace(grid, shifts=grid.shifts.copy()) for grid in (patch.upper, patch.lower)]
    for grid in grids:
        grid.shifts[units] = 0
    shut = np.full_like(patch.edges, 255)  # both sheets cover all of it: no lid, no eyeball
    return replace(patch, upper=grids[0], lower=grids[1], edges=shut)


def cut(eye: EyeShape, upper: bool) -> Floats:
    """The region that a sheet leaves free: past its margin, deep enough to fold nowhere."""
    if upper:
        return contour.lens(eye.upper, eye.aperture * 2.2 + 7)
    return contour.lens(eye.lower, -min(eye.brow * 0.9, eye.aperture * 2.2 + 7))


def edges(eye: EyeShape, corner: tuple[float, float], size: tuple[int, int]) -> Bytes:
    """(2, h, w) stored signed distances at every px from `corner` on."""
    at = nodes(corner, 1.0, size)
    # Lids take the roots of their lashes along.
    upper, lower = (contour.signed_distance(at, cut(eye, up)) for up in (True, False))
    return np.stack([contour.stored(upper + CLEAN), contour.stored(lower + CLEAN)])
