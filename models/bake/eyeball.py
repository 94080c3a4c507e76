"""What is seen between the lids: white, iris, reflections, and what lies before them at the rims.

At rest all of it together is the photo. The lids' shadow is taken out of it first, to be cast anew
by lids wherever they are: an iris that turns leaves its shadow behind.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from visavis.models import arkit
from visavis.models.avatar.rig import CONTROLS, GAZE_SPAN, Bytes, Floats, Sprite, nodes
from visavis.models.bake import contour, iris_disc, layers
from visavis.models.bake.eye_region import (
    RIM,
    STEP,
    Mask,
    Region,
    brightness,
    lashed,
    limbus,
    unmixed,
)
from visavis.models.bake.eyes import CLEAN, TRAVEL, EyeShape, cut
from visavis.models.bake.photo import MARGIN, Framed

EYEBALL: Final = 2.05  # radii of an iris in the radius of an eyeball (11.7 mm : 12 mm, half each)
# A lamp is mirrored in the cornea as if it lay near the middle of its curvature, 5.7 mm before the
# middle about which the eye turns and the iris's rim goes at 12 mm: so much of its way it goes.
GLINT_SHARE: Final = 0.48
# The lids' shadow:
DIM: Final = (0.04, 0.20)  # share of the light that an upper lid takes right at its edge
USUAL: Final = 0.12  # where the white does not tell
DEEP: Final = 0.42  # openings that its shadow reaches
LOW: Final = (0.10, 1.5)  # the same of a lower lid: share, and px
GLARE: Final = 90.0  # RGB over the iris's from which a reflection hides it
FEW: Final = 3.0  # square px of white from which nothing is told
HUE: Final = 14.0  # RGB that its colour may differ
WHITE: Final = 0.72  # of the white's luma from which on it is the photo's own
# What lies before the eyeball:
APART: Final = (4.0, 12.0)  # of RGB, from which the photo is not the eyeball's
# The moist line along the lower lid, besides what the photo shows of it: how opaque, px from the
# lid's edge, and RGB that it is brighter than what is behind it.
MOIST: Final = (0.16, 0.7, 26.0)
PINK: Final = (1.06, 0.86, 0.84)  # the white's colour in the corners, of its own


Shadow = tuple[float, float, float, float]  # see rig.Patch


def shade(eye: EyeShape, region: Region) -> Shadow:
    """What the lids keep off the eyeball in the photo."""
    reach = max(DEEP * eye.aperture, 2.0)
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
    eye: EyeShape, region: Region, depth: float, camera: Floats, shadow: Shadow
) -> tuple[Sprite, ...]:
    """White, iris, glint and rims, back to front. depth: px, of the eyeball's front."""
    bare = _unshaded(region, shadow)
    white = _white(eye, region, bare)
    iris, cover = iris_disc.disc(eye, region, bare, white)
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
            Sprite(_rgba(colour, alpha, box), region.card(box, far, camera, moves))
            for colour, alpha, box, far, moves in (
                (iris, cover, _box(cover), depth, turn),
                (unmixed(bare, shown, glint), glint, _box(glint), back, turn * GLINT_SHARE),
                (before, rims, _between(region), depth, _lid_shifts(eye)),
            )
        ),
    )


def region(eye: EyeShape, framed: Framed) -> Region:
    """All that may be seen of an eyeball."""
    half = np.array([eye.width * 0.66 + 5, eye.aperture * 1.3 + 12])
    low = np.floor((eye.upper[0] + eye.upper[-1]) / 2 - half)
    columns, rows = (round(float(v) / STEP) for v in np.ceil(2 * half))
    step = framed.density * STEP
    first = (low + MARGIN + 0.5) * framed.density - 0.5
    matrix = np.array([[step, 0, first[0]], [0, step, first[1]]], np.float32)
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    photo = cv2.warpAffine(framed.photo, matrix, (columns, rows), flags=how, borderMode=1)
    at = nodes((float(low[0]), float(low[1])), STEP, (rows, columns))
    up, below = (
        contour.signed_distance(at, cut(eye, upper)) + CLEAN  # as eyes.edges has it
        for upper in (True, False)
    )
    return Region(low.astype(np.float32), at, photo.astype(np.float32), up, below)


def light(up: Floats, low: Floats, shadow: Shadow) -> Floats:
    """Share of the light at px (negative) from the lids' edges: as kernel_patch casts shadows."""
    dim, reach, dim_low, reach_low = shadow
    gain = 1 - dim * np.maximum(0, 1 + up / reach)
    gain = gain * (1 - dim_low * np.maximum(0, 1 + low / reach_low))
    return np.asarray(gain * (1 - dim * np.maximum(0, 1 + (up + low) / reach / 2)), np.float32)


def _unshaded(region: Region, shadow: Shadow) -> Floats:
    """(h, w, 3): the photo as it were without the lids' shadow, in which colour fades less."""
    luma = region.rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    colour = region.rgb - luma[..., None]
    gain = light(np.minimum(region.up, 0), np.minimum(region.low, 0), shadow)[..., None]
    bare = luma[..., None] / gain + colour / (0.5 + 0.5 * gain)
    return np.asarray(np.clip(bare, 0, 255), np.float32)


