"""Which pictures of a clip make a loop, and in what order: numbers only, no picture is touched.

Time is cut into pictures of FPS from here on; a place is where one lies between the clip's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.avatar.clip import FPS
from visavis.models.clip import tracking
from visavis.models.clip.tracking import Floats, Mask, Track
from visavis.models.errors import PortraitError

LEAST: Final = 5 * FPS  # pictures in one piece that have to be of use
LONGEST: Final = 20 * FPS  # of a loop
SHARE: Final = 0.6  # of the longest possible loop that is taken at least
BLEND: Final = 12  # pictures over which its end goes over into its beginning
APART: Final = 0.045  # face heights between the faces of two like pictures; more cannot be blended
BLINK: Final = 0.3  # of an eye's usual opening by which two that are blended may differ
MOVING: Final = 3.0  # pictures ahead that count: alike are only those that move alike
WHOLE: Final = 0.004  # face heights that one of 255 of difference in the whole picture weighs
LONGER: Final = 0.003  # face heights of likeness that a second of loop is worth
EASE: Final = 4.0  # pictures over which a loop that runs to and fro turns round
TURNING: Final = 2 * EASE  # pictures before and after it in which it is slower
AROUND: Final = 8  # pictures around a word, or a turn away, that are of no use either
SMOOTH: Final = 1.2  # pictures, standard deviation of what landmarks are smoothed over


@dataclass(frozen=True, slots=True)
class Timeline:
    """n pictures at FPS. at (n,): their places among the clip's own pictures; points (n, 468, 3),
    smoothed; thumbs (n, h, w); usable (n,); height: of the face, px; base: see Track."""

    at: Floats
    points: Floats
    thumbs: Floats
    usable: Mask
    height: float
    base: float


@dataclass(frozen=True, slots=True)
class Loop:
    """n pictures. one, other (n,): places in the Timeline; share (n,) in [0, 1]: of the other one.
    apart: face heights between the two at the seam; 0 of one that runs to and fro."""

    one: Floats
    other: Floats
    share: Floats
    apart: float

    def mixed(self, values: Floats) -> Floats:
        """(n, ...) of what the Timeline has a row for."""
        a, b = (between(values, at) for at in (self.one, self.other))
        share = self.share.reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray(a + (b - a) * share, np.float32)


def between(values: Floats, at: Floats) -> Floats:
    """Rows of `values` at places (n,), linear."""
    low = np.clip(np.floor(at).astype(int), 0, len(values) - 2)
    part = (at - low).reshape(-1, *[1] * (values.ndim - 1)).astype(np.float32)
    return np.asarray(values[low] + (values[low + 1] - values[low]) * part, np.float32)


def timeline(track: Track) -> Timeline:
    """A track at FPS. Raises PortraitError for a clip with too little of use in it."""
    count = int(track.times[-1] * FPS) + 1
    at = np.interp(np.arange(count) / FPS, track.times, np.arange(len(track.times)))
    places = at.astype(np.float32)
    useless = _useless(track)
    near = useless[np.floor(places).astype(int)] | useless[np.ceil(places).astype(int)]
    wide = np.convolve(near.astype(float), np.ones(2 * AROUND + 1), "same") > 0
    points = _smooth(between(track.points, places))
    line = Timeline(places, points, between(track.thumbs, places), ~wide, track.height, track.base)
    if len(runs(line)[0]) < LEAST:
        raise _no_use(track)
    return line


def _useless(track: Track) -> Mask:
    return np.asarray(~track.seen | tracking.turned(track.points) | _speaking(track), bool)


def _speaking(track: Track) -> Mask:
    gap = tracking.gaps(track.points)
    speed = np.abs(np.gradient(cv2.GaussianBlur(gap[None], (0, 0), 1.5)[0], track.times))
    wide = gap > track.base + tracking.SLIGHT
    return np.asarray(wide | (speed > tracking.FASTEST) | track.parted, bool)


def _no_use(track: Track) -> PortraitError:
    if tracking.turned(track.points).mean() > _speaking(track).mean():
        message = (
            "The head is turned away for most of the clip: use one in which the person looks "
            "into the camera for at least 5 s."
        )
        return PortraitError("clip-turned", message)
    message = (
        "The mouth is open or speaks for most of the clip: use one in which the person listens "
        "with closed lips for at least 5 s in one piece."
    )
    return PortraitError("clip-talking", message)


def _smooth(points: Floats) -> Floats:
    flat = points.reshape(len(points), -1)
    soft = cv2.GaussianBlur(flat, (1, 0), sigmaX=1, sigmaY=SMOOTH, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(soft.reshape(points.shape), np.float32)


def runs(line: Timeline) -> list[range]:
    """Pieces of use, the longest first; none: one of no length."""
    edges = np.flatnonzero(np.diff(np.r_[False, line.usable, False].astype(int)))
    found = [range(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return sorted(found, key=len, reverse=True) or [range(0)]


def loop(line: Timeline) -> Loop:
    """The best there is: two like pictures far apart, or else one that runs to and fro."""
    run = runs(line)[0]
    found = _seam(line, run)
    if found is None:
        return _to_and_fro(line, run)
    first, last, apart = found
    count = last - first
    one = np.arange(first, last, dtype=np.float32)
    share = np.zeros(count, np.float32)
    ramp = (np.arange(BLEND) + 1) / (BLEND + 1)
    share[-BLEND:] = ramp * ramp * (3 - 2 * ramp)
    other = np.where(share > 0, one - count, one).astype(np.float32)
    return Loop(one, other, share, apart)


def _seam(line: Timeline, run: range) -> tuple[int, int, float] | None:
    """First and one past the last picture, and how unlike they are; None: too much."""
    points = line.points[run.start : run.stop, :, :2] / line.height
    speed = np.gradient(points, axis=0) * MOVING
    thumbs = cv2.GaussianBlur(line.thumbs[run.start : run.stop], (1, 1), 0) * WHOLE
    parts = [_features(points, 468), _features(speed, 468), _features(thumbs, thumbs[0].size)]
    square = np.asarray(sum(_squares(part) for part in parts), np.float64)
    apart = np.sqrt(np.maximum(_over(np.add, square) / (BLEND + 1), 0))
    eyes = tracking.openness(points)
    blinks = np.abs(eyes[:, None] - eyes[None]) / max(float(np.median(eyes)), 0.05)
    count = len(run)
    length = np.arange(count)[None] - np.arange(count)[:, None]
    most = min(count - BLEND, LONGEST)
    allowed = (length >= SHARE * most) & (length <= most)
    allowed &= _over(np.maximum, blinks) < BLINK
    allowed[:BLEND] = False  # what the end goes over into lies before the beginning
    cost = np.where(allowed, apart - LONGER * length / FPS, np.inf)
    if not np.isfinite(cost).any():
        return None
    first, last = np.unravel_index(int(np.argmin(cost)), cost.shape)
    if apart[first, last] > APART:
        return None
    return run.start + int(first), run.start + int(last), float(apart[first, last])


def _over(join: np.ufunc, pairs: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What pairs of pictures (n, n) come to with those before them that are blended, too."""
    out = pairs.copy()
    for back in range(1, BLEND + 1):
        join(out[back:, back:], pairs[:-back, :-back], out=out[back:, back:])
    return out


