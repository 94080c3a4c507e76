"""All hair of a person: grown at rest, carried by skin and head, put into the scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import bpy  # type: ignore[import-not-found]
import numpy as np

from models.tools.persona.head import Floats, Head, HeadState
from models.tools.persona.mesh import Surface, carried, link
from models.tools.persona.nodes import material
from models.tools.persona.skin import Landmarks

from .beard import grow_beard, grow_fuzz
from .body import Body
from .brows import grow_brows, zone
from .colour import absorption
from .cuts import CUTS
from .hairline import edge
from .lashes import grow_lashes, rolled
from .strands import Strands
from .style import HairStyle

LASHES: Final = ("lashes", "lower-lashes")


@dataclass(frozen=True, slots=True)
class Lock:
    """Strands with the pigment (k, steps, 3) of each."""

    strands: Strands
    pigment: Floats


@dataclass(frozen=True, slots=True)
class Coat:
    """face: what goes with the skin it grows from; scalp: what turns with the head."""

    face: Mapping[str, Lock]
    scalp: Mapping[str, Lock]


def grow(
    head: Head,
    skin: Surface,
    marks: Landmarks,
    mask: Mapping[str, Floats],
    style: HairStyle,
    cut: str,
    seed: int,
) -> Coat:
    """All hair at rest. mask: "scalp", "ears", "lips", "inside-mouth", "beard" (n,) in [0, 1]."""
    rngs = [np.random.default_rng([seed, k]) for k in range(8)]
    dye = np.random.default_rng([seed, 99])

    def lock(strands: Strands, melanin: float, white: Floats | float) -> Lock:
        count, steps, _ = strands.paths.shape
        share = np.broadcast_to(np.asarray(white, float), (count,))
        return Lock(strands, absorption(melanin, style, share, strands.paths[:, 0], steps, dye))

    # Even black brows are browner than the head's hair, for the skin shows between thin hairs.
    brow = min(style.melanin, 0.86) if style.brow_melanin < 0 else style.brow_melanin
    bearded = style.grey if style.beard_grey < 0 else style.beard_grey
    bare = (1 - mask["scalp"]) * (1 - mask["ears"]) * (1 - mask["lips"])
    bare = bare * (1 - mask["inside-mouth"])
    face = {
        "brows": lock(grow_brows(skin, marks, style, rngs[0]), brow, 0.5 * style.grey),
        "lashes": lock(grow_lashes(head, style, rngs[1], upper=True), max(brow, 0.93), 0.0),
        "lower-lashes": lock(grow_lashes(head, style, rngs[2], upper=False), max(brow, 0.8), 0.0),
    }
    if style.beard_hairs:
        hairs = grow_beard(skin, marks, style, mask["beard"], rngs[3])
        face["beard"] = lock(hairs, style.melanin, _chin_first(hairs, marks, bearded))
    if style.fuzz:
        free = bare * (1 - np.clip(3 * zone(skin.points, marks, style), 0, 1))
        free = free * (1 - mask["beard"] * bool(style.beard_hairs))
        face["fuzz"] = lock(grow_fuzz(skin, marks, style, free, rngs[4]), 0.06, 0.6)
    body = Body(skin, marks, mask["ears"], style.cloth)
    rim = edge(skin, marks, style) * (1 - mask["ears"])
    grown = CUTS[cut](body, skin, mask["scalp"], rim, style, rngs[5])
    scalp = {
        name: lock(strands, style.melanin, _temples(strands, body, style))
        for name, strands in grown.items()
    }
    return Coat(face, scalp)


def _chin_first(beard: Strands, marks: Landmarks, grey: float) -> Floats:
    """Probability (k,) of white hairs: a beard turns at the chin first, over the lip last."""
    roots = beard.paths[:, 0]
    chin = np.exp(-0.5 * ((roots[:, 0] / 0.22) ** 2 + ((roots[:, 2] - marks.chin[2]) / 0.3) ** 2))
    return np.asarray(np.clip(grey * (0.8 + 0.5 * chin), 0, 1))


def _temples(hair: Strands, body: Body, style: HairStyle) -> Floats:
    """Probability (k,) of white scalp hairs: the sides turn before the top."""
    roots = hair.paths[:, 0] - body.eye
    low = np.clip((0.75 - roots[:, 2]) / 0.4, 0, 1)
    return np.asarray(np.clip(style.grey + style.grey_temples * low, 0, 1))


def put(coat: Coat, rest: Surface, now: Surface, head: Head, state: HeadState) -> None:
    """Face hair goes with its skin; scalp hair turns with the head, less at the shoulders."""
    made = hair_material()
    for name, lock in coat.face.items():
        paths = carried(lock.strands.paths, rest, now)
        if name in LASHES:
            paths = rolled(lock.strands.paths, paths[:, 0], head, state)
        curves(name, paths, lock, made)
    for name, lock in coat.scalp.items():
        paths = lock.strands.paths
        flat = paths.reshape(-1, 3)
        share = np.interp(flat[:, 2], head.eye_level[2] + np.array([-2.0, -0.9]), [0.25, 1.0])
        curves(name, head.turned(flat, share, state).reshape(paths.shape), lock, made)


def hair_material() -> Any:
    """Hair that takes the light which the curves' attribute `pigment` says."""
    made, graph = material("hair")
    node = graph.node("BsdfHairPrincipled", parametrization="ABSORPTION")
    pigment = graph.attribute("pigment", "Vector")
    inputs = {
        "Absorption Coefficient": pigment,
        "Roughness": 0.34,
        "Radial Roughness": 0.50,
        "Random Roughness": 0.35,
        "Coat": 0.0,
    }
    for socket, value in inputs.items():
        graph.plug(node.inputs[socket], value)
    graph.finish(node.outputs[0])
    return made


def curves(name: str, paths: Floats, lock: Lock, made: Any) -> Any:
    """Hair curves object of strands (k, steps, 3) that taper to their tips."""
    count, steps, _ = paths.shape
    data = bpy.data.hair_curves.new(name)
    data.add_curves([steps] * count)
    data.points.foreach_set("position", paths.astype(np.float32).reshape(-1))
    t = np.linspace(0, 1, steps)
    taper = np.where(t < 0.5, 1.0, 1 - 0.85 * (np.maximum(t - 0.5, 0) / 0.5) ** 1.6)
    radius = (lock.strands.radius[:, None] * taper).astype(np.float32)
    layer = data.attributes.get("radius") or data.attributes.new("radius", "FLOAT", "POINT")
    layer.data.foreach_set("value", radius.reshape(-1))
    pigment = data.attributes.new("pigment", "FLOAT_VECTOR", "POINT")
    pigment.data.foreach_set("vector", lock.pigment.astype(np.float32).reshape(-1))
    return link(name, data, made)
