"""One portrait photo becomes an avatar: the order of the steps, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from visavis.models import arkit
from visavis.models.avatar.file import Avatar, Card, Consent, check_name
from visavis.models.avatar.rig import CONTROLS, Body, Floats, Grid, Patch, nodes
from visavis.models.bake import (
    body as trunk,
)
from visavis.models.bake import (
    contour,
    eyeball,
    eyes,
    fit,
    glasses,
    hair,
    irises,
    layers,
    lidlines,
    lighting,
    mouth,
    occlusion,
    photo,
    relaxing,
    teeth,
)
from visavis.models.bake import landmarks as lm
from visavis.models.bake.head import Head, load_head
from visavis.models.bake.head import landmarks as at_landmarks
from visavis.models.pictures.credentials import credentials

Progress = Callable[[str, float], None]  # what is being done, share done in [0, 1]

BASE_PITCH: Final = 8.0  # px between nodes of the base
CAMERA_FAR: Final = 24.0  # interocular distances from the camera to the face: 1.5 m, as portraits
# are taken. From 1 m, a jaw that drops and swings back would seem to drop by 6 % less.
# From between the lids' corners to where the head turns, dm to the right, down and forward: the
# upper neck joints of MakeHuman's rig on rendered people.
NECK: Final = (0.0, 0.76, -0.98)
# Interocular distances that outlines lie deeper than the skin seen there: as a round cheek turns,
# its outline slides over it and moves less than the skin does.
# The jaw's edge is a sharper bend and moves more like its skin.
SLIDE: Final = 0.45
JAW_SLIDE: Final = 0.15
OUTLINE: Final = 0.19  # face heights inside the outline over which that begins
JAW_REACH: Final = 9.0  # px of skin around that tell how the jaw's outline moves
TOOL: Final = "visavis 7"  # changes with what the bake makes of the same photo
LID_UNITS: Final = tuple(unit + side for unit in eyes.TRAVEL for side in ("Left", "Right"))


def _quiet(_what: str, _share: float) -> None:
    """No progress wanted."""


def warm() -> None:
    """Have ready what is compiled on its first call."""
    layers.cover(np.zeros((3, 3), np.float32), np.zeros((1, 3), np.int32), (2, 2))


def create_avatar(
    source: Path | bytes,
    name: str,
    consent: Consent,
    licence: str = "all rights reserved",
    progress: Progress = _quiet,
    voice: str = "",
    frame: str = "auto",
) -> Avatar:
    """Photo file (path or content) -> avatar.

    voice: by name, that belongs to it; "": none does. frame: of framing.FRAMINGS.

    Raises PortraitError for a photo that cannot be used, AvatarError("consent-missing") without
    a complete consent record.
    """
    consent.check()
    check_name(name)
    progress("reading the photo", 0.0)
    data = source if isinstance(source, bytes) else photo.read(source)
    framed = irises.refined(lidlines.refined(photo.frame(data, frame)))
    progress("fitting the head", 0.3)
    head = load_head()
    fitted = fit.fit(head, framed.face)
    progress("baking the layers", 0.5)
    body = _body(head, framed.face, fitted)
    values = _channels(fitted, _skin(head), framed, body)
    hair.swing(values, _base_at(), framed, body.interocular)
    lips = mouth.shape(framed.face, framed.small(), photo.MARGIN)
    off = relaxing.amounts(fitted, lips)
    base = _finish(values, _base_nodes()[0], BASE_PITCH, framed, body, off)
    light = lighting.estimate(framed, _base_at(), values[..., -1], BASE_PITCH)
    progress("baking the mouth", 0.7)
    patches = {"mouth": _mouth(head, fitted, framed, body, values, light.direction, lips, off)}
    hidden = _hidden(framed)
    for key, side in (("eye_right", "Right"), ("eye_left", "Left")):
        progress("baking the eyes", 0.85)
        patches[key] = _eye(head, fitted, framed, body, values, side, off)
        if side in hidden:
            patches[key] = eyes.covered(patches[key], side)
    progress("done", 1.0)
    digest = hashlib.sha256(data).hexdigest()
    return Avatar(
        card=Card(name, licence, consent, digest, framed.warnings, TOOL, voice),
        side=photo.SIDE,
        margin=photo.MARGIN,
        photo=framed.photo,
        matte=np.round(framed.matte * 255).astype(np.uint8),
        plate=framed.plate,
        base=base,
        patches=patches,
        light=light,
        body=body,
        credentials=credentials(data),
    )


def _hidden(framed: photo.Framed) -> tuple[str, ...]:
    """Right, Left: eyes that something covers; as remarks says it of the photo as it came."""
    inside = slice(photo.MARGIN, -photo.MARGIN)
    picture, face = framed.small()[inside, inside], framed.face
    if occlusion.eyes_shut(picture, face) or occlusion.glare(picture, face):
        return ()
    return occlusion.hidden(picture, face)


def _body(head: Head, face: lm.Face, fitted: fit.FittedHead) -> Body:
    """Pivots: the head nods about the top of the neck, the body turns about its spine."""
    p = face.points
    iod = float(np.linalg.norm(face.eye_left.centre - face.eye_right.centre))
    lids = at_landmarks(head, fitted.vertices)[[*lm.EYE_RIGHT, *lm.EYE_LEFT]].mean(0)
    neck = (lids + fitted.scale * fitted.rotation @ NECK).astype(np.float32)
    # It was aimed at the middle of the picture, which is a head with its shoulders.
    camera = np.array([photo.SIDE / 2, photo.SIDE / 2, CAMERA_FAR * iod], np.float32)
    return Body(neck, trunk.pivot(p[lm.CHIN, :2], neck, iod), camera, iod)


def _skin(head: Head) -> layers.Ints:
    return np.ascontiguousarray(head.faces[head.region_faces["skin"]])


def _share(at: Floats, face: lm.Face, iod: float) -> Floats:
    """(h, w): 1 on the head, falling through the neck to 0 on the shoulders."""
    chin, brow = face.points[lm.CHIN, :2], face.points[lm.FOREHEAD, :2]
    tall = float(np.linalg.norm(chin - brow))
    down = (chin - brow) / tall
    below = (at - chin) @ down / tall
    beside = np.abs((at - chin) @ np.array([-down[1], down[0]])) / tall
    start = -0.02 - 0.10 * np.clip(beside - 0.25, 0, 1)
    return 1 - contour.eased((below - start) / 0.50)


def _zones(at: Floats, face: lm.Face) -> tuple[layers.Mask, layers.Mask, layers.Mask]:
    """Where the head's skin moves as the photo's does; the jaw's outline; the shoulders, which do
    not move.

    Between the last two lies the neck, which has to stretch and bunch as the chin comes down.
    """
    chin, brow = face.points[lm.CHIN, :2], face.points[lm.FOREHEAD, :2]
    tall = float(np.linalg.norm(chin - brow))
    down = (chin - brow) / tall
    oval = contour.signed_distance(at, np.ascontiguousarray(face.points[list(lm.OVAL), :2]))
    lobes = float(np.max((face.points[[132, 361], :2] - chin) @ down))
    along = (at - chin) @ down
    # Inside the jaw's outline by a little: the fitted head's own jaw is not exactly there.
    head = (oval < -0.04 * tall) | (along < lobes)
    return head, (oval < 0.03 * tall) & ~head, along > 0.42 * tall


def _soften_jaw(values: Floats, seen: layers.Mask, jaw: layers.Mask, pitch: float) -> None:
    """Let the jaw's outline move as the mean of what is seen of the head there, in place.

    Filled from the chin to the shoulders, it would lag by a fifth as the jaw drops; left as it is,
    the step from jaw to neck would lie elsewhere on a patch's fine nodes than on the base's.
    """
    if seen.any():
        values[jaw, :-1] = layers.spread(values[..., :-1], seen, JAW_REACH / pitch)[jaw]


def _outline(at: Floats, face: lm.Face) -> Floats:
    """(h, w): 0 on the face, rising to SLIDE at its outline beside the cheeks, and beyond."""
    points = face.points[:, :2]
    chin, brow = points[lm.CHIN], points[lm.FOREHEAD]
    tall = float(np.linalg.norm(chin - brow))
    outline = np.ascontiguousarray(points[list(lm.OVAL)])
    near = contour.eased(contour.signed_distance(at, outline) / (OUTLINE * tall) + 1)
    down = (chin - brow) / tall
    beside = np.abs((at - (chin + brow) / 2) @ np.array([-down[1], down[0]])) / tall
    side = np.clip((beside - 0.18) / 0.20, 0, 1)  # chin and hair line are no round outlines
    low = np.clip(((at - brow) @ down / tall - 0.6) / 0.2, 0, 1)
    return np.asarray(near * side * (SLIDE + (JAW_SLIDE - SLIDE) * low), np.float32)


def _channels(
    fitted: fit.FittedHead, faces: layers.Ints, framed: photo.Framed, body: Body
) -> Floats:
    """The base's channels: all shifts and the depth at each of its nodes."""
    corner, shape = _base_nodes()
    at = nodes(corner, BASE_PITCH, shape)
    values, index = layers.sample(fitted, faces, corner, BASE_PITCH, shape)
    floor = float(body.head_pivot[2]) - 0.5 * body.interocular
    depth = np.maximum(values[..., -1:], floor)
    head, jaw, shoulders = _zones(at, framed.face)
    body_only = shoulders & (index < 0)
    depth[body_only, 0] = trunk.depth(at, framed.face, body)[body_only]
    depth = layers.fill(depth, (index >= 0) | body_only, np.array([floor], np.float32))
    depth = depth - (body.interocular * _outline(at, framed.face))[..., None]
    values[..., -1:] = layers.soften(layers.gentle(depth[..., 0], BASE_PITCH)[..., None], 1.0)
    values[shoulders, :-1] = 0
    seen = (index >= 0) & (head | jaw)
    _soften_jaw(values, seen, jaw, BASE_PITCH)
    known = seen | jaw | shoulders
    values[..., :-1] = layers.fill(
        values[..., :-1], known, np.zeros(values.shape[-1] - 1, np.float32)
    )
    for unit in LID_UNITS:
        k = 3 * arkit.INDEX[unit]
        values[..., k : k + 3] = 0
    return _with_glasses(values, at, framed, BASE_PITCH)


