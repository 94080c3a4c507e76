"""Pack a draft and its landmarks into `head.npz`. A tool for `build.py`; `head.py` reads it.

Skin, tongue and lashes carry their own offsets. Eyes and teeth come after them: they are carried
by affine maps fitted to their parts of the base mesh, so their shape can be chosen freely.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.tools.head.draft import Draft
from models.tools.head.parts import Part, parts
from models.tools.head.source import Doubles, Ints, triangles
from visavis.models import arkit
from visavis.models.bake.head import VERSION

UNIT_STEP: Final = 2e-4  # dm: 0.02 mm, a fifth of the source's own precision
OWN: Final = ("skin", "tongue", "lashes_left", "lashes_right")
NOTICE: Final = (
    "CC0 1.0 Universal. Mesh and targets: MakeHuman / MPFB2 assets. Face units: Mika Suominen."
)
SILENT: Final = 1.5 * UNIT_STEP  # smaller offsets are rounding of the repairs


def save(head: Draft, landmarks: tuple[Ints, Doubles], path: Path) -> None:
    """Write the asset; the same input gives the same bytes."""
    keep = np.concatenate([np.flatnonzero(head.parts == part) for part in OWN])
    renumber = np.full(len(head.vertices), -1)
    renumber[keep] = np.arange(len(keep))
    own_quads = (renumber[head.quads] >= 0).all(1)
    faces = renumber[triangles(head.quads[own_quads])]
    # Landmarks name triangles of all quads; both triangles of a quad stay neighbours.
    moved = np.cumsum(own_quads) - 1
    landmark_faces = 2 * moved[landmarks[0] // 2] + landmarks[0] % 2
    carried = parts(head)
    arrays: dict[str, npt.NDArray[Any]] = {
        "version": np.array(VERSION),
        "notice": np.array(NOTICE),
        **_geometry(head.vertices[keep], faces, carried),
        **_units(head.units[:, keep]),
        **_identity(head, keep),
        **_maps(head, carried),
        **_regions(head, keep, renumber, carried),
        "landmark_faces": landmark_faces.astype(np.uint16),
        "landmark_weights": landmarks[1].astype(np.float32),
        "eye_centres": np.stack([_centre(head, side) for side in ("left", "right")]),
    }
    np.savez_compressed(path, allow_pickle=False, **arrays)


def _centre(head: Draft, side: str) -> npt.NDArray[np.float32]:
    return np.asarray(head.vertices[head.parts == f"eye_{side}"].mean(0), np.float32)


def _geometry(own: Doubles, faces: Ints, carried: list[Part]) -> dict[str, npt.NDArray[Any]]:
    starts = len(own) + np.cumsum([0, *(len(part.vertices) for part in carried)])
    all_faces = [faces, *(p.faces + s for p, s in zip(carried, starts[:-1], strict=True))]
    return {
        "vertices": np.vstack([own, *(part.vertices for part in carried)]).astype(np.float32),
        "faces": np.vstack(all_faces).astype(np.uint16),
        "carried": np.stack([starts[:-1], starts[1:]], 1),
    }


def _units(units: Doubles) -> dict[str, npt.NDArray[Any]]:
    counts, indices, offsets = [], [], []
    for unit in units:
        moved = np.flatnonzero(np.abs(unit).max(1) > SILENT)
        counts.append(len(moved))
        indices.append(moved)
        offsets.append(np.round(unit[moved] / UNIT_STEP))
    return {
        "unit_step": np.array(UNIT_STEP, np.float32),
        "unit_counts": np.array(counts),
        "unit_index": np.concatenate(indices).astype(np.uint16),
        "unit_offsets": np.concatenate(offsets).astype(np.int16),
    }


def _identity(head: Draft, keep: Ints) -> dict[str, npt.NDArray[Any]]:
    return {
        "identity_names": np.array(head.names),
        "identity_step": np.array(UNIT_STEP, np.float32),
        "identity_offsets": np.round(head.modes[:, keep] / UNIT_STEP).astype(np.int16),
    }


def _maps(head: Draft, carried: list[Part]) -> dict[str, npt.NDArray[Any]]:
    """(parts, fields, 4, 3): the affine map that best moves the base mesh's part as it moves."""
    unit_maps, identity_maps = [], []
    for part in carried:
        source = np.flatnonzero(head.parts == part.carrier)
        at = np.hstack([head.vertices[source], np.ones((len(source), 1))])
        fit = np.linalg.pinv(at)
        # Teeth are bone: only what moves all of them moves them, not a lip that brushes a few.
        moved = (np.abs(head.units[:, source]).max(2) > 0).mean(1) > 0.9
        maps = fit @ head.units[:, source] * moved[:, None, None]
        if part.carrier.startswith("eye_"):
            maps = np.stack([_turn(head.vertices[source], unit) for unit in head.units[:, source]])
        unit_maps.append(maps)
        identity_maps.append(fit @ head.modes[:, source])
    return {
        "unit_maps": np.array(unit_maps).astype(np.float32),
        "identity_maps": np.array(identity_maps).astype(np.float32),
    }


