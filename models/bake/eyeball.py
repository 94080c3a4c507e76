"""What is seen between the lids: white, iris, reflections, and what lies before them at the rims.

At rest all of it together is the photo. The lids' shadow is taken out of it first, to be cast anew
by lids wherever they are: an iris that turns leaves its shadow behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models import arkit
from visavis.models.avatar.rig import CONTROLS, GAZE_SPAN, Bytes, Floats, Grid, Sprite, nodes
from visavis.models.bake import contour, layers
from visavis.models.bake.eyes import CLEAN, EyeShape, cut
from visavis.models.bake.photo import MARGIN, Framed

Mask = npt.NDArray[np.bool_]

STEP: Final = 0.5  # px between texels
LIMBUS: Final = (0.15, 1.5)  # radii of an iris, and px, that its soft edge reaches beyond it
EYEBALL: Final = 2.05  # radii of an iris in the radius of an eyeball (11.7 mm : 12 mm, half each)
# A lamp is mirrored in the cornea as if it lay near the middle of its curvature, 5.7 mm before the
# middle about which the eye turns and the iris's rim goes at 12 mm: so much of its way it goes.
GLINT_SHARE: Final = 0.48
# The lids' shadow:
DIM: Final = (0.08, 0.45)  # share of the light that an upper lid takes right at its edge
USUAL: Final = 0.25  # where the white does not tell
DEEP: Final = 0.42  # openings that its shadow reaches
LOW: Final = (0.10, 1.5)  # the same of a lower lid: share, and px
RIM: Final = 1.0  # px at the edges of the lids that are dark with lashes
# The iris:
WIDER: Final = 1.45  # radii within which what is as dark as the iris turns with it: paintings
DARK: Final = (0.62, 0.82)  # of the white's luma: iris, and white
SHINES: Final = (14.0, 34.0)  # luma above its ring's from which a px begins to be, and is, a glint
# What lies before the eyeball:
CARUNCLE: Final = 0.20  # widths of an eye from its inner corner
MOIST: Final = 1.3  # px of the moist line along the lower lid
APART: Final = (7.0, 18.0)  # of RGB, from which the photo is not the eyeball's
WET: Final = 26.0  # RGB that the moist line is brighter than what is behind it
PINK: Final = (1.06, 0.86, 0.84)  # the white's colour in the corners, of its own


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the photo with texels STEP px apart. at (h, w, 2): positions; rgb (h, w, 3); up,
    low (h, w): px from the lids' edges, negative between them; gain: light that the lids leave."""

    corner: Floats
    at: Floats
    rgb: Floats
    up: Floats
    low: Floats
    gain: Floats

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


def shade(eye: EyeShape, framed: Framed) -> tuple[float, float, float, float]:
    """What the lids keep off the eyeball in the photo: see rig.Patch."""
    reach = max(DEEP * eye.aperture, 2.0)
    region = _region(eye, framed, (USUAL, reach, *LOW))
    luma = cv2.cvtColor(region.rgb.astype(np.uint8), cv2.COLOR_RGB2GRAY).astype(np.float32)
    radial = np.linalg.norm(region.at - eye.centre, axis=-1)
    white = (region.up < -RIM) & (region.low < -RIM) & (radial > eye.radius + limbus(eye))
    inner = white & (region.up < -0.8 * reach)
    near = white & (region.up > -0.5 * reach)
    dim = USUAL
    if min(inner.sum(), near.sum()) >= 8 / STEP**2:
        fall = np.median(luma[near]) / max(float(np.percentile(luma[inner], 60)), 1.0)
        dim = float(np.clip((1 - fall) / 0.65, *DIM))
    return (dim, reach, *LOW)


def sprites(
    eye: EyeShape, framed: Framed, depth: float, camera: Floats,
    shadow: tuple[float, float, float, float],
) -> tuple[Sprite, ...]:  # fmt: skip
    """White, iris, glint and rims, back to front. depth: px, of the eyeball's front."""
    region = _region(eye, framed, shadow)
    bare = _unshaded(region)
    white = _white(eye, region, bare)
    iris, cover = _iris(eye, region, bare, white)
    shown = white + (iris - white) * cover[..., None]
    glint = _glint(eye, region, bare, shown)
    lit = shown + (bare - shown) * glint[..., None]
    rims, before = _rims(eye, region, bare, lit)
    turn = _gaze_shifts(eye)
    back = depth - (1 - GLINT_SHARE) * EYEBALL * eye.radius
    whole = (slice(0, white.shape[0]), slice(0, white.shape[1]))
    opaque = np.ones(white.shape[:2], np.float32)
    return (
        Sprite(_rgba(white, opaque, whole), region.card(whole, depth, camera)),
        *(
            Sprite(_rgba(colour, alpha, box := _box(alpha)), region.card(box, far, camera, moves))
            for colour, alpha, far, moves in (
                (iris, cover, depth, turn),
                (_unmixed(bare, shown, glint), glint, back, turn * GLINT_SHARE),
                (before, rims, depth, None),
            )
        ),
    )


