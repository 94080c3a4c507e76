"""Where the rims of the irises lie in a photo: what the iris model says, made exact by the picture.

The model is off by a fifth of a radius on turned heads; an iris cut out too small leaves its rim
behind in the white when it moves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.bake import landmarks as lm
from visavis.models.bake import rims
from visavis.models.bake.photo import MARGIN, Framed

Floats = npt.NDArray[np.float32]

CLEAR: Final = 8.0  # luma by which a rim has to stand out
LARGE: Final = (1.18, 1.5)  # radii from which what is dark is believed, and at most
WIDEST: Final = 0.6  # widths of an eye that an iris is painted wide at most
PARTED: Final = 40.0  # luma between white and iris


def refined(framed: Framed) -> Framed:
    """The same portrait with the circles of its irises on their rims, of one size."""
    grey = cv2.cvtColor(framed.small(), cv2.COLOR_RGB2GRAY).astype(np.float32)
    eyes: tuple[lm.Eye, ...] = (framed.face.eye_right, framed.face.eye_left)
    usual = (eyes[0].radius + eyes[1].radius) / 2
    found = [rims.fitted(np.asarray(grey, np.float32), MARGIN, eye, usual) for eye in eyes]
    best = int(np.argmax(sum(score for score, _ in found)))
    if found[0][0][best] + found[1][0][best] >= 2 * CLEAR:
        eyes = tuple(
            replace(eye, centre=at[best].astype(np.float32), radius=float(rims.SIZES[best] * usual))
            for eye, (_, at) in zip(eyes, found, strict=True)
        )
    right, left = _as_wide_as_dark(np.asarray(grey, np.float32), eyes)
    return replace(framed, face=replace(framed.face, eye_right=right, eye_left=left))


def _as_wide_as_dark(grey: Floats, eyes: tuple[lm.Eye, ...]) -> list[lm.Eye]:
    """Irises that are painted or drawn larger than any are: circles over all that is dark."""
    spans = [_dark_span(grey, eye) for eye in eyes]
    wide = [(b - a) / 2 for span in spans if span for a, b in (span,)]
    if not wide or max(wide) < LARGE[0] * eyes[0].radius:
        return list(eyes)
    radius = min(float(np.mean(wide)), LARGE[1] * eyes[0].radius)
    made = []
    for eye, span in zip(eyes, spans, strict=True):
        centre = eye.centre.copy()
        if span:
            centre[0] = (span[0] + span[1]) / 2
        made.append(replace(eye, centre=centre, radius=radius))
    return made


def _dark_span(grey: Floats, eye: lm.Eye) -> tuple[float, float] | None:
    """Left and right end, px, of what is as dark as the iris in the rows of its middle; None where
    no white ends it on both sides."""
    x = np.arange(eye.upper[0, 0], eye.upper[-1, 0], 0.5)
    rows = eye.centre[1] + np.linspace(-0.2, 0.5, 8) * eye.radius
    at = np.stack(np.meshgrid(x, rows), -1)
    seen = rims.between(eye, at)
    luma = np.where(seen, rims.read(grey, MARGIN, at), np.nan)
    enough = seen.sum(0) >= 4
    if enough.sum() < 8:
        return None
    along = np.full(len(x), np.nan)
    along[enough] = np.nanmedian(luma[:, enough], axis=0)
    bright, dark = np.nanpercentile(along, 92), np.nanpercentile(along, 25)
    if bright - dark < PARTED:
        return None
    is_dark = along < (bright + dark) / 2
    middle = int(np.abs(x - eye.centre[0]).argmin())
    if not is_dark[middle]:
        return None
    ends = []
    for way in (-1, 1):
        k = middle
        while 0 <= k + way < len(x) and is_dark[k + way]:
            k += way
        beyond = along[k + way : k + 5 * way : way] if 0 <= k + 5 * way < len(x) else along[:0]
        if not (beyond > (bright + dark) / 2).sum() >= 2:
            return None
        ends.append(float(x[k]))
    # Wider than any is painted: lashes or a shadow are in it.
    broad = ends[1] - ends[0] > WIDEST * float(eye.upper[-1, 0] - eye.upper[0, 0])
    return None if broad else (ends[0], ends[1])
