"""Hair of a persona as tapered curves: brows, lashes, beard, long and short scalp hair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from .head import Floats, Head
from .mesh import Surface, scatter
from .nodes import material
from .skin import Landmarks, rise

PARTING = 0.22  # of the long hair, dm to the subject's left
STEPS = 34  # points of a long strand


@dataclass(frozen=True, slots=True)
class HairStyle:
    """Melanin and redness as in Blender's Principled Hair; shares of white hairs; counts.

    `forehead` is the hairline's height over the eyes in dm, `hairline` how far above it the
    hair has grown dense, `temple` how deep its corners recede.
    """

    melanin: float
    redness: float
    grey: float = 0.0
    forehead: float = 0.74
    hairline: float = 0.08
    temple: float = 0.0
    strands: int = 34000
    brow_hairs: int = 650
    brow_height: float = 0.0
    brow_width: float = 1.0
    brow_tilt: float = 0.0
    beard_hairs: int = 0
    lash_length: float = 0.085


def hair_material(name: str, melanin: float, redness: float, spread: float = 0.35) -> Any:
    """Hair with this much melanin and redness in [0, 1]; a melanin below 0 asks for silver."""
    made, graph = material(name)
    # Melanin alone cannot be grey: hair with little of it is blond.
    silver = melanin < 0
    node = graph.node("BsdfHairPrincipled", parametrization="COLOR" if silver else "MELANIN")
    inputs: dict[str, Any] = {"Roughness": 0.32, "Radial Roughness": 0.45}
    if silver:
        inputs |= {"Color": (0.40, 0.40, 0.41)}
    else:
        inputs |= {"Melanin": melanin, "Melanin Redness": redness, "Random Color": spread}
    for socket, value in inputs.items():
        graph.plug(node.inputs[socket], value)
    graph.finish(node.outputs[0])
    return made


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-12))


def _walk(
    surface: Surface, roots: Floats, heading: Floats, length: Floats, steep: Floats, steps: int
) -> Floats:
    """Strands (k, steps, 3) that leave the skin, then follow it along a heading (k, 3).

    `steep` (k,) is how steeply they leave: 0 along the skin, 1 as much up as along.
    """
    tree = cKDTree(surface.points)
    at = roots.copy()
    path = [at.copy()]
    for step in range(steps - 1):
        _, near = tree.query(at)
        normal = surface.normals[near]
        along = _unit(heading - normal * (heading * normal).sum(1, keepdims=True))
        lift = steep * (1.0 - step / (steps - 1)) - 0.12 * steep
        at = at + _unit(along + normal * lift[:, None]) * (length / (steps - 1))[:, None]
        path.append(at.copy())
    return np.stack(path, 1)


def _side(points: Floats) -> Floats:
    return np.where(points[:, 0] >= 0, 1.0, -1.0)


def _brow_curve(x: Floats, style: HairStyle) -> tuple[Floats, Floats]:
    """Height of the brow's middle and its half thickness, in eye radii, at x outwards."""
    t = np.clip((x + 1.25) / 3.05, 0, 1)  # 0 at the nose, 1 at the tail
    arch = 1.66 + 0.34 * np.sin(t * 2.35) - 0.75 * np.clip(t - 0.66, 0, 1)
    half = 0.24 * (1 - 0.85 * np.clip(t - 0.2, 0, 1) ** 1.2) * (0.8 + 0.2 * np.clip(t / 0.1, 0, 1))
    return arch + style.brow_height + style.brow_tilt * (t - 0.4), half * style.brow_width


def grow_brows(
    skin: Surface, marks: Landmarks, style: HairStyle, rng: np.random.Generator
) -> Floats:
    """Strands (k, steps, 3): upright near the nose, then lying outwards, the upper ones down."""
    (ex, ey, ez), radius = marks.eyes["l"]
    x = (np.abs(skin.points[:, 0]) - ex) / radius
    z = (skin.points[:, 2] - ez) / radius
    middle, half = _brow_curve(x, style)
    across = np.abs(z - middle) / np.maximum(half, 1e-3)
    ends = rise(x, -1.3, -0.6) * rise(1.95 - x, 0, 0.5)
    weight = np.clip(1.25 - across, 0, 1) ** 0.7 * ends
    weight *= (across < 1.2) & (skin.points[:, 1] < ey + 0.30)
    roots, _ = scatter(skin, weight, style.brow_hairs * 2, rng)
    side = _side(roots)
    x = (np.abs(roots[:, 0]) - ex) / radius
    middle, half = _brow_curve(x, style)
    upper = np.clip(((roots[:, 2] - ez) / radius - middle) / np.maximum(half, 1e-3), -1, 1)
    t = np.clip((x + 1.25) / 3.05, 0, 1)
    slope = np.interp(t, [0, 0.12, 0.35, 0.65, 1], [1.1, 0.8, 0.35, 0.02, -0.36])
    angle = slope - 0.34 * upper * np.clip(t * 3, 0, 1) + rng.normal(0, 0.13, len(roots))
    heading = np.stack([side * np.cos(angle), np.full(len(roots), 0.15), np.sin(angle)], 1)
    length = radius * np.interp(t, [0, 0.3, 0.7, 1], [0.42, 0.62, 0.55, 0.36])
    length = length * rng.uniform(0.75, 1.1, len(roots))
    return _walk(skin, roots, heading, length, np.full(len(roots), 0.5), 7)


