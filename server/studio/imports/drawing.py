"""A slide drawn as a picture: its background, pictures, plain shapes, tables and words.

It is a likeness. Letters are those that visavis carries; charts, SmartArt, effects and pictures of
kinds that are not opened here are left out, which is told.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from visavis.models.errors import PortraitError
from visavis.models.pictures import opening
from visavis.server.studio.imports.colours import WHITE, Rgb, share_of, whole
from visavis.server.studio.imports.looks import Look, Part, Stack, box
from visavis.server.studio.imports.package import Element, Package
from visavis.server.studio.layers.typesetting import Align, Block, Type, block, wrapped, writable

WIDE: Final = 1280  # px
_LIMITS: Final = opening.Limits(20 << 20, 24_000_000, 8_000)
_POINT: Final = 12_700  # EMU
_INSET: Final = 91_440, 45_720  # EMU, of text in its box: at the sides, above and below
_LEADING: Final = 1.2
_SPACE: Final = 0.25  # between paragraphs, of the size
_SMALLEST: Final = 0.35  # to which letters are shrunk that have no room
_SHAPES: Final = frozenset({"rect", "roundRect", "ellipse", "snip1Rect", "round2SameRect"})
_KINDS: Final = {"chart": "a chart", "diagram": "a diagram", "ole": "an embedded object"}

Box = tuple[float, float, float, float]  # x, y, width, height in px
Turn = Callable[[tuple[int, int, int, int]], Box]


@dataclass(frozen=True, slots=True)
class _Set:
    """A paragraph that is set: its block, and px from the box's left edge."""

    block: Block
    look: Look
    left: float
    size: float


