"""PPTX -> one scene a slide: its notes are said, and its picture stands beside the speaker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Final

from visavis.server.studio.document.forms import PICTURES
from visavis.server.studio.document.project import Beside, Project, Scene
from visavis.server.studio.document.values import tidied
from visavis.server.studio.document.writing import write
from visavis.server.studio.imports.colours import whole
from visavis.server.studio.imports.drawing import Drawing, text_of
from visavis.server.studio.imports.imported import Imported, Names, broken
from visavis.server.studio.imports.looks import Part
from visavis.server.studio.imports.package import Element, Package

_MOST: Final = 500  # slides
_LARGEST: Final = 20 << 20  # bytes of a picture
_TITLES: Final = frozenset({"title", "ctrTitle"})
_BESIDES: Final = frozenset({"sldNum", "dt", "ftr", "hdr"})  # number, date, footer, header
_USUAL: Final = (12_192_000, 6_858_000)  # EMU
_SHARE: Final = 0.65  # of the film: a slide is to be read
_LONGEST: Final = 200  # characters of a title


@dataclass(frozen=True, slots=True)
class Slide:
    """What is on one and said to it.

    size: in EMU. lines: all its words but the title. pictures: their parts. drawn: whether there is
    anything else to be seen, such as a chart.
    """

    number: int
    part: Part
    size: tuple[int, int]
    title: str
    lines: tuple[str, ...]
    notes: str
    pictures: tuple[str, ...]
    drawn: bool


def imported(file: IO[bytes]) -> Imported:
    """Raises Unprocessable."""
    package = Package(file)
    names, scenes, notes = Names(), list[Scene](), list[str]()
    files: dict[str, bytes] = {}
    for slide in _slides(package, notes):
        name = names.name(slide.title)
        beside = _beside(package, slide, files, notes)
        # A slide that is seen shows its title itself.
        title = "" if beside else slide.title
        scenes.append(Scene(name, _said(slide, notes), title=title, beside=beside))
    if not scenes:
        raise broken("The file has no slide that is shown.")
    return Imported(write(Project(scenes=tuple(scenes))), files, tuple(notes))


def _slides(package: Package, notes: list[str]) -> Iterator[Slide]:
    """Those that are shown, in their order."""
    start = next((r.part for r in package.related("").values() if r.kind == "officeDocument"), "")
    if not start:
        raise broken("The file is no PPTX: it names no presentation.")
    related, shown = package.related(start), package.xml(start)
    ids = [each.get("r:id", "") for each in shown.iter("sldId")]
    size = _size(shown.find("sldSz"))
    if len(ids) > _MOST:
        raise broken(f"The file has {len(ids)} slides: {_MOST} at most.")
    for number, key in enumerate(ids, 1):
        if key not in related:
            raise broken("The file is not whole: save it anew.")
        part = related[key].part
        root = package.xml(part)
        if root.get("show") in ("0", "false"):
            notes.append(f"slide {number} is hidden and left out")
        else:
            yield _slide(package, Part(part, root), number, size)


def _slide(package: Package, part: Part, number: int, size: tuple[int, int]) -> Slide:
    related, root = package.related(part.name), part.root
    titles = [_text(shape) for shape in root.iter("sp") if _kind(shape) in _TITLES]
    lines = [
        line
        for shape in root.iter("sp")
        if _kind(shape) not in _TITLES | _BESIDES
        for line in _text(shape).split("\n")
        if line
    ]
    for table in root.iter("tbl"):
        lines += [", ".join(filter(None, map(_flat, row.iter("tc")))) for row in table.iter("tr")]
    found = (_embedded(shape) for shape in root.iter("pic"))
    pictures = tuple(related[key].part for key in found if key in related)
    said = next(
        (_notes(package.xml(r.part)) for r in related.values() if r.kind == "notesSlide"), ""
    )
    title = " ".join(" ".join(titles).split())[:_LONGEST]
    drawn = any(True for _ in root.iter("graphicFrame"))
    return Slide(number, part, size, title, tuple(lines), said, pictures, drawn)


def _notes(root: Element) -> str:
    return "\n".join(
        text for shape in root.iter("sp") if _kind(shape) == "body" and (text := _text(shape))
    )


def _said(slide: Slide, notes: list[str]) -> str:
    """Its notes; without any what stands on it, for a teacher may have written it all there."""
    if slide.notes:
        return slide.notes
    words = [
        each if each[-1] in ".!?:;…。！？" else f"{each}."
        for each in (slide.title, *slide.lines)
        if each
    ]
    if words:
        notes.append(f"slide {slide.number} has no notes: what stands on it is said")
    else:
        notes.append(f"slide {slide.number} has no notes and no words: write what is said")
    return "\n".join(words)


def _beside(
    package: Package, slide: Slide, files: dict[str, bytes], notes: list[str]
) -> Beside | None:
    """The slide as a picture; where it is nothing but a picture, that."""
    if not (slide.title or slide.lines or slide.pictures or slide.drawn):
        return None
    name, content = f"slide-{slide.number}.png", b""
    if len(slide.pictures) == 1 and not slide.title and not slide.lines and not slide.drawn:
        suffix = PurePosixPath(slide.pictures[0]).suffix.lower()
        if suffix in PICTURES:
            name, content = f"slide-{slide.number}{suffix}", package.part(slide.pictures[0])
    if not content or len(content) > _LARGEST:
        drawing = Drawing(package, slide.part, slide.size)
        name, content = f"slide-{slide.number}.png", drawing.png()
        if drawing.missing:
            left = ", ".join(dict.fromkeys(drawing.missing))
            notes.append(
                f"slide {slide.number} is drawn without {left}: save it as a picture, and put that "
                f"in the place of {name}"
            )
    files[name] = content
    return Beside(name, share=_SHARE)


# --- shapes --------------------------------------------------------------------------------------


def _kind(shape: Element) -> str:
    """Of a placeholder ("title", "body"), "" of what is none."""
    place = shape.find("nvSpPr/nvPr/ph")
    return "" if place is None else place.get("type", "obj")


def _text(shape: Element) -> str:
    """A line a paragraph."""
    lines = (" ".join(tidied(text_of(paragraph)).split()) for paragraph in shape.iter("p"))
    return "\n".join(line for line in lines if line)


def _flat(shape: Element) -> str:
    return _text(shape).replace("\n", " ")


def _embedded(shape: Element) -> str:
    picture = shape.find("blipFill/blip")
    return "" if picture is None else picture.get("r:embed", "")


def _size(size: Element | None) -> tuple[int, int]:
    """Of all slides, in EMU; as usual where nobody says, or it is none."""
    if size is None:
        return _USUAL
    wide, high = whole(size.get("cx")), whole(size.get("cy"))
    return (wide, high) if wide > 0 and 0.2 < high / wide < 5 else _USUAL
