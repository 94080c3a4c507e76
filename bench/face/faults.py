"""What must not be seen: holes, tears, flicker, teeth between closed lips, softness. And the cost.

Coverage is checked by colour: what must never show is made magenta, and magenta is looked for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from bench.face.tracking import command
from bench.face.truth import random_state, state
from visavis.engines.base import I420, FaceState
from visavis.engines.render.posing import controls, view
from visavis.engines.render.warp import draw, positions
from visavis.models import arkit
from visavis.models.avatar.file import Avatar
from visavis.models.avatar.rig import PATCHES
from visavis.models.bake import landmarks as lm
from visavis.models.quality.subject import SIDE, as_rgb, emptied
from visavis.models.warp import kernel
from visavis.models.warp.scene import Scene, build

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

MAGENTA: Final = (255, 0, 255)
RANGE: Final = (15.0, 10.0, 10.0)  # degrees of yaw, pitch and roll
RIM: Final = 3  # photo px at the very edge, read only where the photo has ended
CLEAR: Final = 10.0  # px that the checked part of a face keeps from background and loose hair
TORN: Final = 1.5  # px by which a position may miss what is drawn there
MOUTHY: Final = ("jaw", "mouth", "cheek", "tongue")


def any_state(rng: np.random.Generator) -> FaceState:
    """At full range: all coefficients at random, or a few, or as in speech."""
    kind = rng.integers(3)
    if kind == 2:
        face = state(random_state(rng)).coefficients
    else:
        face = rng.uniform(0, 1, arkit.COUNT).astype(np.float32)
        if kind == 1:
            face *= rng.uniform(0, 1, arkit.COUNT) < 0.15
    pose = np.zeros(6, np.float32)
    pose[:3] = rng.uniform(-1, 1, 3) * RANGE
    gaze = rng.uniform(-1, 1, 2) * (25, 15)
    return FaceState(face, pose, gaze.astype(np.float32), float(rng.uniform(0, 1)))


def marked(avatar: Avatar) -> Avatar:
    """All that must stay covered in magenta: background, behind the eyeballs, past the photo."""
    patches = {
        name: patch if name == "mouth" else replace(patch, back=MAGENTA)
        for name, patch in avatar.patches.items()
    }
    plate = np.full_like(avatar.plate, 0) + np.array(MAGENTA, np.uint8)
    photo = avatar.photo.copy()
    for edge in (photo[:RIM], photo[-RIM:], photo[:, :RIM], photo[:, -RIM:]):
        edge[:] = MAGENTA
    return replace(avatar, patches=patches, plate=plate, photo=photo)


def magenta(picture: I420) -> Mask:
    """(h / 2, w / 2): where blue and red are both high, as in no face."""
    height = picture.shape[0] * 2 // 3
    flat = picture.reshape(-1)[height * picture.shape[1] :]
    blue, red = flat.reshape(2, height // 2, picture.shape[1] // 2)
    return (blue > 152) & (red > 152)


def holes(avatar: Avatar, face: lm.Face, count: int) -> dict[str, Any]:
    """Uncovered px inside the face and at the frame's lower edge, over `count` states."""
    prepared = build(marked(avatar), SIDE, SIDE)
    rng = np.random.default_rng(3)
    edge = outline(avatar, face)
    uncovered, torn, worst = 0, 0, 0.0
    rest = magenta(draw(prepared, FaceState()))
    for _ in range(count):
        one = any_state(rng)
        seen = magenta(draw(prepared, one))
        inside = _oval(prepared, edge, one)
        uncovered += int(4 * (seen & inside).sum())
        uncovered += int(4 * (seen[-1] & ~_spread(rest[-1])).sum())
        miss = tear(prepared, edge, one)
        torn += miss > TORN
        worst = max(worst, miss)
    return {
        "states": count,
        "uncovered_px": uncovered,
        "torn_states": torn,
        "worst_miss_px": round(worst, 2),
    }


def _spread(row: Mask) -> Mask:
    """True also within 24 px beside what is true: shoulders sway."""
    return np.convolve(row, np.ones(49), "same") > 0


