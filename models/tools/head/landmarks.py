"""Find the 468 landmarks on the head's skin by letting the landmark model look at renders of it.
A tool for `build.py`.

Renders show several people from three sides with closed and parted lips, painted so that the model
takes them for faces; each landmark is cast back on the mesh, and the casts are averaged in the
neutral head's space, mirrored and averaged again, and put on the nearest skin.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]

from models.tools.head.draft import Draft
from models.tools.head.draw import (
    Camera,
    Coverage,
    Light,
    Picture,
    rasterize,
    shade,
    vertex_normals,
)
from models.tools.head.source import Doubles, Ints, triangles
from visavis.models import arkit

COUNT: Final = 468
SIZE: Final = 640  # px of a render; the model looks at 192 px of the face
YAWS: Final = (-30, -12, 0, 12, 30)  # symmetric: a view's mirror image is the view of -yaw
PEOPLE: Final = 4  # random identities besides the mean
PARTED: Final = 0.16  # of jawOpen: enough to tell the lips apart
# Where the mesh knows better than the model: inner lip line and lid edges, from the corner at the
# subject's right (smaller x) to the other. MediaPipe's face mesh topology.
LIPS_UPPER: Final = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LIPS_LOWER: Final = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
LIDS: Final = {
    "right": (
        (33, 246, 161, 160, 159, 158, 157, 173, 133),
        (33, 7, 163, 144, 145, 153, 154, 155, 133),
    ),
    "left": (
        (362, 398, 384, 385, 386, 387, 388, 466, 263),
        (362, 382, 381, 380, 374, 373, 390, 249, 263),
    ),
}


@dataclass(frozen=True, slots=True)
class Eyes:
    """The two face models."""

    detector: onnxruntime.InferenceSession
    mesh: onnxruntime.InferenceSession


def find_landmarks(head: Draft, data: Path, seen: list[Picture]) -> tuple[Ints, Doubles]:
    """(468,) triangle of the skin and (468, 3) weights of its corners; renders go into `seen`."""
    eyes = Eyes(*(_session(data / f"{name}.onnx") for name in ("face_detector", "face_landmarks")))
    faces = triangles(head.quads)
    looks = [_look(head, faces, eyes, shot, seen) for shot in _shots(head)]
    trust = np.array([look.trust for look in looks])[..., None]
    mean = (np.array([look.places for look in looks]) * trust).sum(0) / trust.sum(0)
    mean = _symmetric(mean, _twins(np.array([look.pixels for look in looks])))
    visible = np.any([look.visible for look in looks], 0)
    outer = np.flatnonzero(visible & (head.parts[faces] == "skin").all(1))
    mean = _on_edges(head, mean)
    index, corners = _closest(head.vertices, faces[outer], mean)
    return outer[index], corners


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])


@dataclass(frozen=True, slots=True)
class Shot:
    """One render: an identity's offsets (n, 3), the view, how far the jaw is open."""

    offsets: Doubles
    yaw: int
    jaw: float


@dataclass(frozen=True, slots=True)
class Look:
    """What one render told: pixels (468, 2), places on the neutral head (468, 3), how much they
    face the camera (468,), and which triangles are in view (m,)."""

    pixels: Doubles
    places: Doubles
    trust: Doubles
    visible: npt.NDArray[np.bool_]


def _shots(head: Draft) -> list[Shot]:
    """By person and jaw, the yaws innermost; people are symmetric, so that the mean has no side."""
    rng = np.random.default_rng(468)
    even = [k for k, name in enumerate(head.names) if not name.startswith("asym")]
    people = [np.zeros(len(even)), *rng.normal(0, 0.8, (PEOPLE, len(even)))]
    offsets = [np.tensordot(person, head.modes[even], 1) for person in people]
    return [Shot(o, yaw, jaw) for o in offsets for jaw in (0.0, PARTED) for yaw in YAWS]


