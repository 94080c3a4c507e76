"""Names to engines: the one place that knows every adapter, imported when it is asked for.

`home` is the directory for state: caches, and models that were pulled.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from visavis.engines.base import (
    PLAY_RATE,
    Dialogue,
    Draw,
    EchoCanceller,
    FaceState,
    Generator,
    Lips,
    Motion,
    Stt,
    Tts,
    Vad,
    Voice,
    draw_one,
)
from visavis.engines.direction.director import Director
from visavis.models import arkit, manifest
from visavis.models.avatar.file import Avatar

if TYPE_CHECKING:
    from visavis.engines.language.minilm import MiniLm
    from visavis.engines.lips.sound_visemes import SoundVisemes

_LOADING: Final = Lock()
EXAMPLE: Final = Path(__file__).parent / "data" / "hotel.md"


def _model(name: str, home: Path) -> Path:
    """A model's file, from its package or from where `visavis models pull` puts it."""
    return manifest.locate(name, home / "models")


def vad() -> Vad:
    """Voice activity for one microphone."""
    from visavis.engines.ears.vad_webrtc import WebrtcVad

    return WebrtcVad()


def echo() -> EchoCanceller:
    """Echo canceller for one session."""
    from visavis.engines.ears.echo_webrtc import WebrtcEcho

    return WebrtcEcho()


def stt(home: Path) -> Stt:
    """The embedded English speech recognition. Raises ManifestError, EngineError."""
    from visavis.engines.ears.stt_whisper import WhisperStt

    return WhisperStt(_model("whisper-tiny-en", home).parent)


def motion(seed: int) -> Motion:
    """A living face, different for each seed."""
    from visavis.engines.motion.viseme_motion import VisemeMotion

    return VisemeMotion(seed)


def sound_visemes() -> SoundVisemes:
    """Mouth shapes from one stream of sound at PLAY_RATE. Raises ManifestError, EngineError."""
    from visavis.engines.lips.sound_visemes import SoundVisemes

    return SoundVisemes(manifest.locate("sound-visemes"), PLAY_RATE)


def lips() -> Lips:
    """Lips for one live stream of sound. Raises ManifestError, EngineError."""
    from visavis.engines.lips.sound_speech import SoundSpeech

    return SoundSpeech(sound_visemes())


def generator(width: int, height: int) -> Generator:
    """Who draws all pictures of a process, each of that size. Raises EngineError."""
    from visavis.engines.render.warp import WarpGenerator

    return WarpGenerator(width, height)


def drawing(avatar: Avatar, width: int = 512, height: int = 512) -> Draw:
    """Pictures of one avatar, one by one, for all but a server. Raises EngineError."""
    made = generator(width, height)
    return partial(draw_one, made, made.prepare(avatar))


def warm(draw: Draw) -> None:
    """Draw every part of a face once: what is compiled on its first call is ready after that."""
    draw(FaceState())
    draw(FaceState(np.full(arkit.COUNT, 0.5, np.float32)))


def dialogue(name: str, knowledge: Path | None, home: Path) -> Dialogue:
    """`echo`, or `knowledge` over its file (None: the hotel example).

    Raises KnowledgeError, ManifestError, EngineError.
    """
    if name == "echo":
        from visavis.engines.dialogue.echo import EchoDialogue

        return EchoDialogue()
    from visavis.engines.dialogue.knowledge import KnowledgeDialogue

    return KnowledgeDialogue(knowledge or EXAMPLE, _embedder(home), home / "cache")


def director(home: Path) -> Director:
    """Who understands directions; shares its embeddings with the dialogue.

    Raises ManifestError, EngineError.
    """
    return Director(_embedder(home), home / "cache")


def _embedder(home: Path) -> MiniLm:
    """One for all who embed: loaded once, whoever asks first."""
    with _LOADING:
        return _loaded_embedder(home)


@cache
def _loaded_embedder(home: Path) -> MiniLm:
    from visavis.engines.language.minilm import MiniLm

    return MiniLm(_model("minilm", home), _model("minilm-tokenizer", home))


def tts(name: str, home: Path) -> Tts:
    """The voice of that name. Raises EngineError, and ImportError if its package is left out."""
    if name == "joe":
        from visavis.engines.voices.piper import PiperTts

        return PiperTts(home / "cache")
    from visavis.engines.voices.hibari import HibariTts

    return HibariTts()


@cache
def voices() -> tuple[Voice, ...]:
    """Every voice whose package is installed, without loading any: piper may be left out."""
    found: list[Voice] = []
    try:
        from visavis.engines.voices.hibari import HibariTts

        found.append(HibariTts.voice)
    except ImportError:
        pass
    try:
        from visavis.engines.voices.piper import PiperTts

        found.append(PiperTts.voice)
    except ImportError:
        pass
    return tuple(found)
