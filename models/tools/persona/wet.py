"""What is moist besides the eyeballs: caruncles, the lids' and lips' corners, the line of tears."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .head import CHEILION, INNER, Floats, Head, HeadState
from .mesh import link, mesh
from .nodes import Colour, material

# Vertices of MakeHuman's lash strips along the lower lid's roots, from the nose outwards.
LOWER: Final = (
    *(14765, 14759, 14793, 14758, 14757, 14756, 14755, 14754, 14753, 14752, 14792, 14751),
)
# The opening is longer than the ball is wide: beyond it lies this ellipsoid of conjunctiva, in
# the ball's radii. In front the ball hides it.
LINING: Final = (1.22, 0.78, 0.95)
WEB: Final = np.array([0.050, 0.022, 0.014])  # radii of the web in a corner of the mouth, dm
WEB_PLACE: Final = np.array([-0.040, 0.014, 0.0])  # from the left corner, dm
TEARS: Final = 0.0036  # radius of the line of tears, dm


def _flesh(name: str, colour: Colour) -> Any:
    made, graph = material(name)
    at = graph.node("TexCoord").outputs["Object"]
    graph.finish(
        graph.shader(
            "BsdfPrincipled",
            Base_Color=graph.mix(colour, tuple(0.7 * c for c in colour), graph.noise(at, 60, 3)),
            Roughness=0.35,
            Normal=graph.bump(graph.noise(at, 90, 3), 0.004, 0.6),
            Subsurface_Weight=0.7,
            Subsurface_Scale=0.02,
            Coat_Weight=0.3,
            Coat_Roughness=0.06,
        )
    )
    return made


def _water() -> Any:
    """A clear wet edge: only its mirror is seen."""
    made, graph = material("tears")
    fresnel = graph.node("Fresnel")
    fresnel.inputs["IOR"].default_value = 1.336
    gloss = graph.shader("BsdfGlossy", Color=(1.0, 1.0, 1.0), Roughness=0.06)
    share = graph.math("MULTIPLY", fresnel.outputs[0], 2.0)
    graph.finish(graph.blend(share, graph.shader("BsdfTransparent"), gloss))
    return made


def _ellipsoid(centre: Floats, radii: Floats, turn: Floats) -> tuple[Floats, list[list[int]]]:
    around, rows = 24, 12
    polar = np.linspace(0.02, np.pi - 0.02, rows)[:, None]
    turn_by = np.linspace(0, 2 * np.pi, around, endpoint=False)[None]
    ball = np.stack(
        [
            np.sin(polar) * np.cos(turn_by),
            np.sin(polar) * np.sin(turn_by),
            np.cos(polar) + 0 * turn_by,
        ],
        2,
    ).reshape(-1, 3)
    faces = [
        [i * around + j, (i + 1) * around + j, (i + 1) * around + k, i * around + k]
        for i in range(rows - 1)
        for j in range(around)
        for k in ((j + 1) % around,)
    ]
    return centre + (ball * radii) @ turn.T, faces


def _tube(line: Floats, radius: float) -> tuple[Floats, list[list[int]]]:
    """A round tube (six sides) along a line (n, 3)."""
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.cross(along, [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, along)
    turn = np.linspace(0, 2 * np.pi, 6, endpoint=False)[None, :, None]
    ring = line[:, None] + radius * (np.cos(turn) * side[:, None] + np.sin(turn) * up[:, None])
    faces = [
        [i * 6 + j, (i + 1) * 6 + j, (i + 1) * 6 + (j + 1) % 6, i * 6 + (j + 1) % 6]
        for i in range(len(line) - 1)
        for j in range(6)
    ]
    return ring.reshape(-1, 3), faces


def build_wet(head: Head, points: Floats, state: HeadState, turn: Floats, flesh: Colour) -> None:
    """Corners and tears of both eyes; points (n, 3) of the head in the state, turned.

    flesh: linear RGB of the caruncle.
    """
    pink, white = _flesh("caruncle", flesh), _flesh("lining", (0.72, 0.60, 0.56))
    water = _water()
    for side, (rest_centre, radius) in head.eyes.items():
        centre = head.turned(rest_centre[None], 1.0, state)[0]
        out = 1.0 if side == "l" else -1.0
        own = list if side == "l" else head.base.across
        corner = points[own(INNER)].mean(0)
        inner = corner + turn @ np.array([0.008 * out, 0.026, -0.004])
        caruncle = _ellipsoid(inner, np.array([0.021, 0.024, 0.016]), turn)
        link("caruncle", mesh("caruncle", *caruncle), pink)
        lining = _ellipsoid(centre, radius * np.array(LINING), turn)
        link("lining", mesh("lining", *lining), white)
        roots = points[own(LOWER)]
        away = (roots - centre) / np.linalg.norm(roots - centre, axis=1, keepdims=True)
        away = away + turn @ np.array([0.0, 0.0, 0.035])
        line = centre + 1.012 * radius * away / np.linalg.norm(away, axis=1, keepdims=True)
        link("tears", mesh("tears", *_tube(_smooth(line), TEARS)), water)


def build_lip_corners(head: Head, points: Floats, turn: Floats, lips: Colour) -> None:
    """The webs in which the lips meet: without them a shut mouth ends in two black holes.

    points (n, 3) of the head in the state, turned; lips: their linear RGB.
    """
    made = _flesh("lip-corner", lips)
    (right,) = head.base.across([CHEILION])
    for vertex, out in ((CHEILION, 1.0), (right, -1.0)):
        centre = points[vertex] + turn @ (WEB_PLACE * [out, 1, 1])
        link("lip-corner", mesh("lip-corner", *_ellipsoid(centre, WEB, turn)), made)


def _smooth(line: Floats) -> Floats:
    """The line (n, 3) at 40 places, its zigzag taken out."""
    for _ in range(2):
        line = np.concatenate(
            [line[:1], 0.25 * line[:-2] + 0.5 * line[1:-1] + 0.25 * line[2:], line[-1:]]
        )
    t = np.linspace(0, len(line) - 1, 40)
    return np.stack([np.interp(t, np.arange(len(line)), line[:, k]) for k in range(3)], 1)
