"""The rooms behind a persona, as the lens blurs them: a hotel's lobby, a clinic, a plain studio.

Units are decimetres from the eyes; the camera looks along y and sees about 26 dm at the far wall.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import bpy  # type: ignore[import-not-found]
import numpy as np

from .head import Floats
from .mesh import link, mesh
from .nodes import Colour, emitter, material, plain

Box = tuple[float, float, float]


def _wood(colour: Colour, along: int = 2) -> Any:
    """Grain along an axis, a little darker and lighter from board to board."""
    made, graph = material("wood")
    at = graph.node("Mapping")
    graph.plug(at.inputs[0], graph.node("TexCoord").outputs["Object"])
    stretch = [1.0, 1.0, 1.0]
    stretch[along] = 0.08
    at.inputs["Scale"].default_value = stretch
    grain = graph.noise(at.outputs[0], 1.6, 8)
    dark: Colour = (colour[0] * 0.5, colour[1] * 0.45, colour[2] * 0.4)
    shade = graph.mix(dark, colour, graph.step(grain, 0.3, 0.7))
    graph.finish(graph.shader("BsdfPrincipled", Base_Color=shade, Roughness=0.4))
    return made


def _box(name: str, low: Sequence[float], high: Sequence[float], made: Any) -> None:
    points = np.array(
        [[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    )
    faces = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    box = mesh(name, points, faces)
    box.shade_flat()
    link(name, box, made)


def _globe(at: Sequence[float], radius: float, tall: float, made: Any) -> None:
    bpy.ops.mesh.primitive_uv_sphere_add(radius=radius, location=at, segments=32, ring_count=16)
    bpy.context.object.scale = (1, 1, tall)
    bpy.context.object.data.materials.append(made)


def _area(at: Sequence[float], edge: float, power: float, colour: Colour, down: bool) -> None:
    data = bpy.data.lights.new("room", "AREA")
    data.size, data.energy, data.color = edge, power, colour
    thing = link("room", data)
    thing.location = at
    if not down:  # towards the far wall
        thing.rotation_euler = (np.pi / 2, 0, 0)


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


def _shelf(
    x: tuple[float, float], y: float, heights: Sequence[float], made: Any,
    hues: Sequence[Colour], rng: np.random.Generator,
) -> None:  # fmt: skip
    """Boards with things standing on them in groups, gaps between."""
    for height in heights:
        _box("board", (x[0], y, height), (x[1], y + 3, height + 0.35), made)
        at = x[0] + rng.uniform(0.2, 1.0)
        while at < x[1] - 0.6:
            wide, tall = rng.uniform(0.3, 0.8), rng.uniform(1.4, 2.9)
            if rng.random() < 0.75:
                hue = hues[int(rng.integers(len(hues)))]
                low, high = (at, y + 0.4, height + 0.35), (at + wide, y + 2.4, height + 0.35 + tall)
                _box("thing", low, high, plain("thing", hue, 0.55))
            at += wide + (0.04 if rng.random() < 0.7 else rng.uniform(0.8, 2.0))


def lobby(wood: Colour, glow: Colour, daylight: float, side: float, z: float, seed: int) -> None:
    """Panelled wall, desk with a lamp, shelf, a tall window with a plant before it at one side."""
    rng = np.random.default_rng(seed)
    panel, frame = _wood(wood), plain("frame", (0.05, 0.04, 0.035), 0.5)
    plaster = plain("plaster", (0.42, 0.37, 0.31), 0.8)
    _box("wall", (-40, 74, z - 20), (40, 75, z + 30), plaster)
    for k in range(5):  # wooden panels between shadow gaps, on the half away from the window
        x = -side * (1.5 + 4.4 * k)
        _box("panel", (min(x, x - side * 4.2), 73, z - 20), (max(x, x - side * 4.2), 74, z + 30),
             panel)  # fmt: skip
    hues: list[Colour] = [(0.3, 0.1, 0.05), (0.08, 0.12, 0.14), (0.5, 0.42, 0.3), (0.16, 0.18, 0.1)]
    left = -side * 9.5 - 5.0
    _shelf((left, left + 9.0), 69, (z - 3.4, z + 0.8), panel, hues, rng)
    _box("strip", (left, 72.4, z + 4.6), (left + 9, 72.8, z + 4.75), emitter("s", glow, 7.0))
    _box("desk", (-40, 52, z - 20), (40, 58, z - 6.4), panel)
    _box("top", (-40, 51.5, z - 6.4), (40, 58.5, z - 5.9), plain("stone", (0.5, 0.47, 0.42), 0.25))
    shade = emitter("shade", glow, 2.2)
    lamp = -side * 6.2
    _globe((lamp, 55, z - 2.2), 1.25, 0.8, shade)
    _box("stem", (lamp - 0.12, 54.9, z - 5.9), (lamp + 0.12, 55.1, z - 3.0), frame)
    _globe((side * 2.6, 62, z + 6.6), 0.8, 1.5, emitter("pendant", glow, 1.6))
    _box("cord", (side * 2.6 - 0.05, 61.9, z + 7), (side * 2.6 + 0.05, 62.1, z + 30), frame)
    day = emitter("window", (0.93, 0.97, 1.0), 1.5 * daylight)
    low, high = sorted((side * 6.2, side * 15))
    _box("window", (low, 73.4, z - 9), (high, 73.6, z + 13), day)
    for x in (6.0, 10.4, 14.8):
        _box("mullion", (side * x - 0.2, 72.4, z - 9), (side * x + 0.2, 73.3, z + 13), frame)
    for height in (-4.0, 4.0):
        _box("bar", (low, 72.4, z + height), (high, 73.3, z + height + 0.25), frame)
    linen = plain("curtain", (0.62, 0.56, 0.47), 0.9)
    for k in range(7):
        x = side * (5.4 + 0.42 * k)
        _box("curtain", (x - 0.15, 71 + 0.4 * (k % 2), z - 14), (x + 0.15, 71.6, z + 16), linen)
    _plant(np.array([side * 7.4, 50, z - 7.0]), rng)
    _area((-side * 8, 60, z + 16), 6.0, 4200.0, glow, down=True)
    _area((side * 6, 56, z + 16), 8.0, 3600.0, (1.0, 0.93, 0.84), down=True)


def clinic(wood: Colour, glow: Colour, daylight: float, side: float, z: float, seed: int) -> None:
    """Pale walls, a window with a blind, a shelf of folders, a framed print, a green cabinet."""
    rng = np.random.default_rng(seed)
    white = plain("white", (0.74, 0.76, 0.75), 0.7)
    _box("wall", (-40, 62, z - 20), (40, 63, z + 30), white)
    _box("rail", (-40, 61.7, z - 3.6), (40, 62, z - 3.0), _wood(wood, along=0))
    _box("wainscot", (-40, 61.8, z - 20), (40, 62, z - 3.6), plain("sage", (0.36, 0.47, 0.43), 0.6))
    day = emitter("window", (0.94, 0.98, 1.0), 1.3 * daylight)
    low, high = sorted((side * 4.6, side * 13))
    _box("window", (low, 61.5, z - 1.5), (high, 61.6, z + 14), day)
    blind = plain("blind", (0.8, 0.8, 0.78), 0.6)
    for k in range(14):
        height = z + 3.0 + 0.8 * k
        _box("blind", (low, 60.9, height), (high, 61.3, height + 0.5), blind)
    for x in (4.5, 8.8, 13.0):
        _box("frame", (side * x - 0.22, 60.8, z - 2), (side * x + 0.22, 61.5, z + 14), white)
    _box("sill", (low - 0.4, 59.8, z - 2.2), (high + 0.4, 62, z - 1.6), white)
    _plant(np.array([side * 6.0, 60, z - 2.8]), rng)
    hues: list[Colour] = [
        (0.06, 0.16, 0.26),
        (0.1, 0.34, 0.33),
        (0.7, 0.7, 0.68),
        (0.3, 0.34, 0.36),
    ]
    left = -side * 8.2 - 4.2
    _shelf((left, left + 8.4), 58.5, (z + 2.6, z + 6.4), _wood(wood, along=0), hues, rng)
    _box(
        "print",
        (left + 1.6, 61.5, z - 2.4),
        (left + 5.0, 61.7, z + 1.9),
        plain("mat", (0.8, 0.79, 0.75), 0.5),
    )
    _box(
        "blot",
        (left + 2.3, 61.3, z - 1.5),
        (left + 4.3, 61.5, z + 1.0),
        plain("ink", (0.2, 0.36, 0.4), 0.6),
    )
    _box(
        "cabinet",
        (left - 2, 54, z - 20),
        (left + 5, 60, z - 5.2),
        plain("cabinet", (0.5, 0.58, 0.55), 0.4),
    )
    _box(
        "monitor",
        (left + 5.8, 55, z - 5.0),
        (left + 9.4, 55.4, z - 2.4),
        plain("dark", (0.03, 0.03, 0.035), 0.3),
    )
    _area((0, 40, z + 14), 14.0, 6500.0, (1.0, 0.98, 0.95), down=True)


def studio(wood: Colour, glow: Colour, daylight: float, side: float, z: float, seed: int) -> None:
    """A painted canvas of the colour `wood`, lit from one side so that it falls off."""
    made, graph = material("canvas")
    at = graph.node("TexCoord").outputs["Object"]
    cloud = graph.step(graph.noise(at, 0.16, 4), 0.25, 0.8)
    shade = graph.mix(wood, tuple(0.72 * c for c in wood), cloud)
    graph.finish(graph.shader("BsdfPrincipled", Base_Color=shade, Roughness=0.9))
    _box("canvas", (-60, 34, z - 40), (60, 35, z + 50), made)
    _area((side * 9, 14, z + 3), 6.0, 1350.0 * daylight, glow, down=False)
    _area((-side * 10, 16, z - 6), 9.0, 640.0 * daylight, glow, down=False)


Room = Callable[[Colour, Colour, float, float, float, int], None]
ROOMS: Final[Mapping[str, Room]] = {"lobby": lobby, "clinic": clinic, "studio": studio}
