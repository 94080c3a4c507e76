"""Speech to text: whisper tiny.en through CTranslate2, on as little padding as it bears.

Whisper was trained on 30 s windows; stock padding makes a 3 s clip five times as slow. Here the
encoder sees the clip and about a second more, and more than that of a word or two. That tempts it
to say a clip again and again, so the length of its answer is bounded; `hallucinations` cuts
repetitions off and doubts what was never said.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ctranslate2  # type: ignore[import-untyped]
import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]
from tokenizers import Tokenizer

from visavis.engines.base import HEAR_RATE, EngineError, Floats, Pcm, Transcript
from visavis.engines.ears.foreign_speech import ForeignSpeech
from visavis.engines.ears.hallucinations import Guess, doubt_of, is_repeated, said_once

_HOP: Final = 160  # samples in a feature frame
_ENCODED: Final = 2 * _HOP  # samples in a frame of the encoder's output
_FULL: Final = 3000  # frames in whisper's own window
_MORE: Final = 100  # frames after the speech; 300 repeats itself less and takes 60 % longer
# Least frames by samples of the clip. With 400 a third of all single words was recognised and a
# clip of two seconds was said twice in one of eight; the price is 7 to 25 ms.
_LEAST: Final = ((3 * HEAR_RATE // 2, 1200), (5 * HEAR_RATE // 2, 800), (30 * HEAR_RATE, 400))
_SHORT: Final = _LEAST[0][0]
_LEAD: Final = 3 * HEAR_RATE // 10  # samples before a short clip: whisper misses what begins at 0
_HISS: Final = 10.0  # RMS of what stands in it, -70 dBFS
_TOKENS: Final = 12
_TOKENS_PER_SECOND: Final = 6  # quick talkers reach 5
# So many are written first: one clip of eight is said again and again up to the bound, which took
# 130 ms where 80 were enough. What is longer is written once more.
_FEW: Final = 7
_FEW_PER_SECOND: Final = 3.7
_MAX_PROMPT: Final = 64  # tokens


@dataclass(frozen=True, slots=True)
class _Written:
    """Whisper's text, and whether it came to its end; no_speech and sure: see Guess."""

    text: str
    no_speech: float
    sure: float  # its log_probability
    whole: bool


