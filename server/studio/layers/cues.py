"""Subtitles: what is read while it is spoken, cut into lines by the words' own times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle. begin, end: s. lines: one or two."""

    begin: float
    end: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """One written word, and when it is spoken: s."""

    text: str
    begin: float
    end: float
