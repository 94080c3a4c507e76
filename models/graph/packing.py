"""A scene as one avatar's rows of the bank, and a face at one instant as a row of `state`.

Plain numpy; see spec for what each array holds.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from visavis.models.errors import AvatarError
from visavis.models.graph.spec import (
    BASE_NODES,
    BASE_SIDE,
    FIGURES,
    FIRST_CORNER,
    LAYOUT,
    MASKED,
    REFINED_STATE,
    SLOT_NODES,
    SLOTS,
    SPRITES,
    STATE,
    Row,
    Spec,
)
from visavis.models.refine import windows
from visavis.models.warp import instant
from visavis.models.warp.scene import Floats, Gap, Lid, Net, Scene, Words

Arrays = dict[str, npt.NDArray[Any]]
Parts = dict[str, npt.NDArray[Any]]

FARTHEST: Final = 1e6  # px that anything is moved
EMPTY: Final = 4  # texels and samples of a picture that is not there, each way


def views(row: npt.NDArray[Any], layout: Row) -> Parts:
    """The parts of a row (layout.size,), to be written to."""
    return {name: row[where].reshape(shape) for name, (where, shape) in layout.parts.items()}


def row(scene: Scene, amounts: Floats, motion: Floats, out: Floats | None = None) -> Floats:
    """(STATE.size,) float32 for one picture; written to `out` where that is given.

    amounts (len(CONTROLS),), motion (3, 3, 4): as for kernel.forward.
    """
    whole = np.zeros(STATE.size, np.float32) if out is None else out
    parts = views(whole, STATE)
    parts["amounts"][:] = amounts
    np.clip(np.nan_to_num(motion), -FARTHEST, FARTHEST, out=parts["motion"])
    parts["turn"][:] = instant.turn(scene.light, parts["motion"])
    parts["shade"][:] = 0
    parts["lids"][:] = 0
    for gap in scene.gaps:
        slot = SLOTS.index(gap.side)
        parts["shade"][slot] = instant.shade(gap, amounts)
        closed = instant.closed(gap, amounts)
        if slot and closed > 0:
            bare, smooth = instant.skin(closed)
            parts["lids"][slot - 1] = (bare / 256, smooth / 256, *instant.lashes(closed))
    return whole


def refined_row(
    scene: Scene, at: windows.Places | None, amounts: Floats, motion: Floats, pose: Floats
) -> Floats:
    """(REFINED_STATE.size,) float32: `row`, and where the refiner looks; at: None: nowhere.

    pose (6,): of it degrees of yaw, pitch and roll.
    """
    whole = np.zeros(REFINED_STATE.size, np.float32)
    row(scene, amounts, motion, whole[: STATE.size])
    if at is not None:
        parts = views(whole, REFINED_STATE)
        parts["looks"][:, :2] = windows.corners(at, motion)
        parts["looks"][:, 2] = at.step
        parts["looks"][:, 3] = at.shown
        parts["head"][:] = windows.amounts(amounts, pose)[windows.TOLD :]
    return whole


def packed(scene: Scene, spec: Spec) -> Arrays:
    """One avatar's arrays by name, each without the bank's dimension.

    Raises AvatarError("avatar-too-large") for what exceeds the graph's capacities, and for patches
    that it knows no slot for.
    """
    if (scene.width, scene.height) != (spec.width, spec.height):
        message = f"the scene is {scene.width} x {scene.height} px, the graph's not"
        raise ValueError(message)
    arrays: Arrays = {t.name: np.zeros(t.row, t.dtype) for t in spec.bank}
    _Packing(scene, spec, arrays).all()
    return arrays


class _Packing:
    """Fills one avatar's arrays; what is used of the pools grows from their first row on."""

    def __init__(self, scene: Scene, spec: Spec, arrays: Arrays) -> None:
        self._scene, self._spec, self._arrays = scene, spec, arrays
        self._layout = views(arrays["layouts"], LAYOUT)
        self._figures = views(arrays["figures"], FIGURES)
        self._texels = self._samples = 0

    def all(self) -> None:
        """Everything."""
        scene = self._scene
        self._arrays["plates"][:] = scene.plate
        self._layout["photo"][:] = scene.texture.shape[::-1]
        self._add_texels(scene.texture, "the photo")
        self._figures["origin"][:] = scene.origin
        self._layout["cheeks"][:] = scene.cheeks
        self._base()
        self._nothing()
        first = 0
        for gap in scene.gaps:
            slot, last = SLOTS.index(gap.side), first + len(gap.atlas)
            if self._layout["used"][slot]:
                raise _too_large("patches that are neither its mouth nor an eye")
            self._patch(slot, gap)
            self._sprites(slot, gap, first, last)
            first = last

    def _nothing(self) -> None:
        """What stands for a patch or a lid that is not there: sound numbers, never drawn."""
        for corners in self._rows("rests", FIRST_CORNER).reshape(-1, 4, 4):
            corners[:, :2] = ((0, 0), (1, 0), (0, 1), (1, 1))
        self._layout["grids"][1:] = EMPTY
        self._layout["sprites"][..., 1:] = EMPTY
        self._layout["edges"][..., 2:] = EMPTY
        self._layout["lids"][..., 3:5] = EMPTY
        self._layout["lids"][..., 7] = EMPTY
        self._figures["boxes"][1:, 2] = 1
        self._figures["slots"][:, 2] = 1
        self._figures["lids"][:, 6] = 1

    def _rows(self, name: str, first: int) -> npt.NDArray[Any]:
        return self._arrays[name][first:]

    def _base(self) -> None:
        net, (rows, columns) = self._scene.base, self._scene.base.share.shape
        if max(rows, columns) > BASE_SIDE:
            raise _too_large(f"a base of {columns} x {rows} nodes, the most is {BASE_SIDE}")
        where = np.arange(BASE_NODES).reshape(BASE_SIDE, BASE_SIDE)[:rows, :columns].ravel()
        self._nodes(net, where)
        self._arrays["reliefs"][where] = self._scene.relief.reshape(-1, 3)
        self._layout["grids"][0] = columns, rows
        self._figures["boxes"][0] = net.box

    def _nodes(self, net: Net, where: npt.NDArray[Any]) -> None:
        rests = self._arrays["rests"]
        rests[where, :3] = net.rest.reshape(-1, 3)
        rests[where, 3] = net.share.ravel()
        fields = self._arrays["fields"].reshape(len(net.fields), -1, 3)
        fields[:, where] = net.fields.reshape(len(net.fields), -1, 3)

    def _patch(self, slot: int, gap: Gap) -> None:
        rows, columns = gap.sheets.share.shape[0] // 2, gap.sheets.share.shape[1]
        count = rows * columns
        if count > SLOT_NODES:
            raise _too_large(f"a patch of {columns} x {rows} nodes, the most is {SLOT_NODES}")
        first = BASE_NODES + 2 * slot * SLOT_NODES
        # Unused nodes lie where the last one is, so that the box around all is that of the patch.
        for sheet in range(2):
            index = np.minimum(np.arange(SLOT_NODES), count - 1) + sheet * count
            self._nodes(_picked(gap.sheets, index), np.arange(SLOT_NODES) + first)
            first += SLOT_NODES
        self._layout["grids"][1 + slot] = columns, rows
        self._layout["used"][slot] = MASKED if self._scene.masked else 1
        self._figures["boxes"][1 + slot] = gap.sheets.box
        self._figures["slots"][slot] = (*gap.corner, gap.margin, *gap.back)
        self._figures["rims"][slot] = gap.rim
        upper, lower = (self._add_samples(plane) for plane in gap.edges)
        self._layout["edges"][slot] = (upper, lower, *gap.edges.shape[:0:-1])
        if slot and gap.lid is not None:
            self._lid(slot - 1, gap.lid)

    def _sprites(self, slot: int, gap: Gap, first: int, last: int) -> None:
        if last - first > SPRITES:
            raise _too_large(f"{last - first} pictures behind one patch, the most is {SPRITES}")
        net = self._scene.sprites
        for k, n in enumerate(range(first, last)):
            wide, tall = (int(v) + 2 for v in self._scene.sizes[n])
            words = gap.atlas[k, :tall, :wide]
            at = self._add_texels(words, "the pictures behind its patches")
            self._layout["sprites"][slot, k] = at, wide, tall
            where = FIRST_CORNER + 4 * (slot * SPRITES + k) + np.arange(4)
            self._nodes(_picked(net, 4 * n + np.arange(4)), where)

    def _lid(self, slot: int, lid: Lid) -> None:
        rows, columns = lid.open.shape
        if len(lid.fall) > self._spec.fall:
            raise _too_large(f"a lid of {len(lid.fall)} px, the most is {self._spec.fall}")
        bare, smooth = (self._add_texels(words, "its lids") for words in (lid.bare, lid.smooth))
        lashes = self._add_samples(lid.lashes)
        left, top = np.round((lid.origin - self._scene.origin) * 2).astype(int)
        edge = len(lid.fall)
        self._layout["lids"][slot] = bare, smooth, lashes, columns, rows, left, top, edge
        self._figures["lids"][slot] = (*lid.origin, *lid.edge, lid.tall, *lid.colour)
        self._arrays["falls"][slot, :edge] = lid.fall

    def _add_texels(self, words: Words, what: str) -> int:
        first, self._texels = self._texels, self._texels + words.size
        if self._texels > self._spec.texels:
            raise _too_large(f"{what} of {words.size} texels more than the graph's memory holds")
        flat, texels = words.ravel(), self._arrays["texels"]
        for plane, shift in enumerate((0, 8, 24, 16)):
            texels[first : self._texels, plane] = flat >> np.uint32(shift) & np.uint32(255)
        return first

    def _add_samples(self, plane: npt.NDArray[np.uint8]) -> int:
        first, self._samples = self._samples, self._samples + plane.size
        if self._samples > self._spec.samples:
            raise _too_large("larger patches than the graph's memory holds")
        self._arrays["samples"][first : self._samples] = plane.ravel()
        return first


def _picked(net: Net, index: npt.NDArray[Any]) -> Net:
    """Some nodes of a grid."""
    count = len(net.fields)
    return Net(
        net.rest.reshape(-1, 3)[index],
        net.share.ravel()[index],
        net.fields.reshape(count, -1, 3)[:, index],
        net.rows,
        net.box,
    )


def _too_large(what: str) -> AvatarError:
    return AvatarError(
        "avatar-too-large",
        f"The avatar has {what}. It can be drawn on the CPU; for a GPU make it anew.",
    )
