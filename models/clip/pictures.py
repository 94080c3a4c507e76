"""Pictures between pictures, and lips shut: what is done to a clip's pictures before they are kept.

Pictures are square RGB; positions are in px of them.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from visavis.models.bake import contour
from visavis.models.bake import landmarks as lm
from visavis.models.clip.reading import Rgb
from visavis.models.clip.tracking import Floats

SETTLED: Final = (1.2, 2.2)  # of 255: differences that are noise, and those that are motion
STILL: Final = 0.04  # of a picture's time that is not worth a warp
LOWER_SHARE: Final = 0.6  # of a gap that the lower lip closes
REACH: Final = (0.45, 0.55)  # mouth widths above and below the gap over which skin follows a lip


def flow(one: Rgb, other: Rgb) -> Floats:
    """(h, w, 2): px from where something is in `one` to where it is in `other`; 0 where only
    noise differs."""
    grey = [
        cv2.GaussianBlur(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), (0, 0), 1.0) for p in (one, other)
    ]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found = search.calc(grey[0], grey[1], np.zeros((*grey[0].shape, 2), np.float32))
    apart = cv2.GaussianBlur(cv2.absdiff(grey[0], grey[1]).astype(np.float32), (0, 0), 6.0)
    moves = np.clip((apart - SETTLED[0]) / (SETTLED[1] - SETTLED[0]), 0, 1)
    return np.asarray(found * moves[..., None], np.float32)


def pulled(picture: Rgb, away: Floats) -> Rgb:
    """The picture with each px taken from `away` (h, w, 2) px off."""
    h, w = picture.shape[:2]
    y, x = np.mgrid[:h, :w].astype(np.float32)
    where = x + away[..., 0], y + away[..., 1]
    out = cv2.remap(picture, *where, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.uint8)


def between(one: Rgb, other: Rgb, part: float) -> Rgb:
    """The picture `part` of the time after `one`, 0 to 1: the nearer of both, warped.

    Never a mixture: those in between would be softer than the others, and the film would pulse.
    """
    if part < STILL:
        return one
    if part > 1 - STILL:
        return other
    if part <= 0.5:
        return pulled(one, part * flow(other, one))
    return pulled(other, (1 - part) * flow(one, other))


def blended(one: Rgb, other: Rgb, share: float) -> Rgb:
    """Shapes half way between both by `share`, and so their colours."""
    there, back = flow(one, other), flow(other, one)
    a = pulled(one, -share * there).astype(np.float32)
    b = pulled(other, -(1 - share) * back).astype(np.float32)
    return np.asarray(np.clip(a + (b - a) * share + 0.5, 0, 255), np.uint8)


def shut(picture: Rgb, points: Floats, base: float) -> Rgb:
    """The picture with slightly open lips closed. points (468, 3) in px of it; base: mouth widths
    between those of lips that touch."""
    p = points[:, :2]
    across = p[291] - p[61]
    wide = float(np.linalg.norm(across))
    across = across / wide
    down = np.array([-across[1], across[0]], np.float32)
    edges = [contour.curve(p[list(ids)], 33) for ids in (lm.LIP_UPPER_INNER, lm.LIP_LOWER_INNER)]
    heights = [(edge - p[61]) @ down for edge in edges]
    along = [(edge - p[61]) @ across for edge in edges]
    steps = np.linspace(0, wide, 33)
    upper, lower = (np.interp(steps, s, h) for s, h in zip(along, heights, strict=True))
    gap = np.maximum(lower - upper - base * wide, 0)
    if gap.max() < 0.4:
        return picture
    low = np.floor(p[61] - wide).astype(int)
    left, top = max(int(min(low[0], p[291, 0] - 2 * wide)), 0), max(int(low[1]), 0)
    right, bottom = (int(v) for v in np.ceil(np.maximum(p[61], p[291]) + wide))
    window = picture[top:bottom, left:right]
    y, x = np.mgrid[top : top + window.shape[0], left : left + window.shape[1]]
    at = np.stack([x, y], -1).astype(np.float32) - p[61]
    s, t = at @ across, at @ down
    here = np.interp(s, steps, gap, left=0, right=0)
    meet = np.interp(s, steps, upper + (1 - LOWER_SHARE) * gap)
    over = t < meet
    reach = np.where(over, REACH[0], REACH[1]) * wide
    fade = 1 - contour.eased(np.abs(t - meet) / reach)
    # Beyond the line where lips meet now each px comes from that much farther away.
    shift = np.where(over, -(1 - LOWER_SHARE), LOWER_SHARE) * here * fade
    out = picture.copy()
    away = (shift[..., None] * down).astype(np.float32)
    out[top:bottom, left:right] = pulled(np.ascontiguousarray(window), away)
    return out
