"""A scene's pictures: the person before its background, with what is laid over both."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from visavis.engines.base import I420
from visavis.engines.settings import Labelled
from visavis.models.avatar.backdrop import BLUR, NOTHING, ORIGINAL, Backdrop
from visavis.models.avatar.file import Avatar
from visavis.models.pictures import double
from visavis.models.pictures.canvas import Canvas
from visavis.server.studio.document.project import Project, Scene
from visavis.server.studio.layers import (
    backgrounds,
    besides,
    blending,
    contrast,
    files,
    framing,
    titles,
)
from visavis.server.studio.layers.cues import Cue
from visavis.server.studio.layers.easing import Shown
from visavis.server.studio.layers.framing import Box, Layout, Wanted
from visavis.server.studio.layers.outline import Outline
from visavis.server.studio.layers.sheets import Sheet, halved
from visavis.server.studio.layers.typesetting import writable

FPS: Final = 25
_EDITION: Final = b"1"  # of how all of this is drawn: another one makes other keys
_TITLE_AT: Final = 0.25  # s from a scene's beginning
_LOW_AT: Final = 0.7
_LOW_FOR: Final = 6.0  # s that a lower third is seen
_LEAVES: Final = 0.15  # s before a scene's end in which nothing is laid over it any more
_RISE: Final = 0.022  # of a layout's unit
_NEAR: Final = 0.012  # of the picture's height, between a label and letters
_MOST: Final = 0.25  # of it that is left to a label


Labels = Callable[[Canvas], Labelled | None]


def _unlabelled(canvas: Canvas) -> None:
    """No label."""


@dataclass(frozen=True, slots=True)
class FaceWanted:
    """What the generator is to draw: pictures of width x height px of an avatar before `backdrop`.

    They are double where the backdrop is nothing (`models.pictures.double`).
    """

    width: int
    height: int
    backdrop: Backdrop


class Composition:
    """Of one scene; one thread's. at: s from the scene's beginning, in any order.

    face: what is drawn by the generator. canvas: the shape of the film's pictures, double where
    the background is transparent. notes: what the user should know, in words.
    """

    def __init__(
        self, project: Project, scene: Scene, folder: Path, size: tuple[int, int], avatar: Avatar,
        *, seconds: float | None = None, cues: Sequence[Cue] = (), label: Labels = _unlabelled,
    ) -> None:  # fmt: skip
        """folder: of the project's files. size: of the film's pictures, px, both even.

        seconds: how long the scene is; None: nobody knows. cues: its subtitles, from its beginning.
        label: what is put into pictures after this, for which room is left. Raises
        Unprocessable("unusable-file") for a file that cannot be used.
        """
        scene = project.complete(scene)
        background = scene.background or project.background
        self.notes: list[str] = []
        self.canvas = Canvas(*size, is_double=background.kind == "transparent")
        self._last = None if seconds is None else max(seconds - _LEAVES, 0.0)
        said = self._written(scene.title, "the title")
        wanted = _wanted(project, scene, said, label(self.canvas))
        self._layout, title = _laid_out(said, wanted, size, Outline.of(avatar))
        self._person = self._layout.person
        self._direct = _is_direct(background.kind, self._layout, size)
        own = BLUR if background.kind == "blur" else ORIGINAL
        self.face = FaceWanted(
            self._person.width, self._person.height, own if self._direct else NOTHING
        )
        self._behind = backgrounds.made(background, folder, size, avatar, self._person)
        self._under: list[Sheet] = []  # before the background, behind the person
        self._over: list[Shown] = []
        self._lay(scene, folder, title)
        self._cues = tuple(cues) if project.subtitles else ()
        self._cue: tuple[Cue, Sheet | None] | None = None  # the last that was drawn
        self._same = self._digest(project, scene, folder, avatar, size)

    def frame(self, face: I420, at: float) -> I420:
        """A new picture of the film, of `canvas.shape`. face: as `face` wants it.

        Raises Unprocessable for a video that turns out to be damaged.
        """
        if self._direct:
            image = face.copy()
        else:
            image = self._behind.picture(at).copy()
            for sheet in self._under:
                sheet.lay(self.canvas, image)
            self._stand(image, face)
        for shown in self._over:
            share, down = shown.at(at)
            shown.sheet.lay(self.canvas, image, share, down)
        subtitle = self._subtitle(at)
        if subtitle is not None:
            subtitle.lay(self.canvas, image)
        return image

    def key(self, begin: float, end: float) -> bytes:
        """Of all that is seen in this span but for the face: equal keys, equal pictures."""
        digest = hashlib.sha256(self._same)
        for number in range(max(round((end - begin) * FPS), 0)):
            at = begin + number / FPS
            cue = self._cue_at(at)
            behind = round(at % self._behind.length * 1000) if self._behind.length else 0
            seen = [shown.at(at) for shown in self._over], cue.lines if cue else (), behind
            digest.update(repr(seen).encode())
        return digest.digest()

    def close(self) -> None:
        """Give back the files that it holds."""
        self._behind.close()

    # --- what is put together once ----------------------------------------------------------------

    def _lay(self, scene: Scene, folder: Path, title: titles.Title | None) -> None:
        layout = self._layout
        if layout.panel is not None:
            self._over.append(Shown(besides.panel(layout.panel), 0, None, eased=False))
        if scene.beside is not None and layout.picture is not None:
            rgba = files.picture(folder, scene.beside.file)
            sheet = besides.beside(rgba, layout.picture, min(self.canvas.width, self.canvas.height))
            self._over.append(Shown(sheet, 0, None, eased=False))
        if title is not None:
            self._add_title(title)
        if scene.lower_third is not None:
            plate, lost = titles.lower_third(scene.lower_third, layout)
            self._missed(lost, "the lower third")
            if plate is not None:
                self._over.append(self._eased(plate, _LOW_AT, _LOW_AT + _LOW_FOR))
        self._flatten()

    def _add_title(self, title: titles.Title) -> None:
        layout, behind = self._layout, self._behind
        size = self.canvas.width, self.canvas.height
        if behind.length or self.canvas.is_double or layout.over:
            read = contrast.unknown(titles.IVORY)
        else:
            read = contrast.reading(behind.picture(0), layout.title, titles.IVORY, titles.INK)
        if read.veil and not self.canvas.is_double:
            veil = contrast.veil(size, read.veil, _edge(layout, size))
            if layout.over or self._direct:
                self._over.append(Shown(veil, 0, None, eased=False))
            else:
                self._under.append(veil)
        shadow = 0.5 if read.colour == titles.IVORY else 0.0
        sheet = titles.titled(title, layout, read.colour, shadow=shadow)
        self._over.append(self._eased(sheet, _TITLE_AT, None))

    def _eased(self, sheet: Sheet, begin: float, end: float | None) -> Shown:
        if self._last is not None:
            end = self._last if end is None else min(end, self._last)
        return Shown(sheet, begin, end, round(_RISE * self._layout.unit))

    def _flatten(self) -> None:
        """Draw what is always there into a background that is always the same."""
        if isinstance(self._behind, backgrounds.Still) and self._under:
            image = self._behind.image.copy()
            for sheet in self._under:
                sheet.lay(self.canvas, image)
            self._behind, self._under = backgrounds.Still(image), []

    def _written(self, text: str, where: str) -> str:
        kept, lost = writable(text)
        self._missed(lost, where)
        return kept

    def _missed(self, lost: str, where: str) -> None:
        if lost:
            self.notes.append(f"left out of {where}, for no font has it: {lost}")

    def _digest(
        self, project: Project, scene: Scene, folder: Path, avatar: Avatar, size: tuple[int, int]
    ) -> bytes:
        background = scene.background or project.background
        names = [scene.beside.file] if scene.beside else []
        if background.kind in ("picture", "video"):
            names.append(background.value)
        contents = [_content(files.found(folder, name)) for name in names]
        said = (
            size, background, scene.beside, scene.title, scene.lower_third, self._layout,
            avatar.card.photo_sha256, contents,
        )  # fmt: skip
        return hashlib.sha256(_EDITION + repr(said).encode()).digest()

    # --- each picture -----------------------------------------------------------------------------

    def _stand(self, image: I420, face: I420) -> None:
        box, canvas = self._person, self.canvas
        face = face.copy() if self._layout.fade else face
        left, right = max(box.left, 0), min(box.right, canvas.width)
        top, bottom = max(box.top, 0), min(box.bottom, canvas.height)
        there = slice(top, bottom), slice(left, right)
        here = slice(top - box.top, bottom - box.top), slice(left - box.left, right - box.left)
        matte = double.matte(face, box.height)[here]
        luma, *colours = canvas.planes(image)
        person, *tints = double.planes(face, box.height)
        if self._layout.fade:
            self._thin(person, tints, double.matte(face, box.height))
        blending.stand(luma[there], person[here], matte, 16)
        for plane, tint in zip(colours, tints, strict=True):
            blending.stand_colour(plane[halved(there)], tint[halved(here)], matte)
        film = canvas.matte(image)
        if film is not None:
            film[there] = matte

    def _thin(self, person: I420, tints: list[I420], matte: I420) -> None:
        """Let the sides go over into nothing where the photo cut them."""
        fade, width = self._layout.fade, self._person.width
        edge = np.minimum(np.arange(width), np.arange(width)[::-1]) / fade
        share = np.round(256 * np.clip(edge, 0, 1)).astype(np.int32)
        for plane in (person, matte):
            blending.thin(plane, share, 16)
        for plane in tints:
            blending.thin(plane, np.ascontiguousarray(share[::2]), 128)

    def _cue_at(self, at: float) -> Cue | None:
        return next((cue for cue in self._cues if cue.begin <= at < cue.end), None)

    def _subtitle(self, at: float) -> Sheet | None:
        cue = self._cue_at(at)
        if cue is None:
            return None
        if self._cue is None or self._cue[0] is not cue:
            self._cue = cue, titles.subtitle(cue.lines, self._layout)
        return self._cue[1]


def _wanted(project: Project, scene: Scene, said: str, label: Labelled | None) -> Wanted:
    third, above, below = scene.lower_third, 0.0, 0.0
    texts = said + (third.name + third.line if third else "")
    if label is not None:
        _, top, _, tall = label.box
        if top < 0.5:
            above = min(top + tall + _NEAR, _MOST)
        else:
            below = min(1 - top + _NEAR, _MOST)
    return Wanted(
        beside=scene.beside, has_title=bool(said), named=third is not None,
        subtitled=project.subtitles, from_right=titles.is_from_right(texts), above=above,
        below=below,
    )  # fmt: skip


def _laid_out(
    said: str, wanted: Wanted, size: tuple[int, int], outline: Outline
) -> tuple[Layout, titles.Title | None]:
    layout = framing.laid_out(outline, size, wanted)
    if not said:
        return layout, None
    title = titles.title(said, layout)
    return framing.laid_out(outline, size, replace(wanted, titled=title.height)), title


def _is_direct(kind: str, layout: Layout, size: tuple[int, int]) -> bool:
    """Whether the generator draws all of the picture, background included."""
    return kind in ("own", "blur") and layout.person == Box(0, 0, *size) and layout.panel is None


def _edge(layout: Layout, size: tuple[int, int]) -> str:
    """From which a veil behind the title comes."""
    if layout.centred:
        return "top"
    middle = layout.title.left + layout.title.width / 2
    return "left" if middle < size[0] / 2 else "right"


def _content(path: Path) -> str:
    """Of a file."""
    status = path.stat()
    return _hashed(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _hashed(path: Path, size: int, edition: int) -> str:
    """Read once as long as it stays as it is: a video may have a gigabyte."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