def _net_at(prepared: Scene, seen: Floats, at: Floats) -> Floats:
    """Bilinear value (n, 2) of the base's (h, w, 2) at picture positions (n, 2) of the photo."""
    box = prepared.base.box
    place = ((at - box[:2]) / box[2]).astype(np.float32)
    return np.stack(
        [
            cv2.remap(seen[..., k], place[:, :1], place[:, 1:], cv2.INTER_LINEAR)[:, 0]
            for k in (0, 1)
        ],
        axis=1,
    )


def _forward(prepared: Scene, one: FaceState) -> Floats:
    motion = view(prepared.body, one.pose, one.torso)
    return positions(prepared, controls(one), motion)


def outline(avatar: Avatar, face: lm.Face) -> Floats:
    """(n, 2): the face's outline on the photo, drawn in to where the person is opaque around it."""
    opaque = cv2.resize(avatar.matte, None, fx=1 / avatar.density, fy=1 / avatar.density) > 250
    inside = cv2.distanceTransform(opaque.astype(np.uint8), cv2.DIST_L2, 3)
    points = face.points[list(lm.OVAL), :2].copy()
    middle = points.mean(0)
    for _ in range(40):
        x, y = np.clip(np.round(points + avatar.margin), 0, inside.shape[0] - 1).astype(int).T
        loose = inside[y, x] < CLEAR
        points[loose] += (middle - points[loose]) * 0.02
    return points


