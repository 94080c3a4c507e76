"""People by the dozen: one seed, one synthetic person with a place to sit. Numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from models.tools.persona.cloth import Cloth
from models.tools.persona.dress import DressStyle
from models.tools.persona.eye import EyeStyle
from models.tools.persona.hair import HairStyle
from models.tools.persona.head import both, merged
from models.tools.persona.light import Lamp
from models.tools.persona.nodes import Colour
from models.tools.persona.people import MACRO, Persona
from models.tools.persona.scenery import SetStyle
from models.tools.persona.skin import SkinStyle

# MakeHuman's targets that go two ways; the first word grows a thing, the second shrinks it
MIDDLE: Final = (
    ("nose/nose-scale-horiz", "incr", "decr"),
    ("nose/nose-scale-depth", "incr", "decr"),
    ("nose/nose-hump", "incr", "decr"),
    ("nose/nose-point", "up", "down"),
    ("mouth/mouth-scale-horiz", "incr", "decr"),
    ("mouth/mouth-upperlip-volume", "incr", "decr"),
    ("mouth/mouth-lowerlip-volume", "incr", "decr"),
    ("mouth/mouth-cupidsbow", "incr", "decr"),
    ("mouth/mouth-trans", "up", "down"),
    ("chin/chin-width", "incr", "decr"),
    ("chin/chin-height", "incr", "decr"),
    ("chin/chin-prominent", "incr", "decr"),
    ("eyebrows/eyebrows-trans", "up", "down"),
    ("head/head-fat", "incr", "decr"),
)
PAIRED: Final = (
    ("eyes/{}-eye-bag", "incr", "decr"),
    ("eyes/{}-eye-height2", "incr", "decr"),
    ("eyes/{}-eye-corner1", "up", "down"),
    ("eyes/{}-eye-eyefold", "up", "down"),
    ("cheek/{}-cheek-bones", "incr", "decr"),
    ("cheek/{}-cheek-volume", "incr", "decr"),
)
HEADS: Final = ("oval", "round", "rectangular", "square", "diamond", "triangular")
CROOKED: Final = ("brown-1-l", "brown-2-l", "mouth-1-r", "mouth-2-l", "jaw-1-l", "nose-1-r")
DETAIL: Final = 0.3  # of a target's reach, about
IRISES: Final[tuple[tuple[Colour, Colour], ...]] = (
    ((0.20, 0.085, 0.03), (0.085, 0.038, 0.016)),  # brown
    ((0.10, 0.05, 0.025), (0.04, 0.02, 0.012)),  # dark brown
    ((0.16, 0.22, 0.26), (0.07, 0.12, 0.18)),  # blue-grey
    ((0.14, 0.18, 0.07), (0.06, 0.08, 0.03)),  # green
)
# linear RGB of skin from the darkest to the palest, and how much of each origin goes with it
SKINS: Final = np.array(
    [(0.10, 0.05, 0.03), (0.31, 0.175, 0.105), (0.52, 0.31, 0.20), (0.72, 0.47, 0.36)]
)


def person(seed: int) -> Persona:
    """The person of a seed. Even seeds are women; tones of skin go round by the seed, so that
    eight people in a row cover them."""
    rng = np.random.default_rng([31, seed])
    female = seed % 2 == 0
    tone = ((seed * 3) % 8 + float(rng.uniform(0, 1))) / 8
    old = float(np.clip(rng.uniform(-0.3, 1.0), 0, 1))
    return Persona(
        name=f"person-{seed:02d}",
        identity=merged([_origin(rng, female, tone, old), _details(rng)]),
        rest=_at_rest(rng),
        skin=_skin(rng, female, tone, old),
        eyes=EyeStyle(*IRISES[1 if tone < 0.3 else int(rng.integers(len(IRISES)))]),
        hair=_hair(rng, female, tone, old),
        cut="long" if female and rng.random() < 0.75 else "short",
        dress=_dress(rng, female),
        stage=_stage(rng, seed),
        seed=1000 + seed,
        turn=(float(rng.uniform(-7, 7)), float(rng.uniform(-2, 2)), float(rng.uniform(-2, 2))),
    )


def _origin(rng: np.random.Generator, female: bool, tone: float, old: float) -> Mapping[str, float]:
    """MakeHuman's macro targets: origins by the tone of the skin, ages, one sex."""
    pull = np.array(
        [3.0 * max(0.7 - tone, 0.05), 1.2 - abs(tone - 0.6), 3.0 * max(tone - 0.2, 0.05)]
    )
    shares = rng.dirichlet(1.5 * pull)
    sex = "female" if female else "male"
    out: dict[str, float] = {}
    for age, part in (("young", 1 - old), ("old", old)):
        out[f"{MACRO}/universal-{sex}-{age}-averagemuscle-averageweight"] = part
        for origin, share in zip(("african", "asian", "caucasian"), shares, strict=True):
            out[f"{MACRO}/{origin}-{sex}-{age}"] = part * float(share)
    return out


def _details(rng: np.random.Generator) -> Mapping[str, float]:
    out: dict[str, float] = {f"head/head-{rng.choice(HEADS)}": float(rng.uniform(0.1, 0.4))}
    for name, more, less in MIDDLE:
        amount = float(np.clip(rng.normal(0, DETAIL), -0.6, 0.6))
        out[f"{name}-{more if amount > 0 else less}"] = abs(amount)
    for name, more, less in PAIRED:
        amount = float(np.clip(rng.normal(0, DETAIL), -0.6, 0.6))
        out |= both(f"{name}-{more if amount > 0 else less}", weight=abs(amount))
    for name in rng.choice(CROOKED, 3, replace=False):
        out[f"asym/asym-{name}"] = float(rng.uniform(0.05, 0.2))
    # Eyes of MakeHuman's mean head are small; people.py enlarges them too.
    return out | both("eyes/{}-eye-scale-incr", weight=float(rng.uniform(0.2, 0.55)))


