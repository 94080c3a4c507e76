"""Who the personas are: identity targets, skin, eyes, hair, dress and set of each. Numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .anthropometry import Measures
from .camera import WHOLE, Framing
from .cloth import Cloth
from .dress import DressStyle
from .expression import friendly
from .eye import EyeStyle
from .glasses import GlassesStyle
from .hair import HairStyle
from .head import both, merged
from .light import clinic_light, studio_light, window_light
from .scenery import SetStyle
from .skin import SkinStyle

MACRO: Final = "macrodetails"


@dataclass(frozen=True, slots=True)
class Persona:
    """One synthetic person. `identity` and `rest` as in head.Head.

    turn: yaw, pitch and roll of the head in the portrait, in degrees, stance: yaw of the body
    below it, as a sitter before a photographer is set askew. measures: the proportions
    that the head is fitted to, None for MakeHuman's own. drawn: finished as an illustration.
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
    stance: float = 0.0
    framing: Framing = WHOLE
    measures: Measures | None = None
    drawn: bool = False


def macro(sex: str, slim: float, **shares: float) -> Mapping[str, float]:
    """Macro targets: caucasian_old=0.8 is the share of that origin and age; slim in [0, 1]."""
    out: dict[str, float] = {}
    for origin_age, share in shares.items():
        origin, age = origin_age.split("_")
        out[f"{MACRO}/{origin}-{sex}-{age}"] = share
    for age in sorted({key.split("_")[1] for key in shares}):
        share = min(sum(v for k, v in shares.items() if k.endswith(age)), 1.0)
        body = f"{MACRO}/universal-{sex}-{age}-averagemuscle"
        out[f"{body}-averageweight"] = share * (1 - slim)
        out[f"{body}-minweight"] = share * slim
    return out


MIRA: Final = Persona(
    name="mira",  # about 30, of the Mediterranean and farther; a hotel's lobby
    identity=merged([
        macro("female", 0.45, caucasian_young=0.72, asian_young=0.12, african_young=0.16),
        {"nose/nose-point-width-decr": 0.3, "mouth/mouth-lowerlip-volume-incr": 0.25,
         "mouth/mouth-upperlip-volume-incr": 0.35, "asym/asym-brown-1-l": 0.2,
         "mouth/mouth-cupidsbow-incr": 0.4, "mouth/mouth-upperlip-middle-down": 0.25,
         "head/head-oval": 0.5, "chin/chin-width-decr": 0.35, "nose/nose-point-up": 0.15},
        both("cheek/{}-cheek-bones-incr", weight=0.35),
        both("eyes/{}-eye-corner2-up", weight=0.2),
        both("ears/{}-ear-wing-decr", weight=0.6),
    ]),
    measures=Measures("female", {"face_width": -0.3, "jaw_width": -1.5, "nose_width": -0.6,
                                 "mouth_width": -1.2, "pupils": -1.0, "inner_eyes": -1.1,
                                 "face_length": -0.9, "eye_length": -0.1, "eye_height": 0.2,
                                 "neck_girth": -1.1}),
    rest=friendly(0.50, 101, -0.05, 0.7),
    skin=SkinStyle(base=(0.60, 0.365, 0.245), flush=(1.0, 0.62, 0.58), lips=(0.48, 0.165, 0.155),
                   liner=0.45, freckles=0.25, uneven=0.35, pores=0.6),
    eyes=EyeStyle(inner=(0.20, 0.085, 0.03), outer=(0.085, 0.038, 0.016)),
    hair=HairStyle(melanin=0.70, redness=0.28, wave=0.4, volume=1.2, tuck=0.4, forehead=0.48,
                   tips=0.3, brow_width=0.9, fringe=0.05),
    cut="long",
    dress=DressStyle(Cloth((0.030, 0.060, 0.095), "fine knit"), "round", vee=2.0,
                     earrings=True, seed=1),
    stage=SetStyle(lamps=window_light(-1.0, 0.6), ambient=(0.08, 0.075, 0.07),
                   wood=(0.22, 0.12, 0.065), glow=(1.0, 0.66, 0.36), daylight=0.6,
                   side=-1.0, seed=11),
    turn=(-1.5, 0.5, 0.0),
    stance=5.0,
    framing=Framing(0.82, 0.03, -0.04),
    seed=101,
)  # fmt: skip

