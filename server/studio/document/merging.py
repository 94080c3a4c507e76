"""What two people made of one project, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from visavis.server.studio.document.project import Project, Scene

T = TypeVar("T", Project, Scene)


class Clash(Exception):
    """Both changed the same, and not in the same way."""


def merged(base: Project, mine: Project, theirs: Project) -> Project:
    """base: what both began with. Raises Clash."""
    own = _fields(*(replace(each, scenes=()) for each in (base, mine, theirs)))
    scenes = _scenes(base.scenes, mine.scenes, theirs.scenes)
    return replace(own, scenes=scenes)


def _fields(base: T, mine: T, theirs: T) -> T:
    """Setting by setting; of a table, entry by entry."""
    told: dict[str, Any] = {}
    for each in fields(base):
        three = [getattr(one, each.name) for one in (base, mine, theirs)]
        if isinstance(three[0], Mapping):
            told[each.name] = _table(*three)
        else:
            told[each.name] = _one(*three)
    return replace(base, **told)


def _one(base: Any, mine: Any, theirs: Any) -> Any:
    if mine in (base, theirs):
        return theirs
    if theirs == base:
        return mine
    raise Clash


def _table(base: Mapping[str, str], mine: Mapping[str, str], theirs: Mapping[str, str]) -> Any:
    keys = dict.fromkeys((*theirs, *mine))
    found = {key: _one(base.get(key), mine.get(key), theirs.get(key)) for key in keys}
    return {key: value for key, value in found.items() if value is not None}


def _scenes(
    base: Sequence[Scene], mine: Sequence[Scene], theirs: Sequence[Scene]
) -> tuple[Scene, ...]:
    old, own, other = ({scene.name: scene for scene in each} for each in (base, mine, theirs))
    whole: dict[str, Scene] = {}
    for name in dict.fromkeys((*own, *other)):
        b, m, t = old.get(name), own.get(name), other.get(name)
        one = _fields(b, m, t) if b and m and t else _one(b, m, t)
        if one is not None:
            whole[name] = one
    return tuple(whole[name] for name in _order(list(old), list(own), list(other)) if name in whole)


def _order(base: list[str], mine: list[str], theirs: list[str]) -> list[str]:
    """The order of whoever moved scenes, and what the other one added behind what it stood."""
    common = [name for name in base if name in mine and name in theirs]
    kept = [name for name in mine if name in common]
    moved = [name for name in theirs if name in common]
    if common not in (kept, moved) and kept != moved:
        raise Clash
    leading, other = (theirs, mine) if kept == common else (mine, theirs)
    order = list(leading)
    for at, name in enumerate(other):
        if name not in order:
            before = next((each for each in reversed(other[:at]) if each in order), None)
            order.insert(order.index(before) + 1 if before is not None else 0, name)
    return order