def _region(eye: EyeShape, framed: Framed, shadow: tuple[float, float, float, float]) -> Region:
    half = np.array([eye.width * 0.66 + 5, eye.aperture * 1.3 + 12])
    low = np.floor((eye.upper[0] + eye.upper[-1]) / 2 - half)
    columns, rows = (round(float(v) / STEP) for v in np.ceil(2 * half))
    step = framed.density * STEP
    first = (low + MARGIN + 0.5) * framed.density - 0.5
    matrix = np.array([[step, 0, first[0]], [0, step, first[1]]], np.float32)
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    photo = cv2.warpAffine(framed.photo, matrix, (columns, rows), flags=how, borderMode=1)
    at = nodes((float(low[0]), float(low[1])), STEP, (rows, columns))
    up, below = (contour.signed_distance(at, cut(eye, upper)) for upper in (True, False))
    below = below + CLEAN  # as eyes.edges has it
    gain = light(np.minimum(up, 0), np.minimum(below, 0), shadow)
    return Region(low.astype(np.float32), at, photo.astype(np.float32), up, below, gain)


def light(up: Floats, low: Floats, shadow: tuple[float, float, float, float]) -> Floats:
    """Share of the light at px (negative) from the lids' edges: as kernel_patch casts shadows."""
    dim, reach, dim_low, reach_low = shadow
    gain = 1 - dim * np.maximum(0, 1 + up / reach)
    gain = gain * (1 - dim_low * np.maximum(0, 1 + low / reach_low))
    return np.asarray(gain * (1 - dim * np.maximum(0, 1 + (up + low) / reach / 2)), np.float32)


def _unshaded(region: Region) -> Floats:
    """(h, w, 3): the photo as it were without the lids' shadow, in which colour fades less."""
    luma = region.rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    colour = region.rgb - luma[..., None]
    gain = region.gain[..., None]
    bare = luma[..., None] / gain + colour / (0.5 + 0.5 * gain)
    return np.asarray(np.clip(bare, 0, 255), np.float32)


def _luma(rgb: Floats) -> Floats:
    return np.asarray(rgb @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)


def _white(eye: EyeShape, region: Region, bare: Floats) -> Floats:
    """The white of the eye, continued behind lids and iris, round like a ball."""
    radial = np.linalg.norm(region.at - eye.centre, axis=-1)
    seen = (region.up < -RIM) & (region.low < -RIM)
    clear = seen & (radial > eye.radius + limbus(eye))
    luma = _luma(bare)
    if clear.sum() < 8 / STEP**2:
        plain = np.clip(np.percentile(bare.reshape(-1, 3), 85, axis=0) * 0.95, 60, 215)
        return np.broadcast_to(plain.astype(np.float32), bare.shape).copy()
    bright = clear & (luma > np.percentile(luma[clear], 50))
    usual = np.median(bare[bright], axis=0)
    alike = np.linalg.norm(bare - usual, axis=-1) < 60
    known = bright & alike
    if known.sum() < 4 / STEP**2:
        known = bright
    filled = layers.fill(bare, known)
    filled = layers.soften(filled, 1.5 / STEP)
    filled = _rounded(eye, region, filled)
    own = clear & (luma > DARK[1] * _luma(filled))
    keep = cv2.GaussianBlur(own.astype(np.float32), (0, 0), 0.8 / STEP) * own
    return np.asarray(filled + (bare - filled) * keep[..., None], np.float32)


def _rounded(eye: EyeShape, region: Region, white: Floats) -> Floats:
    """Darker and pinker towards the corners, where the ball turns away."""
    along = (region.at - (eye.upper[0] + eye.upper[-1]) / 2) @ eye.across / (eye.width / 2)
    turned = contour.eased((np.abs(along) - 0.45) / 0.65)[..., None]
    pink = np.array(PINK, np.float32)
    return np.asarray(white * (1 + (0.90 * pink - 1) * turned), np.float32)