TOMAS: Final = Persona(
    name="tomas",  # about 58, grey, with a short beard; a hotel's office
    identity=merged([
        macro("male", 0.3, caucasian_young=0.24, caucasian_old=0.58, african_young=0.10,
              asian_young=0.08),
        {"nose/nose-hump-incr": 0.55, "nose/nose-scale-depth-incr": 0.35,
         "head/head-rectangular": 0.15, "nose/nose-point-down": 0.25,
         "mouth/mouth-upperlip-volume-decr": 0.2, "mouth/mouth-upperlip-middle-down": 0.3,
         "mouth/mouth-laugh-lines-in": 0.3, "asym/asym-brown-2-l": 0.2,
         "torso/measure-shoulder-dist-decr": 0.4},
        both("eyes/{}-eye-bag-incr", weight=0.35),
        both("eyes/{}-eye-eyefold-down", weight=0.45),
        both("eyes/{}-eye-corner2-down", weight=0.25),
        both("ears/{}-ear-wing-decr", weight=0.15),
    ]),
    measures=Measures("male", {"face_width": -0.5, "jaw_width": -0.3, "neck_girth": 0.7,
                               "nose_width": 0.4, "nose_length": 0.4, "pupils": -0.3,
                               "inner_eyes": -0.3, "eye_length": -0.5, "eye_height": -0.1}),
    rest=friendly(0.22, 202, -0.05, 0.8),
    skin=SkinStyle(base=(0.50, 0.295, 0.195), flush=(1.0, 0.62, 0.55), lips=(0.38, 0.125, 0.105),
                   lips_share=0.55, stubble=0.3, wrinkles=0.9, spots=0.3, vessels=0.5,
                   undereye=0.6, scalp_shade=0.4),
    eyes=EyeStyle(inner=(0.17, 0.15, 0.07), outer=(0.07, 0.075, 0.045)),
    hair=HairStyle(melanin=0.75, redness=0.15, grey=0.78, grey_temples=0.25, forehead=0.49,
                   temple=0.07, parting=0.3, brow_width=1.1, lash_length=0.06,
                   beard_hairs=28000, beard_length=0.05, beard_grey=0.65, beard_edge=0.35),
    cut="short",
    dress=DressStyle(Cloth((0.060, 0.066, 0.080), "fine knit"), "vee", vee=2.30,
                     undershirt=Cloth((0.60, 0.66, 0.74), "cotton"), seed=2),
    stage=SetStyle(lamps=window_light(1.0, 0.4), ambient=(0.075, 0.074, 0.072),
                   wood=(0.13, 0.095, 0.065), glow=(1.0, 0.74, 0.46), daylight=0.7,
                   side=1.0, seed=23),
    turn=(3.0, -0.5, -1.2),
    stance=-5.0,
    framing=Framing(0.87, -0.05, -0.02),
    seed=202,
)  # fmt: skip

