"""The refiner as torch modules: what a window's planes and a face state lack, as a residual.

A U of two levels at half and a quarter of the picture's resolution; the amounts scale and shift
its features (FiLM: Perez et al. 2018). Its answer is bounded and fades to nothing at the window's
border, so that no seam can show, and depends on nothing but its inputs.
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

MOST: Final = 64.0  # of 255, that a sample is changed
FINE: Final = 16  # channels at half of the picture's resolution
COARSE: Final = 32  # at a quarter
TOLD: Final = 48  # features that the amounts become
DEPTH: Final = 3  # convolutions at a quarter


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
        scale, shift = told.chunk(2, 1)
        return x * (1 + scale) + shift


class Window(nn.Module):
    """The network of one kind of window; size: px down and across."""

    place: Tensor
    fade: Tensor

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        rows, columns = size[0] // 2, size[1] // 2
        self.tell = nn.Sequential(nn.Linear(AMOUNTS, TOLD), nn.SiLU(), nn.Linear(TOLD, TOLD))
        self.stem = nn.Conv2d(PLANES + 2, FINE, 3, padding=1)
        self.down = nn.Conv2d(FINE, COARSE, 4, stride=2, padding=1)
        self.middle = nn.ModuleList(nn.Conv2d(COARSE, COARSE, 3, padding=1) for _ in range(DEPTH))
        self.films = nn.ModuleList(Film(COARSE) for _ in range(DEPTH))
        self.up = nn.Conv2d(COARSE, 4 * FINE, 1)
        self.film = Film(FINE)
        self.out = nn.Conv2d(FINE, PLANES, 3, padding=1)
        with torch.no_grad():  # it begins as no change at all
            for part in self.out.parameters():
                part.zero_()
        self.register_buffer("place", torch.from_numpy(_place(rows, columns)), persistent=False)
        self.register_buffer("fade", torch.from_numpy(_fade(rows, columns)), persistent=False)

    def forward(self, planes: Tensor, amounts: Tensor) -> Tensor:
        """(n, 6, h, w) in [0, 255], (n, AMOUNTS) -> (n, 6, h, w) in [-MOST, MOST]."""
        told = self.tell(amounts)
        x = (planes - 128) / 64
        place = self.place.expand(x.shape[0], -1, -1, -1)
        fine = f.silu(self.stem(torch.cat([x, place], 1)))
        coarse = f.silu(self.down(fine))
        for layer, film in zip(self.middle, self.films, strict=True):
            coarse = coarse + f.silu(film(layer(coarse), told))
        fine = f.silu(self.film(fine + f.pixel_shuffle(self.up(coarse), 2), told))
        return MOST * torch.tanh(self.out(fine)) * self.fade


class Refiner(nn.Module):
    """All three windows of pictures; the left eye is seen as a right one in a mirror."""

    order: Tensor
    sign: Tensor
    planes: Tensor
    columns: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.mouth = Window(MOUTH)
        self.eye = Window(EYE)
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
