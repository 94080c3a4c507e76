"""What a client asked of its session, and what of it is in force.

`session.updated` shows the latter: a client sees there what it does not get. Names and shapes are
those of `RealtimeSessionCreateRequest` in the official Python package, 3.57.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from visavis.engines.base import Tool
from visavis.server.wires.realtime.refusals import Refused
from visavis.server.wires.realtime.sound import FORMATS, PCM, Format

MOST_INSTRUCTIONS: Final = 16_000  # characters
MOST_TOOLS: Final = 64
_MOST_SCHEMA: Final = 16_000  # characters of one tool's description and name
_MOST_NAMES: Final = 32  # fields that are told as ignored
_LONGEST_NAME: Final = 64
_TRANSCRIBER: Final = "whisper-1"  # the name by which their clients know the family

Modality = Literal["audio", "text"]
DetectionKind = Literal["server_vad", "semantic_vad"]
Choice = Literal["auto", "none"]

# Fields that change nothing here and harm nobody: a client that sends them is not refused.
_KNOWN: Final = {"type", "model", "instructions", "output_modalities", "audio", "tools"}


@dataclass(frozen=True, slots=True)
class Detection:
    """Whose turn it is, is found out by the server.

    kind: as the client calls it; one way of finding out serves for both. answers: whether what was
    said is answered without being asked. interrupts: whether speech breaks off a response.
    """

    kind: DetectionKind = "server_vad"
    answers: bool = True
    interrupts: bool = True


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force for one session.

    detection: None: the client commits what it has sent. transcribes: whether it is told what was
    understood. guided: whether whoever answers reads instructions and uses tools. ignored: what the
    client asked for that is not in force, as paths ("audio.output.speed").
    """

    avatar: str
    voice: str
    guided: bool = False
    model: str = ""
    instructions: str = ""
    tools: tuple[Tool, ...] = ()
    choice: Choice = "auto"
    modality: Modality = "audio"
    heard: Format = PCM
    spoken: Format = PCM
    detection: Detection | None = Detection()
    transcribes: bool = True
    ignored: tuple[str, ...] = ()

    def told(self, more: str) -> Settings:
        """With more instructions. Raises Refused."""
        text = f"{self.instructions}\n{more}".strip()
        return replace(self, instructions=text_of(text, "instructions"))

    def shown(self) -> dict[str, Any]:
        """As the client reads them."""
        return {
            "type": "realtime",
            "object": "realtime.session",
            "model": self.model or self.avatar,
            "output_modalities": [self.modality],
            "instructions": self.instructions,
            "tools": [_tool_shown(tool) for tool in self.tools],
            "tool_choice": self.choice,
            "max_output_tokens": "inf",
            "audio": {
                "input": {
                    "format": self.heard.shown(),
                    "noise_reduction": None,
                    "transcription": {"model": _TRANSCRIBER} if self.transcribes else None,
                    "turn_detection": _detection_shown(self.detection),
                },
                "output": {"format": self.spoken.shown(), "voice": self.voice, "speed": 1.0},
            },
            "visavis": {"avatar": self.avatar, "ignored": list(self.ignored)},
        }


def updated(settings: Settings, fields: Mapping[str, Any]) -> Settings:
    """The settings after a client's `session.update`. Raises Refused: then nothing has changed."""
    kind = fields.get("type", "realtime")
    if kind != "realtime":
        raise Refused("unsupported", "Only sessions of type realtime are served.", "session.type")
    audio = _object(fields, "audio", "session.audio")
    heard = _object(audio, "input", "session.audio.input")
    spoken = _object(audio, "output", "session.audio.output")
    settings = _said(_told(settings, fields), heard, spoken)
    return replace(settings, ignored=_ignored(settings, fields, heard, spoken))


def tools_of(fields: Sequence[Any], param: str) -> tuple[Tool, ...]:
    """The functions of a client. Raises Refused."""
    if not isinstance(fields, list) or len(fields) > MOST_TOOLS:
        raise Refused("invalid_value", f"{param} is a list of {MOST_TOOLS} tools at most.", param)
    return tuple(_tool(each, param) for each in fields if _is_function(each))


def modality_of(value: Any, param: str) -> Modality:
    """Raises Refused."""
    if value == ["text"]:
        return "text"
    if value in (["audio"], ["text", "audio"], ["audio", "text"]):
        return "audio"  # which has its words with it
    raise Refused("invalid_value", f'{param} is ["audio"] or ["text"].', param)


def text_of(value: Any, param: str, most: int = MOST_INSTRUCTIONS) -> str:
    """Raises Refused."""
    if not isinstance(value, str) or len(value) > most:
        raise Refused("invalid_value", f"{param} is a text of {most} characters at most.", param)
    return value


