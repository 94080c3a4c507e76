"""Where the margins of the lids lie in a photo: what the iris model says, made exact by the white.

The model knows lids by their lashes and is off by a fifth of an opening where these are heavy, or
the head is turned. Where the white of the eye ends tells it to half a px; over the iris, which may
be as dark as lashes, the model's line is moved by as much as beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.bake import contour
from visavis.models.bake import landmarks as lm
from visavis.models.bake.photo import MARGIN, Framed

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

STEP: Final = 0.5  # px between samples
POINTS: Final = 9  # of a margin, as the model has them
BEYOND: Final = 0.22  # widths of an eye beyond its corners that are looked at
TALL: Final = 0.42  # and above and below the line between them
RIM: Final = 1.10  # radii of an iris in which nothing is white
BESIDE: Final = (3.0, 0.22)  # px, and widths, below the lower margin between which there is skin
APART: Final = 14.0  # of Lab, 8 bits, between white and skin: less and nothing can be told
TINTED: Final = 0.035  # a or b of Lab over L, all 8 bits, between them, for that to tell alone
DARKEST: Final = 30.0  # L, 8 bits, under which a colour is noise
WHITE: Final = 0.45  # of the way from skin to white that is white
TAKEN: Final = (0.30, 0.04)  # openings that an upper margin may be moved out, and in
LOWER: Final = (0.12, 0.05)  # and a lower one
OUT: Final = 0.21  # widths that a corner may be moved out
NEAR: Final = 0.12  # widths at a corner that say nothing of the margins' middle
DIFFER: Final = 0.30  # openings by which both sides of an iris may disagree of that
CORNER: Final = 0.3  # as WHITE, near a corner, where it lies in shadow
ALIKE: Final = 0.8  # of what an outer corner is moved out by, that the other one is, too
LEAST: Final = 1.0  # px of white in a column that count
ENOUGH: Final = 6  # columns of white


@dataclass(frozen=True, slots=True)
class _Strip:
    """An eye laid level. start (2,): position of sample (0, 0); across, down: unit vectors; white
    (h, w): share of the way from skin to white; width, px; upper, lower (w,): rows of the model's
    margins; corners, iris: columns of the first and the last of each."""

    start: Floats
    across: Floats
    down: Floats
    white: Floats
    width: float
    upper: Floats
    lower: Floats
    corners: tuple[int, int]
    iris: tuple[int, int]

    def at(self, columns: Floats, rows: Floats) -> Floats:
        """(n, 2): positions."""
        along, below = columns[:, None] * STEP, rows[:, None] * STEP
        return np.asarray(self.start + along * self.across + below * self.down, np.float32)


def refined(framed: Framed) -> Framed:
    """The same portrait with the margins of its lids where the white of the eyes ends."""
    lab = cv2.cvtColor(cv2.GaussianBlur(framed.small(), (0, 0), 0.6), cv2.COLOR_RGB2LAB)
    face = framed.face
    eyes = face.eye_right, face.eye_left
    right, left = (_strip(lab.astype(np.float32), eye) for eye in eyes)
    ends = _corners(right, left)
    made = [
        _refined(eye, strip, own) for eye, strip, own in zip(eyes, (right, left), ends, strict=True)
    ]
    return replace(framed, face=replace(face, eye_right=made[0], eye_left=made[1]))


def _corners(right: _Strip | None, left: _Strip | None) -> list[tuple[int, int]]:
    """Columns of each eye's corners. Where shadow hides the end of an outer one, the model is
    taken to fall short of it nearly as far as of the other eye's."""
    found = [_ends(strip) if strip else (0, 0) for strip in (right, left)]
    if right is None or left is None:
        return found
    short = [
        max(right.corners[0] - found[0][0], 0) / right.width,
        max(found[1][1] - left.corners[1], 0) / left.width,
    ]
    most = ALIKE * max(short)
    outer = [round(max(own, most) * s.width) for own, s in zip(short, (right, left), strict=True)]
    return [
        (right.corners[0] - outer[0], found[0][1]),
        (found[1][0], left.corners[1] + outer[1]),
    ]


