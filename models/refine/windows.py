"""Where the refiner looks: a window for the mouth and one for each eye, and their planes.

Windows go with the head's turn and shift alone, in steps of 2 px, so that what does not move is
refined in the same place in every picture. numpy only; the network is in network.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models import arkit
from visavis.models.avatar.rig import BREATH, CONTROLS, PATCHES
from visavis.models.warp import kernel
from visavis.models.warp.scene import Net, Scene

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]

INTEROCULAR: Final = 80.0  # px of a picture of 512 px, about: what the network was trained on
MOUTH: Final = (104, 144)  # px down and across, of such a picture; multiples of 4
EYE: Final = (64, 88)
SIZES: Final = dict(zip(PATCHES, (MOUTH, EYE, EYE), strict=True))
PLANES: Final = 6  # four of luma (even and odd rows, even and odd columns), U, V

MIRRORED: Final = (1, 0, 3, 2, 4, 5)  # planes of a mirrored window: odd columns are even ones
STILL: Final = 1e-3  # px: what moves by less in every unit is held
FADE: Final = 8  # samples of the planes over which a window fades into the picture
TURN: Final = 15.0  # degrees of the head that are told as 1
TOLD: Final = BREATH + 1  # of the controls, those that the network is told
AMOUNTS: Final = TOLD + 3
NOTHING: Final = np.zeros(1, np.float32)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a scene's windows are: their middles as 1 x 3 nodes that the head alone moves, in the
    order of PATCHES, and px of the picture a px of a window is across.

    eyes: False behind glasses, whose rims would be moved with the lids.
    """

    middles: Net
    step: int
    eyes: bool

    @property
    def shown(self) -> tuple[bool, bool, bool]:
        """Which of PATCHES are refined."""
        return True, self.eyes, self.eyes


def places(scene: Scene) -> Places | None:
    """None for an avatar that lacks a mouth or an eye: it is not refined."""
    if len(scene.gaps) != len(PATCHES):
        return None
    rest = np.stack([gap.sheets.rest.reshape(-1, 3).mean(0) for gap in scene.gaps])[None]
    fields = np.zeros((1, *rest.shape), np.float32)
    share = np.ones(rest.shape[:2], np.float32)
    net = Net(rest.astype(np.float32), share, fields, np.zeros((1, 2), np.int32), scene.base.box)
    step = max(round(scene.body.interocular / INTEROCULAR), 1)
    return Places(net, step, all(_moves(scene, net.rest[0, k], step) for k in (1, 2)))


def _moves(scene: Scene, middle: Floats, step: int) -> bool:
    """Whether a face moves around an eye: where it wears glasses, no unit does."""
    reach = np.array(EYE[::-1]) * step / 2
    low, high = (
        np.maximum((middle[:2] + way * reach - scene.base.box[:2]) / scene.base.box[2], 0)
        for way in (-1, 1)
    )
    x, y = (slice(int(low[k]), int(high[k])) for k in range(2))
    moved = np.abs(scene.base.fields[: arkit.COUNT, y, x]).max((0, 3)) > STILL
    return bool(moved.mean() > 0.5) if moved.size else False


def corners(at: Places, motion: Floats) -> Ints:
    """(3, 2) even px: left and top of each window. motion as in kernel.forward."""
    net, seen = at.middles, np.empty((1, len(PATCHES), 2), np.float32)
    kernel.forward(net.rest, net.fields, net.rows, NOTHING, net.share, motion, seen)
    spans = at.step * np.array([SIZES[name][::-1] for name in PATCHES], np.float32)
    return np.asarray(2 * np.round((seen[0] - spans / 2) / 2), np.int32)


def cut(picture: Bytes, corner: Ints, size: tuple[int, int], step: int = 1) -> Floats:
    """(6, h / 2, w / 2) planes of an I420 picture's window of size px, each the mean of step x
    step of the picture's; black outside of the picture."""
    spans = np.array(size) * step
    whole = []
    for plane, start, span, ground in _parts(picture, corner, spans):
        part = np.full(span, ground, np.float32)
        here, there = _overlap(start, span, plane.shape)
        part[there] = plane[here]
        whole.append(part.reshape(span[0] // step, step, span[1] // step, step).mean((1, 3)))
    luma = whole[0].reshape(size[0] // 2, 2, size[1] // 2, 2).transpose(1, 3, 0, 2)
    return np.concatenate([luma.reshape(4, size[0] // 2, size[1] // 2), np.stack(whole[1:])])


def add(picture: Bytes, corner: Ints, residual: Floats, step: int = 1) -> None:
    """Add planes, as `cut` makes them, to an I420 picture's window, in place."""
    rows, columns = residual.shape[1:]
    luma = residual[:4].reshape(2, 2, rows, columns).transpose(2, 0, 3, 1)
    planes = (luma.reshape(2 * rows, 2 * columns), residual[4], residual[5])
    spans = 2 * step * np.array([rows, columns])
    for (plane, start, span, _), what in zip(_parts(picture, corner, spans), planes, strict=True):
        if step > 1:
            what = cv2.resize(what, (int(span[1]), int(span[0])), interpolation=cv2.INTER_LINEAR)
        here, there = _overlap(start, span, plane.shape)
        plane[here] = np.clip(np.rint(plane[here] + what[there]), 0, 255)


def _overlap(
    start: tuple[int, int], span: tuple[int, int], shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Rows and columns of a plane that a window at `start` (row, column) covers, and the same in
    the window's own."""
    here: list[slice] = []
    there: list[slice] = []
    for first, count, most in zip(start, span, shape, strict=True):
        low = min(max(first, 0), most)
        high = max(min(first + count, most), low)
        here.append(slice(low, high))
        there.append(slice(low - first, high - first))
    return (here[0], here[1]), (there[0], there[1])


def _parts(
    picture: Bytes, corner: Ints, spans: npt.NDArray[np.int64]
) -> Iterator[tuple[Bytes, tuple[int, int], tuple[int, int], float]]:
    """Y, U and V of a picture as views, a window's top and left and its rows and columns in each,
    and what is black."""
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    x, y = (int(v) for v in corner)
    rows, columns = (int(v) for v in spans)
    yield picture[:height], (y, x), (rows, columns), 16.0
    flat = picture.reshape(-1)[height * width :].reshape(2, height // 2, width // 2)
    for plane in flat:
        yield plane, (y // 2, x // 2), (rows // 2, columns // 2), 128.0


def amounts(controls: Floats, pose: Floats) -> Floats:
    """(AMOUNTS,): what the network is told of a state: the warp's controls and the head's turn.

    controls (len(CONTROLS),) as the warp moves by; pose (6,): of it degrees of yaw, pitch and roll.
    """
    return np.concatenate([controls[:TOLD], pose[:3] / TURN]).astype(np.float32)


def mirrored_amounts() -> tuple[npt.NDArray[np.int64], Floats]:
    """Which amount stands where in a mirrored face (AMOUNTS,), and its sign."""
    names = list(CONTROLS[:TOLD])
    swap = {"Left": "Right", "Right": "Left"}
    order = [
        next((names.index(n.removesuffix(a) + b) for a, b in swap.items() if n.endswith(a)), k)
        for k, n in enumerate(names)
    ]
    turn = len(names)
    signs = [*[1.0] * turn, -1.0, 1.0, -1.0]  # yaw and roll change sides
    return np.array([*order, turn, turn + 1, turn + 2]), np.array(signs, np.float32)
