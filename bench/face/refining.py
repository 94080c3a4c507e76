"""What the refiner is worth on people it never saw: their warp before and after it, beside the
path-traced truth.

    python -m bench.face.refining out/refiner/fold-*.pt [--sheets FOLDER]

fold-0-1.pt was trained without the people 0 and 1 (models/tools/refiner/train.py), whose pairs
(bench/face/crowd.py) are judged by it. JSON on stdout.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch

from bench.face.crowd import FOLDER, SIDE, name
from bench.face.likeness import grey, ssim_map
from visavis.models.quality.subject import as_rgb
from visavis.models.refine import windows
from visavis.models.refine.apply import Answer
from visavis.models.refine.network import Refiner

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

WANTED: Final = 0.8  # share of held-out pairs that must be better
PARTS: Final = {"mouth": 1, "lids": 2}  # values in a pair's edges, see tools/refiner/pairs.py


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one picture beside the truth: SSIM of luma and PSNR of RGB over the windows, mean error
    of luma's gradient at lips and teeth and at lids, in units of 255 a px."""

    ssim: float
    psnr: float
    mouth: float
    lids: float


def asked(network: Refiner) -> Answer:
    """A torch network as apply.refine wants it."""

    def ask(*values: Floats) -> Sequence[Floats]:
        with torch.no_grad():
            return [part.numpy() for part in network(*map(torch.from_numpy, values))]

    return ask


def refined(pair: dict[str, Any], ask: Answer) -> Bytes:
    """The warp of a pair with the windows refined where they were when it was made."""
    picture, sizes = pair["warp"].copy(), list(windows.SIZES.values())
    planes = [
        windows.cut(picture, corner, size)[None]
        for corner, size in zip(pair["corners"], sizes, strict=True)
    ]
    answers = ask(*planes, pair["amounts"][None])
    for corner, residual in zip(pair["corners"], answers, strict=True):
        windows.add(picture, corner, residual[0])
    return np.asarray(picture)


def figures(picture: Bytes, truth: Bytes, edges: Bytes, region: Mask) -> Figures:
    own, true = as_rgb(picture), as_rgb(truth)
    error = (own.astype(np.float64) - true)[region]
    slopes = np.hypot(*(_slopes(own)[k] - _slopes(true)[k] for k in range(2)))
    return Figures(
        float(ssim_map(grey(own), grey(true))[region].mean()),
        float(10 * np.log10(255**2 / max(float((error**2).mean()), 1e-9))),
        *(float(slopes[edges == value].mean()) for value in PARTS.values()),
    )


def _slopes(picture: Bytes) -> tuple[Floats, Floats]:
    luma = grey(picture)
    across, down = (cv2.Scharr(luma, cv2.CV_32F, a, b, scale=1 / 32) for a, b in ((1, 0), (0, 1)))
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def region(corners: npt.NDArray[np.int32]) -> Mask:
    """(512, 512): where windows are."""
    out = np.zeros((SIDE, SIDE), np.bool_)
    for (x, y), (rows, columns) in zip(corners, windows.SIZES.values(), strict=True):
        out[max(y, 0) : y + rows, max(x, 0) : x + columns] = True
    return out


def pairs(seed: int) -> list[dict[str, Any]]:
    with np.load(FOLDER / f"{name(seed)}.npz") as data:
        arrays = {key: data[key] for key in data.files}
    return [{k: v[i] for k, v in arrays.items()} for i in range(len(arrays["state"]))]


def judged(weights: Path, sheets: Path | None) -> list[tuple[str, int, Figures, Figures]]:
    """Person, state, figures before and after, of the people whose numbers end the file's name."""
    network = Refiner()
    network.load_state_dict(torch.load(weights, weights_only=True))
    ask = asked(network.eval())
    out = []
    for seed in map(int, weights.stem.split("-")[1:]):
        rows = []
        for pair in pairs(seed):
            after, where = refined(pair, ask), region(pair["corners"])
            both = [figures(p, pair["truth"], pair["edges"], where) for p in (pair["warp"], after)]
            out.append((name(seed), int(pair["state"]), *both))
            rows.append(_strip(pair, after))
        if sheets:
            cv2.imwrite(str(sheets / f"refined-{seed:02d}.png"), np.vstack(rows[:12]))
    return out


def _strip(pair: dict[str, Any], after: Bytes) -> Bytes:
    """The face as drawn, refined and path-traced, side by side, twice as large."""
    x, y = pair["corners"].min(0)
    parts = [as_rgb(p)[max(y, 0) : y + 192, max(x, 0) : x + 184, ::-1] for p in
             (pair["warp"], after, pair["truth"])]  # fmt: skip
    return np.hstack([cv2.resize(p, None, fx=1.5, fy=1.5) for p in parts])


def summary(rows: Sequence[tuple[str, int, Figures, Figures]]) -> dict[str, Any]:
    """For each figure: mean before and after, and the share of pairs in which it is better."""
    out: dict[str, Any] = {"pairs": len(rows)}
    for what, sign in (("ssim", 1), ("psnr", 1), ("mouth", -1), ("lids", -1)):
        before, after = (np.array([getattr(row[k], what) for row in rows]) for k in (2, 3))
        out[what] = {
            "before": round(float(before.mean()), 4),
            "after": round(float(after.mean()), 4),
            "better": round(float((sign * (after - before) > 0).mean()), 3),
        }
    out["ships"] = all(out[k]["better"] >= WANTED for k in ("ssim", "psnr", "mouth", "lids"))
    return out


def main() -> int:
    """Judge and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.face.refining", description=__doc__)
    parser.add_argument("weights", type=Path, nargs="+", help="fold-A-B.pt")
    parser.add_argument("--sheets", type=Path, help="folder for pictures side by side")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [row for path in options.weights for row in judged(path, options.sheets)]
    people = sorted({row[0] for row in rows})
    each = {person: summary([r for r in rows if r[0] == person]) for person in people}
    moved = [row for row in rows if row[1] > 0]  # the first state of each is its portrait's own
    json.dump({"all": summary(moved), "people": each}, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