def _refined(eye: lm.Eye, strip: _Strip | None, ends: tuple[int, int]) -> lm.Eye:
    if strip is None:
        return eye
    found = _found(strip, ends)
    if found is None:
        return eye
    upper, lower = found
    return replace(eye, upper=upper, lower=lower)


def _strip(lab: Floats, eye: lm.Eye) -> _Strip | None:
    """None where white and skin look alike."""
    left, right = eye.upper[0], eye.upper[-1]
    width = float(np.linalg.norm(right - left))
    across = ((right - left) / width).astype(np.float32)
    down = np.array([-across[1], across[0]], np.float32)
    start = left - across * BEYOND * width - down * TALL * width
    columns, rows = int((1 + 2 * BEYOND) * width / STEP) + 1, int(2 * TALL * width / STEP) + 1
    x, y = np.meshgrid(np.arange(columns) * STEP, np.arange(rows) * STEP)
    at = (start + x[..., None] * across + y[..., None] * down).astype(np.float32)
    colours = cv2.remap(
        lab, at[..., 0] + MARGIN, at[..., 1] + MARGIN, cv2.INTER_LINEAR, borderMode=1
    )
    upper, lower = (_level(edge, start, across, down, columns) for edge in (eye.upper, eye.lower))
    row = np.arange(rows)[:, None]
    iris = np.linalg.norm(at - eye.centre, axis=-1) < RIM * eye.radius
    inside = (row > upper + 2) & (row < lower - 2) & ~iris
    skin = (row > lower + BESIDE[0] / STEP) & (row < lower + BESIDE[1] * width / STEP)
    white = _whiteness(np.asarray(colours, np.float32), inside, skin)
    first = round(BEYOND * width / STEP)
    ends = (first, columns - 1 - first)
    if white is None:
        return None
    middle = float((eye.centre - start) @ across)
    span = [round((middle + way * RIM * eye.radius) / STEP) for way in (-1, 1)]
    shown = (max(span[0], ends[0]), min(span[1], ends[1]))
    return _Strip(start, across, down, white, width, upper, lower, ends, shown)


def _level(edge: Floats, start: Floats, across: Floats, down: Floats, columns: int) -> Floats:
    """(columns,): the row of a margin, level beyond its ends."""
    points = contour.curve(edge, 65) - start
    along, below = points @ across / STEP, points @ down / STEP
    order = np.argsort(along)
    return np.interp(np.arange(columns), along[order], below[order]).astype(np.float32)


def _whiteness(colours: Floats, inside: Mask, skin: Mask) -> Floats | None:
    """(h, w): how far each colour is on the way from the skin's to the white's."""
    if inside.sum() < 12 or skin.sum() < 12:
        return None
    found = _greyness(colours, inside, skin)
    if found is not None:
        return found
    own = colours[inside]
    bright = own[:, 0] - 0.5 * np.hypot(own[:, 1] - 128, own[:, 2] - 128)
    white = np.median(own[bright >= np.percentile(bright, 60)], axis=0)
    usual = np.median(colours[skin], axis=0)
    way = white - usual
    apart = float(np.linalg.norm(way))
    if apart < APART or white[0] < usual[0] - 2 * APART:
        return None
    return np.asarray((colours - usual) @ way / apart**2, np.float32)


def _greyness(colours: Floats, inside: Mask, skin: Mask) -> Floats | None:
    """(h, w): the same by how colourful each is for its lightness, which shadow leaves as it is:
    the white beneath a lid, and on the far side of an eyeball, may be darker than any skin. None
    where skin is as grey."""
    tint = (colours[..., 1:] - 128) / np.maximum(colours[..., :1], DARKEST)
    own = tint[inside]
    strength = np.hypot(own[:, 0], own[:, 1])
    white = np.median(own[strength <= np.percentile(strength, 60)], axis=0)
    usual = np.median(tint[skin], axis=0)
    way = white - usual
    apart = float(np.linalg.norm(way))
    if apart < TINTED or np.linalg.norm(white) > np.linalg.norm(usual):
        return None
    return np.asarray((tint - usual) @ way / apart**2, np.float32)


