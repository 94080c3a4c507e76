"""Lips that part over teeth and tongue: the mouth's patch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from visavis.models import arkit
from visavis.models.avatar.rig import Bytes, Floats, nodes
from visavis.models.bake import contour, layers
from visavis.models.bake import landmarks as lm
from visavis.models.bake.head import Head

PITCH: Final = 3.0  # px between nodes
CLOSED: Final = 0.06  # lip gap, in mouth widths, up to which the photo's mouth counts as closed
LIPS: Final = 49  # points along each lip line
OVERLAP: Final = 1.1  # px that the upper lip covers of the lower one when they touch: edges are
# softened over one px, and less would let the dark between them through
EDGE_BAND: Final = 9.0  # px past its edge over which a lip moves as one piece
CORNER: Final = 0.4  # px that the lower lip reaches past its edge
WET: Final = 0.021  # of the mouth's width that the lower lip's wet inner edge is seen at most
MUCOSA: Final = (0.85, 0.66, 0.68)  # of the lip's colour: it is redder within, and in its shade
LOWER_SHARE: Final = 0.6  # of an open photo's lip gap that the lower lip closes


@dataclass(frozen=True, slots=True)
class MouthShape:
    """The mouth on the photo. upper, lower (LIPS, 2): the lips' inner edges from the picture's
    left to its right; across, down: unit vectors; nose, chin: px from the lip line."""

    upper: Floats
    lower: Floats
    across: Floats
    down: Floats
    width: float
    nose: float
    chin: float

    @property
    def centre(self) -> Floats:
        return np.asarray((self.upper[0] + self.upper[-1]) / 2, np.float32)

    @property
    def gap(self) -> float:
        """px between the lips."""
        return float(np.maximum((self.lower - self.upper) @ self.down, 0).max())


def shape(face: lm.Face, photo: Bytes, offset: float) -> MouthShape:
    """The measured mouth; where the lips touch, their line is looked up in the photo."""
    p = face.points[:, :2]
    upper, lower = (p[list(ids)] for ids in (lm.LIP_UPPER_INNER, lm.LIP_LOWER_INNER))
    # In a mouth that is open the corners are dark and far out.
    apart = float(np.linalg.norm(p[13] - p[14]) / np.linalg.norm(p[78] - p[308])) > CLOSED
    out = 1.25 if apart else 0.4
    corners = [inner + out * (p[outer] - inner) for inner, outer in ((p[78], 61), (p[308], 291))]
    across = corners[1] - corners[0]
    width = float(np.linalg.norm(across))
    across = (across / width).astype(np.float32)
    down = np.array([-across[1], across[0]], np.float32)
    upper[[0, -1]], lower[[0, -1]] = corners, corners
    upper, lower = contour.curve(upper, LIPS), contour.curve(lower, LIPS)
    gap = ((lower - upper) @ down).max()
    if gap < CLOSED * width:
        middle = np.asarray((upper + lower) / 2, np.float32)
        upper = lower = contour.dark_line(photo, offset, middle, down)
    else:
        outer = [
            contour.curve(p[list(ids)], LIPS) for ids in (lm.LIP_UPPER_OUTER, lm.LIP_LOWER_OUTER)
        ]
        upper = contour.lip_rim(photo, offset, upper, outer[0], down)
        lower = contour.lip_rim(photo, offset, lower, outer[1], -down)
    middle = (upper[LIPS // 2] + lower[LIPS // 2]) / 2
    nose, chin = float((middle - p[2]) @ down), float((p[lm.CHIN] - middle) @ down)
    return MouthShape(upper, lower, across, down, width, nose, chin)


def box(mouth: MouthShape) -> tuple[tuple[float, float], tuple[int, int]]:
    """Corner and node counts (rows, columns) of the patch."""
    x, y = mouth.centre
    half = mouth.width * 0.5 + max(mouth.width * 0.35, 20)
    top, bottom = y - mouth.nose - 12, y + mouth.chin + 12
    corner = (float(np.floor(x - half)), float(np.floor(top)))
    columns = int(np.ceil(2 * half / PITCH)) + 1
    return corner, (int(np.ceil((bottom - corner[1]) / PITCH)) + 1, columns)


def cut(mouth: MouthShape, upper: bool) -> Floats:
    """The region that a lip leaves free: past its edge, deep enough to fold nowhere."""
    if upper:
        return contour.lens(mouth.upper, mouth.chin * 0.80)
    return contour.lens(mouth.lower, -mouth.nose * 0.90)


def edges(mouth: MouthShape, corner: tuple[float, float], size: tuple[int, int]) -> Bytes:
    """(2, h, w) stored signed distances at every px from `corner` on."""
    at = nodes(corner, 1.0, size)
    upper, lower = (contour.signed_distance(at, cut(mouth, up)) for up in (True, False))
    # `closing` laps open lips; at their corners, where it cannot, the lower edge is not softened.
    more = CORNER if mouth.gap > 0 else OVERLAP
    return np.stack([contour.stored(upper), contour.stored(lower + more)])


def rim(mouth: MouthShape, photo: Bytes, offset: float) -> Floats:
    """RGB of the lower lip's wet inner edge, told by the lip right beside it."""
    middle = mouth.lower[LIPS // 5 : -LIPS // 5]
    ways = np.linspace(0.04, 0.09, 4, dtype=np.float32) * mouth.width
    at = middle[:, None] + ways[None, :, None] * mouth.down + offset
    seen = cv2.remap(photo, at[..., 0], at[..., 1], cv2.INTER_LINEAR).astype(np.float32)
    return np.asarray(np.median(seen.reshape(-1, 3), 0) * MUCOSA, np.float32)


def lip_triangles(head: Head, faces: layers.Ints) -> tuple[layers.Mask, layers.Mask]:
    """(m,) each: which of `faces` go with the upper lip, and which with the lower."""

    def reach(stem: str) -> Floats:
        rows = [head.units[arkit.INDEX[stem + side]] for side in ("Left", "Right")]
        return np.asarray(np.abs(np.asarray(rows)).sum(axis=(0, 2)), np.float32)

    up, down = reach("mouthUpperUp"), reach("mouthLowerDown")
    above, below = up > np.maximum(down, 1e-4), down > np.maximum(up, 1e-4)
    return above[faces].sum(1) >= 2, below[faces].sum(1) >= 2


def sheet(
    mouth: MouthShape,
    values: Floats,
    index: layers.Ints,
    other: layers.Mask,
    at: Floats,
    upper: bool,
) -> Floats:
    """Channels (h, w, CHANNELS) of one lip's sheet; `other` (m,): faces of the other lip.

    The head's lips meet a px or two beside the photo's: what belongs to the other lip there, or
    lies inside the mouth, is not looked at but continued from this lip.
    """
    free = contour.signed_distance(at, cut(mouth, upper)) <= 0
    beyond = contour.signed_distance(at, cut(mouth, not upper)) < 0
    sunken = values[..., -1] < layers.soften(values[..., -1:], 2.0)[..., 0] - 0.06 * mouth.width
    wrong = beyond & ((index >= 0) & other[np.maximum(index, 0)] | sunken)
    own = ~free & ~wrong
    # Past its edge a lip moves as at its edge: filled straight across, its shift would already be
    # half way to the other lip's, and the mouth would open by a quarter less than it is told to.
    below = _below(mouth, mouth.upper if upper else mouth.lower, at)
    side = below < 0 if upper else below > 0
    near = (free | wrong) & (np.abs(below) < EDGE_BAND)
    values = np.where(near[..., None], layers.spread(values, own & side, 1.3), values)
    return layers.fill(np.asarray(values, np.float32), own | near)


def _below(mouth: MouthShape, edge: Floats, at: Floats) -> Floats:
    """(h, w): px that a position lies below a lip's edge, which goes on level past its ends."""
    s = (edge - edge[0]) @ mouth.across
    level = np.interp((at - edge[0]) @ mouth.across, s, (edge - edge[0]) @ mouth.down)
    return np.asarray((at - edge[0]) @ mouth.down - level, np.float32)


def common_depth(mouth: MouthShape, upper: Floats, lower: Floats, at: Floats) -> Floats:
    """(h, w): one depth for both lips' sheets, each lip's own on its side of the middle line.

    Two depths at the seam would part closed lips when the head nods.
    """
    middle = np.asarray((mouth.upper + mouth.lower) / 2, np.float32)
    share = np.clip(0.5 - _below(mouth, middle, at) / (2 * EDGE_BAND), 0, 1)
    return np.asarray(lower + (upper - lower) * share, np.float32)


def closing(mouth: MouthShape, at: Floats, upper: bool, gap: Floats) -> Floats:
    """(h, w, 2): how far this lip's sheet has to move so that the mouth is closed.

    gap (LIPS,): px between the lips along them; negative where they lap.
    """
    s = (mouth.upper - mouth.upper[0]) @ mouth.across
    here = np.interp((at - mouth.upper[0]) @ mouth.across, s, gap, left=0, right=0)
    edge = mouth.upper if upper else mouth.lower
    away = _below(mouth, edge, at) * (-1 if upper else 1)
    reach = mouth.nose * 0.9 if upper else mouth.chin * 0.8
    # Below its edge a sheet is not seen: keep the shift there.
    fade = np.where(away < 0, 1, contour.eased(1 - away / reach))
    along = np.clip((at - mouth.upper[0]) @ mouth.across / mouth.width, 0, 1)
    under = OVERLAP * np.clip(16 * along * (1 - along), 0, 1) * (mouth.gap > 0)
    amount = (here * (1 - LOWER_SHARE) if upper else -here * LOWER_SHARE - under) * fade
    return np.asarray(amount[..., None] * mouth.down, np.float32)
