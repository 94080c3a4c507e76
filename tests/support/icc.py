"""ICC profiles by hand (ICC.1:2010): a working space by its primaries, and a printer's."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))  # Adobe RGB (1998), 2.1: chromaticities
_D50 = (0.9642, 1.0, 0.8249)


def matrix(
    primaries: Sequence[Sequence[float]] = ADOBE, gamma: float = 563 / 256, name: str = "Wide"
) -> bytes:
    """Of an RGB space whose white is D50's already, as no eye can tell in a test."""
    columns = _columns(primaries)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = {b"rXYZ": _xyz(columns[0]), b"gXYZ": _xyz(columns[1]), b"bXYZ": _xyz(columns[2])}
    tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve, b"wtpt": _xyz(_D50)}
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags, name)


def printer(name: str = "Press") -> bytes:
    """Of a CMYK press without white: full ink of all four is black, and red ink is green's colour.

    A table of two points an axis; nobody prints so, and nothing that ignores it looks so.
    """
    points = []
    for at in range(16):
        c, m, y, k = (at >> bit & 1 for bit in (3, 2, 1, 0))
        light = 255 if k == 0 and c + m + y == 0 else 160 if k == 0 else 0
        points.append((light, 128 + 60 * (m - c) * (1 - k), 128))
    identity = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0))
    lut += struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut += identity * 4 + b"".join(bytes(point) for point in points) + identity * 3
    tags = {b"A2B0": lut, b"A2B1": lut, b"wtpt": _xyz(_D50)}
    return _profile(b"prtr", b"CMYK", b"Lab ", tags, name)


def _columns(primaries: Sequence[Sequence[float]]) -> list[list[float]]:
    """XYZ of each primary at full, so that together they are white."""
    import numpy as np

    raw = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
    columns: list[list[float]] = (raw * np.linalg.solve(raw, np.array(_D50))).T.tolist()
    return columns


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))


def _profile(
    kind: bytes, space: bytes, connection: bytes, tags: Mapping[bytes, bytes], name: str
) -> bytes:
    text = name.encode() + b"\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + b"\0" * 79
    tags = {b"desc": described, b"cprt": b"text\0\0\0\0none\0", **tags}
    at, table, bodies = 128 + 4 + 12 * len(tags), b"", b""
    for tag, body in tags.items():
        padded = body + b"\0" * (-len(body) % 4)
        table += tag + struct.pack(">II", at, len(body))
        bodies, at = bodies + padded, at + len(padded)
    head = struct.pack(">I4sI4s4s4s", at, b"\0" * 4, 0x02400000, kind, space, connection)
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    head += struct.pack(">3i", *(round(v * 65536) for v in _D50))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + bodies
