"""What the list of sessions tells of one: no word that was said, but why a person is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, Final, Literal

Doing = Literal["idle", "hearing", "thinking", "speaking"]
REASON: Final = 200  # characters of why somebody is wanted


@dataclass(frozen=True, slots=True)
class Row:
    """One session. Times: s of time.monotonic(), which all processes of a machine share.

    state: of the conversation; doing: "hearing" while the visitor speaks. wanted: since when a
    person is, None: nobody is; reason: why. mood: frustration, satisfaction, urgency, confidence.
    watchers: who looks at it; holder: the name of who has its answers, desk: their page, how: in
    which way they answer ("" while nobody does); silent: their microphone is, though they speak.
    """

    id: str
    avatar: str
    source: str
    language: str
    state: str
    doing: Doing
    begun: float
    wanted: float | None = None
    reason: str = field(default="", repr=False)
    mood: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    watchers: int = 0
    holder: str = ""
    desk: str = ""
    how: Literal["", "typing", "speaking"] = ""
    silent: bool = False

    def told(self) -> list[Any]:
        """For another process of the same version."""
        return list(astuple(self))

    def shown(self, now: float) -> dict[str, Any]:
        """As JSON; times as s ago."""
        return {
            "id": self.id,
            "avatar": self.avatar,
            "source": self.source,
            "language": self.language,
            "state": self.state,
            "doing": self.doing,
            "seconds": round(now - self.begun, 1),
            "wanted_seconds": None if self.wanted is None else round(now - self.wanted, 1),
            "reason": self.reason,
            "mood": dict(zip(_MOOD, self.mood, strict=True)),
            "watchers": self.watchers,
            "holder": self.holder,
            "desk": self.desk,
            "how": self.how,
            "silent": self.silent,
        }


_MOOD: Final = ("frustration", "satisfaction", "urgency", "confidence")


def read(values: Sequence[Any]) -> Row:
    """What `told` made. Raises TypeError."""
    made: list[Any] = [tuple(each) if isinstance(each, list) else each for each in values]
    return Row(*made)


def urgency(row: Row) -> tuple[bool, float, float]:
    """Who waits for a person comes first, the longest wait before others; then the newest."""
    waits = row.wanted is not None and not row.how
    return not waits, row.wanted if waits and row.wanted is not None else 0.0, -row.begun
