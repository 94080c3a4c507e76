"""Who the personas are: identity targets, skin, eyes, hair, dress and set of each. Numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .dress import DressStyle
from .eye import EyeStyle
from .glasses import GlassesStyle
from .hair import HairStyle
from .head import both, merged
from .scenery import Lamp, SetStyle
from .skin import SkinStyle

MACRO: Final = "macrodetails"


@dataclass(frozen=True, slots=True)
class Persona:
    """One synthetic person. `identity` and `rest` as in head.Head.

    turn: yaw, pitch and roll of the head in the portrait, in degrees.
    """

    name: str
    identity: Mapping[str, float]
    rest: Mapping[str, float]
    skin: SkinStyle
    eyes: EyeStyle
    hair: HairStyle
    cut: str
    dress: DressStyle
    stage: SetStyle
    seed: int
    glasses: GlassesStyle | None = None
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)


MIRA: Final = Persona(
    name="mira",
    identity=merged(
        [
            {
                f"{MACRO}/caucasian-female-young": 0.62,
                f"{MACRO}/asian-female-young": 0.20,
                f"{MACRO}/african-female-young": 0.18,
                f"{MACRO}/universal-female-young-averagemuscle-averageweight": 1.0,
                "head/head-oval": 0.35,
                "chin/chin-width-decr": 0.25,
                "nose/nose-scale-horiz-decr": 0.3,
                "nose/nose-point-width-decr": 0.2,
                "mouth/mouth-lowerlip-volume-incr": 0.25,
                "mouth/mouth-upperlip-volume-incr": 0.3,
                "mouth/mouth-scale-horiz-incr": 0.15,
                "eyebrows/eyebrows-trans-up": 0.2,
                "asym/asym-brown-1-l": 0.12,
                "asym/asym-mouth-1-r": 0.1,
                "asym/asym-jaw-1-l": 0.12,
                "asym/asym-nose-1-r": 0.08,
            },
            both("eyes/{}-eye-scale-incr", weight=0.55),
            both("eyes/{}-eye-height2-incr", weight=0.4),
            both("cheek/{}-cheek-bones-incr", weight=0.2),
            both("ears/{}-ear-wing-decr", weight=1.0),
            both("ears/{}-ear-scale-decr", weight=1.0),
            both("ears/{}-ear-lobe-decr", "ears/{}-ear-scale-vert-decr", weight=1.0),
            both("ears/{}-ear-trans-backward", weight=0.8),
        ]
    ),
    rest={
        "mouthSmileLeft": 0.5,
        "mouthSmileRight": 0.48,
        "mouthPressLeft": 0.13,
        "mouthPressRight": 0.13,
        "cheekSquintLeft": 0.24,
        "cheekSquintRight": 0.24,
        "eyeWideLeft": 0.2,
        "eyeWideRight": 0.2,
        "browInnerUp": 0.05,
    },
    skin=SkinStyle(
        base=(0.64, 0.385, 0.25),
        flush=(1.0, 0.62, 0.58),
        lips=(0.50, 0.155, 0.15),
        liner=0.55,
        freckles=0.35,
        mottle=0.3,
        pores=0.55,
    ),
    eyes=EyeStyle(inner=(0.20, 0.085, 0.03), outer=(0.085, 0.038, 0.016)),
    hair=HairStyle(
        melanin=0.64,
        redness=0.5,
        brow_tilt=0.16,
        brow_hairs=900,
        lash_length=0.075,
        forehead=0.56,
        wave=0.6,
    ),
    cut="long",
    dress=DressStyle(jacket=(0.02, 0.03, 0.06), shirt=(0.80, 0.75, 0.68), collar=False, vee=2.05),
    stage=SetStyle(
        lamps=(
            Lamp((-5.0, -8.0, 4.2), 4.5, 860.0, (1.0, 0.93, 0.86)),
            Lamp((6.0, -7.0, 1.0), 6.0, 400.0, (0.95, 0.95, 1.0)),
            Lamp((3.5, 5.5, 4.5), 3.0, 420.0, (1.0, 0.86, 0.68)),
            Lamp((-5.5, 4.0, 2.0), 3.0, 200.0, (0.85, 0.92, 1.0)),
        ),
        ambient=(0.13, 0.12, 0.115),
        wood=(0.22, 0.125, 0.07),
        glow=(1.0, 0.66, 0.34),
        daylight=0.5,
        plant_side=1.0,
        window_side=1.0,
        seed=11,
    ),
    seed=101,
)

TOMAS: Final = Persona(
    name="tomas",
    identity=merged(
        [
            {
                f"{MACRO}/caucasian-male-young": 0.20,
                f"{MACRO}/caucasian-male-old": 0.20,
                f"{MACRO}/asian-male-young": 0.14,
                f"{MACRO}/asian-male-old": 0.14,
                f"{MACRO}/african-male-young": 0.16,
                f"{MACRO}/african-male-old": 0.16,
                f"{MACRO}/universal-male-young-averagemuscle-averageweight": 0.5,
                f"{MACRO}/universal-male-old-averagemuscle-averageweight": 0.5,
                "head/head-rectangular": 0.2,
                "mouth/mouth-laugh-lines-in": 0.3,
                "chin/chin-width-incr": 0.15,
                "asym/asym-brown-2-l": 0.15,
                "asym/asym-mouth-2-l": 0.12,
                "asym/asym-nose-2-l": 0.12,
                "asym/asym-jaw-2-r": 0.12,
            },
            both("eyes/{}-eye-bag-incr", weight=0.3),
            both("eyes/{}-eye-scale-incr", weight=0.25),
            both("eyes/{}-eye-height2-incr", weight=0.25),
        ]
    ),
    rest={
        "mouthSmileLeft": 0.42,
        "mouthSmileRight": 0.46,
        "cheekSquintLeft": 0.22,
        "cheekSquintRight": 0.2,
        "eyeWideLeft": 0.3,
        "eyeWideRight": 0.3,
    },
    skin=SkinStyle(
        base=(0.31, 0.175, 0.105),
        flush=(1.0, 0.66, 0.58),
        lips=(0.27, 0.105, 0.085),
        lips_share=0.55,
        flush_share=0.4,
        stubble=0.3,
        mottle=0.45,
        wrinkles=1.0,
        roughness=0.5,
        pores=0.8,
        spots=0.35,
        scalp_shade=0.45,
    ),
    eyes=EyeStyle(inner=(0.16, 0.075, 0.03), outer=(0.06, 0.03, 0.015)),
    hair=HairStyle(
        melanin=0.72,
        redness=0.15,
        grey=0.68,
        temple=0.14,
        brow_hairs=950,
        brow_width=1.1,
        brow_tilt=0.22,
        beard_hairs=34000,
        lash_length=0.06,
    ),
    cut="short",
    dress=DressStyle(jacket=(0.030, 0.031, 0.036), shirt=(0.56, 0.66, 0.80), collar=True, vee=1.70),
    stage=SetStyle(
        lamps=(
            Lamp((5.0, -8.0, 4.2), 4.5, 900.0, (1.0, 0.94, 0.88)),
            Lamp((-6.0, -7.0, 1.0), 6.0, 420.0, (0.94, 0.96, 1.0)),
            Lamp((-3.5, 5.5, 4.5), 3.0, 300.0, (1.0, 0.88, 0.72)),
            Lamp((5.5, 4.0, 2.0), 3.0, 150.0, (0.85, 0.92, 1.0)),
        ),
        ambient=(0.11, 0.112, 0.118),
        wood=(0.13, 0.12, 0.10),
        glow=(1.0, 0.74, 0.46),
        daylight=0.6,
        plant_side=-1.0,
        window_side=-1.0,
        seed=23,
    ),
    seed=202,
)

PERSONAS: Final = {persona.name: persona for persona in (MIRA, TOMAS)}
