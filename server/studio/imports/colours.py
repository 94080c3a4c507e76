"""Colours of slides: given outright, or by the theme's names, made lighter or darker."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Mapping
from typing import Final

from visavis.server.studio.imports.package import Element

Rgb = tuple[int, int, int]

WHITE: Final[Rgb] = (255, 255, 255)
BLACK: Final[Rgb] = (0, 0, 0)
_HEX: Final = re.compile("[0-9a-fA-F]{6}")
_NAMED: Final[Mapping[str, Rgb]] = {
    "black": BLACK, "white": WHITE, "red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255),
    "yellow": (255, 255, 0), "gray": (128, 128, 128), "orange": (255, 165, 0),
}  # fmt: skip
_USUAL: Final[Mapping[str, str]] = {"bg1": "lt1", "tx1": "dk1", "bg2": "lt2", "tx2": "dk2"}


class Colours:
    """Those of one master. theme: its part; mapping: of its clrMap; None: as usual."""

    def __init__(self, theme: Element | None, mapping: Element | None) -> None:
        self._mapping = {**_USUAL, **(mapping.attrib if mapping is not None else {})}
        scheme = theme.find("themeElements/clrScheme") if theme is not None else None
        self._scheme = {each.tag: each for each in scheme} if scheme is not None else {}

    def of(self, holder: Element | None) -> Rgb | None:
        """Of what holds one, such as solidFill; None: it holds none."""
        if holder is None:
            return None
        for each in holder:
            if (found := self._one(each)) is not None:
                return _varied(found, each)
        return None

    def _one(self, colour: Element) -> Rgb | None:
        value = colour.get("val", "")
        match colour.tag:
            case "srgbClr":
                return _hex(value)
            case "sysClr":
                return _hex(colour.get("lastClr", ""))
            case "prstClr":
                return _NAMED.get(value)
            case "schemeClr":
                return self.of(self._scheme.get(self._mapping.get(value, value)))
        return None


def _hex(value: str) -> Rgb | None:
    if not _HEX.fullmatch(value):
        return None
    return int(value[:2], 16), int(value[2:4], 16), int(value[4:], 16)


def _varied(rgb: Rgb, how: Element) -> Rgb:
    """With what stands in the colour: its lightness changed, mixed with white or black."""
    hue, light, deep = colorsys.rgb_to_hls(*(part / 255 for part in rgb))
    for each in how:
        share = share_of(each.get("val"), 1.0)
        if each.tag == "lumMod":
            light *= share
        elif each.tag == "lumOff":
            light += share
        elif each.tag == "tint":
            light = 1 - (1 - light) * share
        elif each.tag == "shade":
            light *= share
    red, green, blue = colorsys.hls_to_rgb(hue, min(max(light, 0.0), 1.0), deep)
    return round(red * 255), round(green * 255), round(blue * 255)


def share_of(value: str | None, otherwise: float) -> float:
    """A percentage as slides have it, in thousandths: "75000" -> 0.75."""
    return whole(value, round(otherwise * 100_000)) / 100_000


def whole(value: str | None, otherwise: int = 0) -> int:
    """A whole number, within what any slide has."""
    try:
        return max(-(10**9), min(int(value or otherwise), 10**9))
    except ValueError:
        return otherwise
