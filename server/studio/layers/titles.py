"""Letters over the picture: a title, a lower third and subtitles, drawn once each.

Their colours are the page's: ivory letters on nearly black, a stroke of brass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from visavis.models.pictures import lettering
from visavis.server.studio.document.project import LowerThird
from visavis.server.studio.layers.framing import Layout
from visavis.server.studio.layers.sheets import Drawing, Rgb, Sheet, rounded
from visavis.server.studio.layers.typesetting import Align, Block, Type, block, fitted, writable

IVORY: Final[Rgb] = (251, 245, 234)
INK: Final[Rgb] = (34, 27, 22)
_STAGE: Final[Rgb] = (22, 17, 14)
_BRASS: Final[Rgb] = (214, 160, 88)
_BRONZE: Final[Rgb] = (138, 92, 34)  # the same before light colours
_SAND: Final[Rgb] = (226, 214, 196)

# of a layout's unit
_TITLE: Final = 0.074, 0.062  # beside a person, and above them
_STROKE: Final = 0.075, 0.0065  # long, thick
_NAME: Final = 0.041
_LINE: Final = 0.0285
_ONE: Final = 0.031  # both on one line
_SUBTITLE: Final = 0.043, 0.047  # of a wide picture, of another
_LOW_OPACITY: Final = 0.82
_SUBTITLE_OPACITY: Final = 0.68


@dataclass(frozen=True, slots=True)
class Title:
    """A title that is set, not yet placed. height: px that it takes."""

    block: Block
    align: Align
    stroke: tuple[int, int]
    space: int  # px between the stroke and the capitals
    height: int


def is_from_right(text: str) -> bool:
    """Whether texts are set from the right."""
    return lettering.is_from_right(text)


def title(text: str, layout: Layout) -> Title:
    """As large as it may be where it has room; a text that `writable` has been through."""
    centred, unit, room = layout.centred, layout.unit, layout.title
    size = round(_TITLE[centred] * unit)
    most = max(1, min(3 if centred else 5, int(room.height / (1.3 * size))))
    lines, type_ = fitted(text, Type(size, 700, 1.16), room.width, most, 0.6)
    align: Align = "right" if lettering.is_from_right(text) else "left"
    set_ = block(lines, type_, "middle" if centred else align)
    stroke = round(_STROKE[0] * unit), max(round(_STROKE[1] * unit), 2)
    space = round(0.55 * type_.size)
    height = set_.bottom - set_.top + round(0.25 * type_.size) + stroke[1] + space
    return Title(set_, align, stroke, space, height)


def titled(made: Title, layout: Layout, colour: Rgb, *, shadow: float) -> Sheet:
    """The title in its place. shadow: opacity of the dark around its letters."""
    room, ink, stroke = layout.title, made.block.ink, made.stroke
    rim = round(0.03 * layout.unit)
    drawing = Drawing(made.height + 2 * rim + ink.shape[0] // 3, ink.shape[1] + 2 * rim)
    columns = drawing.opacity.shape[1] - 2 * rim
    align: Align = "middle" if layout.centred else made.align
    first = (
        rim + {"left": 0, "middle": (columns - stroke[0]) // 2, "right": columns - stroke[0]}[align]
    )
    bar = rounded(stroke[1], stroke[0], stroke[1] / 2)
    drawing.fill(bar, _BRASS if colour == IVORY else _BRONZE, rim, first)
    row = rim + stroke[1] + made.space - made.block.top
    drawing.ink(ink, colour, row, rim, shadow, 0.012 * layout.unit)
    spare = room.width - columns
    left = room.left + {"left": 0, "middle": spare // 2, "right": spare}[align]
    top = room.top
    if not layout.centred and layout.picture is None:
        top += (room.height - made.height) // 2
    return drawing.sheet(left - rim, top - rim)


def lower_third(said: LowerThird, layout: Layout) -> tuple[Sheet | None, str]:
    """A plate with a name and a line below or beside it; and what no font has.

    None where no letter is left.
    """
    unit, room = layout.unit, layout.low
    texts = [writable(said.name), writable(said.line)]
    missing = "".join(dict.fromkeys("".join(lost for _, lost in texts)))
    from_right = lettering.is_from_right(said.name + said.line)
    bar, beside = max(round(0.007 * unit), 2), round(0.026 * unit)
    kept = [text for text, _ in texts]
    inner = room.width - 2 * beside - bar
    parts = _in_one(kept, unit, inner) if layout.compact else _in_two(kept, unit, inner)
    if not parts:
        return None, missing
    plate = _plate(parts, unit, bar, beside, from_right=from_right)
    rows, columns = plate.opacity.shape
    left = room.right - columns if from_right else room.left
    return plate.sheet(left, room.bottom - rows), missing


@dataclass(frozen=True, slots=True)
class _Part:
    """Letters of a plate; row, column: of the first line's capitals, from where letters begin."""

    block: Block
    colour: Rgb
    row: int
    column: int


