"""How a slide's shapes look: from themselves, their layout, and their master, in that order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from visavis.server.studio.imports.colours import BLACK, Colours, Rgb, share_of, whole
from visavis.server.studio.imports.package import Element, Package

_BODIES: Final = frozenset({"body", "subTitle", "obj", "tbl", "pic", "half"})
_ALIKE: Final = {"ctrTitle": "title", "subTitle": "body", "obj": "body"}


@dataclass(frozen=True, slots=True)
class Look:
    """Of one paragraph. size: pt. margin: EMU from the box's edge. bullet: "" for none."""

    size: float = 18.0
    bold: bool = False
    colour: Rgb = BLACK
    align: str = "l"
    bullet: str = ""
    margin: int = 0
    hanging: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A slide, a layout or a master: its XML, and where it is in the package."""

    name: str
    root: Element

    @property
    def tree(self) -> Element | None:
        """Its shapes."""
        return self.root.find("cSld/spTree")


class Stack:
    """A slide upon its layout upon its master."""

    def __init__(self, package: Package, slide: Part) -> None:
        self.slide = slide
        self.layout = _below(package, slide, "slideLayout")
        self.master = _below(package, self.layout, "slideMaster") if self.layout else None
        theme = _below(package, self.master, "theme") if self.master else None
        mapping = self.master.root.find("clrMap") if self.master else None
        self.colours = Colours(theme.root if theme else None, mapping)

    @property
    def parts(self) -> list[Part]:
        """From the slide down."""
        return [part for part in (self.slide, self.layout, self.master) if part]

    def chain(self, shape: Element) -> list[Element]:
        """A shape, and the placeholders below it that it takes after."""
        place = shape.find("nvSpPr/nvPr/ph")
        if place is None:
            return [shape]
        below = [
            _alike(part, place, by_index=part is self.layout)
            for part in (self.layout, self.master)
            if part
        ]
        return [shape, *(each for each in below if each is not None)]

    def look(self, chain: Sequence[Element], paragraph: Element) -> Look:
        """Of a paragraph of a shape with this chain."""
        level = min(max(whole(_of(paragraph, "pPr", "lvl")), 0), 8) + 1
        usual = self.colours.of(chain[0].find("style/fontRef"))
        look = Look(colour=usual or self.colours.of(_named("tx1")) or BLACK)
        for style in self._styles(chain, level):
            look = self._with(look, style, style.find("defRPr"))
        first = next((run for run in paragraph if run.tag in ("r", "fld")), None)
        own = paragraph.find("pPr")
        look = self._with(look, own, own.find("defRPr") if own is not None else None)
        return self._with(look, None, first.find("rPr") if first is not None else None)

    def _styles(self, chain: Sequence[Element], level: int) -> Iterator[Element]:
        """The most general first."""
        place = chain[0].find("nvSpPr/nvPr/ph")
        kind = "other" if place is None else _style(place.get("type", "obj"))
        sources = [self.master.root.find(f"txStyles/{kind}Style")] if self.master else []
        sources += [shape.find("txBody/lstStyle") for shape in reversed(chain)]
        for source in sources:
            found = source.find(f"lvl{level}pPr") if source is not None else None
            if found is not None:
                yield found

    def _with(self, look: Look, paragraph: Element | None, run: Element | None) -> Look:
        if paragraph is not None:
            look = replace(
                look,
                align=paragraph.get("algn", look.align),
                margin=whole(paragraph.get("marL"), look.margin),
                hanging=whole(paragraph.get("indent"), look.hanging),
                bullet=_bullet(paragraph, look.bullet),
            )
        if run is not None:
            colour = self.colours.of(run.find("solidFill"))
            look = replace(
                look,
                size=min(max(whole(run.get("sz"), round(look.size * 100)), 100), 40_000) / 100,
                bold=run.get("b", "1" if look.bold else "0") in ("1", "true"),
                colour=look.colour if colour is None else colour,
            )
        return look

    def body(self, chain: Sequence[Element], key: str, otherwise: str) -> str:
        """A setting of the text's box, such as its anchor."""
        for shape in chain:
            body = shape.find("txBody/bodyPr")
            if body is not None and (value := body.get(key)) is not None:
                return value
        return otherwise

    def shrunk(self, chain: Sequence[Element]) -> float:
        """The share of their size to which the program has shrunk the letters."""
        for shape in chain[:1]:
            fit = shape.find("txBody/bodyPr/normAutofit")
            if fit is not None:
                return min(max(share_of(fit.get("fontScale"), 1.0), 0.2), 1.0)
        return 1.0

    def fill(self, shape: Element) -> Rgb | None:
        """What a shape is filled with, as one colour; None: it is not."""
        own = shape.find("spPr")
        if own is None or own.find("noFill") is not None:
            return None
        solid = self.colours.of(own.find("solidFill"))
        if solid is not None:
            return solid
        gradient = own.find("gradFill/gsLst/gs")
        if gradient is not None:
            return self.colours.of(gradient)
        style = shape.find("style/fillRef")
        return self.colours.of(style) if style is not None and style.get("idx") != "0" else None


def box(chain: Sequence[Element]) -> tuple[int, int, int, int] | None:
    """Where a shape is: x, y, width, height in EMU; None: nobody says."""
    for shape in chain:
        frame = shape.find("spPr/xfrm")
        frame = shape.find("xfrm") if frame is None else frame
        if frame is None:
            continue
        place, size = frame.find("off"), frame.find("ext")
        if place is not None and size is not None:
            x, y = whole(place.get("x")), whole(place.get("y"))
            return x, y, whole(size.get("cx")), whole(size.get("cy"))
    return None


def _below(package: Package, part: Part, kind: str) -> Part | None:
    for related in package.related(part.name).values():
        if related.kind == kind:
            return Part(related.part, package.xml(related.part))
    return None


def _alike(part: Part, place: Element, *, by_index: bool) -> Element | None:
    """The placeholder that another one takes after."""
    shapes = [] if part.tree is None else list(part.tree.iter("sp"))
    kind, index = place.get("type", "obj"), place.get("idx")
    for shape in shapes:
        there = shape.find("nvSpPr/nvPr/ph")
        if there is None:
            continue
        if by_index and index is not None and there.get("idx") == index:
            return shape
        same = _ALIKE.get(kind, kind) == _ALIKE.get(there.get("type", "obj"), there.get("type"))
        if same and not (by_index and index is not None and there.get("idx") is not None):
            return shape
    return None


def _style(kind: str) -> str:
    if kind in ("title", "ctrTitle"):
        return "title"
    return "body" if kind in _BODIES else "other"


def _bullet(paragraph: Element, before: str) -> str:
    if paragraph.find("buNone") is not None:
        return ""
    sign = paragraph.find("buChar")
    if sign is not None:
        return "•" if not sign.get("char", "").isascii() else sign.get("char", "")[:1]
    return "•" if paragraph.find("buAutoNum") is not None else before


def _of(element: Element, child: str, key: str) -> str | None:
    found = element.find(child)
    return None if found is None else found.get(key)


def _named(name: str) -> Element:
    holder = Element("solidFill")
    colour = Element("schemeClr", {"val": name})
    holder.append(colour)
    return holder
