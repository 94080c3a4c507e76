"""Eyeballs of a persona, and the materials of its mouth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from mathutils import Matrix  # type: ignore[import-not-found]

from .head import Floats
from .mesh import link, mesh
from .nodes import Colour, Graph, Socket, material

WIDE: Final = 0.24  # how far the white goes on past the ball, in the ball's radii
AHEAD: Final = 0.12  # and how far forward: further in, the corners would be dark pits
EDGE: Final = 1.10  # where the cornea leaves the eyeball, over the iris
GLINT: Final = 2.2  # radiance of the window mirrored in the cornea
CORNEA: Final = 1.376  # refractive index


@dataclass(frozen=True, slots=True)
class EyeStyle:
    """Linear RGB of the iris near the pupil and near the rim; the rest are shares in [0, 1].

    pupil: over the iris' radius. limbus: darkness of the iris' rim. veins, yellow: of the white.
    glow: what the white gives back of light that has wandered through the whole eyeball; in the
    shadow of the lids it is most of what is seen, and too far for the path tracer's diffusion.
    """

    inner: Colour
    outer: Colour
    pupil: float = 0.36
    limbus: float = 0.7
    veins: float = 0.4
    yellow: float = 0.3
    glow: float = 0.10
    iris: float = 0.059  # radius, dm: 11.8 mm across in nearly everybody


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


def _ball_profile(iris: float) -> tuple[Floats, Floats]:
    """Unit eyeball with a flat, slightly hollow iris of this radius."""
    inside = np.linspace(0.004, iris, 26)
    rim = float(np.sqrt(1 - iris**2))
    bowl = rim - 0.035 + 0.03 * (inside / iris) ** 2
    angle = np.linspace(np.arcsin(iris) + 0.02, np.pi * 0.75, 60)
    return np.concatenate([inside, np.sin(angle)]), np.concatenate([bowl, np.cos(angle)])


def _widened(points: Floats) -> Floats:
    """The ball (n, 3) drawn out to the lids' corners: their opening is longer than a ball is wide.

    A second surface behind the ball would show an upright edge in the white.
    """
    t = np.clip((np.abs(points[:, 0]) - 0.45) / 0.55, 0, 1)
    share = t * t * (3 - 2 * t)
    wide = points * np.stack([1 + WIDE * share, 1 - 0.10 * share, np.ones_like(share)], 1)
    return np.asarray(wide - np.stack([0 * share, AHEAD * share, 0 * share], 1))


def _dome_profile(iris: float) -> tuple[Floats, Floats]:
    """Unit cornea: a bulge that leaves the eyeball smoothly."""
    angle = np.linspace(0.004, np.pi * 0.5, 90)
    t = np.clip(1 - np.sin(angle) / (EDGE * iris), 0, 1)
    radius = 1.004 + 0.17 * iris * t**1.2 * (angle < np.pi / 2)
    return radius * np.sin(angle), radius * np.cos(angle)


def _polar(graph: Graph, at: Socket) -> tuple[Socket, Socket, Socket]:
    """Radius and angle about the eye's axis, and a coordinate that runs along the fibres."""
    xyz = graph.node("SeparateXYZ")
    graph.plug(xyz.inputs[0], at)
    x, _, z = xyz.outputs
    radius = graph.math(
        "SQRT", graph.math("ADD", graph.math("MULTIPLY", x, x), graph.math("MULTIPLY", z, z))
    )
    unit = graph.node("CombineXYZ")  # the angle without its seam
    graph.plug(unit.inputs[0], graph.math("DIVIDE", x, radius))
    graph.plug(unit.inputs[1], graph.math("DIVIDE", z, radius))
    graph.plug(unit.inputs[2], graph.math("MULTIPLY", radius, 1.6))
    return radius, graph.math("ARCTAN2", z, x), unit.outputs[0]