def _iris(eye: EyeShape, region: Region, bare: Floats, white: Floats) -> tuple[Floats, Floats]:
    """Its colours without glints and shadow, and how opaque it is."""
    away = region.at - eye.centre
    radial = np.linalg.norm(away, axis=-1)
    seen = (region.up < -RIM) & (region.low < -RIM)
    ring = np.clip((eye.radius - radial) / limbus(eye) + 1, 0, 1)
    cover = np.maximum(ring, _as_dark(eye, region, bare, white, radial))
    rings = _rings(bare, radial / STEP, seen & (cover > 0.5))
    shine = _excess(bare, rings)
    shine = np.where(radial < 0.95 * eye.radius, shine, 0)
    known = (seen & (cover > 0.02)) * (1 - shine)
    # What lids hide is like what is seen on the iris's other half.
    mirrored, there = (
        cv2.remap(values, *_opposite(eye, region), cv2.INTER_LINEAR)
        for values in (bare - rings, known.astype(np.float32))
    )
    hidden = rings + 0.7 * mirrored * (there[..., None] > 0.9)
    soft = cv2.GaussianBlur(known.astype(np.float32), (0, 0), 0.6 / STEP) * known
    whole = hidden + (bare - hidden) * soft[..., None]
    disc = _unmixed(whole, white, cover)
    return np.where((seen & (shine < 0.5))[..., None], disc, whole).astype(np.float32), cover


def _as_dark(eye: EyeShape, region: Region, bare: Floats, white: Floats, radial: Floats) -> Floats:
    """(h, w) in [0, 1]: what beside the circle is dark like it and joined to it.

    Painters' irises are no circles; a part left behind in the white would be a second rim.
    """
    ratio = _luma(bare) / np.maximum(_luma(white), 1)
    dark = np.clip((DARK[1] - ratio) / (DARK[1] - DARK[0]), 0, 1)
    inside = (region.up < -1.5 * RIM) & (region.low < -RIM) & (radial < WIDER * eye.radius)
    core = radial < 0.9 * eye.radius
    _, label = cv2.connectedComponents((((dark > 0.4) & inside) | core).astype(np.uint8))
    joined = label == label[np.unravel_index(radial.argmin(), radial.shape)]
    fade = np.clip((WIDER - radial / eye.radius) / 0.15, 0, 1)
    soft = cv2.GaussianBlur((dark * joined * fade).astype(np.float32), (0, 0), 0.4 / STEP)
    return np.asarray(soft, np.float32)


def _rings(bare: Floats, radial: Floats, seen: Mask) -> Floats:
    """(h, w, 3): at each radius, in texels, what is usual of what is seen; no reflections."""
    most = int(radial.max()) + 2
    profile = np.full((most, 3), np.nan, np.float32)
    for r in range(most):
        own = seen & (np.abs(radial - r) < 1.0)
        if own.sum() >= 4:
            colours = bare[own]
            luma = _luma(colours)
            dim = colours[luma <= np.percentile(luma, 70)]
            profile[r] = np.median(dim, axis=0)
    known = np.isfinite(profile[:, 0])
    if not known.any():
        return np.broadcast_to(bare[seen].mean(0) if seen.any() else 60.0, bare.shape).copy()
    index = np.arange(most)
    for k in range(3):
        profile[:, k] = np.interp(index, index[known], profile[known, k])
    profile = cv2.GaussianBlur(profile, (1, 0), 1e-6, sigmaY=1.0, borderType=cv2.BORDER_REPLICATE)
    low = radial.astype(int)
    part = (radial - low)[..., None]
    return np.asarray(profile[low] * (1 - part) + profile[low + 1] * part, np.float32)


def _excess(bare: Floats, rings: Floats) -> Floats:
    """(h, w) in [0, 1]: what mirrors a lamp."""
    over = _luma(bare) - _luma(rings)
    shine = np.clip((over - SHINES[0]) / (SHINES[1] - SHINES[0]), 0, 1)
    return np.asarray(cv2.GaussianBlur(shine.astype(np.float32), (0, 0), 0.5 / STEP), np.float32)


