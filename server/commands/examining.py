"""`visavis avatar check`: an avatar's report in words, and its sheet of expressions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from visavis.engines import load
from visavis.engines.base import FaceState
from visavis.engines.motion.expressions import expressions
from visavis.models.avatar.file import Avatar
from visavis.models.quality import contact_sheet
from visavis.models.quality import measure as quality
from visavis.models.quality.subject import SIDE, Bytes, Draw, as_rgb, points, shrunk

_LEVELS: Final[tuple[tuple[quality.Level, str], ...]] = (
    ("pass", "good"),
    ("weak", "weak"),
    ("bad", "bad"),
)
_AROUND: Final = 1.3  # side of a close-up in face heights


def examine(avatar: Avatar, progress: quality.Progress) -> quality.Report:
    """Measure everything with the generator that a session uses. Raises EngineError."""
    return quality.check(avatar, _drawing, progress)


def in_words(report: quality.Report) -> Iterator[str]:
    """One line a finding, what to do about it under it, and the count."""
    for finding in report.findings:
        yield f"{finding.level:5} {finding.title:12} {finding.figure}"
        if finding.advice:
            yield f"{'':18} -> {finding.advice}"
    counts = [(report.count(level), word) for level, word in _LEVELS]
    yield f"{report.name}: {', '.join(f'{count} {word}' for count, word in counts if count)}"


def write_sheet(avatar: Avatar, path: Path) -> None:
    """The photo and what the generator makes of it, close up. Raises AvatarError, EngineError."""
    draw = load.drawing(avatar, SIDE, SIDE)
    pictures = {"photo": shrunk(avatar.picture())}
    states = expressions()
    for name, state in states.items():
        pictures[name] = as_rgb(draw(state))
    x, y, side = _close_up(pictures["neutral"])
    for name, state in {"photo": FaceState(), **states}.items():
        if not state.pose.any():  # a turn is seen whole: hair, neck and shoulders follow it
            pictures[name] = pictures[name][y : y + side, x : x + side]
    contact_sheet.save(contact_sheet.sheet(pictures), path)


def _close_up(picture: Bytes) -> tuple[int, int, int]:
    """Left, top and side of the square around the face; the whole picture when there is none."""
    face = points(picture)
    if not len(face):
        return 0, 0, SIDE
    low, high = face[:, :2].min(0), face[:, :2].max(0)
    side = min(int(_AROUND * (high - low).max()), SIDE)
    x, y = np.clip(((low + high) / 2 - side / 2).astype(int), 0, SIDE - side)
    return int(x), int(y), side


def _drawing(avatar: Avatar) -> Draw:
    """The generator as quality.check wants it."""
    draw = load.drawing(avatar, SIDE, SIDE)
    return lambda face, pose, gaze: draw(FaceState(face, pose, gaze))
