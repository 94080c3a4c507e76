"""A scene's pictures: the person before its background, with what is laid over both."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from visavis.engines.base import I420
from visavis.models.avatar.backdrop import NOTHING, Backdrop
from visavis.models.pictures import double
from visavis.models.pictures.canvas import Canvas
from visavis.server.studio.document.project import Project, Scene
from visavis.server.studio.layers import backgrounds, blending
from visavis.server.studio.layers.cues import Cue
from visavis.server.studio.layers.framing import Box, Outline, standing

if TYPE_CHECKING:
    from visavis.models.avatar.file import Avatar


@dataclass(frozen=True, slots=True)
class FaceWanted:
    """What the generator is to draw: pictures of width x height px of an avatar before `backdrop`.

    They are double where the backdrop is nothing (`models.pictures.double`).
    """

    width: int
    height: int
    backdrop: Backdrop


class Composition:
    """Of one scene; one thread's. at: s from the scene's beginning, in any order."""

    def __init__(
        self, project: Project, scene: Scene, folder: Path, size: tuple[int, int], avatar: Avatar,
        *, seconds: float | None = None, cues: Sequence[Cue] = (),
    ) -> None:  # fmt: skip
        """folder: of the project's files. size: of the film's pictures, px, both even.

        seconds: how long the scene is; None: nobody knows. cues: its subtitles, from its beginning.

        Raises Unprocessable for a file that cannot be used.
        """
        scene = project.complete(scene)
        self.canvas = Canvas(*size)
        width, height = size
        outline = Outline.of(avatar)
        self._box = standing(outline, Box(0, 0, width, height))
        self.face = FaceWanted(self._box.width, self._box.height, NOTHING)
        background = scene.background
        assert background is not None
        self._behind = backgrounds.still(background, folder, size, avatar, self._box)
        self._key = hashlib.sha256(repr((scene.background, size)).encode()).digest()

    def frame(self, face: I420, at: float) -> I420:
        """A new picture of the film, of `canvas.shape`. face: as `face` wants it."""
        image = self._behind.copy()
        self._stand(image, face)
        return image

    def key(self, begin: float, end: float) -> bytes:
        """Of all that is seen in this span but for the face: equal keys, equal pictures."""
        return self._key

    def _stand(self, image: I420, face: I420) -> None:
        box, canvas = self._box, self.canvas
        left, right = max(box.left, 0), min(box.left + box.width, canvas.width)
        top, bottom = max(box.top, 0), min(box.top + box.height, canvas.height)
        there = slice(top, bottom), slice(left, right)
        here = slice(top - box.top, bottom - box.top), slice(left - box.left, right - box.left)
        matte = double.matte(face, box.height)[here]
        luma, *colours = canvas.planes(image)
        person, *tints = double.planes(face, box.height)
        blending.stand(luma[there], person[here], matte, 16)
        for plane, tint in zip(colours, tints, strict=True):
            blending.stand_colour(plane[_half(there)], tint[_half(here)], matte)


def _half(part: tuple[slice, slice]) -> tuple[slice, slice]:
    rows, columns = part
    return (
        slice(rows.start // 2, rows.stop // 2),
        slice(columns.start // 2, columns.stop // 2),
    )


def blank(canvas: Canvas) -> I420:
    """A picture in which nothing is seen."""
    return np.full(canvas.shape, 16, np.uint8)
