"""Lashes: curved and tapered, in loose tufts; the lower ones short, thin and few."""

from __future__ import annotations

import numpy as np

from models.tools.persona.head import Floats, Head, HeadState

from .strands import Rng, Strands, unit
from .style import HairStyle

STEPS = 10
ROOTS = 0.34  # of MakeHuman's lash strip, the part nearest to the eyeball is its rim


def grow_lashes(head: Head, style: HairStyle, rng: Rng, upper: bool) -> Strands:
    """Rooted on MakeHuman's lash strips, along the rim of each lid."""
    made = []
    for side in "lr":
        index = head.base.indices(f"helper-{side}-eyelashes-{2 if upper else 1}")
        centre, radius = head.eyes[side]
        strip = head.rest[index]
        distance = np.linalg.norm(strip - centre, axis=1)
        rim = strip[distance < np.quantile(distance, ROOTS)]
        line = _along(rim[np.argsort(rim[:, 0])], 220 if upper else 70, rng)
        made.append(_fan(line, centre, radius, style, rng, upper))
    return Strands(
        np.concatenate([m.paths for m in made]), np.concatenate([m.radius for m in made])
    )


def rolled(paths: Floats, roots: Floats, head: Head, state: HeadState) -> Floats:
    """Lashes (k, steps, 3) at rest, whose roots have moved to (k, 3) in a state of the head: a
    lid rolls on its eyeball about the axis through both eyes, and its lashes turn with it."""
    upright = head.turned(paths.reshape(-1, 3), 1.0, state).reshape(paths.shape)
    across_eyes = np.diff(
        head.turned(np.array([e for e, _ in head.eyes.values()]), 1.0, state)[::-1], axis=0
    )
    out = np.empty_like(paths)
    for centre, _ in head.eyes.values():
        own = np.sign(paths[:, 0, 0]) == np.sign(centre[0])
        middle = head.turned(centre[None], 1.0, state)
        rest, now = unit(upright[own, 0] - middle), unit(roots[own] - middle)
        cosine = np.clip((rest * now).sum(1), -1, 1)[:, None, None]
        axis = unit(across_eyes)[None]
        sine = np.sqrt(1 - cosine**2) * np.sign(np.cross(rest, now) @ axis[0, 0])[:, None, None]
        shape = upright[own] - upright[own, :1]
        turned = shape * cosine + np.cross(axis, shape) * sine
        turned += axis * (shape @ axis[0, 0])[..., None] * (1 - cosine)
        out[own] = roots[own][:, None] + turned
    return out


def _along(rim: Floats, count: int, rng: Rng) -> Floats:
    """Roots (count, 3) about evenly along the rim, whose points are sorted but zigzag."""
    wide = np.ones(5) / 5
    padded = np.concatenate([rim[:1], rim[:1], rim, rim[-1:], rim[-1:]])
    smooth = np.stack([np.convolve(padded[:, k], wide, "valid") for k in range(3)], 1)
    far = np.concatenate([[0], np.linalg.norm(np.diff(smooth, axis=0), axis=1).cumsum()])
    where = (np.linspace(0.02, 0.98, count) + rng.normal(0, 0.25 / count, count)) * far[-1]
    line = np.stack([np.interp(where, far, smooth[:, k]) for k in range(3)], 1)
    return np.asarray(line + rng.normal(0, 0.0020, line.shape))


def _fan(
    line: Floats, centre: Floats, radius: float, style: HairStyle, rng: Rng, upper: bool
) -> Strands:
    count = len(line)
    outer = (line[:, 0] - centre[0]) / radius * np.sign(centre[0])
    length = style.lash_length * (1.0 if upper else 0.48) * rng.uniform(0.45, 1.05, count)
    length = length * (0.70 + 0.24 * np.clip(outer + 0.9, 0, 1.6))
    length = length * (1 - 0.5 * np.clip(-outer - 0.55, 0, 0.6))  # short at the inner corner
    # The last ones at the outer corner lie against the cheek: long, they would look like a hook.
    length = length * (1 - 0.7 * np.clip((outer - 0.95) / 0.25, 0, 1))
    tuft = np.round(np.cumsum(rng.uniform(0.12, 0.4, count)))  # which tuft each belongs to
    lean = rng.normal(0, 0.13, int(tuft.max()) + 1)[tuft.astype(int)]
    mean = np.array([line[tuft == k].mean(0) for k in tuft])
    out = unit(line - centre)
    ahead = np.stack(
        [out[:, 0] * 1.35 + lean + rng.normal(0, 0.07, count), -np.ones(count), 0 * out[:, 0]], 1
    )
    t = np.linspace(0, 1, STEPS)[None, :, None]
    up = 1.0 if upper else -1.0
    curl = rng.uniform(0.75, 1.15, (count, 1, 1))
    rising = np.array([0, 0, up]) * ((-0.40 if upper else 0.25) * t + 0.85 * curl * t**2)
    forward = unit(ahead)[:, None] * (t - 0.30 * curl * t**2) * (0.95 if upper else 0.7)
    path = line[:, None] + length[:, None, None] * (forward + rising)
    path = path + (mean - line)[:, None] * 0.40 * t**1.5
    thin = (0.00070 if upper else 0.00036) * rng.uniform(0.7, 1.1, count)
    return Strands(np.asarray(path), thin)
