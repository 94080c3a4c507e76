"""The refiner as torch modules: what a window's planes and a face state lack, as a residual.

It moves what is there by a few px and makes it lighter or darker, both smoothly: a network that
adds whatever it likes to samples learns to smear what it cannot place. Convolutions at half and a
quarter of the picture's resolution, whose features the amounts scale and shift (FiLM: Perez et al.
2018). Both fade to nothing at the window's border, so that no seam can show, and depend on nothing
but the inputs.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as f

from visavis.models.refine.windows import (
    AMOUNTS,
    EYE,
    FADE,
    MIRRORED,
    MOUTH,
    PLANES,
    mirrored_amounts,
)

FURTHEST: Final = 6.0  # samples at half resolution that something is moved
BRIGHTEST: Final = 48.0  # of 255 that it is made lighter or darker
FINE: Final = 16  # channels at half of the picture's resolution
COARSE: Final = 32  # at a quarter
TOLD: Final = 48  # features that the amounts become
SPREAD: Final = (1, 2, 4, 2, 1)  # dilations of the convolutions at a quarter
# On people it has not seen it knows better whither than how far: a part of its change is better in
# more pictures than the whole of it. Chosen on people 0 to 3 of models/tools/refiner/people.py, and
# for the eyes by looking at others.
MOUTH_SHARE: Final = 0.8
EYE_SHARE: Final = 0.4
UNITS: Final = 52  # of the amounts that are ARKit's
AWAKE: Final = (
    0.15  # their sum from which on the share is whole: a face at rest is the photo itself
)
CHANGES: Final = 5  # two of place, three of light


class Film(nn.Module):
    """Scales and shifts channels by what is told."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.both = nn.Linear(TOLD, 2 * channels)
        with torch.no_grad():
            self.both.weight *= 0.1
            self.both.bias.zero_()

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """(n, c, h, w), (n, TOLD) -> (n, c, h, w)."""
        told = self.both(told)[:, :, None, None]
        half = told.shape[1] // 2  # no chunk: its form in ONNX is one that TensorRT cannot read
        return x * (1 + told[:, :half]) + told[:, half:]


