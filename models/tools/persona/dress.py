"""Clothes of a persona, over the resting body: a top, perhaps a jacket, a headwrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import bpy  # type: ignore[import-not-found]
import numpy as np

from .cloth import Cloth, cloth_material
from .head import Floats, Head, HeadState
from .mesh import Surface
from .nodes import Colour, plain
from .tailoring import (
    Fold,
    Form,
    Place,
    creases,
    form,
    garment,
    line,
    loop,
    outside,
    raised,
    ripple,
    strip,
    unfolded,
)
from .wraps import headwrap


@dataclass(frozen=True, slots=True)
class DressStyle:
    """What somebody wears: `top` is a key of `TOPS`; `vee` is its lowest point below the eyes."""

    cloth: Cloth
    top: str = "crew"
    jacket: Cloth | None = None
    headwrap: Cloth | None = None
    trim: Colour | None = None  # of bands and buttons
    undershirt: Cloth | None = None
    earrings: bool = False  # golden studs
    vee: float = 2.2
    seed: int = 1


# From the armpit to the collar and across the chest; down and around the sleeve's head.
DRAG: Final = (
    Fold([(-0.10, -0.60, -0.45), (-0.40, -0.60, -0.10), (-0.75, -0.45, 0.22)], 0.022, 0.085),
    Fold([(-0.05, -0.62, -0.60), (-0.50, -0.70, -0.40), (-0.95, -0.70, -0.12)], 0.026, 0.11),
    Fold([(0.02, -0.30, 0.26), (-0.35, -0.52, 0.08), (-0.78, -0.66, -0.16)], 0.042, 0.075),
    Fold([(-0.10, -0.05, 0.46), (-0.45, -0.28, 0.38), (-0.82, -0.38, 0.22)], 0.034, 0.06),
    Fold([(-0.25, -0.60, -0.02), (-0.85, -0.75, -0.22), (-1.45, -0.75, -0.20)], 0.026, 0.085),
    Fold([(-0.75, -0.25, 0.62), (-0.80, -0.45, 0.38), (-0.95, -0.60, 0.10)], 0.030, 0.055),
)
SLEEVE: Final = (
    Fold([(0.12, -0.35, 0.05), (0.26, -0.45, -0.40), (0.30, -0.45, -0.95)], 0.030, 0.10),
    Fold([(0.30, -0.10, 0.00), (0.42, -0.20, -0.45), (0.46, -0.20, -1.00)], 0.024, 0.10),
    Fold([(-0.05, -0.55, -0.50), (0.18, -0.55, -0.36), (0.40, -0.35, -0.30)], 0.020, 0.07),
)
ARMHOLE: Final = (
    Fold([(0.02, 0.15, 0.38), (0.05, -0.22, 0.22), (-0.06, -0.50, -0.15), (-0.14, -0.66, -0.75)],
         -0.034, 0.032),
    Fold([(0.09, 0.15, 0.38), (0.13, -0.22, 0.20), (0.02, -0.54, -0.15), (-0.06, -0.70, -0.75)],
         0.030, 0.055),
)  # fmt: skip

# The shoulder's corner from its joint, and how far cloth over it stands off, dm.
PAD_AT: Final = np.array([0.10, 0.05, 0.36])
PAD_SIZE: Final = np.array([0.34, 0.5, 0.30])

CREW: Final[tuple[Place, ...]] = (
    (0.0, 0.42, 1.88), (0.28, 0.46, 1.80), (0.56, 0.68, 1.60), (0.64, 1.02, 1.45),
    (0.40, 1.38, 1.35), (0.0, 1.50, 1.32),
)  # fmt: skip


def _worn(
    on: Form,
    gaps: tuple[float, float],
    softness: float,
    rng: np.random.Generator,
    pad: float = 0.0,
) -> Form:
    """The form as a garment between two gaps (dm) off it; softness 0 (stiff) to 1 (drapes)."""
    seams = creases(on, ARMHOLE, rng, 0.01)
    folds = creases(on, (*DRAG, *SLEEVE), rng, 0.07)
    loose = np.clip((on.eyes[2] - 1.5 - on.body.points[:, 2]) / 0.4, 0, 1)
    wave = ripple(on.body.points, 0.7, rng) * 0.010 + ripple(on.body.points, 0.3, rng) * 0.003
    height = 0.6 * gaps[0] + 0.4 * gaps[1] + seams + (1.0 + softness) * (folds + wave * loose)
    off = gaps[0] + (np.clip(height, *gaps) - gaps[0]) * _off_neck(on)
    return raised(on, unfolded(on.body, off + _pad(on, pad)))


def _pad(on: Form, height: float) -> Floats:
    """A pad of `height` dm that squares the shoulders of a jacket (n,)."""
    at = on.body.points - on.eyes
    at[:, 0] = np.abs(at[:, 0])
    centre = on.shoulder - on.eyes + PAD_AT
    away = (at - centre) / PAD_SIZE
    return np.asarray(height * np.exp(-(away**2).sum(1)))


def _off_neck(on: Form) -> Floats:
    """0 at the neck, where cloth lies close, to 1 on the shoulders (n,)."""
    at = on.body.points - on.eyes - [0.0, 0.95, 0.0]
    away = np.hypot(at[:, 0], 0.8 * at[:, 1])
    return np.asarray(np.clip((away - 0.6) / 0.5, 0, 1))


def _narrowed(places: Sequence[Place], on: Form) -> list[Place]:
    """Places around the neck of a mean man, for the neck that is there."""
    at = on.body.points - on.eyes
    beside = np.abs(at[np.abs(at[:, 2] + 1.25) < 0.06, 0])
    share = float(np.clip(beside.max() / 0.64, 0.8, 1.1))
    return [(x * share, y, z) for x, y, z in places]


def _button(body_at: Floats, made: Any) -> None:
    bpy.ops.mesh.primitive_cylinder_add(
        radius=0.05, depth=0.022, location=body_at, rotation=(np.pi / 2 - 0.1, 0, 0), vertices=28
    )
    disc = bpy.context.object
    bevel = disc.modifiers.new("bevel", "BEVEL")
    bevel.width, bevel.segments = 0.009, 3
    disc.data.materials.append(made)


def _crew(on: Form, style: DressStyle, neck: Floats) -> Floats:
    """A knitted round neck with a ribbed band; the cut (n,) of the garment."""
    edge = loop(_narrowed(CREW, on), on.eyes)
    rib = cloth_material("rib", Cloth(style.cloth.colour, "rib"), strip=True)
    upper = edge + np.array([0, 0, 0.15])
    upper[:, :2] = neck[:2] + 0.93 * (upper[:, :2] - neck[:2])
    middle = 0.5 * (edge + upper)
    strip("band", on.body, [edge, middle, upper], [0.008, 0.03, 0.012], rib, 0.034, closed=True)
    return outside(on.body, edge, neck) - 0.005


def _vee(on: Form, style: DressStyle, neck: Floats) -> Floats:
    """A tunic's or blouse's V with a facing sewn around it."""
    places: tuple[Place, ...] = (
        (0.0, 0.28, style.vee), (0.20, 0.38, style.vee - 0.27), (0.60, 0.72, 1.60),
        (0.62, 1.05, 1.46), (0.40, 1.42, 1.38), (0.0, 1.55, 1.34),
    )  # fmt: skip
    edge = loop(places, on.eyes, pointed=True)
    band = cloth_material("facing", Cloth(style.trim or style.cloth.colour, style.cloth.kind), True)
    half = len(edge) // 2
    for side, gap in ((slice(0, half), 0.018), (slice(half, None), 0.026)):
        inner = edge[side]
        outer = inner + np.array([0, 0, -0.13])
        outer[:, :2] = neck[:2] + 1.09 * (outer[:, :2] - neck[:2])
        strip("facing", on.body, [inner, 0.5 * (inner + outer), outer], [gap - 0.012, gap, gap],
              band, 0.016)  # fmt: skip
    return outside(on.body, edge, neck) - 0.01


def _shirt(on: Form, style: DressStyle, neck: Floats) -> Floats:
    """A shirt, its top button open: stand, collar with points, placket and buttons."""
    eyes, vee = on.eyes, style.vee
    sewn = cloth_material("sewn", style.cloth, strip=True)
    for side in (-1.0, 1.0):
        foot: list[Place] = [
            (0.13, 0.34, 1.90),
            (0.42, 0.46, 1.70),
            (0.62, 0.74, 1.50),
            (0.58, 1.15, 1.32),
            (0.30, 1.45, 1.24),
            (0.0, 1.53, 1.22),
        ]
        top: list[Place] = [
            (0.17, 0.30, 1.80),
            (0.43, 0.42, 1.55),
            (0.60, 0.74, 1.32),
            (0.56, 1.18, 1.10),
            (0.30, 1.46, 1.02),
            (0.0, 1.54, 1.00),
        ]
        edge: list[Place] = [
            (0.46 + 0.02 * side, 0.28, 2.15 + 0.04 * side),  # no two points lie alike
            (0.60, 0.40, 1.92),
            (0.80, 0.74, 1.62),
            (0.78, 1.25, 1.42),
            (0.42, 1.60, 1.36),
            (0.0, 1.70, 1.34),
        ]
        lines = [line(_narrowed(places, on), eyes, side) for places in (foot, top, edge)]
        roll = 0.35 * lines[1] + 0.65 * (lines[1] + [0, -0.015, 0.03])
        strip("stand", on.body, [lines[0], lines[1]], [0.01, 0.035], sewn, 0.016)
        strip("collar", on.body, [roll, 0.5 * (roll + lines[2]), lines[2]], [0.045, 0.080, 0.026],
              sewn, 0.018)  # fmt: skip
    flap = line([(0.10, 0.2, vee - 0.17), (0.10, 0.1, vee), (0.10, 0.0, vee + 0.7)], eyes, -1.0)
    hem = line([(-0.11, 0.2, vee - 0.15), (-0.09, 0.1, vee), (-0.09, 0.0, vee + 0.7)], eyes, -1.0)
    strip("placket", on.body, [flap, hem], [0.02, 0.022], sewn, 0.014)
    pearl = plain("button", style.trim or (0.75, 0.72, 0.66), 0.25)
    for k in range(2):
        row = np.argmin(np.abs(hem[:, 2] - (eyes[2] - vee - 0.03 - 0.42 * k)))
        at = 0.5 * (hem[row] + flap[row])
        near = np.linalg.norm(on.body.points - at, axis=1).argmin()
        _button(on.body.points[near] + 0.045 * on.body.normals[near], pearl)
    x = np.abs(on.body.points[:, 0])
    z = eyes[2] - on.body.points[:, 2]
    y = on.body.points[:, 1] - eyes[1]
    return np.asarray(np.minimum(z - (vee - 0.28 - 1.25 * (x - 0.08)), z - (1.42 - 0.2 * y)))


def _round(on: Form, style: DressStyle, neck: Floats) -> Floats:
    """A blouse's wide round neck with a narrow rolled edge."""
    places: tuple[Place, ...] = (
        (0.0, 0.34, style.vee), (0.34, 0.40, style.vee - 0.10), (0.66, 0.64, style.vee - 0.42),
        (0.72, 1.00, 1.53), (0.46, 1.42, 1.40), (0.0, 1.53, 1.36),
    )  # fmt: skip
    edge = loop(_narrowed(places, on), on.eyes)
    roll = cloth_material("roll", style.cloth, strip=True)
    outer = edge - [0, 0, 0.05]
    outer[:, :2] = neck[:2] + 1.04 * (outer[:, :2] - neck[:2])
    strip("roll", on.body, [edge, 0.5 * (edge + outer), outer], [0.004, 0.022, 0.006], roll, 0.016,
          closed=True)  # fmt: skip
    return outside(on.body, edge, neck) - 0.01


