"""A row of teeth as a picture: single crowns along an arch, in millimetres.

Crowns stand around an arch that is seen from the front, so outer ones are narrower, turned away and
darker, as they are between lips. Each crown is a face with rounded corners and a surface that bends
at its sides; enamel is warm at the gum and lets the dark through at the cutting edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from visavis.models.avatar.rig import Floats

ENAMEL: Final = (226, 213, 195)
GUM: Final = (186, 104, 100)
SHADOW: Final = (30, 10, 10)  # what little comes back from between and behind teeth
ROUND: Final = 2.6  # exponent of the superellipse that an arch is
DEEP: Final = 20.0  # mm behind the front teeth at which half of the light is left
SEAM: Final = 0.22  # mm beside a crown that lie in its neighbour's shadow
CAST: Final = 1.1  # mm below the upper edges over which their shadow fades
# Light in a mouth has been red before: exponents of its share in red, green and blue.
HUED: Final = np.array([0.94, 1.03, 1.04], np.float32)
TRANSLUCENT: Final = 0.24  # of a crown's height, from the edge on, that lets the dark through
RIM: Final = 1.5  # mm of room around a row


@dataclass(frozen=True, slots=True)
class Arch:
    """One row from the middle outwards, mm: widths of crowns along the arch and their heights;
    half_width and depth of the arch; corners: how round each crown's edge is, towards the middle
    and away; points: how far its edge comes to a point.
    """

    widths: tuple[float, ...]
    heights: tuple[float, ...]
    corners: tuple[tuple[float, float], ...]
    points: tuple[float, ...]
    half_width: float
    depth: float
    uneven: float  # mm and 10 degrees: how irregular a row is, one standard deviation


# Crowns of adults: Ash & Nelson, "Wheeler's Dental Anatomy", 2003; two incisors, the canine, two
# premolars and a molar.
UPPER: Final = Arch(
    (8.5, 6.6, 7.6, 7.0, 6.8, 10.0), (10.4, 9.2, 10.0, 8.5, 7.8, 7.2),
    ((0.6, 1.0), (0.7, 1.2), (1.0, 1.3), (1.2, 1.4), (1.2, 1.4), (1.0, 1.2)),
    (0.0, 0.15, 0.8, 0.7, 0.5, 0.4), 30.0, 45.0, 0.10,
)  # fmt: skip
LOWER: Final = Arch(
    (5.3, 5.8, 6.8, 7.0, 7.0, 11.0), (8.8, 9.0, 9.8, 8.4, 7.6, 7.2),
    ((0.5, 0.6), (0.5, 0.9), (1.0, 1.4), (1.2, 1.4), (1.2, 1.4), (1.0, 1.2)),
    (0.0, 0.0, 0.9, 0.7, 0.5, 0.4), 27.0, 42.0, 0.18,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """How a row is seen. scale: samples a mm; turn: radians that the head is turned in the photo,
    positive where its middle points to the picture's right; tilt (3,): how much brighter a surface
    gets as its normal goes to the right, up, and to the front.
    """

    scale: float
    turn: float
    tilt: Floats


@dataclass(frozen=True, slots=True)
class _Crown:
    """x: mm to the right; deep: mm behind the front teeth; facing: radians to the right."""

    number: int
    side: int
    x: float
    deep: float
    facing: float
    half: float
    height: float
    edge: float  # mm that it ends short of the row's edge
    tint: Floats


def row(arch: Arch, view: View, rng: np.random.Generator, lower: bool) -> tuple[Floats, float]:
    """(h, w, 4) RGBA, 0 to 255, of a row whose edges point down, and mm from its top to them.

    A lower row comes upside down, too; rng: what makes a person's teeth theirs.
    """
    crowns = _crowns(arch, view, rng)
    reach = max(abs(c.x) + c.half for c in crowns) + RIM
    tall = max(arch.heights) + 5.0
    size = (int((tall + 3.0) * view.scale), int(2 * reach * view.scale))
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    x = (x + 0.5) / view.scale - reach
    up = tall - (y + 0.5) / view.scale
    out = np.zeros((*size, 4), np.float32)
    tilt = view.tilt * np.array([1, -1 if lower else 1, 1], np.float32)
    _gum(out, x, up, crowns, tilt)
    if not lower:
        _cast(out, x, up, crowns)
    for crown in sorted(crowns, key=lambda c: -c.deep):
        _paint(out, x, up, crown, arch, tilt, view.scale)
    out[..., 3] *= 255
    return out, tall


def _crowns(arch: Arch, view: View, rng: np.random.Generator) -> list[_Crown]:
    """Both sides, each crown where the arch has it."""
    across = np.linspace(0, 0.985, 400)
    behind = arch.depth * (1 - np.sqrt(1 - across**ROUND))
    across = across * arch.half_width
    along = np.concatenate([[0], np.cumsum(np.hypot(np.diff(across), np.diff(behind)))])
    ends = np.cumsum([0.0, *arch.widths])
    made = []
    for side in (-1, 1):
        for number, (width, height) in enumerate(zip(arch.widths, arch.heights, strict=True)):
            at = np.interp(ends[number] + width / 2 + np.array([-0.5, 0, 0.5]), along, across)
            deep = np.interp(ends[number] + width / 2 + np.array([-0.5, 0, 0.5]), along, behind)
            facing = side * float(np.arctan2(deep[2] - deep[0], at[2] - at[0]))
            uneven = rng.normal(0, arch.uneven, 3) * (0.5 if number == 0 else 1.0)
            facing += view.turn + float(uneven[0]) * 0.35
            x, back = side * float(at[1]), float(deep[1])
            seen = np.cos(view.turn) * x - np.sin(view.turn) * back
            half = width / 2 * max(float(np.cos(facing)), 0.0) + 0.16 * width * abs(
                float(np.sin(facing))
            )
            yellow = (0.0, 0.005, 0.025, 0.01, 0.01, 0.01)[number] + float(rng.normal(0, 0.006))
            made.append(
                _Crown(
                    number,
                    side,
                    float(seen),
                    max(back, 0.0),
                    facing,
                    half,
                    height * (1 + 0.25 * float(uneven[1])),
                    _short(number, back) + 0.6 * float(uneven[2]),
                    np.array([1 - 0.5 * yellow, 1 - 0.8 * yellow, 1 - 2 * yellow], np.float32),
                )
            )
    return made


def _short(number: int, behind: float) -> float:
    """mm that an edge ends above the middle ones'."""
    return (0.0, 0.40, 0.0, 0.5, 0.7, 0.8)[number] + 0.018 * behind


