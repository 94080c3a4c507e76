"""Faces that people make when they look up at somebody they like. Numbers only."""

from __future__ import annotations

import random


def friendly(smile: float = 0.4, seed: int = 0, open_eyes: float = 0.15) -> dict[str, float]:
    """ARKit coefficients of a slight Duchenne smile, a little stronger on one side.

    Cheeks and lower lids rise with the mouth's corners: a smile of the mouth alone looks put on.
    open_eyes in [-1, 1] lifts or lowers the upper lids against the person's own.
    """
    rng = random.Random(seed)
    lean = rng.choice((-1, 1)) * rng.uniform(0.02, 0.06)
    out: dict[str, float] = {"mouthPressLeft": 0.03, "mouthPressRight": 0.04}
    for side, share in (("Left", 1 + lean), ("Right", 1 - lean)):
        out[f"mouthSmile{side}"] = 1.4 * smile * share
        out[f"mouthDimple{side}"] = 0.12 * smile * share
        out[f"cheekSquint{side}"] = 0.55 * smile * share
        out[f"eyeSquint{side}"] = 0.28 * smile * share
        out[f"eyeWide{side}"] = max(open_eyes, 0.0)
        out[f"eyeBlink{side}"] = 0.2 * max(-open_eyes, 0.0)
        out[f"browDown{side}"] = 0.10  # raised inner ends look worried
    return out
