"""Recordings without a mark, of all sorts, in which one is looked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import as_file, files
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.engines.base import FaceState
from visavis.engines.marking import finding, pattern
from visavis.engines.marking.payload import Payload, SessionClass, encode
from visavis.engines.render import warp
from visavis.models.avatar.backdrop import BLUR, ORIGINAL, Backdrop
from visavis.models.avatar.file import load_avatar
from visavis.models.warp import scene

Luma = npt.NDArray[np.uint8]
Random = np.random.Generator

SIDES: Final = (128, 160, 200)  # px
NAMES: Final = ("mira", "tomas")
WORD: Final = pattern.carried(encode(Payload(0x123456, 100, SessionClass.VIDEO)))


class Faces:
    """Speaking, of several sizes and before several backgrounds."""

    def __init__(self, states: list[FaceState]) -> None:
        self._states = states
        self._scenes: dict[tuple[str, int, int], scene.Scene] = {}

    def clip(self, random: Random) -> list[Luma]:
        """8 pictures over 4 s."""
        side, name, backdrop = random.choice(SIDES), random.choice(NAMES), random.integers(4)
        key = str(name), int(side), int(backdrop)
        if key not in self._scenes:
            self._scenes[key] = _scene(*key)
        first = int(random.integers(len(self._states) - 100))
        return [
            warp.draw(self._scenes[key], self._states[first + 12 * number])[: key[1]]
            for number in range(8)
        ]


def _scene(name: str, side: int, backdrop: int) -> scene.Scene:
    with as_file(files("visavis.models") / "data" / "personas" / f"{name}.avatar") as path:
        avatar = load_avatar(path)
    shade = 60 * backdrop
    behind = (ORIGINAL, BLUR)[backdrop] if backdrop < 2 else Backdrop("colour", (shade,) * 3)
    return scene.build(replace(avatar, backdrop=behind), side, side)


def text(random: Random) -> list[Luma]:
    """A page of words."""
    side = int(random.choice(SIDES))
    page = np.full((side, side), random.integers(150, 256), np.uint8)
    size, letters = random.uniform(0.3, 0.8), np.array(list("abcdefghi klmnop rstu wxyz"))
    for line in range(int(size * 30), side, int(size * 40)):
        words = "".join(random.choice(letters, 60))
        cv2.putText(page, words, (4, line), cv2.FONT_HERSHEY_SIMPLEX, size, 20, 1, cv2.LINE_AA)
    return [page]


def noise(random: Random) -> list[Luma]:
    """Of one grain, over a slope."""
    side, grain = int(random.choice(SIDES)), random.uniform(0.4, 8)
    rough = cv2.GaussianBlur(random.standard_normal((side, side)), (0, 0), grain)
    slope = np.linspace(40, 40 + random.uniform(0, 180), side)[:, None]
    return [_bytes(slope + rough / rough.std() * random.uniform(0.3, 20))]


def cells(random: Random) -> list[Luma]:
    """Cells as a mark has them, by chance or like a chessboard, of any size."""
    side, cell = int(random.choice(SIDES)), random.uniform(3, 14)
    count = math.ceil(side / cell)
    signs = random.choice([-1.0, 1.0], (count, count))
    if random.random() < 0.3:
        signs = np.indices((count, count)).sum(axis=0) % 2 * 2.0 - 1
    grid = cv2.resize(signs, (side, side), interpolation=cv2.INTER_NEAREST)
    return [_bytes(random.uniform(40, 220) + random.uniform(0.6, 4) * grid)]


def shapes(random: Random) -> list[Luma]:
    """Discs and bars that move."""
    side = int(random.choice(SIDES))
    around, clip = random.integers(0, side, (12, 2)), []
    for step in range(6):
        picture = np.full((side, side), 110, np.uint8)
        for number, (x, y) in enumerate(around):
            place = int(x + 3 * step) % side, int(y)
            if number % 2:
                cv2.circle(picture, place, 5 + 3 * number, 20 * number, -1, cv2.LINE_AA)
            else:
                cv2.line(picture, place, (side - place[1], place[0]), 20 * number + 30, number + 1)
        clip.append(picture)
    return clip


def _bytes(values: Any) -> Luma:
    return np.asarray(np.rint(values).clip(0, 255), np.uint8)


def as_recorded(clip: list[Luma], random: Random) -> list[Luma]:
    """Brighter or darker, of another size, and through JPEG, whose blocks lie in a grid."""
    scale, quality = random.uniform(0.7, 1.3), int(random.integers(20, 98))
    gain, lift, made = random.uniform(0.7, 1.2), random.uniform(-15, 15), []
    for one in clip:
        sized = np.asarray(cv2.resize(one, None, fx=scale, fy=scale))
        _, data = cv2.imencode(".jpg", _bytes(sized * gain + lift),
                               [cv2.IMWRITE_JPEG_QUALITY, quality])  # fmt: skip
        made.append(np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8))
    return made


def false_alarms(clips: int, states: list[FaceState], seed: int = 1) -> dict[str, Any]:
    """How many have a mark, of whom there should be none; and whether the law holds.

    The law is looked at for one word at the likeliest place: as often as evidence exceeds a value
    that must not be more than exp(-value**2 / 2).
    """
    random = np.random.default_rng(seed)
    kinds: list[Callable[[Random], list[Luma]]] = [Faces(states).clip, text, noise, cells, shapes]
    counts, found, evidence = dict.fromkeys(("faces", *(k.__name__ for k in kinds[1:])), 0), 0, []
    for number in range(clips):
        kind = 0 if number % 2 else int(random.integers(1, len(kinds)))
        clip = as_recorded(kinds[kind](random), random)
        counts[list(counts)[kind]] += 1
        found += finding.find(clip) is not None
        evidence.append(_evidence(clip))
    seen = np.array(evidence)
    return {
        "clips": clips,
        "kinds": counts,
        "found": found,
        "evidence_of_one_word": {
            f"over {limit}": {
                "share": round(float((seen > limit).mean()), 4),
                "law": round(math.exp(-(limit**2) / 2), 4),
            }
            for limit in (1.0, 1.5, 2.0, 2.5, 3.0)
        },
    }


def _evidence(clip: list[Luma]) -> float:
    mean = finding._mean(clip)
    largest = min(finding.LARGEST, min(mean.shape) / finding._FEWEST)
    places = finding._places(mean, max(finding.SMALLEST, largest / 1.2), largest)
    place = max(places, key=lambda place: place.score, default=None)
    if place is None:
        return 0.0
    said, _ = pattern.data(finding._observed(mean, finding._nearer(mean, place)))
    return float(said @ WORD) / (float(np.linalg.norm(said)) + 1e-9)
