"""Short texts as coverage, by fonts that lie in packages: nothing of the system is looked for.

OpenCV carries Latin, Greek, Cyrillic and CJK letters. Arabic ones join, which it cannot do, so they
are shaped here and drawn by Pillow with Noto Sans Arabic; Pillow's own shaping needs a library of
the system.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Bytes = npt.NDArray[np.uint8]

_WEIGHT: Final = 600  # semi-bold: it is read at 9 px, too
_PROBE: Final = 100  # px of font at which letters are measured and compared
_WIDEST: Final = 2  # of a letter, in font sizes
_ARABIC: Final = re.compile(r"[\u0600-\u06ff]")
_HEBREW: Final = re.compile(r"[\u0590-\u05ff]")
_SOLE: Final = r"[0-9\u0660-\u0669\u06f0-\u06f9A-Za-z\u00c0-\u024f]+"  # read from left to right
_LATIN: Final = re.compile(rf"{_SOLE}(?:[ .,:/-]{_SOLE})*")
_MIRRORED: Final = str.maketrans("()[]{}<>\u00ab\u00bb", ")(][}{><\u00bb\u00ab")
_LOOSE: Final = re.compile(r"([()])")  # the font has far too much room around these two ...
_BACK: Final = 0.12  # ... on both sides, of its size
_LIGHT: Final = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff00-\uffef]")
_HEAVY: Final = 600  # from which weight on such letters are made heavier ...
_HEAVIER: Final = 0.03  # ... by so much of the font's size
_ABOVE: Final = 1.1  # of the font's size, rows of a line above its baseline ...
_BELOW: Final = 0.45  # ... and below it: Arabic letters reach deep
_FORMS_B: Final = range(0xFE70, 0xFEFD)  # Unicode's Arabic Presentation Forms-B
# OpenCV puts size and weight into the face, and lets other threads run meanwhile: of two that draw
# at once one would get letters of the other's size.
_ALONE: Final = threading.Lock()
_INVISIBLE: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # categories that draw nothing


def ink(text: str, capital: int) -> Bytes:
    """(rows, columns) coverage from 0 to 255, cut to what is drawn; capital: px of a capital's
    height.

    Raises ValueError for a text of which `unwritable` says what is wrong.
    """
    if wrong := unwritable(text):
        raise ValueError(f"no font has {wrong!r}")
    drawn = _arabic(text, capital) if _ARABIC.search(text) else _drawn(text, capital)
    return _cut(drawn)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text. ink: (rows, columns) coverage from 0 to 255, cut at its sides alone.

    baseline: the row on which letters stand: the same in all lines of one size.
    """

    ink: Bytes
    baseline: int


def line(text: str, size: int, weight: int = _WEIGHT) -> Line:
    """A line as it is read, from the right where its letters are Arabic or Hebrew.

    size: of the font, px; weight: 400 is regular, 700 bold. Raises ValueError as `ink` does.
    """
    if wrong := unwritable(text):
        raise ValueError(f"no font has {wrong!r}")
    if _ARABIC.search(text):
        drawn, row = _written(shaped(text), size, weight), size + _ascent(size)
    else:
        drawn, row = _put(_ordered(text), size, weight), 2 * size
    if weight >= _HEAVY and _LIGHT.search(text):
        drawn = _heavier(drawn, size)
    columns = np.flatnonzero(drawn.max(0))
    above, below = round(_ABOVE * size), round(_BELOW * size)
    rows = np.zeros((above + below, columns[-1] + 1 - columns[0]), np.uint8)
    kept = drawn[row - above : row + below, columns[0] : columns[-1] + 1]
    rows[: len(kept)] = kept
    return Line(rows, above)


def _heavier(drawn: Bytes, size: int) -> Bytes:
    """Strokes that are a little wider: the font of CJK letters has one weight alone."""
    wide = _HEAVIER * size
    if wide < 1:
        return np.asarray(np.maximum(drawn, np.roll(drawn, 1, 1) * wide), np.uint8)
    kernel = np.ones((1 + round(wide / 2), 1 + round(wide)), np.uint8)
    return np.asarray(cv2.dilate(drawn, kernel), np.uint8)


def width(text: str, size: int, weight: int = _WEIGHT) -> float:
    """px that a line takes, about; quicker than drawing it."""
    if _ARABIC.search(text):
        return float(_noto(size, weight).getlength(_joined(text)))
    loose = 2 * _BACK * size * len(_LOOSE.findall(text))
    with _ALONE:
        drawn = cv2.getTextSize((0, 0), text, (0, 0), _face(), size, weight)[2]
    return float(drawn) - loose


def is_from_right(text: str) -> bool:
    """Whether it is read from the right: most of its letters are Arabic or Hebrew."""
    turned = sum(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text)
    return turned > sum(unicodedata.bidirectional(letter) == "L" for letter in text)


def unwritable(text: str) -> str:
    """The characters that cannot be drawn; "" where all can. Blank texts cannot."""
    if not text.strip():
        return text or " "
    has = _has_arabic if _ARABIC.search(text) else _has
    return "".join(dict.fromkeys(c for c in text if c != " " and not has(c)))