def grow_lashes(
    head: Head, points: Floats, style: HairStyle, rng: np.random.Generator, upper: bool
) -> Floats:
    """Lashes (k, steps, 3) rooted on MakeHuman's lash strips, whose outer row gives the fan."""
    strands = []
    for side in "lr":
        index = head.base.indices(f"helper-{side}-eyelashes-{2 if upper else 1}")
        centre, radius = head.eyes[side]
        strip = points[index]
        distance = np.linalg.norm(strip - centre, axis=1)
        roots = strip[distance < np.quantile(distance, 0.34)]
        roots = roots[np.argsort(roots[:, 0])]
        count = 120 if upper else 44
        where = np.linspace(0, len(roots) - 1, count) + rng.normal(0, 0.25, count)
        line = np.stack([np.interp(where, np.arange(len(roots)), roots[:, k]) for k in range(3)], 1)
        strands.append(_lash_fan(line, centre, radius, style, rng, upper))
    return np.concatenate(strands)


def _lash_fan(
    line: Floats,
    centre: Floats,
    radius: float,
    style: HairStyle,
    rng: np.random.Generator,
    upper: bool,
) -> Floats:
    out = _unit(line - centre)
    outer = (line[:, 0] - centre[0]) / radius * np.sign(centre[0])
    length = style.lash_length * (1.0 if upper else 0.5) * rng.uniform(0.55, 1.1, len(line))
    length = length * (0.72 + 0.25 * np.clip(outer + 0.8, 0, 1.5))
    up = 1.0 if upper else -0.8
    fan = np.stack(
        [
            out[:, 0] * 1.25 + rng.normal(0, 0.13, len(line)),
            np.full(len(line), -1.0),
            np.zeros(len(line)),
        ],
        1,
    )
    t = np.linspace(0, 1, 8)[None, :, None]
    lift = np.array([0, 0, up]) * (0.02 * t + 0.50 * t**2)
    return np.asarray(line[:, None] + length[:, None, None] * (fan[:, None] * t * 0.75 + lift))


def grow_beard(
    skin: Surface, marks: Landmarks, style: HairStyle, weight: Floats, rng: np.random.Generator
) -> Floats:
    """A trimmed beard (k, steps, 3) as dense as `weight` (n,)."""
    roots, _ = scatter(skin, weight, style.beard_hairs, rng)
    down = np.array([0.0, 0.25, -1.0])
    heading = np.tile(down, (len(roots), 1)) + rng.normal(0, 0.28, (len(roots), 3))
    heading[:, 0] += 0.35 * np.sign(roots[:, 0]) * (roots[:, 2] > marks.mouth[2])
    length = rng.uniform(0.035, 0.075, len(roots))
    return _walk(skin, roots, heading, length, np.full(len(roots), 0.6), 5)


def scalp(skin: Surface, marks: Landmarks, style: HairStyle) -> Floats:
    """Density (n,) of scalp hair with a soft natural hairline."""
    points = skin.points
    (_, ey, ez), _ = marks.eyes["l"]
    x, back = np.abs(points[:, 0]), points[:, 1] - ey
    # Along the hairline, from the middle of the forehead over temple and ear to the nape.
    line = style.forehead - 0.10 * np.clip(x / 0.35, 0, 1) ** 2
    line = line + style.temple * np.exp(-0.5 * ((x - 0.50) / 0.14) ** 2)
    line = line - 1.15 * rise(back, 0.38, 0.72) - 0.25 * rise(back, 0.9, 1.2)
    line = line - 0.30 * rise(back, 1.5, 1.9)
    wave = 0.012 * np.sin(x * 31 + 1.3) + 0.008 * np.sin(x * 67)
    density = rise(points[:, 2] - ez - line - wave, -0.05, style.hairline) ** 1.6
    ear = (x > marks.ear - 0.13) & (points[:, 2] < ez + 0.26) & (back > 0.62)
    density[ear & (back < 1.45)] = 0
    density[(points[:, 2] < ez - 0.30) & (x > 0.3)] = 0
    density[(points[:, 2] < ez - 0.75) | (x > marks.ear + 0.2)] = 0
    return np.asarray(density)


