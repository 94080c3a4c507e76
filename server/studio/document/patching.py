"""Settings of which some are changed, in lines that people wrote: the others stay as they stood."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Final

_KEY: Final = re.compile(r"""[ \t]*("[^"\n]*"|'[^'\n]*'|[^\s=\[#"'][^=\n]*?)[ \t]*=""")
_TABLE: Final = re.compile(r"[ \t]*\[[ \t]*([A-Za-z0-9_-]+)[ \t]*\][ \t]*(?:#.*)?")

Key = tuple[str, str]  # the table that it is in, "" of none; its name


def patched(settings: str, old: Sequence[str], new: Sequence[str]) -> str | None:
    """The settings, with what differs between `old` and `new`, their lines as they are written.

    None: they are not such that lines can be told apart.
    """
    lines = settings.split("\n") if settings else []
    stands, was, wanted = _keys(lines), _written(old), _written(new)
    if stands is None or set(stands) != set(was):
        return None
    kept = list(lines)
    for key, at in sorted(stands.items(), key=lambda item: -item[1]):
        if key not in wanted:
            del kept[at]
        elif wanted[key] != was[key]:
            kept[at] = wanted[key]
    for key, line in wanted.items():
        if key not in was:
            _add(kept, key, line)
    return "\n".join(kept)


def _keys(lines: Sequence[str]) -> dict[Key, int] | None:
    """Where each key stands; None where a value takes several lines, or a table is unknown."""
    found: dict[Key, int] = {}
    table = ""
    for at, line in enumerate(lines):
        if heading := _TABLE.fullmatch(line):
            table = heading[1]
        elif line.strip() and not line.lstrip().startswith("#"):
            key = _KEY.match(line)
            if key is None or not _is_whole(line, key[1]):
                return None
            found[table, key[1].strip("\"'")] = at
    return found


def _is_whole(line: str, key: str) -> bool:
    bare = line.replace(key, "key", 1)  # of whatever letters, see reading
    try:
        tomllib.loads(bare)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _written(lines: Sequence[str]) -> dict[Key, str]:
    """Lines as `writing` makes them, by their keys."""
    return {key: lines[at] for key, at in (_keys(lines) or {}).items()}


def _add(lines: list[str], key: Key, line: str) -> None:
    """A line at the end of its table."""
    begin, end = 0, len(lines)
    if key[0]:
        begin = next((at + 1 for at, each in enumerate(lines) if _heads(each, key[0])), -1)
        if begin < 0:
            lines += ([""] if lines and lines[-1].strip() else []) + [f"[{key[0]}]", line]
            return
    end = next((at for at in range(begin, end) if _TABLE.fullmatch(lines[at])), end)
    while end > begin and not lines[end - 1].strip():
        end -= 1
    lines.insert(end, line)


def _heads(line: str, table: str) -> bool:
    found = _TABLE.fullmatch(line)
    return found is not None and found[1] == table