def _white(eye: EyeShape, region: Region, bare: Floats) -> Floats:
    """The white of the eye, continued behind lids and iris, round like a ball."""
    radial = np.linalg.norm(region.at - eye.centre, axis=-1)
    seen = (region.up < -0.6 * RIM) & (region.low < -0.6 * RIM)
    clear = seen & (radial > eye.radius + 0.6 * limbus(eye))
    luma = brightness(bare)
    if clear.sum() < FEW / STEP**2:
        light = float(np.clip(np.percentile(luma, 85) * 0.95, 60, 205))
        plain = light * np.array([1.02, 0.99, 0.97], np.float32)
        return np.broadcast_to(plain, bare.shape).copy()
    known = _surely_white(region, bare, clear)
    filled = layers.fill(bare, known)
    filled = layers.soften(filled, 2.0 / STEP)
    filled = _rounded(eye, region, filled)
    own = clear & (luma > WHITE * brightness(filled))
    keep = cv2.GaussianBlur(own.astype(np.float32), (0, 0), 0.8 / STEP) * own
    return np.asarray(filled + (bare - filled) * keep[..., None], np.float32)


def _surely_white(region: Region, bare: Floats, clear: Mask) -> Mask:
    """What of the white is neither lash nor lid, nor in their shadow."""
    luma = brightness(bare)
    deep = clear & (region.up < -1.5 * RIM) & (region.low < -1.5 * RIM)
    if deep.sum() < FEW / STEP**2:
        deep = clear
    bright = deep & (luma >= np.percentile(luma[deep], 55))
    usual = np.median(bare[bright], axis=0)
    grey = (bare - luma[..., None]) - (usual - float(brightness(usual)))
    alike = (np.linalg.norm(grey, axis=-1) < HUE) & (np.abs(luma / brightness(usual) - 1) < 0.3)
    known = deep & alike
    return known if known.sum() > FEW / STEP**2 / 2 else bright


def _rounded(eye: EyeShape, region: Region, white: Floats) -> Floats:
    """Darker and pinker towards the corners, where the ball turns away."""
    along = (region.at - (eye.upper[0] + eye.upper[-1]) / 2) @ eye.across / (eye.width / 2)
    turned = contour.eased((np.abs(along) - 0.45) / 0.65)[..., None]
    pink = np.array(PINK, np.float32)
    return np.asarray(white * (1 + (0.90 * pink - 1) * turned), np.float32)


def _glint(eye: EyeShape, region: Region, bare: Floats, shown: Floats) -> Floats:
    """(h, w) in [0, 1]: how far a reflection covers the iris."""
    radial = np.linalg.norm(region.at - eye.centre, axis=-1)
    seen = (region.up < -0.5) & (region.low < -0.5) & (radial < 0.95 * eye.radius)
    over = (bare - shown).min(-1)
    there = np.clip((over - APART[0]) / (APART[1] - APART[0]), 0, 1)
    there = cv2.GaussianBlur((there * seen).astype(np.float32), (0, 0), 0.4 / STEP)
    return np.asarray(there * np.clip(brightness(bare - shown) / GLARE, 0.25, 1), np.float32)


def _rims(eye: EyeShape, region: Region, bare: Floats, lit: Floats) -> tuple[Floats, Floats]:
    """What lies before the eyeball and stays as it turns: lashes, the flesh in the inner corner,
    the moist line along the lower lid. How opaque (h, w), and its colours."""
    between = np.clip(0.5 - region.up / 0.5, 0, 1) * np.clip(0.5 - region.low / 0.5, 0, 1)
    differs = np.linalg.norm(bare - lit, axis=-1)
    differs = np.clip((differs - APART[0]) / (APART[1] - APART[0]), 0, 1)
    darker = brightness(bare - lit) < 0
    radial = np.linalg.norm(region.at - eye.centre, axis=-1) / eye.radius
    moist = np.clip(2 + region.low / RIM, 0, 1)
    aside = np.clip((radial - 1.1) / 0.2, 0, 1)
    before = np.where(darker, lashed(eye, region), np.maximum(moist, aside))
    before = np.maximum(before * _near_lids(eye, region), lashed(eye, region) * darker)
    alpha = cv2.GaussianBlur((between * differs * before).astype(np.float32), (0, 0), 0.35 / STEP)
    colour = unmixed(bare, lit, alpha)
    wet = MOIST[0] * np.clip(1 - np.abs(region.low + MOIST[1]) / MOIST[1], 0, 1) * between
    wet = wet * (region.up < -3 * RIM) * (1 - alpha)
    total = alpha + wet
    bright = np.clip(lit + MOIST[2] / MOIST[0], 0, 255)
    mixed = colour * alpha[..., None] + bright * wet[..., None]
    return total.astype(np.float32), (mixed / np.maximum(total, 1e-3)[..., None]).astype(np.float32)


def _near_lids(eye: EyeShape, region: Region) -> Floats:
    """(h, w) in [0, 1]: where something else than the eyeball may be seen: at the lids, and in the
    corners, the iris apart."""
    rim = np.maximum(np.clip(2 + region.up / RIM, 0, 1), np.clip(2 + region.low / RIM, 0, 1))
    radial = np.linalg.norm(region.at - eye.centre, axis=-1) / eye.radius
    return np.asarray(np.maximum(rim, np.clip((radial - 1.35) / 0.2, 0, 1)), np.float32)


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


def _between(region: Region) -> tuple[slice, slice]:
    """Rows and columns from one lid's edge to the other's."""
    return _box(((region.up < 1) & (region.low < 1)).astype(np.float32))


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


def _lid_shifts(eye: EyeShape) -> Floats:
    """What lies before the eyeball moves above with the upper lid, below with the lower one."""
    shifts = np.zeros((len(CONTROLS), 2, 2, 3), np.float32)
    for unit, (upper, lower) in TRAVEL.items():
        way = np.array([upper, lower], np.float32)[:, None, None] * eye.aperture * eye.down
        shifts[arkit.INDEX[unit + eye.name], ..., :2] = way
    return shifts
