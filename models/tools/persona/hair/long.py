"""Hair that falls: long, wavy, or a bob. Parted, over or behind the ears, onto the shoulders."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.tools.persona.head import Floats
from models.tools.persona.mesh import Surface, sampled, scatter
from models.tools.persona.skin import rise

from .body import Body
from .filling import Texture, baby_hair, fill
from .strands import Flags, Rng, Strands, across, scattered, shortened, unit
from .style import HairStyle

GUIDES = 1400
STEPS = 30
WALK = 64  # steps of a guide before it is cut
REACH = 3.4  # dm: longer than any hair that is kept


def beside(points: Floats, eye: Floats, style: HairStyle) -> Floats:
    """How far (k,) in dm points (k, 3) lie to the left of the parting, a line that wavers as no
    comb draws it straight."""
    back = points[:, 1] - eye[1]
    line = style.parting * np.clip(1.15 - 0.5 * back, 0, 1)
    line = line + 0.006 * np.sin(back * 23) + 0.003 * np.sin(back * 61 + 1)
    return np.asarray(points[:, 0] - line)


def sides(roots: Floats, eye: Floats, style: HairStyle) -> Floats:
    """-1 or 1 (k,): which side of the parting a hair goes to; a few cross it."""
    crossing = 0.040 * scattered(roots, 0.002)
    return np.where(beside(roots, eye, style) > crossing, 1.0, -1.0)


def aside(off: Floats, soft: float, least: float) -> Floats:
    """How far (k,) hair `off` dm from the parting goes aside: `least` at it, 1 from `soft` on."""
    return np.asarray(np.sign(off) * (least + (1 - least) * rise(np.abs(off), 0, soft)))


def apart(roots: Floats, eye: Floats, style: HairStyle, soft: float = 0.14) -> Floats:
    """How far (k,) hair goes aside, -1 to 1: less within `soft` dm of the parting, where it is
    combed back, and less at the crown, where the parting ends."""
    off = beside(roots, eye, style)
    side = aside(off, soft, 0.30) if soft < 0.2 else off / soft
    crown = rise(roots[:, 1] - eye[1], 0.15, 0.55)
    side = np.clip(side, -1, 1) * (1 - crown) + crown * np.clip(roots[:, 0] / 0.4, -1, 1)
    return np.asarray(side)


def laid(paths: Floats, body: Body, style: HairStyle, low: float, high: float, rng: Rng) -> Floats:
    """Strands (k, steps, 3) that lie on the upper head as one even cover: `low` dm over the skin
    at the parting, rising alike on both its sides to `high`, more at the sides of the head."""
    count, steps, _ = paths.shape
    flat = paths[:, 1:].reshape(-1, 3)
    height, normal = body.near(flat)
    z, back = flat[:, 2] - body.eye[2], flat[:, 1] - body.eye[1]
    near = np.exp(-((beside(flat, body.eye, style) / 0.26) ** 2)) * (1 - rise(back, 0.3, 0.8))
    cap = (high + 0.7 * high * rise(0.85 - z, 0, 0.5)) * style.volume
    cap = cap + (low - cap) * near
    own = np.where(rng.random(count) < 0.03, 1.5, rng.uniform(0.72, 1.12, count))
    cap = cap * np.repeat(own, steps - 1)
    over = np.maximum(height, 0)
    lower = over - cap * (1 - np.exp(-over / cap))
    moved = flat - normal * (lower * rise(z, 0.1, 0.5))[:, None]
    return np.concatenate([paths[:, :1], moved.reshape(count, steps - 1, 3)], 1)


def grow_long(
    body: Body, skin: Surface, weight: Floats, rim: Floats, style: HairStyle, rng: Rng
) -> Mapping[str, Strands]:
    """Shoulder length and longer."""
    texture = Texture(
        tufts=3600,
        held=0.74,
        frizz=0.021,
        wave=0.115 * style.wave,
        uneven=0.34,
        loose=0.020,
        stray=0.045,
        locks=130,
        bound=0.35 + 0.3 * style.wave,
    )
    return _falling(body, skin, weight, rim, style, style.length or 1.45, 0.16, texture, rng)


def grow_bob(
    body: Body, skin: Surface, weight: Floats, rim: Floats, style: HairStyle, rng: Rng
) -> Mapping[str, Strands]:
    """Cut to one length about the chin, turned in a little."""
    texture = Texture(
        tufts=3600,
        held=0.70,
        frizz=0.019,
        wave=0.09 * style.wave,
        uneven=0.30,
        loose=0.020,
        stray=0.045,
        locks=170,
        bound=0.25 + 0.3 * style.wave,
    )
    return _falling(body, skin, weight, rim, style, style.length or 0.80, 0.12, texture, rng)


def _falling(
    body: Body,
    skin: Surface,
    weight: Floats,
    rim: Floats,
    style: HairStyle,
    end: float,
    layers: float,
    texture: Texture,
    rng: Rng,
) -> Mapping[str, Strands]:
    roots, _ = scatter(skin, weight, GUIDES, rng)
    guides = falling_guides(body, roots, style, end, layers, rng)
    # Nobody sees the back of the head: fewer hairs there.
    seen = weight * (1 - 0.6 * rise(skin.points[:, 1] - body.eye[1], 0.9, 1.3))
    off = beside(skin.points, body.eye, style)
    seen = seen * (1 + 1.4 * weight * np.exp(-((off / 0.12) ** 2)))
    seen = seen * (1 - 0.4 * np.exp(-((off / 0.010) ** 2)))  # the parting's own skin
    children, _ = scatter(skin, seen, style.strands, rng)
    grown = fill(
        guides,
        sides(roots, body.eye, style),
        children,
        sides(children, body.eye, style),
        body.eye + np.array([0, 0.9, 0.2]),
        texture,
        rng,
    )
    hair = grown["hair"]
    # Over the skin even between the points of a strand, which are a centimetre apart.
    gap = np.interp(np.linspace(0, 1, STEPS), [0, 0.04, 0.12, 1], [0.002, 0.010, 0.016, 0.03])
    paths = laid(hair.paths, body, style, 0.034, 0.085, rng)
    paths = body.cleared(paths, gap, over_ears=True)
    for _ in range(3):  # no kinks where it passes over an ear
        paths[:, 1:-1] = 0.5 * paths[:, 1:-1] + 0.25 * (paths[:, :-2] + paths[:, 2:])
    paths = body.cleared(paths, gap)
    kept = ~_before_face(paths, body)
    fine = 0.55 + 0.45 * rise(sampled(weight, skin, children), 0.1, 0.7)  # at the hairline
    hair = Strands(paths[kept], (hair.radius * fine)[kept])
    baby = baby_hair(body, skin, rim, np.array([0.8, 0.7, 0.15]), style, rng, 900, 0.08)
    return {"hair": hair, "baby": baby}


def _before_face(paths: Floats, body: Body) -> Flags:
    """Which strands (k,) stray before eyes, nose or cheeks, or over the throat."""
    x, y, z = np.moveaxis(paths - body.eye, 2, 0)
    face = (np.abs(x) < 0.50) & (y < 0.1) & (z < 0.42) & (z > -1.1)
    throat = (np.abs(x) < 0.40) & (y < 1.0) & (z < -1.0)
    return np.asarray((face | throat).any(1))


def falling_guides(
    body: Body, roots: Floats, style: HairStyle, end: float, layers: float, rng: Rng
) -> Floats:
    """Guides (k, STEPS, 3): away from the parting, over the head, then down by their weight."""
    eye, side = body.eye, sides(roots, body.eye, style)
    lateral = apart(roots, eye, style)
    count = len(roots)
    layer = rng.uniform(0, 1, count)
    ahead = rise(0.85 - (roots[:, 1] - eye[1]), 0, 0.6)  # 1 at the hairline
    back = 0.25 + 0.72 * ahead * (1 - style.fringe) + rng.normal(0, 0.10, count)
    tucked = style.tuck * rng.uniform(0.6, 1.0, count)
    stop = eye[2] - end - layers * rng.normal(0, 0.5, count)

    def steer(at: Floats, normal: Floats, height: Floats, share: float) -> Floats:
        z, y = at[:, 2] - eye[2], at[:, 1] - eye[1]
        flat = rise(normal[:, 2], 0.0, 0.8) * rise(z, 0.15, 0.6)
        comb = across(np.stack([lateral, back, np.zeros(count)], 1), normal)
        # Behind the ear, or at least not into the face.
        aside = rise(0.45 - y, 0, 0.3) * rise(z, -0.1, 0.15) * rise(0.5 - z, 0, 0.2)
        aside = aside * (0.25 + 1.6 * tucked)
        rising = rise(np.asarray(share * REACH), -0.1, 0.5)
        full = 1 + 0.5 * rise(0.55 - z, 0, 0.4)  # fuller at the sides than on top
        want = style.volume * (0.025 + 0.11 * layer) * rising * full
        hug = np.clip((want - height) * 5, -0.45, 1.3) * rise(z, -0.4, 0.05)
        turn_in = rise(stop + 0.35 - at[:, 2], 0, 0.3) * (end < 1.1) * 0.5
        aim = 1.25 * comb * flat[:, None] + normal * hug[:, None]
        aim[:, 2] -= 1.0 - 0.85 * flat
        # On a shoulder it slides forward or back, not out along the arm.
        rest = rise(normal[:, 2], 0.2, 0.6) * rise(-z, 0.7, 1.0) * rise(0.16 - height, 0, 0.08)
        aim[:, 1] += aside + 1.6 * rest * np.where(y < 0.8, -1.0, 1.0)
        aim[:, 0] -= side * 0.9 * rest
        aim[:, 0] -= side * turn_in
        return aim

    _, normal = body.near(roots)
    first = across(np.stack([lateral, back + 0.2, np.zeros(count)], 1), normal)
    lift = 0.14 + 0.12 * layer + 0.25 * (1 - ahead)
    first = unit(first) + normal * lift[:, None]
    long = body.walk(roots, first, steer, np.full(count, REACH), WALK, 0.55, over_ears=True)
    return cut_at(body, long, stop, rng)


def cut_at(body: Body, paths: Floats, stop: Floats, rng: Rng) -> Floats:
    """Paths (k, STEPS, 3) that end where they first fall below a height (k,), or soon after they
    have come to lie on a shoulder: what goes on there would point out along the arm."""
    height, normal = (
        part.reshape(*paths.shape[:2], -1) for part in body.near(paths.reshape(-1, 3))
    )
    low = paths[..., 2] < body.eye[2] - 0.75
    lying = low & (height[..., 0] < 0.02) & (normal[..., 2] > 0.35)
    slack = rng.integers(1, 4, len(paths))  # steps that still lie there
    soon = (
        np.arange(paths.shape[1])[None]
        >= np.where(lying.any(1), lying.argmax(1) + slack, paths.shape[1])[:, None]
    )
    below = (paths[..., 2] < stop[:, None]) | soon
    below[:, : WALK // 8] = False
    last = np.where(below.any(1), below.argmax(1), paths.shape[1] - 1)
    return shortened(paths, last / (paths.shape[1] - 1), STEPS)
