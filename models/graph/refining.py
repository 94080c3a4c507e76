"""The refiner as a part of the graph: windows cut from the planes, refined, and added to them.

Both ways are products with matrices made of where each picture's windows are (models/refine/windows
does the same with slices): what is outside of a picture or of a window weighs nothing, so nothing
is read or written at a computed place, and windows may be larger than the picture.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from visavis.models.graph.spec import Spec
from visavis.models.refine.network import Refiner
from visavis.models.refine.windows import SIZES, TOLD

LUMA_BLACK: Final = 16.0
CHROMA_BLACK: Final = 128.0
MOST_TOLD: Final = 100.0  # beyond what any face state says


class WindowRefiner(nn.Module):
    """warp.LayeredWarp's refiner, of a spec with `refine`."""

    def __init__(self, network: Refiner) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, luma: Tensor, chroma: Tensor, how: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """luma (n, H, W, 1), chroma (n, H / 2, W / 2, 2), 0 to 255 -> the same, refined.

        how: parts of spec.REFINED_STATE.
        """
        looks = how["looks"]
        fine, coarse = luma.permute(0, 3, 1, 2), chroma.permute(0, 3, 1, 2)
        whole = _cut(_sound(fine), looks, 1, LUMA_BLACK)
        half = _cut(_sound(coarse), looks, 2, CHROMA_BLACK)
        planes = [
            torch.cat([nn.functional.pixel_unshuffle(y, 2), uv], 1)
            for y, uv in zip(whole, half, strict=True)
        ]
        told = torch.cat([how["amounts"][:, :TOLD], how["head"]], 1)
        told = torch.where(told.abs() < MOST_TOLD, told, 0.0)
        added = self.network(*planes, told)
        shown = [each * looks[:, k, 3, None, None, None] for k, each in enumerate(added)]
        fine = fine + _laid([nn.functional.pixel_shuffle(s[:, :4], 2) for s in shown], fine, looks)
        coarse = coarse + _laid([s[:, 4:] for s in shown], coarse, looks, 2)
        return fine.permute(0, 2, 3, 1), coarse.permute(0, 2, 3, 1)


def shipped(spec: Spec) -> WindowRefiner | None:
    """The one that the project ships, where the spec wants one; with it the graph is whole.

    Raises ManifestError, ModelError.
    """
    if not spec.refine:
        return None
    # Here: whoever has the weights already needs no package that reads their file.
    from visavis.models import manifest
    from visavis.models.refine import weights

    return WindowRefiner(weights.load(manifest.locate("refiner")))


def _sound(plane: Tensor) -> Tensor:
    """As bytes can be, whatever a state holds: the network takes samples where it finds them."""
    return torch.where(plane >= 0, plane.clamp(max=255.0), 0.0)


def _cut(plane: Tensor, looks: Tensor, every: int, ground: float) -> list[Tensor]:
    """The windows (n, k, rows, columns) of a plane (n, k, H, W), as windows.cut; every: px of the
    picture that a sample of the plane is across."""
    height, width = plane.shape[2:]
    down, across = [], []
    for k, (rows, columns) in enumerate(SIZES.values()):
        left, top, step = _at(looks, k, every)
        down.append(_means(top, step, rows // every, height))
        across.append(_means(left, step, columns // every, width).transpose(1, 2))
    strips = torch.matmul(torch.cat(down, 1)[:, None], plane)
    windows, first = [], 0
    for rows_of, columns_of in zip(down, across, strict=True):
        one = strips[:, :, first : first + rows_of.shape[1]]  # no split: TensorRT cannot read it
        first += rows_of.shape[1]
        there = rows_of.sum(2)[:, None, :, None] * columns_of.sum(1)[:, None, None]
        windows.append(torch.matmul(one, columns_of[:, None]) + ground * (1 - there))
    return windows


def _laid(windows: list[Tensor], plane: Tensor, looks: Tensor, every: int = 1) -> Tensor:
    """Windows (n, k, rows, columns) where they are in a plane (n, k, H, W), as windows.add lays
    them; nothing elsewhere."""
    height, width = plane.shape[2:]
    strips, across = [], []
    for k, window in enumerate(windows):
        left, top, step = _at(looks, k, every)
        down = _between(top, step, window.shape[2], height)
        strips.append(torch.matmul(down[:, None], window))
        across.append(_between(left, step, window.shape[3], width))
    return torch.matmul(torch.cat(strips, 3), torch.cat(across, 2).transpose(1, 2)[:, None])


def _at(looks: Tensor, k: int, every: int) -> tuple[Tensor, Tensor, Tensor]:
    """Left, top, and what a px of the window is across, each (n, 1)."""
    step = looks[:, k, 2:3]
    return looks[:, k, :1] / every, looks[:, k, 1:2] / every, torch.where(step >= 1, step, 1.0)


def _means(first: Tensor, step: Tensor, count: int, length: int) -> Tensor:
    """(n, count, length): what each of `length` px is of each of `count` that are `step` of them
    wide and begin at `first`."""
    which = ((_numbers(length, first) - first) / step).floor()[:, None]
    return (which == _numbers(count, first)[:, None]).float() / step[:, None]


def _between(first: Tensor, step: Tensor, count: int, length: int) -> Tensor:
    """(n, length, count): the way back, bilinear between the middles of the wide px."""
    away = _numbers(length, first) - first
    there = (away >= 0) & (away < count * step)
    place = ((away + 0.5) / step - 0.5).clamp(0, count - 1)
    near = (1 - (place[..., None] - _numbers(count, first)).abs()).clamp(min=0)
    return torch.where(there[..., None], near, 0.0)


def _numbers(count: int, like: Tensor) -> Tensor:
    return torch.arange(count, device=like.device, dtype=torch.float32)