def _features(values: Floats, parts: int) -> Floats:
    return np.asarray(values.reshape(len(values), -1) / np.sqrt(parts), np.float32)


def _squares(rows: Floats) -> npt.NDArray[np.float64]:
    own = rows.astype(np.float64)
    norm = (own**2).sum(1)
    return np.asarray(norm[:, None] + norm[None] - 2 * own @ own.T, np.float64)


def _to_and_fro(line: Timeline, run: range) -> Loop:
    """There and back again, slowly where it turns round."""
    first, last = _turns(line, run)
    half = last - first
    way = np.abs((np.arange(2 * half) + half) % (2 * half) - half).astype(np.float32)
    tripled = np.tile(way, 3)[None]
    soft = cv2.GaussianBlur(tripled, (0, 0), EASE)[0, 2 * half : 4 * half]
    at = (first + soft).astype(np.float32)
    return Loop(at, at, np.zeros(len(at), np.float32), 0.0)


def _turns(line: Timeline, run: range) -> tuple[int, int]:
    """Where it turns round: the head still and the eyes open, for a blink would last there, and
    come undone as it came."""
    points = line.points[run.start : run.stop, :, :2]
    speed = np.linalg.norm(np.gradient(points, axis=0), axis=2).mean(1) / line.height * MOVING
    eyes = tracking.openness(points)
    shut = eyes < (1 - BLINK) * max(float(np.median(eyes)), 0.05)
    near = np.convolve(shut.astype(float), np.ones(2 * round(TURNING) + 1), "same") > 0
    odd = speed + near
    length = np.arange(len(run))[None] - np.arange(len(run))[:, None]
    most = min(len(run) - 1, LONGEST // 2)
    allowed = (length >= SHARE * most) & (length <= most)
    cost = np.where(allowed, odd[:, None] + odd[None] - LONGER * length / FPS, np.inf)
    first, last = np.unravel_index(int(np.argmin(cost)), cost.shape)
    return run.start + int(first), run.start + int(last)


def neutral(line: Timeline, made: Loop) -> int:
    """Of a loop's pictures the one to make the portrait of: eyes open, lips shut, head at rest."""
    points = made.mixed(line.points)
    eyes = tracking.openness(points)
    wide = np.linalg.norm((points[:, 61] - points[:, 291])[:, :2], axis=1) / line.height
    turn = tracking.turns(points)
    speed = np.linalg.norm(np.gradient(points[..., :2], axis=0), axis=2).mean(1) / line.height
    odd = (
        4.0 * np.maximum(np.percentile(eyes, 60) - eyes, 0) / max(float(np.median(eyes)), 0.05)
        + 1.0 * np.maximum(np.percentile(eyes, 60) * -1.15 + eyes, 0)
        + 6.0 * np.maximum(tracking.gaps(points) - 0.02, 0)
        + 3.0 * np.abs(wide - np.median(wide)) / float(np.median(wide))
        + 0.05 * np.linalg.norm(turn - np.median(turn, 0), axis=1)
        + 0.02 * np.abs(turn).max(1)
        + 60.0 * speed
        + np.where(made.share > 0, 10.0, 0.0)
    )
    return int(np.argmin(odd))


def turned(made: Loop, first: int) -> Loop:
    """The same loop, begun at another picture."""
    one, other, share = (np.roll(v, -first) for v in (made.one, made.other, made.share))
    return Loop(one, other, share, made.apart)
