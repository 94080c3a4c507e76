"""A whisper network through CTranslate2, on as little padding as it bears: sound in, tokens out.

Whisper was trained on 30 s windows; stock padding makes a 3 s clip five times as slow. Here the
encoder sees the clip and about a second more, and more than that of a word or two. That tempts it
to say a clip again and again, so the length of its answer is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ctranslate2  # type: ignore[import-untyped]
import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]
from tokenizers import Tokenizer

from visavis.engines.base import HEAR_RATE, EngineError, Floats, Pcm
from visavis.engines.ears.hallucinations import is_repeated

FULL: Final = 3000  # feature frames in whisper's own window
_HOP: Final = 160  # samples in a feature frame
_ENCODED: Final = 2 * _HOP  # samples in a frame of the encoder's output
_MORE: Final = 100  # frames after the speech; 300 repeats itself less and takes 60 % longer
# Least frames by samples of the clip. With 400 a third of all single words was recognised and a
# clip of two seconds was said twice in one of eight; the price is 7 to 25 ms.
_LEAST: Final = ((3 * HEAR_RATE // 2, 1200), (5 * HEAR_RATE // 2, 800), (30 * HEAR_RATE, 400))
_SHORT: Final = _LEAST[0][0]
_LEAD: Final = 3 * HEAR_RATE // 10  # samples before a short clip: whisper misses what begins at 0
_HISS: Final = 10.0  # RMS of what stands in it, -70 dBFS
_TOKENS: Final = 12
# Of the tokens that there may be, so many are written first: one clip of eight is said again and
# again up to the bound, which took 130 ms where 80 were enough. What is longer is written anew.
_FEW: Final = 7
_LIKELY: Final = 0.62
_NOISE: Final = 0.5  # of no_speech: laughter is written as words without end, and none is believed
_MAX_PROMPT: Final = 64  # tokens

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Written:
    """What the decoder wrote.

    no_speech: probability of whisper's token for that. log_probability: mean over the tokens, at
    most 0. whole: whether it came to an end by itself.
    """

    text: str
    no_speech: float
    log_probability: float
    whole: bool


class Whisper:
    """One network; safe to share, a call at a time is quickest.

    Nothing is ever downloaded. Construction of tiny takes 0.5 s, of base 1 s, the import 1 s.
    """

    def __init__(self, name: str, model: Path | Files, threads: int = 2) -> None:
        """model: a folder with model.bin, config.json, tokenizer.json and vocabulary.txt, or the
        same files by name. Raises EngineError."""
        try:
            files = None if isinstance(model, Path) else dict(model)
            self._network: Any = ctranslate2.models.Whisper(
                str(model) if isinstance(model, Path) else name,
                device="cpu",
                compute_type="int8",
                intra_threads=threads,
                files=files,
            )
            self._tokenizer = (
                Tokenizer.from_file(str(model / "tokenizer.json"))
                if isinstance(model, Path)
                else Tokenizer.from_buffer(model["tokenizer.json"])
            )
        except Exception as error:
            msg = f"{name}: cannot load the speech recogniser"
            raise EngineError(msg) from error
        self._features = FeatureExtractor()
        self._before = self.special("startofprev")
        lead = np.random.default_rng(0).normal(0.0, _HISS, _LEAD)
        self._lead = np.rint(lead).astype(np.int16)

    def special(self, name: str) -> int:
        """The number of one of its special tokens. Raises EngineError."""
        token = self._tokenizer.token_to_id(f"<|{name}|>")
        if token is None:
            msg = f"whisper: the tokenizer has no {name}"
            raise EngineError(msg)
        return int(token)

    def primed(self, start: Sequence[int], before: str) -> list[int]:
        """The start of a transcript, after what whisper takes for the text before it.

        What the transcript itself begins with could be given as well, from an earlier one of the
        same sound, but saves nothing: CTranslate2 decodes it token by token.
        """
        text = before.strip()
        ids = self._tokenizer.encode(f" {text}", add_special_tokens=False).ids if text else []
        return [self._before, *ids[-_MAX_PROMPT:], *start] if ids else list(start)

    def encode(self, pcm: Pcm, frames: int) -> Any:
        """A clip at HEAR_RATE as the encoder sees it, padded to so many feature frames at least."""
        padded = self.padded(pcm, frames)[None]
        return self._network.encode(ctranslate2.StorageView.from_array(padded))

    def write(self, encoded: Any, prompt: Sequence[int], longest: int) -> Written:
        """What the decoder makes of it, of `longest` tokens or a few more at most."""
        written = self._write(encoded, prompt, round(_FEW + _LIKELY * longest))
        if written.whole or written.no_speech > _NOISE or is_repeated(written.text):
            return written
        return self._write(encoded, prompt, _TOKENS + longest)

    def _write(self, encoded: Any, prompt: Sequence[int], most: int) -> Written:
        result = self._network.generate(
            encoded,
            [list(prompt)],
            beam_size=1,
            # CTranslate2 generates half of max_length at most, or what the prompt leaves of it.
            max_length=len(prompt) + 2 * most,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = result.sequences_ids[0]
        return Written(
            self._tokenizer.decode(tokens, skip_special_tokens=True).strip(),
            float(result.no_speech_prob),
            min(float(result.scores[0]), 0.0),
            len(tokens) < most,
        )

    def languages(self, encoded: Any) -> dict[str, float]:
        """Whisper's names of languages to their probabilities, of a network that knows several."""
        (found,) = self._network.detect_language(encoded)
        return {token.strip("<|>"): float(probability) for token, probability in found}

    def padded(self, pcm: Pcm, least_frames: int) -> Floats:
        """(80, frames) float32, an even number of frames.

        Padded with 0, which is no silence but a faint hiss: over true silence whisper repeated
        itself four times as often.
        """
        pcm = pcm[: FULL * _HOP]
        if len(pcm) < _SHORT:
            pcm = np.concatenate([self._lead, pcm])
        features = self._features(pcm.astype(np.float32) / 32768)[:, :FULL]
        frames = min(FULL, max(least_frames, features.shape[1] + _MORE))
        frames += frames % 2
        short = max(0, frames - features.shape[1])
        padded: Floats = np.pad(features, ((0, 0), (0, short))).astype(np.float32)
        return np.ascontiguousarray(padded)


def clip_alone(encoded: Any, samples: int) -> Floats:
    """(frames, channels): the encoder's output over the clip itself, of so many samples."""
    first = _LEAD // _ENCODED if samples < _SHORT else 0
    return np.asarray(encoded, np.float32)[0, first : first + samples // _ENCODED]


def least(samples: int) -> int:
    """Feature frames that a clip of so many samples is padded to at least."""
    return next((frames for below, frames in _LEAST if samples < below), _LEAST[-1][1])