def _found(strip: _Strip, ends: tuple[int, int]) -> tuple[Floats, Floats] | None:
    """(POINTS, 2) both margins, corners included."""
    count = strip.white.shape[1]
    tops, bottoms = np.full(count, np.nan, np.float32), np.full(count, np.nan, np.float32)
    first, last = ends
    near = round(NEAR * (last - first))
    for column in (*range(first + near, strip.iris[0]), *range(strip.iris[1], last - near)):
        run = _run(strip, column)
        if run is not None:
            tops[column], bottoms[column] = run
    if max(np.isfinite(tops).sum(), np.isfinite(bottoms).sum()) < ENOUGH:
        return None
    columns = np.linspace(*ends, POINTS).astype(np.float32)
    upper = _moved(strip.upper, tops, strip, -1.0, TAKEN)
    lower = _moved(strip.lower, bottoms, strip, 1.0, LOWER)
    # A corner that is moved out takes its half of the opening along: else it would be a spike.
    own = np.interp(
        columns, [first, *strip.iris, last], [strip.corners[0], *strip.iris, strip.corners[1]]
    )
    up, low = (np.interp(own, np.arange(count), line) for line in (upper, lower))
    low = np.maximum(up, low)
    return strip.at(columns, up.astype(np.float32)), strip.at(columns, low.astype(np.float32))


def _run(strip: _Strip, column: int) -> tuple[float, float] | None:
    """First and last row of the white in a column, between samples; NaN where it has no end."""
    white = strip.white[:, column]
    middle = (strip.upper[column] + strip.lower[column]) / 2
    opening = float((strip.lower - strip.upper).max())
    low = max(int(strip.upper[column] - TAKEN[0] * opening), 1)
    high = min(int(strip.lower[column] + TAKEN[0] * opening), len(white) - 2)
    is_white = white > WHITE
    near = np.flatnonzero(is_white[low : high + 1]) + low
    if not len(near):
        return None
    seed = int(near[np.abs(near - middle).argmin()])
    if abs(seed - middle) > 0.3 * opening + 1:
        return None
    top = bottom = seed
    while top > low and is_white[top - 1]:
        top -= 1
    while bottom < high and is_white[bottom + 1]:
        bottom += 1
    if (bottom - top) * STEP < LEAST:
        return None
    # White that does not end is skin that looks like it.
    return (
        np.nan if top <= low else top - _between(white[top], white[top - 1]),
        np.nan if bottom >= high else bottom + _between(white[bottom], white[bottom + 1]),
    )


def _between(inner: float, outer: float) -> float:
    """Share of a step from the inner sample at which white ends."""
    fall = inner - outer
    return float(np.clip((inner - WHITE) / fall, 0, 1)) if fall > 1e-6 else 0.5


def _ends(strip: _Strip) -> tuple[int, int]:
    """Columns of the corners: further out than the model says where there is white."""
    most = round(OUT * strip.width / STEP)
    out = []
    for end, way in zip(strip.corners, (-1, 1), strict=True):
        row = round(float(strip.upper[end] + strip.lower[end]) / 2)
        near = strip.white[row - 3 : row + 4].max(0)
        column = end
        while abs(column - end) < most and near[column + way] > CORNER:
            column += way
        # White that does not end is skin that looks like it.
        out.append(column if abs(column - end) < most else end)
    return out[0], out[1]


def _moved(
    line: Floats, found: Floats, strip: _Strip, outwards: float, most: tuple[float, float]
) -> Floats:
    """The model's line moved as far as is found to the left and to the right of the iris, evenly
    in between and not at the corners."""
    opening = float((strip.lower - strip.upper).max())
    columns, shift = np.arange(len(line)), (found - line) * outwards
    knots, shifts = [], []
    middle = sum(strip.iris) / 2
    for side in (columns < middle, columns >= middle):
        own = side & np.isfinite(found)
        if own.sum() >= ENOUGH / 2:
            knots.append(float(columns[own].mean()))
            shifts.append(float(np.median(shift[own])))
    if not knots or np.ptp(shifts) > DIFFER * opening:
        return line
    even = np.clip(np.interp(columns, knots, shifts), -most[1] * opening, most[0] * opening)
    first, last = strip.corners
    t = np.clip((2 * columns - first - last) / (last - first), -1, 1)
    return np.asarray(line + outwards * even * (1 - t**6), np.float32)
