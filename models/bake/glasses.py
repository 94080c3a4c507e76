"""Where a pair of glasses runs over a face in a photo, found by its frame. Moves nothing.

The landmark model sees through glasses, so the picture itself is asked: around each eye a closed
thin line, and one across the nose.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.bake import contour
from visavis.models.bake import landmarks as lm

Floats = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]

RAYS: Final = 96  # directions from an eye in which its rim is looked for
# Rims lie 0.9 to 1.1 of an eye's width beside its middle and 0.5 to 0.8 above and below it.
NEAR: Final = (0.62, 0.34)
FAR: Final = (1.36, 1.02)
INNER: Final = 0.95  # of the way to the middle of the nose
STEPS: Final = 40  # places along a ray
WIDTHS: Final = (1.5, 2.5, 4.0)  # px of half a line's width
BEND: Final = 3.0  # luma that a step between neighbouring rays costs
# Luma by which the rims stand out below the eyes (mean of the medians), and the line across the
# nose: 38 and 36, 83 and 10, 16 and 27 in three portraits with glasses; 1 to 16 with 1 to 10 in
# five without, where it is bags, lashes and a painted cheek.
STRONG: Final = 90.0  # luma from which on a line is no likelier to be a rim
RIM: Final = 8.0
BRIDGE: Final = 8.0
BOTH: Final = 33.0
HELD: Final = (1.2, 3.0)  # of a grid's pitch, and px, from the line within which nothing moves
LETS_GO: Final = (2.0, 4.0)  # the same, over which the face beside it begins to move
THICK: Final = 2.0  # px from the line that are rim
# Of the way from a lid's edge to a rim: where skin begins to be held, and where it is.
LIDS: Final = (0.25, 0.85)


def rims(photo: Rgb, offset: float, face: lm.Face) -> tuple[Floats, ...]:
    """Lines (n, 2) in px of the frame along which the glasses run, empty without glasses.

    photo (h, w, 3), whose px (0, 0) lies at position -offset.
    """
    grey = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), np.uint8)
    grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.6), np.uint8)
    (right, one), (left, other) = (
        _rim(grey, offset, face.points[list(ids), :2], face.points[lm.BRIDGE, :2])
        for ids in (lm.EYE_RIGHT, lm.EYE_LEFT)
    )
    bridge, across = _bridge(grey, offset, face)
    below = (one + other) / 2
    if below < RIM or across < BRIDGE or below + across < BOTH:
        return ()
    ends = [line[np.linalg.norm(line - bridge, axis=1).argmin()] for line in (right, left)]
    return right, left, np.stack([ends[0], bridge, ends[1]]).astype(np.float32)


def held(
    at: Floats, lines: tuple[Floats, ...], pitch: float, opening: Floats | None = None
) -> Floats:
    """(h, w) in [0, 1]: how far a node at `at` (h, w, 2) goes with the glasses, not with the skin.

    pitch: px between the nodes; what lies between a held node and a free one bends. opening (n, 2):
    between the lids; however close a rim runs, they and one node around them go with the skin.
    """
    if not lines:
        return np.zeros(at.shape[:2], np.float32)
    away = np.min([np.abs(contour.signed_distance(at, line)) for line in lines], axis=0)
    hold, fall = (of * pitch + px for of, px in (HELD, LETS_GO))
    share = 1 - contour.eased((away - hold) / fall)
    if opening is not None:
        beside = np.maximum(contour.signed_distance(at, opening) - pitch, 0)
        rim = np.maximum(away - THICK, 0)
        share *= contour.eased((beside / (beside + rim + 1e-6) - LIDS[0]) / (LIDS[1] - LIDS[0]))
    return np.asarray(share, np.float32)


def _outstanding(grey: npt.NDArray[np.uint8], at: Floats, across: Floats) -> Floats:
    """(...): by how much luma a thin line through `at` (..., 2) differs from both its sides.

    across (..., 2): unit vectors square to the line.
    """
    best = np.zeros(at.shape[:-1], np.float32)
    for half in WIDTHS:
        middle, inner, outer = (
            _read(grey, at + across * (way * (half + 1.5))) for way in (0, -1, 1)
        )
        dark = np.minimum(inner, outer) - middle
        light = middle - np.maximum(inner, outer)
        best = np.maximum(best, np.maximum(dark, light))
    return best


def _read(grey: npt.NDArray[np.uint8], at: Floats) -> Floats:
    x, y = (np.ascontiguousarray(at[..., k], np.float32) for k in (0, 1))
    seen = cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.float32)


def _rim(
    grey: npt.NDArray[np.uint8], offset: float, corners: Floats, nose: Floats
) -> tuple[Floats, float]:
    """The closed line round an eye that stands out most, and by how much it does below the eye."""
    middle = corners.mean(0)
    along = corners[1] - corners[0] if corners[1, 0] > corners[0, 0] else corners[0] - corners[1]
    width = float(np.linalg.norm(along))
    along = along / width
    down = np.array([-along[1], along[0]])
    turn = np.linspace(0, 2 * np.pi, RAYS, endpoint=False)
    ways = np.cos(turn)[:, None] * along + np.sin(turn)[:, None] * down
    first, last = (
        width / np.hypot(np.cos(turn) / reach[0], np.sin(turn) / reach[1]) for reach in (NEAR, FAR)
    )
    # On the nose's side no rim reaches the nose's middle.
    nasal = float((nose - middle) @ along)
    aside = np.maximum(np.cos(turn) * np.sign(nasal), 0.05)
    last = np.maximum(np.minimum(last, INNER * abs(nasal) / aside), first)
    radius = first[:, None] + (last - first)[:, None] * np.linspace(0, 1, STEPS)
    at = (middle + radius[..., None] * ways[:, None]).astype(np.float32)
    gain = _outstanding(grey, at + offset, np.broadcast_to(ways[:, None], at.shape))
    path = _closed_path(gain)
    path = np.median([np.roll(path, k) for k in range(-3, 4)], axis=0).astype(int)
    rays = np.arange(RAYS)
    below = (np.sin(turn) > 0.25) & (np.sin(turn) <= 1)
    return at[rays, path], float(np.median(gain[rays, path][below]))


def _closed_path(gain: Floats) -> npt.NDArray[np.int64]:
    """(RAYS,): the place on each ray of the strongest smooth line; twice round, to close it."""
    steps = np.arange(gain.shape[1])
    cost = BEND * np.abs(np.subtract.outer(steps, steps)).astype(np.float32) ** 1.5
    total, came = gain[0].astype(np.float64), []
    for row in np.concatenate([gain[1:], gain]):
        reach = total[None, :] - cost
        came.append(reach.argmax(1))
        total = reach.max(1) + np.minimum(row, STRONG)
    path = [int(total.argmax())]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    path.reverse()
    return np.array([*path[RAYS : RAYS + RAYS // 2], *path[RAYS // 2 : RAYS]])[:RAYS]


def _bridge(grey: npt.NDArray[np.uint8], offset: float, face: lm.Face) -> tuple[Floats, float]:
    """Where a line crosses the nose between the eyes, and by how much it stands out."""
    inner = face.points[[lm.EYE_RIGHT[1], lm.EYE_LEFT[1]], :2]
    across = inner[1] - inner[0]
    gap = float(np.linalg.norm(across))
    across = across / gap
    down = np.array([-across[1], across[0]])
    side = np.linspace(-0.16, 0.16, 9)[:, None, None] * gap * across
    fall = np.linspace(-0.45, 0.45, 50)[None, :, None] * gap * down
    at = (inner.mean(0) + side + fall).astype(np.float32)
    gain = np.median(_outstanding(grey, at + offset, np.broadcast_to(down, at.shape)), axis=0)
    best = int(gain.argmax())
    return at[4, best], float(gain[best])
