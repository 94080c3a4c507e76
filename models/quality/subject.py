"""An avatar under examination: what it draws, where its landmarks are, what shows through.

What draws a face state is given to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from visavis.models import arkit
from visavis.models.avatar.file import Avatar
from visavis.models.avatar.rig import PATCHES
from visavis.models.bake import landmarks as lm

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

# Coefficients (52,), pose (6,) and gaze (2,) as in engines.base.FaceState -> I420 of SIDE x SIDE.
Draw = Callable[[Floats, Floats, Floats], Bytes]
Prepare = Callable[[Avatar], Draw]
Seen = Callable[[Floats, Floats, Floats], Floats]  # the same -> (SIDE, SIDE), a share in [0, 1]
Colour = tuple[int, int, int]

SIDE: Final = 512  # px of the pictures measured
AHEAD: Final = np.zeros(2, np.float32)
# Windows through which a mouth is looked at: how much wider than usual, radians. Through one alone
# its width jumps by as much as a stretched mouth's grows in a quarter of its way.
VIEWS: Final = ((0.88, 0.06), (0.94, -0.06), (1.0, 0.0), (1.06, 0.06), (1.12, -0.06))
_BLACK: Final = (0, 0, 0)
_WHITE: Final = (255, 255, 255)
_SPAN: Final = 219.0  # luma from video black to video white


def face(**amounts: float) -> Floats:
    """(52,): ARKit units by name; "eyeBlink" stands for its left and its right half."""
    out = np.zeros(arkit.COUNT, np.float32)
    for name, amount in amounts.items():
        sides = ("",) if name in arkit.INDEX else ("Left", "Right")
        for side in sides:
            out[arkit.INDEX[name + side]] = amount
    return out


def pose(*turn: float) -> Floats:
    """(6,): degrees of yaw, pitch and roll, the rest 0."""
    out = np.zeros(6, np.float32)
    out[: len(turn)] = turn
    return out


def as_rgb(picture: Bytes) -> Bytes:
    """I420 -> (height, width, 3)."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_YUV2RGB_I420), np.uint8)


def luma(picture: Bytes) -> Bytes:
    """The first plane of an I420 picture."""
    return picture[:SIDE]


def emptied(avatar: Avatar, back: Colour, names: Sequence[str] = PATCHES) -> Avatar:
    """The same face with nothing but one colour behind lips and lids, or behind some of them."""
    patches = {}
    for name, patch in avatar.patches.items():
        blank = tuple(replace(s, picture=np.zeros_like(s.picture)) for s in patch.sprites)
        bare = replace(patch, back=back, shade=(0, 1, 0, 1), sprites=blank)
        patches[name] = bare if name in names else patch
    return replace(avatar, patches=patches)


class Subject:
    """An avatar with what several measurements need of it."""

    def __init__(self, avatar: Avatar, prepare: Prepare) -> None:
        self.avatar, self.draw = avatar, prepare(avatar)
        self._prepare = prepare
        self.still = self.draw(face(), pose(), AHEAD)
        self.photo = shrunk(avatar.picture())
        self.photo_points = points(self.photo)
        self.points = self._again(as_rgb(self.still))
        self.milliseconds: list[float] = []  # thread time of each picture of the sweep

    def _again(self, still: Bytes) -> Floats:
        """(468, 3) in the still picture, empty when no face is recognised in it.

        Looked for where the photo has them, twice, so that both are seen through the same window:
        found anew they jitter by 0.3 % of the eye distance.
        """
        if not len(self.photo_points) or not lm.detect(still):
            return self.photo_points[:0]
        return lm.follow(still, lm.follow(still, self.photo_points).points).points

    @property
    def interocular(self) -> float:
        """px between the outer corners' middles: the unit of landmark errors."""
        right, left = (self.points[list(e), :2].mean(0) for e in (lm.EYE_RIGHT, lm.EYE_LEFT))
        return float(np.linalg.norm(right - left))

    def follow(self, coefficients: Floats, gaze: Floats = AHEAD) -> lm.Face:
        """Landmarks of a drawn face."""
        return lm.follow(as_rgb(self.draw(coefficients, pose(), gaze)), self.points)

    def width(self, coefficients: Floats) -> float:
        """px between the corners of the mouth, the mean of what is seen through VIEWS."""
        picture = as_rgb(self.draw(coefficients, pose(), AHEAD))
        right, left = lm.MOUTH_CORNERS
        views = [view.points[:, :2] for view in lm.views(picture, self.points, VIEWS)]
        return float(np.mean([np.linalg.norm(p[left] - p[right]) for p in views]))

    def through(self, change: Callable[[Colour], Avatar]) -> Seen:
        """How much is seen, in each state, of what `change` colours.

        Drawn twice, on black and on white: whatever colours the avatar has do not matter.
        """
        dark, bright = self._prepare(change(_BLACK)), self._prepare(change(_WHITE))

        def seen(coefficients: Floats, turned: Floats, gaze: Floats) -> Floats:
            state = (coefficients, turned, gaze)
            low, high = (luma(draw(*state)).astype(np.float32) for draw in (dark, bright))
            return np.asarray((high - low) / _SPAN, np.float32)

        return seen


def shrunk(picture: Bytes) -> Bytes:
    """SIDE x SIDE px, as sharp as can be: Lanczos. An area average loses a third of the detail."""
    small = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(small, np.uint8)


def points(picture: Bytes) -> Floats:
    """(468, 3) of the one face, empty when none is found."""
    found = lm.detect(picture)
    if not found:
        return np.zeros((0, 3), np.float32)
    return lm.find_landmarks(picture, found[0]).points
