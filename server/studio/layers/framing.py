"""Where in a film's picture the person is, and how large: found by the avatar's own outline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.models.avatar.file import Avatar

_SLACK: Final = 0.035  # of the frame: what shoulders move
_ABOVE: Final = 0.25  # of what does not fit, see models.warp.scene: so much is cut off above
_SOLID: Final = 128  # of a matte, from which on a px is the person


@dataclass(frozen=True, slots=True)
class Outline:
    """Where in an avatar's frame the person is, in shares of the frame.

    crown: the highest row. reach: the row in which the person first touches a side of the frame;
    above it shoulders end by themselves, below it they are cut.
    """

    crown: float
    reach: float

    @classmethod
    def of(cls, avatar: Avatar) -> Outline:
        """By its matte."""
        cut = round(avatar.margin * avatar.density)
        solid = avatar.matte[cut:-cut, cut:-cut] >= _SOLID
        rows = solid.shape[0]
        return cls(_first(solid.any(1)) / rows, _first(solid[:, 0] | solid[:, -1]) / rows)


def _first(found: npt.NDArray[np.bool_]) -> int:
    """The first that is true; their number where none is."""
    return int(found.argmax()) if found.any() else len(found)


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, px, all even; it may reach beyond the picture."""

    left: int
    top: int
    width: int
    height: int


def standing(outline: Outline, room: Box) -> Box:
    """The person's picture in a room of which the sides do not end the picture.

    It stands on the room's lower edge, and is as wide as it must be for that edge to cut it above
    the row in which its sides are cut.
    """
    bottom = max(min(outline.reach - _SLACK, 1.0), 0.5)
    # h / w of a picture that is cut there: 1 - (1 - h / w) * (1 - _ABOVE) = bottom
    flat = 1 - (1 - bottom) / (1 - _ABOVE)
    width = _even(room.height / flat)
    left = _even(room.left + (room.width - width) / 2)
    return Box(left, room.top, width, room.height)


def _even(number: float) -> int:
    return 2 * round(number / 2)