def clump(guides: Floats, roots: Floats, spread: Floats, rng: np.random.Generator) -> Floats:
    """Children (k, steps, 3): each follows its three nearest guides, offset by its own root.

    `spread` (steps,) is how much of the root's offset is left along the strand.
    """
    tree = cKDTree(guides[:, 0])
    distance, near = tree.query(roots, k=3)
    weight = 1.0 / (distance + 1e-4) ** 2
    weight = weight / weight.sum(1, keepdims=True)
    shape = guides - guides[:, :1]
    path = np.einsum("kg,kgsj->ksj", weight, shape[near])
    main = guides[near[:, 0]]
    own = roots[:, None] + path
    strength = rng.uniform(0.6, 1.0, (len(roots), 1, 1))
    pull = (1 - spread)[None, :, None] * strength
    return np.asarray(own + (main - own) * pull)


def push_out(strands: Floats, skin: Surface, gap: Floats, rounds: int = 3) -> Floats:
    """Keep strands at least their gap (k, steps) above the skin, smoothing between rounds."""
    # Every fifth vertex is a millimetre from the next: enough for hair, and far quicker.
    points, normals = skin.points[::5], skin.normals[::5]
    tree = cKDTree(points)
    out = strands.copy()
    for turn in range(rounds):
        flat = out.reshape(-1, 3)
        distance, near = tree.query(flat, eps=0.3, distance_upper_bound=0.7)
        close = distance < 0.6
        near[~close] = 0
        normal = normals[near]
        height = ((flat - points[near]) * normal).sum(1)
        lack = np.where(close, np.maximum(gap.reshape(-1) - height, 0), 0)
        flat = flat + normal * lack[:, None]
        out = flat.reshape(out.shape)
        if turn < rounds - 1:
            out[:, 1:-1] = 0.5 * out[:, 1:-1] + 0.25 * (out[:, :-2] + out[:, 2:])
    out[:, 0] = strands[:, 0]
    return out


def _bezier(points: list[Floats], steps: int) -> Floats:
    """Catmull-Rom paths (k, steps, 3) through control points, each (k, 3)."""
    control = np.stack([2 * points[0] - points[1], *points, 2 * points[-1] - points[-2]], 1)
    spans = len(points) - 1
    at = np.linspace(0, spans - 1e-6, steps)
    i, t = at.astype(int), (at % 1)[None, :, None]
    a, b, c, d = (control[:, i + k] for k in range(4))
    return np.asarray(
        0.5
        * (
            2 * b
            + (c - a) * t
            + (2 * a - 5 * b + 4 * c - d) * t**2
            + (3 * b - a - 3 * c + d) * t**3
        )
    )


