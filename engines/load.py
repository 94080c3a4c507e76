"""Names to engines: the one place that knows every adapter, imported when it is asked for."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from visavis.engines.base import Dialogue, EchoCanceller, Motion, Renderer, Stt, Tts, Vad, Voice
from visavis.models import manifest
from visavis.models.avatar import Avatar

EXAMPLE: Final = Path(__file__).parent / "data" / "hotel.md"


def vad() -> Vad:
    """Voice activity for one microphone."""
    from visavis.engines.vad_webrtc import WebrtcVad

    return WebrtcVad()


def echo() -> EchoCanceller:
    """Echo canceller for one session."""
    from visavis.engines.echo_webrtc import WebrtcEcho

    return WebrtcEcho()


def stt() -> Stt:
    """The embedded English speech recognition. Raises ManifestError, EngineError."""
    from visavis.engines.stt_whisper import WhisperStt

    return WhisperStt(manifest.locate("whisper-tiny-en").parent)


def motion(seed: int) -> Motion:
    """A living face, different for each seed."""
    from visavis.engines.motion_visemes import VisemeMotion

    return VisemeMotion(seed)


def renderer(avatar: Avatar, width: int, height: int) -> Renderer:
    """The generator for an avatar. Raises EngineError."""
    from visavis.engines.render_warp import WarpRenderer

    return WarpRenderer(avatar, width, height)


def dialogue(name: str, knowledge: Path | None, cache: Path) -> Dialogue:
    """`echo`, or `knowledge` over its file (None: the hotel example).

    Raises KnowledgeError, ManifestError, EngineError.
    """
    if name == "echo":
        from visavis.engines.dialogue_echo import EchoDialogue

        return EchoDialogue()
    from visavis.engines.dialogue_knowledge import KnowledgeDialogue
    from visavis.engines.embed_minilm import MiniLm

    embedder = MiniLm(manifest.locate("minilm"), manifest.locate("minilm-tokenizer"))
    return KnowledgeDialogue(knowledge or EXAMPLE, embedder, cache)


def tts(name: str, cache: Path) -> Tts:
    """The voice of that name. Raises EngineError, and ImportError if its package is left out."""
    if name == "joe":
        from visavis.engines.tts_piper import PiperTts

        return PiperTts(cache)
    from visavis.engines.tts_hibari import HibariTts

    return HibariTts()


@cache
def voices() -> tuple[Voice, ...]:
    """Every voice whose package is installed, without loading any: piper may be left out."""
    found: list[Voice] = []
    try:
        from visavis.engines.tts_hibari import HibariTts

        found.append(HibariTts.voice)
    except ImportError:
        pass
    try:
        from visavis.engines.tts_piper import PiperTts

        found.append(PiperTts.voice)
    except ImportError:
        pass
    return tuple(found)
