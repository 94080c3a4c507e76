"""Teeth and tongue as small pictures, seen between the lips.

`crowns` and `tongue` draw them in millimetres; here they are made to fit one face: as large as its
mouth and jaw tell, a little irregular in a way of its own, lit as the photo is, and placed.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from visavis.models import arkit
from visavis.models.avatar.rig import CONTROLS, Floats, Sprite
from visavis.models.bake import crowns, illumination, layers, tone, tongue
from visavis.models.bake import landmarks as lm
from visavis.models.bake.fit import FittedHead
from visavis.models.bake.head import Head
from visavis.models.bake.illumination import Illumination
from visavis.models.bake.mouth import MouthShape
from visavis.models.bake.photo import Framed
from visavis.models.bake.tone import Tone

FINE: Final = 4  # samples a px while drawing
STEP: Final = 0.5  # px between texels of the finished picture
SOFT: Final = 1.3  # samples that pictures are softened by
SOFT_STEP: Final = 1.0  # of one without edges
INTEROCULAR: Final = 63.0  # mm, adult mean
MOUTH: Final = 51.0  # mm: the lips' inner line from corner to corner, mean of eight portraits
JAW: Final = 112.0  # mm between the jaw's angles as landmarks have them
SIZES: Final = (0.85, 1.15)  # smallest and largest teeth, of average ones
BEHIND: Final = 2.0  # mm that front teeth seem to lie behind the lips' line
# Of a head's turn in the photo that its rows are drawn with: lips hide what a whole turn would, and
# a head that turns back shows the row from the front.
TURNED: Final = 0.5
UPPER_EDGE: Final = 2.4  # mm below the closed lips' line that upper teeth end
LOWER_EDGE: Final = 0.0  # and that lower ones begin, behind them
TONGUE_LIFT: Final = 4.5  # mm that the tongue lies over the lower teeth's edges
TONGUE_FOLLOW: Final = 0.75  # of the jaw's way that the tongue goes
LOWER_LIGHT: Final = 0.84  # what upper teeth leave them of it
LOWER_FOLLOW: Final = 0.92  # and the lower teeth, on the way that the fitted jaw takes
TONGUE_RISE: Final = 26.0  # mm that it rises at tongueOut 1
# mm from the upper teeth's edges down to the tip's end, where it hides behind them, and at
# tongueOut 1; its width then, as a part of its picture's
TIP_END: Final = (-4.0, 17.5)
TIP_TOP: Final = -8.0
TIP_WIDE: Final = (0.55, 1.55)


@dataclass(frozen=True, slots=True)
class _Place:
    """What all pictures of one mouth have in common. mm: px a millimetre of this face."""

    mouth: MouthShape
    mm: float
    middle: Floats
    light: Illumination
    tones: Tone
    camera: Floats


def size(mouth: MouthShape, face: lm.Face, iod: float) -> float:
    """How large this face's teeth are, against average ones on an average face."""
    mm = iod / INTEROCULAR
    jaw = float(np.linalg.norm(face.points[172, :2] - face.points[397, :2]))
    told = 0.4 + 0.45 * mouth.width / (MOUTH * mm) + 0.15 * jaw / (JAW * mm)
    return float(np.clip(told, *SIZES))


def _own(framed: Framed) -> int:
    """A number that belongs to this portrait alone."""
    return zlib.crc32(cv2.resize(framed.small(), (64, 64), interpolation=cv2.INTER_AREA).tobytes())


def _reduced(fine: Floats, step: float) -> Floats:
    """Down to texels `step` px apart, colour continued under the transparent rim."""
    scale = 1 / (FINE * step)
    alpha = fine[..., 3:] / 255
    how = cv2.INTER_AREA
    lit = np.concatenate([fine[..., :3] * alpha, alpha], -1).astype(np.float32)
    # A picture reads every second texel: what is finer than its px would flicker as a head moves.
    less = cv2.resize(layers.soften(lit, SOFT), None, fx=scale, fy=scale, interpolation=how)
    colour, small = less[..., :3], less[..., 3]
    known = small > 0.02
    colour = colour / np.maximum(small, 1e-3)[..., None]
    return np.dstack([layers.fill(colour.astype(np.float32), known), small * 255]).astype(
        np.float32
    )


def _front(fitted: FittedHead, part: layers.Mask, follow: float) -> tuple[Floats, float]:
    """How the front of a part moves, (len(CONTROLS), 2, 2, 3), and how deep it lies, px.

    follow: of the head's own movement.
    """
    depth = fitted.vertices[part, 2]
    front = depth >= np.percentile(depth, 75)
    shifts = np.zeros((len(CONTROLS), 2, 2, 3), np.float32)
    shifts[: arkit.COUNT] = fitted.units[:, part][:, front].mean(1)[:, None, None] * follow
    return shifts, float(depth[front].mean())


