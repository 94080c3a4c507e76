"""Where in an avatar's frame the person is, in shares of the frame: by its matte and features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.models.avatar.file import Avatar
from visavis.models.avatar.rig import Patch

_SOLID: Final = 128  # of a matte, from which on a px is the person
_CHIN: Final = 0.6  # of the way from eyes to mouth: so far below the mouth it is
_LIPS: Final = 0.45  # of the way from the mouth to the chin that belongs to a moving mouth
_USUAL: Final = 0.44, 0.61  # rows of eyes and mouth of a face that has neither as a part


@dataclass(frozen=True, slots=True)
class Outline:
    """crown: the highest row. lips: the row below a mouth that speaks; chin: where a face ends.

    left, right: columns between which the head is. reach: the row in which the person first
    touches a side of the frame; above it shoulders end by themselves, below it they are cut.
    """

    crown: float
    lips: float
    chin: float
    left: float
    right: float
    reach: float

    @classmethod
    def of(cls, avatar: Avatar) -> Outline:
        """Of a whole avatar."""
        cut = round(avatar.margin * avatar.density)
        solid = avatar.matte[cut:-cut, cut:-cut] >= _SOLID
        eyes, mouth = _features(avatar)
        chin = mouth + _CHIN * (mouth - eyes)
        rows = solid.shape[0]
        crown = _first(np.any(solid, axis=1)) / rows
        head = np.any(solid[round(crown * rows) : max(round(mouth * rows), 1)], axis=0)
        left, right = _first(head) / rows, 1 - _first(head[::-1]) / rows
        reach = _first(np.logical_or(solid[:, 0], solid[:, -1])) / rows
        return cls(crown, mouth + _LIPS * (chin - mouth), chin, left, right, reach)


def _first(found: npt.NDArray[np.bool_]) -> int:
    """The first that is true; their number where none is."""
    return int(found.argmax()) if found.any() else len(found)


def _features(avatar: Avatar) -> tuple[float, float]:
    """Rows of the eyes and of the mouth."""
    mouth = avatar.patches.get("mouth")
    eyes = [patch for name, patch in avatar.patches.items() if name.startswith("eye")]
    if mouth is None or not eyes:
        return _USUAL
    return sum(_row(eye) for eye in eyes) / len(eyes) / avatar.side, _row(mouth) / avatar.side


def _row(patch: Patch) -> float:
    return float(patch.upper.corner[1] + patch.edges.shape[1] / 2)
