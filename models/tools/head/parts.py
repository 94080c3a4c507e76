"""Eyes and teeth of the head: shapes that the base mesh only hints at. A tool for `build.py`.

Each part is made on the neutral head and carried along by the base mesh's own coarse part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.tools.head.draft import Draft
from models.tools.head.source import Doubles, Ints
from models.tools.head.teeth import LOWER, UPPER, Row, teeth

IRIS: Final = 0.49  # of the eyeball's radius: 11.7 mm of 24 mm across
PUPIL: Final = 0.19
# Of the base eyeball's radius: its 70 flat faces lie inside their vertices, and the lids on them.
SNUG: Final = 0.97
AROUND: Final = 32  # vertices in a ring of the eye


@dataclass(frozen=True, slots=True)
class Part:
    """vertices (v, 3), faces (f, 3), the draft's part that carries it, masks (v,) by region, and
    for teeth enamel (v,): 0 at the gum to 1 at the biting edge."""

    vertices: Doubles
    faces: Ints
    carrier: str
    regions: dict[str, npt.NDArray[np.bool_]]
    enamel: Doubles


def parts(head: Draft) -> list[Part]:
    """Both eyes, both rows of teeth."""
    eyes = [_eye(head, side) for side in ("left", "right")]
    return [*eyes, _row("upper", UPPER), _row("lower", LOWER)]


def _row(jaw: str, row: Row) -> Part:
    made = teeth(row)
    regions = {f"teeth_{jaw}": ~made.gum, f"gum_{jaw}": made.gum}
    return Part(made.vertices, made.faces, f"teeth_{jaw}", regions, made.enamel)


def _eye(head: Draft, side: str) -> Part:
    """Rings about the line of sight, dense at the pupil and the iris; as round as the base's."""
    ball = head.vertices[head.parts == f"eye_{side}"]
    centre = ball.mean(0)
    radii = np.concatenate(
        [
            np.linspace(0.06, PUPIL, 3),
            np.linspace(PUPIL + 0.015, IRIS, 6),
            np.linspace(IRIS + 0.02, 1.0, 8),
            [1.0, 0.96, 0.85],
        ]
    )
    behind = np.arange(len(radii)) >= len(radii) - 3
    angle = np.where(behind, np.pi - np.arcsin(radii), np.arcsin(radii))
    angle[-4:-2] = np.pi / 2 + np.array([0, 0.12])
    turn = 2 * np.pi * np.arange(AROUND) / AROUND
    out = np.stack(
        [
            np.sin(angle)[:, None] * np.cos(turn),
            np.sin(angle)[:, None] * np.sin(turn),
            np.broadcast_to(np.cos(angle)[:, None], (len(radii), AROUND)),
        ],
        -1,
    ).reshape(-1, 3)
    out = np.vstack([[0, 0, 1], out])
    vertices = centre + out * SNUG * _radius(ball - centre, out)[:, None]
    off = np.hypot(out[:, 0], out[:, 1])
    front = out[:, 2] > 0
    iris, pupil = front & (off < IRIS + 0.01), front & (off < PUPIL + 0.01)
    regions = {f"eye_{side}": front | ~front, f"iris_{side}": iris, f"pupil_{side}": pupil}
    return Part(vertices, _rings(len(radii)), f"eye_{side}", regions, np.zeros(len(vertices)))


def _radius(ball: Doubles, out: Doubles) -> Doubles:
    """The base eyeball's radius in each direction, from its own by angle off the line of sight."""
    length = np.linalg.norm(ball, axis=1)
    cosine = ball[:, 2] / length
    fit = np.polynomial.Polynomial.fit(cosine, length, 4)
    smooth: Doubles = fit(np.clip(out[:, 2], cosine.min(), 1))
    return smooth


def _rings(count: int) -> Ints:
    """Triangles of a fan round vertex 0 and of `count` rings after it, seen from outside."""
    step = np.arange(AROUND)
    after = (step + 1) % AROUND
    faces = [np.stack([np.zeros(AROUND, int), 1 + step, 1 + after], 1)]
    for ring in range(count - 1):
        a, b = 1 + ring * AROUND, 1 + (ring + 1) * AROUND
        faces.append(np.stack([a + step, b + step, b + after], 1))
        faces.append(np.stack([a + step, b + after, a + after], 1))
    return np.concatenate(faces)