def _cut(drawn: Bytes) -> Bytes:
    rows, columns = np.flatnonzero(drawn.max(1)), np.flatnonzero(drawn.max(0))
    return drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


# --- by OpenCV ----------------------------------------------------------------------------------


def _drawn(text: str, capital: int) -> Bytes:
    return _put(text, max(1, round(capital / _capital())))


def _put(text: str, size: int, weight: int = _WEIGHT) -> Bytes:
    """size: of the font, px; letters stand on the row 2 * size."""
    canvas = np.zeros((3 * size, _WIDEST * size * (len(text) + 1), 3), np.uint8)
    pen, white = size, (255, 255, 255)
    for part in filter(None, _LOOSE.split(text)):
        back = round(_BACK * size) if _LOOSE.fullmatch(part) else 0
        at = pen - back, 2 * size
        # where the text goes on, and the picture, in spite of its types
        with _ALONE:
            drawn: Any = cv2.putText(canvas, part, at, white, _face(), size, weight)
        pen = drawn[0][0] - back
    return canvas[..., 0]


@cache
def _face() -> cv2.FontFace:
    return cv2.FontFace("sans")


@cache
def _capital() -> float:
    """Height of a capital letter, of the font's size."""
    return len(_cut(_put("H", _PROBE))) / _PROBE


@lru_cache(maxsize=4096)
def _has(letter: str) -> bool:
    """What it has not it draws as a question mark."""
    if unicodedata.category(letter) in _INVISIBLE:
        return False
    return letter == "?" or not np.array_equal(_put(letter, _PROBE), _put("?", _PROBE))


def _ordered(text: str) -> str:
    """Hebrew as it is drawn from left to right."""
    return _turned(text) if _HEBREW.search(text) else text


# --- Arabic -------------------------------------------------------------------------------------


def _arabic(text: str, capital: int) -> Bytes:
    shown, height = shaped(text), len(_cut(_written("H", _PROBE)))
    return _written(shown, max(1, round(capital * _PROBE / height)))


def _written(text: str, size: int, weight: int = _WEIGHT) -> Bytes:
    canvas = Image.new("L", (_WIDEST * size * (len(text) + 1), 3 * size))
    ImageDraw.Draw(canvas).text((size, size), text, font=_noto(size, weight), fill=255)
    return np.asarray(canvas)


def _ascent(size: int) -> int:
    return _noto(size).getmetrics()[0]


@lru_cache(maxsize=16)
def _noto(size: int, weight: int = _WEIGHT) -> ImageFont.FreeTypeFont:
    path = files("pylopdf_fonts_ar") / "NotoSansArabic-Variable.ttf"
    font = ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    font.set_variation_by_axes([weight, 100])  # weight, width in %
    return font


@lru_cache(maxsize=1024)
def _has_arabic(letter: str) -> bool:
    if unicodedata.category(letter) in _INVISIBLE:
        return False
    drawn = _written(shaped(letter), _PROBE)
    return bool(drawn.any()) and not np.array_equal(drawn, _written("\uffff", _PROBE))


def shaped(text: str) -> str:
    """Arabic as it is drawn from left to right: each letter's form by its neighbours, all turned
    round but for words and numbers in Latin letters."""
    return _turned(_joined(text))


def _turned(text: str) -> str:
    turned = text.translate(_MIRRORED)[::-1]
    return _LATIN.sub(lambda found: found.group()[::-1], turned)


def _joined(text: str) -> str:
    forms, ligatures = _forms()
    letters: list[str] = []
    for letter in text:  # lam with an alef after it is one sign
        last = letters[-1] if letters else ""
        if last + letter in ligatures:
            letters[-1] = last + letter
        else:
            letters.append(letter)
    return "".join(
        _form(letters, n, forms) if letters[n] in forms else letters[n] for n in range(len(letters))
    )


def _form(letters: list[str], n: int, forms: dict[str, dict[str, str]]) -> str:
    own = forms[letters[n]]
    before = forms.get(letters[n - 1], {}) if n else {}
    after = forms.get(letters[n + 1], {}) if n + 1 < len(letters) else {}
    to_last = "<initial>" in before and "<final>" in own
    to_next = "<initial>" in own and "<final>" in after
    which = ("<isolated>", "<initial>", "<final>", "<medial>")[2 * to_last + to_next]
    return own.get(which, letters[n])


@cache
def _forms() -> tuple[dict[str, dict[str, str]], set[str]]:
    """Of each letter its forms by name, and the pairs that are one sign."""
    forms: dict[str, dict[str, str]] = {}
    for code in _FORMS_B:
        which, *parts = unicodedata.decomposition(chr(code)).split() or [""]
        letters = "".join(chr(int(part, 16)) for part in parts)
        if letters and " " not in letters:
            forms.setdefault(letters, {})[which] = chr(code)
    return forms, {letters for letters in forms if len(letters) > 1 and letters[0] == "\u0644"}
