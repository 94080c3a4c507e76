"""The rig of an avatar: grids of positions on the photo, what moves them, patches and sprites.

Only data lives here: `portrait` makes it, `avatar` keeps it, `scene` prepares it for drawing.
Positions are in px of the portrait's frame (`side` px wide, pixel centres at whole numbers, x
right, y down, z towards the viewer); the photo reaches `margin` px beyond the frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.models import arkit

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

CONTROLS: Final = (*arkit.NAMES, "breath", "hair")  # what moves a grid, in this order
BREATH: Final = arkit.COUNT
HAIR: Final = BREATH + 1  # loose hair swung to the picture's right, or left where it is negative
GAZE_SPAN: Final = 30.0  # degrees that an eyeLook coefficient of 1 turns the eye
PATCHES: Final = ("mouth", "eye_right", "eye_left")


@dataclass(frozen=True, slots=True)
class Grid:
    """Evenly spaced nodes on the photo, where they are in space, and what moves them.

    corner: photo position of node (0, 0); pitch: px between nodes; rest (h, w, 3): position when
    the face is neutral; share (h, w) in [0, 1]: how far a node follows the head, not the body;
    shifts (len(CONTROLS), h, w, 3): movement at amount 1.
    """

    corner: tuple[float, float]
    pitch: float
    rest: Floats
    share: Floats
    shifts: Floats


@dataclass(frozen=True, slots=True)
class Sprite:
    """A small picture seen through a gap: (h, w, 4) uint8 RGBA on a grid of 2 x 2 nodes."""

    picture: Bytes
    grid: Grid


@dataclass(frozen=True, slots=True)
class Patch:
    """Lips or lids: two sheets of the photo that part, and what shows between them.

    edges (2, h, w) uint8: signed distance to the edge of the upper and the lower sheet at each px
    from the grids' corner on, positive where the sheet covers, 128 at the edge, 8 steps a px.
    back: RGB behind the sprites. shade: share of the light lost right at the upper edge, reach in
    px; the same for the lower edge. rim: RGB of the lower sheet's wet inner edge and px that it is
    wide at most; 0: there is none. shaded: whether
    the sprites have the shade in them already where the sheets are at rest, as eyeballs cut from
    the photo had.
    """

    upper: Grid
    lower: Grid
    edges: Bytes
    sprites: tuple[Sprite, ...]
    back: tuple[int, int, int]
    shade: tuple[float, float, float, float]
    rim: tuple[int, int, int, float] = (0, 0, 0, 0.0)
    shaded: bool = True


@dataclass(frozen=True, slots=True)
class Light:
    """How the photo is lit, as far as its skin tells: luma above black = a + direction . normal.

    direction (3,); relief (h, w, 3): normals at the base's nodes over the luma expected there, so
    that relief . (change of the light as the head sees it) is the relative change of luma.
    """

    direction: Floats
    relief: Floats


@dataclass(frozen=True, slots=True)
class Body:
    """How the whole moves. Pivots (3,) in px; camera: centre x, y and distance in px.

    interocular: px between the eyes, the unit of a pose's x, y, z. The body takes `follow` of the
    turn (yaw, pitch, roll) and shift of the head, or of what lags behind it.
    """

    head_pivot: Floats
    body_pivot: Floats
    camera: Floats
    interocular: float
    follow: Floats = field(default_factory=lambda: np.array([0.32, 0.30, 0.30, 0.45], np.float32))


def nodes(corner: tuple[float, float], pitch: float, shape: tuple[int, int]) -> Floats:
    """(h, w, 2): x, y of each node."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    return np.stack([x * pitch + corner[0], y * pitch + corner[1]], -1)
