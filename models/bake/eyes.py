"""Lids that close over an eyeball whose iris turns: one patch for each eye.

The head's own lid units are replaced near the eye: there the measured lid margins say how far a
lid has to travel, so that a blink closes exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from visavis.models import arkit
from visavis.models.avatar.rig import CONTROLS, GAZE_SPAN, Bytes, Floats, Grid, Sprite, nodes
from visavis.models.bake import contour, layers
from visavis.models.bake import landmarks as lm
from visavis.models.bake.photo import MARGIN, Framed

PITCH: Final = 3.0  # px between nodes
STEP: Final = 0.5  # px between texels of eyeball and iris
LIMBUS: Final = (0.15, 1.5)  # radii of an iris, and px, that its soft edge reaches beyond it
CLEAN: Final = 0.5  # px of the eyeball, dark with lashes and shadow, that do not turn with it
OVERLAP: Final = 1.8  # px that a closed upper lid covers of the lower one,
EVEN: Final = 3.0  # points of a margin over which the gap between the lids is smoothed
FULL_OVERLAP: Final = 2.0  # where the open lids gape by as many px
EYEBALL: Final = 2.05  # radii of an iris in the radius of an eyeball (11.7 mm : 12 mm, half each)
GLINT_SHARE: Final = 0.6  # of the iris's way that a lamp's reflection on the cornea goes
LASHES: Final = 0.14  # of the way from margin to brow that moves as one piece
CREASE: Final = 0.85  # of that way where the lid's movement has ended
WHITE_RIM: Final = 0.12  # iris radii of white above the iris of eyes torn open
LEAST_WIDE: Final = 0.05  # apertures that an upper lid rises all the same
# Travel of the upper and the lower margin, in apertures, at coefficient 1; down is positive.
TRAVEL: Final = {
    "eyeBlink": (1.0, 0.0),
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

    @property
    def limbus(self) -> float:
        """px over which the iris goes over into the white."""
        return LIMBUS[0] * self.radius + LIMBUS[1]


def shape(face: lm.Face, name: str) -> EyeShape:
    """The measured shape of the subject's "Left" or "Right" eye."""
    eye = face.eye_left if name == "Left" else face.eye_right
    ends = _corners(eye, face.points[list(lm.EYE_LEFT if name == "Left" else lm.EYE_RIGHT), :2])
    upper, lower = (contour.curve(_between(e, ends), 33) for e in (eye.upper, eye.lower))
    across = upper[-1] - upper[0]
    across = across / np.linalg.norm(across)
    down = np.array([-across[1], across[0]], np.float32)
    brow_points = face.points[list(lm.BROW_LEFT if name == "Left" else lm.BROW_RIGHT)[5:], :2]
    chord = (upper[0] + upper[-1]) / 2
    brow = float(np.median((chord - brow_points) @ down))
    aperture = float(((lower - upper) @ down)[8:25].max())
    return EyeShape(name, upper, lower, eye.centre, eye.radius, across, down, brow, aperture)


def _corners(eye: lm.Eye, mesh: Floats) -> Floats:
    """(2, 2) left and right corner: of the two models' answers the outer one, and a px more.

    A corner left outside would stay white when the lids close.
    """
    mesh = mesh[np.argsort(mesh[:, 0])]
    own = np.stack([eye.upper[0], eye.upper[-1]])
    across = (own[1] - own[0]) / np.linalg.norm(own[1] - own[0])
    out = [
        max(0.0, float((own[0] - mesh[0]) @ across)),
        max(0.0, float((mesh[1] - own[1]) @ across)),
    ]
    return np.stack([own[0] - across * (out[0] + 1), own[1] + across * (out[1] + 1)])


def _between(margin: Floats, ends: Floats) -> Floats:
    return np.concatenate([ends[:1], margin[1:-1], ends[1:]]).astype(np.float32)


def box(eye: EyeShape) -> tuple[tuple[float, float], tuple[int, int]]:
    """Corner and node counts (rows, columns) of the patch."""
    middle = (eye.upper[0] + eye.upper[-1]) / 2
    half = eye.width * 0.80 + 10
    top, bottom = middle[1] - eye.brow - 8, middle[1] + eye.aperture * 2.6 + 18
    corner = (float(np.floor(middle[0] - half)), float(np.floor(top)))
    columns = int(np.ceil(2 * half / PITCH)) + 1
    return corner, (int(np.ceil((bottom - corner[1]) / PITCH)) + 1, columns)