def _iris_colour(graph: Graph, radius: Socket, ray: Socket, style: EyeStyle, iris: float) -> Socket:
    """Fibres from the pupil, a paler collar, dark crypts, flecks and the dark limbal ring."""
    fibre = graph.noise(ray, 9.0, 5, 0.7)
    coarse = graph.noise(ray, 3.2, 4, 0.6)
    wobble = graph.math(
        "ADD", radius, graph.math("MULTIPLY", graph.math("SUBTRACT", coarse, 0.5), 0.22 * iris)
    )
    inner, outer = np.array(style.inner), np.array(style.outer)
    pupil = style.pupil * iris
    collar = pupil + 0.28 * (iris - pupil)
    colour = graph.ramp(
        wobble,
        (pupil * 0.98, tuple(inner * 0.35)),
        (pupil + 0.10 * (iris - pupil), tuple(inner * 0.9)),
        (collar, tuple(inner * 1.15)),
        (collar + 0.10 * (iris - pupil), tuple(0.35 * inner + 0.65 * outer)),
        (0.86 * iris, tuple(outer)),
        (0.93 * iris, tuple(outer * (1 - 0.6 * style.limbus))),
        (1.0 * iris, tuple(outer * (1 - 0.93 * style.limbus))),
    )
    streak = graph.step(fibre, 0.42, 0.62)
    colour = graph.mix(colour, (2.1, 1.95, 1.7), graph.math("MULTIPLY", streak, 0.7), "MULTIPLY")
    crypt = graph.step(graph.noise(ray, 4.6, 3, 0.5), 0.44, 0.34)
    return graph.mix(colour, (0.45, 0.40, 0.38), graph.math("MULTIPLY", crypt, 0.7), "MULTIPLY")


def _white_colour(graph: Graph, at: Socket, radius: Socket, style: EyeStyle) -> Socket:
    """Off-white, yellower and pinker to the corners, thin winding vessels, shaded by the lids."""
    corner = graph.step(radius, 0.42, 0.98)
    base = (0.62, 0.585 - 0.03 * style.yellow, 0.555 - 0.10 * style.yellow)
    white = graph.mix(base, (0.62, 0.39, 0.34), graph.math("MULTIPLY", corner, 0.45))
    bent = graph.node("VectorMath", operation="ADD")
    graph.plug(bent.inputs[0], at)
    graph.plug(bent.inputs[1], graph.noise(at, 4.0, 3))
    for scale, share in ((3.2, 0.75), (6.5, 0.5)):
        ridge = graph.math(
            "ABSOLUTE", graph.math("SUBTRACT", graph.noise(bent.outputs[0], scale, 3), 0.5)
        )
        vessel = graph.math(
            "MULTIPLY", graph.step(ridge, 0.020, 0.004), graph.step(radius, 0.45, 0.85)
        )
        share *= style.veins
        white = graph.mix(white, (0.58, 0.16, 0.13), graph.math("MULTIPLY", vessel, share))
    xyz = graph.node("SeparateXYZ")
    graph.plug(xyz.inputs[0], at)
    under = graph.step(xyz.outputs[2], 0.08, 0.48)  # the upper lid and its lashes keep light off
    return graph.mix(white, (0.62, 0.54, 0.52), graph.math("MULTIPLY", under, 0.45), "MULTIPLY")