TOPS: Final = {"crew": _crew, "vee": _vee, "shirt": _shirt, "round": _round}
SOFTNESS: Final = {"crew": 0.7, "vee": 0.7, "shirt": 0.6, "round": 0.9}


def _jacket(on: Form, cloth: Cloth) -> None:
    """A tailored jacket, worn open at the top: body, lapels, collar and their seams."""
    eyes = on.eyes
    x = np.abs(on.body.points[:, 0])
    z = eyes[2] - on.body.points[:, 2]
    y = on.body.points[:, 1] - eyes[1]
    front = x - (0.66 - 0.50 * np.clip(z - 1.50, 0, 9))
    garment("jacket", on, np.minimum(front, z - (1.36 - 0.24 * (y - 0.7))),
            cloth_material("jacket", cloth))  # fmt: skip
    sewn = cloth_material("lapel", cloth, strip=True)
    for side in (-1.0, 1.0):
        lower = 0.012 * side  # the left front lies over the right one
        fold = line([(0.10, 0.0, 2.72), (0.40, 0.2, 2.16), (0.66, 0.55, 1.66)], eyes, side)
        belly = line([(0.20, 0.0, 2.82), (0.64, 0.1, 2.44), (0.98, 0.3, 2.02)], eyes, side, 48)
        gorge = line([(0.98, 0.3, 2.02), (0.76, 0.47, 1.80)], eyes, side, 13)[1:]
        edge = np.concatenate([belly, gorge])
        middle = 0.5 * (fold + edge)
        strip("lapel", on.body, [fold, middle, edge], [0.055 + lower, 0.075, 0.024], sewn, 0.018)
        rim: list[Place] = [
            (0.70, 0.50, 1.69),
            (0.66, 0.78, 1.54),
            (0.56, 1.20, 1.40),
            (0.28, 1.46, 1.32),
            (0.0, 1.54, 1.30),
        ]
        top: list[Place] = [
            (0.73, 0.48, 1.67),
            (0.69, 0.80, 1.50),
            (0.58, 1.22, 1.34),
            (0.29, 1.50, 1.26),
            (0.0, 1.58, 1.24),
        ]
        hem: list[Place] = [
            (0.94, 0.38, 1.91),
            (0.95, 0.84, 1.60),
            (0.80, 1.42, 1.48),
            (0.42, 1.74, 1.44),
            (0.0, 1.82, 1.42),
        ]
        inner, stand, fall = (line(_narrowed(at, on), eyes, side) for at in (rim, top, hem))
        strip("collar", on.body, [inner, stand, fall], [0.0, 0.06, 0.024], sewn, 0.018)