class Drawing:
    """One slide. size: of all slides, in EMU. `missing` says what is not drawn."""

    def __init__(self, package: Package, slide: Part, size: tuple[int, int]) -> None:
        self._package, self._stack = package, Stack(package, slide)
        self._scale = WIDE / size[0]
        rows = max(round(size[1] * self._scale / 2) * 2, 2)
        self._image = Image.new("RGB", (WIDE, min(rows, 4 * WIDE)), WHITE)
        self._pen = ImageDraw.Draw(self._image)
        self.missing: list[str] = []

    def png(self) -> bytes:
        """The picture."""
        self._background()
        for part in reversed(self._stack.parts):
            if part is not self._stack.slide and not self._shows(part):
                continue
            if part.tree is not None:
                self._shapes(part, part.tree, self._turn)
        file = io.BytesIO()
        self._image.save(file, "PNG", optimize=False)
        return file.getvalue()

    def _shows(self, part: Part) -> bool:
        """Whether what is not a placeholder of a layout or a master is on the slide."""
        above = self._stack.parts[: self._stack.parts.index(part)]
        return all(each.root.get("showMasterSp") not in ("0", "false") for each in above)

    def _turn(self, emu: tuple[int, int, int, int]) -> Box:
        x, y, wide, high = (value * self._scale for value in emu)
        return x, y, wide, high

    def _background(self) -> None:
        for part in self._stack.parts:
            own = part.root.find("cSld/bg")
            if own is None:
                continue
            picture = own.find("bgPr/blipFill")
            if picture is not None:
                self._picture(part, picture, (0, 0, *self._image.size))
                return
            holders = (own.find("bgPr/solidFill"), own.find("bgPr/gradFill/gsLst/gs"),
                       own.find("bgRef"))  # fmt: skip
            colour = next((c for h in holders if (c := self._stack.colours.of(h))), None)
            if colour:
                self._pen.rectangle((0, 0, *self._image.size), colour)
            return

    def _shapes(self, part: Part, tree: Element, turn: Turn) -> None:
        for shape in tree:
            if shape.tag == "grpSp":
                self._shapes(part, shape, _within(shape, turn))
            elif shape.tag == "pic":
                place = box([shape])
                fill = shape.find("blipFill")
                if place and fill is not None:
                    self._picture(part, fill, turn(place))
            elif shape.tag == "cxnSp":
                self._line(shape, turn)
            elif shape.tag == "graphicFrame":
                self._frame(shape, turn)
            elif shape.tag == "sp" and self._is_own(part, shape):
                self._shape(part, shape, turn)

    def _is_own(self, part: Part, shape: Element) -> bool:
        """Placeholders of a layout and a master are only shown as a slide fills them."""
        return part is self._stack.slide or shape.find("nvSpPr/nvPr/ph") is None

    def _shape(self, part: Part, shape: Element, turn: Turn) -> None:
        chain = self._stack.chain(shape)
        place = box(chain)
        if place is None:
            return
        where = turn(place)
        form = shape.find("spPr/prstGeom")
        kind = "rect" if form is None else form.get("prst", "rect")
        colour, picture = self._stack.fill(shape), shape.find("spPr/blipFill")
        if picture is not None:
            self._picture(part, picture, where)
        elif colour and (kind in _SHAPES or form is None):
            self._filled(kind, where, colour)
        self._words(shape, chain, where)

    def _filled(self, kind: str, where: Box, colour: Rgb) -> None:
        x, y, wide, high = where
        corners = (x, y, max(x + wide - 1, x), max(y + high - 1, y))
        if kind == "ellipse":
            self._pen.ellipse(corners, colour)
        elif kind == "roundRect":
            self._pen.rounded_rectangle(corners, min(wide, high) / 6, colour)
        else:
            self._pen.rectangle(corners, colour)

    def _line(self, shape: Element, turn: Turn) -> None:
        place, line = box([shape]), shape.find("spPr/ln")
        if place is None:
            return
        style = shape.find("style/lnRef")
        colour = self._stack.colours.of(line.find("solidFill") if line is not None else style)
        x, y, wide, high = turn(place)
        thick = whole(line.get("w") if line is not None else None, _POINT) * self._scale
        self._pen.line((x, y, x + wide, y + high), colour or (128, 128, 128), max(round(thick), 1))

    def _picture(self, part: Part, fill: Element, where: Box) -> None:
        blip = fill.find("blip")
        related = self._package.related(part.name)
        key = "" if blip is None else blip.get("r:embed", "")
        if key not in related:
            return
        try:
            image = opening.upright(self._package.part(related[key].part), _LIMITS).convert("RGBA")
        except PortraitError:
            kind = related[key].part.rpartition(".")[2]
            self.missing.append(f"a picture of the kind {kind[:8]}")
            return
        image = _cropped(image, fill.find("srcRect"))
        x, y, wide, high = where
        size = max(round(wide), 1), max(round(high), 1)
        if size[0] > 4 * WIDE or size[1] > 4 * WIDE:
            return
        image = image.resize(size, Image.Resampling.LANCZOS)
        self._image.paste(image, (round(x), round(y)), image)

    # --- words ---------------------------------------------------------------------------------

    def _words(self, shape: Element, chain: Sequence[Element], where: Box) -> None:
        text = shape.find("txBody")
        if text is None:
            return
        stack = self._stack
        usual = {"lIns": _INSET[0], "tIns": _INSET[1], "rIns": _INSET[0], "bIns": _INSET[1]}
        inset = [
            whole(stack.body(chain, key, str(value))) * self._scale for key, value in usual.items()
        ]
        x, y, wide, high = where
        room = (x + inset[0], y + inset[1], max(wide - inset[0] - inset[2], 20.0),
                max(high - inset[1] - inset[3], 10.0))  # fmt: skip
        told = [(stack.look(chain, each), each) for each in text.iter("p")]
        self._write(told, room, stack.body(chain, "anchor", "t"), stack.shrunk(chain))

    def _write(
        self, told: Sequence[tuple[Look, Element]], room: Box, anchor: str, shrunk: float = 1.0
    ) -> None:
        """Paragraphs in a box, smaller where they have no room."""
        x, y, wide, high = room
        factor = shrunk
        while True:
            made = list(self._made(told, wide, factor))
            needs = sum(_height(each) for each in made)
            if needs <= high * 1.02 or factor <= _SMALLEST:
                break
            factor *= min(max((high / needs) ** 0.5, 0.7), 0.95)
        top = y + {"ctr": (high - needs) / 2, "b": high - needs}.get(anchor, 0.0)
        for each in made:
            if each is not None and each.block.ink.size:
                self._put(each, x, top, wide)
            top += _height(each)

    def _made(
        self, told: Sequence[tuple[Look, Element]], wide: float, factor: float
    ) -> Iterator[_Set]:
        for look, paragraph in told:
            size = max(look.size * factor * _POINT * self._scale, 6.0)
            left = max(look.margin, 0) * self._scale * factor
            said, lost = writable(text_of(paragraph))
            if any(each.isalpha() for each in lost):
                self.missing.append("letters that no font here has")
            set_in = Type(round(size), 700 if look.bold else 400, _LEADING)
            lines = wrapped(said, set_in, max(wide - left, 20.0)) if said else []
            made = block(lines, set_in, _ALIGN.get(look.align, "left")) if lines else _EMPTY
            yield _Set(made, look if said else replace(look, bullet=""), left, size)

    def _put(self, each: _Set, x: float, top: float, wide: float) -> None:
        ink, look = Image.fromarray(each.block.ink), each.look
        room = wide - each.left
        spare = {"ctr": (room - ink.width) / 2, "r": room - ink.width}.get(look.align, 0.0)
        row = round(top + 0.1 * each.size)
        self._image.paste(look.colour, (round(x + each.left + spare), row), ink)
        if look.bullet and look.align != "r":
            sign = block([look.bullet], Type(round(each.size), 400, _LEADING), "left").ink
            back = min(abs(look.hanging) * self._scale, each.left) or 0.8 * each.size
            at = round(x + each.left - back), row
            self._image.paste(look.colour, at, Image.fromarray(sign))

    # --- tables --------------------------------------------------------------------------------

    def _frame(self, shape: Element, turn: Turn) -> None:
        table, place = next(shape.iter("tbl"), None), box([shape])
        if table is None or place is None:
            data = next(shape.iter("graphicData"), None)
            kind = "" if data is None else data.get("uri", "").rpartition("/")[2]
            self.missing.append(_KINDS.get(kind, "a drawing"))
            return
        x, y, _, _ = turn(place)
        widths = [whole(each.get("w")) * self._scale for each in table.iter("gridCol")]
        accent = self._stack.colours.of(_ACCENT) or (80, 80, 80)
        for number, row in enumerate(table.iter("tr")):
            high, left = max(whole(row.get("h")) * self._scale, 8.0), x
            for wide, cell in zip(widths, row.iter("tc"), strict=False):
                is_head = number == 0
                own = self._stack.colours.of(cell.find("tcPr/solidFill"))
                pale: Rgb = (233, 236, 241) if number % 2 else (246, 247, 250)
                self._filled(
                    "rect", (left, y, wide - 1, high - 1), own or (accent if is_head else pale)
                )
                look = Look(bold=is_head, colour=WHITE if is_head and not own else (20, 20, 20))
                told = [(look, each) for each in cell.iter("p")]
                self._write(
                    told, (left + 8, y + 4, max(wide - 16, 20.0), max(high - 8, 8.0)), "ctr"
                )
                left += wide
            y += high


