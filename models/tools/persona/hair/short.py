"""Short cuts: scissor cut with a fade, tousled, and a woman's short cut with a side fringe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from models.tools.persona.head import Floats
from models.tools.persona.mesh import Surface, sampled, scatter
from models.tools.persona.skin import rise

from .body import Body
from .filling import Texture, baby_hair, fill
from .long import apart, aside, beside, laid
from .strands import Rng, Strands, across, shortened, unit
from .style import HairStyle

GUIDES = 2400
STEPS = 13


@dataclass(frozen=True, slots=True)
class Cut:
    """Per root: length (k,) in dm, heading (k, 3), how steeply (k,) it leaves and how high it
    stands (k,), as a share of its length."""

    length: Floats
    heading: Floats
    steep: Floats
    high: Floats


Barber = Callable[[Floats, Floats, Body, HairStyle, Rng], Cut]


def _zones(
    roots: Floats, normal: Floats, body: Body, style: HairStyle
) -> tuple[Floats, Floats, Floats]:
    """Top, front and height over the eyes (k,) of roots."""
    z, back = roots[:, 2] - body.eye[2], roots[:, 1] - body.eye[1]
    front = rise(0.75 - back, 0, 0.65)
    lower = front * (
        0.06 + max(0.0, 0.62 - style.forehead) * body.face
    )  # a low hairline is still the top's
    top = rise(z, 0.52 - lower, 0.88 - 1.6 * lower) * rise(normal[:, 2] + 0.35 * front, 0.10, 0.62)
    return top, front, z


def scissor(roots: Floats, normal: Floats, body: Body, style: HairStyle, rng: Rng) -> Cut:
    """Longer on top and swept across from the parting, close at sides and nape."""
    top, front, z = _zones(roots, normal, body, style)
    side = apart(roots, body.eye, style, 0.30)
    less = rise(side * np.sign(style.parting or 1.0), 0.0, 1.0) * top  # the smaller side
    whole = (style.length or 0.54) * (1 - 0.15 * less)
    fade = 0.022 + 0.20 * whole * rise(z, -0.15, 0.45) + 0.30 * whole * rise(z, 0.35, 0.70)
    length = fade + (whole * (0.85 + 0.3 * front) - fade) * top
    still = np.zeros(len(roots))
    over = np.stack([0.95 * side, 0.50 - 0.25 * front, still + 0.15 + 0.25 * front], 1)
    low = np.stack([0.05 * side, 0.30 - 0.45 * front, -1.0 + still], 1)
    heading = over * top[:, None] + low * (1 - top)[:, None]
    heading = heading + rng.normal(0, 0.12, heading.shape) * (1 + front)[:, None]
    return Cut(
        length,
        heading,
        0.35 + 0.65 * top,
        0.10 + 0.26 * top * style.volume,
    )


def tousled(roots: Floats, normal: Floats, body: Body, style: HairStyle, rng: Rng) -> Cut:
    """No parting: tufts that lie forward and aside as fingers left them."""
    top, front, z = _zones(roots, normal, body, style)
    whole = style.length or 0.50
    fade = 0.03 + 0.22 * whole * rise(z, -0.15, 0.45) + 0.35 * whole * rise(z, 0.35, 0.70)
    length = fade + (whole - fade) * top
    x, y = roots[:, 0], roots[:, 1]
    lean = 0.9 * np.sin(4.1 * x + 2.0 * np.sin(3.3 * y)) + 0.6 * np.sin(7.7 * y + 5.1 * x)
    still = np.zeros(len(roots))
    over = np.stack([0.9 * lean, -0.45 - 0.15 * front, 0.45 + 0.35 * np.cos(2.3 * lean)], 1)
    low = np.stack([0.0 * x, 0.25 - 0.45 * front, -1.0 + still], 1)
    heading = over * top[:, None] + low * (1 - top)[:, None]
    heading = heading + rng.normal(0, 0.20, heading.shape)
    return Cut(length, heading, 0.4 + 0.9 * top, 0.12 + 0.34 * top * style.volume)


def pixie(roots: Floats, normal: Floats, body: Body, style: HairStyle, rng: Rng) -> Cut:
    """A woman's short cut: full on top, a fringe swept to one side, half over the ears."""
    top, front, z = _zones(roots, normal, body, style)
    whole = style.length or 0.95
    length = whole * (0.52 + 0.48 * top) * (0.55 + 0.45 * rise(z, -0.5, 0.2))
    side = aside(beside(roots, body.eye, style), 0.22, 0.45)  # combed over, to the nape too
    still = np.zeros(len(roots))
    fringe = front * style.fringe
    over = np.stack([1.0 * side, 0.45 - 0.75 * fringe, still - 0.05 * fringe], 1)
    low = np.stack([0.1 * side, 0.20 - 0.15 * front, -1.0 + still], 1)
    heading = over * top[:, None] + low * (1 - top)[:, None]
    heading = heading + rng.normal(0, 0.10, heading.shape)
    return Cut(length, heading, 0.45 + 0.55 * top, (0.09 + 0.06 * top) * style.volume)


def grow_short(barber: Barber, texture: Texture) -> Callable[..., Mapping[str, Strands]]:
    """A grower of this cut."""

    def grow(
        body: Body, skin: Surface, weight: Floats, rim: Floats, style: HairStyle, rng: Rng
    ) -> Mapping[str, Strands]:
        roots, normal = scatter(skin, weight, GUIDES, rng)
        guides = _guides(body, roots, normal, barber(roots, normal, body, style, rng))
        seen = weight * (1 - 0.6 * rise(skin.points[:, 1] - body.eye[1], 0.9, 1.3))
        children, _ = scatter(skin, seen, style.strands, rng)
        one = np.ones(GUIDES), np.ones(len(children))
        hair = fill(
            guides, one[0], children, one[1], body.eye + np.array([0, 0.9, 0]), texture, rng
        )
        paths = hair["hair"].paths
        if barber is not tousled:
            paths = laid(paths, body, style, 0.10, 0.15, rng)
        paths = body.cleared(paths, np.linspace(0.001, 0.012, STEPS))
        up = np.array([0.25, 0.25, 0.75])
        baby = baby_hair(body, skin, rim, up, style, rng, count=3600, length=0.10)
        fine = 0.55 + 0.45 * rise(sampled(weight, skin, children), 0.1, 0.7)  # at the hairline
        return {"hair": Strands(paths, hair["hair"].radius * fine), "baby": baby}

    return grow


def _guides(body: Body, roots: Floats, normal: Floats, cut: Cut) -> Floats:
    """Guides (k, STEPS, 3): up from the root, then over, and down by their weight."""

    def steer(at: Floats, normal: Floats, height: Floats, share: float) -> Floats:
        along = unit(across(cut.heading, normal))
        want = cut.high * cut.length * np.sin(np.pi * min(share, 0.8))
        aim = along + normal * np.clip((want - height) * 9, -0.8, 1.2)[:, None]
        aim[:, 2] -= 0.7 * share * cut.length
        return np.asarray(aim)

    first = unit(across(cut.heading, normal)) + normal * cut.steep[:, None]
    paths = body.walk(roots, first, steer, cut.length, STEPS, 0.5)
    return shortened(paths, np.ones(len(paths)), STEPS)
