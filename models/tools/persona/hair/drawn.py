"""Hair drawn back to a knot: sleek, parted or not, with a few strands that got away."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.tools.persona.head import Floats
from models.tools.persona.mesh import Surface, scatter
from models.tools.persona.skin import rise

from .body import Body
from .filling import Texture, baby_hair, fill
from .long import apart, falling_guides, laid, sides
from .strands import Rng, Strands, across, shortened, unit, waved
from .style import HairStyle

STEPS = 26
GUIDES = 1300


def grow_bun(
    body: Body, skin: Surface, weight: Floats, rim: Floats, style: HairStyle, rng: Rng
) -> Mapping[str, Strands]:
    """Drawn back from the parting to a low knot behind the head."""
    knot = body.eye + np.array([0.0, 1.62, -0.05])
    slick = gathered(body, skin, weight, style, knot, rng)
    temple = weight * rise(0.42 - (skin.points[:, 1] - body.eye[1]), 0, 0.1)
    temple = temple * rise(0.55 - (skin.points[:, 2] - body.eye[2]), 0, 0.1)
    baby = baby_hair(body, skin, rim, np.array([0.55, 0.9, 0.15]), style, rng, 2600, 0.17)
    made = {"hair": slick, "baby": baby}
    if style.fringe > 0:
        made["wisps"] = _wisps(body, skin, temple, style, rng)
    return made


def gathered(
    body: Body,
    skin: Surface,
    weight: Floats,
    style: HairStyle,
    knot: Floats,
    rng: Rng,
    kink: float = 0.0,
) -> Strands:
    """Strands from all over the scalp, close to it, to a knot (3,); kink: of coily hair, dm."""
    roots, _ = scatter(skin, weight, GUIDES, rng)
    layer = rng.uniform(0, 1, GUIDES)
    side, lateral = sides(roots, body.eye, style), apart(roots, body.eye, style)
    parted = 0.0 if kink else 0.55  # drawn up, hair has no parting
    distance = np.linalg.norm(knot - roots, axis=1)

    def steer(at: Floats, normal: Floats, height: Floats, share: float) -> Floats:
        to_knot = unit(knot - at)
        early = parted * max(0.0, 1 - 2.2 * share) * rise(at[:, 2] - body.eye[2], 0.3, 0.7)
        aim = unit(across(to_knot, normal))
        aim[:, 0] += lateral * early * 1.3
        want = style.volume * (0.012 + 0.045 * layer) * rise(np.asarray(share), 0, 0.3)
        hug = np.clip((want - height) * 7, -0.8, 1.0)
        last = rise(0.35 - np.linalg.norm(knot - at, axis=1), 0, 0.25)[:, None]
        return (aim + normal * hug[:, None]) * (1 - last) + to_knot * last

    _, normal = body.near(roots)
    toward = across(knot - roots, normal)
    toward[:, 0] += lateral * parted
    guides = body.walk(roots, unit(toward) + 0.25 * normal, steer, 1.25 * distance, 44, 0.5)
    near = np.linalg.norm(guides - knot, axis=2).argmin(1)
    guides = shortened(guides, np.maximum(near, 6) / 43, STEPS)
    children, _ = scatter(skin, weight, style.strands, rng)
    texture = Texture(
        tufts=4200, held=0.45, frizz=0.006, loose=0.006, stray=0.03, uneven=0.0, radius=0.00085
    )
    hair = fill(guides, side, children, sides(children, body.eye, style), body.eye, texture, rng)[
        "hair"
    ]
    paths = hair.paths if kink else laid(hair.paths, body, style, 0.02, 0.05, rng)
    paths = body.cleared(paths, np.linspace(0.001, 0.01, STEPS))
    if kink:
        length = np.linalg.norm(np.diff(paths, axis=1), axis=2).sum(1)
        phase = rng.uniform(0, 6.28, len(paths))
        size = np.full(paths.shape[:2], kink) * np.linspace(0.3, 1, STEPS)
        paths = waved(paths, paths - body.eye, size, length / 0.12, phase)
    return Strands(paths, hair.radius)


def _wisps(body: Body, skin: Surface, weight: Floats, style: HairStyle, rng: Rng) -> Strands:
    """Loose strands before the ears."""
    roots, _ = scatter(skin, weight, 24, rng)
    guides = falling_guides(body, roots, style, 0.55, 0.5, rng)
    children, _ = scatter(skin, weight, 90, rng)
    texture = Texture(tufts=60, held=0.5, frizz=0.03, loose=0.2, radius=0.0006, wave=0.05)
    return fill(
        guides,
        sides(roots, body.eye, style),
        children,
        sides(children, body.eye, style),
        body.eye + np.array([0, 0.9, 0]),
        texture,
        rng,
    )["hair"]