def _with_glasses(
    values: Floats, at: Floats, framed: photo.Framed, pitch: float, opening: Floats | None = None
) -> Floats:
    """Glasses follow the head and not the skin under them: no unit moves what they run over."""
    values[..., :-1] *= 1 - glasses.held(at, framed.glasses, pitch, opening)[..., None]
    return values


def _base_nodes() -> tuple[tuple[float, float], tuple[int, int]]:
    side = photo.SIDE + 2 * photo.MARGIN
    count = int(np.ceil((side - 1) / BASE_PITCH)) + 1
    return (-float(photo.MARGIN), -float(photo.MARGIN)), (count, count)


def _base_at() -> Floats:
    corner, shape = _base_nodes()
    return nodes(corner, BASE_PITCH, shape)


def _near(
    fitted: fit.FittedHead,
    faces: layers.Ints,
    framed: photo.Framed,
    body: Body,
    base: Floats,
    corner: tuple[float, float],
    pitch: float,
    shape: tuple[int, int],
) -> tuple[Floats, layers.Ints]:
    """Channels of a patch's nodes, finer than the base's where the head says more.

    At the patch's border and where the head is silent they go over into the base's.
    """
    at = nodes(corner, pitch, shape)
    values, index = layers.sample(fitted, faces, corner, pitch, shape)
    head, jaw, _ = _zones(at, framed.face)
    seen = (index >= 0) & (head | jaw)
    _soften_jaw(values, seen, jaw, pitch)
    known = seen | jaw
    values[..., -1] -= body.interocular * _outline(at, framed.face)
    rim = np.zeros_like(known)
    rim[[0, -1]] = rim[:, [0, -1]] = True
    values[rim] = layers.read_grid(base, _base_nodes()[0], BASE_PITCH, at)[rim]
    filled = layers.fill(values, known | rim)
    # Beside a jaw that is turned away the head has movement to give, and no depth.
    filled[..., -1:] = layers.fill(values[..., -1:], seen | rim)
    return filled, index