def _in_two(texts: list[str], unit: int, width: int) -> list[_Part]:
    types = Type(round(_NAME * unit), 600), Type(round(_LINE * unit), 500)
    parts: list[_Part] = []
    row = 0
    for text, type_, colour in zip(texts, types, (IVORY, _SAND), strict=True):
        if text:
            set_ = block(*fitted(text, type_, width, 1, 0.62), "left")
            parts.append(_Part(set_, colour, row, 0))
            row += set_.bottom - set_.top + round(0.021 * unit)
    return parts


def _in_one(texts: list[str], unit: int, width: int) -> list[_Part]:
    parts: list[_Part] = []
    gap, column = round(0.018 * unit), 0
    for text, weight, colour in zip(texts, (600, 500), (IVORY, _SAND), strict=True):
        if text and width - column > 0.1 * width:
            type_ = Type(round(_ONE * unit), weight)
            set_ = block(*fitted(text, type_, width - column, 1, 0.7), "left")
            parts.append(_Part(set_, colour, 0, column))
            column += set_.ink.shape[1] + gap
    return parts


def _plate(parts: list[_Part], unit: int, bar: int, beside: int, *, from_right: bool) -> Drawing:
    above = round((0.024 if len({part.row for part in parts}) > 1 else 0.019) * unit)
    deep = round(0.006 * unit)  # what hangs below the last line
    lowest = max(part.row + part.block.bottom - part.block.top for part in parts)
    widest = max(part.column + part.block.ink.shape[1] for part in parts)
    drawing = Drawing(lowest + 2 * above + deep, widest + 2 * beside + bar)
    rows, columns = drawing.opacity.shape
    drawing.fill(rounded(rows, columns, 0.009 * unit) * np.float32(_LOW_OPACITY), _STAGE)
    inset = round(0.012 * unit)
    stroke = rounded(rows - 2 * inset, bar, bar / 2)
    drawing.fill(stroke, _BRASS, inset, columns - inset - bar if from_right else inset)
    for part in parts:
        column = beside + bar + part.column
        if from_right:
            column = columns - column - part.block.ink.shape[1]
        drawing.ink(part.block.ink, part.colour, above + part.row - part.block.top, column)
    return drawing


def subtitle(lines: Sequence[str], layout: Layout) -> Sheet | None:
    """Lines in the middle, on a plate; None where no letter is left."""
    texts = [kept for line in lines for kept, _ in [writable(line)] if kept]
    if not texts:
        return None
    room, unit = layout.subtitle, layout.unit
    type_ = Type(round(_SUBTITLE[layout.centred] * unit), 600, 1.3)
    beside, above = round(0.5 * type_.size), round(0.4 * type_.size)
    widest = max(lettering.width(text, type_.size, type_.weight) for text in texts)
    if widest > room.width - 2 * beside:
        type_ = type_.scaled((room.width - 2 * beside) / widest)
    set_ = block(texts, type_, "middle")
    wide = set_.ink.shape[1]
    deep = round(0.12 * type_.size)
    drawing = Drawing(set_.bottom - set_.top + 2 * above + deep, wide + 2 * beside)
    rows, columns = drawing.opacity.shape
    drawing.fill(rounded(rows, columns, 0.011 * unit) * np.float32(_SUBTITLE_OPACITY), _STAGE)
    drawing.ink(set_.ink, IVORY, above - set_.top, (columns - wide) // 2)
    return drawing.sheet(room.left + (room.width - columns) // 2, room.bottom - rows)
