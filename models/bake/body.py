"""Shoulders and chest: how deep they lie, how a breath moves them, and about what they turn.

The photo says nothing of it: lengths are those of people, in distances between the eyes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from visavis.models.avatar.rig import BREATH, Body, Floats
from visavis.models.bake import contour, layers
from visavis.models.bake import landmarks as lm

# A distance between the eyes is 63 mm. Breadths and depths: NASA-STD-3000 (1995), vol. 1, 3.3.
HALF: Final = 3.5  # from the spine to the side of a shoulder
NECK: Final = 0.85  # from the spine to the front of the neck
CHEST: Final = 1.75  # and of the chest
SINKS: Final = (0.25, 2.0)  # below the chin between which the neck goes over into the chest
SPINE: Final = 1.5  # below the chin, about which the shoulders tilt: there the neck begins
RISE: Final = 0.065  # that shoulders rise in a breath
WIDEN: Final = 0.022  # that each side of a chest goes out
HEAD_RISES: Final = 0.15  # of it, that the head does


def pivot(chin: Floats, neck: Floats, interocular: float) -> Floats:
    """(3,): about what the body turns, tilts and leans. chin (2,); neck (3,): where the head does.

    On the spine, so that shoulders turn round it, and so high that a tilt leaves the neck in place.
    """
    return np.array([neck[0], chin[1] + SPINE * interocular, neck[2]], np.float32)


def depth(at: Floats, face: lm.Face, body: Body) -> Floats:
    """(h, w): how deep neck and chest lie at positions on the photo (h, w, 2): a rounded trunk."""
    down, across = _place(at, face, body)
    front = NECK + (CHEST - NECK) * contour.eased((down - SINKS[0]) / (SINKS[1] - SINKS[0]))
    round_ = np.clip(1 - (across / HALF) ** 2, 0, 1)
    return np.asarray(body.body_pivot[2] + body.interocular * front * round_, np.float32)


def breath(values: Floats, at: Floats, face: lm.Face, body: Body) -> None:
    """A full breath, into the channels `values` (h, w, layers.CHANNELS) of positions `at`: the
    shoulders rise, the chest widens, the head barely moves."""
    down, across = _place(at, face, body)
    risen = contour.eased((down + 0.2) / 1.6)
    wide = contour.eased((down - SINKS[0]) / (SINKS[1] - SINKS[0]))
    k = 3 * BREATH
    values[..., k] = body.interocular * WIDEN * wide * np.clip(across / 2, -1, 1)
    values[..., k + 1] = -body.interocular * RISE * (HEAD_RISES + (1 - HEAD_RISES) * risen)


def _place(at: Floats, face: lm.Face, body: Body) -> tuple[Floats, Floats]:
    """Distances between the eyes below the chin, and to the right of the spine."""
    down = (at[..., 1] - face.points[lm.CHIN, 1]) / body.interocular
    across = (at[..., 0] - body.body_pivot[0]) / body.interocular
    return np.asarray(down, np.float32), np.asarray(across, np.float32)


assert layers.CHANNELS > 3 * BREATH + 2
