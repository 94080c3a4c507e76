"""Pictures made small enough to keep hundreds of, and to find one of them again behind a codec."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np

_SIDE: Final = 48  # px


def thumb(rgb: Any) -> Any:
    """(height, width, 3) uint8 -> (48, 48) float32: the lower half of the face, where it speaks."""
    height, width = rgb.shape[:2]
    part = rgb[height * 2 // 5 : height * 9 // 10, width // 4 : width * 3 // 4]
    grey = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)


def found(pictures: Any, among: Any) -> list[tuple[int, float]]:
    """Each of (n, 48, 48): which of `among` it is, and how much nearer that is than the next."""
    flat = among.reshape(len(among), -1)
    result = []
    for picture in pictures:
        distances = ((flat - picture.ravel()) ** 2).mean(1)
        order = np.argsort(distances)
        result.append((int(order[0]), float(distances[order[1]] / max(distances[order[0]], 1e-6))))
    return result
