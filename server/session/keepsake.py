"""What is left of a session that ended while its visitor was away: enough to go on in another one.

It is what visitors said, so its representation says nothing, and it is written for a store only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Self

from visavis.engines.base import Remark
from visavis.engines.direction.styles import ActiveStyles, table
from visavis.server.playout.messages import Request

MOST: Final = 32_000  # bytes of one that is written

# Of a request: what can be written. What a visitor's mood called for is read from the words anew.
_REQUEST: Final = ("text", "origin", "arousal", "style", "skip", "language")


@dataclass(frozen=True, slots=True)
class Keepsake:
    """remarks: the history; turn: the last one. styles: in force, by name and strength.

    unfinished: what was not heard of the last answer; halted: what a visitor had stopped.
    language: BCP 47, of the conversation; follows: whether it goes over to the visitor's.
    told: whether the visitor has heard that a computer speaks.
    """

    turn: int
    remarks: tuple[Remark, ...] = field(default=(), repr=False)
    styles: tuple[tuple[str, float], ...] = ()
    unfinished: Request | None = field(default=None, repr=False)
    halted: Request | None = field(default=None, repr=False)
    language: str = "en"
    follows: bool = False
    told: bool = False

    def active(self) -> ActiveStyles:
        """The styles in force; one that the table no longer has is left out."""
        held = ((table().get(name), strength) for name, strength in self.styles)
        return ActiveStyles(tuple((style, k) for style, k in held if style is not None))

    def within(self, most: int = MOST) -> Self:
        """With as many of the last turns as can be written in so many bytes."""
        kept = self
        while _size(kept) > most and kept.remarks:
            oldest = kept.remarks[0].turn
            left = tuple(each for each in kept.remarks if each.turn != oldest)
            kept = replace(kept, remarks=left)
        return kept if _size(kept) <= most else replace(kept, unfinished=None, halted=None)


def _size(keepsake: Keepsake) -> int:
    return len(written(keepsake).encode("utf-8", "surrogatepass"))


def names_of(active: ActiveStyles) -> tuple[tuple[str, float], ...]:
    """Styles in force by name and strength."""
    return tuple((style.name, strength) for style, strength in active.held)


def written(keepsake: Keepsake) -> str:
    """As JSON."""
    told = {
        "turn": keepsake.turn,
        "remarks": [asdict(each) for each in keepsake.remarks],
        "styles": keepsake.styles,
        "unfinished": _request(keepsake.unfinished),
        "halted": _request(keepsake.halted),
        "language": keepsake.language,
        "follows": keepsake.follows,
        "told": keepsake.told,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def read(text: str) -> Keepsake:
    """What `written` wrote. Raises ValueError, KeyError, TypeError."""
    told: Mapping[str, Any] = json.loads(text)
    return Keepsake(
        int(told["turn"]),
        _remarks(told["remarks"]),
        tuple((str(name), float(strength)) for name, strength in told["styles"]),
        _asked(told["unfinished"]),
        _asked(told["halted"]),
        str(told["language"]),
        bool(told["follows"]),
        bool(told["told"]),
    )


def _remarks(rows: Sequence[Mapping[str, Any]]) -> tuple[Remark, ...]:
    return tuple(Remark(**row) for row in rows)


def _request(request: Request | None) -> dict[str, Any] | None:
    return None if request is None else {name: getattr(request, name) for name in _REQUEST}


def _asked(row: Mapping[str, Any] | None) -> Request | None:
    return None if row is None else Request(origin_at=0, **row)