def _opposite(eye: EyeShape, region: Region) -> tuple[Floats, Floats]:
    """Columns and rows of the texels mirrored at the iris's level middle."""
    away = region.at - eye.centre
    there = eye.centre + away - 2 * (away @ eye.down)[..., None] * eye.down
    place = (there - region.at[0, 0]) / STEP
    return tuple(np.ascontiguousarray(place[..., k], np.float32) for k in (0, 1))  # type: ignore[return-value]


def _glint(eye: EyeShape, region: Region, bare: Floats, shown: Floats) -> Floats:
    """(h, w) in [0, 1]: how far a reflection covers the iris."""
    radial = np.linalg.norm(region.at - eye.centre, axis=-1)
    seen = (region.up < -0.5) & (region.low < -0.5) & (radial < 0.95 * eye.radius)
    over = (_luma(bare) - _luma(shown)) / 50 - 0.1
    return np.asarray(np.clip(over, 0, 1) * seen, np.float32)


def _rims(eye: EyeShape, region: Region, bare: Floats, lit: Floats) -> tuple[Floats, Floats]:
    """What lies before the eyeball and stays as it turns: the flesh in the inner corner, and the
    moist line along the lower lid. How opaque (h, w), and its colours."""
    between = np.clip(-region.up / RIM, 0, 1) * np.clip(0.5 - region.low / 0.5, 0, 1)
    inner = eye.upper[-1] if eye.name == "Right" else eye.upper[0]
    near = 1 - contour.eased(
        np.linalg.norm(region.at - inner, axis=-1) / (CARUNCLE * eye.width) - 0.5
    )
    line = np.clip(1 + (region.low + 0.2) / MOIST, 0, 1)
    differs = np.linalg.norm(bare - lit, axis=-1)
    differs = np.clip((differs - APART[0]) / (APART[1] - APART[0]), 0, 1)
    alpha = np.maximum(near, line) * between * differs
    alpha = cv2.GaussianBlur(alpha.astype(np.float32), (0, 0), 0.35 / STEP)
    colour = _unmixed(bare, lit, alpha)
    wet = 0.30 * np.clip(1 - np.abs(region.low + 0.7) / 0.7, 0, 1) * between * (1 - near)
    wet = wet * (region.up < -2 * RIM)
    total = alpha + wet * (1 - alpha)
    bright = np.clip(lit + WET / 0.30, 0, 255)
    mixed = colour * alpha[..., None] + bright * (wet * (1 - alpha))[..., None]
    return total.astype(np.float32), (mixed / np.maximum(total, 1e-3)[..., None]).astype(np.float32)


def _unmixed(mixed: Floats, behind: Floats, alpha: Floats) -> Floats:
    """The colour that over `behind` gives `mixed`."""
    own = behind + (mixed - behind) / np.maximum(alpha, 0.15)[..., None]
    return np.asarray(np.clip(own, 0, 255), np.float32)


def _box(alpha: Floats) -> tuple[slice, slice]:
    """Rows and columns of what is not clear, with a rim of a texel; of nothing, a small one."""
    rows, columns = (np.flatnonzero((alpha > 1 / 255).any(axis)) for axis in (1, 0))
    if not len(rows):
        middle = [n // 2 for n in alpha.shape]
        return (slice(middle[0], middle[0] + 4), slice(middle[1], middle[1] + 4))
    parts = []
    for found, count in zip((rows, columns), alpha.shape, strict=True):
        first = max(int(found[0]) - 1, 0)
        parts.append(slice(first, max(min(int(found[-1]) + 2, count), first + 4)))
    return parts[0], parts[1]


def _rgba(colour: Floats, alpha: Floats, box: tuple[slice, slice]) -> Bytes:
    whole = np.dstack([np.clip(colour, 0, 255), np.clip(alpha, 0, 1) * 255])[box]
    return np.ascontiguousarray(np.round(whole).astype(np.uint8))


def _gaze_shifts(eye: EyeShape) -> Floats:
    """How the iris moves on the photo for a look of GAZE_SPAN degrees each way."""
    reach = EYEBALL * eye.radius * float(np.sin(np.radians(GAZE_SPAN)))
    outward = eye.across if eye.name == "Left" else -eye.across
    shifts = np.zeros((len(CONTROLS), 2, 2, 3), np.float32)
    for unit, way in (
        ("eyeLookOut", outward),
        ("eyeLookIn", -outward),
        ("eyeLookDown", eye.down),
        ("eyeLookUp", -eye.down),
    ):
        shifts[arkit.INDEX[unit + eye.name], ..., :2] = way * reach
    return shifts
