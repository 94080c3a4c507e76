"""A face state as what moves an avatar: amounts of the grids' fields, and motion of head and body.

Shared by all generators; draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.base import EngineError, FaceState
from visavis.models import arkit
from visavis.models.avatar.rig import BREATH, CONTROLS, GAZE_SPAN, HAIR, Body

Floats = npt.NDArray[np.float32]

MAX_LOOK: Final = 1.3  # of GAZE_SPAN

# Of a pose: degrees, and inter-ocular distances.
_MOST: Final = np.array([90, 90, 90, 20, 20, 20], np.float32)


def _index(name: str) -> int:
    return arkit.INDEX[name]


def controls(state: FaceState) -> Floats:
    """(len(CONTROLS),): coefficients, gaze joined in, lids that cannot over-close; breath, hair."""
    amount = np.zeros(len(CONTROLS), np.float32)
    amount[: arkit.COUNT] = np.clip(state.coefficients, 0, 1)
    amount[BREATH] = np.clip(state.breath, 0, 1)
    amount[HAIR] = np.clip(state.hair, -1, 1)
    for side, outward in (("Left", 1.0), ("Right", -1.0)):
        _look(amount, state.gaze, side, outward)
        _limit_lid(amount, side)
    _limit_mouth(amount)
    return amount


def _look(amount: Floats, gaze: Floats, side: str, outward: float) -> None:
    """Gaze and the four eyeLook coefficients of one eye as one look, each way at most once."""
    for plus, minus, angle in (
        (f"eyeLookOut{side}", f"eyeLookIn{side}", outward * float(gaze[0])),
        (f"eyeLookUp{side}", f"eyeLookDown{side}", float(gaze[1])),
    ):
        a, b = _index(plus), _index(minus)
        look = float(amount[a] - amount[b]) + angle / GAZE_SPAN
        look = min(max(look, -MAX_LOOK), MAX_LOOK)
        amount[a], amount[b] = max(look, 0), max(-look, 0)


def _limit_lid(amount: Floats, side: str) -> None:
    """A closed lid is closed: what else moves it fades as it closes."""
    left = 1 - float(amount[_index(f"eyeBlink{side}")])
    for name in (f"eyeSquint{side}", f"eyeWide{side}"):
        amount[_index(name)] *= left


def _limit_mouth(amount: Floats) -> None:
    """Lips cannot be closed further than the jaw has opened them."""
    jaw, close = _index("jawOpen"), _index("mouthClose")
    amount[close] = min(amount[close], amount[jaw])


def _rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """Degrees as in FaceState; x right, y down, z to the viewer."""
    y, p, r = math.radians(yaw), math.radians(pitch), math.radians(roll)
    cy, sy, cp, sp = math.cos(y), math.sin(y), math.cos(p), math.sin(p)
    cr, sr = math.cos(r), math.sin(r)
    # tilt @ turn @ nod, written out: numpy takes 30 us for it
    return np.array(
        [
            [cr * cy, cr * sy * sp - sr * cp, cr * sy * cp + sr * sp],
            [sr * cy, sr * sy * sp + cr * cp, sr * sy * cp - cr * sp],
            [-sy, cy * sp, cy * cp],
        ],
        np.float32,
    )


def _about(rotation: Floats, pivot: Floats, shift: Floats) -> Floats:
    """(3, 4): turn about a pivot, then shift."""
    out = np.empty((3, 4), np.float32)
    out[:, :3] = rotation
    out[:, 3] = pivot - rotation @ pivot + shift
    return out


def view(body: Body, pose: Floats, torso: Floats | None = None) -> Floats:
    """(3, 3, 4): motion of the head, of the body, and the camera, for kernel.forward.

    torso: see FaceState.
    """
    whole = (1.0, 1.0, 1.0, 1.0)
    head = _moved(pose, whole, body.head_pivot, body.interocular)
    after = pose if torso is None else torso
    own = _moved(after, tuple(map(float, body.follow)), body.body_pivot, body.interocular)
    camera = np.zeros((3, 4), np.float32)
    camera[0, :3] = body.camera
    return np.stack([head, own, camera])


def _moved(pose: Floats, share: Sequence[float], pivot: Floats, unit: float) -> Floats:
    """(3, 4): shares of a pose's yaw, pitch, roll and shift."""
    yaw, pitch, roll, x, y, z = (float(v) for v in pose)
    shift = np.array([x, -y, z], np.float32) * (unit * share[3])
    return _about(_rotation(yaw * share[0], pitch * share[1], roll * share[2]), pivot, shift)


def check(state: FaceState) -> None:
    """Raises EngineError for what cannot be drawn."""
    torso = state.pose if state.torso is None else state.torso
    shapes = (state.coefficients.shape, state.pose.shape, state.gaze.shape, torso.shape)
    if shapes != ((arkit.COUNT,), (6,), (2,), (6,)):
        message = f"face state has the shapes {shapes}"
        raise EngineError(message)
    values = (
        state.coefficients, state.pose, state.gaze, torso, state.breath, state.hair, state.elapsed,
    )  # fmt: skip
    if not all(np.isfinite(v).all() for v in values):
        message = "face state holds a number that is not finite"
        raise EngineError(message)
    # Far beyond them positions leave their fixed point, and what is read leaves the texture.
    if (np.maximum(np.abs(state.pose), np.abs(torso)) > _MOST).any():
        far = [state.pose.tolist(), torso.tolist()]
        message = f"face state has the poses {far}: at most {_MOST.tolist()}"
        raise EngineError(message)