def _finish(
    values: Floats,
    corner: tuple[float, float],
    pitch: float,
    framed: photo.Framed,
    body: Body,
    off: Floats,
) -> Grid:
    """Breath and the head's share, then a Grid. off (52,): what comes off the photo's face."""
    at = nodes(corner, pitch, (values.shape[0], values.shape[1]))
    values[..., -1] = layers.gentle(values[..., -1], pitch)
    trunk.breath(values, at, framed.face, body)
    share = _share(at, framed.face, body.interocular)
    grid = layers.grid(values, share, corner, pitch, body.camera)
    grid.rest[...] += relaxing.shift(values, off)
    return grid


def _mouth(
    head: Head,
    fitted: fit.FittedHead,
    framed: photo.Framed,
    body: Body,
    base: Floats,
    light: Floats,
    shape: mouth.MouthShape,
    off: Floats,
) -> Patch:
    corner, count = mouth.box(shape)
    at = nodes(corner, mouth.PITCH, count)
    faces = _skin(head)
    values, index = _near(fitted, faces, framed, body, base, corner, mouth.PITCH, count)
    for unit in LID_UNITS:
        values[..., 3 * arkit.INDEX[unit] : 3 * arkit.INDEX[unit] + 3] = 0
    inner = head.region_faces["inner_mouth"][head.region_faces["skin"]]
    above, below = (other | inner for other in mouth.lip_triangles(head, faces))
    grids = []
    sheets = [
        mouth.sheet(shape, values, index, other, at, upper)
        for upper, other in ((True, below), (False, above))
    ]
    depth = mouth.common_depth(shape, sheets[0][..., -1], sheets[1][..., -1], at)
    rest = relaxing.lips(shape, sheets[0], sheets[1], corner, off)
    for upper, own in zip((True, False), sheets, strict=True):
        own[..., -1] = depth
        grid = _finish(own, corner, mouth.PITCH, framed, body, off)
        grid.rest[..., :2] += mouth.closing(shape, at, upper, rest.gap)
        grids.append(grid)
    size = (int((count[0] - 1) * mouth.PITCH) + 1, int((count[1] - 1) * mouth.PITCH) + 1)
    relaxed = relaxing.head(fitted, off)
    sprites, back = teeth.sprites(
        head, relaxed, rest.mouth, framed, body.camera, body.interocular, light
    )
    edges = mouth.edges(shape, corner, size)
    reach = shape.width * 0.07
    shade = (0.16, reach, 0.06, reach * 0.7)
    red, green, blue = (int(v) for v in mouth.rim(shape, framed.small(), photo.MARGIN))
    wet = (red, green, blue, mouth.WET * shape.width)
    return Patch(grids[0], grids[1], edges, sprites, back, shade, wet)


