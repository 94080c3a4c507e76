"""How a persona holds itself: MakeHuman's outstretched arms lowered, the shoulders with them.

The base mesh stands with its arms spread, which lifts the shoulders into a block; people at a desk
let them hang. Linear blend skinning with the CC0 weights of MakeHuman's default rig.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ARM_BONES: Final = ("upperarm", "lowerarm", "wrist", "metacarpal", "finger")
SHOULDER_BONES: Final = ("clavicle", "shoulder")
HANGING_DEG: Final = 7.0  # of the upper arm from the vertical, outwards
FORWARD_DEG: Final = 12.0  # and to the front: the hands rest on a desk
CLOSE: Final = 0.14  # dm that the arms hang nearer to the ribs than their joints
SHOULDER_SHARE: Final = 0.05  # of the arm's turn that the collarbone takes


def _about(axis: int, degrees: float) -> Floats:
    """A rotation (3, 3) about the x (0) or y (1) axis, counter-clockwise seen from its tip."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    if axis == 0:
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _weights(data: Path, count: int) -> dict[tuple[str, str], Floats]:
    """Skinning weight (count,) of the arm and the shoulder by (limb, side)."""
    rig = json.loads((data / "mpfb2/rigs/standard/weights.default.json").read_text())
    total = np.zeros(count)
    made: dict[tuple[str, str], Floats] = {}
    for bone, pairs in rig["weights"].items():
        index = np.array([pair[0] for pair in pairs], int)
        weight = np.array([pair[1] for pair in pairs], float)
        np.add.at(total, index, weight)
        for limb, bones in (("arm", ARM_BONES), ("shoulder", SHOULDER_BONES)):
            if bone.startswith(bones):
                part = made.setdefault((limb, bone[-1].lower()), np.zeros(count))
                np.add.at(part, index, weight)
    safe = np.where(total > 0, total, 1.0)
    return {key: part / safe for key, part in made.items()}


def at_rest(points: Floats, joints: Mapping[str, Ints], data: Path) -> Floats:
    """Points (n, 3) with both arms hanging; joints: vertices of each `joint-l-shoulder` cube."""
    weights = _weights(data, len(points))
    out = points.copy()
    for side, sign in (("l", 1.0), ("r", -1.0)):
        clavicle, shoulder, elbow = (
            points[joints[f"joint-{side}-{name}"]].mean(0)
            for name in ("clavicle", "shoulder", "elbow")
        )
        along = elbow - shoulder
        spread = np.degrees(np.arctan2(sign * along[0], -along[2]))
        turn = sign * (spread - HANGING_DEG)
        lift = _about(1, SHOULDER_SHARE * turn)
        swing = _about(0, FORWARD_DEG) @ _about(1, (1 - SHOULDER_SHARE) * turn)
        by_shoulder = (points - clavicle) @ lift.T + clavicle
        hung = (shoulder - clavicle) @ lift.T + clavicle
        by_arm = (points - shoulder) @ (lift @ swing).T + hung - sign * np.array([CLOSE, 0, 0])
        out += weights["shoulder", side][:, None] * (by_shoulder - points)
        out += weights["arm", side][:, None] * (by_arm - points)
    return out
