"""Light with a shape, as portrait photographers set it: softboxes and windows by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import bpy  # type: ignore[import-not-found]
import numpy as np
from mathutils import Vector  # type: ignore[import-not-found]

from .head import Floats
from .mesh import link, mesh
from .nodes import Colour, emitter

BAR: Final = 0.05  # width of a window's bars over its edge


@dataclass(frozen=True, slots=True)
class Lamp:
    """A softbox aimed at the face: place relative to the eyes, edge in dm, watt, linear RGB.

    `bars` makes it a window: a cross of them is seen in the eyes.
    """

    place: tuple[float, float, float]
    edge: float
    power: float
    colour: Colour
    bars: bool = False


def add_lamp(lamp: Lamp, eyes: Floats) -> None:
    data = bpy.data.lights.new("lamp", "AREA")
    data.size, data.energy, data.color = lamp.edge, lamp.power, lamp.colour
    thing = link("lamp", data)
    thing.location = [a + b for a, b in zip(lamp.place, eyes.tolist(), strict=True)]
    aim = Vector(eyes.tolist()) - Vector(thing.location)
    thing.rotation_euler = aim.to_track_quat("-Z", "Y").to_euler()
    thing.light_linking.receiver_collection = _but_for_corneas()
    if lamp.bars:
        _bars(thing, lamp.edge)


def _but_for_corneas() -> object:
    """What lamps shine on: all but the corneas, which mirror a small window of their own."""
    name = "unlit"
    if name in bpy.data.collections:
        return bpy.data.collections[name]
    unlit = bpy.data.collections.new(name)
    for thing in bpy.data.objects:
        if thing.name.startswith("cornea"):
            unlit.objects.link(thing)
    for entry in unlit.collection_objects:
        entry.light_linking.link_state = "EXCLUDE"
    return unlit


def _bars(window: object, edge: float) -> None:
    """A black cross a hand before the light, in its axes."""
    half, bar, away = edge / 2, edge * BAR / 2, -0.02 * edge
    upright = [(-bar, -half, away), (bar, -half, away), (bar, half, away), (-bar, half, away)]
    level = [(-half, -bar, away), (half, -bar, away), (half, bar, away), (-half, bar, away)]
    points = np.array(upright + level)
    made = emitter("bar", (0.02, 0.02, 0.02), 0.0)
    thing = link("bars", mesh("bars", points, [[0, 1, 2, 3], [4, 5, 6, 7]]), made)
    thing.location, thing.rotation_euler = window.location, window.rotation_euler  # type: ignore[attr-defined]
    thing.visible_shadow = False


def window_light(side: float = -1.0, warm: float = 0.5, power: float = 1.0) -> tuple[Lamp, ...]:
    """A tall window at one side (-1 is the picture's left), a lit room opposite, a lamp behind.

    Light comes from above, and little from below: nostrils, lids and lips need their shadow.
    """
    day: Colour = (1.0, 0.97 - 0.02 * warm, 0.95 - 0.08 * warm)
    room: Colour = (1.0, 0.92 - 0.06 * warm, 0.82 - 0.12 * warm)
    return (
        Lamp((side * 5.4, -7.2, 5.6), 5.2, 1060.0 * power, day, bars=True),
        Lamp((-side * 8.0, -6.0, 0.8), 8.0, 190.0 * power, room),
        Lamp((side * 1.0, -6.5, -5.0), 5.0, 45.0 * power, (1.0, 0.95, 0.90)),
        Lamp((-side * 4.2, 5.0, 4.5), 2.6, 55.0 * power, (1.0, 0.84, 0.64)),
        Lamp((side * 6.0, 4.5, 2.5), 3.0, 60.0 * power, (0.85, 0.92, 1.0)),
    )


def studio_light(side: float = -1.0, power: float = 1.0) -> tuple[Lamp, ...]:
    """One large softbox high at 40 degrees, a reflector below it, an edge light from behind."""
    white: Colour = (1.0, 0.97, 0.94)
    return (
        Lamp((side * 4.9, -7.0, 5.8), 4.0, 1000.0 * power, white),
        Lamp((-side * 2.0, -6.5, -4.5), 6.0, 60.0 * power, white),
        Lamp((-side * 8.5, -4.5, 1.5), 7.0, 130.0 * power, (0.94, 0.97, 1.0)),
        Lamp((-side * 4.5, 5.0, 3.5), 2.5, 110.0 * power, white),
    )


def clinic_light(side: float = 1.0, power: float = 1.0) -> tuple[Lamp, ...]:
    """Bright and cool: a wide window at one side, ceiling panels above, white walls all round."""
    day: Colour = (0.96, 0.98, 1.0)
    return (
        Lamp((side * 5.3, -7.4, 5.6), 5.5, 860.0 * power, day, bars=True),
        Lamp((-side * 1.0, -3.0, 9.0), 6.0, 210.0 * power, (1.0, 0.98, 0.95)),
        Lamp((-side * 8.0, -6.0, 0.4), 9.0, 190.0 * power, day),
        Lamp((side * 1.0, -6.5, -5.0), 5.0, 60.0 * power, (1.0, 0.98, 0.95)),
        Lamp((-side * 4.0, 5.5, 4.0), 3.0, 90.0 * power, day),
    )
