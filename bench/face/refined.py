"""The refiner on portraits that it was not trained on: sheets to look at, and how steady it is.

    python -m bench.face.refined out/refiner/all.pt --sheets FOLDER [--only mira tomas]

JSON on stdout: by portrait, how much samples of the windows change from picture to picture over
ten spoken seconds, and how much of that is jitter (the second difference in time).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch

from bench.face.face import OUT, spoken
from bench.face.portraits import PORTRAITS, Portrait, avatar
from bench.face.refining import asked
from visavis.engines.base import FaceState
from visavis.engines.render import posing, warp
from visavis.models.quality.subject import as_rgb, face, pose
from visavis.models.refine import windows
from visavis.models.refine.apply import Answer, refine
from visavis.models.refine.network import Refiner
from visavis.models.warp import scene

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

SIDE: Final = 512
FRAMES: Final = 250
GUEST: Final = Portrait(
    "guest", "photo", "the tests' persona", Path("tests/data/persona.webp")
)  # of another hand than the others
SHOWN: Final = (
    {}, {"jawOpen": 0.35}, {"jawOpen": 0.15, "mouthSmile": 0.6}, {"mouthPucker": 0.7},
    {"eyeBlink": 0.5}, {"eyeBlink": 1.0, "mouthPress": 0.3},
    {"jawOpen": 0.2, "mouthFunnel": 0.5, "browInnerUp": 0.5},
    {"mouthUpperUp": 0.4, "mouthLowerDown": 0.4, "eyeSquint": 0.5},
)  # fmt: skip


def drawn(prepared: scene.Scene, state: FaceState, ask: Answer | None) -> Bytes:
    """The warp, refined or not."""
    picture, at = warp.draw(prepared, state), windows.places(prepared)
    if ask is not None and at is not None:
        told = windows.amounts(posing.controls(state), state.pose)
        refine(picture, at, posing.view(prepared.body, state.pose), told, ask)
    return picture


def sheet(prepared: scene.Scene, ask: Answer) -> Bytes:
    """Each state of SHOWN as drawn and refined, the face alone, twice as large."""
    rows = []
    for k, units in enumerate(SHOWN):
        state = FaceState(face(**units), pose(*((4.0, 2.0, 1.0) if k % 3 == 2 else ())))
        pair = [as_rgb(drawn(prepared, state, one))[120:420, 110:402, ::-1] for one in (None, ask)]
        rows.append(np.hstack([cv2.resize(p, None, fx=1.5, fy=1.5) for p in pair]))
    half = len(rows) // 2
    return np.hstack([np.vstack(rows[:half]), np.vstack(rows[half:])])


def steadiness(
    prepared: scene.Scene, states: Sequence[FaceState], ask: Answer
) -> dict[str, dict[str, float]]:
    """Mean of the windows' luma, in units of 255: change between pictures, and jitter."""
    at = windows.places(prepared)
    assert at is not None
    out = {}
    for name, one in (("warp", None), ("refined", ask)):
        seen = []
        for state in states:
            picture = drawn(prepared, state, one)[:SIDE].astype(np.float32)
            corners = windows.corners(at, posing.view(prepared.body, np.zeros(6, np.float32)))
            seen.append(np.concatenate([
                picture[y : y + rows, x : x + columns].ravel()
                for (x, y), (rows, columns) in zip(corners, windows.SIZES.values(), strict=True)
            ]))  # fmt: skip
        track = np.stack(seen)
        out[name] = {
            "change": round(float(np.abs(np.diff(track, axis=0)).mean()), 4),
            "jitter": round(float(np.abs(np.diff(track, 2, axis=0)).mean()), 4),
        }
    return out


def main() -> int:
    """Draw, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.face.refined", description=__doc__)
    parser.add_argument("weights", type=Path, help="as models/tools/refiner/train.py writes them")
    parser.add_argument("--sheets", type=Path, required=True, help="folder for the sheets")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="portraits")
    parser.add_argument("--quick", action="store_true", help="sheets alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = Refiner()
    network.load_state_dict(torch.load(options.weights, weights_only=True))
    ask = asked(network.eval())
    states = [] if options.quick else spoken("heart")[:FRAMES]
    out: dict[str, Any] = {}
    for one in (*PORTRAITS, GUEST):
        if options.only and one.name not in options.only:
            continue
        prepared = scene.build(avatar(one, OUT / "avatars"), SIDE, SIDE)
        cv2.imwrite(str(options.sheets / f"portrait-{one.name}.png"), sheet(prepared, ask))
        if states and windows.places(prepared):
            out[one.name] = steadiness(prepared, states, ask)
    json.dump(out, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