AMARA: Final = Persona(
    name="amara",  # about 35, West African, in a headwrap; a studio
    identity=merged([
        macro("female", 0.35, african_young=0.95, caucasian_young=0.05),
        {"asym/asym-brown-1-r": 0.2, "head/head-round": 0.3,
         "chin/chin-width-decr": 0.35, "mouth/mouth-cupidsbow-incr": 0.4,
         "mouth/mouth-upperlip-middle-down": 0.3, "eyebrows/eyebrows-trans-up": 0.3},
        both("cheek/{}-cheek-bones-incr", weight=0.5),
        both("cheek/{}-cheek-volume-incr", weight=0.3),
        both("ears/{}-ear-scale-decr", weight=0.5),
    ]),
    measures=Measures("female", {"face_width": -0.2, "jaw_width": -1.2, "face_length": -0.7,
                                 "nose_width": 0.9, "nose_length": -0.3, "eye_length": -0.2,
                                 "pupils": -0.5, "inner_eyes": -0.4,
                                 "eye_height": -0.5, "mouth_width": -1.1,
                                 "neck_girth": -1.0}),
    rest=friendly(0.34, 303, -0.05, 0.8),
    skin=SkinStyle(base=(0.165, 0.084, 0.048), flush=(1.0, 0.70, 0.60), lips=(0.150, 0.056, 0.044),
                   lips_share=0.6, flush_share=0.3, liner=0.5, roughness=0.57, pores=1.0, oil=0.0),
    eyes=EyeStyle(inner=(0.10, 0.045, 0.02), outer=(0.035, 0.017, 0.010), yellow=0.6,
                  glow=0.04),
    hair=HairStyle(melanin=0.98, redness=0.0, forehead=0.50, brow_width=0.75,
                   lash_length=0.085, fuzz=0),
    cut="wrapped",
    dress=DressStyle(Cloth((0.66, 0.56, 0.42), "fine knit"), "round", vee=1.98,
                     headwrap=Cloth((0.30, 0.075, 0.020), "linen", (0.24, 0.045, 0.016)),
                     earrings=True, seed=3),
    stage=SetStyle(lamps=studio_light(-1.0, 1.5), ambient=(0.07, 0.07, 0.07),
                   room="studio",
                   wood=(0.20, 0.26, 0.25), glow=(1.0, 0.97, 0.92), daylight=1.0, side=1.0,
                   seed=31),
    turn=(1.5, 1.0, 0.0),
    stance=11.0,
    framing=Framing(0.88, 0, -0.08),
    seed=303,
)  # fmt: skip

JUN: Final = Persona(
    name="jun",  # about 40, East Asian, in a tunic; a clinic
    identity=merged([
        macro("male", 0.35, asian_young=0.92, caucasian_old=0.08),
        {"asym/asym-brown-2-r": 0.2, "head/head-square": 0.2, "mouth/mouth-cupidsbow-incr": 0.3,
         "mouth/mouth-upperlip-middle-down": 0.3,
         "torso/measure-shoulder-dist-decr": 0.3},
        both("cheek/{}-cheek-bones-incr", weight=0.3),
    ]),
    measures=Measures("male", {"face_width": -0.9, "jaw_width": -0.6, "neck_girth": 0.3,
                               "nose_width": 0.2,
                               "face_length": -0.2, "eye_height": -0.2, "pupils": -1.0,
                               "inner_eyes": -0.7, "eye_length": -0.6,
                               "mouth_width": -0.6}),
    rest=friendly(0.34, 404, 0.0, 0.8),
    skin=SkinStyle(base=(0.56, 0.35, 0.23), flush=(1.0, 0.64, 0.58), lips=(0.42, 0.145, 0.125),
                   lips_share=0.65, stubble=0.25, wrinkles=0.2),
    eyes=EyeStyle(inner=(0.10, 0.05, 0.025), outer=(0.04, 0.02, 0.012)),
    hair=HairStyle(melanin=0.97, redness=0.05, forehead=0.49, temple=0.04, volume=1.2, parting=-0.3,
                   brow_melanin=0.975, brow_hairs=720, lash_length=0.06),
    cut="textured",
    dress=DressStyle(Cloth((0.045, 0.20, 0.215), "poly"), "vee", vee=2.36,
                     undershirt=Cloth((0.72, 0.72, 0.72), "cotton"), seed=4),
    stage=SetStyle(lamps=clinic_light(1.0), ambient=(0.09, 0.092, 0.095),
                   room="clinic",
                   wood=(0.42, 0.28, 0.17), glow=(1.0, 0.9, 0.8), daylight=0.8, side=1.0, seed=41),
    turn=(-2.5, 0.0, 0.0),
    stance=-6.0,
    framing=Framing(0.88, 0.04, -0.06),
    seed=404,
)  # fmt: skip

