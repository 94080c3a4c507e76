"""Two rows of teeth in their gums, where the base mesh has plain bands. A tool for
`parts.py`; it only makes shapes.

Sizes are those of average adult teeth, from the middle outwards: two incisors, canine, two
premolars, two molars. The arch is a superellipse through the front faces of the base mesh's bands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

AROUND: Final = 14  # vertices in a tooth's ring
# Heights of the rings: 0 in the gum, 1 at the biting edge.
RINGS: Final = np.array([-0.25, 0.0, 0.25, 0.5, 0.72, 0.87, 0.95, 0.985])
GUM_STEPS: Final = 6  # places along the gum for each tooth


@dataclass(frozen=True, slots=True)
class Row:
    """One jaw. Lengths in dm. `up` is the direction of the gum: 1 in the upper jaw, -1 below.

    edge: height of the biting edges at the middle; half_width, front, back: the arch; close: share
    of the gaps beside and above the crowns' widest places that is filled, 0 to 1.
    """

    up: int
    edge: float
    half_width: float
    front: float
    back: float
    widths: tuple[float, ...]
    heights: tuple[float, ...]
    depths: tuple[float, ...]
    shorter: tuple[float, ...]  # how far each edge stays back from the plane
    close: float = 0.0


# The upper edges reach 2 mm below the lip line (at -0.67) and overlap the lower ones by 2 mm, as
# at rest; the base mesh's bands end 2 mm above the lip line, so that no open mouth showed teeth.
UPPER: Final = Row(
    1, -0.690, 0.335, 0.182, -0.29,
    (0.085, 0.066, 0.077, 0.070, 0.068, 0.100, 0.095),
    (0.102, 0.090, 0.100, 0.084, 0.078, 0.074, 0.070),
    (0.070, 0.062, 0.080, 0.090, 0.090, 0.105, 0.105),
    (0.0, 0.006, 0.001, 0.004, 0.007, 0.010, 0.012),
)  # fmt: skip
LOWER: Final = Row(
    -1, -0.670, 0.318, 0.155, -0.29,
    (0.053, 0.058, 0.068, 0.070, 0.071, 0.108, 0.100),
    (0.088, 0.092, 0.104, 0.086, 0.080, 0.074, 0.070),
    (0.058, 0.062, 0.078, 0.078, 0.082, 0.100, 0.100),
    (0.0, 0.001, -0.003, 0.004, 0.006, 0.008, 0.010),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Teeth:
    """vertices (v, 3), faces (f, 3), gum (v,), enamel (v,): 0 at the gum to 1 at the edge."""

    vertices: Doubles
    faces: Ints
    gum: npt.NDArray[np.bool_]
    enamel: Doubles


def teeth(row: Row) -> Teeth:
    """A whole row, both sides, with its gum; symmetric."""
    arch = _Arch.of(row)
    vertices, faces, enamel = [], [], []
    at = 0
    for side in (1, -1):
        for number in range(len(row.widths)):
            crown, shade = _tooth(row, arch, number, side)
            vertices.append(crown)
            faces.append(_tooth_faces(row.up * side) + at)
            enamel.append(shade)
            at += len(crown)
    crowns = at
    gum, gum_faces = _gum(row, arch)
    total = np.vstack([*vertices, gum])
    return Teeth(
        total,
        np.vstack([*faces, gum_faces + crowns]),
        np.arange(len(total)) >= crowns,
        np.concatenate([*enamel, np.zeros(len(gum))]),
    )


@dataclass(frozen=True, slots=True)
class _Arch:
    """The arch seen from above, by the length along it from the middle; left side only."""

    length: Doubles
    x: Doubles
    z: Doubles
    starts: Doubles  # where each tooth begins, and where the last one ends

    @classmethod
    def of(cls, row: Row) -> _Arch:
        turn = np.linspace(0, 0.98, 400)
        x = row.half_width * turn
        z = row.back + (row.front - row.back) * np.sqrt(1 - turn**2.6)
        length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
        starts = np.concatenate([[0], np.cumsum(row.widths)])
        return cls(length, x, z, starts * length[-1] / starts[-1])

    def place(self, length: Doubles | float) -> tuple[Doubles, Doubles, Doubles, Doubles]:
        """x, z and the outward normal's x, z."""
        x, z = np.interp(length, self.length, self.x), np.interp(length, self.length, self.z)
        dx = np.interp(length, self.length, np.gradient(self.x, self.length))
        dz = np.interp(length, self.length, np.gradient(self.z, self.length))
        size = np.hypot(dx, dz)
        return np.asarray(x), np.asarray(z), np.asarray(-dz / size), np.asarray(dx / size)

    def rise(self, length: Doubles | float) -> Doubles:
        """The biting plane rises towards the back, as in the base mesh."""
        return np.asarray(0.04 * (np.asarray(length) / self.length[-1]) ** 1.5)


