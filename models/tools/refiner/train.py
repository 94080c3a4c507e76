"""Trains the refiner on pairs of people. A tool: nothing imports it.

From the root of the repository, after `python -m bench.face.crowd` has made the pairs:

    python -m models.tools.refiner.train out/refiner/person-*.npz --out out/refiner/all.pt
    python -m models.tools.refiner.train out/refiner/person-*.npz --out out/refiner/fold.pt \\
        --without 0 1

The second leaves two people out, for bench/face/refining.py to judge by.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as f

from visavis.models.refine.network import Refiner, Window

from . import pairs
from .lock import shared

BATCH: Final = 24
RATE: Final = 2e-3
STEPS: Final = 800
SMOOTH: Final = 1.0  # of 255: below this an error counts by its square (Charbonnier)
ROUGH: Final = 0.3  # how much changes that differ between neighbours cost
LIGHT_TO_FLOW: Final = 8.0  # of 255 that are as much as a sample of place
GRADIENTS: Final = 2.0  # how much errors of luma's gradient count beside those of samples
_ACROSS: Final = torch.tensor([[-3.0, 0, 3], [-10, 0, 10], [-3, 0, 3]]) / 32
SCHARR: Final = torch.stack([_ACROSS, _ACROSS.T])[:, None]


def loss(error: Tensor, weight: Tensor) -> Tensor:
    """Mean of the samples' errors and of those of luma's gradient, as it is judged by."""
    total = (torch.sqrt(error**2 + SMOOTH**2) * weight).mean()
    slopes = f.conv2d(f.pixel_shuffle(error[:, :4], 2), SCHARR, padding=1)
    steep = torch.sqrt((slopes**2).sum(1, keepdim=True) + 0.01 * SMOOTH**2)
    return total + GRADIENTS * (steep * f.interpolate(weight, scale_factor=2.0)).mean()


def step(network: Window, batch: pairs.Batch) -> Tensor:
    """The loss of one batch. What is decided by the harmed pictures is done to the clean ones."""
    given, own, true, weight, amounts = (
        torch.from_numpy(np.ascontiguousarray(part, np.float32))
        for part in (batch.given, batch.own, batch.true, batch.weight, batch.amounts)
    )
    flow, light = network.changes(given, amounts)
    error = (network.changed(own, flow, light) - true) * (network.fade > 0)
    rough = sum(
        (part[..., 1:, :] - part[..., :-1, :]).abs().mean()
        + (part[..., 1:] - part[..., :-1]).abs().mean()
        for part in (flow, light / LIGHT_TO_FLOW)
    )
    return loss(error, weight) + ROUGH * rough


def train(
    paths: list[Path], steps: int, batch: int = BATCH, seed: int = 0, lock: Path | None = None
) -> Refiner:
    """The same pairs, steps and seed give the same network on the same kind of processor."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # layers are too small for more: two took five times as long
    rng = np.random.default_rng(seed)
    network = Refiner()
    kinds = tuple(zip((network.mouth, network.eye), pairs.read(paths), strict=True))
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: _share(k, steps))
    began, told = time.monotonic(), np.zeros(2)
    for k in range(steps):
        with shared(lock):
            losses = [step(part, pairs.drawn(of, batch, rng)) for part, of in kinds]
            optimizer.zero_grad()
            torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
        schedule.step()
        now = np.array([v.item() for v in losses])
        told = 0.98 * told + 0.02 * now if k else now
        if k % 50 == 49:
            spent = time.monotonic() - began
            print(f"{k + 1}: mouth {told[0]:.3f}, eyes {told[1]:.3f}, {spent:.0f} s", flush=True)
    return network.eval()


def _share(k: int, steps: int) -> float:
    """Of the learning rate at step k: up over the first tenth, then down along a cosine."""
    return min(10 * (k + 1) / steps, 0.5 + 0.5 * math.cos(math.pi * k / steps))


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path, nargs="+", help=".npz, a person each")
    parser.add_argument("--out", type=Path, required=True, help="weights to write")
    parser.add_argument("--without", type=int, nargs="*", default=[], help="people to leave out")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--lock", type=Path, help="a file to lock, shared, at each step")
    args = parser.parse_args()
    left_out = {f"person-{seed:02d}" for seed in args.without}
    paths = [p for p in args.pairs if p.stem not in left_out]
    network = train(paths, args.steps, lock=args.lock)
    torch.save(network.state_dict(), args.out)


if __name__ == "__main__":
    main()
