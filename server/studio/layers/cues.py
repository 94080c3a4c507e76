"""Subtitles: what is read while it is spoken, cut into lines by the words' own times.

Their limits are those that broadcasters and streaming services agree on about: two lines, 42
columns in a wide picture, one second at least and six at most.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

_LINES: Final = 2
_COLUMNS: Final = {"wide": 42, "square": 34, "tall": 27}  # a Chinese letter takes two
_LONGEST: Final = 6.0  # s
_SHORTEST: Final = 1.0
_PAUSE: Final = 0.8  # s of silence that ends a subtitle
_STAYS: Final = 0.4  # s after its last word, if nothing else comes
_NEAR: Final = 0.25  # s between two below which the first stays until the second comes
_ENDS: Final = re.compile(r"[.!?…。！？؟۔:：][\"'”’»)\]」』]*$")
_BREAKS: Final = re.compile(r"[,;،؛、，；–—-][\"'”’»)\]」』]*$")
_FULL: Final = 0.7  # of all columns, from which on a cut after a comma is better than later


@dataclass(frozen=True, slots=True)
class Said:
    """One written word, and when it is spoken: s."""

    text: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle. begin, end: s. lines: one or two."""

    begin: float
    end: float
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it, lines joined as they were written."""
        return _joined(self.lines)

    def later(self, seconds: float) -> Cue:
        """The same in a film that begins earlier."""
        return replace(self, begin=self.begin + seconds, end=self.end + seconds)


def columns(size: tuple[int, int] | None) -> int:
    """Of a line in a film's picture, px across and down; None: of a file beside a film."""
    if size is None or size[0] >= 1.2 * size[1]:
        return _COLUMNS["wide"]
    return _COLUMNS["tall" if size[1] > 1.5 * size[0] else "square"]


def cut(words: Sequence[Said], size: tuple[int, int] | None = None) -> tuple[Cue, ...]:
    """Words in their order, as subtitles that follow each other without overlapping."""
    line = columns(size)
    groups = list(_groups([part for word in words for part in _parts(word, line)], line))
    cues: list[Cue] = []
    for number, group in enumerate(groups):
        begin = group[0].begin
        following = groups[number + 1][0].begin if number + 1 < len(groups) else None
        end = max(group[-1].end + _STAYS, begin + _SHORTEST)
        if following is not None and end > following - _NEAR:
            end = max(following, begin + 0.01)
        cues.append(Cue(begin, end, _lines([word.text for word in group], line)))
    return tuple(cues)


def _parts(word: Said, line: int) -> Iterator[Said]:
    """A word that is longer than a line, as scripts without spaces have them, in pieces."""
    if _width(word.text) <= line:
        yield word
        return
    pieces = _clauses(word.text, line)
    whole = sum(len(piece) for piece in pieces)
    at, length = word.begin, word.end - word.begin
    for piece in pieces:
        end = at + length * len(piece) / whole
        yield Said(piece, at, end)
        at = end


def _clauses(text: str, line: int) -> list[str]:
    pieces = [""]
    for letter in text:
        if _width(pieces[-1] + letter) > line and not _stays(letter):
            pieces.append("")
        pieces[-1] += letter
        if _ENDS.search(pieces[-1]) or _BREAKS.search(pieces[-1]):
            pieces.append("")
    return [piece for piece in pieces if piece]


def _stays(letter: str) -> bool:
    """Whether it never begins a line."""
    return unicodedata.category(letter) in ("Pe", "Pf", "Po", "Mn", "Mc")


def _groups(words: list[Said], line: int) -> Iterator[list[Said]]:
    """Words of one subtitle each."""
    group: list[Said] = []
    for word in words:
        if group and _is_full(group, word, line):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _is_full(group: list[Said], word: Said, line: int) -> bool:
    texts = [said.text for said in group]
    last = group[-1]
    if word.begin - last.end > _PAUSE or word.end - group[0].begin > _LONGEST:
        return True
    if len(_filled([*texts, word.text], line)) > _LINES:
        return True
    if _ENDS.search(last.text):
        return True
    return bool(_BREAKS.search(last.text)) and _width(_joined(texts)) > _FULL * _LINES * line


def _lines(texts: list[str], line: int) -> tuple[str, ...]:
    """As few lines as can be, about as long as each other, the upper one the shorter."""
    whole = _joined(texts)
    if _width(whole) <= line or len(texts) == 1:
        return (whole,)
    ways = [(_joined(texts[:n]), _joined(texts[n:])) for n in range(1, len(texts))]

    def worth(way: tuple[str, ...]) -> float:
        upper, lower = (_width(part) for part in way)
        over = max(upper - line, 0) + max(lower - line, 0)
        bonus = 6 if _BREAKS.search(way[0]) or _ENDS.search(way[0]) else 0
        return abs(lower - upper) + (2 if upper > lower else 0) + 100 * over - bonus

    return min(ways, key=worth)


def _filled(texts: list[str], line: int) -> list[str]:
    lines: list[str] = []
    for text in texts:
        if lines and _width(_joined([lines[-1], text])) <= line:
            lines[-1] = _joined([lines[-1], text])
        else:
            lines.append(text)
    return lines


def _joined(texts: Iterable[str]) -> str:
    """By spaces, but for letters that are written without."""
    whole = ""
    for text in texts:
        dense = whole and text and _is_dense(whole[-1]) and _is_dense(text[0])
        whole += text if dense or not whole else f" {text}"
    return whole


def _is_dense(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF" and not "\uac00" <= letter <= "\ud7a3"


def _width(text: str) -> int:
    """Columns."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF"
        else 1 for letter in text
    )  # fmt: skip


# --- files --------------------------------------------------------------------------------------


def srt(cues: Sequence[Cue]) -> str:
    """SubRip: what most programs read."""
    blocks = [
        f"{number}\n{_stamp(cue.begin, ',')} --> {_stamp(cue.end, ',')}\n" + "\n".join(cue.lines)
        for number, cue in enumerate(cues, 1)
    ]
    return "\n\n".join(blocks) + "\n" if blocks else ""


def vtt(cues: Sequence[Cue]) -> str:
    """WebVTT: what browsers read; see the W3C's of 2019-04-04."""
    blocks = ["WEBVTT"] + [
        f"{_stamp(cue.begin, '.')} --> {_stamp(cue.end, '.')}\n"
        + "\n".join(_escaped(line) for line in cue.lines)
        for cue in cues
    ]
    return "\n\n".join(blocks) + "\n"


def transcript(title: str, scenes: Sequence[tuple[str, str]]) -> str:
    """Plain text: the film's title, and of each scene its title and what is said; "": it has none.

    A scene without words and title is left out.
    """
    parts = [title] if title else []
    for heading, text in scenes:
        part = "\n".join(line for line in (heading.strip(), " ".join(text.split())) if line)
        parts += [part] if part else []
    return "\n\n".join(parts) + "\n" if parts else ""


def _stamp(seconds: float, point: str) -> str:
    whole = max(round(seconds * 1000), 0)
    minutes, rest = divmod(whole, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"


def _escaped(line: str) -> str:
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