class Window(nn.Module):
    """The network of one kind of window; size: px down and across; share: of what it has learnt
    to change that is done."""

    place: Tensor
    fade: Tensor
    across: Tensor
    down: Tensor
    across_luma: Tensor
    down_luma: Tensor

    def __init__(self, size: tuple[int, int], share: float) -> None:
        super().__init__()
        self._share = share
        rows, columns = size[0] // 2, size[1] // 2
        self.tell = nn.Sequential(nn.Linear(AMOUNTS, TOLD), nn.SiLU(), nn.Linear(TOLD, TOLD))
        self.stem = nn.Conv2d(PLANES + 2, FINE, 3, padding=1)
        self.halve = nn.Conv2d(FINE, COARSE, 4, stride=2, padding=1)
        self.middle = nn.ModuleList(
            nn.Conv2d(COARSE, COARSE, 3, padding=reach, dilation=reach) for reach in SPREAD
        )
        self.films = nn.ModuleList(Film(COARSE) for _ in SPREAD)
        self.out = nn.Conv2d(COARSE, CHANGES, 3, padding=1)
        with torch.no_grad():  # it begins as no change at all
            for part in self.out.parameters():
                part.zero_()
        for name, value in (
            ("place", _place(rows, columns)),
            ("fade", _fade(rows, columns)),
            ("across", _centres(columns)),
            ("down", _centres(rows)[:, None]),
            ("across_luma", _centres(2 * columns)),
            ("down_luma", _centres(2 * rows)[:, None]),
        ):
            self.register_buffer(name, torch.from_numpy(value), persistent=False)

    def changes(self, planes: Tensor, amounts: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 6, h, w) in [0, 255], (n, AMOUNTS) -> (n, 2, h, w): how many samples to the right
        and below each sample is taken from; (n, 3, h, w): what is added to Y, U and V."""
        told = self.tell(amounts)
        x = (planes - 128) / 64
        place = self.place.expand(x.shape[0], -1, -1, -1)
        x = f.silu(self.halve(f.silu(self.stem(torch.cat([x, place], 1)))))
        for layer, film in zip(self.middle, self.films, strict=True):
            x = x + f.silu(film(layer(x), told))
        change = f.interpolate(torch.tanh(self.out(x)), scale_factor=2.0, mode="bilinear")
        change = change * self.fade
        return FURTHEST * change[:, :2], BRIGHTEST * change[:, 2:]

    def changed(self, planes: Tensor, flow: Tensor, light: Tensor) -> Tensor:
        """The planes with both done to them."""
        fine = f.interpolate(flow, scale_factor=2.0, mode="bilinear") * 2
        luma = f.pixel_shuffle(planes[:, :4], 2)
        luma = _moved(luma, fine, self.across_luma, self.down_luma, "bicubic")
        luma = luma + f.interpolate(light[:, :1], scale_factor=2.0, mode="bilinear")
        chroma = _moved(planes[:, 4:], flow, self.across, self.down) + light[:, 1:]
        return torch.cat([f.pixel_unshuffle(luma, 2), chroma], 1)

    def forward(self, planes: Tensor, amounts: Tensor) -> Tensor:
        """(n, 6, h, w) in [0, 255], (n, AMOUNTS) -> (n, 6, h, w): to be added to the planes."""
        flow, light = self.changes(planes, amounts)
        share = self._share * (amounts[:, :UNITS].sum(1) / AWAKE).clamp(0, 1)[:, None, None, None]
        now = self.changed(planes, flow * share, light * share)
        return (now - planes) * (self.fade > 0)


class Refiner(nn.Module):
    """All three windows of pictures; the left eye is seen as a right one in a mirror."""

    order: Tensor
    sign: Tensor
    planes: Tensor
    columns: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.mouth = Window(MOUTH, MOUTH_SHARE)
        self.eye = Window(EYE, EYE_SHARE)
        order, sign = mirrored_amounts()
        for name, value in (
            ("order", torch.from_numpy(order)),
            ("sign", torch.from_numpy(sign)),
            ("planes", torch.tensor(MIRRORED)),
            ("columns", torch.arange(EYE[1] // 2 - 1, -1, -1)),
        ):
            self.register_buffer(name, value, persistent=False)

    def forward(
        self, mouth: Tensor, eye_right: Tensor, eye_left: Tensor, amounts: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Planes (n, 6, h / 2, w / 2) of windows.MOUTH and twice of windows.EYE, as 0 to 255;
        (n, AMOUNTS) -> what is to be added to each."""
        eyes = torch.cat([eye_right, self._mirrored(eye_left)])
        turned = amounts.index_select(1, self.order) * self.sign
        both, count = self.eye(eyes, torch.cat([amounts, turned])), mouth.shape[0]
        return self.mouth(mouth, amounts), both[:count], self._mirrored(both[count:])

    def _mirrored(self, planes: Tensor) -> Tensor:
        return planes.index_select(3, self.columns).index_select(1, self.planes)


def _moved(
    planes: Tensor, flow: Tensor, across: Tensor, down: Tensor, mode: str = "bilinear"
) -> Tensor:
    """Planes (n, c, h, w), each sample from flow (n, 2, h, w) samples away; the edge goes on."""
    rows, columns = planes.shape[2:]
    where = torch.stack([across + flow[:, 0] * 2 / columns, down + flow[:, 1] * 2 / rows], 3)
    return f.grid_sample(planes, where, mode=mode, padding_mode="border", align_corners=False)


def _centres(count: int) -> np.ndarray[Any, Any]:
    """(n,): where samples are between the edges, which are at -1 and 1."""
    return (2 * np.arange(count, dtype=np.float32) + 1) / count - 1


def _place(rows: int, columns: int) -> np.ndarray[Any, Any]:
    """(1, 2, h, w): how far a px is from the window's middle, in [-1, 1]."""
    down, across = (np.linspace(-1, 1, n, dtype=np.float32) for n in (rows, columns))
    return np.stack(np.meshgrid(across, down))[None]


def _fade(rows: int, columns: int) -> np.ndarray[Any, Any]:
    """(1, 1, h, w): 0 at the border, 1 from FADE samples on."""

    def ramp(n: int) -> np.ndarray[Any, Any]:
        near = np.minimum(np.arange(n), np.arange(n)[::-1]) / FADE
        return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.clip(near, 0, 1)), np.float32)

    return np.outer(ramp(rows), ramp(columns))[None, None]