def _margin(eye: EyeShape, edge: Floats, at: Floats) -> tuple[Floats, Floats]:
    """For positions (h, w, 2): px below the margin `edge`, and the lids' gap at that place."""
    s = (eye.upper - eye.upper[0]) @ eye.across
    order = np.argsort(s)
    here = (at - eye.upper[0]) @ eye.across
    heights = ((edge - eye.upper[0]) @ eye.down)[order]
    lower = (eye.lower - eye.upper[0]) @ eye.down
    own = (eye.lower - eye.upper[0]) @ eye.across
    upper = ((eye.upper - eye.upper[0]) @ eye.down)[order]
    turn = np.argsort(own)
    floor = np.interp(s[order], own[turn], lower[turn])
    raw = np.maximum(floor - upper, 0)
    smooth = cv2.GaussianBlur(raw[None], (0, 0), EVEN)[0]  # a notch in it would show when shut
    between = np.maximum(smooth, raw - OVERLAP / 2)
    between[[0, -1]] = 0
    gap = np.interp(here, s[order], between, left=0, right=0).astype(np.float32)
    level = np.interp(here, s[order], heights)
    below = (at - eye.upper[0]) @ eye.down - level
    return below.astype(np.float32), gap


def _near(eye: EyeShape, at: Floats) -> Floats:
    """(h, w) in [0, 1]: where the lid units come from here and not from the head."""
    middle = (eye.upper[0] + eye.upper[-1]) / 2
    x = (at - middle) @ eye.across / (eye.width * 0.66)
    y = (at - middle) @ eye.down
    y = np.where(y < 0, y / (eye.brow * 0.95), y / (eye.aperture * 1.5 + 6))
    return 1 - contour.eased((np.sqrt(x * x + y * y) - 0.75) / 0.3)


def _lid_shifts(eye: EyeShape, at: Floats, values: Floats, upper: bool) -> None:
    """Write the lid units of one sheet into channels of `values` (h, w, CHANNELS), in place."""
    edge = eye.upper if upper else eye.lower
    below, gap = _margin(eye, edge, at)
    reach = max(eye.brow - eye.aperture / 2, 6.0) if upper else eye.aperture * 1.5 + 6
    distance = (-below if upper else below) / reach
    profile = 1 - contour.eased((distance - LASHES) / (CREASE - LASHES))
    near = _near(eye, at)[..., None]
    for unit, travel in {**TRAVEL, "eyeWide": _widened(eye)}.items():
        k = 3 * arkit.INDEX[unit + eye.name]
        amount = travel[0] if upper else travel[1]
        close = gap * amount
        if upper and unit == "eyeBlink":
            close = gap + OVERLAP * contour.eased(gap / FULL_OVERLAP)
        elif upper:
            close = np.sqrt(gap * eye.aperture) * amount
        shift = (profile * close)[..., None] * eye.down
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


def cut(eye: EyeShape, upper: bool) -> Floats:
    """The region that a sheet leaves free: past its margin, deep enough to fold nowhere."""
    if upper:
        return contour.lens(eye.upper, eye.aperture * 2.2 + 7)
    return contour.lens(eye.lower, -min(eye.brow * 0.9, eye.aperture * 2.2 + 7))


def edges(eye: EyeShape, corner: tuple[float, float], size: tuple[int, int]) -> Bytes:
    """(2, h, w) stored signed distances at every px from `corner` on."""
    at = nodes(corner, 1.0, size)
    # The lower lid takes its lashes' roots and shadow along. The upper one would take white along
    # where its margin was read too low, and show it over the lower one when the eye is shut.
    upper, lower = (contour.signed_distance(at, cut(eye, up)) for up in (True, False))
    return np.stack([contour.stored(upper), contour.stored(lower + CLEAN)])


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


def sprites(eye: EyeShape, framed: Framed, depth: float, camera: Floats) -> tuple[Sprite, ...]:
    """Sclera, iris and glint, back to front: at rest, exactly the photo between the lids."""
    half = np.array([eye.width * 0.68 + 6, eye.aperture * 1.5 + 14])
    middle = (eye.upper[0] + eye.upper[-1]) / 2
    ball = _region(eye, framed, np.floor(middle - half), np.ceil(2 * half))
    radial = np.linalg.norm(ball.at - eye.centre, axis=-1)
    clear = (ball.inside < -CLEAN) & (radial > eye.radius + eye.limbus)
    white = _rounded(_sclera(ball.photo, clear), ball, eye)
    reach = np.ceil(eye.radius + eye.limbus) + 1
    front = _region(eye, framed, np.round(eye.centre) - reach, np.array([2 * reach + 1] * 2))
    place = np.round((front.at - ball.corner) / STEP).astype(int)
    x, y = np.clip(place, 0, np.array(white.shape[1::-1]) - 1).transpose(2, 0, 1)
    behind = white[y, x].astype(np.float32)
    sclera = Sprite(_opaque(white), ball.card(white, depth, camera))
    return sclera, *_iris_sprites(eye, front, behind, depth, camera)


@dataclass(frozen=True, slots=True)
class _Region:
    """A part of the photo with texels STEP px apart. at (h, w, 2): their positions; inside (h, w):
    px from the lids' opening, negative within."""

    corner: Floats
    photo: Bytes
    at: Floats
    inside: Floats

    def card(
        self, picture: Bytes, depth: float, camera: Floats, shifts: Floats | None = None
    ) -> Grid:
        corner = (float(self.corner[0]), float(self.corner[1]))
        return layers.card(corner, picture.shape, STEP, depth, camera, shifts)


