"""A laughing or speaking mouth at rest again: what a photo's face does is taken off its neutral.

The fitted head says how far the jaw is dropped, the lips are drawn apart and the cheeks are up, and
the same units, backwards, close them in the picture. What is left between the lips then is closed
by `mouth.closing`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from visavis.models import arkit
from visavis.models.avatar.rig import Floats
from visavis.models.bake import contour, layers
from visavis.models.bake.fit import FittedHead
from visavis.models.bake.mouth import CLOSED, LOWER_SHARE, PITCH, MouthShape

# Units that part lips, and how much of each a mouth at rest may keep. A friendly smile stays: those
# of the personas' portraits are fitted as 0.1 to 0.25.
KEPT: Final = {
    "jawOpen": 0.0, "mouthUpperUp": 0.0, "mouthLowerDown": 0.0, "mouthStretch": 0.08,
    "mouthSmile": 0.10,
}  # fmt: skip
# The fit holds expressions back: of jaws dropped by 0.5 in three rendered people and a drawn one it
# told 0.28 to 0.46.
HELD_BACK: Final = {"jawOpen": 1.3}
WIDE: Final = 0.12  # lip gap, in mouth widths, from which on all of that is taken off


@dataclass(frozen=True, slots=True)
class Rest:
    """The mouth at rest: `mouth` with its lips on the line where they meet; gap (LIPS,): px that
    are left between the photo's lips after the units came off, negative where they lap."""

    mouth: MouthShape
    gap: Floats


def amounts(fitted: FittedHead, mouth: MouthShape) -> Floats:
    """(52,): what has to come off the face in the photo for its mouth to be at rest.

    All 0 for a closed mouth: it is as the person wants to be seen.
    """
    out = np.zeros(arkit.COUNT, np.float32)
    share = contour.eased(
        np.asarray((mouth.gap / mouth.width - CLOSED) / (WIDE - CLOSED), np.float32)
    )
    for stem, kept in KEPT.items():
        for side in ("",) if stem == "jawOpen" else ("Left", "Right"):
            at = arkit.INDEX[stem + side]
            shown = float(fitted.expression[at]) * HELD_BACK.get(stem, 1.0)
            out[at] = float(share) * max(shown - kept, 0.0)
    return out


def shift(values: Floats, amount: Floats) -> Floats:
    """(h, w, 3): where nodes with these channels move as `amount` (52,) comes off them."""
    moves = values[..., : 3 * arkit.COUNT].reshape(*values.shape[:2], arkit.COUNT, 3)
    return np.asarray(-np.tensordot(moves, amount, axes=(2, 0)), np.float32)


def lips(
    mouth: MouthShape, upper: Floats, lower: Floats, corner: tuple[float, float], amount: Floats
) -> Rest:
    """upper, lower (h, w, CHANNELS): the lips' sheets, their first node at `corner`."""
    edges = []
    for edge, sheet in ((mouth.upper, upper), (mouth.lower, lower)):
        moved = layers.read_grid(shift(sheet, amount)[..., :2], corner, PITCH, edge[:, None])
        edges.append(edge + moved[:, 0])
    gap = np.asarray((edges[1] - edges[0]) @ mouth.down, np.float32)
    gap[[0, -1]] = 0  # at its corners a mouth is always closed
    line = edges[0] + ((1 - LOWER_SHARE) * gap)[:, None] * mouth.down
    line = np.asarray(line, np.float32)
    width = float(np.linalg.norm(line[-1] - line[0]))
    return Rest(replace(mouth, upper=line, lower=line, width=width), gap)


def head(fitted: FittedHead, amount: Floats) -> FittedHead:
    """The fitted head with its mouth at rest."""
    vertices = fitted.vertices - np.tensordot(amount, fitted.units, 1)
    left = np.maximum(fitted.expression - amount, 0)
    return replace(fitted, vertices=vertices, expression=left)