_ALIGN: Final[dict[str, Align]] = {"ctr": "middle", "r": "right"}
_EMPTY: Final = Block(np.zeros((0, 0), np.uint8), 0, 0)
_ACCENT: Final = Element("solidFill")
_ACCENT.append(Element("schemeClr", {"val": "accent1"}))


def text_of(paragraph: Element) -> str:
    """A paragraph's words."""
    parts = [
        "".join(text.text or "" for text in each.iter("t")) if each.tag != "br" else " "
        for each in paragraph
        if each.tag in ("r", "br") or (each.tag == "fld" and each.get("type") != "slidenum")
    ]
    return "".join(parts)


def _height(each: _Set) -> float:
    lines = 1 if not each.block.ink.size else (each.block.bottom - each.block.top) / (
        _LEADING * each.size
    ) + 0.45  # fmt: skip
    return (max(lines, 1.0) * _LEADING + _SPACE) * each.size


def _cropped(image: Image.Image, cut: Element | None) -> Image.Image:
    if cut is None:
        return image
    left, top, right, bottom = (share_of(cut.get(key), 0.0) for key in "ltrb")
    wide, high = image.size
    corners = (left * wide, top * high, (1 - right) * wide, (1 - bottom) * high)
    corners = (max(corners[0], 0), max(corners[1], 0), min(corners[2], wide), min(corners[3], high))
    if corners[2] - corners[0] < 1 or corners[3] - corners[1] < 1:
        return image
    return image.crop(tuple(round(each) for each in corners))  # type: ignore[arg-type]  # four


def _within(group: Element, turn: Turn) -> Turn:
    """Places of a group's shapes, which have a grid of their own."""
    frame = group.find("grpSpPr/xfrm")
    parts = [frame.find(name) if frame is not None else None
             for name in ("off", "ext", "chOff", "chExt")]  # fmt: skip
    if any(part is None for part in parts):
        return turn
    off, ext, inner, size = (part for part in parts if part is not None)
    x, y = whole(off.get("x")), whole(off.get("y"))
    across = whole(ext.get("cx")) / max(whole(size.get("cx")), 1)
    down = whole(ext.get("cy")) / max(whole(size.get("cy")), 1)
    left, top = whole(inner.get("x")), whole(inner.get("y"))

    def turned(emu: tuple[int, int, int, int]) -> Box:
        return turn((
            round(x + (emu[0] - left) * across), round(y + (emu[1] - top) * down),
            round(emu[2] * across), round(emu[3] * down),
        ))  # fmt: skip

    return turned
