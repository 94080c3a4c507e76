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
from visavis.server.studio.imports.imported import Imported, Names, broken
from visavis.server.studio.imports.package import Element, Package

_MOST: Final = 500  # slides
_LARGEST: Final = 20 << 20  # bytes of a picture
_TITLES: Final = frozenset({"title", "ctrTitle"})
_BESIDES: Final = frozenset({"sldNum", "dt", "ftr", "hdr"})  # number, date, footer, header
_LONGEST: Final = 200  # characters of a title


@dataclass(frozen=True, slots=True)
class Picture:
    """One on a slide. area: of the slide, in square EMU."""

    part: str
    area: int


@dataclass(frozen=True, slots=True)
class Slide:
    """What is on one and said to it. lines: all its words but the title."""

    number: int
    title: str
    lines: tuple[str, ...]
    notes: str
    pictures: tuple[Picture, ...]


def imported(file: IO[bytes]) -> Imported:
    """Raises Unprocessable."""
    package = Package(file)
    names, scenes, notes = Names(), list[Scene](), list[str]()
    files: dict[str, bytes] = {}
    for slide in _slides(package, notes):
        name = names.name(slide.title or "")
        beside = _beside(package, slide, files, notes)
        scenes.append(Scene(name, _said(slide, notes), title=slide.title, beside=beside))
    if not scenes:
        raise broken("The file has no slide that is shown.")
    return Imported(write(Project(scenes=tuple(scenes))), files, tuple(notes))


def _slides(package: Package, notes: list[str]) -> Iterator[Slide]:
    """Those that are shown, in their order."""
    start = next((r.part for r in package.related("").values() if r.kind == "officeDocument"), "")
    if not start:
        raise broken("The file is no PPTX: it names no presentation.")
    related = package.related(start)
    ids = [each.get("r:id", "") for each in package.xml(start).iter("sldId")]
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
            yield _slide(package, part, root, number)


def _slide(package: Package, part: str, root: Element, number: int) -> Slide:
    related = package.related(part)
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
    pictures = [
        Picture(related[found].part, _area(shape))
        for shape in root.iter("pic")
        if (found := _embedded(shape)) in related
    ]
    said = next(
        (_notes(package.xml(r.part)) for r in related.values() if r.kind == "notesSlide"), ""
    )
    title = " ".join(" ".join(titles).split())[:_LONGEST]
    return Slide(number, title, tuple(lines), said, tuple(pictures))


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
    """The largest of its pictures that can be used."""
    for picture in sorted(slide.pictures, key=lambda each: -each.area):
        suffix = PurePosixPath(picture.part).suffix.lower()
        if suffix not in PICTURES:
            notes.append(f"slide {slide.number}: a picture of the kind {suffix} is left out")
            continue
        content = package.part(picture.part)
        if len(content) > _LARGEST:
            notes.append(f"slide {slide.number}: a picture over {_LARGEST >> 20} MB is left out")
            continue
        name = f"slide-{slide.number}{suffix}"
        files[name] = content
        return Beside(name)
    return None


# --- shapes --------------------------------------------------------------------------------------


def _kind(shape: Element) -> str:
    """Of a placeholder ("title", "body"), "" of what is none."""
    place = shape.find("nvSpPr/nvPr/ph")
    return "" if place is None else place.get("type", "obj")


def _text(shape: Element) -> str:
    """A line a paragraph."""
    lines = (" ".join(_runs(paragraph).split()) for paragraph in shape.iter("p"))
    return "\n".join(line for line in lines if line)


def _flat(shape: Element) -> str:
    return _text(shape).replace("\n", " ")


def _runs(paragraph: Element) -> str:
    parts = []
    for each in paragraph:
        if each.tag == "br":
            parts.append(" ")
        elif each.tag == "r" or (each.tag == "fld" and each.get("type") != "slidenum"):
            parts.append("".join(text.text or "" for text in each.iter("t")))
    return tidied("".join(parts))


def _embedded(shape: Element) -> str:
    picture = shape.find("blipFill/blip")
    return "" if picture is None else picture.get("r:embed", "")


def _area(shape: Element) -> int:
    size = shape.find("spPr/xfrm/ext")
    try:
        return 0 if size is None else int(size.get("cx", "0")) * int(size.get("cy", "0"))
    except ValueError:
        return 0
