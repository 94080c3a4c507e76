"""Texts broken into lines and set: of any script that `models.pictures.lettering` has."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from visavis.models.pictures import lettering

Bytes = npt.NDArray[np.uint8]
Align = Literal["left", "middle", "right"]

_CAPITAL: Final = 0.74  # of the font's size
_STEP: Final = 0.94  # between two sizes that are tried
# Written without spaces between words: broken anywhere but before and behind some signs
_DENSE: Final = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")
_NO_BEGIN: Final = frozenset(
    "、。，．・：；？！」』）］｝〉》】〕ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ"
)
_NO_BEGIN_SIGNS: Final = frozenset("、。，．・：；？！」』）］｝〉》】〕")
_HIRAGANA: Final = re.compile(r"[\u3041-\u309f]")
_NO_END: Final = frozenset("「『（［｛〈《【〔")


@dataclass(frozen=True, slots=True)
class Type:
    """How letters are set. size: of the font, px. leading: from line to line, of the size."""

    size: int
    weight: int
    leading: float = 1.2

    def scaled(self, factor: float) -> Type:
        """The same, larger or smaller."""
        return Type(max(round(self.size * factor), 8), self.weight, self.leading)


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that are set. ink: (rows, columns) coverage from 0 to 255.

    top: the row of the first line's capitals; bottom: the last line's baseline.
    """

    ink: Bytes
    top: int
    bottom: int


def writable(text: str) -> tuple[str, str]:
    """The text without what no font has, its spaces made single ones; and what was left out."""
    tidy = " ".join(text.split())
    missing = lettering.unwritable(tidy) if tidy else ""
    kept = "".join(letter for letter in tidy if letter not in missing or letter == " ")
    return " ".join(kept.split()), missing.strip()


def wrapped(text: str, type_: Type, width: float) -> list[str]:
    """Lines of at most `width` px, as few as can be and about as long as each other.

    A word that is wider by itself is broken.
    """
    measure = _measured(type_)
    pieces = _pieces(text, measure, width)
    lines = _filled(pieces, measure, width)
    low, high = width / max(len(lines), 1), width
    for _ in range(7):  # the narrowest width that takes no more lines
        middle = (low + high) / 2
        if len(_filled(pieces, measure, middle)) > len(lines):
            low = middle
        else:
            high = middle
    return _filled(pieces, measure, high)


def fitted(
    text: str, type_: Type, width: float, most: int, smallest: float
) -> tuple[list[str], Type]:
    """Lines, in a type that is smaller where there would be more than `most` of them.

    smallest: of the type's size. What does not fit then ends with an ellipsis.
    """
    tried, floor = type_, type_.size * smallest
    while True:
        lines = wrapped(text, tried, width)
        if len(lines) <= most:
            return lines, tried
        smaller = tried.scaled(_STEP)
        if smaller.size < floor or smaller.size == tried.size:
            return [*lines[: most - 1], _shortened(lines[most - 1], tried, width)], tried
        tried = smaller


def block(lines: Sequence[str], type_: Type, align: Align) -> Block:
    """All lines under each other. Raises ValueError for what `writable` would leave out."""
    set_ = [lettering.line(line, type_.size, type_.weight) for line in lines]
    pitch, columns = round(type_.leading * type_.size), max(one.ink.shape[1] for one in set_)
    first = set_[0].baseline
    below = max(one.ink.shape[0] - one.baseline for one in set_)
    ink = np.zeros((first + pitch * (len(set_) - 1) + below, columns), np.uint8)
    for number, one in enumerate(set_):
        top = first + pitch * number - one.baseline
        spare = columns - one.ink.shape[1]
        left = {"left": 0, "middle": spare // 2, "right": spare}[align]
        there = ink[top : top + one.ink.shape[0], left : left + one.ink.shape[1]]
        np.maximum(there, one.ink[: len(there)], out=there)
    return Block(ink, first - round(_CAPITAL * type_.size), first + pitch * (len(set_) - 1))


def _measured(type_: Type) -> Callable[[str], float]:
    known: dict[str, float] = {}

    def measure(text: str) -> float:
        if text not in known:
            known[text] = lettering.width(text, type_.size, type_.weight)
        return known[text]

    return measure


def _pieces(text: str, measure: Callable[[str], float], width: float) -> list[str]:
    """What stays together, its space behind it."""
    pieces: list[str] = []
    for word in re.findall(r"\S+ ?", text):
        parts = _syllables(word) if _DENSE.search(word) else [word]
        for part in parts:
            pieces += [part] if measure(part.rstrip()) <= width else _broken(part, measure, width)
    return pieces


def _syllables(word: str) -> list[str]:
    """Where a word of a script without spaces may be broken; Japanese where its words begin."""
    parts: list[str] = []
    japanese = _HIRAGANA.search(word) is not None
    for letter in word:
        joined = parts and (
            letter in _NO_BEGIN
            or parts[-1][-1] in _NO_END
            or not (_DENSE.match(letter) or _DENSE.match(parts[-1][-1]))
            or letter == " "
            or (japanese and not _begins(parts[-1][-1], letter))
        )
        if joined:
            parts[-1] += letter
        else:
            parts.append(letter)
    return parts


def _begins(last: str, letter: str) -> bool:
    """Whether a Japanese word begins with a letter: behind its endings, or behind a sign."""
    ends = _HIRAGANA.match(last) and last not in "おご"
    return bool((ends or last in _NO_BEGIN_SIGNS) and not _HIRAGANA.match(letter))


def _broken(word: str, measure: Callable[[str], float], width: float) -> list[str]:
    parts = [""]
    for letter in word:
        if parts[-1] and measure(parts[-1] + letter) > width:
            parts.append("")
        parts[-1] += letter
    return parts


def _filled(pieces: list[str], measure: Callable[[str], float], width: float) -> list[str]:
    lines: list[str] = []
    for piece in pieces:
        if lines and measure((lines[-1] + piece).rstrip()) <= width:
            lines[-1] += piece
        else:
            lines.append(piece)
    return [line.rstrip() for line in lines]


def _shortened(line: str, type_: Type, width: float) -> str:
    while len(line) > 1 and lettering.width(line + "…", type_.size, type_.weight) > width:
        line = line[:-1]
    return line.rstrip(" ,.;:-–") + "…"