class WhisperStt:
    """English. `prompt` holds words to expect, such as the house's names (`bench/sound/speech.py`).

    model: a directory with model.bin, config.json, tokenizer.json and vocabulary.txt. Nothing is
    ever downloaded. Construction takes 0.5 s, the import 1 s.
    """

    def __init__(
        self,
        model: Path,
        threads: int = 2,
        prompt: str = "",
        foreign: ForeignSpeech | None = None,
    ) -> None:
        """foreign: tells other languages; None: all is English. Raises EngineError."""
        try:
            self._whisper: Any = ctranslate2.models.Whisper(
                str(model), device="cpu", compute_type="int8", intra_threads=threads
            )
            self._tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        except Exception as error:
            msg = f"{model.name}: cannot load the speech recogniser"
            raise EngineError(msg) from error
        self._features = FeatureExtractor()
        self._prompt, self._foreign = prompt, foreign
        self._start, self._before, self._no_times = map(
            self._special, ("startoftranscript", "startofprev", "notimestamps")
        )
        lead = np.random.default_rng(0).normal(0.0, _HISS, _LEAD)
        self._lead = np.rint(lead).astype(np.int16)

    def transcribe(self, pcm: Pcm, before: str = "") -> Transcript:
        """One utterance at HEAR_RATE, up to 30 s; the rest of a longer one is not heard.

        before: the words just before this sound, where it goes on in the middle of them.
        """
        try:
            guess = self._hear(pcm, _least(len(pcm)), before)
            once = said_once(guess)
            if once is None:
                guess = self._hear(pcm, _FULL, before)
                once = said_once(guess)
        except Exception as error:
            msg = "whisper: transcription failed"
            raise EngineError(msg) from error
        # Still repeating itself with the padding it knows: there was nothing to understand.
        doubt = doubt_of(guess, once) if once else 1.0
        return Transcript(once or "", doubt, guess.foreign, 1.0 - guess.no_speech)

    def _special(self, name: str) -> int:
        token = self._tokenizer.token_to_id(f"<|{name}|>")
        if token is None:
            msg = f"whisper: the tokenizer has no {name}"
            raise EngineError(msg)
        return int(token)

    def _primed(self, before: str) -> list[int]:
        """The start of a transcript, after what whisper takes for the text before it.

        What the transcript itself begins with could be given as well, from an earlier one of the
        same sound, but saves nothing: CTranslate2 decodes it token by token.
        """
        earlier = self._tokens(f"{self._prompt} {before}")[-_MAX_PROMPT:]
        start = [self._before, *earlier] if earlier else []
        return [*start, self._start, self._no_times]

    def _tokens(self, text: str) -> list[int]:
        text = text.strip()
        return (
            list(self._tokenizer.encode(f" {text}", add_special_tokens=False).ids) if text else []
        )

    def _hear(self, pcm: Pcm, least: int, before: str) -> Guess:
        seconds = min(len(pcm) / HEAR_RATE, 30.0)
        prompt = self._primed(before)
        encoded = self._whisper.encode(
            ctranslate2.StorageView.from_array(self._padded(pcm, least)[None])
        )
        written = self._written(encoded, prompt, seconds)
        return Guess(
            text=written.text,
            seconds=seconds,
            no_speech=written.no_speech,
            log_probability=written.sure,
            foreign=self._is_foreign(encoded, len(pcm), written.sure),
        )

    def _written(self, encoded: Any, prompt: list[int], seconds: float) -> _Written:
        """What whisper writes, up to the bound where it is more than was to be expected."""
        most = _TOKENS + round(_TOKENS_PER_SECOND * seconds)
        few = round(_FEW + _FEW_PER_SECOND * seconds)
        written = self._up_to(few, encoded, prompt)
        if written.whole or is_repeated(written.text):
            return written
        return self._up_to(most, encoded, prompt)

    def _up_to(self, count: int, encoded: Any, prompt: list[int]) -> _Written:
        result = self._whisper.generate(
            encoded,
            [prompt],
            beam_size=1,
            # CTranslate2 generates half of max_length at most, or what the prompt leaves of it.
            max_length=len(prompt) + 2 * count,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = result.sequences_ids[0]
        return _Written(
            self._tokenizer.decode(tokens, skip_special_tokens=True).strip(),
            float(result.no_speech_prob),
            min(float(result.scores[0]), 0.0),
            len(tokens) < count,
        )

    def _is_foreign(self, encoded: Any, samples: int, sure: float) -> float:
        """The probability of it, by the encoder's output over the clip itself."""
        if self._foreign is None:
            return 0.0
        first = _LEAD // _ENCODED if samples < _SHORT else 0
        heard = np.asarray(encoded, np.float32)[0, first : first + samples // _ENCODED]
        return self._foreign.probability(heard, sure, samples / HEAR_RATE)

    def _padded(self, pcm: Pcm, least: int) -> Floats:
        """(80, frames) float32, an even number of frames.

        Padded with 0, which is no silence but a faint hiss: over true silence whisper repeated
        itself four times as often.
        """
        pcm = pcm[: _FULL * _HOP]
        if len(pcm) < _SHORT:
            pcm = np.concatenate([self._lead, pcm])
        features = self._features(pcm.astype(np.float32) / 32768)[:, :_FULL]
        frames = min(_FULL, max(least, features.shape[1] + _MORE))
        frames += frames % 2
        short = max(0, frames - features.shape[1])
        padded: Floats = np.pad(features, ((0, 0), (0, short))).astype(np.float32)
        return np.ascontiguousarray(padded)


def _least(samples: int) -> int:
    """Feature frames that a clip of so many samples is padded to at least."""
    return next((frames for below, frames in _LEAST if samples < below), _LEAST[-1][1])
