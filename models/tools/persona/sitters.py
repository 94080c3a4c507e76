"""People who sit for the face benchmark and do not ship: other ages, skins, turns, glasses, a
cartoon. Numbers only; see people.py for the two who ship.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from .cloth import Cloth
from .dress import DressStyle
from .eye import EyeStyle
from .glasses import GlassesStyle
from .hair import HairStyle
from .head import both, merged
from .light import Lamp
from .people import MACRO, MIRA, TOMAS, Persona
from .skin import SkinStyle


def _macro(sex: str, **shares: float) -> Mapping[str, float]:
    """Macro targets: caucasian_old=0.8 is the share of that origin and age."""
    out = {
        f"{MACRO}/{'-'.join([origin_age.split('_')[0], sex, origin_age.split('_')[1]])}": share
        for origin_age, share in shares.items()
    }
    for age in {key.split("_")[1] for key in shares}:
        share = sum(v for k, v in shares.items() if k.endswith(age))
        out[f"{MACRO}/universal-{sex}-{age}-averagemuscle-averageweight"] = min(share, 1.0)
    return out


ADA: Final = Persona(
    name="ada",  # about 70, pale, white short hair, metal glasses
    identity=merged(
        [
            _macro("female", caucasian_old=0.85, asian_old=0.15),
            {"nose/nose-scale-horiz-decr": 0.2, "asym/asym-brown-1-l": 0.15,
             "asym/asym-mouth-1-r": 0.12, "head/head-round": 0.2},
            both("eyes/{}-eye-bag-incr", weight=0.4),
            both("eyes/{}-eye-scale-incr", weight=0.3),
        ]
    ),
    rest={"mouthSmileLeft": 0.3, "mouthSmileRight": 0.33, "cheekSquintLeft": 0.15,
          "cheekSquintRight": 0.15, "eyeWideLeft": 0.2, "eyeWideRight": 0.2},
    skin=SkinStyle(
        base=(0.72, 0.47, 0.36), flush=(1.0, 0.60, 0.56), lips=(0.50, 0.20, 0.18), lips_share=0.6,
        mottle=0.5, wrinkles=1.0, pores=0.7, spots=0.5, scalp_shade=0.2,
    ),
    eyes=EyeStyle(inner=(0.16, 0.22, 0.26), outer=(0.07, 0.12, 0.18)),
    hair=HairStyle(
        melanin=0.35, redness=0.2, grey=0.95, temple=0.05, brow_hairs=420,
        brow_width=0.9, lash_length=0.045,
    ),
    cut="short",
    dress=DressStyle(Cloth((0.7, 0.7, 0.66), "silk"), "round", jacket=Cloth((0.10, 0.04, 0.07))),
    stage=MIRA.stage,
    seed=303,
    glasses=GlassesStyle(colour=(0.45, 0.40, 0.34), metal=1.0, square=2.3),
)  # fmt: skip

KOFI: Final = Persona(
    name="kofi",  # about 25, dark skin, shaved, turned to the picture's left
    identity=merged(
        [
            _macro("male", african_young=0.9, caucasian_young=0.1),
            {"head/head-oval": 0.3, "asym/asym-mouth-1-r": 0.15, "asym/asym-nose-1-r": 0.12,
             "chin/chin-width-incr": 0.1},
            both("eyes/{}-eye-scale-incr", weight=0.35),
        ]
    ),
    rest={"mouthSmileLeft": 0.2, "mouthSmileRight": 0.18, "eyeWideLeft": 0.15,
          "eyeWideRight": 0.15},
    skin=SkinStyle(
        base=(0.115, 0.058, 0.034), flush=(1.0, 0.72, 0.62), lips=(0.16, 0.06, 0.05),
        lips_share=0.5, flush_share=0.3, stubble=0.35, roughness=0.42, pores=0.7,
    ),
    eyes=EyeStyle(inner=(0.10, 0.045, 0.02), outer=(0.035, 0.017, 0.01)),
    hair=HairStyle(melanin=0.98, redness=0.0, temple=0.08, brow_hairs=600),
    cut="short",
    dress=DressStyle(Cloth((0.8, 0.78, 0.75), "cotton"), "shirt",
                     jacket=Cloth((0.02, 0.05, 0.045))),
    stage=TOMAS.stage,
    seed=404,
    turn=(-15.0, 0.0, 0.0),
)  # fmt: skip

BRUNO: Final = Persona(
    name="bruno",  # about 40, full dark beard, dark-rimmed glasses
    identity=merged(
        [
            _macro("male", caucasian_young=0.5, caucasian_old=0.3, asian_young=0.2),
            {"head/head-square": 0.3, "nose/nose-hump-incr": 0.3, "chin/chin-width-incr": 0.2,
             "asym/asym-brown-2-l": 0.15, "asym/asym-jaw-2-r": 0.15},
            both("eyes/{}-eye-scale-incr", weight=0.2),
        ]
    ),
    rest={"mouthSmileLeft": 0.25, "mouthSmileRight": 0.28, "eyeWideLeft": 0.25,
          "eyeWideRight": 0.25},
    skin=SkinStyle(
        base=(0.50, 0.29, 0.19), flush=(1.0, 0.62, 0.55), lips=(0.40, 0.15, 0.13), lips_share=0.55,
        stubble=0.5, wrinkles=0.4, mottle=0.4, pores=0.9,
    ),
    eyes=EyeStyle(inner=(0.14, 0.16, 0.07), outer=(0.06, 0.07, 0.03)),
    hair=HairStyle(
        melanin=0.82, redness=0.3, grey=0.06, temple=0.1, brow_hairs=750,
        brow_width=1.15, beard_hairs=26000, lash_length=0.045,
    ),
    cut="short",
    dress=DressStyle(Cloth((0.30, 0.34, 0.36), "cotton"), "shirt",
                     jacket=Cloth((0.05, 0.035, 0.025))),
    stage=TOMAS.stage,
    seed=505,
    glasses=GlassesStyle(colour=(0.012, 0.011, 0.012), thick=0.02, tall=1.25),
)  # fmt: skip

MEI: Final = Persona(
    name="mei",  # about 25, long black hair, turned to the picture's right, level light
    identity=merged(
        [
            _macro("female", asian_young=0.9, caucasian_young=0.1),
            {"head/head-oval": 0.4, "mouth/mouth-upperlip-volume-incr": 0.2,
             "asym/asym-brown-1-l": 0.12, "asym/asym-mouth-1-r": 0.1},
            both("eyes/{}-eye-scale-incr", weight=0.4),
            both("ears/{}-ear-wing-decr", weight=1.0),
        ]
    ),
    rest={"mouthSmileLeft": 0.25, "mouthSmileRight": 0.25, "eyeWideLeft": 0.2,
          "eyeWideRight": 0.2},
    skin=SkinStyle(
        base=(0.69, 0.45, 0.32), flush=(1.0, 0.64, 0.60), lips=(0.52, 0.17, 0.17), liner=0.35,
        mottle=0.25, pores=0.5,
    ),
    eyes=EyeStyle(inner=(0.10, 0.05, 0.025), outer=(0.04, 0.02, 0.012)),
    hair=HairStyle(
        melanin=0.97, redness=0.05, brow_width=0.8, brow_hairs=420, lash_length=0.055,
    ),
    cut="long",
    dress=DressStyle(Cloth((0.75, 0.6, 0.6), "silk"), "round", jacket=Cloth((0.25, 0.24, 0.22))),
    stage=replace(
        MIRA.stage,
        lamps=(
            Lamp((0.0, -8.5, 3.2), 5.0, 900.0, (1.0, 0.96, 0.92)),
            Lamp((4.0, 5.5, 4.5), 3.0, 300.0, (0.9, 0.94, 1.0)),
        ),
    ),
    seed=606,
    turn=(15.0, 2.0, 0.0),
)  # fmt: skip

TOON: Final = Persona(
    name="toon",  # a 3D cartoon: large eyes in a round head, skin without pores
    identity=merged(
        [
            _macro("female", caucasian_young=0.5, caucasian_child=0.5),
            {"head/head-round": 0.8, "head/head-scale-horiz-incr": 0.5,
             "nose/nose-scale-horiz-decr": 0.7, "nose/nose-scale-vert-decr": 0.7,
             "chin/chin-width-decr": 0.7, "mouth/mouth-scale-horiz-decr": 0.2,
             "neck/neck-scale-horiz-decr": 0.8, "eyebrows/eyebrows-trans-up": 0.6},
            both("eyes/{}-eye-scale-incr", weight=3.0),
            both("eyes/{}-eye-height2-incr", weight=0.8),
            both("eyes/{}-eye-trans-out", weight=0.9),
            both("cheek/{}-cheek-volume-incr", weight=0.8),
        ]
    ),
    rest={"mouthSmileLeft": 0.4, "mouthSmileRight": 0.4, "eyeWideLeft": 0.25,
          "eyeWideRight": 0.25},
    skin=SkinStyle(
        base=(0.80, 0.50, 0.36), flush=(1.0, 0.50, 0.48), lips=(0.62, 0.16, 0.17), flush_share=0.9,
        mottle=0.0, pores=0.0, roughness=0.6, freckles=0.6, liner=0.4,
    ),
    eyes=EyeStyle(inner=(0.10, 0.36, 0.30), outer=(0.03, 0.16, 0.15), pupil=0.48, iris=0.07),
    hair=HairStyle(
        melanin=0.45, redness=0.95, brow_hairs=500, brow_height=0.25, lash_length=0.075,
    ),
    cut="long",
    dress=DressStyle(Cloth((0.85, 0.65, 0.2), "silk"), "round", jacket=Cloth((0.02, 0.16, 0.22))),
    stage=MIRA.stage,
    seed=707,
)  # fmt: skip

SITTERS: Final = {persona.name: persona for persona in (ADA, KOFI, BRUNO, MEI, TOON)}
