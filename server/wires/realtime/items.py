"""The items of a conversation as a client knows them, the newest of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

_MOST: Final = 400  # that are kept; what the mind remembers is less

Role = Literal["user", "assistant", "system"]
Kind = Literal["message", "function_call", "function_call_output"]
Status = Literal["in_progress", "completed", "incomplete"]
Part = Literal["input_text", "input_audio", "output_text", "output_audio"]


def new_id(kind: str) -> str:
    """One that nobody had: "item_1f3a..."."""
    return f"{kind}_{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True)
class Word:
    """A word of an item's sound. middle: ms from the item's first sample; from then on it counts
    as heard.
    """

    text: str
    middle: float


@dataclass(slots=True)
class Item:
    """One. turn: of the session, None: of none so far. words, sent: of its sound, and how much of
    it was handed over, ms. call, name, arguments: of a tool.
    """

    id: str
    kind: Kind = "message"
    role: Role = "user"
    part: Part = "input_text"
    text: str | None = ""
    status: Status = "completed"
    turn: int | None = None
    words: list[Word] = field(default_factory=list)
    sent: float = 0.0
    call: str = ""
    name: str = ""
    arguments: str = ""

    def shown(self) -> dict[str, Any]:
        """As the client reads it."""
        common = {"id": self.id, "object": "realtime.item", "status": self.status}
        match self.kind:
            case "message":
                content = [self.content()] if self.text or self.part != "output_audio" else []
                return {**common, "type": "message", "role": self.role, "content": content}
            case "function_call":
                called = {"call_id": self.call, "name": self.name, "arguments": self.arguments}
                return {**common, "type": "function_call", **called}
        return {**common, "type": self.kind, "call_id": self.call, "output": self.text}

    def content(self) -> dict[str, Any]:
        """Its one part."""
        sounds = self.part in ("input_audio", "output_audio")
        return {"type": self.part, "transcript" if sounds else "text": self.text}


class Items:
    """In the order in which they were added."""

    def __init__(self) -> None:
        self._all: dict[str, Item] = {}

    def __iter__(self) -> Iterator[Item]:
        return iter(self._all.values())

    def add(self, item: Item) -> str | None:
        """Put it at the end; the id of the one before it."""
        before = next(reversed(self._all), None)
        self._all[item.id] = item
        if len(self._all) > _MOST:
            del self._all[next(iter(self._all))]
        return before

    def get(self, id: str) -> Item | None:
        """None: there is none of this id, or it was long ago."""
        return self._all.get(id)

    def remove(self, id: str) -> Item | None:
        """What was removed."""
        return self._all.pop(id, None)

    def before(self, id: str) -> str | None:
        """The id of the one before it."""
        ids = list(self._all)
        at = ids.index(id) if id in self._all else 0
        return ids[at - 1] if at else None

    @property
    def last(self) -> str | None:
        """The id of the newest."""
        return next(reversed(self._all), None)

    def heard(self, turn: int) -> str:
        """The words of the avatar in a turn that count as heard, its items one after the other."""
        of_turn = (each for each in self if each.turn == turn and each.role == "assistant")
        return " ".join(word.text for each in of_turn for word in each.words)
