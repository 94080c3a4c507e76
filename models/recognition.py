"""Whose face it is: SFace turns an aligned face into 128 numbers, and people into angles.

Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition" (2021), the
network of OpenCV's model zoo. A template is biometric data: whoever keeps one says where.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models import manifest
from visavis.models.bake import landmarks as lm

Rgb = npt.NDArray[np.uint8]  # (height, width, 3)
Floats = npt.NDArray[np.float32]
Template = npt.NDArray[np.float32]  # (128,), of length 1

MODEL: Final = "sface"
SIZE: Final = 128  # numbers of a template
SIDE: Final = 112  # px of what the network sees
# Where it expects the subject's right eye, left eye, tip of the nose, corners of the mouth: the
# five points of ArcFace's crop, which SFace was trained with.
EXPECTED: Final = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
     [70.7299, 92.2041]], np.float32,
)  # fmt: skip
NOSE_TIP: Final = 1
# The same person from here on: docs/figures.md, "Whose face it is". The network's authors take
# 0.363 for photos of LFW.
SAME: Final = 0.363


def locate(pulled: Path | None = None) -> Path:
    """The network's file. Raises ManifestError."""
    return manifest.locate(MODEL, pulled)


@cache
def _network(path: Path) -> Any:
    # OpenCV's own runner: onnxruntime unpacks the 8-bit weights of this file anew in each call,
    # which takes two thirds of the time.
    return cv2.dnn.readNetFromONNX(str(path))


def template(picture: Rgb, points: Floats, network: Path) -> Template:
    """The numbers of one face: its landmarks (468, 3) in the picture; `network` from `locate`."""
    blob = cv2.dnn.blobFromImage(aligned(picture, points), 1.0, (SIDE, SIDE))
    runner = _network(network)
    runner.setInput(blob, "data")
    numbers = np.asarray(runner.forward(), np.float32).reshape(-1)
    return np.asarray(numbers / max(float(np.linalg.norm(numbers)), 1e-9), np.float32)


def of_picture(picture: Rgb, network: Path) -> Template | None:
    """Of the surest face in a picture; None where none is found."""
    found = lm.detect(picture)
    if not found:
        return None
    return template(picture, lm.find_landmarks(picture, found[0]).points, network)


def aligned(picture: Rgb, landmarks: Floats) -> Rgb:
    """(112, 112, 3) of the face: turned, moved and scaled until its points lie as expected."""
    points = landmarks[:, :2]
    own = np.stack(
        [
            points[list(lm.EYE_RIGHT)].mean(0),
            points[list(lm.EYE_LEFT)].mean(0),
            points[NOSE_TIP],
            *points[list(lm.MOUTH_CORNERS)],
        ]
    )
    there = _similarity(own, EXPECTED)
    shrunk = float(np.linalg.norm(there[:, 0]))
    # Shrinking with plain linear sampling aliases: blur before.
    source = picture if shrunk > 0.67 else cv2.GaussianBlur(picture, (0, 0), 1 / shrunk / 3)
    crop = cv2.warpAffine(source, there, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8)


def _similarity(source: Floats, target: Floats) -> Floats:
    """(2, 3) turn, scale and shift that bring points nearest to others (Umeyama 1991, in 2D)."""
    middle, aim = source.mean(0), target.mean(0)
    a, b = source - middle, target - aim
    # Rows (x, y) as complex numbers: the one factor that maps a to b in the least squares.
    p, q = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    factor = complex(np.vdot(p, q) / max(float(np.vdot(p, p).real), 1e-9))
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.hstack([linear, (aim - linear @ middle)[:, None]]).astype(np.float32)