def _eye(
    head: Head,
    fitted: fit.FittedHead,
    framed: photo.Framed,
    body: Body,
    base: Floats,
    side: str,
    off: Floats,
) -> Patch:
    eye = eyes.shape(framed.face, side)
    corner, count = eyes.box(eye)
    at = nodes(corner, eyes.PITCH, count)
    values, _ = _near(fitted, _skin(head), framed, body, base, corner, eyes.PITCH, count)
    for unit in LID_UNITS:
        values[..., 3 * arkit.INDEX[unit] : 3 * arkit.INDEX[unit] + 3] = 0
    grids = []
    for sheet in ("upper", "lower"):
        filled = eyes.sheets(eye, values, at, sheet)
        filled = _with_glasses(filled, at, framed, eyes.PITCH, eye.opening)
        grids.append(_finish(filled, corner, eyes.PITCH, framed, body, off))
    size = (int((count[0] - 1) * eyes.PITCH) + 1, int((count[1] - 1) * eyes.PITCH) + 1)
    depth = float(np.median(grids[0].rest[..., 2]))
    seen = eyeball.region(eye, framed)
    shade = eyeball.shade(eye, seen)
    sprites = eyeball.sprites(eye, seen, depth, body.camera, shade)
    edges = eyes.edges(eye, corner, size)
    return Patch(grids[0], grids[1], edges, sprites, (120, 100, 95), shade, shaded=False)


assert CONTROLS[: arkit.COUNT] == arkit.NAMES
