"""Eyeballs of a persona, and the materials of its mouth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from mathutils import Matrix  # type: ignore[import-not-found]

from .head import Floats
from .mesh import link, mesh
from .nodes import Colour, Graph, Socket, material

IRIS = 0.50  # radius of the iris over the radius of the eyeball; 5.9 mm of 12 mm in life
DOME = 0.56  # where the cornea leaves the eyeball


@dataclass(frozen=True, slots=True)
class EyeStyle:
    """Linear RGB of the iris near the pupil and near the rim; pupil over eyeball radius."""

    inner: Colour
    outer: Colour
    pupil: float = 0.19


def _lathe(radii: Floats, depths: Floats, around: int) -> tuple[Floats, list[list[int]]]:
    """A surface of revolution about -y from a profile of radius and depth."""
    turn = np.linspace(0, 2 * np.pi, around, endpoint=False)
    points = np.stack(
        [
            np.outer(radii, np.cos(turn)),
            np.repeat(-depths[:, None], around, 1),
            np.outer(radii, np.sin(turn)),
        ],
        2,
    )
    faces = [
        [
            i * around + j,
            (i + 1) * around + j,
            (i + 1) * around + (j + 1) % around,
            i * around + (j + 1) % around,
        ]
        for i in range(len(radii) - 1)
        for j in range(around)
    ]
    return points.reshape(-1, 3), faces


def _ball_profile() -> tuple[Floats, Floats]:
    """Unit eyeball with a flat, slightly hollow iris."""
    iris = np.linspace(0.004, IRIS, 26)
    rim = float(np.sqrt(1 - IRIS**2))
    bowl = rim - 0.035 + 0.03 * (iris / IRIS) ** 2
    angle = np.linspace(np.arcsin(IRIS) + 0.02, np.pi * 0.75, 60)
    return np.concatenate([iris, np.sin(angle)]), np.concatenate([bowl, np.cos(angle)])


def _dome_profile() -> tuple[Floats, Floats]:
    """Unit cornea: a bulge that leaves the eyeball smoothly."""
    angle = np.linspace(0.004, np.pi * 0.5, 70)
    t = np.clip(1 - np.sin(angle) / DOME, 0, 1)
    radius = 1.004 + 0.085 * t**1.2 * (angle < np.pi / 2)
    return radius * np.sin(angle), radius * np.cos(angle)


def _iris_colour(graph: Graph, at: Socket, style: EyeStyle) -> Socket:
    xyz = graph.node("SeparateXYZ")
    graph.plug(xyz.inputs[0], at)
    x, _, z = xyz.outputs
    radius = graph.math(
        "SQRT", graph.math("ADD", graph.math("MULTIPLY", x, x), graph.math("MULTIPLY", z, z))
    )
    angle = graph.math("ARCTAN2", z, x)
    ray = graph.node("CombineXYZ")
    graph.plug(ray.inputs[0], graph.math("MULTIPLY", angle, 7.0))
    graph.plug(ray.inputs[1], graph.math("MULTIPLY", radius, 5.0))
    fibre = graph.noise(ray.outputs[0], 2.6, 6, 0.65)
    wobble = graph.math(
        "ADD", radius, graph.math("MULTIPLY", graph.math("SUBTRACT", fibre, 0.5), 0.09)
    )
    inner, outer = np.array(style.inner), np.array(style.outer)
    iris = graph.ramp(
        wobble,
        (style.pupil + 0.02, tuple(inner * 0.75)),
        (style.pupil + 0.08, tuple(inner * 1.25)),
        (0.36, tuple(outer)),
        (0.43, tuple(outer * 0.7)),
        (IRIS, tuple(outer * 0.12)),
    )
    streak = graph.step(fibre, 0.38, 0.68)
    iris = graph.mix(iris, (1.9, 1.75, 1.5), graph.math("MULTIPLY", streak, 0.75), "MULTIPLY")
    vein = graph.step(graph.noise(at, 5.5, 7, 0.72), 0.56, 0.72)
    side = graph.step(graph.math("ABSOLUTE", x), 0.35, 0.95)
    white = graph.mix((0.93, 0.89, 0.86), (0.84, 0.55, 0.50), graph.math("MULTIPLY", side, 0.55))
    white = graph.mix(
        white, (0.70, 0.30, 0.27), graph.math("MULTIPLY", vein, graph.math("MULTIPLY", side, 0.5))
    )
    colour = graph.mix(iris, white, graph.step(radius, IRIS - 0.035, IRIS + 0.035))
    return graph.mix(
        (0.003, 0.003, 0.003), colour, graph.step(radius, style.pupil - 0.012, style.pupil + 0.012)
    )


def _eye_material(style: EyeStyle) -> Any:
    made, graph = material("eye")
    at = graph.node("TexCoord").outputs["Object"]
    colour = _iris_colour(graph, at, style)
    graph.finish(
        graph.shader(
            "BsdfPrincipled",
            Base_Color=colour,
            Roughness=0.4,
            Specular_IOR_Level=0.2,
            Subsurface_Weight=0.25,
            Subsurface_Scale=0.08,
            Subsurface_Radius=(1.0, 0.5, 0.35),
        )
    )
    return made


def _cornea_material() -> Any:
    """Clear and sharp, without refraction: paths would only find the lamps through it by luck."""
    made, graph = material("cornea")
    fresnel = graph.node("Fresnel")
    fresnel.inputs["IOR"].default_value = 1.38
    gloss = graph.shader("BsdfGlossy", Color=(1.0, 1.0, 1.0), Roughness=0.02)
    clear = graph.shader("BsdfTransparent")
    graph.finish(graph.blend(graph.math("MULTIPLY", fresnel.outputs[0], 1.3), clear, gloss))
    return made


def build_eye(centre: Floats, radius: float, turn: Floats, style: EyeStyle) -> None:
    """One eyeball and cornea, turned in its socket by a rotation (3, 3)."""
    for name, profile, made in (
        ("eye", _ball_profile(), _eye_material(style)),
        ("cornea", _dome_profile(), _cornea_material()),
    ):
        points, faces = _lathe(*profile, 96)
        thing = link(name, mesh(name, points, faces), made)
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = turn * radius, centre
        thing.matrix_world = Matrix(pose.tolist())


def teeth_material() -> Any:
    return _wet(
        "teeth",
        Base_Color=(0.74, 0.69, 0.60),
        Roughness=0.22,
        Subsurface_Scale=0.05,
        Coat_Weight=0.4,
        Coat_Roughness=0.08,
    )


def gum_material() -> Any:
    return _wet(
        "gum",
        Base_Color=(0.45, 0.16, 0.15),
        Roughness=0.3,
        Subsurface_Scale=0.04,
        Coat_Weight=0.3,
        Coat_Roughness=0.1,
    )


def _wet(name: str, **looks: Any) -> Any:
    """What light goes into a little way, under a wet coat."""
    made, graph = material(name)
    graph.finish(graph.shader("BsdfPrincipled", Subsurface_Weight=0.4, **looks))
    return made


def tongue_material() -> Any:
    made, graph = material("tongue")
    at = graph.node("TexCoord").outputs["Object"]
    graph.finish(
        graph.shader(
            "BsdfPrincipled",
            Base_Color=(0.42, 0.13, 0.11),
            Roughness=0.35,
            Normal=graph.bump(graph.noise(at, 40), 0.006),
            Subsurface_Weight=0.6,
            Subsurface_Scale=0.06,
        )
    )
    return made