def _region(eye: EyeShape, framed: Framed, low: Floats, size: Floats) -> _Region:
    """From position `low` on, `size` px (across, down)."""
    columns, rows = (round(float(v) / STEP) for v in size)
    step = framed.density * STEP
    first = (low + MARGIN + 0.5) * framed.density - 0.5
    matrix = np.array([[step, 0, first[0]], [0, step, first[1]]], np.float32)
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    photo = cv2.warpAffine(framed.photo, matrix, (columns, rows), flags=how, borderMode=1)
    at = nodes((float(low[0]), float(low[1])), STEP, (rows, columns))
    inside = contour.signed_distance(at, eye.opening)
    return _Region(np.asarray(low, np.float32), np.asarray(photo, np.uint8), at, inside)


def _opaque(rgb: Bytes) -> Bytes:
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


def _sclera(crop: Bytes, white: layers.Mask) -> Bytes:
    """The white of the eye, continued behind lids and iris."""
    grey = crop.mean(-1)
    if white.sum() < 8 / STEP**2:
        plain = np.clip(np.percentile(crop.reshape(-1, 3), 85, axis=0) * 0.95, 60, 215)
        return np.broadcast_to(plain.astype(np.uint8), crop.shape).copy()
    clear = white & (grey > np.percentile(grey[white], 60))
    filled = layers.fill(crop.astype(np.float32), clear)
    keep = cv2.GaussianBlur(white.astype(np.float32), (0, 0), 0.8 / STEP) * white
    mixed = filled + (crop - filled) * keep[..., None]
    return np.asarray(np.clip(mixed, 0, 255), np.uint8)


def _rounded(white: Bytes, ball: _Region, eye: EyeShape) -> Bytes:
    """Shade what the photo does not show of the eyeball like a ball: light in the middle."""
    reach = np.linalg.norm((ball.at - eye.centre) / (eye.width * 0.62), axis=-1)
    shape = 1.10 - 0.42 * reach**2
    hidden = np.linalg.norm(ball.at - eye.centre, axis=-1) < eye.radius + eye.limbus
    hidden |= ball.inside > 0
    soft = cv2.GaussianBlur(hidden.astype(np.float32), (0, 0), 1.0 / STEP) * hidden
    gain = 1 + (np.clip(shape, 0.5, 1.1) - 1) * soft
    return np.asarray(np.clip(white * gain[..., None], 0, 255), np.uint8)


def _iris_sprites(
    eye: EyeShape, front: _Region, behind: Floats, depth: float, camera: Floats
) -> tuple[Sprite, Sprite]:
    """Iris and glint; behind (h, w, 3): the sclera there.

    Both have soft edges whose colours are those that, mixed with what lies behind, give the photo.
    """
    crop = front.photo.astype(np.float32)
    radial = np.linalg.norm(front.at - eye.centre, axis=-1)
    seen = front.inside < -CLEAN
    whole = _whole_disc(crop, radial / STEP, seen, eye.radius / STEP)
    alpha = np.clip((eye.radius - radial) / eye.limbus + 1, 0, 1)
    disc = _unmixed(whole, behind, alpha, seen)
    shown = behind + (disc - behind) * alpha[..., None]
    glint = np.clip((crop - shown).mean(-1) / 50 - 0.1, 0, 1) * seen * (radial < eye.radius * 0.9)
    turn = _gaze_shifts(eye)
    iris = np.dstack([disc, alpha * 255]).round().astype(np.uint8)
    shine = np.dstack([_unmixed(crop, shown, glint, seen), glint * 255]).round().astype(np.uint8)
    return (
        Sprite(iris, front.card(iris, depth, camera, turn)),
        Sprite(shine, front.card(shine, depth, camera, turn * GLINT_SHARE)),
    )


def _unmixed(mixed: Floats, behind: Floats, alpha: Floats, seen: layers.Mask) -> Floats:
    """The colour that over `behind` gives `mixed`, where that is seen."""
    own = behind + (mixed - behind) / np.maximum(alpha, 0.15)[..., None]
    return np.asarray(np.clip(np.where(seen[..., None], own, mixed), 0, 255), np.float32)


def _whole_disc(crop: Floats, radial: Floats, seen: layers.Mask, radius: float) -> Floats:
    """The iris without glints and lids: what is hidden comes from the ring at the same radius."""
    out = crop.copy()
    grey = crop.mean(-1)
    for r in range(int(radius) + 4):
        ring = (radial >= r - 0.5) & (radial < r + 0.5)
        known = ring & seen
        if not known.any():
            known = seen & (np.abs(radial - r) < 3)
        if not known.any():
            continue
        typical = np.median(crop[known], axis=0)
        glaring = (grey > typical.mean() + 28) & (r < 0.85 * radius)
        odd = ring & (~seen | glaring)
        out[odd] = typical
    return out
