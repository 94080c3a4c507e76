"""The head while it is built: the kept part of the base mesh with units and identity modes, closed
where it should be. A tool for `build.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.tools.head.identity import population
from models.tools.head.repair import Opening, opening, ordered
from models.tools.head.source import (
    GROUPS,
    UNITS,
    Doubles,
    Ints,
    Mesh,
    Wheel,
    edge_loop,
    mirror,
)
from visavis.models import arkit

LOWEST: Final = 4.9  # dm in the base mesh, whose eyes are at 7.28: the upper shoulders
WIDEST: Final = 2.2  # dm from the middle: the arms go no further than their joints
# Vertices on closed loops of the base mesh. Lips: where they touch, then rings outwards to the
# edge of the red. Lids of the left eye: where they touch the eyeball, and their rim at the lashes.
LIP_RINGS: Final = {f"lips_{k}": start for k, start in enumerate((474, 468, 509, 467, 466, 455), 1)}
LOOPS: Final = {"lips": 520, **LIP_RINGS, "lid_edge_left": 7747, "lid_rim_left": 13352}
# Units that shape closed lips; as made, they part them by up to 1 mm or drive them into each other.
KEEP_CLOSED: Final = (
    "cheekPuff",
    "jawForward",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRollLower",
    "mouthRollUpper",
)
TONGUE_DOWN: Final = 0.05  # dm: the base mesh presses it to the palate, an open mouth does not
MASKS: Final = ("lips", "eyelids", "ears", "inside-mouth")
PAST_MODE: Final = 2.5  # standard deviations up to which an identity's lips stay closed


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything in the asset's space: decimetres, origin midway between the eyeballs' centres."""

    vertices: Doubles  # (n, 3)
    quads: Ints  # (m, 4)
    parts: npt.NDArray[np.str_]  # (n,): a key of GROUPS
    units: Doubles  # (52, n, 3)
    modes: Doubles  # (k, n, 3)
    names: tuple[str, ...]  # (k,)
    partner: Ints  # (n,): mirror images
    masks: dict[str, Doubles]  # (n,) in [0, 1]
    loops: dict[str, Ints]
    uv: Doubles  # (n, 2)


def draft(wheel: Wheel) -> Draft:
    """Read, select, average, close."""
    mesh = wheel.mesh()
    size = len(mesh.vertices)
    kept_quads = _kept_quads(mesh)
    keep = np.unique(kept_quads)
    renumber = np.full(size, -1)
    renumber[keep] = np.arange(len(keep))
    parts = np.empty(size, "U16")
    for part, groups in GROUPS.items():
        parts[np.unique(mesh.quads[np.isin(mesh.groups, groups)])] = part
    parts = parts[keep]
    quads = renumber[kept_quads]
    partner = mirror(mesh.vertices[keep])
    masks = {name: wheel.mask(name, mesh.uv[keep]) * (parts == "skin") for name in MASKS}
    people = population(
        wheel, mesh.vertices[keep], keep, size, partner, _weights(mesh.vertices[keep], parts)
    )
    origin = np.mean([people.mean[parts == f"eye_{s}"].mean(0) for s in ("left", "right")], 0)
    units = np.stack([wheel.target(f"{UNITS}/{n}.target", size)[keep] for n in arkit.NAMES])
    jaw = units[arkit.INDEX["jawOpen"]]
    loops = _loops(quads, parts, renumber, people.mean + jaw, partner)
    raw = Draft(
        people.mean - origin,
        quads,
        parts,
        _symmetric(units, partner),
        people.modes,
        people.names,
        partner,
        masks,
        loops,
        mesh.uv[keep],
    )
    return _closed(raw)


def _kept_quads(mesh: Mesh) -> Ints:
    inside = (mesh.vertices[:, 1] > LOWEST) & (np.abs(mesh.vertices[:, 0]) < WIDEST)
    groups = [g for names in GROUPS.values() for g in names]
    return mesh.quads[np.isin(mesh.groups, groups) & inside[mesh.quads].all(1)]


def _weights(vertices: Doubles, parts: npt.NDArray[np.str_]) -> Doubles:
    """(n,): the face counts in full, the rest of the head a little, neck and helpers barely."""
    x, y, z = (vertices - [0, 7.28, 0]).T
    face = (z > 0.75) & (y > -1.25) & (y < 0.55)
    head = (y > -0.9) & ~face
    weight = np.where(face, 1.0, np.where(head, 0.25, 0.02))
    lips_or_lids = face & ((np.hypot(np.abs(x) - 0.31, y) < 0.25) | (np.hypot(x, y + 0.68) < 0.3))
    return np.where(parts == "skin", np.where(lips_or_lids, 0.4, weight), 1e-6)


def _symmetric(units: Doubles, partner: Ints) -> Doubles:
    """Make left and right units mirror images, and the middle ones their own."""
    flipped = units[:, partner] * [-1, 1, 1]
    twins = [arkit.INDEX[_twin(name)] for name in arkit.NAMES]
    return (units + flipped[twins]) / 2