def dress(head: Head, style: DressStyle, state: HeadState) -> None:
    """Put the clothes into the scene, on the resting body; a headwrap turns with the head."""
    rng = np.random.default_rng(style.seed)
    neck = head.rest[head.base.indices("joint-neck")].mean(0)
    on = form(head, 6)
    if style.undershirt is not None:
        shirt = _worn(on, (0.012, 0.022), 0.0, rng)
        under = DressStyle(cloth=style.undershirt)
        seen = 0.75 - np.abs(shirt.body.points[:, 0])  # the rest lies under the top
        garment("under", shirt, np.minimum(seen, _crew(shirt, under, neck)),
                cloth_material("under", under.cloth))  # fmt: skip
    top = _worn(on, (0.03, 0.10 if style.jacket else 0.17), SOFTNESS[style.top], rng)
    garment("top", top, TOPS[style.top](top, style, neck), cloth_material("top", style.cloth))
    if style.jacket is not None:
        _jacket(_worn(form(head, 10), (0.125, 0.29), 0.45, rng, pad=0.07), style.jacket)
    if style.headwrap is not None:
        headwrap(head, state, style.headwrap, rng)


def put_studs(skin: Surface, ears: Floats) -> None:
    """A golden ball in each lobe; ears (n,) in [0, 1]: how much each point is of an ear."""
    gold = plain("gold", (0.80, 0.52, 0.20), 0.22, Metallic=1.0)
    for side in (-1.0, 1.0):
        ear = skin.points[(ears > 0.5) & (side * skin.points[:, 0] > 0)]
        lobe = ear[ear[:, 2] < np.quantile(ear[:, 2], 0.10)]
        at = lobe[lobe[:, 1] < np.quantile(lobe[:, 1], 0.6)].mean(0)
        bpy.ops.mesh.primitive_uv_sphere_add(
            radius=0.036, location=at + np.array([0.03 * side, -0.03, 0.0])
        )
        bpy.context.object.data.materials.append(gold)
        bpy.ops.object.shade_smooth()
