"""One response as a client sees it come: its items, their parts, their sound and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from visavis.engines.base import Call, Pcm
from visavis.server.playout.messages import Spoken, ms, to_ms
from visavis.server.wires.realtime.items import Item, Items, Word, new_id
from visavis.server.wires.realtime.settings import Modality, Settings
from visavis.server.wires.realtime.sound import Outflow, written

Send = Callable[[str, Mapping[str, Any]], None]
Status = Literal["completed", "cancelled", "failed"]
Reason = Literal["turn_detected", "client_cancelled", ""]

_NONE: Final = np.zeros(0, np.int16)
_CHUNK: Final = ms(200)  # of sound in one event
# Nothing is counted in tokens, and nothing is billed.
_USAGE: Final = {
    "total_tokens": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 0, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 0, "audio_tokens": 0},
}


@dataclass(slots=True)
class Response:
    """Of one turn, in the making. plays: the server plays the sound itself, and sends none here."""

    turn: int
    settings: Settings
    modality: Modality
    conversation: str
    send: Send
    items: Items
    plays: bool
    metadata: Mapping[str, str] | None = None
    id: str = field(default_factory=lambda: new_id("resp"))
    output: list[Item] = field(default_factory=list)
    message: Item | None = None  # the one that is being said
    called: bool = False  # whether a tool of the client was
    sounds: bool = False  # whether the server has begun to play it
    _flow: Outflow | None = None

    def begin(self) -> None:
        """Tell that it is being made."""
        self.send("response.created", {"response": self.shown("in_progress")})

    def say(self, spoken: Spoken, sound: Pcm) -> None:
        """More of it was placed in time: hand over its words and its sound."""
        item = self._saying()
        said = spoken.clause.speech.words
        if text := " ".join(word.text for word in said):
            self._write(item, text)
        item.words += [
            Word(word.text, item.sent + to_ms((word.start + word.end) // 2)) for word in said
        ]
        item.sent += to_ms(len(sound))
        if self.modality == "audio" and not self.plays:
            self._sound(item, sound)

    def write(self, text: str) -> None:
        """More of it is known as a text, which nobody says."""
        item = self._saying()
        before, item.text = item.text or "", (item.text or "") + text
        if item.text != before:
            self._to(item, "response.output_text.delta", delta=text)

    def call(self, call: Call, arguments: str) -> None:
        """A tool of the client is to be used."""
        self._end_message("completed")
        self.called = True
        item = Item(
            new_id("item"), "function_call", turn=self.turn, call=call.id, name=call.name
        )  # fmt: skip
        self._add(item)
        item.arguments = arguments
        at = {"response_id": self.id, "item_id": item.id, "output_index": self._index(item)}
        part = {**at, "call_id": call.id}
        self.send("response.function_call_arguments.delta", {**part, "delta": arguments})
        whole = {**part, "name": call.name, "arguments": arguments}
        self.send("response.function_call_arguments.done", whole)
        self._done(item)

    def end(self, status: Status, reason: Reason = "") -> None:
        """It is over."""
        self._end_message("completed" if status == "completed" else "incomplete")
        if self.plays and self.sounds:
            stopped = "stopped" if status == "completed" else "cleared"
            self.send(f"output_audio_buffer.{stopped}", {"response_id": self.id})
        self.send("response.done", {"response": self.shown(status, reason)})

    def shown(self, status: str, reason: Reason = "") -> dict[str, Any]:
        """As the client reads it."""
        spoken = {"format": self.settings.spoken.shown(), "voice": self.settings.voice}
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": _details(status, reason),
            "output": [item.shown() for item in self.output],
            "conversation_id": self.conversation,
            "output_modalities": [self.modality],
            "max_output_tokens": "inf",
            "audio": {"output": spoken},
            "usage": None if status == "in_progress" else _USAGE,
            "metadata": self.metadata,
        }

    # --- its message ----------------------------------------------------------------------------

    def _saying(self) -> Item:
        if self.message is None:
            part: Literal["output_audio", "output_text"] = (
                "output_audio" if self.modality == "audio" else "output_text"
            )
            item = Item(new_id("item"), role="assistant", part=part, turn=self.turn)
            self.message = item
            self._flow = Outflow(self.settings.spoken)
            self._add(item)
            self._to(item, "response.content_part.added", part=_part(item, ""))
        if self.plays and not self.sounds:
            self.sounds = True
            self.send("output_audio_buffer.started", {"response_id": self.id})
        return self.message

    def _write(self, item: Item, text: str) -> None:
        more = f" {text}" if item.text else text
        item.text = f"{item.text}{more}"
        self._to(item, f"response.{self._words}.delta", delta=more)

    @property
    def _words(self) -> str:
        return "output_audio_transcript" if self.modality == "audio" else "output_text"

    def _sound(self, item: Item, pcm: Pcm) -> None:
        assert self._flow is not None
        for start in range(0, len(pcm), _CHUNK):
            self._hand(item, self._flow.give(pcm[start : start + _CHUNK]))

    def _hand(self, item: Item, data: bytes) -> None:
        if data:
            self._to(item, "response.output_audio.delta", delta=written(data))

    def _end_message(self, status: Literal["completed", "incomplete"]) -> None:
        item, self.message = self.message, None
        if item is None:
            return
        item.status = status
        if self.modality == "audio":
            if self._flow is not None and not self.plays and status == "completed":
                self._hand(item, self._flow.give(_NONE, last=True))
            self._to(item, "response.output_audio.done")
            whole = {"transcript": item.text}
        else:
            whole = {"text": item.text}
        self._to(item, f"response.{self._words}.done", **whole)
        self._to(item, "response.content_part.done", part=_part(item, item.text or ""))
        self._done(item)

    # --- items ----------------------------------------------------------------------------------

    def _add(self, item: Item) -> None:
        item.status = "in_progress"
        self.output.append(item)
        before = self.items.add(item)
        self._item("response.output_item.added", item)
        self.send("conversation.item.added", {"previous_item_id": before, "item": item.shown()})

    def _done(self, item: Item) -> None:
        if item.status == "in_progress":
            item.status = "completed"
        self._item("response.output_item.done", item)
        before = self.items.before(item.id)
        self.send("conversation.item.done", {"previous_item_id": before, "item": item.shown()})

    def _item(self, kind: str, item: Item) -> None:
        at = {"response_id": self.id, "output_index": self._index(item)}
        self.send(kind, {**at, "item": item.shown()})

    def _to(self, item: Item, kind: str, **fields: Any) -> None:
        at = {"response_id": self.id, "item_id": item.id, "output_index": self._index(item)}
        self.send(kind, {**at, "content_index": 0, **fields})

    def _index(self, item: Item) -> int:
        return next(i for i, each in enumerate(self.output) if each is item)


def _part(item: Item, text: str) -> dict[str, Any]:
    if item.part == "output_audio":
        return {"type": "audio", "transcript": text}
    return {"type": "text", "text": text}


def _details(status: str, reason: Reason) -> dict[str, Any] | None:
    if status in ("in_progress", "completed"):
        return None
    if status == "cancelled":
        return {"type": "cancelled", "reason": reason or "client_cancelled"}
    words = "The answer could not be made; the conversation goes on."
    error = {"type": "server_error", "code": "reply_failed", "message": words}
    return {"type": "failed", "error": error}
