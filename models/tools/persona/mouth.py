"""Teeth and tongue of a persona, where they are in people.

MakeHuman's own bands of teeth end so high that no open mouth shows them; the rows of single teeth
of the free head (tools/head/teeth.py) take their place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from models.tools.head.teeth import LOWER, UPPER, Row, teeth

from .head import Floats, Head, rigid_fit

# dm below the closed lips' line. Upper edges show 2 mm below it (Vig & Brundo 1978: 3.4 mm in
# women, 1.9 in men), lower ones end 2 mm higher, behind them.
UPPER_EDGE: Final = 0.02
LOWER_EDGE: Final = 0.0
FORWARD: Final = 0.06  # dm before MakeHuman's bands, which lie 14 mm behind the lips' line
LOWER_FORWARD: Final = 0.02  # the same below, where the chin's fold is near
# dm from the edges on over which gum goes back into the head, and how steeply: it is 3 cm tall, and
# would come out under the lower lip.
ROOTS: Final = 0.11
SLOPE: Final = 1.6
NARROW: Final = 0.92  # of the bands' width: an adult's arch is 60 mm wide
CLOSE: Final = 0.7  # neighbours touch, and gum fills what is left beside their necks


@dataclass(frozen=True, slots=True)
class RowOfTeeth:
    """points (n, 3) in the head's axes at rest, triangles (m, 3), gum (n,)."""

    points: Floats
    faces: npt.NDArray[np.int64]
    gum: npt.NDArray[np.bool_]


def _row(row: Row, band: Floats, edge: float, front: float) -> RowOfTeeth:
    """A row as wide as its band, its front at y = front, its edges at z = edge."""
    made = teeth(replace(row, close=CLOSE))
    x, up, forward = made.vertices.T
    x = x * NARROW * np.abs(band[:, 0]).max() / row.half_width
    tall = np.abs(up - row.edge)
    back = row.front - forward + SLOPE * np.where(made.gum, np.clip(tall - ROOTS, 0, None), 0)
    return RowOfTeeth(np.stack([x, front + back, edge + up - row.edge], 1), made.faces, made.gum)


def rows(head: Head, lip_line: float) -> tuple[RowOfTeeth, RowOfTeeth]:
    """Upper and lower teeth at rest; lip_line: height at which the closed lips meet."""
    above, below = (head.rest[head.base.indices(f"helper-{j}-teeth")] for j in ("upper", "lower"))
    front = float(above[:, 1].min())
    return (
        _row(UPPER, above, lip_line - UPPER_EDGE, front - FORWARD),
        _row(
            LOWER, below, lip_line - LOWER_EDGE, front - LOWER_FORWARD + UPPER.front - LOWER.front
        ),
    )


def with_jaw(head: Head, points: Floats, deformed: Floats) -> Floats:
    """Lower teeth at rest -> carried by the jaw, as MakeHuman's own lower band is."""
    band = head.base.indices("helper-lower-teeth")
    rest, now = head.rest[band], deformed[band]
    turn = rigid_fit(rest, now)
    return np.asarray((points - rest.mean(0)) @ turn.T + now.mean(0))
