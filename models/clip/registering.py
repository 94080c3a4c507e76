"""How a portrait lies in each picture of a clip: a camera for what is rigid, and bends on top."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from visavis.models.avatar.rig import Body, Grid, nodes
from visavis.models.bake import contour, layers
from visavis.models.bake import landmarks as lm
from visavis.models.clip.tracking import Floats

PITCH: Final = 24.0  # px between bends
BEYOND: Final = 36.0  # px around the face that have bends
SOFT: Final = 26.0  # px over which skin moves together
DOUBT: Final = 0.4  # of a landmark's place against that of its neighbours, as a variance
OUTSIDE: Final = 0.11  # face heights beyond the face's outline over which units fade
NECK: Final = (0.24, 0.42)  # face heights beside the chin where the neck's share begins to end
BELOW: Final = 0.44  # face heights below the chin where it has ended
# Landmarks that move by themselves: the camera is not looked for with them.
_LIVELY: Final = frozenset(
    {
        *lm.LIP_UPPER_INNER, *lm.LIP_LOWER_INNER, *lm.LIP_UPPER_OUTER, *lm.LIP_LOWER_OUTER,
        *lm.LID_UPPER_RIGHT, *lm.LID_LOWER_RIGHT, *lm.LID_UPPER_LEFT, *lm.LID_LOWER_LEFT,
        *lm.BROW_RIGHT, *lm.BROW_LEFT,
    }
)  # fmt: skip


def cameras(rest: Floats, seen: Floats) -> Floats:
    """(n, 2, 4), least squares. rest (468, 3) of the portrait; seen (n, 468, 2)."""
    rigid = np.array([k for k in range(lm.POINTS) if k not in _LIVELY])
    known = np.hstack([rest, np.ones((lm.POINTS, 1), np.float32)])[rigid].astype(np.float64)
    solve = np.linalg.pinv(known)  # (4, m)
    return np.ascontiguousarray(np.einsum("fm,nmc->ncf", solve, seen[:, rigid]), np.float32)


def projected(camera: Floats, rest: Floats) -> Floats:
    """(n, m, 2): where positions (m, 3) are by cameras (n, 2, 4)."""
    return np.asarray(
        np.einsum("ncf,mf->nmc", camera[..., :3], rest) + camera[:, None, :, 3], np.float32
    )


def bends(rest: Floats, off: Floats) -> tuple[Floats, tuple[float, float]]:
    """(n, h, w, 2) and its corner: what landmarks are `off` (n, 468, 2) by, on evenly spaced nodes.

    A Gaussian process's mean: smooth, and 0 far from any landmark.
    """
    flat = rest[:, :2]
    low, high = flat.min(0) - BEYOND, flat.max(0) + BEYOND
    columns, rows = (int(np.ceil(n)) + 1 for n in (high - low) / PITCH)
    corner = float(low[0]), float(low[1])
    at = nodes(corner, PITCH, (rows, columns)).reshape(-1, 2)
    known = _like(flat, flat) + DOUBT * np.eye(len(flat))
    weights = np.linalg.solve(known, _like(flat, at)).T  # (nodes, 468)
    values = np.einsum("km,nmc->nkc", weights, off)
    return values.reshape(len(off), rows, columns, 2).astype(np.float32), corner


def _like(one: Floats, other: Floats) -> Floats:
    square = ((one[:, None] - other[None]) ** 2).sum(-1)
    return np.asarray(np.exp(-square / (2 * SOFT**2)), np.float32)


def depths(base: Grid, body: Body, flat: Floats) -> Floats:
    """(468, 3): landmarks `flat` (468, 2) of the portrait with the depth that its rig has there."""
    z = layers.read_grid(base.rest[..., 2:], base.corner, base.pitch, flat[None])[0]
    return np.hstack([flat, z]).astype(np.float32)


def hold(base: Grid, flat: Floats) -> Floats:
    """(H, W) in [0, 1]: how far nodes take part in what units do.

    All of it on face and neck; nothing beside them, where the clip's own background lies.
    """
    at = nodes(base.corner, base.pitch, (base.share.shape[0], base.share.shape[1]))
    chin, brow = flat[lm.CHIN], flat[lm.FOREHEAD]
    tall = float(np.linalg.norm(chin - brow))
    down = (chin - brow) / tall
    outline = np.ascontiguousarray(flat[list(lm.OVAL)])
    face = 1 - contour.eased(contour.signed_distance(at, outline) / (OUTSIDE * tall))
    along = (at - chin) @ down / tall
    beside = np.abs((at - chin) @ np.array([-down[1], down[0]])) / tall
    neck = 1 - contour.eased((beside - NECK[0]) / (NECK[1] - NECK[0]))
    neck = neck * (1 - contour.eased(along / BELOW)) * contour.eased((along + 0.5) / 0.2)
    whole = np.maximum(face, neck).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(whole, (0, 0), 0.8), np.float32)