def _look(head: Draft, faces: Ints, eyes: Eyes, shot: Shot, seen: list[Picture]) -> Look:
    camera = Camera(SIZE, SIZE, (0, -0.3, 0), view=3.2, yaw=shot.yaw)
    jaw = shot.jaw * head.units[arkit.INDEX["jawOpen"]]
    shown = (head.vertices + shot.offsets + jaw).astype(np.float32)
    points = camera.project(shown)
    lashes = np.char.startswith(head.parts[faces[:, 0]], "lashes")
    drawn = np.where(lashes[:, None], 0, faces).astype(np.int32)  # cards of alpha, not of skin
    cover = rasterize(points, drawn, SIZE, SIZE)
    normals = vertex_normals(shown, drawn) @ camera.rotation().T
    picture = _picture(head, cover, drawn, normals)
    found = landmarks(eyes, picture)
    if len(seen) < 2 * len(YAWS):
        seen.append(_marked(picture, found))
    index, corners = _cast(cover, drawn, head.parts, found)
    place = np.einsum("lc,lck->lk", corners, head.vertices[faces[index]])
    facing = np.einsum("lc,lc->l", corners, normals[faces[index]][:, :, 2])
    visible = np.zeros(len(faces), bool)
    visible[np.unique(cover.face[cover.face >= 0])] = True
    return Look(found, place, np.clip(facing, 0.02, 1) ** 2, visible)