def _placed(
    place: _Place,
    fine: tuple[Floats, float],
    edge: float,
    motion: tuple[Floats, float],
    step: float = STEP,
) -> Sprite:
    """A picture drawn FINE samples a px, the line so many mm from its top lying `edge` mm below
    the closed lips."""
    drawn, tall = fine
    picture = _reduced(drawn, step)
    picture[..., :3] = place.tones.of(place.light.on(picture[..., :3]))
    mouth = place.mouth
    first = place.middle + mouth.down * (edge - tall) * place.mm
    first = first - mouth.across * (picture.shape[1] - 1) * step / 2
    shifts, depth = motion
    rgba = np.ascontiguousarray(np.clip(np.round(picture), 0, 255).astype(np.uint8))
    across = (float(mouth.across[0]), float(mouth.across[1]))
    corner = (float(first[0]), float(first[1]))
    return Sprite(rgba, layers.card(corner, rgba.shape, step, depth, place.camera, shifts, across))


def _raised(place: _Place, motion: tuple[Floats, float]) -> tuple[Floats, float]:
    """The tongue's own movement on top of the jaw's."""
    shifts, depth = motion
    up = -place.mouth.down * TONGUE_RISE * place.mm
    shifts[arkit.INDEX["tongueOut"], ..., :2] += up
    return shifts, depth


def _tip_motion(place: _Place, depth: float) -> tuple[Floats, float]:
    """At rest it is small and behind the upper teeth; it comes out below them and gets wider.

    Its picture is placed as it is at tongueOut 1/2, so the shifts take it back first.
    """
    shifts = np.zeros((len(CONTROLS), 2, 2, 3), np.float32)
    down = place.mouth.down * place.mm * (TIP_END[1] - TIP_END[0])
    out = place.mouth.across * place.mm * tongue.TIP[0] * (TIP_WIDE[1] - TIP_WIDE[0])
    moves = shifts[arkit.INDEX["tongueOut"], ..., :2]
    moves[1] += down
    moves[:, 0] -= out
    moves[:, 1] += out
    return shifts, depth


def _tip(place: _Place, fine: tuple[Floats, float], depth: float) -> Sprite:
    """The tongue's tip, small and hidden as long as the tongue is not put out."""
    drawn, _ = fine
    picture = _reduced(drawn, STEP)
    picture[..., :3] = place.tones.of(place.light.on(picture[..., :3]))
    rgba = np.ascontiguousarray(np.clip(np.round(picture), 0, 255).astype(np.uint8))
    mouth, mm = place.mouth, place.mm
    half = mouth.across * mm * tongue.TIP[0] * TIP_WIDE[0]
    top, end = (place.middle + mouth.down * mm * (UPPER_EDGE + v) for v in (TIP_TOP, TIP_END[0]))
    flat = np.array([[top - half, top + half], [end - half, end + half]], np.float32)
    return Sprite(rgba, layers.quad(flat, depth, place.camera, _tip_motion(place, depth)[0]))


def sprites(
    head: Head,
    fitted: FittedHead,
    mouth: MouthShape,
    framed: Framed,
    camera: Floats,
    iod: float,
    direction: Floats,
) -> tuple[tuple[Sprite, ...], tuple[int, int, int]]:
    """Tongue, lower teeth, the tongue's tip and upper teeth, back to front; and the colour of the
    dark behind them. direction: of the light, see rig.Light."""
    rng = np.random.default_rng(_own(framed))
    large = size(mouth, framed.face, iod)
    light = illumination.of(framed, direction)
    middle = (mouth.upper[len(mouth.upper) // 2] + mouth.lower[len(mouth.lower) // 2]) / 2
    middle = mouth.centre + ((middle - mouth.centre) @ mouth.down) * mouth.down
    # Of a head that is turned in the photo, what lies behind the lips lies beside them.
    aside = fitted.rotation[:2, 2] @ mouth.across
    mm = iod / INTEROCULAR * large
    middle = middle - mouth.across * float(aside) * BEHIND * mm
    place = _Place(mouth, mm, middle, light, tone.of(framed.small(), framed.face), camera)
    turn = float(np.arcsin(np.clip(aside * TURNED, -0.7, 0.7)))
    view = crowns.View(mm * FINE, turn, light.tilt)
    upper = crowns.row(crowns.UPPER, view, rng, lower=False)
    lower = crowns.row(crowns.LOWER, view, rng, lower=True)
    jaw, skull = head.regions["teeth_lower"], head.regions["teeth_upper"]
    behind = _placed(
        place,
        tongue.body(view.scale, TONGUE_LIFT, light.tilt, rng),
        LOWER_EDGE,
        _raised(place, _front(fitted, jaw, TONGUE_FOLLOW)),
        SOFT_STEP,
    )
    lower[0][..., :3] *= LOWER_LIGHT
    below = (lower[0][::-1], lower[0].shape[0] / view.scale - lower[1])
    front = _front(fitted, skull, 1.0)
    made = (
        behind,
        _placed(place, below, LOWER_EDGE, _front(fitted, jaw, LOWER_FOLLOW)),
        _tip(place, tongue.tip(view.scale, light.tilt, rng), front[1]),
        _placed(place, upper, UPPER_EDGE, front),
    )
    dark = place.tones.of(light.on(np.array(tongue.THROAT, np.float32) * 0.45))
    red, green, blue = (int(v) for v in dark)
    return made, (red, green, blue)
