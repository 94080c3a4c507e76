"""What a client asks for: one JSON text -> one request, or why it is none.

Names and fields are those of `RealtimeClientEvent` in the official Python package, 3.57.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from visavis.server.system import strict_json
from visavis.server.wires.realtime.refusals import Refused
from visavis.server.wires.realtime.settings import Modality, modality_of, text_of

MOST_TEXT: Final = 2_000  # characters of one text to answer, as everywhere else
MOST_OUTPUT: Final = 16_000  # characters of what a tool gave
_NAME: Final = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_MOST_METADATA: Final = 16
_AT_MOST: Final = 24 * 3600 * 1000  # ms

Role = Literal["user", "assistant", "system"]


@dataclass(frozen=True, slots=True)
class Update:
    """Other settings from here on; `fields` are not looked into yet."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Append:
    """More sound of the visitor, in base64."""

    audio: str


@dataclass(frozen=True, slots=True)
class Commit:
    """The sound so far is what the visitor said."""


@dataclass(frozen=True, slots=True)
class Clear:
    """The sound so far is nothing."""


@dataclass(frozen=True, slots=True)
class ClearOutput:
    """Over WebRTC: be silent now."""


@dataclass(frozen=True, slots=True)
class Message:
    """A text that belongs to the conversation. id: of the client's choice, or ""."""

    id: str
    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """What a tool of the client gave. id: of the client's choice, or ""."""

    id: str
    call: str
    text: str


@dataclass(frozen=True, slots=True)
class Retrieve:
    """Tell an item again."""

    item: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Forget an item."""

    item: str


@dataclass(frozen=True, slots=True)
class Truncate:
    """Of what was said in an item, only so many ms were heard."""

    item: str
    heard: int


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer now. None: as the settings have it."""

    instructions: str | None = None
    modality: Modality | None = None
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Break off a response; "": whichever is under way."""

    response: str


Request = (
    Update
    | Append
    | Commit
    | Clear
    | ClearOutput
    | Message
    | Output
    | Retrieve
    | Delete
    | Truncate
    | Respond
    | Cancel
)


class Unread(Refused):
    """An event that is no request. event_id: its own, or ""."""

    def __init__(self, refused: Refused, event_id: str = "") -> None:
        super().__init__(refused.code, refused.message, refused.param)
        self.event_id = event_id


def read(text: str) -> tuple[Request, str]:
    """One event: what it asks for, and its own id ("": it has none). Raises Unread."""
    try:
        fields = strict_json.parse(text)
    except strict_json.NotJson:
        raise Unread(Refused("invalid_json", "The event is no JSON object.")) from None
    if not isinstance(fields, dict):
        raise Unread(Refused("invalid_json", "The event is no JSON object."))
    named = fields.get("event_id")
    event_id = named[:512] if isinstance(named, str) else ""
    kind = fields.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        what = f"type is one of {', '.join(_READERS)}."
        raise Unread(Refused("invalid_value", what, "type"), event_id)
    try:
        return reader(fields), event_id
    except Refused as error:
        raise Unread(error, event_id) from None


def _update(fields: Mapping[str, Any]) -> Request:
    return Update(_object(fields, "session"))


def _append(fields: Mapping[str, Any]) -> Request:
    audio = fields.get("audio")
    if not isinstance(audio, str):
        raise Refused("missing_required_parameter", "audio is base64.", "audio")
    return Append(audio)


def _create(fields: Mapping[str, Any]) -> Request:
    item = _object(fields, "item")
    id = _name(item["id"], "item.id") if item.get("id") is not None else ""
    match item.get("type"):
        case "message":
            return _message(id, item)
        case "function_call_output":
            output = text_of(item.get("output"), "item.output", MOST_OUTPUT)
            return Output(id, _name(item.get("call_id"), "item.call_id"), output)
    what = "item.type is message or function_call_output."
    raise Refused("invalid_value", what, "item.type")


def _message(id: str, item: Mapping[str, Any]) -> Message:
    role, content = item.get("role"), item.get("content")
    if role not in ("user", "assistant", "system"):
        what = "item.role is user, assistant or system."
        raise Refused("invalid_value", what, "item.role")
    if not isinstance(content, list) or not content:
        raise Refused("invalid_value", "item.content is a list of parts.", "item.content")
    text = " ".join(_part(each) for each in content)
    return Message(id, role, text_of(text, "item.content", MOST_TEXT))


def _part(part: Any) -> str:
    """Sound and pictures in an item are not taken: sound is appended, and nobody looks."""
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in ("input_text", "output_text", "text"):
        what = "item.content has parts of text alone; send sound by input_audio_buffer.append."
        raise Refused("unsupported", what, "item.content")
    return text_of(part.get("text"), "item.content.text", MOST_TEXT)


def _truncate(fields: Mapping[str, Any]) -> Request:
    heard = fields.get("audio_end_ms")
    if not isinstance(heard, int) or isinstance(heard, bool) or not 0 <= heard <= _AT_MOST:
        what = "audio_end_ms is a whole number of milliseconds."
        raise Refused("invalid_value", what, "audio_end_ms")
    return Truncate(_name(fields.get("item_id"), "item_id"), heard)


def _respond(fields: Mapping[str, Any]) -> Request:
    options = _object(fields, "response") if fields.get("response") is not None else {}
    if options.get("conversation", "auto") != "auto" or options.get("input"):
        what = "A response belongs to the conversation: leave conversation and input out."
        raise Refused("unsupported", what, "response.conversation")
    told, wanted = options.get("instructions"), options.get("output_modalities")
    return Respond(
        None if told is None else text_of(told, "response.instructions"),
        None if wanted is None else modality_of(wanted, "response.output_modalities"),
        _metadata(options.get("metadata")),
    )


def _metadata(value: Any) -> Mapping[str, str] | None:
    if value is None:
        return None
    whole = isinstance(value, dict) and len(value) <= _MOST_METADATA
    if not whole or not all(isinstance(v, str) and len(v) <= 512 for v in value.values()):
        what = f"response.metadata is {_MOST_METADATA} texts at most."
        raise Refused("invalid_value", what, "response.metadata")
    return dict(value)


def _object(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise Refused("missing_required_parameter", f"{name} is an object.", name)
    return value


def _name(value: Any, param: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        what = f"{param} is a name of 64 characters at most."
        raise Refused("invalid_value", what, param)
    return value


def _item_id(fields: Mapping[str, Any]) -> str:
    return _name(fields.get("item_id"), "item_id")


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Request]]] = {
    "session.update": _update,
    "input_audio_buffer.append": _append,
    "input_audio_buffer.commit": lambda fields: Commit(),
    "input_audio_buffer.clear": lambda fields: Clear(),
    "output_audio_buffer.clear": lambda fields: ClearOutput(),
    "conversation.item.create": _create,
    "conversation.item.retrieve": lambda fields: Retrieve(_item_id(fields)),
    "conversation.item.delete": lambda fields: Delete(_item_id(fields)),
    "conversation.item.truncate": _truncate,
    "response.create": _respond,
    "response.cancel": lambda fields: Cancel(
        _name(fields["response_id"], "response_id") if fields.get("response_id") else ""
    ),
}
