"""How far one picture is from another: as a whole, and where it is farthest."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.base import I420

REGION: Final = 8  # px of a plane, each way
MEAN: Final = 2.0  # of 255: the most that whole pictures may differ
WORST: Final = 12.0  # of 255: the most that a region may


def apart(one: I420, other: I420) -> tuple[float, float]:
    """Mean absolute difference of the whole, and of the region that differs most."""
    away = np.abs(one.astype(np.int16) - other)
    height, width = away.shape[0] * 2 // 3, away.shape[1]
    flat = away.reshape(-1)
    half = (2, height // 2, width // 2)
    planes = [flat[: height * width].reshape(height, width), *flat[height * width :].reshape(half)]
    return float(away.mean()), max(_worst(plane) for plane in planes)


def _worst(plane: npt.NDArray[np.int16]) -> float:
    rows, columns = (n // REGION * REGION for n in plane.shape)
    whole = plane[:rows, :columns]
    blocks = whole.reshape(rows // REGION, REGION, columns // REGION, REGION)
    return float(blocks.mean((1, 3)).max())