INGRID: Final = Persona(
    name="ingrid",  # about 62, Nordic, short silver hair, a jumper; a practice
    identity=merged([
        macro("female", 0.5, caucasian_young=0.38, caucasian_old=0.62),
        {"asym/asym-brown-1-r": 0.2, "head/head-invertedtriangular": 0.3,
         "mouth/mouth-upperlip-volume-decr": 0.25, "mouth/mouth-cupidsbow-incr": 0.3,
         "mouth/mouth-upperlip-middle-down": 0.3, "nose/nose-point-width-decr": 0.4,
         "nose/nose-greek-incr": 0.2},
        both("cheek/{}-cheek-bones-incr", weight=0.4),
        both("cheek/{}-cheek-volume-decr", weight=0.2),
        both("eyes/{}-eye-corner2-down", weight=0.3),
        both("eyes/{}-eye-eyefold-down", weight=0.25),
    ]),
    measures=Measures("female", {"face_width": -0.3, "nose_width": -0.5, "eye_length": -0.3,
                                 "jaw_width": -1.2, "eye_height": 0.1, "face_length": -0.5,
                                 "mouth_width": -0.6, "pupils": -0.6, "inner_eyes": -0.5,
                                 "neck_girth": -0.6}),
    rest=friendly(0.42, 505, -0.05, 0.8),
    skin=SkinStyle(base=(0.68, 0.44, 0.33), flush=(1.0, 0.60, 0.56), lips=(0.46, 0.145, 0.14),
                   lips_share=0.75, freckles=0.3, wrinkles=0.6, lines=0.4, spots=0.35,
                   vessels=0.2, undereye=0.25, flush_share=0.25, liner=0.5, scalp_shade=0.2),
    eyes=EyeStyle(inner=(0.17, 0.21, 0.24), outer=(0.085, 0.115, 0.145)),
    hair=HairStyle(melanin=0.32, redness=0.06, grey=0.88, parting=-0.5, fringe=0.5, wave=0.3,
                   forehead=0.46, brow_width=0.8, brow_melanin=0.5),
    cut="pixie",
    dress=DressStyle(Cloth((0.075, 0.125, 0.165), "knit"), "crew", earrings=True, seed=5),
    stage=SetStyle(lamps=window_light(-1.0, 0.2), ambient=(0.08, 0.08, 0.08), room="clinic",
                   wood=(0.32, 0.21, 0.12), glow=(1.0, 0.78, 0.52), daylight=0.9, side=-1.0,
                   seed=53),
    turn=(-2.0, -0.5, 0.0),
    stance=6.0,
    framing=Framing(0.85, 0.06, 0.01),
    seed=505,
)  # fmt: skip