def _cast(
    cover: Coverage, faces: npt.NDArray[np.int32], parts: npt.NDArray[np.str_], pixels: Doubles
) -> tuple[Ints, Doubles]:
    """Pixels (l, 2) -> the skin triangle in view there, or nearest to it, and corner weights."""
    skin = np.zeros(len(faces) + 1, bool)
    skin[:-1] = (parts[faces] == "skin").all(1)
    is_skin = skin[cover.face]
    _, label = cv2.distanceTransformWithLabels(
        (~is_skin).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(is_skin)
    where = np.zeros(label.max() + 1, np.int64)
    where[label[rows, columns]] = np.arange(len(rows))
    at = np.clip(pixels.astype(int), 0, cover.face.shape[0] - 1)
    nearest = where[label[at[:, 1], at[:, 0]]]
    index = cover.face[rows[nearest], columns[nearest]].astype(np.int64)
    return index, cover.weights[rows[nearest], columns[nearest]].astype(float)


def _picture(
    head: Draft, cover: Coverage, faces: npt.NDArray[np.int32], normals: npt.NDArray[np.float32]
) -> Picture:
    """Paint and light what the camera sees."""
    place = cover.interpolate(faces, head.vertices.astype(np.float32))
    masks = np.stack([head.masks[n] for n in ("lips", "eyelids", "inside-mouth")], 1)
    tint = cover.interpolate(faces, masks.astype(np.float32))
    part = np.append(head.parts[faces[:, 0]], "")[cover.face]
    albedo = _skin_paint(place, tint)
    for name in ("teeth_upper", "teeth_lower"):
        albedo[part == name] = (0.55, 0.52, 0.47)
    albedo[part == "tongue"] = (0.40, 0.13, 0.13)
    for side in ("left", "right"):
        ball = head.vertices[head.parts == f"eye_{side}"]
        own = part == f"eye_{side}"
        albedo[own] = _eye_paint(place[own] - ball.mean(0), float(np.ptp(ball[:, 0]) / 2))
    normal = cover.interpolate(faces, normals)
    lit = shade(albedo.astype(np.float32), normal, Light((0.25, 0.5, 0.83)))
    lit[cover.face < 0] = (0.45, 0.47, 0.5)
    return (np.clip(lit, 0, 1) * 255).astype(np.uint8)


def _skin_paint(place: npt.NDArray[np.float32], tint: npt.NDArray[np.float32]) -> Doubles:
    """Colours by place on the neutral head: skin, flush, lips, lids, brows, lash line, hair."""
    x, y, z = np.abs(place[..., 0]), place[..., 1], place[..., 2]
    colour = np.broadcast_to(np.array([0.80, 0.60, 0.50]), place.shape).copy()

    def mix(share: npt.NDArray[np.floating[Any]], paint: tuple[float, float, float]) -> None:
        share = np.clip(share, 0, 1)[..., None]
        colour[:] = colour * (1 - share) + np.array(paint) * share

    mix(0.5 * np.exp(-(((x - 0.42) / 0.2) ** 2) - ((y + 0.42) / 0.16) ** 2), (0.82, 0.45, 0.40))
    mix(0.5 * tint[..., 1], (0.55, 0.36, 0.30))
    mix(0.85 * tint[..., 0], (0.66, 0.28, 0.27))
    mix(tint[..., 2], (0.25, 0.05, 0.05))
    along = np.clip((x - 0.12) / 0.42, 0, 1)
    brow = 0.17 + 0.10 * np.sin(along * 2.3) - 0.05 * along
    body = np.exp(-(((y - brow) / (0.038 - 0.022 * along)) ** 4)) * (x > 0.12) * (x < 0.54)
    mix(0.8 * body * (z > -0.3), (0.16, 0.10, 0.07))
    back = np.clip(-z - 0.15, 0, 1.2)
    mix((y - 0.86 + 0.95 * back - 0.35 * x) / 0.06 * (y > -0.9), (0.12, 0.08, 0.06))
    return colour


def _eye_paint(offset: npt.NDArray[np.float32], radius: float) -> Doubles:
    """White, iris and pupil by the distance from the line of sight."""
    off = np.hypot(offset[:, 0], offset[:, 1]) / radius
    colour = np.full((len(off), 3), 0.82)
    colour[off < 0.49] = (0.28, 0.18, 0.10)
    colour[off < 0.21] = 0.03
    return colour


def landmarks(eyes: Eyes, picture: Picture) -> Doubles:
    """The one face of an RGB picture -> (468, 2) px."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA)
    image = (small.astype(np.float32) / 127.5 - 1)[None]
    boxes, logits = eyes.detector.run(["boxes", "logits"], {"image": image})
    best = int(logits[0].argmax())
    if logits[0, best] < 0:
        msg = "the detector sees no face in a render"
        raise ValueError(msg)
    box = boxes[0, best] / 128
    centre = (box[:2] + _anchor(best)) * [width, height]
    points = _mesh(eyes, picture, centre, 1.5 * float(max(box[2:4] * [width, height])))
    for _ in range(2):
        low, high = points.min(0), points.max(0)
        points = _mesh(eyes, picture, (low + high) / 2, 1.5 * float((high - low).max()))
    return points


def _anchor(row: int) -> Doubles:
    if row < 512:
        return np.array([row // 2 % 16 + 0.5, row // 32 + 0.5]) / 16
    return np.array([(row - 512) // 6 % 8 + 0.5, (row - 512) // 48 + 0.5]) / 8


def _mesh(eyes: Eyes, picture: Picture, centre: Doubles, side: float) -> Doubles:
    """The heads are upright, so the region is not turned."""
    scale = side / 192
    matrix = np.array([[scale, 0, centre[0] - side / 2], [0, scale, centre[1] - side / 2]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(picture, matrix, (192, 192), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    image = (crop.astype(np.float32) / 255)[None]
    (points,) = eyes.mesh.run(["points"], {"image": image})
    found: Doubles = points[0, :, :2] * scale + centre - side / 2
    return found


def _twins(pixels: Doubles) -> Ints:
    """(shots, 468, 2) -> (468,): each landmark's mirror image, by where it is in all views."""
    flipped = pixels.reshape(-1, len(YAWS), COUNT, 2)[:, ::-1] * [-1, 1] + [SIZE, 0]
    own = pixels.transpose(1, 0, 2).reshape(COUNT, -1)
    other = flipped.reshape(-1, COUNT, 2).transpose(1, 0, 2).reshape(COUNT, -1)
    away = np.linalg.norm(own[:, None] - other[None], axis=2)
    away += away.T
    twins = np.full(COUNT, -1)
    # The surest pairs first: near the corners of the eyes several landmarks nearly coincide.
    for pair in np.argsort(away, axis=None, kind="stable"):
        i, j = divmod(int(pair), COUNT)
        if twins[i] < 0 and twins[j] < 0:
            twins[i], twins[j] = j, i
    return twins


def _symmetric(points: Doubles, twins: Ints) -> Doubles:
    return (points + points[twins] * [-1, 1, 1]) / 2


def _on_edges(head: Draft, points: Doubles) -> Doubles:
    """Put lip line and lid landmarks on the mesh's own edges, at the x where the model has them."""
    moved = points.copy()
    _along(moved, LIPS_UPPER, LIPS_LOWER, head.vertices[head.loops["lips"]])
    for side, (upper, lower) in LIDS.items():
        loop = head.loops[f"lid_rim_{side}"]
        _along(moved, upper, lower, head.vertices[loop])
    return moved


def _along(points: Doubles, upper: tuple[int, ...], lower: tuple[int, ...], ring: Doubles) -> None:
    """`ring` runs from the corner of least x along its upper edge and back along the lower."""
    if ring[0, 0] > ring[len(ring) // 2, 0]:  # a mirrored loop starts at its other corner
        ring = np.roll(ring[::-1], 1, axis=0)
    first, last = int(ring[:, 0].argmin()), int(ring[:, 0].argmax())
    ring, last = np.roll(ring, -first, axis=0), (last - first) % len(ring)
    edges = (ring[: last + 1], np.vstack([ring[last:], ring[:1]])[::-1])
    for names, edge in zip((upper, lower), edges, strict=True):
        x = points[list(names), 0]
        x = edge[0, 0] + (x - x[0]) / (x[-1] - x[0]) * (edge[-1, 0] - edge[0, 0])
        step = np.arange(len(edge))
        at = np.interp(x, np.maximum.accumulate(edge[:, 0]), step)
        for axis in range(3):
            points[list(names), axis] = np.interp(at, step, edge[:, axis])


def _closest(vertices: Doubles, faces: Ints, points: Doubles) -> tuple[Ints, Doubles]:
    """Points (l, 3) -> the nearest triangle (l,) and its corners' weights (l, 3)."""
    corners = vertices[faces]
    index, weights = np.empty(len(points), np.int64), np.empty((len(points), 3))
    for k, point in enumerate(points):
        near = np.argsort(np.linalg.norm(corners.mean(1) - point, axis=1))[:40]
        options = [_nearest_weights(corners[n], point) for n in near]
        away = [
            float(np.linalg.norm(w @ corners[n] - point))
            for n, w in zip(near, options, strict=True)
        ]
        best = int(np.argmin(away))
        index[k], weights[k] = near[best], options[best]
    return index, weights


def _nearest_weights(triangle: Doubles, point: Doubles) -> Doubles:
    a, b, c = triangle
    inner, *_ = np.linalg.lstsq(np.stack([b - a, c - a], 1), point - a, rcond=None)
    candidates = []
    if inner.min() >= 0 and inner.sum() <= 1:
        candidates.append(np.array([1 - inner.sum(), *inner]))
    for i, j in ((0, 1), (1, 2), (2, 0)):
        edge = triangle[j] - triangle[i]
        share = np.clip((point - triangle[i]) @ edge / max(edge @ edge, 1e-12), 0, 1)
        weights = np.zeros(3)
        weights[i], weights[j] = 1 - share, share
        candidates.append(weights)
    return min(candidates, key=lambda w: float(np.linalg.norm(w @ triangle - point)))


def _marked(picture: Picture, points: Doubles) -> Picture:
    large = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    for x, y in np.round(points * 2).astype(int).tolist():
        cv2.circle(large, (x, y), 2, (0, 255, 0), -1)
    return np.asarray(large, np.uint8)
