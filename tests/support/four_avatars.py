"""Four synthetic avatars, and random states of a face: what generators are compared over."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.base import FaceState
from visavis.models import arkit
from visavis.models.avatar.file import SHIPPED, Avatar, Consent, load_avatar
from visavis.models.bake import portrait

ROOT: Final = Path(__file__).parents[2]
CONSENT: Final = Consent("nobody: synthetic", "made for tests", "the tests", "2026-01-01")
BAKED: Final = {
    "frontal": ROOT / "tests" / "data" / "frontal.webp",
    "persona": ROOT / "tests" / "data" / "persona.webp",
    "ada": ROOT / "bench" / "face" / "portraits" / "ada.webp",  # wears glasses
}
NAMES: Final = ("frontal", "tomas", "persona", "ada")
POSE: Final = (15.0, 10.0, 10.0)  # degrees: a quarter more than the most in bench/face/truth.py
SHIFT: Final = 0.15  # interocular distances
GAZE: Final = (25.0, 15.0)  # degrees
FOLDED: Final = (
    {"jawOpen": 1.0, "mouthPucker": 1.0},
    {"jawOpen": 0.8, "mouthFunnel": 0.7, "mouthPucker": 0.9, "mouthClose": 0.4},
    {"eyeBlinkLeft": 1.0, "eyeSquintLeft": 1.0, "eyeBlinkRight": 0.7, "eyeSquintRight": 1.0},
    {"jawLeft": 0.9, "jawRight": 0.9, "mouthRollLower": 0.7, "mouthShrugLower": 0.8},
    {"mouthUpperUpLeft": 1.0, "mouthUpperUpRight": 1.0, "mouthLowerDownLeft": 1.0, "jawOpen": 0.6},
)


@cache
def four_avatars(name: str) -> Avatar:
    """One of NAMES; those that are baked, once in a session."""
    if name in BAKED:
        return portrait.create_avatar(BAKED[name], name, CONSENT)
    return load_avatar(SHIPPED / f"{name}.avatar")


def states(count: int, seed: int) -> Iterator[FaceState]:
    """In turn: all coefficients at random, a few, one of FOLDED; head and eyes anywhere."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        face = rng.uniform(0, 1, arkit.COUNT).astype(np.float32)
        if k % 3 == 1:
            face *= rng.uniform(0, 1, arkit.COUNT) < 0.15
        if k % 3 == 2:
            face = _named(FOLDED[k // 3 % len(FOLDED)]) * np.float32(rng.uniform(0.7, 1))
        yield FaceState(face, _pose(rng), _gaze(rng), float(rng.uniform(0, 1)))


def _named(units: dict[str, float]) -> npt.NDArray[np.float32]:
    face = np.zeros(arkit.COUNT, np.float32)
    for name, value in units.items():
        face[arkit.INDEX[name]] = value
    return face


def _pose(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    pose = rng.uniform(-1, 1, 6) * (*POSE, SHIFT, SHIFT, SHIFT)
    return pose.astype(np.float32)


def _gaze(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    return (rng.uniform(-1, 1, 2) * GAZE).astype(np.float32)
