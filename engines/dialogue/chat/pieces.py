"""What a chat endpoint streams, as pieces, read defensively: anybody may call theirs compatible.

A chunk is an object with the attributes of `openai.types.chat.ChatCompletionChunk`; the client
does not check what an endpoint sends, so any of them may be missing or of another type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_MOST_CALLS: Final = 8  # tools that are asked for in one go; more are left out
_LONGEST_CALL: Final = 20_000  # characters of a call's arguments
_LIMITS: Final = frozenset({"length", "max_tokens"})


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The model wants a tool used. arguments: None where they were no JSON object."""

    id: str
    name: str
    arguments: dict[str, object] | None
    written: str  # the arguments as the model wrote them


@dataclass(frozen=True, slots=True)
class Ended:
    """The answer is over; `cut`: by a limit, so that its last sentence may be half of one."""

    cut: bool = False


Piece = Words | Asked | Ended
Message = Mapping[str, object]  # one of a conversation, as the protocol writes it


@dataclass(frozen=True, slots=True)
class Until:
    """When the first piece has to be there, and all of them; s of time.monotonic()."""

    first: float
    last: float


@dataclass(slots=True)
class _Draft:
    """A call as far as it has come."""

    id: str = ""
    name: str = ""
    written: list[str] = field(default_factory=list)
    length: int = 0

    def add(self, call: Any) -> None:
        function = getattr(call, "function", None)
        self.id = self.id or _text(call, "id")
        self.name = self.name or _text(function, "name")
        more = _text(function, "arguments")
        self.length += len(more)
        if self.length <= _LONGEST_CALL:
            self.written.append(more)


class Chunks:
    """The chunks of one answer, in order."""

    def __init__(self) -> None:
        self._drafts: dict[int, _Draft] = {}
        self._cut = False
        self.finished = False  # whether the endpoint has said that it is

    def feed(self, chunk: Any) -> Iterator[Words]:
        """The words in a chunk; what it says of tools is kept for `end`."""
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list) or not choices:
            return  # some send their figures so
        choice = choices[0]
        delta = getattr(choice, "delta", None)
        if text := _text(delta, "content"):
            yield Words(text)
        calls = getattr(delta, "tool_calls", None)
        for place, call in enumerate(calls if isinstance(calls, list) else ()):
            index = getattr(call, "index", None)
            self._draft(index if isinstance(index, int) else place).add(call)
        reason = _text(choice, "finish_reason")
        self.finished = self.finished or bool(reason)
        self._cut = self._cut or reason in _LIMITS

    def _draft(self, index: int) -> _Draft:
        if index not in self._drafts and len(self._drafts) >= _MOST_CALLS:
            return _Draft()
        return self._drafts.setdefault(index, _Draft())

    def end(self) -> Iterator[Asked | Ended]:
        """The tools that are wanted, then the end."""
        taken: set[str] = set()
        for place, draft in sorted(self._drafts.items()):
            if draft.name:
                written = "".join(draft.written)
                id = f"call-{place}" if draft.id in {"", *taken} else draft.id
                taken.add(id)
                yield Asked(id, draft.name, _object(written, draft.length), written)
        yield Ended(self._cut)


def _object(written: str, length: int) -> dict[str, object] | None:
    if length > _LONGEST_CALL:
        return None
    try:
        found = json.loads(written or "{}")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(thing: Any, name: str) -> str:
    found = getattr(thing, name, None)
    return found if isinstance(found, str) else ""
