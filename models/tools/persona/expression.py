"""Faces that people make when they look up at somebody they like. Numbers only."""

from __future__ import annotations

import random


def friendly(
    smile: float = 0.4, seed: int = 0, open_eyes: float = 0.15, cheeks: float = 0.55
) -> dict[str, float]:
    """ARKit coefficients of a slight Duchenne smile.

    Cheeks and lower lids rise with the mouth's corners: a smile of the mouth alone looks put on.
    cheeks: how much of the smile they take.
    open_eyes in [-1, 1] lifts or lowers the upper lids against the person's own.
    """
    rng = random.Random(seed)
    lean = rng.choice((-1, 1)) * rng.uniform(0.0, 0.012)
    out: dict[str, float] = {"mouthClose": 0.02}
    for side, share in (("Left", 1 + lean), ("Right", 1 - lean)):
        out[f"mouthSmile{side}"] = 1.4 * smile * share
        out[f"mouthDimple{side}"] = 0.05 * smile * share
        out[f"cheekSquint{side}"] = cheeks * smile * share
        out[f"eyeSquint{side}"] = 0.7 * cheeks * smile * share
        out[f"eyeWide{side}"] = max(open_eyes, 0.0)
        out[f"eyeBlink{side}"] = 0.2 * max(-open_eyes, 0.0)
        out[f"browDown{side}"] = 0.10  # raised inner ends look worried
    return out
