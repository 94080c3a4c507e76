"""How surely a face is known again: cosines of one person's pictures, and of different people's.

    python -m bench.face.whose [FOLDER]

People who do not exist (the portraits of this benchmark, and the shipped ones), and, where a folder
of photos is given, the people in it: `name-anything.jpg`, one name a person. The figures of real
people were made with photos in the public domain out of two packages, which are not kept here.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from bench.face.portraits import FOLDER, SHIPPED
from visavis.models import recognition
from visavis.models.pictures import opening
from visavis.server.avatars.faces import Face
from visavis.server.avatars.likeness import Consent, Kept, alike

Rgb = npt.NDArray[np.uint8]
People = dict[str, list[list[recognition.Template]]]  # of each photo: as it is, then changed

MADE: Final = ("ada", "bruno", "kofi", "mei")
THRESHOLDS: Final = (0.3, 0.363, 0.4, 0.45, 0.5, 0.6, 0.85)


def _gamma(power: float) -> Callable[[Rgb], Rgb]:
    table = np.round(255 * (np.arange(256) / 255) ** power).astype(np.uint8)
    return lambda image: np.asarray(cv2.LUT(image, table), np.uint8)


def _jpeg(image: Rgb) -> Rgb:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, [1, 20])[1], -1), np.uint8)


def _tiny(image: Rgb) -> Rgb:
    scale = 160 / max(image.shape[:2])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _grey(image: Rgb) -> Rgb:
    one = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(one, cv2.COLOR_GRAY2RGB), np.uint8)


def _turned(image: Rgb) -> Rgb:
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 12, 1)
    moved = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _side_lit(image: Rgb) -> Rgb:
    light = np.linspace(0.35, 1.2, image.shape[1])[None, :, None]
    return np.clip(image * light, 0, 255).astype(np.uint8)


def _noisy(image: Rgb) -> Rgb:
    noise = np.random.default_rng(1).normal(0, 25, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


CHANGES: Final[dict[str, Callable[[Rgb], Rgb]]] = {
    "JPEG at 20": _jpeg, "160 px": _tiny, "dark": _gamma(2.2), "pale": _gamma(0.5),
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]), "grey": _grey,
    "warm": lambda image: np.clip(image * [1.2, 1, 0.7], 0, 255).astype(np.uint8),
    "blurred": lambda image: np.asarray(
        cv2.GaussianBlur(image, (0, 0), max(image.shape) / 150), np.uint8),
    "turned by 12": _turned, "lit from a side": _side_lit, "noise of 25": _noisy,
    "narrower by 14 %": lambda image: np.asarray(
        cv2.resize(image, (round(image.shape[1] * 0.86), image.shape[0])), np.uint8),
}  # fmt: skip


def _picture(path: Path) -> Rgb:
    return np.asarray(opening.upright(path.read_bytes()).convert("RGB"), np.uint8)


def _templates(path: Path, network: Path) -> list[recognition.Template]:
    image = _picture(path)
    changed = [image, *(change(image) for change in CHANGES.values())]
    found = [recognition.of_picture(each, network) for each in changed]
    return [each if each is not None else np.zeros(128, np.float32) for each in found]


def _people(paths: dict[str, list[Path]], network: Path) -> People:
    return {name: [_templates(path, network) for path in photos] for name, photos in paths.items()}


def _own(people: People) -> list[float]:
    """One photo, changed."""
    return [
        float(photo[0] @ other)
        for photos in people.values()
        for photo in photos
        for other in photo[1:]
    ]


def _others_photos(people: People) -> list[float]:
    """Two photos of one person, the second one changed or not."""
    return [
        float(one[0] @ changed)
        for photos in people.values()
        for one, other in combinations(photos, 2)
        for changed in other
    ]


def _strangers(people: People) -> list[float]:
    return [
        float(a @ b)
        for one, other in combinations(people.values(), 2)
        for photo in one
        for again in other
        for a in photo
        for b in again
    ]


def _spread(values: list[float], same: bool) -> dict[str, Any]:
    if not values:
        return {"pairs": 0}
    array = np.array(values)
    wrong = {
        str(each): round(float((array < each).mean() if same else (array >= each).mean()), 4)
        for each in THRESHOLDS
    }
    return {
        "pairs": len(values),
        "least": round(float(array.min()), 3),
        "median": round(float(np.median(array)), 3),
        "most": round(float(array.max()), 3),
        "missed" if same else "taken for the same": wrong,
    }


def _figures(people: People) -> dict[str, Any]:
    return {
        "people": len(people),
        "one photo, changed": _spread(_own(people), same=True),
        "another photo": _spread(_others_photos(people), same=True),
        "strangers": _spread(_strangers(people), same=False),
    }


def _times(network: Path) -> dict[str, float]:
    image = _picture(SHIPPED / "mira.webp")
    own = recognition.of_picture(image, network)
    assert own is not None
    began = time.perf_counter()
    for _ in range(5):
        recognition.of_picture(image, network)
    one = (time.perf_counter() - began) / 5
    rng = np.random.default_rng(0)
    many = rng.normal(size=(500, recognition.SIZE)).astype(np.float32)
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    faces = [Face(str(at), numbers) for at, numbers in enumerate(many)]
    kept = {face.avatar: Kept(Consent("a", "b", "c", "d")) for face in faces}
    began = time.perf_counter()
    alike(own, faces, kept)
    compared = time.perf_counter() - began
    return {"one_face_ms": round(1e3 * one, 1), "compared_with_500_ms": round(1e3 * compared, 2)}


def main() -> None:
    network = recognition.locate()
    made = {name: [FOLDER / f"{name}.webp"] for name in MADE}
    made |= {path.stem: [path] for path in sorted(SHIPPED.glob("*.webp"))}
    report: dict[str, Any] = {"times": _times(network), "made": _figures(_people(made, network))}
    if len(sys.argv) > 1:
        given: dict[str, list[Path]] = {}
        for path in sorted(Path(sys.argv[1]).iterdir()):
            given.setdefault(path.stem.split("-")[0], []).append(path)
        report["given"] = _figures(_people(given, network))
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
