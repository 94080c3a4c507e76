"""Profiles (ICC.1:2001-04) for pictures that carry none and yet are not sRGB.

Two kinds there are: a camera's Adobe RGB that only EXIF tells of, and ink without a word, which is
most often meant for a press on coated paper.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

_D50: Final = (0.9642, 1.0, 0.8249)
# Adobe RGB (1998), annex C: its colorants adapted to D50, and its exponent.
_ADOBE: Final = {
    b"rXYZ": (0.60974, 0.31111, 0.01947),
    b"gXYZ": (0.20528, 0.62567, 0.06087),
    b"bXYZ": (0.14919, 0.06322, 0.74457),
}
_EXPONENT: Final = 563 / 256
# Lab of solids on gloss coated paper, ISO 12647-2:2004, table 2 and 3 (paper types 1 and 2).
_SOLIDS: Final = {
    "": (95, 0, -2), "c": (55, -37, -50), "m": (48, 74, -3), "y": (89, -5, 93),
    "my": (47, 68, 48), "cy": (50, -65, 27), "cm": (24, 22, -46), "cmy": (23, 0, 0),
    "k": (16, 0, 0),
}  # fmt: skip
# What a printed dot grows by at 50 %, of the same standard (figure 2, curves A and B).
_GAIN: Final = {"c": 0.13, "m": 0.13, "y": 0.13, "k": 0.16}
_GRID: Final = 9  # points of the table along each ink


@cache
def adobe_rgb() -> bytes:
    """Adobe RGB (1998)."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(_EXPONENT * 256)) + b"\0\0"
    tags = {tag: _xyz(values) for tag, values in _ADOBE.items()}
    tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


@cache
def coated_paper() -> bytes:
    """CMYK on a sheet press, by Neugebauer's equations over the standard's solids.

    (Yule, Principles of Color Reproduction, 1967, chapter 10.) Relative to the paper's white.
    """
    share = np.linspace(0, 1, 256)
    inputs = b"".join(_bytes(255 * (share + 4 * g * share * (1 - share))) for g in _GAIN.values())
    axis = np.linspace(0, 1, _GRID)
    inks = np.stack(np.meshgrid(axis, axis, axis, axis, indexing="ij"), -1).reshape(-1, 4)
    lab = _lab(_printed(inks) / _xyz_of(_SOLIDS[""]))
    table = _bytes(np.stack([lab[:, 0] * 2.55, lab[:, 1] + 128, lab[:, 2] + 128], -1))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, _GRID, 0))
    lut += struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut += inputs + table + bytes(range(256)) * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut, b"A2B1": lut})


def _printed(inks: Doubles) -> Doubles:
    """Covered shares (n, 4) of cyan, magenta, yellow, black -> XYZ (n, 3)."""
    out = np.zeros((len(inks), 3))
    for printed in itertools.product((False, True), repeat=4):
        shares = np.where(printed, inks, 1 - inks).prod(1)
        out += shares[:, None] * _solid(*printed)
    return out


def _solid(*printed: bool) -> Doubles:
    """XYZ of inks one over another. Black over a colour lets as much through as over paper."""
    name = "".join(ink for ink, there in zip("cmy", printed[:3], strict=True) if there)
    colour = _xyz_of(_SOLIDS[name])
    return colour * _xyz_of(_SOLIDS["k"]) / _xyz_of(_SOLIDS[""]) if printed[3] else colour


def _xyz_of(lab: tuple[int, int, int]) -> Doubles:
    """CIE Lab (D50) -> XYZ, Y of white 1."""
    light = (lab[0] + 16) / 116
    roots = np.array([light + lab[1] / 500, light, light - lab[2] / 200])
    return np.where(roots > 6 / 29, roots**3, (roots - 4 / 29) * 3 * (6 / 29) ** 2) * _D50


def _lab(relative: Doubles) -> Doubles:
    """XYZ over white's (n, 3) -> CIE Lab."""
    low = relative / (3 * (6 / 29) ** 2) + 4 / 29
    roots = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), low)
    x, y, z = roots.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def _bytes(values: Doubles) -> bytes:
    return np.clip(np.round(values), 0, 255).astype(np.uint8).tobytes()


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _profile(kind: bytes, space: bytes, connection: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    name = b"visavis\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + b"\0" * 79
    rest = {b"desc": described, b"cprt": b"text\0\0\0\0none\0", b"wtpt": _xyz(_D50)}
    every = {**rest, **tags}
    at, table, bodies = 128 + 4 + 12 * len(every), b"", b""
    for tag, body in every.items():
        table += tag + struct.pack(">II", at, len(body))
        bodies += body + b"\0" * (-len(body) % 4)
        at += len(body) + -len(body) % 4
    head = struct.pack(">I4sI4s4s4s", at, b"\0" * 4, 0x02400000, kind, space, connection)
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    head += b"".join(struct.pack(">i", round(value * 65536)) for value in _D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(every)) + table + bodies
