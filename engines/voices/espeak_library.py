"""espeak-ng, as piper's package carries it: sound, and the exact times of sounds and words.

The library keeps its state in globals and serves piper's own reading of phonemes as well, so all
who use it in a process hold LOCK. It needs some 7 ms for 4 s of speech.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import piper
from piper import espeakbridge

from visavis.engines.base import EngineError, Floats
from visavis.engines.language.espeak_lock import LOCK

# Names and numbers of espeak-ng's speak_lib.h.
_SYNCHRONOUS: Final = 2
_PHONEME_EVENTS: Final = 1
_IPA: Final = 1
_UTF8: Final = 1
_END, _WORD, _PHONEME = 0, 1, 7
_RATE, _PITCH, _RANGE, _CAPITALS = 1, 3, 4, 6
_SEED: Final = 1


class _Id(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_void_p),
        ("string", ctypes.c_char * 8),
    )


class Event(ctypes.Structure):
    """espeak_EVENT."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event)
)


@dataclass(frozen=True, slots=True)
class Sound:
    """A phoneme as IPA, "" for a pause; `start` in samples; at: of the character in the text."""

    symbol: str
    start: int
    at: int


@dataclass(slots=True)
class Uttered:
    """audio: float32 at `rate` Hz."""

    rate: int
    audio: Floats
    sounds: list[Sound] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Manner:
    """voice: espeak-ng's, as "de+f2". rate: words a minute in [80, 450]. pitch: 0 to 100."""

    voice: str
    rate: int = 165
    pitch: int = 50


class Espeak:
    """The one of this process; see `library`."""

    def __init__(self) -> None:
        """Raises EngineError."""
        data = Path(piper.__file__).parent / "espeak-ng-data"
        try:
            self._library = ctypes.CDLL(espeakbridge.__file__)
            with LOCK:
                self._rate = self._library.espeak_Initialize(
                    _SYNCHRONOUS, 0, str(data).encode(), _PHONEME_EVENTS
                )
        except (OSError, AttributeError) as error:
            msg = "espeak-ng: the library of piper-tts cannot be used"
            raise EngineError(msg) from error
        if self._rate <= 0:
            msg = f"espeak-ng: no data in {data}"
            raise EngineError(msg)
        self._keep = Callback(self._take)  # the library holds no reference
        self._parts: list[Floats] = []
        self._sounds: list[Sound] = []
        self._word = 0

    def say(self, text: str, manner: Manner) -> Uttered:
        """A text without mark-up. Raises EngineError where nothing comes of it."""
        with LOCK:
            self._prepare(manner)
            data = text.replace("\0", " ").encode()
            self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
            self._library.espeak_Synchronize()
            parts, sounds = self._parts, self._sounds
            self._parts, self._sounds = [], []
        if not parts:
            msg = "espeak-ng: it said nothing"
            raise EngineError(msg)
        return Uttered(self._rate, np.concatenate(parts), sounds)

    def _prepare(self, manner: Manner) -> None:
        """All of its state that anybody else may have changed."""
        library = self._library
        if library.espeak_SetVoiceByName(manner.voice.encode()):
            msg = f"espeak-ng: there is no voice {manner.voice!r}"
            raise EngineError(msg)
        library.espeak_ng_SetPhonemeEvents(1, _IPA)
        library.espeak_ng_SetRandSeed(_SEED)
        library.espeak_SetSynthCallback(self._keep)
        settings: Mapping[int, int] = {
            _RATE: manner.rate, _PITCH: manner.pitch, _RANGE: 50, _CAPITALS: 0,
        }  # fmt: skip
        for setting, value in settings.items():
            library.espeak_SetParameter(setting, value, 0)
        self._word = 0

    def _take(self, wave: Any, count: int, events: Any) -> int:
        """Called by the library for each stretch of sound."""
        if count and wave:
            samples = np.ctypeslib.as_array(wave, (count,))
            self._parts.append(samples.astype(np.float32) / np.float32(32_768))
        for event in _listed(events):
            if event.type == _WORD:
                self._word = event.text_position - 1
            elif event.type == _PHONEME:
                symbol = bytes(event.id.string).split(b"\0")[0].decode("utf-8", "ignore")
                self._sounds.append(Sound(symbol, event.sample, self._word))
        return 0


def _listed(events: Any) -> Iterator[Any]:
    index = 0
    while events[index].type != _END:
        yield events[index]
        index += 1


@cache
def library() -> Espeak:
    """The one of this process. Raises EngineError."""
    return Espeak()