def light_at(deep: Floats | float) -> Floats:
    """Share of the light that comes so many mm behind the front teeth."""
    return np.asarray(1 / (1 + (np.asarray(deep, np.float32) / DEEP) ** 1.7), np.float32)


def _along(x: Floats, crowns: list[_Crown], what: str) -> Floats:
    """A number of the crowns, read at x between them."""
    order = sorted(crowns, key=lambda c: c.x)
    values = [float(getattr(c, what)) for c in order]
    return np.interp(x, [c.x for c in order], values).astype(np.float32)


def _within(x: Floats, crowns: list[_Crown]) -> Floats:
    """mm that x lies within the ends of a row."""
    left, right = min(c.x - c.half for c in crowns), max(c.x + c.half for c in crowns)
    return np.asarray(np.minimum(x - left, right - x), np.float32)


def _gum(out: Floats, x: Floats, up: Floats, crowns: list[_Crown], tilt: Floats) -> None:
    """Gum over the necks, reaching down between them; more tooth, in shadow, below it."""
    deep, height, edge = (_along(x, crowns, w) for w in ("deep", "height", "edge"))
    inside = np.clip(_within(x, crowns) * 2, 0, 1)
    light = light_at(deep)[..., None]
    between = np.array(ENAMEL, np.float32) * np.array([0.60, 0.48, 0.42], np.float32) * light
    cover = np.clip((up - edge - 1.0) * 2.5, 0, 1) * inside
    out[..., :3] = between
    out[..., 3] = cover
    v = (up - edge) / height
    away = np.min([np.abs(x - c.x) / max(c.half, 0.5) for c in crowns], 0)  # 1 between two
    line = 0.93 - 0.26 * np.clip(away, 0, 1) ** 3.0
    cover = np.clip((v - line) * height * 2.0 + 0.5, 0, 1) * inside
    round_ = np.exp(-((((v - line) * height) / 0.8) ** 2))  # its edge is a soft roll
    wet = np.exp(-(((v - line - 0.10) * height / 0.6) ** 2)) * (1 - np.clip(away, 0, 1)) ** 0.5
    shade = (0.86 + 0.10 * round_) * (1 + 0.3 * tilt[1])
    colour = np.array(GUM, np.float32) * (shade[..., None] * light)
    colour += (np.array([34, 32, 32], np.float32) * wet[..., None]) * light
    out[..., :3] += (colour - out[..., :3]) * cover[..., None]
    out[..., 3] = np.maximum(out[..., 3], cover)


def _cast(out: Floats, x: Floats, up: Floats, crowns: list[_Crown]) -> None:
    """The shadow of upper teeth on what lies right behind and below them."""
    edge = _along(x, crowns, "edge")
    below = np.clip(edge - up + 0.4, 0, None)
    dark = 0.42 * np.exp(-((below / CAST) ** 1.5)) * np.clip(_within(x, crowns) * 0.25, 0, 1)
    dark = dark * (up < edge + 1.0)
    free = out[..., 3] < dark
    out[free, :3] = SHADOW
    out[..., 3] = np.maximum(out[..., 3], dark)


