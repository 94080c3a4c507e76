"""Where a persona sits: the blurred lobby behind, with lights and camera put in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy  # type: ignore[import-not-found]
import numpy as np

from .camera import SHALLOW, Film, add_camera
from .head import Floats
from .light import Lamp, add_lamp
from .mesh import link, mesh
from .nodes import Colour, emitter, material, plain

@dataclass(frozen=True, slots=True)
class SetStyle:
    """Lights on the person, and the lobby: colours, sides (-1 or 1) of plant and window."""

    lamps: Sequence[Lamp]
    ambient: Colour
    wood: Colour
    glow: Colour
    daylight: float
    plant_side: float
    window_side: float
    seed: int
    film: Film = Film()


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
    """The rendered lobby as a glowing wall behind the person, fixed to the picture's frame."""
    made, graph = material("backdrop")
    image = graph.node("TexImage", extension="EXTEND")
    image.image = bpy.data.images.load(str(path))
    graph.plug(image.inputs[0], graph.node("TexCoord").outputs["Window"])
    graph.finish(graph.shader("Emission", Color=image.outputs[0], Strength=1.0))
    corners = np.array([[-30, 20, -30], [30, 20, -30], [30, 20, 30], [-30, 20, 30]], float)
    wall = link("backdrop", mesh("backdrop", corners, [[0, 1, 2, 3]]), made)
    wall.visible_glossy = wall.visible_diffuse = False


def _wood(colour: Colour) -> Any:
    made, graph = material("wood")
    at = graph.node("TexCoord").outputs["Object"]
    grain = graph.noise(at, 0.8, 6)
    dark: Colour = (colour[0] * 0.45, colour[1] * 0.4, colour[2] * 0.35)
    shade = graph.mix(dark, colour, graph.step(grain, 0.3, 0.7))
    graph.finish(graph.shader("BsdfPrincipled", Base_Color=shade, Roughness=0.35))
    return made


def _box(name: str, low: Sequence[float], high: Sequence[float], made: Any) -> None:
    points = np.array(
        [[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    )
    faces = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    box = mesh(name, points, faces)
    box.shade_flat()
    link(name, box, made)


def _globe(at: Sequence[float], radius: float, colour: Colour, strength: float) -> None:
    bpy.ops.mesh.primitive_uv_sphere_add(radius=radius, location=at, segments=32, ring_count=16)
    bpy.context.object.data.materials.append(emitter("globe", colour, strength))


def _leaf(base: Floats, tip: Floats, width: float) -> tuple[Floats, list[list[int]]]:
    t = np.linspace(0, 1, 9)[:, None]
    spine = base + t * (tip - base) + [0, 0, -0.9] * t**2 + [0, 0, 0.9] * t
    side = np.cross(tip - base, [0, 0, 1.0])
    side /= np.linalg.norm(side)
    half = width * np.sin(np.pi * t**0.8) * side
    points = np.concatenate([spine - half, spine + half])
    return points, [[k, k + 1, k + 10, k + 9] for k in range(8)]


def _plant(at: Floats, rng: np.random.Generator) -> None:
    dark = plain("leaf", (0.035, 0.095, 0.03), 0.4)
    light = plain("leaf", (0.075, 0.15, 0.045), 0.45)
    for k in range(46):
        turn, reach, lift = rng.uniform(0, 2 * np.pi), rng.uniform(1.5, 4.2), rng.uniform(0.5, 7.5)
        base = at + np.array([0, 0, rng.uniform(-2, 1)])
        tip = base + np.array([reach * np.cos(turn), reach * np.sin(turn), lift])
        points, faces = _leaf(base, tip, rng.uniform(0.35, 0.65))
        link("leaf", mesh("leaf", points, faces), dark if k % 3 else light)


def build_lobby(style: SetStyle, eyes: Floats) -> None:
    """Far wall of wooden slats, lit shelf, globe lamps, a plant and a window, all out of focus."""
    clean()
    rng = np.random.default_rng(style.seed)
    z, s = float(eyes[2]), style.window_side
    wood = _wood(style.wood)
    _box("wall", (-40, 74, z - 40), (40, 75, z + 40), plain("wall", (0.16, 0.12, 0.09), 0.7))
    for k in range(-14, 15):
        x = k * 1.9
        if s * x < 6.5:
            _box("slat", (x, 73, z - 40), (x + 1.15, 74, z + 40), wood)
    warm = emitter("strip", style.glow, 5.0)
    _box("shelf", (-s * 16 - 9, 66, z - 5.2), (-s * 16 + 14, 72, z - 4.7), wood)
    _box("strip", (-s * 16 - 9, 71, z - 5.35), (-s * 16 + 14, 71.5, z - 5.2), warm)
    for _ in range(9):
        x, tall = -s * rng.uniform(3, 16), rng.uniform(1.2, 3.0)
        hue = plain("ware", tuple(rng.uniform(0.1, 0.6, 3) * (1, 0.8, 0.55)), 0.5)
        _box("ware", (x, 68, z - 4.7), (x + rng.uniform(0.4, 1.6), 70, z - 4.7 + tall), hue)
    _box("counter", (-40, 50, z - 40), (40, 52, z - 9.0), wood)
    for x, y, up, radius in ((-8.4, 58, 6.4, 1.0), (-5.2, 64, 8.4, 0.9), (-10.6, 66, 3.4, 0.8)):
        _globe((-s * x * -1, y, z + up), radius, style.glow, 4.5)
    day = emitter("window", (1.0, 0.94, 0.84), style.daylight)
    _box("window", (s * 7.0, 73.4, z - 8), (s * 13.5, 73.6, z + 12), day)
    for x in (6.9, 10.2, 13.4):
        _box("mullion", (s * x, 72.6, z - 9), (s * x + 0.25, 73.3, z + 13), wood)
    _plant(np.array([style.plant_side * 5.6, 42, z - 6.5]), rng)
    for x, y in ((-10, 60), (8, 55)):
        data = bpy.data.lights.new("wash", "AREA")
        data.size, data.energy, data.color = 6.0, 5200.0, style.glow
        thing = link("wash", data)
        thing.location = (x, y, z + 16)
    add_world((0.9, 0.85, 0.8), 0.12)
    add_camera(eyes, aperture_radius=0.34)


def build_stage(style: SetStyle, eyes: Floats, backdrop: Path) -> None:
    """Camera, lights and backdrop of the portrait; the caller has already made the person."""
    add_backdrop(backdrop)
    for lamp in style.lamps:
        add_lamp(lamp, eyes)
    add_world(style.ambient, 1.0)
    add_camera(eyes, SHALLOW)
