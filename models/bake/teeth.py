"""Teeth and tongue as small pictures, seen between the lips.

Single teeth are drawn here in millimetres; the fitted head says where they are and how they move.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models import arkit
from visavis.models.avatar.rig import CONTROLS, Floats, Sprite
from visavis.models.bake import landmarks as lm
from visavis.models.bake import layers, tone
from visavis.models.bake.fit import FittedHead
from visavis.models.bake.head import Head
from visavis.models.bake.mouth import MouthShape
from visavis.models.bake.photo import MARGIN, Framed
from visavis.models.bake.tone import Tone

FINE: Final = 4  # samples a px while drawing
STEP: Final = 0.5  # px between texels of the finished picture
INTEROCULAR: Final = 63.0  # mm, adult mean
CAVITY: Final = (28, 10, 10)
ENAMEL: Final = (236, 214, 192)
GUM: Final = (176, 98, 96)
TONGUE: Final = (190, 98, 90)
DEEP: Final = 0.56  # of the light at the lips that reaches a tongue (path-traced mouths: 0.48)
ARC: Final = 0.0022  # mm that cutting edges rise a square mm sideways
TONGUE_FOLLOW: Final = 0.75  # of the jaw's way that the tongue goes
LOWER_FOLLOW: Final = 1.0  # and the lower teeth, on the way that the fitted jaw takes
DAYLIGHT: Final = 165.0  # luma of a cheek in a well lit portrait
WHITES: Final = 185.0  # and of the whites of the eyes


@dataclass(frozen=True, slots=True)
class Arch:
    """One row of teeth from the middle outwards: widths as seen from the front and heights, mm.

    edge: how far the cutting edge lies below the closed lips' line; light: what reaches a tooth.
    """

    widths: tuple[float, ...]
    heights: tuple[float, ...]
    light: tuple[float, ...]
    edge: float


# Seen widths follow the golden proportion (Levin, 1978); crown heights are usual adult ones.
UPPER: Final = Arch(
    (8.4, 6.2, 5.4, 4.2, 3.2, 2.4), (10.2, 9.0, 9.8, 8.4, 7.6, 7.0),
    (1.0, 0.97, 0.86, 0.66, 0.42, 0.24), 2.9,
)  # fmt: skip
LOWER: Final = Arch(
    (5.2, 5.5, 5.4, 4.6, 3.6, 2.6), (8.6, 8.8, 9.4, 8.2, 7.4, 7.0),
    (0.9, 0.86, 0.70, 0.46, 0.28, 0.16), 1.0,
)  # fmt: skip


def _light(framed: Framed) -> float:
    """How brightly the photo is lit, 1 for a well lit portrait.

    Told by the cheeks, or by the whites of the eyes: dark skin is not a dark room.
    """
    photo = np.asarray(cv2.cvtColor(framed.small(), cv2.COLOR_RGB2GRAY), np.uint8)
    cheeks = np.round(framed.face.points[list(lm.CHEEKS), :2]).astype(int) + MARGIN
    side = photo.shape[0] - 1
    values = [photo[min(max(y, 0), side), min(max(x, 0), side)] for x, y in cheeks]
    skin = float(np.median(values)) / DAYLIGHT
    return float(np.clip(max(skin, _whites(framed, photo) / WHITES), 0.3, 1.0))


def _whites(framed: Framed, grey: npt.NDArray[np.uint8]) -> float:
    """Luma of the whites of the eyes; 0 where none show."""
    mask = np.zeros_like(grey)
    for eye in (framed.face.eye_right, framed.face.eye_left):
        opening = np.concatenate([eye.upper, eye.lower[::-1]]) + MARGIN
        cv2.fillPoly(mask, [np.round(opening).astype(np.int32)], 1)
        x, y = np.round(eye.centre + MARGIN).astype(int)
        cv2.circle(mask, (int(x), int(y)), int(np.ceil(eye.radius * 1.1)), 0, -1)
    seen = grey[mask > 0]
    return float(np.percentile(seen, 70)) if seen.size > 20 else 0.0


def _row(arch: Arch, scale: float) -> tuple[Floats, float]:
    """(h, w, 4) picture of a row whose cutting edges point down, and mm from its top to them.

    scale: samples a mm.
    """
    reach, tall = sum(arch.widths) + 1.5, max(arch.heights) + 5.0
    size = (int((tall + 1.5) * scale), int(2 * reach * scale))
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    x = (x + 0.5) / scale - reach
    up = tall - (y + 0.5) / scale  # mm above the cutting edges' level
    out = np.zeros((*size, 4), np.float32)
    out[..., :3] = np.array(GUM, np.float32) * 0.7
    out[..., 3] = np.clip((up - max(arch.heights) * 0.72) * 2, 0, 1)
    # The cutting edges rise to the sides.
    up = up - ARC * x * x
    _shadow_between(out, np.abs(x), up, arch)
    start = 0.0
    for width, height, light in zip(arch.widths, arch.heights, arch.light, strict=True):
        for side in (-1, 1):
            _tooth(out, (x * side - start - width / 2) / (width / 2), up, height, light, scale)
        start += width
    out[..., 3] *= 255
    return out, tall


def _shadow_between(out: Floats, x: Floats, up: Floats, arch: Arch) -> None:
    """What shows between crowns is more tooth, in shadow, not the dark of the mouth."""
    ends = np.cumsum(arch.widths)
    tall = np.interp(x, ends - np.array(arch.widths) / 2, arch.heights)
    light = np.interp(x, ends - np.array(arch.widths) / 2, arch.light)
    # Towards the cutting edge two neighbours round off and leave a small dark notch.
    cover = np.clip((up - 0.10 * tall) * 2, 0, 1) * np.clip((0.95 * tall - up) * 2, 0, 1)
    cover *= np.clip((ends[-1] - 0.5 - x) * 2, 0, 1)
    colour = np.array(ENAMEL, np.float32) * np.array([0.80, 0.70, 0.62]) * light[..., None]
    out[..., :3] += (colour - out[..., :3]) * cover[..., None]
    out[..., 3] = np.maximum(out[..., 3], cover)


def _tooth(out: Floats, u: Floats, up: Floats, height: float, light: float, scale: float) -> None:
    """Paint one crown. u: -1 to 1 across it; up: mm above the cutting edge."""
    v = up / height  # 0 at the edge, 1 at the gum
    narrow = 1 - 0.16 * np.clip(v, 0, 1) ** 1.5  # crowns taper towards the gum
    w = u / narrow
    round_edge = 0.045 * np.abs(w) ** 4 + 0.01  # corners of the cutting edge are rounded
    gum_line = 1 - 0.10 * w * w
    soft = scale * height * 0.9
    cover = np.clip((v - round_edge) * soft + 0.5, 0, 1) * np.clip(
        (gum_line - v) * soft * 0.7, 0, 1
    )
    cover *= np.clip((1.0 - np.abs(w)) * scale * 2.2, 0, 1)
    shade = 1 - 0.20 * np.abs(w) ** 4 - 0.10 * np.clip((v - 0.55) / 0.45, 0, 1)
    shade *= 1 - 0.10 * np.clip(1 - v / 0.18, 0, 1)  # the edge lets light through
    gleam = 0.10 * np.exp(-(((w + 0.15) / 0.28) ** 2) - ((v - 0.45) / 0.30) ** 2)
    warm = np.clip(v, 0, 1)[..., None] * np.array([0.0, -0.03, -0.09], np.float32)
    colour = np.array(ENAMEL, np.float32) * (1 + warm) * ((shade + gleam) * light)[..., None]
    out[..., :3] += (np.clip(colour, 0, 255) - out[..., :3]) * cover[..., None]
    out[..., 3] = np.maximum(out[..., 3], cover)


def _tongue(scale: float) -> tuple[Floats, float]:
    """(h, w, 4) picture of a tongue at rest behind the lower teeth, and mm from its top to their
    cutting edges. The head's own tongue is seen edge-on from the front, a line.
    """
    reach, above, below = 20.0, 7.0, 12.0
    size = (int((above + below) * scale), int(2 * reach * scale))
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    x = (x + 0.5) / scale - reach
    up = above - (y + 0.5) / scale  # mm above the lower teeth's edges
    u = x / (reach - 1.5)
    top = 5.5 * np.sqrt(np.clip(1 - np.abs(u) ** 2.4, 0, 1)) - 0.5 * np.exp(-((x / 2.2) ** 2))
    v = np.clip(up / 6, 0, 1)
    lit = 0.92 - 0.50 * v - 0.28 * u * u - 0.14 * np.exp(-((x / 1.1) ** 2)) * (1 - v)
    lit = DEEP * lit + 0.10 * np.exp(-(((np.abs(x) - 5) / 3) ** 2) - ((up - 1.0) / 1.6) ** 2)  # wet
    out = np.zeros((*size, 4), np.float32)
    out[..., :3] = np.array(TONGUE, np.float32) * np.clip(lit, 0.05, 1.2)[..., None]
    out[..., 3] = 255 * np.clip((top - up) * 1.2, 0, 1) * np.clip((1 - np.abs(u)) * 8, 0, 1)
    return out, above


def _reduced(fine: Floats) -> Floats:
    """Down to texels STEP px apart, colour continued under the transparent rim."""
    scale = 1 / (FINE * STEP)
    alpha = fine[..., 3:] / 255
    how = cv2.INTER_AREA
    colour = cv2.resize(fine[..., :3] * alpha, None, fx=scale, fy=scale, interpolation=how)
    small = cv2.resize(alpha, None, fx=scale, fy=scale, interpolation=how)
    known = small > 0.2
    colour = colour / np.maximum(small, 1e-3)[..., None]
    return np.dstack([layers.fill(colour.astype(np.float32), known), small * 255]).astype(
        np.float32
    )


def _front_shifts(fitted: FittedHead, part: layers.Mask, follow: float) -> tuple[Floats, float]:
    """How the front of a part moves, (len(CONTROLS), 2, 2, 3), and how deep it lies, px.

    follow: of the head's own movement. The tongue stays up a little when the jaw drops, and the
    lips of a person cover less of the lower teeth than the head's do.
    """
    depth = fitted.vertices[part, 2]
    front = depth >= np.percentile(depth, 75)
    shifts = np.zeros((len(CONTROLS), 2, 2, 3), np.float32)
    shifts[: arkit.COUNT] = fitted.units[:, part][:, front].mean(1)[:, None, None] * follow
    return shifts, float(depth[front].mean())


def _placed(
    fine: Floats,
    tall: float,
    edge: float,
    motion: tuple[Floats, float],
    mouth: MouthShape,
    mm: float,
    light: float,
    tones: Tone,
    camera: Floats,
) -> Sprite:
    """A picture drawn FINE samples a px, with its line `tall` mm down lying `edge` mm below the
    closed lips; mm: px a millimetre."""
    picture = _reduced(fine)
    picture[..., :3] = tones.of(picture[..., :3] * light)
    middle = (mouth.upper[len(mouth.upper) // 2] + mouth.lower[len(mouth.lower) // 2]) / 2
    middle = mouth.centre + ((middle - mouth.centre) @ mouth.down) * mouth.down
    first = middle + mouth.down * (edge - tall) * mm
    first = first - mouth.across * (picture.shape[1] - 1) * STEP / 2
    shifts, depth = motion
    rgba = np.ascontiguousarray(np.clip(np.round(picture), 0, 255).astype(np.uint8))
    across = (float(mouth.across[0]), float(mouth.across[1]))
    corner = (float(first[0]), float(first[1]))
    return Sprite(rgba, layers.card(corner, rgba.shape, STEP, depth, camera, shifts, across))


def sprites(
    head: Head, fitted: FittedHead, mouth: MouthShape, framed: Framed, camera: Floats, iod: float
) -> tuple[tuple[Sprite, ...], tuple[int, int, int]]:
    """Tongue, lower and upper teeth, back to front; and the colour of the dark behind them."""
    light, mm = _light(framed), iod / INTEROCULAR
    tones = tone.of(framed.small(), framed.face)
    scale = mm * FINE
    tongue, tongue_tall = _tongue(scale)
    lower, lower_tall = _row(LOWER, scale)
    upper, upper_tall = _row(UPPER, scale)
    jaw, skull = head.regions["teeth_lower"], head.regions["teeth_upper"]
    drawn = (
        (tongue, tongue_tall, LOWER.edge, _front_shifts(fitted, jaw, TONGUE_FOLLOW)),
        (
            lower[::-1],
            lower.shape[0] / scale - lower_tall,
            LOWER.edge,
            _front_shifts(fitted, jaw, LOWER_FOLLOW),
        ),
        (upper, upper_tall, UPPER.edge, _front_shifts(fitted, skull, 1.0)),
    )
    placed = [
        _placed(fine, tall, edge, motion, mouth, mm, light, tones, camera)
        for fine, tall, edge, motion in drawn
    ]
    red, green, blue = (int(v) for v in tones.of(np.array(CAVITY, np.float32) * light))
    return tuple(placed), (red, green, blue)
