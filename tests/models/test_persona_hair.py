"""Strands of personas' hair: what needs no Blender."""

from __future__ import annotations

import numpy as np
import pytest

from models.tools.persona.hair import HairStyle, strands
from models.tools.persona.hair.colour import absorption
from models.tools.persona.hair.lashes import rolled
from models.tools.persona.head import HeadState, rotation

STEPS = 9


def rng():
    return np.random.default_rng(3)


def guides(count=40):
    """Straight guides of 1 dm, side by side, that rise as they go back."""
    roots = np.stack([np.linspace(0, 4, count), np.zeros(count), np.zeros(count)], 1)
    return roots[:, None] + np.linspace(0, 1, STEPS)[None, :, None] * np.array([0, 0.6, 0.8])


def test_a_shortened_strand_ends_where_it_is_told():
    half = strands.shortened(guides(), np.full(40, 0.5), STEPS)
    assert half.shape == guides().shape
    assert np.allclose(half[:, -1], guides()[:, STEPS // 2])


def test_strands_wander_away_from_the_root_only():
    off = strands.wander(500, STEPS, 0.5, rng())
    assert not off[:, 0].any()
    assert off[:, -1].std() > 3 * off[:, 1].std() > 0


class Eyes:
    """A head of two eyeballs that does not turn."""

    eyes = {  # noqa: RUF012
        side: (np.array([x, 0.0, 0.0]), 0.14) for side, x in (("l", 0.3), ("r", -0.3))
    }

    def turned(self, points, share, state):
        return points


@pytest.mark.parametrize("side", [0.3, -0.3])
def test_lashes_roll_with_their_lid(side):
    ahead = np.array([0.0, -1.0, 0.35])
    paths = np.array([side, 0, 0]) + (0.14 + np.linspace(0, 0.08, STEPS))[:, None] * ahead
    paths = paths[None]
    still = rolled(paths, paths[:, 0], Eyes(), HeadState())
    assert np.allclose(still, paths)
    # The lid shuts: its rim goes 40 degrees down around the eyeball's middle.
    centre = np.array([side, 0, 0])
    shut = (paths[:, 0] - centre) @ rotation(0, -40, 0).T + centre
    down = rolled(paths, shut, Eyes(), HeadState())
    assert np.allclose(down, (paths - centre) @ rotation(0, -40, 0).T + centre)
    assert down[0, -1, 2] < down[0, 0, 2]


def test_pigment_is_darkest_at_the_root_and_white_hair_has_none():
    style = HairStyle(melanin=0.7, redness=0.3, tips=0.5)
    white = np.repeat([0.0, 1.0], 400)
    pigment = absorption(0.7, style, white, 800, STEPS, rng())
    coloured, silver = pigment[:400], pigment[400:]
    assert (coloured[:, 0] > coloured[:, -1]).all()
    assert (pigment > 0).all()
    assert silver.mean() < 0.3 * coloured[:, 0].mean()
    assert np.ptp(silver.mean((0, 1))) < 0.1  # grey, not blond
    blond = absorption(0.2, style, white * 0, 800, STEPS, rng())
    assert blond[:, 0].mean() < 0.4 * coloured[:, 0].mean()