def _paint(
    out: Floats, x: Floats, up: Floats, c: _Crown, arch: Arch, tilt: Floats, scale: float
) -> None:
    """One crown over what is there."""
    columns = np.flatnonzero(np.abs(x[0] - c.x) < c.half + 0.6)
    if not len(columns):
        return
    part = np.s_[:, columns[0] : columns[-1] + 1]
    u = (x[part] - c.x) / c.half * c.side  # -1 towards the middle, 1 away from it
    above = up[part] - c.edge
    v = above / c.height
    beside, below = _distances(u, v, c, arch)
    cover = np.clip(np.minimum(beside, below) * scale + 0.5, 0, 1)
    gum = np.asarray((0.93 - 0.10 * u * u - v) * c.height, np.float32)
    cover *= np.clip(gum * 2.0 + 0.5, 0, 1)
    colour = _enamel(u, v, beside, below, gum, c, tilt)
    target = out[part]
    target[..., :3] += (colour - target[..., :3]) * cover[..., None]
    target[..., 3] = np.maximum(target[..., 3], cover)


def _distances(u: Floats, v: Floats, c: _Crown, arch: Arch) -> tuple[Floats, Floats]:
    """mm inside of a crown's sides and, its corners rounded, of its cutting edge."""
    low = np.clip(v, 0, 1)
    taper = 1 - 0.20 * low**1.7  # narrower at the neck
    belly = 0.03 * np.sin(np.pi * np.clip(low * 1.2, 0, 1))
    beside = (taper + belly - np.abs(u)) * c.half
    point = arch.points[c.number] * np.abs(u - (-0.12 if c.number > 1 else 0.0)) ** 1.2
    bow = 0.14 * u * u  # no edge is a straight line
    below = v * c.height - point - bow
    inner, outer = arch.corners[c.number]
    radius = np.where(u < 0, inner, outer) * min(1.0, c.half / 3.0)
    corner = np.hypot(np.clip(radius - beside, 0, None), np.clip(radius - below, 0, None))
    return beside, np.where(corner > 0, np.minimum(below, radius - corner), below)


def _enamel(
    u: Floats, v: Floats, beside: Floats, below: Floats, gum: Floats, c: _Crown, tilt: Floats
) -> Floats:
    """(h, w, 3): colour on one crown."""
    bend = (0.30 if c.number < 2 else 0.55) * u + 0.45 * u**3
    facing = c.facing + c.side * bend
    rise = 0.55 * (np.clip(v, 0, 1) - 0.45)
    normal = np.stack([np.sin(facing), rise, np.cos(facing)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    lit = 1 + 0.7 * ((normal - np.array([0, 0, 1], np.float32)) @ tilt)
    # What is turned away sees the dark of the cheeks.
    lit = np.clip(lit, 0.5, 1.25) * (0.72 + 0.28 * np.clip(normal[..., 2], 0, 1))
    lit = lit * light_at(c.deep)
    dim = np.exp(-np.clip(beside, 0, None) / SEAM)
    warm = np.clip((v - 0.35) / 0.6, 0, 1)[..., None] ** 1.5
    colour = np.array(ENAMEL, np.float32) * c.tint
    colour = colour * (1 - warm * np.array([0.06, 0.11, 0.21], np.float32))
    edge = np.clip(1 - np.clip(below, 0, None) / (TRANSLUCENT * c.height), 0, 1)[..., None]
    clear = np.array([0.15, 0.11, 0.08], np.float32) if c.number < 3 else np.float32(0.08)
    colour = colour * (1 - clear * edge**1.3)
    halo = np.exp(-(((below - 0.18) / 0.16) ** 2)) * (0.07 if c.number < 3 else 0.0)
    gleam = _gleam(u * c.side, v, c, tilt)
    lit = lit * (1 - 0.16 * np.exp(-np.clip(gum, 0, None) / 0.4))
    colour = colour * lit[..., None] ** HUED
    colour = colour * (1 - dim[..., None] * np.array([0.20, 0.26, 0.28], np.float32))
    colour = colour + ((gleam + halo) * 220 * light_at(c.deep))[..., None]
    return np.asarray(np.clip(colour, 0, 250), np.float32)


def _gleam(right: Floats, v: Floats, c: _Crown, tilt: Floats) -> Floats:
    """The wet surface's broad highlight, on the side that the light comes from."""
    at = float(np.clip(tilt[0] * 0.9 - c.facing * 0.8, -0.75, 0.75))
    away = ((right - at) / 0.24) ** 2 + ((v - 0.52) / 0.24) ** 2
    return np.asarray(0.075 * np.exp(-away), np.float32)
