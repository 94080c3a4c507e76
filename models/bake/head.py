"""The free 3D head: vertices, 52 ARKit face units, identity modes, the 468 landmarks on its skin.

It is geometry only: no photo, no camera, no picture. The asset is `data/head.npz`, made by
`tools/head` and described in `data/README.md`.

Space: decimetres, the origin midway between the eyeballs' centres; x towards the subject's own
left (the picture's right in a frontal photo), y up, z towards the viewer.
"""

from __future__ import annotations

import functools
import zipfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from visavis.models import arkit
from visavis.models.errors import ModelError

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

VERSION: Final = 1
LANDMARKS: Final = 468
INVALID: Final = "head-invalid"


@dataclass(frozen=True, slots=True)
class Head:
    """n vertices, m triangles, k identity modes. Every array is read-only.

    A coefficient of 1 is a unit's full strength, or one standard deviation of an identity mode.
    `regions` are masks over vertices (n,); `region_faces` are (m,), a triangle all of whose
    corners lie in the region. `loops` are vertex indices in order round an opening. Eyes: row 0 is
    the subject's left, at +x.
    """

    vertices: Floats  # (n, 3)
    faces: Ints  # (m, 3), anticlockwise from outside
    units: Floats  # (52, n, 3), in the order of arkit.NAMES
    identity: Floats  # (k, n, 3)
    identity_names: tuple[str, ...]
    landmark_faces: Ints  # (468,)
    landmark_weights: Floats  # (468, 3), of the face's corners
    regions: dict[str, Mask]
    region_faces: dict[str, Mask]
    loops: dict[str, Ints]
    tints: dict[str, Floats]  # (n,) in [0, 1]: soft masks to colour by
    eye_centres: Floats  # (2, 3)


@functools.cache
def load_head() -> Head:
    """The product's head. Raises ModelError (code head-invalid)."""
    with resources.as_file(resources.files("visavis.models") / "data" / "head.npz") as path:
        return read_head(path)


def read_head(path: Path) -> Head:
    """Raises ModelError (code head-invalid) where the file is missing, damaged or another."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as asset:
            arrays = {name: asset[name] for name in asset.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        msg = f"{path.name} cannot be read: reinstall visavis ({error})"
        raise ModelError(INVALID, msg) from error
    try:
        return _frozen(_unpack(arrays))
    except (KeyError, IndexError, ValueError, TypeError) as error:
        msg = f"{path.name} is not a head of version {VERSION}: reinstall visavis ({error})"
        raise ModelError(INVALID, msg) from error


def landmarks(head: Head, vertices: Floats) -> Floats:
    """Deformed vertices (n, 3) -> the 468 landmarks (468, 3)."""
    corners = vertices[head.faces[head.landmark_faces]]
    return np.asarray(np.einsum("lc,lck->lk", head.landmark_weights, corners), np.float32)


def _unpack(a: dict[str, npt.NDArray[Any]]) -> Head:
    if int(a["version"]) != VERSION:
        msg = f"version {int(a['version'])}"
        raise ValueError(msg)
    vertices = a["vertices"].astype(np.float32)
    faces = a["faces"].astype(np.int32)
    regions = {
        str(name): np.unpackbits(bits, count=len(vertices)).astype(bool)
        for name, bits in zip(a["region_names"], a["region_bits"], strict=True)
    }
    tints = a["tints"].astype(np.float32) / 255
    return Head(
        vertices=vertices,
        faces=faces,
        units=_units(a, vertices),
        identity=_identity(a, vertices),
        identity_names=tuple(str(name) for name in a["identity_names"]),
        landmark_faces=a["landmark_faces"].astype(np.int32),
        landmark_weights=a["landmark_weights"].astype(np.float32),
        regions=regions,
        region_faces={name: np.all(mask[faces], axis=1) for name, mask in regions.items()},
        loops=_split(a["loop_names"], a["loop_counts"], a["loops"]),
        tints=dict(zip(map(str, a["tint_names"]), tints, strict=True)),
        eye_centres=a["eye_centres"].astype(np.float32),
    )


def _units(a: dict[str, npt.NDArray[Any]], vertices: Floats) -> Floats:
    """Sparse offsets of the first vertices, affine maps of the parts after them."""
    units = np.zeros((arkit.COUNT, len(vertices), 3), np.float32)
    ends = np.cumsum(a["unit_counts"])
    for unit, start, end in zip(units, ends - a["unit_counts"], ends, strict=True):
        unit[a["unit_index"][start:end]] = a["unit_offsets"][start:end] * a["unit_step"]
    _carry(units, a, "unit_maps", vertices)
    return units


def _identity(a: dict[str, npt.NDArray[Any]], vertices: Floats) -> Floats:
    offsets = a["identity_offsets"].astype(np.float32) * a["identity_step"].astype(np.float32)
    identity = np.zeros((len(offsets), len(vertices), 3), np.float32)
    identity[:, : offsets.shape[1]] = offsets
    _carry(identity, a, "identity_maps", vertices)
    return identity


def _carry(fields: Floats, a: dict[str, npt.NDArray[Any]], maps: str, vertices: Floats) -> None:
    """Move each carried part by its affine map (4, 3) of every field."""
    for (start, end), part in zip(a["carried"], a[maps], strict=True):
        at = np.hstack([vertices[start:end], np.ones((end - start, 1), np.float32)])
        fields[:, start:end] = np.einsum("vx,fxk->fvk", at, part.astype(np.float32))


def _split(
    names: npt.NDArray[Any], counts: npt.NDArray[Any], values: npt.NDArray[Any]
) -> dict[str, Ints]:
    pieces = np.split(values.astype(np.int32), np.cumsum(counts)[:-1])
    return {str(name): piece for name, piece in zip(names, pieces, strict=True)}


def _frozen(head: Head) -> Head:
    """Check that the arrays fit each other; make them read-only, since everybody shares them."""
    count = len(head.vertices)
    fits = (
        head.vertices.shape == (count, 3)
        and 0 <= head.faces.min() <= head.faces.max() < count
        and head.units.shape == (arkit.COUNT, count, 3)
        and head.identity.shape == (len(head.identity_names), count, 3)
        and head.landmark_faces.shape == (LANDMARKS,)
        and 0 <= head.landmark_faces.min() <= head.landmark_faces.max() < len(head.faces)
        and head.landmark_weights.shape == (LANDMARKS, 3)
        and head.eye_centres.shape == (2, 3)
        and all(np.isfinite(x).all() for x in (head.vertices, head.units, head.identity))
    )
    if not fits:
        msg = "its arrays do not fit each other"
        raise ValueError(msg)
    shared = (head.regions, head.region_faces, head.loops, head.tints)
    arrays = [array for group in shared for array in group.values()]
    arrays += [head.vertices, head.faces, head.units, head.identity]
    for array in (*arrays, head.landmark_faces, head.landmark_weights, head.eye_centres):
        array.flags.writeable = False
    return head
