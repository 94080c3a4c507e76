"""Pigment of each strand."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.tools.persona.head import Floats

from .strands import Rng
from .style import HairStyle

# What light a hair of unit pigment takes, linear RGB (Chiang et al. 2016, as Cycles has them)
EUMELANIN: Final = np.array([0.506, 0.841, 1.653])
PHEOMELANIN: Final = np.array([0.343, 0.733, 1.924])
WHITE: Final = np.array([0.11, 0.125, 0.15])  # no pigment: what keratin itself takes


def absorption(
    melanin: float, style: HairStyle, white: Floats, count: int, steps: int, rng: Rng
) -> Floats:
    """Absorption (count, steps, 3): no two strands alike, roots darker, tips lighter.

    white: probability (count,) that a strand has lost its pigment.
    """
    quantity = -np.log(max(1 - melanin, 1e-3))
    own = quantity * np.exp(rng.normal(0, 0.22, count))
    red = np.clip(style.redness * np.exp(rng.normal(0, 0.2, count)), 0, 1)[:, None]
    colour = own[:, None] * ((1 - red) * EUMELANIN + red * PHEOMELANIN)
    t = np.linspace(0, 1, steps)[None, :, None]
    bleached = rng.uniform(0.3, 1.3, (count, 1, 1)) * style.tips
    faded = colour[:, None] * (1.12 - 0.12 * t - np.clip(bleached, 0, 0.9) * t**1.3)
    silver = WHITE * np.exp(rng.normal(0.1, 0.35, (count, 1)))
    gone = rng.random(count) < white
    return np.where(gone[:, None, None], silver[:, None] + 0 * t, faded)