def grow_long(
    skin: Surface,
    marks: Landmarks,
    style: HairStyle,
    weight: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Side-parted hair, swept behind the ears and falling to the shoulders."""
    roots, _ = scatter(skin, weight, 900, rng)
    guides = _long_guides(skin, marks, roots, rng)
    children, _ = scatter(skin, weight, style.strands, rng)
    # A guide of the other side of the parting would tear the child across it.
    strands = np.empty((len(children), guides.shape[1], 3))
    steps = guides.shape[1]
    spread = 1 - 0.65 * rise(np.linspace(0, 1, steps), 0.3, 0.9)
    for side in (-1, 1):
        own = np.sign(children[:, 0] - PARTING) == side
        strands[own] = clump(
            guides[np.sign(roots[:, 0] - PARTING) == side], children[own], spread, rng
        )
    fly = rng.normal(0, 1, (len(children), 1, 3)) * np.linspace(0, 1, steps)[None, :, None] ** 1.5
    strands += fly * rng.gamma(1.2, 0.022, (len(children), 1, 1))
    drape = steps * 2 // 3  # below, hair hangs free
    gap = np.tile(np.linspace(0.004, 0.05, drape), (len(children), 1))
    strands[:, :drape] = push_out(strands[:, :drape], skin, gap, rounds=1)
    return strands


def _long_guides(
    skin: Surface, marks: Landmarks, roots: Floats, rng: np.random.Generator
) -> Floats:
    (_, ey, ez), _ = marks.eyes["l"]
    side = np.where(roots[:, 0] > PARTING, 1.0, -1.0)
    normal = skin.normals[cKDTree(skin.points).query(roots)[1]]
    layer = rng.uniform(0, 1, len(roots))
    axis = ey + 0.95
    own = np.arctan2(np.abs(roots[:, 0] - 0.5 * PARTING), axis - roots[:, 1])
    around = np.radians(70) + (np.pi - np.radians(70)) * (own / np.pi) ** 1.2

    def ring(share: float, wide: float, deep: float, z: Floats) -> Floats:
        """Points around the head's axis, `share` of the way from the root's direction."""
        turn = own + share * (around - own)
        rx, ry = wide + 0.10 * layer, deep + 0.08 * layer
        return np.stack([side * rx * np.sin(turn), axis - ry * np.cos(turn), z], 1)

    top = roots[:, 2] - ez
    upward = np.clip(normal[:, 2], 0, 1)
    front = rise(axis - roots[:, 1], 0.55, 0.95)  # 1 at the hairline over the forehead
    heading = np.stack(
        [side * (0.3 + 0.8 * upward + 0.8 * front), 0.5 + front, upward + front - 0.75], 1
    )
    heading = _unit(heading - normal * (heading * normal).sum(1, keepdims=True))
    lift = roots + 0.15 * heading + normal * (0.005 + 0.02 * layer)[:, None]
    crest = ring(0.6, 0.66, 0.98, ez + np.minimum(0.25 + 0.50 * top, top - 0.06))
    temple = ring(0.95, marks.ear + 0.05, 1.06, ez + np.minimum(0.12, top - 0.25))
    jaw = ring(1.0, marks.ear + 0.03, 0.95, ez + np.minimum(-0.72, top - 0.6))
    end = ring(1.0, marks.ear - 0.18, 0.80, ez - 1.30 - 0.12 * layer)
    guides = _bezier([roots, lift, crest, temple, jaw, end], STEPS)
    t = np.linspace(0, 1, STEPS)
    phase = 9.0 * around + 2.0 * side
    wave = np.sin(11.0 * t[None] + phase[:, None]) * (0.045 * rise(t, 0.3, 0.9))[None]
    guides += wave[:, :, None] * np.stack([side, 0.6 + 0 * side, 0 * side], 1)[:, None]
    gap = (
        np.tile(0.004 + 0.105 * rise(t, 0.0, 0.42), (len(roots), 1))
        * ((0.4 + 0.6 * layer) * (1 - 0.45 * front))[:, None]
    )
    return push_out(guides, skin, gap, rounds=5)


def grow_short(
    skin: Surface,
    marks: Landmarks,
    style: HairStyle,
    weight: Floats,
    rng: np.random.Generator,
) -> Floats:
    """A short side-parted cut: longer on top and swept across, close at the sides."""
    (_, ey, ez), _ = marks.eyes["l"]
    steps = 9

    tree = cKDTree(skin.points)

    def comb(roots: Floats, jitter: float) -> Floats:
        facing = skin.normals[tree.query(roots)[1]][:, 2]
        top = rise(roots[:, 2] - ez, 0.66, 1.02) * rise(facing, 0.25, 0.75)
        back = np.clip((roots[:, 1] - ey) / 2.0, 0, 1)
        across = np.where(roots[:, 0] < 0.36, -1.0, 1.0)
        heading = np.stack(
            [
                across * (0.85 * top + 0.1 * np.sign(roots[:, 0]) * across),
                0.45 * top * (1 - back) + 0.7 * (1 - top) + 0.3 * back,
                0.35 * top - 0.95 * (1 - top),
            ],
            1,
        )
        heading += rng.normal(0, jitter, heading.shape)
        length = (0.12 + 0.42 * top) * rng.uniform(0.8, 1.15, len(roots))
        return _walk(skin, roots, heading, length, 0.28 + 0.85 * top * (1 - 0.4 * back), steps)

    guides = comb(scatter(skin, weight, 1500, rng)[0], 0.16)
    children = scatter(skin, weight, style.strands, rng)[0]
    spread = 1 - 0.55 * np.linspace(0, 1, steps)
    strands = clump(guides, children, spread, rng)
    fly = rng.normal(0, 1, (len(children), 1, 3)) * np.linspace(0, 1, steps)[None, :, None] ** 1.5
    return np.asarray(strands + fly * 0.014)


GROWERS: Mapping[str, Any] = {"long": grow_long, "short": grow_short}