def _eye_material(style: EyeStyle, iris: float) -> Any:
    made, graph = material("eye")
    at = graph.node("TexCoord").outputs["Object"]
    radius, _, ray = _polar(graph, at)
    inside = _iris_colour(graph, radius, ray, style, iris)
    white = _white_colour(graph, at, radius, style)
    # The limbus is a soft border: white grows over the iris by half a millimetre.
    colour = graph.mix(inside, white, graph.step(radius, 0.94 * iris, 1.07 * iris))
    black = graph.step(radius, style.pupil * iris * 0.94, style.pupil * iris * 1.04)
    colour = graph.mix((0.003, 0.003, 0.003), colour, black)
    bump = graph.bump(graph.noise(ray, 9.0, 4, 0.6), 0.02, 0.35)
    outside = graph.step(radius, iris, 1.1 * iris)
    graph.finish(
        graph.shader(
            "BsdfPrincipled",
            Base_Color=colour,
            Roughness=0.45,
            Specular_IOR_Level=0.15,
            Normal=bump,
            Subsurface_Weight=graph.math("MULTIPLY", outside, 0.3),
            Subsurface_Scale=0.08,
            Subsurface_Radius=(1.0, 0.5, 0.35),
            Emission_Color=white,
            Emission_Strength=graph.math("MULTIPLY", outside, style.glow),
        )
    )
    return made


def _catchlight(graph: Graph, normal: Socket, light: Floats) -> Socket:
    """One small soft window (strength in [0, 1]) mirrored from direction `light` (3,).

    Lamps themselves are left out of this mirror (light.py): seven decimetres of softbox show as
    blocks over iris and pupil.
    """
    ahead = light / np.linalg.norm(light)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    back = graph.node("VectorMath", operation="REFLECT")
    graph.plug(back.inputs[0], graph.node("NewGeometry").outputs["Incoming"])
    graph.plug(back.inputs[1], normal)

    def along(axis: Floats) -> Socket:
        dot = graph.node("VectorMath", operation="DOT_PRODUCT")
        graph.plug(dot.inputs[0], back.outputs[0])
        graph.plug(dot.inputs[1], tuple((-axis).tolist()))
        return dot.outputs["Value"]

    level = graph.step(graph.math("ABSOLUTE", along(right)), 0.17, 0.09)
    upright = graph.step(graph.math("ABSOLUTE", along(np.cross(right, ahead))), 0.21, 0.12)
    before = graph.step(along(ahead), 0.5, 0.6)
    return graph.math("MULTIPLY", graph.math("MULTIPLY", level, upright), before)


def _cornea_material(light: Floats) -> Any:
    """A wet mirror over clear tissue that refracts what the camera sees.

    Light itself goes straight through: refracted paths would find the lamps only by luck.
    """
    made, graph = material("cornea")
    fresnel = graph.node("Fresnel")
    fresnel.inputs["IOR"].default_value = CORNEA
    at = graph.node("TexCoord").outputs["Object"]
    film = graph.bump(graph.noise(at, 9.0, 3), 0.002, 0.15)  # tears are never quite even
    graph.plug(fresnel.inputs["Normal"], film)
    gloss = graph.shader("BsdfGlossy", Color=(1.0, 1.0, 1.0), Roughness=0.015, Normal=film)
    bent = graph.shader("BsdfRefraction", Color=(1.0, 1.0, 1.0), Roughness=0.0, IOR=CORNEA)
    seen = graph.node("LightPath").outputs["Is Camera Ray"]
    clear = graph.blend(seen, graph.shader("BsdfTransparent"), bent)
    wet = graph.blend(graph.math("MULTIPLY", fresnel.outputs[0], 1.9), clear, gloss)
    shine = graph.shader("Emission", Color=(1.0, 0.98, 0.95), Strength=GLINT)
    lit = graph.math("MULTIPLY", _catchlight(graph, film, light), 0.9)
    graph.finish(graph.blend(graph.math("MULTIPLY", lit, seen), wet, shine))
    return made


def build_eye(centre: Floats, radius: float, turn: Floats, style: EyeStyle, light: Floats) -> None:
    """One eyeball and cornea, turned in its socket by a rotation (3, 3).

    light (3,): where the window in its mirror lies.
    """
    iris = style.iris / radius
    for name, profile, made in (
        ("eye", _ball_profile(iris), _eye_material(style, iris)),
        ("cornea", _dome_profile(iris), _cornea_material(light)),
    ):
        points, faces = _lathe(*profile, 96)
        thing = link(name, mesh(name, _widened(points), faces), made)
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