def _twin(name: str) -> str:
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    return name.removesuffix("Right") + "Left" if name.endswith("Right") else name


def _loops(
    quads: Ints, parts: npt.NDArray[np.str_], renumber: Ints, opened: Doubles, partner: Ints
) -> dict[str, Ints]:
    skin = quads[(parts[quads] == "skin").all(1)]
    loops = {}
    for name, start in LOOPS.items():
        loops[name] = _loop_around(skin, int(renumber[start]), opened)
        if name.endswith("_left"):
            loops[name.replace("_left", "_right")] = partner[loops[name]]
    return loops


def _loop_around(quads: Ints, start: int, opened: Doubles) -> Ints:
    """The loop through `start` that is short, ordered."""
    beside = np.unique(quads[(quads == start).any(1)])
    for second in beside:
        sharing = ((quads == start).any(1) & (quads == second).any(1)).sum()
        if second == start or sharing != 2:
            continue
        try:
            loop = edge_loop(quads, start, int(second))
        except ValueError:
            continue
        if len(loop) < 50:
            break
    return ordered(loop, opened)[0]


def lips(head: Draft) -> Opening:
    """The mouth. At rest the lips pass each other by 0.4 mm so that no line of sight is left."""
    opened = head.vertices + head.units[arkit.INDEX["jawOpen"]]
    loop, end = ordered(head.loops["lips"], opened)
    return opening(head.vertices, head.quads, loop, end, 0.05, 0.5, 0.004)


def lids(head: Draft, side: str, reach: float = 0.02) -> Opening:
    """An eye: the upper lid does most of the way."""
    loop, end = ordered(head.loops[f"lid_edge_{side}"], head.vertices)
    return opening(head.vertices, head.quads, loop, end, reach, 0.15, 0.004)


def _closed(head: Draft) -> Draft:
    mouth = lips(head)
    vertices = head.vertices + mouth.close(head.vertices)
    vertices[head.parts == "tongue"] -= [0, TONGUE_DOWN, 0]
    units = head.units.copy()
    jaw, close = arkit.INDEX["jawOpen"], arkit.INDEX["mouthClose"]
    for rounded in (jaw, arkit.INDEX["mouthFunnel"]):
        shift = _rounding(head, vertices, units[rounded])
        units[rounded] += shift
        if rounded == jaw:
            units[close] -= shift  # it takes back what the jaw does
    units[close] += mouth.close(vertices + units[jaw] + units[close])
    for name in KEEP_CLOSED:
        units[arkit.INDEX[name]] += mouth.close(vertices + units[arkit.INDEX[name]])
    for side in ("left", "right"):
        blink = arkit.INDEX[f"eyeBlink{side.title()}"]
        for reach in (0.06, 0.02):  # first the lid as a whole, then its edge exactly
            eye = lids(head, side, reach)
            units[blink] += eye.close(vertices + units[blink])
        units[blink] = _off_the_eyeball(head, vertices, units[blink], side)
    modes = np.stack([_closed_mode(mouth, vertices, mode) for mode in head.modes])
    return Draft(
        vertices,
        head.quads,
        head.parts,
        _symmetric(units, head.partner),
        modes,
        head.names,
        head.partner,
        head.masks,
        head.loops,
        head.uv,
    )


def _rounding(head: Draft, vertices: Doubles, unit: Doubles) -> Doubles:
    """(n, 3) offsets that take a unit's kink out of both lips, ring after ring."""
    total = np.zeros_like(unit)
    opened = vertices + head.units[arkit.INDEX["jawOpen"]]
    for name in ("lips", *LIP_RINGS):
        loop, end = ordered(head.loops[name], opened)
        ring = opening(vertices, head.quads, loop, end, 0.015, 0.5, 0)
        total += ring.rounded(vertices, unit + total)
    return total


def _closed_mode(mouth: Opening, vertices: Doubles, mode: Doubles) -> Doubles:
    step = PAST_MODE * mode
    shift = mouth.close(vertices + step) - mouth.close(vertices - step)
    return np.asarray(mode + shift / (2 * PAST_MODE))


def _off_the_eyeball(head: Draft, vertices: Doubles, blink: Doubles, side: str) -> Doubles:
    """Lift lid vertices that a blink would push into the eyeball, 0.5 mm above it."""
    ball = vertices[head.parts == f"eye_{side}"]
    centre, radius = ball.mean(0), np.ptp(ball[:, 0]) / 2
    out = vertices + blink - centre
    far = np.linalg.norm(out, axis=1)
    was_outside = np.linalg.norm(vertices - centre, axis=1) > radius
    sunk = (head.parts == "skin") & was_outside & (far < radius + 0.005)
    lift = np.where(sunk, (radius + 0.005) / np.maximum(far, 1e-6), 1)[:, None]
    return np.asarray(centre + out * lift - vertices)
