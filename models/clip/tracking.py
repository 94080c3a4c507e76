"""Where the face is in each picture of a clip, and which pictures can be used."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.bake import landmarks as lm
from visavis.models.clip import lips, reading
from visavis.models.clip.reading import Shot
from visavis.models.errors import PortraitError

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

LOOKED_AT: Final = 960  # px of the longer side
LOOK_AGAIN: Final = 25  # pictures between two looks at the whole for other faces
LOST_AGAIN: Final = 5  # pictures between two looks where there was none
PATIENCE: Final = 3.0  # s without any
BYSTANDER: Final = 0.35  # a second face smaller than this share of the first is background
THUMB: Final = (48, 27)  # px, across and down
CUT: Final = 22.0  # of 255, mean change of a thumb from one picture to the next: another shot
JUMP: Final = 0.35  # face heights that a face does not go between two pictures
MIN_FACE: Final = 90.0  # px from forehead to chin
MAX_TURN: Final = 30.0  # degrees
MAX_AWAY: Final = 18.0  # degrees from where the head is mostly
# In mouth widths:
SLIGHT: Final = 0.05  # more than usual that is warped shut
FASTEST: Final = 0.20  # mouth widths a second by which lips part or close that do not speak
# Shares of the pictures that may be of no use before the whole clip is refused for it.
_ABSENT: Final = 0.10


@dataclass(frozen=True, slots=True)
class Track:
    """n pictures. times (n,) in s; points (n, 468, 3) in px of the clip; thumbs (n, h, w) grey;
    seen (n,): there is a face; size: px of the pictures, across and down; parted (n,): lips are not
    shut, as far as is seen."""

    times: Floats
    points: Floats
    thumbs: Floats
    seen: Mask
    size: tuple[int, int]
    parted: Mask

    @property
    def base(self) -> float:
        """Mouth widths between the landmarks of lips that touch, of this person."""
        return min(float(np.percentile(gaps(self.points), 20)), lips.BASE)

    @property
    def height(self) -> float:
        """px from forehead to chin, in the middle of all."""
        return float(np.median(_length(self.points, lm.FOREHEAD, lm.CHIN)[self.seen]))


def follow(shots: Iterable[Shot], told: Callable[[float], None]) -> Track:
    """Raises PortraitError for what shows not one face in one shot. told: s that were looked at."""
    times, seen = list[float](), list[bool]()
    points, thumbs, mouths = list[Floats](), list[Floats](), list[Floats]()
    size = (0, 0)
    before: Floats | None = None
    for count, shot in enumerate(shots):
        height, width = shot.picture.shape[:2]
        if size not in {(0, 0), (width, height)}:
            raise _cut()
        size = width, height
        scale = min(1.0, LOOKED_AT / max(size))
        small = _scaled(shot.picture, scale)
        if count % (LOOK_AGAIN if before is not None else LOST_AGAIN) == 0:
            before = _first(small, before)
        found = _next(small, before)
        if shot.time > PATIENCE and not any(seen):
            raise PortraitError("clip-no-face", _NO_FACE)
        thumb = cv2.resize(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), THUMB, interpolation=3)
        _check_shot(times, thumbs, shot.time, np.asarray(thumb, np.float32))
        if found is not None and before is not None and seen and seen[-1]:
            _check_jump(points[-1] * scale, found)
        before = found
        times.append(shot.time)
        thumbs.append(np.asarray(thumb, np.float32))
        seen.append(found is not None)
        if found is not None:
            mouths.append(lips.lines(small, found))
        empty = points[-1] if points else np.zeros((lm.POINTS, 3), np.float32)
        points.append(found / np.float32(scale) if found is not None else empty)
        told(shot.time)
    if not times or times[-1] < reading.SHORTEST:
        raise reading.too_short(times[-1] if times else 0)
    mask = np.array(seen)
    if not mask.any():
        raise PortraitError("clip-no-face", _NO_FACE)
    parted = np.zeros(len(mask), bool)
    parted[mask] = lips.parted(np.stack(mouths))
    track = Track(
        np.array(times, np.float32), np.stack(points), np.stack(thumbs), mask, size, parted
    )
    _check(track)
    return track


_NO_FACE = "No face is seen in the clip: use one of one person, seen from the front and well lit."


def _scaled(picture: reading.Rgb, scale: float) -> reading.Rgb:
    if scale == 1:
        return picture
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _first(picture: reading.Rgb, before: Floats | None) -> Floats | None:
    """The one face in a picture. Raises PortraitError where there are several."""
    found = lm.detect(picture)
    if not found:
        return before
    largest = max(found, key=lambda f: float(f.size.max()))
    if sum(f.size.max() > BYSTANDER * largest.size.max() for f in found) > 1:
        message = "Several faces are seen in the clip: use one of the person who is to speak alone."
        raise PortraitError("clip-several-faces", message)
    face = lm.find_landmarks(picture, largest)
    return face.points if face.presence >= lm.MIN_PRESENCE else before


def _next(picture: reading.Rgb, before: Floats | None) -> Floats | None:
    if before is None:
        return None
    points, presence = lm.tracked(picture, before)
    return points if presence >= lm.MIN_PRESENCE else None


def _check_shot(times: list[float], thumbs: list[Floats], time: float, thumb: Floats) -> None:
    if times and time - times[-1] > reading.STOPS:
        raise _cut()
    if thumbs and float(np.abs(thumb - thumbs[-1]).mean()) > CUT:
        raise _cut()


def _check_jump(before: Floats, now: Floats) -> None:
    tall = float(np.linalg.norm(before[lm.FOREHEAD, :2] - before[lm.CHIN, :2]))
    if float(np.linalg.norm((now - before)[:, :2].mean(0))) > JUMP * tall:
        raise _cut()


def _cut() -> PortraitError:
    message = "The clip has cuts or stops in it: use one that was taken in one go."
    return PortraitError("clip-cuts", message)


def _check(track: Track) -> None:
    if (~track.seen).mean() > _ABSENT:
        raise PortraitError("clip-no-face", _NO_FACE)
    if track.height < MIN_FACE:
        message = (
            f"The face is only {track.height:.0f} px high in the clip: come nearer, or record "
            "larger pictures."
        )
        raise PortraitError("clip-too-small", message)
    low = track.points[track.seen][..., :2].min((0, 1))
    high = track.points[track.seen][..., :2].max((0, 1))
    slack = 0.05 * track.height
    if low.min() < -slack or (high > np.array(track.size) + slack).any():
        message = "Part of the head leaves the picture: use a clip that always shows all of it."
        raise PortraitError("clip-cut-off", message)


# --- what a face does -----------------------------------------------------------------------------


def _length(points: Floats, one: int, other: int) -> Floats:
    return np.asarray(np.linalg.norm((points[:, one] - points[:, other])[:, :2], axis=1))


def turns(points: Floats) -> Floats:
    """(n, 2): yaw and pitch in degrees, roughly; as models.bake.photo.turn."""
    across = points[:, 263] - points[:, 33]
    down = points[:, lm.CHIN] - points[:, lm.FOREHEAD]
    yaw = np.degrees(np.arctan2(across[:, 2], np.hypot(across[:, 0], across[:, 1]))) * 1.4
    pitch = 6 - np.degrees(np.arctan2(down[:, 2], np.hypot(down[:, 0], down[:, 1])))
    return np.asarray(np.stack([yaw, pitch], 1), np.float32)


def turned(points: Floats) -> Mask:
    """(n,): whether the head looks away."""
    turn = turns(points)
    away = np.abs(turn - np.median(turn, 0))
    return np.asarray((np.abs(turn) > MAX_TURN).any(1) | (away > MAX_AWAY).any(1), bool)


def gaps(points: Floats) -> Floats:
    """(n,): how far the lips are apart, in mouth widths."""
    wide = np.maximum(_length(points, *lm.MOUTH_CORNERS), 1)
    apart = np.stack([_length(points, *pair) for pair in lm.LIP_PAIRS]).max(0)
    return np.asarray(apart / wide, np.float32)


def openness(points: Floats) -> Floats:
    """(n,): of the eye that is open wider, height over width."""
    sides = []
    for upper, lower, ends in (
        (lm.LID_UPPER_RIGHT, lm.LID_LOWER_RIGHT, lm.EYE_RIGHT),
        (lm.LID_UPPER_LEFT, lm.LID_LOWER_LEFT, lm.EYE_LEFT),
    ):
        tall = np.linalg.norm((points[:, upper[4]] - points[:, lower[4]])[:, :2], axis=1)
        sides.append(tall / np.maximum(_length(points, *ends), 1))
    return np.asarray(np.max(sides, 0), np.float32)
