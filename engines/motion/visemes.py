"""The one table from phoneme symbols to mouth shapes.

A viseme says where the articulators go for a class of speech sounds and how much each of them
insists. Symbols are IPA as espeak-ng writes it ("espeak") or misaki's one-letter variant of it
("misaki"). A symbol that is not listed falls to its nearest class, never to a frozen mouth.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Literal

from visavis.engines.base import Alphabet

Seal = Literal["", "lips", "teeth"]

# The articulators, each with its own timing, and the ARKit units that they move ("mouthStretch"
# stands for its left and its right half).
UNITS: Final[Mapping[str, tuple[str, ...]]] = {
    "jaw": ("jawOpen", "jawForward"),
    "round": ("mouthFunnel", "mouthPucker"),
    "lips": (
        "mouthStretch", "mouthSmile", "mouthDimple", "mouthUpperUp", "mouthLowerDown",
        "mouthShrugUpper",
    ),
    "tongue": ("tongueOut",),
}  # fmt: skip
ARTICULATORS: Final = tuple(UNITS)


@dataclass(frozen=True, slots=True)
class Viseme:
    """Targets of the ARKit units in [0, 1], unnamed ones 0, and how much each articulator insists.

    insists: dominance in (0, 1.5] per articulator (the alpha of Cohen & Massaro 1993). A sound
        that leaves an articulator free, as /k/ leaves the lips, has little of it there, so the
        neighbours decide.
    seal: what this sound must touch: both lips, or the lower lip and the upper teeth.
    """

    name: str
    targets: Mapping[str, float] = field(default_factory=dict)
    jaw: float = 1.0
    round: float = 1.0
    lips: float = 1.0
    tongue: float = 1.0
    seal: Seal = ""
    vowel: bool = False

    def insists(self) -> tuple[float, ...]:
        """Dominance per articulator, in the order of ARTICULATORS."""
        return (self.jaw, self.round, self.lips, self.tongue)


# How much further connected speech goes than the sounds spoken alone that the tables below were
# looked at with: fitted, on rendered clips, to how far real speakers' lips move
# (bench/face/theval.py). Closures are seals and are not touched.
_VOWEL_GAIN: Final[Mapping[str, float]] = {
    "mouthPucker": 1.42, "mouthStretch": 1.62, "mouthSmile": 1.62, "mouthDimple": 1.4,
    "mouthLowerDown": 1.32, "mouthUpperUp": 1.30,
}  # fmt: skip
_CONSONANT_GAIN: Final[Mapping[str, float]] = {
    "mouthPucker": 1.3, "mouthStretch": 1.5, "mouthLowerDown": 1.36, "mouthUpperUp": 1.26,
}  # fmt: skip


def _opened(jaw: float) -> float:
    """Half-open vowels open further than the chart says, open ones do not: speakers level them."""
    return jaw * (1.64 - 1.5 * jaw)


def _fitted(targets: Mapping[str, float], gain: Mapping[str, float]) -> dict[str, float]:
    return {unit: min(value * gain.get(unit, 1.0), 1.0) for unit, value in targets.items()}


def _vowel(
    name: str,
    jaw: float,
    *,
    funnel: float = 0.0,
    pucker: float = 0.0,
    spread: float = 0.0,
    lower: float = 0.0,
    upper: float = 0.0,
    tongue: float = 0.0,
    insist: float = 1.0,
) -> Viseme:
    targets = {
        "jawOpen": _opened(jaw), "mouthFunnel": funnel, "mouthPucker": pucker,
        "mouthStretch": spread, "mouthSmile": 0.25 * spread, "mouthDimple": 0.2 * spread,
        "mouthLowerDown": lower, "mouthUpperUp": upper, "tongueOut": tongue,
    }  # fmt: skip
    fitted = _fitted(targets, _VOWEL_GAIN)
    return Viseme(name, fitted, insist, insist, insist, 1.0, vowel=True)


SILENCE: Final = Viseme("sil")

# Jaw heights follow the order of the vowel chart (close to open); jawOpen 1 is about 34 mm
# between the lips on the CC0 head, and speech rarely passes 13 mm.
_VOWELS: Final = {
    viseme.name: viseme
    for viseme in (
        _vowel("aa", 0.41, lower=0.24, upper=0.10, spread=0.04),  # fAther
        _vowel("ae", 0.36, lower=0.30, upper=0.17, spread=0.20),  # trAp
        _vowel("ah", 0.28, lower=0.20, upper=0.09, spread=0.04),  # strUt
        _vowel("ax", 0.15, lower=0.15, upper=0.07, spread=0.04, insist=0.55),  # commA
        _vowel("eh", 0.26, lower=0.27, upper=0.15, spread=0.20, tongue=0.04),  # drEss
        _vowel("ee", 0.19, lower=0.27, upper=0.15, spread=0.26, tongue=0.07),  # French É
        _vowel("ih", 0.145, lower=0.23, upper=0.13, spread=0.20, tongue=0.07, insist=0.85),  # kIt
        _vowel("iy", 0.10, lower=0.25, upper=0.15, spread=0.34, tongue=0.10),  # flEEce
        _vowel("ao", 0.30, funnel=0.42, pucker=0.10, lower=0.06),  # thOUght
        _vowel("oh", 0.20, funnel=0.42, pucker=0.44),  # Spanish O
        _vowel("uh", 0.12, funnel=0.32, pucker=0.38, insist=0.85),  # fOOt
        _vowel("uw", 0.08, funnel=0.30, pucker=0.80),  # gOOse
        _vowel("yy", 0.07, funnel=0.30, pucker=0.74, upper=0.04),  # French lUne
        _vowel("oe", 0.18, funnel=0.42, pucker=0.40),  # French pEU
        _vowel("er", 0.14, funnel=0.26, pucker=0.16, lower=0.12, upper=0.08),  # nUrse
        _vowel("uu", 0.10, lower=0.18, upper=0.10, spread=0.14),  # close and unrounded, Mandarin
    )
}


def _consonant(
    name: str,
    targets: Mapping[str, float],
    insists: tuple[float, float, float, float],
    seal: Seal = "",
) -> Viseme:
    return Viseme(name, _fitted(targets, _CONSONANT_GAIN), *insists, seal=seal)


_CONSONANTS: Final = {
    viseme.name: viseme
    for viseme in (
        _consonant("pp", {"jawOpen": 0.05}, (0.8, 0.06, 0.5, 1.0), "lips"),
        _consonant("mm", {"jawOpen": 0.05}, (0.8, 0.06, 0.5, 1.0), "lips"),
        _consonant("ff", {"jawOpen": 0.05}, (0.9, 0.10, 0.5, 1.0), "teeth"),
        _consonant(
            "th",
            {"jawOpen": 0.13, "tongueOut": 0.34, "mouthLowerDown": 0.22, "mouthUpperUp": 0.10},
            (1.0, 0.10, 0.8, 1.5),
        ),
        _consonant(
            "dd",
            {
                "jawOpen": 0.07, "mouthLowerDown": 0.20, "mouthUpperUp": 0.10,
                "mouthStretch": 0.06, "tongueOut": 0.18,
            },
            (0.75, 0.06, 0.35, 1.2),
        ),
        _consonant(
            "nn",
            {
                "jawOpen": 0.07, "mouthLowerDown": 0.18, "mouthUpperUp": 0.08,
                "mouthStretch": 0.06, "tongueOut": 0.18,
            },
            (0.65, 0.06, 0.30, 1.2),
        ),
        _consonant(
            "ll",
            {"jawOpen": 0.16, "mouthLowerDown": 0.20, "mouthUpperUp": 0.08, "tongueOut": 0.21},
            (0.55, 0.08, 0.30, 1.2),
        ),
        _consonant(
            "ss",
            {"jawOpen": 0.03, "mouthLowerDown": 0.48, "mouthUpperUp": 0.32, "mouthStretch": 0.20},
            (1.3, 0.15, 0.7, 1.0),
        ),
        _consonant(
            "sh",
            {
                "jawOpen": 0.045, "jawForward": 0.08, "mouthFunnel": 0.44, "mouthPucker": 0.36,
                "mouthLowerDown": 0.10, "mouthUpperUp": 0.08,
            },
            (1.3, 0.9, 0.7, 1.0),
        ),
        _consonant("kk", {"jawOpen": 0.11, "mouthLowerDown": 0.14}, (0.35, 0.05, 0.15, 0.8)),
        _consonant("xx", {"jawOpen": 0.17, "mouthLowerDown": 0.16}, (0.45, 0.08, 0.25, 0.8)),
        _consonant(
            "rr",
            {"jawOpen": 0.08, "mouthFunnel": 0.30, "mouthPucker": 0.26, "mouthUpperUp": 0.05},
            (0.6, 0.55, 0.5, 1.0),
        ),
        _consonant(
            "ww",
            {"jawOpen": 0.045, "mouthFunnel": 0.18, "mouthPucker": 0.95},
            (1.0, 1.4, 1.0, 1.0),
        ),
        _consonant(
            "wy",
            {"jawOpen": 0.05, "mouthFunnel": 0.24, "mouthPucker": 0.80},
            (1.0, 1.3, 1.0, 1.0),
        ),
        _consonant(
            "jj",
            {"jawOpen": 0.07, "mouthLowerDown": 0.20, "mouthUpperUp": 0.12, "mouthStretch": 0.24},
            (0.7, 0.15, 0.7, 1.0),
        ),
        _consonant("hh", {"jawOpen": 0.12}, (0.08, 0.03, 0.05, 0.2)),
    )
}  # fmt: skip

VISEMES: Final[Mapping[str, Viseme]] = {"sil": SILENCE, **_VOWELS, **_CONSONANTS}

_ESPEAK: Final = {
    # vowels; espeak-ng writes Mandarin's and Arabic's with the same letters
    "aa": "aɑ", "ae": "æ", "ah": "ʌɐ", "ax": "əɘᵊ", "eh": "ɛε", "ee": "e", "ih": "ɪᵻɨ",
    "iy": "i", "ao": "ɔɒ", "oh": "oɤ", "uh": "ʊʉɵ", "uw": "u", "yy": "yʏ", "oe": "øœɶ",
    "er": "ɜɝɚɞ", "uu": "ɯ",
    # consonants; espeak-ng's r is a trill or a tap, which leaves the lips alone
    "pp": "pbɓɸβʙʘ", "mm": "m", "ff": "fvʋⱱɱ", "th": "θð", "dd": "tdʈɖɗɾɽrǀǃ", "nn": "nɳɲ",
    "ll": "lɫɭʎʟɬɮɺǁ", "ss": "szʣʦ", "sh": "ʃʒɕʑʂʐɧʧʤʨʥ", "kk": "kɡgŋcɟɠʄǂ",
    "xx": "xɣχʁqɢʛɴʀħʕʡʢʜɰ", "rr": "ɹɻ", "ww": "wʍᵝ", "wy": "ɥ", "jj": "jʝç", "hh": "hɦʔ",
}  # fmt: skip

# misaki writes an English diphthong as one letter and its r as "ɹ" or "r".
_MISAKI: Final = {
    "A": ("ee", "ih"), "I": ("aa", "ih"), "O": ("oh", "uh"), "Q": ("ax", "uh"),
    "W": ("aa", "uh"), "Y": ("ao", "ih"), "T": ("dd",), "S": ("sh",), "r": ("rr",),
    "ꭧ": ("sh",), "β": ("ww",),  # as misaki writes the Japanese w
}  # fmt: skip

_STOPS_BEFORE_FRICATIVE: Final = frozenset({"tʃ", "dʒ", "tʂ", "dʐ", "tɕ", "dʑ", "ts", "dz"})
_STRESS: Final = {"ˈ": 1.0, "ˌ": 0.5}


def _letters() -> dict[str, tuple[str, ...]]:
    return {letter: (name,) for name, letters in _ESPEAK.items() for letter in letters}


_TABLES: Final[Mapping[Alphabet, Mapping[str, tuple[str, ...]]]] = {
    "espeak": _letters(),
    "misaki": {**_letters(), **_MISAKI},
}


@cache
def visemes(symbol: str, alphabet: Alphabet) -> tuple[Viseme, ...]:
    """What the mouth does for one symbol: one viseme, two for a diphthong, none for a mere mark.

    "" and a symbol of punctuation are silence. Stress, length, tone and other marks move nothing.
    """
    letters = [c for c in unicodedata.normalize("NFC", symbol) if _speaks(c)]
    if not letters:
        return () if any(map(_marks, symbol)) else (SILENCE,)
    if "".join(letters[:2]) in _STOPS_BEFORE_FRICATIVE:
        letters = letters[1:]  # an affricate is rounded from the start, as its fricative is
    names = [name for c in letters for name in _nearest(c, alphabet)]
    return tuple(VISEMES[name] for name in names)


@cache
def stress(symbol: str) -> float:
    """1 for primary stress written in the symbol, 0.5 for secondary, else 0."""
    return max((_STRESS.get(c, 0.0) for c in symbol), default=0.0)


def _speaks(char: str) -> bool:
    return unicodedata.category(char) in {"Ll", "Lu", "Lo"} or char in "ᵊᵝ"


def _marks(char: str) -> bool:
    """Stress, length, tone, aspiration, a link or a gap between words."""
    return unicodedata.category(char) in {"Mn", "Lm", "Sk", "Nd", "Zs"} or char == "-"


def _nearest(char: str, alphabet: Alphabet) -> tuple[str, ...]:
    """The class of a letter; of its lower case; of what its Unicode name says; else a schwa."""
    table = _TABLES[alphabet]
    if found := table.get(char) or table.get(char.lower()):
        return found
    name = unicodedata.name(char, "")
    base = next((word for word in name.split() if len(word) == 1), "").lower()
    return table.get(base, ("ax",))
