"""Where a persona sits: the blurred room behind, with lights and camera put in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import bpy  # type: ignore[import-not-found]
import numpy as np

from .camera import SHALLOW, WHOLE, Framing, add_camera
from .film import Film
from .head import Floats
from .light import Lamp, add_lamp
from .mesh import link, mesh
from .nodes import Colour, material
from .rooms import ROOMS

ROOM_APERTURE: Final = 0.2  # radius, dm: an 85 mm lens at f/2.1 on the far wall


@dataclass(frozen=True, slots=True)
class SetStyle:
    """Lights on the person, and the room behind: a key of `ROOMS`, its colours, its window's side.

    wood: linear RGB of panels, or of a studio's canvas. glow: of lamps. side: -1 is the picture's
    left. daylight: how bright the window is, about 1.
    """

    lamps: Sequence[Lamp]
    ambient: Colour
    wood: Colour
    glow: Colour
    daylight: float
    side: float
    seed: int
    room: str = "lobby"
    film: Film = field(default_factory=Film)


def clean() -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)


def add_world(colour: Colour, strength: float) -> None:
    world = bpy.data.worlds.new("world")
    bpy.context.scene.world = world
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs[0].default_value = (*colour, 1.0)
    background.inputs[1].default_value = strength


def add_backdrop(path: Path) -> None:
    """The rendered room as a glowing wall behind the person, fixed to the picture's frame."""
    made, graph = material("backdrop")
    image = graph.node("TexImage", extension="EXTEND")
    image.image = bpy.data.images.load(str(path))
    graph.plug(image.inputs[0], graph.node("TexCoord").outputs["Window"])
    graph.finish(graph.shader("Emission", Color=image.outputs[0], Strength=1.0))
    corners = np.array([[-30, 20, -30], [30, 20, -30], [30, 20, 30], [-30, 20, 30]], float)
    wall = link("backdrop", mesh("backdrop", corners, [[0, 1, 2, 3]]), made)
    wall.visible_glossy = wall.visible_diffuse = False


def build_room(style: SetStyle, eyes: Floats) -> None:
    """The empty room behind the person, as a fast lens sees it."""
    clean()
    ROOMS[style.room](
        style.wood, style.glow, style.daylight, style.side, float(eyes[2]), style.seed
    )
    add_world((0.9, 0.88, 0.85), 0.12)
    add_camera(eyes, ROOM_APERTURE, WHOLE)


def build_stage(style: SetStyle, eyes: Floats, backdrop: Path, framing: Framing = WHOLE) -> None:
    """Camera, lights and backdrop of the portrait; the caller has already made the person."""
    add_backdrop(backdrop)
    for lamp in style.lamps:
        add_lamp(lamp, eyes)
    add_world(style.ambient, 1.0)
    add_camera(eyes, SHALLOW, framing)
