"""What was found in a file, as people and scripts read it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from visavis.engines.marking.evidence import Found
from visavis.engines.marking.payload import Payload, SessionClass

Where = Literal["picture", "sound"]
WHERE: Final[tuple[Where, ...]] = ("picture", "sound")
NOTHING: Final = "no mark found: that proves nothing"
_SURE: Final = 8  # nines at most: more say nothing to anybody
_KINDS: Final = {
    SessionClass.LIVE: "live session",
    SessionClass.VIDEO: "video",
    SessionClass.CAMERA: "camera",
    SessionClass.PUBLISHED: "published stream",
    SessionClass.EMBEDDED: "session in another program",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One that is sure enough to be told, and where it is."""

    where: Where
    found: Found


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one file.

    seconds: how long it says it is; heard, seen: s of sound and pictures that were looked at.
    own: this installation's number; None: it has none yet.
    """

    marks: tuple[Mark, ...] = ()
    seconds: float = 0.0
    heard: float = 0.0
    seen: int = 0
    own: int | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def payloads(self) -> tuple[Payload, ...]:
        """Who made it: mostly one, the surest first."""
        ordered = sorted(self.marks, key=lambda mark: mark.found.log10_false_alarm)
        return tuple(dict.fromkeys(mark.found.payload for mark in ordered))

    def of(self, payload: Payload) -> Iterator[Mark]:
        """Its marks: in the picture, in the sound."""
        found = [mark for mark in self.marks if mark.found.payload == payload]
        return iter(sorted(found, key=lambda mark: WHERE.index(mark.where)))

    def words(self) -> Iterator[str]:
        """For people: one line each of who made it, or that nothing is known."""
        for payload in self.payloads:
            own = " (this one)" if payload.installation == self.own else ""
            sure = ", ".join(f"{mark.where} {percent(mark.found)}" for mark in self.of(payload))
            yield (
                f"made by visavis: installation {number(payload)}{own}, day {payload.date}, "
                f"{_KINDS.get(payload.session, 'session')}; {sure}"
            )
        if not self.marks:
            yield NOTHING
        yield from self.notes

    def as_json(self) -> dict[str, Any]:
        """For scripts and the page; see docs/api.md."""
        return {
            "made_by": [self._maker(payload) for payload in self.payloads],
            "seconds": round(self.seconds, 3) if self.seconds else None,
            "looked_at": {"sound_seconds": round(self.heard, 1), "pictures": self.seen},
            "notes": list(self.notes),
        }

    def _maker(self, payload: Payload) -> dict[str, Any]:
        return {
            "installation": number(payload),
            "own": payload.installation == self.own,
            "day": payload.date.isoformat(),
            "session": payload.session.name.lower(),
            "marks": [
                {
                    "in": mark.where,
                    "confidence": percent(mark.found),
                    "log10_false_alarm": round(mark.found.log10_false_alarm, 1),
                    "agreement": round(mark.found.agreement, 3),
                }
                for mark in self.of(payload)
            ],
        }


def number(payload: Payload) -> str:
    """An installation as people write it: six hexadecimal digits."""
    return f"{payload.installation:06x}"


def percent(found: Found) -> str:
    """How sure it is, cut and not rounded: 99.9999 %."""
    nines = min(max(math.floor(-found.log10_false_alarm), 2), _SURE)
    return f"99.{'9' * (nines - 2)} %" if nines > 2 else "99 %"