def _told(settings: Settings, fields: Mapping[str, Any]) -> Settings:
    """With what whoever answers is told."""
    if settings.guided and (text := fields.get("instructions")) is not None:
        settings = replace(settings, instructions=text_of(text, "session.instructions"))
    if settings.guided and (tools := fields.get("tools")) is not None:
        settings = replace(settings, tools=tools_of(tools, "session.tools"))
    if settings.guided and (choice := fields.get("tool_choice")) is not None:
        settings = replace(settings, choice="none" if choice == "none" else "auto")
    if (wanted := fields.get("output_modalities")) is not None:
        modality = modality_of(wanted, "session.output_modalities")
        settings = replace(settings, modality=modality)
    if (model := fields.get("model")) is not None:
        settings = replace(settings, model=text_of(model, "session.model", 256))
    return settings


def _said(settings: Settings, heard: Mapping[str, Any], spoken: Mapping[str, Any]) -> Settings:
    """With how sound is sent and when it is answered."""
    if (written := heard.get("format")) is not None:
        settings = replace(settings, heard=_format(written, "session.audio.input.format"))
    if (written := spoken.get("format")) is not None:
        settings = replace(settings, spoken=_format(written, "session.audio.output.format"))
    if "transcription" in heard:
        settings = replace(settings, transcribes=heard["transcription"] is not None)
    if "turn_detection" in heard:
        settings = replace(settings, detection=_detection(heard["turn_detection"]))
    return settings


def _format(value: Any, param: str) -> Format:
    kind = value.get("type") if isinstance(value, dict) else None
    found = FORMATS.get(kind) if isinstance(kind, str) else None
    if found is None:
        raise Refused("invalid_value", f"{param}.type is one of {', '.join(FORMATS)}.", param)
    if found is PCM and value.get("rate", PCM.rate) != PCM.rate:
        raise Refused("invalid_value", f"{param}.rate is {PCM.rate}.", f"{param}.rate")
    return found


def _detection(value: Any) -> Detection | None:
    param = "session.audio.input.turn_detection"
    if value is None:
        return None
    kind = value.get("type", "server_vad") if isinstance(value, dict) else None
    if kind not in ("server_vad", "semantic_vad"):
        raise Refused("invalid_value", f"{param}.type is server_vad or semantic_vad.", param)
    answers, interrupts = value.get("create_response"), value.get("interrupt_response")
    return Detection(kind, answers is not False, interrupts is not False)


def _detection_shown(detection: Detection | None) -> dict[str, Any] | None:
    """Without thresholds: the words, their sound and the answer decide when a turn is over."""
    if detection is None:
        return None
    return {
        "type": detection.kind,
        "create_response": detection.answers,
        "interrupt_response": detection.interrupts,
    }


def _is_function(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type", "function") == "function"


def _tool(fields: Mapping[str, Any], param: str) -> Tool:
    name = text_of(fields.get("name"), f"{param}.name", 64)
    description = text_of(fields.get("description") or "", f"{param}.description", _MOST_SCHEMA)
    parameters = fields.get("parameters") or {"type": "object", "properties": {}}
    if not isinstance(parameters, dict) or len(repr(parameters)) > _MOST_SCHEMA:
        what = f"{param}.parameters is a JSON schema of {_MOST_SCHEMA} characters at most."
        raise Refused("invalid_value", what, f"{param}.parameters")
    return Tool(name, description, parameters)


def _tool_shown(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }


def _ignored(
    settings: Settings,
    fields: Mapping[str, Any],
    heard: Mapping[str, Any],
    spoken: Mapping[str, Any],
) -> tuple[str, ...]:
    """What was asked for and is not in force, now and before."""
    found = list(settings.ignored)
    found += [path for path in _refusals(settings, fields, heard, spoken) if path not in found]
    return tuple(found[:_MOST_NAMES])


def _refusals(
    settings: Settings,
    fields: Mapping[str, Any],
    heard: Mapping[str, Any],
    spoken: Mapping[str, Any],
) -> Iterator[str]:
    if not settings.guided:
        yield from (name for name in ("instructions", "tools") if fields.get(name))
    elif not all(_is_function(each) for each in fields.get("tools") or ()):
        yield "tools"
    if fields.get("tool_choice", settings.choice) != settings.choice:
        yield "tool_choice"
    quiet = {*_KNOWN, "tool_choice", "object", "id", "expires_at", "visavis"}
    yield from (name[:_LONGEST_NAME] for name in fields if name not in quiet)
    if heard.get("noise_reduction") is not None:
        yield "audio.input.noise_reduction"
    if spoken.get("voice", settings.voice) != settings.voice:
        yield "audio.output.voice"
    if spoken.get("speed", 1) != 1:
        yield "audio.output.speed"
    detection = heard.get("turn_detection")
    if isinstance(detection, dict):
        known = {"type", "create_response", "interrupt_response"}
        unused = (name for name, value in detection.items() if name not in known and value)
        yield from (f"audio.input.turn_detection.{name[:_LONGEST_NAME]}" for name in unused)


def _object(fields: Mapping[str, Any], name: str, param: str) -> Mapping[str, Any]:
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused("invalid_value", f"{param} is an object.", param)
    return value