def _at_rest(rng: np.random.Generator) -> Mapping[str, float]:
    """What counts as this person's neutral face: lids as in a photograph, some a slight smile."""
    smile, wide = max(float(rng.uniform(-0.15, 0.45)), 0.0), float(rng.uniform(0.12, 0.28))
    out = {"eyeWideLeft": wide, "eyeWideRight": wide}
    for side in ("Left", "Right"):
        out[f"mouthSmile{side}"] = smile * float(rng.uniform(0.93, 1.0))
        out[f"cheekSquint{side}"] = 0.5 * smile
    return out


def _skin(rng: np.random.Generator, female: bool, tone: float, old: float) -> SkinStyle:
    at = tone * (len(SKINS) - 1)
    base = [float(np.interp(at, range(len(SKINS)), SKINS[:, c])) for c in range(3)]
    lips = [base[0] * 0.85, base[1] * 0.45, base[2] * 0.62]
    return SkinStyle(
        base=(base[0], base[1], base[2]),
        flush=(1.0, float(rng.uniform(0.58, 0.72)), float(rng.uniform(0.54, 0.64))),
        lips=(lips[0], lips[1], lips[2]),
        lips_share=float(rng.uniform(0.5, 0.8)),
        flush_share=float(rng.uniform(0.3, 0.6)),
        liner=float(rng.uniform(0, 0.5)) if female else 0.0,
        stubble=0.0 if female else float(rng.uniform(0, 0.5)),
        freckles=float(rng.uniform(0, 0.5)) if tone > 0.6 else 0.0,
        mottle=float(rng.uniform(0.2, 0.5)),
        wrinkles=old,
        roughness=float(rng.uniform(0.38, 0.55)),
        pores=float(rng.uniform(0.4, 0.9)),
        spots=0.4 * old,
        scalp_shade=float(rng.uniform(0.3, 0.9)),
    )


def _hair(rng: np.random.Generator, female: bool, tone: float, old: float) -> HairStyle:
    bearded = not female and rng.random() < 0.35
    return HairStyle(
        melanin=float(rng.uniform(0.9, 0.98)) if tone < 0.4 else float(rng.uniform(0.3, 0.95)),
        redness=float(rng.uniform(0.0, 0.6)),
        grey=float(np.clip(1.3 * old - 0.4, 0, 0.9)),
        forehead=float(rng.uniform(0.55, 0.70)),
        temple=0.0 if female else float(rng.uniform(0.0, 0.14)),
        brow_hairs=int(rng.integers(380, 900)),
        brow_width=float(rng.uniform(0.8, 1.15)),
        brow_tilt=float(rng.uniform(0, 0.22)),
        beard_hairs=int(rng.integers(9000, 24000)) if bearded else 0,
        lash_length=float(rng.uniform(0.065, 0.09)),
    )


def _dress(rng: np.random.Generator, female: bool) -> DressStyle:
    jacket, shirt = rng.uniform(0.015, 0.2, 3), rng.uniform(0.3, 0.85, 3)
    return DressStyle(
        Cloth((float(shirt[0]), float(shirt[1]), float(shirt[2])), "cotton"),
        "round" if female else "shirt",
        jacket=Cloth((float(jacket[0]), float(jacket[1]), float(jacket[2]))),
        vee=float(rng.uniform(2.05, 2.2)),
        seed=int(rng.integers(1000)),
    )


def _stage(rng: np.random.Generator, seed: int) -> SetStyle:
    """A key light on one side, a fill, one or two from behind, each of its own colour."""
    side = float(rng.choice([-1.0, 1.0]))
    contrast = float(rng.uniform(0.35, 1.0))  # of the fill to what the personas' has

    def warm(share: float) -> Colour:
        return (1.0, 0.95 - 0.08 * share, 0.95 - 0.25 * share)

    lamps = [
        Lamp((side * float(rng.uniform(2, 6)), -8.0, float(rng.uniform(2.5, 4.8))),
             float(rng.uniform(3, 6)), float(rng.uniform(760, 980)),
             warm(float(rng.uniform(0, 1)))),
        Lamp((-side * 6.0, -7.0, 1.0), 6.0, 420.0 * contrast, warm(float(rng.uniform(-0.6, 0.6)))),
        Lamp((-side * 3.5, 5.5, 4.5), 3.0, float(rng.uniform(150, 420)), warm(0.8)),
    ]  # fmt: skip
    if rng.random() < 0.6:
        lamps.append(Lamp((side * 5.5, 4.0, 2.0), 3.0, 180.0, (0.85, 0.92, 1.0)))
    ambient = float(rng.uniform(0.09, 0.15))
    wood = rng.uniform(0.08, 0.24)
    return SetStyle(
        lamps=tuple(lamps),
        ambient=(ambient, ambient, ambient * float(rng.uniform(0.9, 1.1))),
        wood=(float(wood), float(wood * 0.7), float(wood * 0.45)),
        glow=(1.0, float(rng.uniform(0.62, 0.8)), float(rng.uniform(0.34, 0.6))),
        daylight=float(rng.uniform(0.3, 0.8)),
        side=float(rng.choice([-1.0, 1.0])),
        seed=2000 + seed,
    )
