"""From a few hundred guides to all strands: tufts of tufts, loose hairs, baby hair at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from models.tools.persona.head import Floats, Ints
from models.tools.persona.mesh import Surface, sampled, scatter
from models.tools.persona.skin import rise

from .body import Body
from .strands import Rng, Strands, across, shortened, unit, wander, waved
from .style import HairStyle


@dataclass(frozen=True, slots=True)
class Texture:
    """locks: number of thick locks (0: none), `bound` how close to their middle these hold;
    tufts: number of fine tufts; held: how close to a tuft's middle its tips lie, 0 to 1.

    frizz: how far tips stray, dm; loose: share of flyaways and `stray` how far these go; uneven:
    how much shorter the shortest strands are; radius: at the root, dm; wave: its height in dm and
    `swell` its length, from `after` dm on.
    """

    tufts: int
    held: float
    frizz: float
    loose: float = 0.013
    stray: float = 0.045
    uneven: float = 0.25
    radius: float = 0.00088
    wave: float = 0.0
    swell: float = 0.62
    after: float = 0.5
    locks: int = 0
    bound: float = 0.5


def fill(
    guides: Floats,
    guide_side: Floats,
    roots: Floats,
    side: Floats,
    centre: Floats,
    texture: Texture,
    rng: Rng,
) -> Mapping[str, Strands]:
    """All strands (k, steps, 3) from their roots (k, 3); a guide leads only its side's roots."""
    steps = guides.shape[1]
    t = np.linspace(0, 1, steps)
    chosen = rng.choice(len(roots), min(texture.tufts, len(roots)), replace=False)
    tufts = _led(guides, guide_side, roots[chosen], side[chosen], 1 - 0.55 * t**0.8, rng)
    tufts += wander(len(tufts), steps, 0.45, rng) * (0.9 * texture.frizz + 0.008 * t[None, :, None])
    lock = np.arange(len(tufts))
    if texture.locks:
        leaders = rng.choice(len(guides), texture.locks, replace=False)
        lock = _nearest(guides[leaders], guide_side[leaders], roots[chosen], side[chosen])
        pull = texture.bound * np.clip((t - 0.12) / 0.55, 0, 1) ** 0.9
        tufts += (guides[leaders][lock] - tufts) * pull[None, :, None]
    if texture.wave:
        tufts = _waved(tufts, lock, centre, texture, rng)
    spread = 1 - texture.held * np.clip(t / 0.7, 0, 1) ** 0.8
    paths = _led(tufts, side[chosen], roots, side, spread, rng)
    paths += (
        wander(len(paths), steps, 0.5, rng)
        * texture.frizz
        * rng.gamma(2.0, 0.5, (len(paths), 1, 1))
    )
    share = 1 - texture.uneven * rng.beta(1.0, 2.2, len(paths))
    fly = rng.random(len(paths)) < texture.loose
    far = wander(int(fly.sum()), steps, 0.4, rng)
    paths[fly] += far * texture.stray * np.minimum(rng.gamma(1.5, 0.6, (len(far), 1, 1)), 1.5)
    share[fly] *= rng.uniform(0.5, 1.0, len(far))
    paths = shortened(paths, share, steps)
    radius = texture.radius * rng.uniform(0.7, 1.15, len(paths)) * np.where(fly, 0.55, 1.0)
    return {"hair": Strands(paths, radius)}


def follow(guides: Floats, roots: Floats, spread: Floats, rng: Rng) -> Floats:
    """Children (k, steps, 3): each has the shape of its three nearest guides, and nears the first.

    `spread` (steps,) is how much of the root's offset from that guide is left along the strand.
    """
    distance, near = cKDTree(guides[:, 0]).query(roots, k=3)
    weight = 1.0 / (distance + 1e-3) ** 2
    weight = weight / weight.sum(1, keepdims=True)
    shape = guides - guides[:, :1]
    own = roots[:, None] + np.einsum("kg,kgsj->ksj", weight, shape[near])
    strength = rng.uniform(0.55, 1.0, (len(roots), 1, 1))
    pull = (1 - spread)[None, :, None] * strength
    return np.asarray(own + (guides[near[:, 0]] - own) * pull)


def _led(
    guides: Floats, guide_side: Floats, roots: Floats, side: Floats, spread: Floats, rng: Rng
) -> Floats:
    paths = np.empty((len(roots), guides.shape[1], 3))
    for which in np.unique(side):
        own = side == which
        paths[own] = follow(guides[guide_side == which], roots[own], spread, rng)
    return paths


def _nearest(leaders: Floats, leader_side: Floats, roots: Floats, side: Floats) -> Ints:
    """Which leader (k,) of its side is rooted nearest to each root."""
    out = np.zeros(len(roots), int)
    for which in np.unique(side):
        own, theirs = side == which, np.nonzero(leader_side == which)[0]
        out[own] = theirs[cKDTree(leaders[theirs, 0]).query(roots[own])[1]]
    return out


def _waved(tufts: Floats, lock: Ints, centre: Floats, texture: Texture, rng: Rng) -> Floats:
    """Waves: a lock swings as one, neighbours a little out of step."""
    steps = tufts.shape[1]
    length = np.linalg.norm(np.diff(tufts, axis=1), axis=2).sum(1)
    along = length[:, None] * np.linspace(0, 1, steps)[None]
    size = texture.wave * np.clip((along - texture.after) / 0.8, 0, 1)
    own = rng.uniform(0, 1, (2, len(tufts)))[:, lock]  # the same for all of a lock
    size = size * (0.6 + 0.7 * own[0])[:, None] * rng.uniform(0.8, 1.2, (len(tufts), 1))
    phase = 5.0 * own[1] + rng.normal(0, 0.25, len(tufts))
    count = length / (texture.swell * (0.85 + 0.4 * own[0]))
    return waved(tufts, tufts - (centre + np.zeros(3)), size, count, phase)


def baby_hair(
    body: Body,
    skin: Surface,
    rim: Floats,
    heading: Floats,
    style: HairStyle,
    rng: Rng,
    count: int = 3400,
    length: float = 0.12,
) -> Strands:
    """Short fine hairs along the hairline; heading: mean direction (3,), mirrored to each side."""
    roots, normal = scatter(skin, rim, count, rng)
    depth = sampled(rim, skin, roots)  # the farther out, the finer and shorter
    mirrored = np.where(roots[:, :1] >= 0, 1.0, -1.0) * [[1.0, 0, 0]] + [[0, 1.0, 1.0]]
    inward = np.clip(np.abs(roots[:, :1]) / 0.45, 0.15, 1)  # over the nose: straight up and back
    way = heading[None] * mirrored * np.concatenate([inward, np.ones((count, 2))], 1)
    low = rise(body.eye[2] + 0.60 - roots[:, 2:], 0, 0.3)  # at the temples they hang
    way = way * (1 - low) + low * mirrored * [[0.15, 0.45, -0.85]]
    way = unit(across(way + rng.normal(0, 0.26, (count, 3)), normal))
    own = length * rng.gamma(2.2, 0.45, count) * (0.45 + 0.55 * depth)
    t = np.linspace(0, 1, 9)[None, :, None]
    lift = rng.uniform(0.15, 0.55, (count, 1, 1))
    paths = roots[:, None] + own[:, None, None] * (
        way[:, None] * t + normal[:, None] * lift * (t - 0.75 * t**2)
    )
    paths = paths + wander(count, 9, 0.5, rng) * (0.06 * own)[:, None, None]
    paths = body.cleared(paths, np.full(9, 0.002))
    return Strands(paths, 0.00034 * rng.uniform(0.5, 1.2, count) * (0.6 + 0.4 * depth))
