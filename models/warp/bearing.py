"""What of a head's turns and of looks a clip can be given on top of its own: fields, as of units.

A picture of a clip is one sheet: what is behind the person moves along a little, less and less the
farther it is from them, and not at all at the frame's border.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.avatar.file import Avatar
from visavis.models.avatar.rig import PATCHES, Patch, nodes
from visavis.models.warp.scene import Floats, Scene

COUNT: Final = 8  # yaw, pitch, roll, x, y, z of a pose, then yaw and pitch of a look
# Of a pose, degrees and inter-ocular distances, and of a look: from half of it on they bend, and
# never reach it.
MOST: Final = np.array([7, 7, 6, 0.08, 0.08, 0.08, 14, 12], np.float32)
AROUND: Final = 0.75  # inter-ocular distances beside a person over which what is behind stays
BORDER: Final = 0.45  # inter-ocular distances from the frame's border over which all does
EYEBALL: Final = 0.19  # inter-ocular distances: a radius of 12 mm where eyes are 63 mm apart
IRIS: Final = 0.62  # of half an eye's width, over which a look carries all of it along
LIDS: Final = 0.12  # inter-ocular distances up and down of the same: lids go with the eye
# Radians to (dx, dy, dz) by (x, y, z) from the pivot, as in engines.render.posing.
_TURNS: Final = np.array(
    [
        [[0, 0, 1], [0, 0, 0], [-1, 0, 0]],
        [[0, 0, 0], [0, 0, -1], [0, 1, 0]],
        [[0, -1, 0], [1, 0, 0], [0, 0, 0]],
    ],
    np.float32,
)


def amounts(bearing: Floats, glance: Floats) -> Floats:
    """(COUNT,) of a face state's, within MOST."""
    told = np.concatenate([bearing, glance]).astype(np.float32)
    half = MOST / 2
    over = np.maximum(np.abs(told) - half, 0)
    bent = np.minimum(np.abs(told), half) + half * np.tanh(over / half)
    return np.asarray(np.sign(told) * bent, np.float32)


def fields(avatar: Avatar, whole: Scene) -> Floats:
    """(COUNT, h, w, 3) at the base's nodes, px of the picture a degree or inter-ocular distance.

    As a clip's layers have them: where nodes are seen from the front, and their depth.
    """
    net, body = whole.base, whole.body
    camera, unit = body.camera, body.interocular
    nearer = float(camera[2]) / (float(camera[2]) - net.rest[..., 2:])
    from_pivot = net.rest - body.head_pivot
    turns = np.einsum("kcf,hwf->khwc", _TURNS, from_pivot) * np.float32(np.pi / 180)
    moves = np.broadcast_to(
        np.diag([unit, -unit, unit]).astype(np.float32)[:, None, None], turns.shape
    )
    pose = np.concatenate([turns, moves])
    seen = pose * nearer
    aside = net.rest[..., :2] - camera[:2]
    seen[..., :2] += aside * nearer * pose[..., 2:] / (float(camera[2]) - net.rest[..., 2:])
    seen *= (net.share * _taking_part(avatar))[..., None]
    return np.concatenate([seen, _looks(avatar, whole)]).astype(np.float32)


def read(values: Floats, box: Floats, at: Floats) -> Floats:
    """(n, h, w, c) of a grid `box`, at positions (m, k, 2): (n, m, k, c)."""
    place = np.asarray((at - box[:2]) / box[2], np.float32)
    across, down = place[..., 0], place[..., 1]
    read = [cv2.remap(one, across, down, cv2.INTER_LINEAR) for one in values]
    return np.asarray(read, np.float32)


def _taking_part(avatar: Avatar) -> Floats:
    """(h, w) in [0, 1]: on the person all of it."""
    unit = avatar.body.interocular
    at = nodes(avatar.base.corner, avatar.base.pitch, avatar.base.share.shape)
    inside = np.minimum(at, avatar.side - 1 - at).min(-1)
    kept = _eased(inside / (BORDER * unit))
    outside = cv2.distanceTransform((avatar.matte < 128).astype(np.uint8), cv2.DIST_L2, 3)
    place = (at + avatar.margin + 0.5) * avatar.density - 0.5
    columns, rows = (np.ascontiguousarray(place[..., k], np.float32) for k in (0, 1))
    away = cv2.remap(outside, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    near = 1 - _eased(away / (avatar.density * AROUND * unit))
    return np.asarray(cv2.GaussianBlur(kept * near, (0, 0), 1.0), np.float32)


def _looks(avatar: Avatar, whole: Scene) -> Floats:
    """(2, h, w, 3): what is between the lids, and less of the lids, by what an eyeball turns."""
    unit = avatar.body.interocular
    at = nodes(avatar.base.corner, avatar.base.pitch, avatar.base.share.shape)
    share = np.zeros(at.shape[:2], np.float32)
    for name in PATCHES[1:]:
        patch = avatar.patches.get(name)
        if patch is None or (opening := _opening(patch)) is None:
            continue
        middle, half = opening
        reach = np.array([IRIS * half, LIDS * unit], np.float32)
        far = (np.square((at - middle) / reach)).sum(-1)
        share = np.maximum(share, np.exp(-0.5 * np.square(far)).astype(np.float32))
    share[share < 0.01] = 0
    radian = EYEBALL * whole.body.interocular * np.float32(np.pi / 180)
    out = np.zeros((2, *share.shape, 3), np.float32)
    out[0, ..., 0] = radian * share
    out[1, ..., 1] = -radian * share
    return out


def _opening(patch: Patch) -> tuple[Floats, float] | None:
    """Middle and half the width of what lies between an eye's lids, px of the frame."""
    rows, columns = np.nonzero(np.asarray(patch.edges < 128).all(0))
    if not len(rows):
        return None
    left, right = float(columns.min()), float(columns.max())
    middle = np.array([(left + right) / 2, (int(rows.min()) + int(rows.max())) / 2], np.float32)
    return middle + np.array(patch.upper.corner, np.float32), max((right - left) / 2, 1.0)


def _eased(t: npt.ArrayLike) -> Floats:
    t = np.clip(np.asarray(t, np.float32), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