SAMIR: Final = Persona(
    name="samir",  # about 32, of the Levant, a short dark beard; a studio
    identity=merged([
        macro("male", 0.4, caucasian_young=0.68, african_young=0.12, asian_young=0.2),
        {"nose/nose-hump-incr": 0.4, "nose/nose-scale-depth-incr": 0.3, "asym/asym-brown-1-l": 0.2,
         "head/head-diamond": 0.2, "mouth/mouth-lowerlip-volume-incr": 0.3,
         "mouth/mouth-cupidsbow-incr": 0.3, "mouth/mouth-upperlip-middle-down": 0.3,
         "torso/measure-shoulder-dist-decr": 0.4},
        both("ears/{}-ear-wing-decr", weight=0.15),
        both("cheek/{}-cheek-bones-incr", weight=0.3),
        both("eyes/{}-eye-corner2-up", weight=0.1),
    ]),
    measures=Measures("male", {"face_width": -0.4, "neck_girth": 0.6, "eye_length": -0.5,
                               "pupils": -1.1, "inner_eyes": -1.1, "nose_length": 0.4,
                               "mouth_width": -0.6, "eye_height": 0.2}),
    rest=friendly(0.40, 606, -0.05, 0.6),
    skin=SkinStyle(base=(0.43, 0.255, 0.165), flush=(1.0, 0.64, 0.56), lips=(0.36, 0.14, 0.12),
                   lips_share=0.42, stubble=0.4, wrinkles=0.1),
    eyes=EyeStyle(inner=(0.15, 0.075, 0.03), outer=(0.055, 0.028, 0.014)),
    hair=HairStyle(melanin=0.93, redness=0.12, forehead=0.48, temple=0.03, brow_width=1.1,
                   brow_melanin=0.93, lash_length=0.065, beard_hairs=22000,
                   beard_length=0.045, beard_edge=0.4),
    cut="textured",
    dress=DressStyle(Cloth((0.075, 0.115, 0.085), "knit"), "crew", seed=6),
    stage=SetStyle(lamps=studio_light(1.0), ambient=(0.07, 0.07, 0.07), room="studio",
                   wood=(0.34, 0.30, 0.25), glow=(1.0, 0.95, 0.88), daylight=1.0, side=-1.0,
                   seed=61),
    turn=(-3.5, 0.5, 1.2),
    stance=-8.0,
    framing=Framing(0.85, 0.05, -0.02),
    seed=606,
)  # fmt: skip

NILA: Final = Persona(
    name="nila",  # about 28, South Asian, long dark hair; an illustration
    identity=merged([
        macro("female", 0.45, caucasian_young=0.55, african_young=0.2, asian_young=0.25),
        {"mouth/mouth-upperlip-volume-incr": 0.3, "asym/asym-brown-1-l": 0.2,
         "head/head-invertedtriangular": 0.3, "chin/chin-width-decr": 0.4},
        both("cheek/{}-cheek-bones-incr", weight=0.3),
        both("ears/{}-ear-wing-decr", weight=0.6),
    ]),
    measures=Measures("female", {"face_width": -0.4, "jaw_width": -1.9, "nose_width": -0.3,
                                 "face_length": -0.6, "pupils": -0.5, "inner_eyes": -0.6,
                                 "eye_length": 0.4, "eye_height": 1.5, "mouth_width": -0.6,
                                 "neck_girth": -1.0}),
    rest=friendly(0.34, 707, 0.0),
    skin=SkinStyle(base=(0.36, 0.195, 0.115), flush=(1.0, 0.62, 0.54), lips=(0.36, 0.10, 0.10),
                   liner=0.6, pores=0.0, mottle=0.1, uneven=0.2, lines=0.0, moles=0),
    eyes=EyeStyle(inner=(0.13, 0.06, 0.025), outer=(0.05, 0.024, 0.012)),
    hair=HairStyle(melanin=0.80, redness=0.2, wave=0.6, parting=0.1, tuck=0.5, volume=1.1,
                   forehead=0.47),
    cut="long",
    dress=DressStyle(Cloth((0.42, 0.075, 0.115), "linen"), "vee", vee=2.25,
                     trim=(0.62, 0.42, 0.12), seed=7),
    stage=SetStyle(lamps=studio_light(-1.0), ambient=(0.10, 0.10, 0.11), room="studio",
                   wood=(0.50, 0.42, 0.30), glow=(1.0, 0.95, 0.88), daylight=1.0, side=1.0,
                   seed=71),
    turn=(4.0, 1.0, -2.6),
    stance=-8.0,
    framing=Framing(0.83, -0.04, 0),
    seed=707,
    drawn=True,
)  # fmt: skip

PERSONAS: Final = {
    persona.name: persona for persona in (MIRA, TOMAS, AMARA, JUN, INGRID, SAMIR, NILA)
}