def _oval(prepared: Scene, edge: Floats, one: FaceState) -> Mask:
    """(h / 2, w / 2): the face in this state, a little inside its outline (n, 2) on the photo."""
    moved = _net_at(prepared, _forward(prepared, one), edge)
    mask = np.zeros((prepared.height // 2, prepared.width // 2), np.uint8)
    cv2.fillPoly(mask, [np.round(moved / 2).astype(np.int32)], 1)
    return cv2.erode(mask, np.ones((5, 5), np.uint8)) > 0


def tear(prepared: Scene, edge: Floats, one: FaceState) -> float:
    """Px by which the worst node in the face shows the wrong place: 0 but for folds."""
    seen = _forward(prepared, one)
    step, net = 8, prepared.base
    flow = np.empty((prepared.height // step, prepared.width // step, 2), np.float32)
    kernel.invert(seen, net.box, step, 0, 0, flow)
    back = _net_at(prepared, seen, flow.reshape(-1, 2))
    y, x = np.mgrid[0 : flow.shape[0], 0 : flow.shape[1]] * step
    miss = np.linalg.norm(back - np.stack([x.ravel(), y.ravel()], 1), axis=1)
    inside = _oval(prepared, edge, one)[y.ravel() // 2, x.ravel() // 2]
    for gap in prepared.gaps:  # there its own two sheets are seen
        rest = flow.reshape(-1, 2) - gap.corner - gap.margin
        size = np.array(gap.edges.shape[2:0:-1]) - 2 * gap.margin
        inside &= ~((rest > 0) & (rest < size)).all(1)
    return float(miss[inside].max()) if inside.any() else 0.0


def eyes_left_open(avatar: Avatar) -> float:
    """Px of eyeball seen in a full blink over those seen with open eyes."""
    lids = [name for name in PATCHES if name.startswith("eye")]
    prepared = build(emptied(avatar, MAGENTA, lids), SIDE, SIDE)
    shut, wide = (magenta(draw(prepared, command(eyeBlink=v))).sum() for v in (1.0, 0.0))
    return round(float(shut / wide), 4)


def mouth_only(one: FaceState) -> FaceState:
    """The mouth's part of a state; the rest of the face and the head stay still."""
    keep = [name.startswith(MOUTHY) for name in arkit.NAMES]
    return FaceState((one.coefficients * np.array(keep, np.float32)).astype(np.float32))


def flicker(prepared: Scene, face: lm.Face, states: Sequence[FaceState]) -> dict[str, float]:
    """Mean change from frame to frame, of 255, where nothing should move while the mouth does."""
    chin = face.points[lm.CHIN, 1]
    brow = int(face.points[list(lm.BROW_LEFT + lm.BROW_RIGHT), 1].min())
    before, forehead, worst = None, [], 0.0
    away = np.ones((prepared.height, prepared.width), bool)
    low, high = face.points[:, :2].min(0), face.points[:, :2].max(0)
    span = high - low
    away[int(low[1]) :, max(int(low[0] - 0.6 * span[0]), 0) : int(high[0] + 0.6 * span[0])] = False
    away[int(chin) :] = False
    beside = []
    for one in states:
        luma = draw(prepared, mouth_only(one))[: prepared.height].astype(np.int16)
        if before is not None:
            change = np.abs(luma - before)
            forehead.append(float(change[:brow].mean()))
            beside.append(float(change[away].mean()))
            worst = max(worst, float(change[:brow].max()))
        before = luma
    return {
        "above_the_brows": round(float(np.mean(forehead)), 4),
        "background": round(float(np.mean(beside)), 4),
        "worst_px": worst,
    }


def at_rest(states: Sequence[FaceState]) -> Iterator[FaceState]:
    """Heads, eyes and breath as they live, with a mouth that does nothing."""
    for one in states:
        keep = [not name.startswith(MOUTHY) for name in arkit.NAMES]
        face = (one.coefficients * np.array(keep, np.float32)).astype(np.float32)
        yield FaceState(face, one.pose, one.gaze, one.breath, one.torso, one.hair)


def teeth(avatar: Avatar, states: Sequence[FaceState]) -> dict[str, Any]:
    """Frames with a neutral mouth in which anything of its inside can be seen."""
    faces = emptied(avatar, MAGENTA, ["mouth"]), avatar
    bare, usual = (build(face, SIDE, SIDE) for face in faces)
    shown = 0
    frames = list(at_rest(states))
    for one in frames:
        change = np.abs(draw(bare, one).astype(np.int16) - draw(usual, one))
        shown += int(change.max() > 6)
    return {"frames": len(frames), "with_teeth": shown}


def _laplacian(picture: npt.NDArray[np.uint8], mask: Mask) -> float:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(cv2.Laplacian(grey, cv2.CV_32F)[mask].var())


def sharpness(avatar: Avatar, prepared: Scene, face: lm.Face) -> dict[str, float]:
    """Variance of the Laplacian over the photo's, within the face: at rest and turned."""
    size = (prepared.width, prepared.height)
    edge = outline(avatar, face)
    photo = cv2.resize(avatar.picture(), size, interpolation=cv2.INTER_AREA)
    own = _laplacian(np.asarray(photo, np.uint8), _full(_oval(prepared, edge, FaceState())))
    out = {}
    for name, pose in (("still", (0, 0, 0)), ("turned", (6, 3, 2)), ("moved_half_px", ())):
        whole = np.zeros(6, np.float32)
        whole[: len(pose)] = pose
        if not pose:
            whole[3] = 0.5 / prepared.body.interocular
        one = FaceState(pose=whole)
        value = _laplacian(as_rgb(draw(prepared, one)), _full(_oval(prepared, edge, one)))
        out[name] = round(value / own, 3)
    return out


def _full(mask: Mask) -> Mask:
    return mask.repeat(2, 0).repeat(2, 1)


def cost(avatar: Avatar, states: Sequence[FaceState]) -> dict[str, float]:
    """Median ms a frame of this thread's own time, so that a busy machine counts less."""
    out = {}
    for width, height in ((512, 512), (720, 1280)):
        prepared = build(avatar, width, height)
        draw(prepared, FaceState())
        times = []
        for one in states:
            began = time.thread_time()
            draw(prepared, one)
            times.append((time.thread_time() - began) * 1e3)
        out[f"{width}x{height}_ms"] = round(float(np.median(times)), 2)
        out[f"{width}x{height}_p95_ms"] = round(float(np.percentile(times, 95)), 2)
    return out
