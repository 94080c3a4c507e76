"""Names to engines: the one place that knows every adapter. Each is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from visavis.engines.base import (
    Dialogue,
    EchoCanceller,
    Motion,
    Renderer,
    Stt,
    Tts,
    Vad,
    Voice,
)
from visavis.models import manifest
from visavis.models.avatar import Avatar


def vad() -> Vad:
    """Voice activity for one microphone."""
    from visavis.engines.vad_webrtc import WebrtcVad

    return WebrtcVad()


def echo() -> EchoCanceller:
    """Echo canceller for one session."""
    from visavis.engines.echo_webrtc import WebrtcEcho

    return WebrtcEcho()


def stt() -> Stt:
    """The embedded English speech recognition."""
    from visavis.engines.stt_whisper import WhisperStt

    return WhisperStt(manifest.locate("whisper-tiny-en").parent)


def motion(seed: int) -> Motion:
    """A living face, different for each seed."""
    from visavis.engines.motion_visemes import VisemeMotion

    return VisemeMotion(seed)


def renderer(avatar: Avatar, width: int, height: int) -> Renderer:
    """The generator for an avatar."""
    from visavis.engines.render_warp import WarpRenderer

    return WarpRenderer(avatar, width, height)


def dialogue(name: str, knowledge: Path | None, cache: Path) -> Dialogue:
    """`knowledge` (its file, or the hotel example) or `echo`. Raises KnowledgeError."""
    if name == "echo":
        from visavis.engines.dialogue_echo import EchoDialogue

        return EchoDialogue()
    from visavis.engines.dialogue_knowledge import KnowledgeDialogue

    return KnowledgeDialogue(knowledge, cache)


def _heart(cache: Path) -> Tts:
    from visavis.engines.tts_hibari import HibariTts

    return HibariTts()


def _joe(cache: Path) -> Tts:
    from visavis.engines.tts_piper import PiperTts

    return PiperTts(cache)


_VOICES: Final[dict[str, Callable[[Path], Tts]]] = {"heart": _heart, "joe": _joe}
_HEART: Final = Voice("heart", "en-US", "Woman, American English, answers fastest", "Apache-2.0")
_JOE: Final = Voice("joe", "en-US", "Man, American English", "MIT; its engine piper is GPL-3.0")


def voices() -> tuple[Voice, ...]:
    """Every voice that `tts` knows, without loading any."""
    return (_HEART, _JOE)


def tts(name: str, cache: Path) -> Tts:
    """The voice of that name. Raises EngineError, and KeyError for a name not in `voices`."""
    return _VOICES[name](cache)