def _turn(ball: Doubles, unit: Doubles) -> Doubles:
    """(4, 3): the rotation in a unit, about the eyeball's centre; as made it also wanders."""
    centre = ball.mean(0)
    moved = ball + unit
    u, _, vt = np.linalg.svd((ball - centre).T @ (moved - moved.mean(0)))
    rotation = (u * [1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt
    linear = rotation - np.eye(3)
    return np.vstack([linear, -centre @ linear])


def _regions(
    head: Draft, keep: Ints, renumber: Ints, carried: list[Part]
) -> dict[str, npt.NDArray[Any]]:
    total = len(keep) + sum(len(part.vertices) for part in carried)
    masks = {name: (head.parts == name)[keep] for name in OWN}
    masks["lashes"] = masks["lashes_left"] | masks["lashes_right"]
    masks |= {name: mask[keep] for name, mask in skin_regions(head).items()}
    full = {
        name: np.append(mask, np.zeros(total - len(keep), bool)) for name, mask in masks.items()
    }
    start = len(keep)
    for part in carried:
        for name, own in part.regions.items():
            full.setdefault(name, np.zeros(total, bool))[start : start + len(own)] = own
        start += len(part.vertices)
    loops = {name: renumber[loop] for name, loop in head.loops.items()}
    return {
        "region_names": np.array(list(full)),
        "region_bits": np.packbits(np.array(list(full.values())), axis=1),
        "loop_names": np.array(list(loops)),
        "loop_counts": np.array([len(loop) for loop in loops.values()]),
        "loops": np.concatenate(list(loops.values())).astype(np.uint16),
        **_tints(head, keep, carried),
    }


def _tints(head: Draft, keep: Ints, carried: list[Part]) -> dict[str, npt.NDArray[Any]]:
    after = np.concatenate([part.enamel for part in carried])
    tints = {
        name.replace("-", "_"): np.append(mask[keep], 0 * after)
        for name, mask in head.masks.items()
    }
    tints["enamel"] = np.append(np.zeros(len(keep)), after)
    return {
        "tint_names": np.array(list(tints)),
        "tints": np.round(255 * np.array(list(tints.values()))).astype(np.uint8),
    }


def skin_regions(head: Draft) -> dict[str, npt.NDArray[np.bool_]]:
    """Masks over the draft's vertices: what lies behind the lips and lids, lips, lids, ears."""
    skin = head.parts == "skin"
    x, y, z = head.vertices.T
    regions = {"inner_mouth": _inside(head, head.loops["lips"], (0, -0.45, 0.1))}
    lips = skin & (head.masks["lips"] > 0.5) & ~regions["inner_mouth"]
    lower = head.units[arkit.INDEX["jawOpen"]][:, 1] < -0.12
    regions |= {"lip_upper": lips & ~lower, "lip_lower": lips & lower}
    ears = skin & (head.masks["ears"] > 0.5)
    for side, sign in (("left", 1), ("right", -1)):
        centre = _centre(head, side)
        socket = _inside(head, head.loops[f"lid_edge_{side}"], centre - [0, 0, 0.2])
        rim = head.vertices[head.loops[f"lid_rim_{side}"]]
        near = np.hypot(x - centre[0], y - centre[1]) < 1.9 * np.ptp(rim[:, 0]) / 2
        lids = skin & (head.masks["eyelids"] > 0.35) & near & ~socket & (z > rim[:, 2].min() - 0.1)
        ends = rim[[rim[:, 0].argmin(), rim[:, 0].argmax()]]
        above = y > np.interp(x, ends[:, 0], ends[:, 1])
        regions |= {
            f"socket_{side}": socket,
            f"lid_upper_{side}": lids & above,
            f"lid_lower_{side}": lids & ~above,
            f"ear_{side}": ears & (np.sign(x) == sign),
        }
    names = [name for name in regions if name.startswith("lid_")]
    regions["lids"] = np.any([regions[name] for name in names], 0)
    return regions


def _inside(
    head: Draft, loop: Ints, near: Doubles | tuple[float, float, float]
) -> npt.NDArray[np.bool_]:
    """The skin on the side of a loop where the vertex nearest to `near` is; without the loop."""
    skin = head.parts == "skin"
    quads = head.quads[skin[head.quads].all(1)]
    blocked = ~skin
    blocked[loop] = True
    away = np.linalg.norm(head.vertices - np.asarray(near), axis=1)
    inside = np.zeros(len(skin), bool)
    inside[np.where(blocked, np.inf, away).argmin()] = True
    while True:
        touched = quads[inside[quads].any(1)].ravel()
        grown = inside.copy()
        grown[touched[~blocked[touched]]] = True
        if grown.sum() == inside.sum():
            return inside
        inside = grown
