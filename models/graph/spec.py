"""What the graph of one picture size takes and gives: names, types and shapes, and its capacities.

No torch here: whoever hands memory to a run time needs only this. The symbolic dimensions are
"batch", the pictures of one call, and "avatars", the places of the bank.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from visavis.models.avatar.rig import CONTROLS, PATCHES
from visavis.models.errors import ModelError

VERSION: Final = 2  # changes with the meaning of any input
BATCH: Final = (1, 64)  # pictures of one call
BATCH_NAME: Final = "batch"
AVATARS_NAME: Final = "avatars"
PICTURE: Final = "picture"  # the output

SLOTS: Final = ("", "Right", "Left")  # patches by their side, in the order they are drawn
SHEETS: Final = 2 * len(SLOTS)
LIDS: Final = 2  # slots 1 and 2 have lids
SPRITES: Final = 4  # of a patch
MASKED: Final = 2  # of `used`
FRAME: Final = 512  # px of the frame that capacities were chosen for
MARGIN: Final = 32  # px of photo beyond it

# What avatars of the bake need, the most of eight portraits, and about a tenth more.
BASE_SIDE: Final = 80  # nodes of the base, each way; its rows lie so many apart: 73
SLOT_NODES: Final = 1850  # of one sheet: 1,710 of the widest mouth that ships
SPRITE_TEXELS: Final = 160_000  # of all sprites with their rims: 114,000
PATCH_SIDE: Final = 132  # px of the frame of a patch at rest, each way: 124
WINDOW: Final = 208  # px of the frame that a patch may cover: 208 turned by 35 and 25 degrees
LID_SIDE: Final = 260  # texels of a lid's window, two a px of the frame, each way: 248
FALL: Final = 128  # samples of a lid's edge: 82

BASE_NODES: Final = BASE_SIDE**2
FIRST_CORNER: Final = BASE_NODES + SHEETS * SLOT_NODES
NODES: Final = FIRST_CORNER + 4 * SPRITES * len(SLOTS)  # of all grids


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output: numpy's name of its type; symbolic dimensions are names."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    @property
    def row(self) -> tuple[int, ...]:
        """The shape without its symbolic dimension."""
        return tuple(n for n in self.shape if isinstance(n, int))


Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Small arrays by name that lie behind one another in one row."""

    parts: dict[str, tuple[slice, Shape]]
    size: int


def _row(**shapes: Shape) -> Row:
    parts, first = {}, 0
    for name, shape in shapes.items():
        last = first + math.prod(shape)
        parts[name] = (slice(first, last), shape)
        first = last
    return Row(parts, first)


_STATE: Final[dict[str, Shape]] = {
    "amounts": (len(CONTROLS),),  # of what moves the grids
    "motion": (3, 3, 4),  # of head and body, and the camera: see kernel.forward
    "turn": (3,),  # the light's change as the head sees it
    "shade": (len(SLOTS), 6),  # see kernel_patch.Inside
    "lids": (LIDS, 5),  # shares of the bare and the smooth lid; kernel_patch.draw_lashes' `now`
}
# How one picture is to be; see packing.row.
STATE: Final = _row(**_STATE)
# The same for a graph that refines; see packing.refined_row.
REFINED_STATE: Final = _row(
    **_STATE,
    # of each window of models/refine/windows: left and top px, px that one of its px is across,
    # and 1 where it is refined
    looks=(len(PATCHES), 4),
    head=(3,),  # what the network is told beyond the amounts
)
# What an avatar is made of, apart from its large arrays. px of the picture.
FIGURES: Final = _row(
    origin=(2,),  # position of the photo's first texel
    boxes=(1 + len(SLOTS), 3),  # of the base's and each patch's grids: see kernel.invert
    slots=(len(SLOTS), 6),  # corner of the edges x, y; px over which it fades; Y, U, V behind it
    rims=(len(SLOTS), 4),  # see kernel_patch.Inside
    lids=(LIDS, 12),  # origin of the lashes x, y; kernel_patch.Lashes: edge (6,), tall, colour (3,)
)
# Where its arrays lie in the bank's rows.
LAYOUT: Final = _row(
    grids=(1 + len(SLOTS), 2),  # columns and rows of the base and of each slot's sheets
    cheeks=(2,),  # columns of the base beyond which a face turns out of sight
    photo=(2,),  # texels across and down, from texel 0 on
    sprites=(len(SLOTS), SPRITES, 3),  # first texel, across, down, with the rim
    edges=(len(SLOTS), 4),  # first sample of the upper and the lower sheet, across, down
    # first texel bare and smooth, first sample of the lashes, across, down, the photo's column and
    # row that it begins at, samples of the edge
    lids=(LIDS, 8),
    used=(len(SLOTS),),  # whether there is such a patch; MASKED: it ends where the person does
)


