"""The table of styles, and how directions add up to a demeanour. Reads no wishes: `direction` does.

The table is data/styles.toml, whose first lines explain it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from visavis.engines.base import Affect, Demeanour, Expression, Movement, Prosody
from visavis.engines.motion.affect import mixed, voiced

PATH: Final = Path(__file__).parents[1] / "data" / "styles.toml"

# Strengths; the values of the table are those of PLAIN.
SLIGHTLY: Final = 0.45
SOMEWHAT: Final = 0.7
PLAIN: Final = 1.0
VERY: Final = 1.35
EXTREMELY: Final = 1.7
_MORE: Final = 0.35  # what "more" adds to a style in force
_LESS: Final = 0.5  # what "less" leaves of it
_INSTEAD: Final = 0.6  # of the opposite, where what is to be less is not in force

How = Literal["be", "more", "less", "not"]


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """One row of the table; `affect` holds only the axes that the row names."""

    name: str
    group: str
    say: tuple[str, ...]
    also: tuple[str, ...]
    affect: Mapping[str, float] = field(default_factory=dict)
    expression: Expression = field(default_factory=Expression)
    prosody: Prosody = field(default_factory=Prosody)
    move: Movement | None = None
    opposite: str = ""
    resets: bool = False


@cache
def table() -> Mapping[str, Style]:
    """Every style by name, in the order of the file."""
    rows = tomllib.loads(PATH.read_text(encoding="utf-8"))
    return {name: _style(name, row) for name, row in rows.items()}


def _style(name: str, row: Mapping[str, Any]) -> Style:
    pose = (*row.get("pose", (0.0, 0.0, 0.0)), 0.0, 0.0, 0.0)
    look = row.get("look")
    return Style(
        name,
        row["group"],
        tuple(row["say"]),
        tuple(row.get("also", ())),
        row.get("affect", {}),
        Expression(
            row.get("face", {}),
            pose,
            row.get("lively", 1.0),
            row.get("away", 0.0),
            tuple(look) if look else None,
        ),
        Prosody(row.get("speed", 1.0), row.get("pitch", 0.0), row.get("energy", 0.0)),
        row.get("move"),
        row.get("opposite", ""),
        row.get("resets", False),
    )


@dataclass(frozen=True, slots=True)
class Change:
    """One wish: be this style, at this strength, or more or less of it, or not."""

    style: Style
    strength: float = PLAIN
    how: How = "be"

    @property
    def words(self) -> str:
        """As it is told back: "very warm", "less sad", "not smiling"."""
        if self.how != "be":
            return f"{self.how} {self.style.name}"
        names = {SLIGHTLY: "slightly", SOMEWHAT: "somewhat", VERY: "very", EXTREMELY: "extremely"}
        return f"{names.get(self.strength, '')} {self.style.name}".strip()


@dataclass(frozen=True, slots=True)
class Direction:
    """What was understood of a wish, and in `dropped` the words of which nothing was."""

    changes: tuple[Change, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def styles(self) -> tuple[str, ...]:
        """What was understood, in words."""
        return tuple(change.words for change in self.changes)

    @property
    def movements(self) -> tuple[Movement, ...]:
        """What is to be done once, now."""
        return tuple(c.style.move for c in self.changes if c.style.move and c.how != "not")

    @property
    def momentary(self) -> bool:
        """Whether it is over once it is done: a nod changes nothing that is in force."""
        return all(change.style.move for change in self.changes)


NOTHING: Final = Direction()


@dataclass(frozen=True, slots=True)
class ActiveStyles:
    """The styles in force, each with its strength, the oldest first."""

    held: tuple[tuple[Style, float], ...] = ()

    def directed(self, *directions: Direction) -> ActiveStyles:
        """After these directions, one after the other."""
        styles = self
        for direction in directions:
            styles = styles._after(direction)
        return styles

    def _after(self, direction: Direction) -> ActiveStyles:
        settled = (_settled(change, self) for change in direction.changes)
        changes = [change for change in settled if change is not None]
        if any(change.style.resets for change in changes):
            held: dict[Style, float] = {}
        else:
            replaced = {c.style.group for c in changes if c.how == "be" and c.strength > 0}
            gone = {change.style for change in changes}
            held = {s: k for s, k in self.held if s.group not in replaced and s not in gone}
        for change in changes:
            if change.strength > 0 and not (change.style.move or change.style.resets):
                held[change.style] = change.strength
        return ActiveStyles(tuple(held.items()))

    @property
    def demeanour(self) -> Demeanour:
        """How it appears and sounds; the voice follows the affect, then the styles' own wishes."""
        affect = _affect(self.held)
        expression = mixed((style.expression, strength) for style, strength in self.held)
        return Demeanour(affect, expression, _prosody(affect, self.held))


def _settled(change: Change, active: ActiveStyles) -> Change | None:
    """A relative wish as an absolute one, strength 0 for what is to go; None: nothing to do."""
    strength = dict(active.held).get(change.style)
    if change.how == "be":
        return change
    if change.how == "more":
        step = change.strength if strength is None else strength + _MORE * change.strength
        return replace(change, strength=min(step, EXTREMELY))
    if strength is not None:
        return replace(change, strength=_LESS * strength if change.how == "less" else 0.0)
    opposite = table().get(change.style.opposite)
    return Change(opposite, _INSTEAD * change.strength) if opposite else None


def _affect(held: Iterable[tuple[Style, float]]) -> Affect:
    """On each axis the strongest pull up and the strongest pull down: two moods both show."""
    rows = [(style.affect, strength) for style, strength in held]

    def pulled(axis: str) -> float:
        pulls = [0.0, *(row.get(axis, 0.0) * strength for row, strength in rows)]
        return min(max(max(pulls) + min(pulls), -1.0), 1.0)

    absence = max([0.0, *((1.0 - row.get("attention", 1.0)) * k for row, k in rows)])
    return Affect(
        pulled("valence"), pulled("arousal"), pulled("confidence"), max(1.0 - absence, 0.0)
    )


def _prosody(affect: Affect, held: Iterable[tuple[Style, float]]) -> Prosody:
    base = voiced(affect)
    speed, pitch, energy = base.speed, base.pitch, base.energy
    for style, strength in held:
        speed *= style.prosody.speed**strength
        pitch += style.prosody.pitch * strength
        energy += style.prosody.energy * strength
    return within(Prosody(speed, pitch, energy))


def within(prosody: Prosody) -> Prosody:
    """Held to what still sounds like a person."""
    return Prosody(
        min(max(prosody.speed, 0.75), 1.3),
        min(max(prosody.pitch, -3.0), 3.0),
        min(max(prosody.energy, -1.0), 1.0),
    )
