"""Voice "heart": hibari, a small Kokoro student that speaks some 90 times faster than real time.

Pauses and levels come from `utterance`, the reading of numbers from `spoken`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
from hibari import dsp, voices  # type: ignore[import-untyped]

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
from visavis.engines.language.spoken import Written, spell
from visavis.engines.voices import misaki, pacing, utterance
from visavis.engines.voices.utterance import Phone, Take

# The network's durations run behind its sound by this much: forced alignment with pocketsphinx
# over 20 sentences, confirmed by the energy of sibilants and vowels (`bench/sound/speech.py`).
LATE: Final = 0.042  # s
GAIN: Final = 10 ** (4.9 / 20)  # from -24.9 dBFS, the mean over 20 sentences, to utterance.LEVEL
WORDS_AT_ONCE: Final = 18  # about 6 s of speech and 100 ms of work
_EDGE: Final = ("", -1)  # the silence before and after
_PITCH: Final = "pitch"


VOICE: Final = Voice(
    name="heart",
    language="en-US",
    description="American woman, warm; the quickest to answer",
    licence="Apache-2.0",
)


def load(home: Path) -> HibariTts:
    """The voice; it keeps nothing under `home`. Raises EngineError."""
    del home
    return HibariTts()


class HibariTts:
    """American English, female; phonemes in misaki's symbols, "ˈA" a stressed one.

    Construction takes about 1 s.
    """

    voice = VOICE

    def __init__(self, threads: int = 1) -> None:
        try:
            # Never True: a kiosk must not wait for a download that cannot come.
            model = voices.voice_path(self.voice.name, download_missing=False)
            self._session = _session(model, threads)
            self._reader = misaki.Reader()
            vocabulary = Path(voices.ASSETS, "vocab.json").read_text(encoding="utf-8")
        except Exception as error:
            msg = f"{self.voice.name}: cannot load the voice"
            raise EngineError(msg) from error
        self._ids: dict[str, int] = json.loads(vocabulary)

    def synthesize(self, text: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """One piece for a clause of up to WORDS_AT_ONCE words, more for longer texts."""
        clause = spell(text)
        for start, end in utterance.portions(clause, WORDS_AT_ONCE):
            try:
                yield self._speak(clause[start:end], prosody)
            except Exception as error:
                msg = f"{self.voice.name}: synthesis failed"
                raise EngineError(msg) from error

    def _speak(self, clause: Sequence[Written], prosody: Prosody) -> Speech:
        words = [written.text for written in clause]
        symbols = self._symbols(clause)
        if not any(symbol.isalpha() for symbol, _ in symbols):
            return utterance.silence(words, "misaki")
        audio, edges = self._synthesize([symbol for symbol, _ in symbols], prosody)
        spans = (
            Phone(symbol, start, end, word)
            for (symbol, word), (start, end) in zip(
                [_EDGE, *symbols, _EDGE], pairwise(edges), strict=True
            )
        )
        sounds = utterance.shifted(utterance.sounds(spans), -LATE / prosody.speed)
        audio = utterance.energetic(utterance.resample(audio, dsp.SR), prosody.energy)
        take = Take(audio, utterance.settled(sounds, audio, PLAY_RATE), words, 0)
        tail = utterance.pause_after(clause[-1].spoken) / prosody.speed
        return utterance.speech(utterance.trimmed(take, head=True, tail=tail), GAIN, "misaki")

    def _symbols(self, clause: Sequence[Written]) -> list[tuple[str, int]]:
        """Every phoneme symbol with the index of the written word that it belongs to."""
        return [each for each in self._reader.symbols(clause) if each[0] in self._ids]

    def _synthesize(self, symbols: Sequence[str], prosody: Prosody) -> tuple[Floats, list[float]]:
        """Audio at dsp.SR; the edges in s of: silence, each symbol, silence."""
        ids = [0, *(self._ids[symbol] for symbol in symbols), 0]
        inputs = {
            "ids": np.array([ids], np.int64),
            "speed": np.ones(1, np.float32),
            pacing.PACE: np.array([1 / prosody.speed], np.float32),
            _PITCH: np.array([2 ** (prosody.pitch / 12)], np.float32),
        }
        *spectrum, durations = self._session.run(None, inputs)
        # The same noise each time: a text sounds the same whatever was said before it.
        noise = np.random.default_rng(0)
        audio: Floats = dsp.synth(*(part[0] for part in spectrum), noise)
        frames = np.cumsum(durations.reshape(-1))
        # Scaled, because a decoder frame is half a duration unit and rounding may differ.
        return audio, [0.0, *(frames * (len(audio) / dsp.SR / frames[-1])).tolist()]


def _session(model: str, threads: int) -> Any:  # onnxruntime has no types
    """The network with one output more, how long each symbol lasts, and _PITCH as an input."""
    network = onnx.load(model)
    durations = pacing.paced(network, _durations(network), least=1)
    _pitch(network)
    network.graph.output.append(
        onnx.helper.make_tensor_value_info(durations, onnx.TensorProto.FLOAT, None)
    )
    return onnxruntime.InferenceSession(
        network.SerializeToString(), networks.options(threads), providers=["CPUExecutionProvider"]
    )


def _durations(network: onnx.ModelProto) -> str:
    """The tensor of whole durations: the one Clip whose input is rounded."""
    made = {output: node.op_type for node in network.graph.node for output in node.output}
    names: list[str] = [
        node.output[0]
        for node in network.graph.node
        if node.op_type == "Clip" and made.get(node.input[0]) == "Round"
    ]
    if len(names) != 1:
        msg = f"hibari: expected one duration tensor, found {len(names)}"
        raise EngineError(msg)
    return names[0]


def _pitch(network: onnx.ModelProto) -> None:
    """Scale the predicted f0 by a new input, before the decoder and the pulses take it.

    The formants stay. Scaled only in front of the pulses, as is simpler, the voice would be
    rougher: its third branch has the old pitch (periodicity at -3 semitones 0.87 for 0.92).
    """
    nodes = network.graph.node
    makers = [(at, node) for at, node in enumerate(nodes) if "f0" in node.output]
    if len(makers) != 1:
        msg = f"hibari: expected one tensor f0, found {len(makers)}"
        raise EngineError(msg)
    at, maker = makers[0]
    maker.output[list(maker.output).index("f0")] = "f0_plain"
    nodes.insert(at + 1, onnx.helper.make_node("Mul", ["f0_plain", _PITCH], ["f0"]))
    given = onnx.helper.make_tensor_value_info(_PITCH, onnx.TensorProto.FLOAT, [1])
    network.graph.input.append(given)