@dataclass(frozen=True, slots=True)
class Spec:
    """The graph for pictures of width x height px. Raises ModelError("graph-size").

    refine: the refiner is a part of it.
    """

    width: int
    height: int
    refine: bool = False

    def __post_init__(self) -> None:
        if self.width % 2 or self.height % 2 or min(self.width, self.height) < 64:
            message = f"picture size {self.width} x {self.height}: both even and at least 64"
            raise ModelError("graph-size", message)

    @property
    def scale(self) -> float:
        """Picture px a px of the frame."""
        return max(self.width, self.height) / FRAME

    def _scaled(self, count: float) -> int:
        return math.ceil(count * self.scale)

    @property
    def texture_side(self) -> int:
        """Texels of the photo's texture, each way."""
        return 2 * round((FRAME + 2 * MARGIN) * self.scale)

    @property
    def lid_texels(self) -> int:
        """Of one lid's window."""
        return self._scaled(LID_SIDE) ** 2

    @property
    def texels(self) -> int:
        """Places for texels: the photo, the sprites, and each lid without lashes and fold."""
        return self.texture_side**2 + SPRITE_TEXELS + 2 * LIDS * self.lid_texels

    @property
    def samples(self) -> int:
        """Places for single bytes: distances to the sheets' edges, and lashes."""
        return SHEETS * self._scaled(PATCH_SIDE) ** 2 + LIDS * self.lid_texels

    @property
    def fall(self) -> int:
        """Samples of a lid's edge."""
        return self._scaled(FALL)

    @property
    def window(self) -> int:
        """px of the picture that a patch may cover, each way."""
        return 8 * self._scaled(WINDOW / 8)

    @property
    def row(self) -> Row:
        """How one picture is to be."""
        return REFINED_STATE if self.refine else STATE

    @property
    def state(self) -> tuple[Tensor, ...]:
        """What a call is given for its pictures: whose slot of the bank, and how they are."""
        return (
            Tensor("avatar", "int32", (BATCH_NAME,)),
            Tensor("state", "float32", (BATCH_NAME, self.row.size)),
        )

    @property
    def bank(self) -> tuple[Tensor, ...]:
        """What stays on the device: a row for each avatar."""
        rows = (
            ("texels", "float16", (self.texels, 4)),  # Y, U, V and opacity, 0 to 255
            ("samples", "float16", (self.samples,)),  # 0 to 255
            ("plates", "float16", (self.height * 3 // 2, self.width)),  # I420, 0 to 255
            ("rests", "float32", (NODES, 4)),  # x, y, z in px at rest, and the head's share
            ("fields", "float32", (len(CONTROLS), NODES * 3)),  # px at amount 1
            ("reliefs", "float32", (BASE_NODES, 3)),  # see rig.Light
            ("falls", "float32", (LIDS, self.fall)),  # px, see kernel_patch.Lashes
            ("figures", "float32", (FIGURES.size,)),
            ("layouts", "int32", (LAYOUT.size,)),
        )
        return tuple(Tensor(n, d, (AVATARS_NAME, *shape)) for n, d, shape in rows)

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """All inputs in the order of the graph."""
        return self.state + self.bank

    @property
    def output(self) -> Tensor:
        """I420: luma, then blue, then red, as engines.base.I420."""
        return Tensor(PICTURE, "uint8", (BATCH_NAME, self.height * 3 // 2, self.width))

    @property
    def avatar_bytes(self) -> int:
        """What one avatar takes on the device."""
        sizes = {"float16": 2, "float32": 4, "int32": 4}
        return sum(sizes[t.dtype] * math.prod(t.row) for t in self.bank)
