"""Skin of a persona: where it is red, dark, wet or folded, and the material."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from .head import Floats, Head
from .mesh import Surface, paint, sample_image
from .nodes import Colour, Graph, Socket, material

MASKS: Final = ("ears", "lips", "inside-mouth")


@dataclass(frozen=True, slots=True)
class SkinStyle:
    """Linear RGB colours and shares in [0, 1]."""

    base: Colour
    flush: Colour
    lips: Colour
    lips_share: float = 0.75
    flush_share: float = 0.5
    scalp_shade: float = 0.9
    lid_shade: float = 0.25
    liner: float = 0.0
    stubble: float = 0.0
    freckles: float = 0.0
    mottle: float = 0.3
    wrinkles: float = 0.0
    roughness: float = 0.45
    pores: float = 1.0
    spots: float = 0.0


@dataclass(frozen=True)
class Landmarks:
    """Points (3,) of one head at rest that painting and growing refer to."""

    eyes: Mapping[str, tuple[Floats, float]]
    mouth: Floats
    mouth_half: float
    nose: Floats
    chin: Floats
    crown: Floats
    ear: float = field(default=0.8)


def landmarks(head: Head, skin: Surface, lips: Floats) -> Landmarks:
    points = skin.points
    eyes = head.eyes
    lip = points[lips > 0.5]
    mouth = np.array([0, lip[:, 1].min(), (lip[:, 2].min() + lip[:, 2].max()) / 2])
    middle = np.abs(points[:, 0]) < 0.06
    level = head.eye_level[2]
    nose_zone = middle & (points[:, 2] > mouth[2] + 0.1) & (points[:, 2] < level)
    nose = points[nose_zone][points[nose_zone][:, 1].argmin()]
    chin_zone = middle & (points[:, 2] < mouth[2] - 0.15) & (points[:, 2] > mouth[2] - 0.75)
    chin_points = points[chin_zone & (points[:, 1] < mouth[1] + 0.35)]
    chin = chin_points[chin_points[:, 2].argmin()]
    crown = points[points[:, 2].argmax()]
    return Landmarks(
        eyes,
        mouth,
        float(np.ptp(lip[:, 0]) / 2),
        nose,
        chin,
        crown,
        float(points[np.abs(points[:, 2] - level) < 0.3][:, 0].max()),
    )


def shifted(point: Floats, x: float, y: float, z: float) -> Floats:
    return np.asarray(point + np.array([x, y, z]))


def blob(points: Floats, centre: Floats, x: float, z: float, y: float = 1.0) -> Floats:
    """A Gaussian spot (n,) of standard deviations x, y, z, on both sides of the face."""
    mirrored = np.abs(points[:, 0]) - abs(centre[0])
    return np.asarray(
        np.exp(
            -0.5 * (mirrored / x) ** 2
            - 0.5 * ((points[:, 1] - centre[1]) / y) ** 2
            - 0.5 * ((points[:, 2] - centre[2]) / z) ** 2
        )
    )


def masks(data: Path, skin: Surface) -> dict[str, Floats]:
    folder = data / "mpfb2/textures"
    return {name: sample_image(str(folder / f"mpfb_{name}.jpg"), skin.uv) for name in MASKS}


def _over(colour: Floats, tint: Colour, share: Floats) -> Floats:
    return colour + (np.array(tint) - colour) * np.clip(share, 0, 1)[:, None]


def _times(colour: Floats, tint: Colour, share: Floats) -> Floats:
    return colour * (1 + (np.array(tint) - 1) * np.clip(share, 0, 1)[:, None])


def beard_zone(points: Floats, marks: Landmarks) -> Floats:
    """Density (n,) in [0, 1] of a trimmed beard: jaw, chin, moustache; the lips stay free."""
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    mouth, half = marks.mouth, marks.mouth_half
    back = np.clip((y - mouth[1] - 0.25) / 1.0, 0, 1.2)
    cheek_line = mouth[2] - 0.10 + 0.75 * back**1.3
    cheek = rise(cheek_line - z, 0.0, 0.16) * rise(x, half * 0.9, half * 1.4)
    patch = 0.02 * np.cos(np.clip(x / half, 0, 1) * np.pi)  # grows higher under the lip's middle
    chin = rise(mouth[2] - 0.15 + patch - z, 0.0, 0.09)
    moustache = rise(z, mouth[2] + 0.06, mouth[2] + 0.11) * rise(marks.nose[2] - 0.13 - z, 0, 0.05)
    moustache *= rise(half * 1.35 - x, 0, 0.1) * (y < mouth[1] + 0.5)
    link = rise(x, half * 0.88, half * 1.25) * rise(half * 1.75 - x, 0, 0.15)
    link *= rise(mouth[2] + 0.13 - z, 0, 0.1) * (y < mouth[1] + 0.6)
    neck = rise(z, marks.chin[2] - 0.22 + 0.3 * back, marks.chin[2] + 0.1 + 0.3 * back)
    front = rise(marks.eyes["l"][0][1] + 1.15 - y, 0, 0.15)
    return np.asarray(np.maximum.reduce([cheek, chin, moustache, link]) * neck * front)


def rise(value: Floats, low: float | Floats, high: float | Floats) -> Floats:
    t = np.clip((value - low) / (np.asarray(high) - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def lid_rim(points: Floats, marks: Landmarks) -> tuple[Floats, Floats]:
    """How far (n,) each point lies outside the nearer eyeball, in radii, and its height there."""
    best = np.full(len(points), 9.0)
    height = np.zeros(len(points))
    for centre, radius in marks.eyes.values():
        offset = (points - centre) / radius
        distance = np.linalg.norm(offset, axis=1) - 1
        closer = (distance < best) & (offset[:, 1] < 0.4)
        best[closer], height[closer] = distance[closer], offset[closer, 2]
    return best, height


def complexion(
    skin: Surface, marks: Landmarks, mask: Mapping[str, Floats], style: SkinStyle
) -> Floats:
    """Base colour (n, 3), linear RGB."""
    points = skin.points
    eye, _ = marks.eyes["l"]
    colour = np.tile(np.array(style.base), (len(points), 1))
    cheek = np.array([eye[0] * 1.42, eye[1], marks.nose[2] + 0.06])
    flush = 0.9 * blob(points, cheek, 0.22, 0.20, 0.6)
    flush += 0.75 * blob(points, marks.nose, 0.13, 0.11, 0.3)
    flush += 0.4 * blob(points, shifted(marks.chin, 0, 0, 0.18), 0.16, 0.12, 0.5)
    flush += 0.22 * blob(points, shifted(eye, 0, 0, 0.85), 0.3, 0.25)
    flush += 0.8 * mask["ears"] + 0.35 * blob(points, shifted(eye, 0, 0.2, -0.03), 0.22, 0.17, 0.3)
    colour = _times(colour, style.flush, style.flush_share * flush)
    pale = blob(points, np.array([0, eye[1] - 0.1, eye[2] + 0.5]), 0.4, 0.3)
    colour = _times(colour, (1.05, 1.05, 1.02), 0.6 * pale)
    hollow = blob(points, shifted(eye, -0.05, -0.1, -0.19), 0.15, 0.055, 0.4)
    colour = _times(colour, (0.78, 0.68, 0.70), 0.55 * hollow)
    out, height = lid_rim(points, marks)
    lid = np.exp(-0.5 * (out / 0.22) ** 2) * rise(height, -0.1, 0.35)
    colour = _times(colour, (0.62, 0.47, 0.42), (style.lid_shade + 0.1) * lid)
    wet = np.exp(-0.5 * (np.maximum(out - 0.01, 0) / 0.02) ** 2)
    colour = _over(colour, (0.50, 0.22, 0.19), 0.4 * wet)
    lash = np.exp(-0.5 * ((out - 0.115) / 0.045) ** 2)
    lash *= np.where(height > 0, 1.0, 0.45) * rise(np.abs(height), 0.02, 0.2)
    colour = _over(colour, (0.03, 0.018, 0.014), style.liner * lash)
    zone = beard_zone(points, marks)
    colour = _over(colour, tuple(np.array(style.base) * (0.42, 0.44, 0.5)), style.stubble * zone)
    colour = _times(colour, (0.34, 0.27, 0.24), style.scalp_shade * mask["scalp"])
    lips = mask["lips"]
    colour = _over(colour, style.lips, style.lips_share * lips)
    seam = np.exp(-0.5 * ((points[:, 2] - marks.mouth[2]) / 0.03) ** 2) * lips
    colour = _times(colour, (0.7, 0.55, 0.55), 0.35 * seam)
    return _over(colour, (0.22, 0.045, 0.04), mask["inside-mouth"])


def _ridge(points: Floats, path: Floats, width: float) -> Floats:
    """A soft groove profile (n,) in [0, 1] along a polyline (k, 2) in x, z, on both sides."""
    at = np.stack([np.abs(points[:, 0]), points[:, 2]], 1)
    best = np.full(len(at), 9.0)
    for a, b in pairwise(path):
        along = b - a
        t = np.clip(((at - a) @ along) / (along @ along), 0, 1)
        best = np.minimum(best, np.linalg.norm(at - a - t[:, None] * along, axis=1))
    return np.asarray(np.exp(-0.5 * (best / width) ** 2))


def relief(skin: Surface, marks: Landmarks, mask: Mapping[str, Floats], style: SkinStyle) -> Floats:
    """Height (n,) in decimetres to add along the normals: lip creases and wrinkles."""
    points, rng = skin.points, np.random.default_rng(7)
    x = points[:, 0] + 0.3 * (points[:, 2] - marks.mouth[2]) * points[:, 0] / marks.mouth_half
    creases = sum(
        np.sin(x * f + phase) for f, phase in zip((95, 150, 210), rng.uniform(0, 6, 3), strict=True)
    )
    height = 0.0011 * creases * mask["lips"] * rise(np.abs(points[:, 0]), marks.mouth_half, 0.05)
    if style.wrinkles:
        height = height - style.wrinkles * wrinkles(points, marks)
    front = (points[:, 1] < marks.eyes["l"][0][1] + 0.9) & (mask["inside-mouth"] < 0.02)
    return np.asarray(height * front)


def wrinkles(points: Floats, marks: Landmarks) -> Floats:
    """Depth (n,) in decimetres of the folds of a face that has laughed and frowned."""
    (ex, _, ez), radius = marks.eyes["l"]
    depth = np.zeros(len(points))
    forehead = [(0.40, 0.58), (0.33, 0.68), (0.26, 0.78)]
    for k, (half, up) in enumerate(forehead):
        xs = np.linspace(0, half + ex * 0.6, 9)
        wave = 0.015 * np.sin(xs * 9 + k * 2.1) - 0.05 * (xs / 0.6) ** 2
        fade = rise(half + ex * 0.7 - np.abs(points[:, 0]), 0, 0.3)
        depth += 0.0065 * _ridge(points, np.stack([xs, ez + up + wave], 1), 0.012) * fade
    for k in range(4):
        start = np.array([ex + radius * 1.55, ez + 0.05 - 0.055 * k])
        turn = np.radians(28 - 24 * k)
        path = start + np.linspace(0, 0.17, 5)[:, None] * [np.cos(turn), np.sin(turn)]
        depth += 0.005 * _ridge(points, path, 0.009)
    for k in range(2):
        t = np.linspace(-1, 0.9, 9)
        bag = np.stack([ex + t * 0.17, ez - 0.155 - 0.05 * k - 0.035 * (1 - t**2)], 1)
        depth += (0.006 - 0.002 * k) * _ridge(points, bag, 0.012)
    t = np.linspace(0, 1, 9)
    wing = np.array([0.17, marks.nose[2] + 0.02])
    corner = np.array([marks.mouth_half + 0.10, marks.mouth[2] - 0.02])
    fold = wing + t[:, None] * (corner - wing) + np.outer(np.sin(t * np.pi), [0.05, 0.03])
    depth += 0.012 * _ridge(points, fold, 0.024)
    frown = np.array([[0.045, ez + 0.22], [0.055, ez + 0.36]])
    depth += 0.006 * _ridge(points, frown, 0.012)
    return depth


def _pores(graph: Graph, at: Socket, style: SkinStyle) -> Socket:
    pore = graph.step(graph.cells(at, 62.0), 0.0, 0.55)
    grain = graph.math("ADD", graph.math("MULTIPLY", graph.noise(at, 70, 3), 0.8), pore)
    lines = graph.math("ADD", grain, graph.math("MULTIPLY", graph.noise(at, 26, 4), 1.2))
    return graph.bump(lines, 0.0045 * style.pores, 0.5)


def _tone(graph: Graph, at: Socket, style: SkinStyle) -> Socket:
    colour = graph.attribute("tone", "Color")
    patch = graph.step(graph.noise(at, 3.4, 5, 0.6), 0.38, 0.68)
    colour = graph.mix(
        colour, (1.0, 0.86, 0.83), graph.math("MULTIPLY", patch, style.mottle), "MULTIPLY"
    )
    fine = graph.step(graph.noise(at, 17, 4, 0.6), 0.45, 0.7)
    colour = graph.mix(
        colour, (0.93, 0.84, 0.80), graph.math("MULTIPLY", fine, style.mottle), "MULTIPLY"
    )
    if style.freckles:
        dot = graph.step(graph.cells(at, 19), 0.23, 0.10)
        rare = graph.math("MULTIPLY", dot, graph.step(graph.noise(at, 8, 2), 0.45, 0.62))
        share = graph.math("MULTIPLY", rare, graph.attribute("freckle"))
        colour = graph.mix(
            colour, (0.72, 0.52, 0.40), graph.math("MULTIPLY", share, style.freckles), "MULTIPLY"
        )
    if style.spots:
        spot = graph.step(graph.cells(at, 5.5), 0.13, 0.05)
        colour = graph.mix(
            colour, (0.75, 0.6, 0.5), graph.math("MULTIPLY", spot, style.spots), "MULTIPLY"
        )
    return colour


def skin_material(style: SkinStyle) -> Any:
    """Principled skin: random-walk scattering, pores, oil on nose and brow, moist lips."""
    made, graph = material("skin")
    at = graph.attribute("rest", "Vector")
    wet = graph.attribute("wet")
    rough = graph.math(
        "ADD", style.roughness - 0.06, graph.math("MULTIPLY", graph.noise(at, 11), 0.14)
    )
    rough = graph.math("SUBTRACT", rough, graph.math("MULTIPLY", graph.attribute("oil"), 0.10))
    rough = graph.math("SUBTRACT", rough, graph.math("MULTIPLY", wet, 0.17))
    colour = _tone(graph, at, style)
    graph.finish(
        graph.shader(
            "BsdfPrincipled",
            settings={"subsurface_method": "BURLEY"},  # a third of the random walk's time
            Base_Color=colour,
            Roughness=rough,
            IOR=1.42,
            Normal=_pores(graph, at, style),
            Subsurface_Weight=1.0,
            Subsurface_Radius=(1.0, 0.36, 0.20),
            Subsurface_Scale=0.055,
            Specular_IOR_Level=0.42,
            Coat_Weight=graph.math("MULTIPLY", wet, 0.25),
            Coat_Roughness=0.18,
        )
    )
    return made


def paint_skin(
    target: Any, skin: Surface, marks: Landmarks, mask: Mapping[str, Floats], style: SkinStyle
) -> None:
    """Store on the mesh what the material reads: rest position, tone, wetness, oil, freckles."""
    eye = marks.eyes["l"][0]
    out, _ = lid_rim(skin.points, marks)
    oil = blob(skin.points, shifted(marks.nose, 0, 0.1, 0.1), 0.12, 0.25, 0.4)
    oil += 0.7 * blob(skin.points, np.array([0, eye[1], eye[2] + 0.55]), 0.35, 0.2)
    wet = np.maximum(mask["lips"], np.exp(-0.5 * (np.maximum(out, 0) / 0.04) ** 2))
    wet = np.maximum(wet, mask["inside-mouth"])
    freckle = blob(skin.points, np.array([0.2, eye[1], marks.nose[2] + 0.15]), 0.3, 0.16, 0.5)
    paint(target, "rest", skin.points)
    paint(target, "tone", np.clip(complexion(skin, marks, mask, style), 0, 1))
    for name, values in (("oil", oil), ("wet", wet), ("freckle", freckle)):
        paint(target, name, np.clip(values, 0, 1))
