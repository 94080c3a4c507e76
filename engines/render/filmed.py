"""Pictures of avatars made of a clip: the clip's own picture, and our mouth and expression on it.

Head, eyes, blinks and breath are the person's own: of a state's pose and gaze only what is meant of
them, bearing and glance, comes on top.
On the CPU alone, beside another generator that draws everybody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from visavis.engines.base import (
    I420,
    EngineError,
    FaceState,
    Generator,
    Portrayal,
    Puppet,
    can_patch,
)
from visavis.engines.render import posing, warp
from visavis.models.avatar.backdrop import ORIGINAL
from visavis.models.avatar.file import Avatar
from visavis.models.errors import AvatarError
from visavis.models.warp import bearing, kernel, kernel_clip, moving
from visavis.models.warp.moving import STEP, Moving
from visavis.models.warp.scene import Gap

Floats = npt.NDArray[np.float32]

_UNMOVED = np.zeros(3, np.float32)  # the light is the clip's own


class FilmedGenerator:
    """engines.base.Generator over another one on the CPU, which draws avatars without a clip."""

    def __init__(self, drawing: Generator) -> None:
        self.width, self.height, self.batch = drawing.width, drawing.height, drawing.batch
        self.patches = can_patch(drawing)
        self._drawing = drawing

    def prepare(self, avatar: Avatar) -> Puppet:
        """A rig over the clip, or what the other one prepares. Raises EngineError.

        Before another background, or its own blurred, the portrait is drawn in place of the clip,
        whose pictures hold theirs.
        """
        if avatar.clip is None or avatar.backdrop != ORIGINAL:
            return self._drawing.prepare(replace(avatar, clip=None))
        try:
            return Puppet(moving.build(avatar, self.width, self.height))
        except AvatarError as error:
            raise EngineError(error.message) from error

    def release(self, puppet: Puppet) -> None:
        """A clip is memory that goes with its last user."""
        if not isinstance(puppet, Moving):
            self._drawing.release(puppet)

    def draw(self, portrayals: Sequence[Portrayal], deadline: float) -> list[I420]:
        """One after the other, those of the other one together."""
        others = [one for one in portrayals if not isinstance(one.puppet, Moving)]
        drawn = iter(self._drawing.draw(others, deadline) if others else [])
        return [
            _drawn(one) if isinstance(one.puppet, Moving) else next(drawn) for one in portrayals
        ]

    def close(self) -> None:
        """Close the other one."""
        self._drawing.close()


def _drawn(one: Portrayal) -> I420:
    assert isinstance(one.puppet, Moving)
    _check(one.state)
    try:
        return _whole(one.puppet, one) if one.over is None else _spoken(one.puppet, one)
    except AvatarError as error:
        raise EngineError(error.message) from error


def _check(state: FaceState) -> None:
    posing.check(state)
    told = (state.bearing, state.glance)
    if [one.shape for one in told] != [(6,), (2,)] or not all(np.isfinite(v).all() for v in told):
        message = "face state has a bearing or a glance of another shape, or not finite"
        raise EngineError(message)


def _amounts(face: Moving, state: FaceState, carried: FaceState) -> Floats:
    """What moves the rig: the face of one state, and what is meant of head and eyes in another."""
    meant = bearing.amounts(carried.bearing, carried.glance)
    return face.amounts(posing.controls(state), meant)


def _whole(face: Moving, one: Portrayal) -> I420:
    """A new (height * 3 // 2, width) uint8 picture. Raises AvatarError."""
    number = face.clip.number(one.state.elapsed)
    amount, lie = _amounts(face, one.state, one.state), face.lie(number)
    source = face.framed(number)
    picture = source.copy()
    place, texture = _laid(face, amount, lie, source, picture)
    seen, gap = _part(face, amount, lie, place)
    planes = warp.planes_of(face.scene, picture)
    _draw_mouth(face, gap, amount, seen, lie, texture, planes)
    return picture


def _spoken(face: Moving, one: Portrayal) -> I420:
    """A copy of the picture before with another mouth, see warp.speak. Raises AvatarError."""
    before = one.over
    assert before is not None
    _check(before.state)
    picture = before.image.copy()
    if picture.shape != (face.height * 3 // 2, face.width):
        message = f"the picture before has the shape {picture.shape}"
        raise EngineError(message)
    number = face.clip.number(before.state.elapsed)
    amount, lie = _amounts(face, one.state, before.state), face.lie(number)
    held = _amounts(face, before.state, before.state)
    source = face.framed(number)
    place, texture = _laid(face, np.zeros_like(amount), lie, source, source)
    still, gap = _part(face, held, lie, place)
    seen, _ = _part(face, amount, lie, place)
    columns, rows = face.mouth.nodes
    seen = still + warp.looseness(rows, columns) * (seen - still)
    planes = warp.planes_of(face.scene, picture)
    _draw_mouth(face, gap, amount, seen, lie, texture, planes)
    return picture


def _laid(
    face: Moving, amount: Floats, lie: kernel_clip.Lie, source: I420, picture: I420
) -> tuple[Floats, kernel.Texture]:
    """Draw the base over the clip's picture `source`; where its nodes are, and what patches are
    drawn from."""
    left, top, pitch = face.window_of(lie)
    columns, rows = face.mouth.nodes
    patch = left, top, left + (columns - 1) * pitch, top + (rows - 1) * pitch
    place, words, origin = kernel_clip.lay(
        face.base, amount, lie, face.window, np.array(patch), STEP, face.tiles,
        warp.planes_of(face.scene, source), warp.planes_of(face.scene, picture),
    )  # fmt: skip
    return place, kernel.Texture(words, origin)


def _part(face: Moving, amount: Floats, lie: kernel_clip.Lie, place: Floats) -> tuple[Floats, Gap]:
    """Where the sheets' nodes of the mouth are seen, and the mouth as it lies in this picture."""
    left, top, pitch = window = face.window_of(lie)
    columns, rows = face.mouth.nodes
    gap = face.mouth.gap
    seen = np.empty((2 * rows, columns, 2), np.float32)
    edges = np.empty((2, (rows - 1) * pitch, (columns - 1) * pitch), np.uint8)
    kernel_clip.part(
        face.mouth.layer, amount, lie, place, face.base.box, gap.edges, gap.corner, window,
        seen, edges,
    )  # fmt: skip
    return seen, face.mouth.laid(edges, left, top)


def _draw_mouth(
    face: Moving, gap: Gap, amount: Floats, seen: Floats, lie: kernel_clip.Lie,
    texture: kernel.Texture, planes: kernel.Picture,
) -> None:  # fmt: skip
    shape = face.sprites.flat.shape[:2]
    place, away = np.empty((*shape, 2), np.float32), np.empty((*shape, 2), np.float32)
    kernel_clip.steer(face.sprites, amount, lie, place, away)
    places = np.empty((len(face.sizes), 2, 3), np.float32)
    kernel.place(place + away, face.sizes, places)
    drawn = face.textured(texture)
    warp.draw_gap(drawn, gap, amount, seen, _UNMOVED, places, planes)
