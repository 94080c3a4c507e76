"""What a server's studio answers, as data; see docs/api.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, TypeVar

_OVER: Final = frozenset({"done", "failed", "cancelled"})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Video:
    """As docs/api.md has it. files: addresses by format."""

    id: str
    title: str
    project: str
    language: str
    formats: list[str]
    status: str
    done: float
    left: float | None
    note: str
    fault: str
    code: str
    tries: int
    at: float
    files: dict[str, str]
    seconds: float | None
    notes: list[str]

    @property
    def is_over(self) -> bool:
        """Whether nothing changes any more."""
        return self.status in _OVER


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a batch. files: addresses by format."""

    row: int
    label: str
    status: str
    done: float
    fault: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Batch:
    """All of it; `rows` of an event are those that changed."""

    id: str
    title: str
    project: str
    status: str
    done: float
    left: float | None
    count: int
    counts: dict[str, int]
    rows: list[Row]

    @property
    def is_over(self) -> bool:
        """Whether nothing changes any more."""
        return self.status in _OVER


@dataclass(frozen=True, slots=True)
class Project:
    """As the server has it. etag: give it back when you save. project: None where the script cannot
    be read; faults say why.
    """

    name: str
    etag: str
    script: str
    project: dict[str, Any] | None
    files: list[dict[str, Any]]
    faults: list[dict[str, Any]]
    seconds: float


@dataclass(frozen=True, slots=True)
class Translation:
    """A project's texts in another language, side by side.

    direction: "ltr" or "rtl". by: who translated. pairs: `scene`, `field`, `source`, `target`,
    `fit` (how much quicker it is to be spoken) and `state` ("machine", "checked", "stale") of each.
    """

    project: str
    language: str
    direction: str
    by: str
    pairs: list[dict[str, Any]]
    notes: list[str]


def batch(found: Mapping[str, Any]) -> Batch:
    rows = [known(Row, each) for each in found.get("rows", [])]
    return known(Batch, {**found, "rows": rows})


def known(kind: type[T], found: Mapping[str, Any]) -> T:
    """Without what later versions add."""
    named = {each.name for each in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    return kind(**{key: value for key, value in found.items() if key in named})