def _tooth(row: Row, arch: _Arch, number: int, side: int) -> tuple[Doubles, Doubles]:
    """One crown: rings from the gum to the edge and a last vertex that closes it."""
    middle = float(arch.starts[number : number + 2].mean())
    width = float(np.diff(arch.starts)[number]) * (0.985 + 0.02 * row.close)
    x, z, nx, nz = arch.place(middle)
    height, depth = row.heights[number], row.depths[number]
    edge = row.edge + float(arch.rise(middle)) + row.up * row.shorter[number]
    across, deep = _outline(number)
    turn = 2 * np.pi * np.arange(AROUND) / AROUND
    # Superellipse: nearly rectangular seen from the front, round at the sides.
    along = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.75
    out = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.85
    wide = np.interp(RINGS, *across)
    half = width / 2 * np.where(RINGS < 0.8, 1 - (1 - wide) * (1 - row.close), wide)
    thick = depth / 2 * np.interp(RINGS, *deep)
    face = depth / 2 * (1 - 0.10 * np.maximum(RINGS - 0.35, 0) ** 2)  # labial face, gently curved
    lean = face - thick
    u = half[:, None] * along
    n = lean[:, None] + thick[:, None] * out - depth / 2
    y = np.repeat((edge + row.up * height * (1 - RINGS))[:, None], AROUND, 1)
    tip_u, tip_n = 0.0, float(lean[-1] - depth / 2)
    tip_y = edge - row.up * (0.10 if number == 2 else -0.03 if number > 2 else -0.004) * height
    u = np.append(u, tip_u)
    n = np.append(n, tip_n)
    y = np.append(y, tip_y)
    crown = np.stack([side * (x + u * nz + n * nx), y, z - u * nx + n * nz], 1)
    shade = np.append(np.repeat(np.clip(RINGS, 0, 1), AROUND), 1)
    return crown, shade


def _outline(number: int) -> tuple[tuple[Doubles, Doubles], tuple[Doubles, Doubles]]:
    """Relative width and depth of a crown by height: blade, point or block."""
    at = np.array([-0.25, 0.0, 0.3, 0.7, 0.9, 0.96, 1.0])
    if number < 2:
        across = np.array([0.62, 0.74, 0.90, 1.0, 0.99, 0.94, 0.84])
        deep = np.array([0.80, 0.95, 0.80, 0.42, 0.26, 0.20, 0.10])
    elif number == 2:
        across = np.array([0.66, 0.76, 0.92, 1.0, 0.80, 0.62, 0.40])
        deep = np.array([0.85, 1.0, 0.92, 0.58, 0.36, 0.28, 0.14])
    else:
        across = np.array([0.72, 0.82, 0.95, 1.0, 0.93, 0.82, 0.62])
        deep = np.array([0.86, 0.96, 1.0, 0.94, 0.80, 0.68, 0.46])
    return (at, across), (at, deep)


def _tooth_faces(turn: int) -> Ints:
    """Triangles between the rings and to the last vertex; `turn` mirrors them."""
    step = np.arange(AROUND)
    after = (step + 1) % AROUND
    faces = []
    for ring in range(len(RINGS) - 1):
        a, b = ring * AROUND, (ring + 1) * AROUND
        faces.append(np.stack([a + step, a + after, b + after], 1))
        faces.append(np.stack([a + step, b + after, b + step], 1))
    last = (len(RINGS) - 1) * AROUND
    faces.append(np.stack([last + step, last + after, np.full(AROUND, last + AROUND)], 1))
    joined = np.concatenate(faces)
    return joined if turn > 0 else joined[:, ::-1]


def _gum(row: Row, arch: _Arch) -> tuple[Doubles, Ints]:
    """A strip over the teeth's necks, scalloped between them, from outside over to inside."""
    count = len(row.widths) * GUM_STEPS + 1
    steps = np.interp(np.arange(count) / GUM_STEPS, np.arange(len(arch.starts)), arch.starts)
    length = np.concatenate([-steps[:0:-1], steps])
    side, far = np.sign(length), np.abs(length)
    x, z, nx, nz = arch.place(far)
    side[len(side) // 2] = 1  # at the middle x is 0 on either side
    tooth = np.clip(np.searchsorted(arch.starts, far, side="right") - 1, 0, len(row.widths) - 1)
    height, depth = np.array(row.heights)[tooth], np.array(row.depths)[tooth]
    height, depth = _smooth(height), _smooth(depth)
    phase = (far - arch.starts[tooth]) / np.diff(arch.starts)[tooth]
    between = np.cos(np.pi * phase) ** 4  # 1 between two teeth, where the gum reaches down
    neck = row.edge + arch.rise(far) + row.up * height * 0.97
    profile = np.array(
        [
            # outward of the teeth's front, away from the edge; depth counts from the second half
            [-0.060, 0.20],
            [-0.004, 0.15],
            [0.008, 0.085],
            [0.010, 0.030],
            [0.005, 0.004],
            [-0.006, -0.002],
            [0.002, -0.002],
            [0.010, 0.03],
            [0.016, 0.10],
        ]
    )
    inside = np.arange(len(profile)) > 5
    n = np.where(inside, -depth[:, None] - profile[:, 0], profile[:, 0] - 0.003 * between[:, None])
    papilla = 0.24 * (height * between)[:, None] * np.clip(1 - profile[:, 1] / 0.1, 0, 1)
    y = neck[:, None] + row.up * (profile[:, 1] - papilla)
    strip = np.stack(
        [side[:, None] * (x[:, None] + n * nx[:, None]), y, z[:, None] + n * nz[:, None]], -1
    )
    rows, columns = strip.shape[:2]
    corner = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]
    faces = np.concatenate(
        [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    )
    return strip.reshape(-1, 3), faces if row.up < 0 else faces[:, ::-1]


def _smooth(values: Doubles) -> Doubles:
    """A mean over one tooth's steps, so that the gum does not jump from tooth to tooth."""
    padded = np.pad(values, GUM_STEPS // 2, mode="edge")
    kernel = np.ones(GUM_STEPS + 1) / (GUM_STEPS + 1)
    return np.convolve(padded, kernel, mode="valid")
