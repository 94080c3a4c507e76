"""Skin of a persona: its style, the landmarks of a head, and where it is red, dark, wet or oily."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from .head import Floats, Head
from .mesh import Surface, paint, sample_image
from .nodes import Colour

MASKS: Final = ("ears", "lips", "inside-mouth")


@dataclass(frozen=True, slots=True)
class SkinStyle:
    """Linear RGB colours; everything else a share in [0, 1], or 1 for what is common.

    vessels: fine red ones at nose and cheeks. lid_fold: of an open upper lid. uneven: lumps of the
    surface; lines: fine ones.
    """

    base: Colour
    flush: Colour
    lips: Colour
    lips_share: float = 0.75
    flush_share: float = 0.5
    scalp_shade: float = 0.9
    lid_shade: float = 0.25
    undereye: float = 0.5
    lid_fold: float = 1.0
    liner: float = 0.0
    stubble: float = 0.0
    freckles: float = 0.0
    moles: int = 5
    mottle: float = 0.5
    vessels: float = 0.3
    wrinkles: float = 0.0
    lines: float = 0.4
    uneven: float = 1.0
    roughness: float = 0.45
    oil: float = 0.5
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


def noise(points: Floats, size: float, seed: int) -> Floats:
    """Smooth noise (n,) about in [-1, 1] of points (n, 3), with lumps of `size` dm."""
    at = points / size
    cell = np.floor(at).astype(np.int64)
    t = at - cell
    t = t * t * t * (t * (6 * t - 15) + 10)
    total = np.zeros(len(at))
    for corner in np.ndindex(2, 2, 2):
        key = (cell + corner) @ np.array([73856093, 19349663, 83492791]) ^ (seed * 2654435761)
        key = (key ^ (key >> 13)) * 1274126177
        value = ((key ^ (key >> 16)) & 0xFFFF) / 32767.5 - 1
        total += value * np.prod(np.where(corner, t, 1 - t), axis=1)
    return np.asarray(1.6 * total)


def masks(data: Path, skin: Surface) -> dict[str, Floats]:
    folder = data / "mpfb2/textures"
    return {name: sample_image(str(folder / f"mpfb_{name}.jpg"), skin.uv) for name in MASKS}


def _over(colour: Floats, tint: Colour, share: Floats) -> Floats:
    return colour + (np.array(tint) - colour) * np.clip(share, 0, 1)[:, None]


def _times(colour: Floats, tint: Colour, share: Floats) -> Floats:
    return colour * (1 + (np.array(tint) - 1) * np.clip(share, 0, 1)[:, None])


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


def mottled(colour: Floats, points: Floats, style: SkinStyle, seed: int) -> Floats:
    """Blood and pigment under the skin vary by themselves, in patches of many sizes."""
    sizes = (0.34, 0.15, 0.07, 0.03)
    blood = sum(noise(points, size, seed + 40 + k) / (k + 1.2) for k, size in enumerate(sizes))
    pigment = sum(noise(points, size, seed + 50 + k) / (k + 1.2) for k, size in enumerate(sizes))
    colour = colour * np.exp(style.mottle * np.outer(blood, [0.035, -0.085, -0.08]))
    return np.asarray(colour * np.exp(style.mottle * np.outer(pigment, [0.05, 0.075, 0.10])))


def _flushed(points: Floats, marks: Landmarks, mask: Mapping[str, Floats], seed: int) -> Floats:
    """Where blood shines through (n,): cheeks, nose and its wings, ears, chin, about the eyes."""
    eye, _ = marks.eyes["l"]
    cheek = np.array([eye[0] * 1.35, eye[1], marks.nose[2] + 0.04])
    flush = 0.9 * blob(points, cheek, 0.20, 0.17, 0.6)
    flush += 0.85 * blob(points, marks.nose, 0.11, 0.10, 0.3)
    flush += 0.7 * blob(points, shifted(marks.nose, 0.15, 0.12, -0.04), 0.05, 0.06, 0.2)
    flush += 0.5 * blob(points, shifted(marks.chin, 0, 0, 0.18), 0.14, 0.11, 0.5)
    flush += 0.2 * blob(points, shifted(eye, 0, 0, 0.85), 0.3, 0.25)
    flush += 0.35 * blob(points, shifted(eye, 0, 0.2, -0.03), 0.22, 0.17, 0.3)
    flush += 0.3 * blob(points, np.array([0, eye[1], eye[2] + 0.2]), 0.10, 0.12, 0.4)
    flush += 0.35 * blob(points, shifted(marks.mouth, 0, 0, 0.02), 0.30, 0.15, 0.4)
    below = rise(marks.chin[2] - 0.5 - points[:, 2], 0, 0.6)
    flush = flush * (1 + 0.45 * noise(points, 0.10, seed + 60)) + 0.5 * below
    return np.asarray(np.clip(flush, 0, 1.3) + 0.9 * mask["ears"])


def _eye_zone(colour: Floats, points: Floats, marks: Landmarks, style: SkinStyle) -> Floats:
    """Thin skin: bluish-brown hollows below, browner lids, a pink wet rim, perhaps a liner."""
    eye, _ = marks.eyes["l"]
    hollow = blob(points, shifted(eye, -0.07, -0.1, -0.17), 0.13, 0.05, 0.4)
    hollow += 0.6 * blob(points, shifted(eye, -0.17, -0.05, -0.06), 0.045, 0.07, 0.3)
    colour = _times(colour, (0.74, 0.63, 0.68), (0.2 + style.undereye) * hollow)
    out, height = lid_rim(points, marks)
    lid = np.exp(-0.5 * (out / 0.24) ** 2) * rise(height, -0.1, 0.35)
    colour = _times(colour, (0.66, 0.50, 0.46), (style.lid_shade + 0.2) * lid)
    lower = np.exp(-0.5 * (out / 0.10) ** 2) * rise(-height, 0.0, 0.25)
    colour = _times(colour, (0.92, 0.74, 0.72), 0.5 * lower)
    wet = np.exp(-0.5 * (np.maximum(out - 0.01, 0) / 0.025) ** 2)
    colour = _over(colour, tuple(np.array(style.base) ** 0.75 * (0.95, 0.58, 0.55)), 0.55 * wet)
    lash = np.exp(-0.5 * ((out - 0.115) / 0.045) ** 2)
    lash *= np.where(height > 0, 1.0, 0.3) * rise(np.abs(height), 0.02, 0.2)
    return _over(colour, (0.03, 0.018, 0.014), style.liner * lash)


def _lip_colour(
    colour: Floats, points: Floats, marks: Landmarks, lips: Floats, style: SkinStyle, seed: int
) -> Floats:
    """Lips with a soft, uneven border, darker in the seam and paler in the middle."""
    border = np.clip(
        lips + 0.10 * noise(points, 0.028, seed + 70) * (lips > 0.02) * (lips < 0.98), 0, 1
    )
    middle = blob(points, shifted(marks.mouth, 0, 0, -0.06), 0.12, 0.05, 0.5)
    tint = np.array(style.lips) * (1 + 0.07 * noise(points, 0.025, seed + 71)[:, None])
    tint = tint * (1 + 0.12 * middle[:, None])
    colour = colour + (tint - colour) * (style.lips_share * border**1.3)[:, None]
    seam = np.exp(-0.5 * ((points[:, 2] - marks.mouth[2]) / 0.03) ** 2) * lips
    colour = _times(colour, (0.7, 0.55, 0.55), 0.35 * seam)
    # The ridge round the vermilion catches light.
    ridge = np.clip(lips * (1 - lips) * 4, 0, 1)
    return _times(colour, (1.08, 1.06, 1.05), 0.5 * ridge)


def complexion(
    skin: Surface, marks: Landmarks, mask: Mapping[str, Floats], style: SkinStyle, seed: int
) -> Floats:
    """Base colour (n, 3), linear RGB."""
    points = skin.points
    eye, _ = marks.eyes["l"]
    colour = np.tile(np.array(style.base), (len(points), 1))
    colour = mottled(colour, points, style, seed)
    # Yellower above, bluer about mouth and jaw: the three zones painters know.
    brow = rise(points[:, 2], eye[2] + 0.2, eye[2] + 0.5)
    colour = _times(colour, (1.03, 1.02, 0.93), 0.8 * brow)
    jaw = rise(marks.nose[2] - 0.15 - points[:, 2], 0, 0.35) * rise(
        points[:, 2], marks.chin[2] - 0.3, marks.chin[2]
    )
    colour = _times(colour, (0.93, 0.95, 0.97), 0.6 * jaw)
    colour = _times(colour, style.flush, style.flush_share * _flushed(points, marks, mask, seed))
    colour = _eye_zone(colour, points, marks, style)
    colour = _times(colour, (0.66, 0.56, 0.52), 0.55 * mask["brow"])
    colour = _times(colour, (0.74, 0.60, 0.56), 0.6 * style.lid_fold * mask["fold"])
    nostril = blob(points, shifted(marks.nose, 0.08, 0.10, -0.09), 0.05, 0.035, 0.08)
    colour = _times(colour, (0.62, 0.36, 0.32), 0.6 * nostril)
    stubble = tuple(np.array(style.base) * (0.42, 0.44, 0.5))
    colour = _over(colour, stubble, style.stubble * mask["beard"])
    # Under full hair alone: a shaded edge would smudge the hairline.
    covered = rise(mask["scalp"], 0.35, 1.0)
    colour = _times(colour, (0.34, 0.27, 0.24), style.scalp_shade * covered)
    colour = _lip_colour(colour, points, marks, mask["lips"], style, seed)
    return _over(colour, (0.22, 0.045, 0.04), mask["inside-mouth"])


def paint_skin(
    target: Any,
    skin: Surface,
    marks: Landmarks,
    mask: Mapping[str, Floats],
    style: SkinStyle,
    seed: int = 0,
) -> None:
    """Store on the mesh what the material reads: rest position, tone, and shares in [0, 1].

    oil and pore follow the zones of a face, red is where vessels show, lip and wet are moist.
    """
    points, eye = skin.points, marks.eyes["l"][0]
    out, _ = lid_rim(points, marks)
    oil = blob(points, shifted(marks.nose, 0, 0.1, 0.1), 0.11, 0.25, 0.4)
    oil += 0.8 * blob(points, np.array([0, eye[1], eye[2] + 0.48]), 0.30, 0.2)
    oil += 0.5 * blob(points, shifted(marks.chin, 0, 0, 0.15), 0.15, 0.11, 0.4)
    oil += 0.25 * blob(points, np.array([eye[0] * 1.5, eye[1], eye[2] - 0.22]), 0.14, 0.10, 0.6)
    pore = blob(points, shifted(marks.nose, 0, 0.08, 0.05), 0.14, 0.15, 0.4)
    pore += 0.65 * blob(points, np.array([eye[0] * 0.85, eye[1], marks.nose[2] + 0.08]), 0.13, 0.16)
    pore += 0.6 * blob(points, np.array([0, eye[1], eye[2] + 0.4]), 0.3, 0.22)
    pore += 0.6 * blob(points, shifted(marks.chin, 0, 0, 0.15), 0.2, 0.14, 0.5)
    red = blob(points, shifted(marks.nose, 0.15, 0.12, -0.02), 0.07, 0.09, 0.3)
    red += 0.7 * blob(points, np.array([eye[0] * 1.45, eye[1], marks.nose[2] + 0.06]), 0.16, 0.13)
    wet = np.exp(-0.5 * (np.maximum(out, 0) / 0.035) ** 2)
    wet = np.maximum(wet, mask["inside-mouth"])
    thin = np.exp(-0.5 * (np.maximum(out, 0) / 0.5) ** 2)  # lids have hardly any pores
    freckle = blob(points, np.array([0.2, eye[1], marks.nose[2] + 0.15]), 0.3, 0.16, 0.5)
    paint(target, "rest", points)
    paint(target, "tone", np.clip(complexion(skin, marks, mask, style, seed), 0, 1))
    shares = {
        "oil": oil * (1 - thin), "pore": (0.25 + pore) * (1 - 0.8 * thin), "red": red,
        "lip": mask["lips"], "wet": wet, "freckle": 0.15 + freckle,
    }  # fmt: skip
    for name, values in shares.items():
        paint(target, name, np.clip(values, 0, 1))


def moles(
    skin: Surface, marks: Landmarks, style: SkinStyle, seed: int
) -> list[tuple[Floats, float, float]]:
    """Place (3,), radius in dm and darkness of each mole of face and neck."""
    rng = np.random.default_rng(seed + 80)
    points = skin.points
    eye = marks.eyes["l"][0]
    free = (points[:, 1] < eye[1] + 0.75) & (points[:, 2] < eye[2] + 0.7)
    free &= (points[:, 2] > marks.chin[2] - 0.7) & (lid_rim(points, marks)[0] > 0.5)
    free &= np.linalg.norm(points - marks.mouth, axis=1) > 0.33
    free &= np.linalg.norm(points - marks.nose, axis=1) > 0.25
    places = points[free][rng.integers(0, int(free.sum()), style.moles)]
    return [(at, float(rng.uniform(0.004, 0.011)), float(rng.uniform(0.35, 0.85))) for at in places]
