"""What of an answer is told: a part that a JSON path selects, short enough to be spoken about.

Of RFC 9535 the part that leads to values by name and place: `$.rooms[0].price`, `$.rooms[*].name`,
`$['a name']`, `$[-1]`, `$[:3]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

_STEP: Final = re.compile(
    r"\.(?P<name>[^\W\d][\w-]*)|\.(?P<all>\*)|\[(?P<star>\*)\]|\[(?P<at>-?\d{1,9})\]"
    r"|\[(?P<first>\d{0,9}):(?P<last>\d{0,9})\]|\[(?P<quote>['\"])(?P<text>.*?)(?P=quote)\]"
)
_MORE: Final = " ..."

Step = str | int | slice | None  # None: all of them


class PathError(ValueError):
    """This is no JSON path, or one of a kind that is not supported."""


def parse(path: str) -> tuple[Step, ...]:
    """A path as steps. Raises PathError."""
    if not path.startswith("$"):
        raise PathError(f"{path!r} must begin with $")
    steps: list[Step] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise PathError(f"{path!r} is not understood from {path[at:]!r} on")
        steps.append(_step(found))
        at = found.end()
    return tuple(steps)


def _step(found: re.Match[str]) -> Step:
    if found["name"]:
        return found["name"]
    if found["quote"]:
        return found["text"]
    if found["at"]:
        return int(found["at"])
    if found["first"] is not None:
        first, last = found["first"], found["last"]
        return slice(int(first) if first else None, int(last) if last else None)
    return None


def select(value: Any, steps: Iterable[Step]) -> list[Any]:
    """The values to which steps lead; none where the answer is built otherwise."""
    values = [value]
    for step in steps:
        values = [inner for each in values for inner in _inner(each, step)]
    return values


def _inner(value: Any, step: Step) -> Iterator[Any]:
    if isinstance(step, str):
        if isinstance(value, dict) and step in value:
            yield value[step]
    elif step is None and isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        if step is None:
            yield from value
        elif isinstance(step, slice):
            yield from value[step]
        elif -len(value) <= step < len(value):
            yield value[step]


def words(values: Iterable[Any], most: int) -> str:
    """Values as a text for a model: plain where they are plain, else JSON; `most` characters."""
    return trimmed("\n".join(_plain(value) for value in values), most)


def trimmed(text: str, most: int) -> str:
    """A text cut at a word, with dots where it goes on."""
    text = text.strip()
    if len(text) <= most:
        return text
    head = text[: max(most - len(_MORE), 0)]
    return (head.rsplit(None, 1)[0] if len(head.split()) > 1 else head) + _MORE


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
