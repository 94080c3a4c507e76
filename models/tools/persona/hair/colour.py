"""Pigment of each strand."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.tools.persona.head import Floats

from .strands import Rng, scattered
from .style import HairStyle

# What light a hair of unit pigment takes, linear RGB (Chiang et al. 2016, as Cycles has them)
EUMELANIN: Final = np.array([0.506, 0.841, 1.653])
PHEOMELANIN: Final = np.array([0.343, 0.733, 1.924])
TUFT: Final = 0.05  # dm
WHITE: Final = np.array([0.11, 0.125, 0.15])  # no pigment: what keratin itself takes


def absorption(
    melanin: float, style: HairStyle, white: Floats, roots: Floats, steps: int, rng: Rng
) -> Floats:
    """Absorption (k, steps, 3) of strands by their roots (k, 3): no two alike, those of a tuft
    rather alike, roots darker, tips lighter.

    white: probability (k,) that a strand has lost its pigment.
    """
    count, tuft = len(roots), scattered(roots, TUFT)
    quantity = -np.log(max(1 - melanin, 1e-3))
    own = quantity * np.exp(
        rng.normal(0, 0.27, count) + 0.16 * tuft + 0.24 * scattered(roots, 0.014)
    )
    red = np.clip(style.redness * np.exp(rng.normal(0, 0.2, count)), 0, 1)[:, None]
    colour = own[:, None] * ((1 - red) * EUMELANIN + red * PHEOMELANIN)
    t = np.linspace(0, 1, steps)[None, :, None]
    bleached = rng.uniform(0.3, 1.3, (count, 1, 1)) * style.tips
    faded = colour[:, None] * (1.12 - 0.12 * t - np.clip(bleached, 0, 0.9) * t**1.3)
    silver = WHITE * np.exp(rng.normal(0.2, 0.45, (count, 1)) + 0.35 * tuft[:, None])
    gone = rng.random(count) < white * (1 + 0.45 * tuft * (1 - white))
    return np.where(gone[:, None, None], silver[:, None] + 0 * t, faded)
