"""Landmarks of a clip's pictures: by our own model, or by MediaPipe's mesh with attention."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.models.bake import landmarks as lm

Rgb = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

SCRIPT: Final = Path(__file__).with_name("attention_mesh.py")
PRESENT: Final = 0.5  # below this a face is looked for anew


def points(pictures: Sequence[Rgb], python: Path | None = None) -> Floats:
    """(pictures, 468, 3) px; python: whose mediapipe looks, see SCRIPT.

    Where no face is found the one before stands. Raises ValueError where there is none at all.
    """
    found = _ours(pictures) if python is None else _attention(pictures, python)
    seen = np.flatnonzero(np.isfinite(found).all((1, 2)))
    if not len(seen):
        message = "no face is found in any picture of the clip"
        raise ValueError(message)
    nearest = np.searchsorted(seen, np.arange(len(found)), side="right") - 1
    return found[seen[np.maximum(nearest, 0)]]


def _ours(pictures: Sequence[Rgb]) -> Floats:
    rows, before = [], None
    for picture in pictures:
        if before is None:
            faces = lm.detect(picture)
            before = lm.find_landmarks(picture, faces[0]).points if faces else None
        if before is not None:
            seen, presence = lm.tracked(picture, before)
            before = seen if presence > PRESENT else None
        rows.append(np.full((lm.POINTS, 3), np.nan) if before is None else before)
    return np.array(rows, np.float32)


def _attention(pictures: Sequence[Rgb], python: Path) -> Floats:
    height, width = pictures[0].shape[:2]
    done = subprocess.run(
        [str(python), str(SCRIPT), str(width), str(height)],
        input=b"".join(picture.tobytes() for picture in pictures),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return np.frombuffer(done.stdout, np.float32).reshape(-1, lm.POINTS, 3)
